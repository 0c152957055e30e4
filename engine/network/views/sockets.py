"""The sockets of a network namespace and whose they are, as ss(8) shows them.

Asked of the kernel's sock_diag(7), which is inside the namespace and tells in binary what /proc/net tells in text,
and more: how many connections may wait at a listener. Raw sockets are read from /proc/net, for their part of
sock_diag is a module that few machines have (CONFIG_INET_RAW_DIAG). psutil knows neither queues nor other namespaces.

Imports the netlink socket, and psutil for the list of processes. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Literal, NamedTuple

import psutil  # type: ignore[import-untyped]

from engine.network.kernel.netlink import Netlink, attributes
from engine.protocol.network import Socket

MOST = 10_000  # sockets that are told of; those that wait for their end (TIME-WAIT) are the first to be left out

Name = Literal["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix"]
_INET_KINDS: tuple[tuple[Name, int, int], ...] = (
    ("tcp", socket.AF_INET, socket.IPPROTO_TCP),
    ("tcp6", socket.AF_INET6, socket.IPPROTO_TCP),
    ("udp", socket.AF_INET, socket.IPPROTO_UDP),
    ("udp6", socket.AF_INET6, socket.IPPROTO_UDP),
)
_RAW_KINDS: tuple[Name, ...] = ("raw", "raw6")

# include/net/tcp_states.h, in the words of ss(8); 7 is CLOSE, which is all that a datagram socket is without a peer.
_STATES = (
    "? ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT UNCONN CLOSE-WAIT LAST-ACK LISTEN CLOSING SYN-RECV"
).split()
_ESTAB, _TIME_WAIT, _LISTEN = 1, 6, 10

# include/uapi/linux/{sock_diag,inet_diag,unix_diag}.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_EVERY_STATE = 0xFFFFFFFF
_INET_REQUEST = Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, any inet_diag_sockid
_INET_ID = Struct("!HH16s16s")  # inet_diag_sockid at byte 4 of inet_diag_msg: ports and addresses, own first
_INET_REST = Struct("=IIII")  # at byte 56: receive queue, send queue, uid, inode
_UNIX_REQUEST = Struct("=BBxxIII8x")  # unix_diag_req: family, protocol, states, inode, what to show, cookie
_UNIX = Struct("=xBBxI8x")  # unix_diag_msg: type, state, inode
_SHOW = 0x1 | 0x10 | 0x40  # UDIAG_SHOW_NAME, _RQLEN, _UID
_UNIX_NAME, _UNIX_QUEUES, _UNIX_UID = 0, 4, 7  # UNIX_DIAG_…
_QUEUES = Struct("=II")
_NUMBER = Struct("=I")
_STATE_AT = {"unix": 2}  # byte of the message; 1 of all others

_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")


class Found(NamedTuple):
    """A socket as the kernel tells of it. `inode` 0: no process has it any more."""

    protocol: Name
    state: str
    local: str
    remote: str
    received: int
    sent: int
    uid: int | None
    inode: int


class Holder(NamedTuple):
    """A process that has a socket open."""

    pid: int
    command: str


def sockets(pids: Iterable[int] | None = None) -> list[Socket]:
    """Those of the network namespace that this thread is in, listeners first; EngineError if the kernel tells of none.

    `pids`: only what these processes have open, where the namespace is shared with others than containers."""
    found = [*_asked(), *_raw()]
    owners = holders(_here() if pids is None else pids)
    if pids is not None:
        found = [each for each in found if each.inode in owners]
    return [_told(each, owners.get(each.inode)) for each in found[:MOST]]


def holders(pids: Iterable[int]) -> dict[int, Holder]:
    """Who has which socket open, by its inode; of several the one with the lowest pid."""
    owners: dict[int, Holder] = {}
    for pid in sorted(pids):
        with suppress(OSError):  # it has ended, or is not ours to look into
            inodes = [inode for inode in _open_sockets(pid) if inode not in owners]
            if inodes:
                command = Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
                owners.update(dict.fromkeys(inodes, Holder(pid, command)))
    return owners


def _open_sockets(pid: int) -> Iterator[int]:
    with os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            with suppress(FileNotFoundError):  # closed meanwhile
                if (link := _SOCKET_LINK.fullmatch(os.readlink(descriptor.path))) is not None:
                    yield int(link[1])


def _here() -> list[int]:
    """All processes that are in the network namespace of this thread."""
    namespace = os.stat("/proc/thread-self/ns/net").st_ino

    def is_here(pid: int) -> bool:
        try:
            return os.stat(f"/proc/{pid}/ns/net").st_ino == namespace
        except OSError:
            return False

    return [pid for pid in psutil.pids() if is_here(pid)]


def _asked() -> list[Found]:
    """Those that sock_diag tells of, in order and at most MOST."""
    with Netlink(_NETLINK_SOCK_DIAG) as kernel:
        messages: list[tuple[Name, bytes]] = []
        for kind, family, protocol in _INET_KINDS:
            request = _INET_REQUEST.pack(family, protocol, 0, _EVERY_STATE)
            messages += [(kind, each) for each in kernel.dump(_SOCK_DIAG_BY_FAMILY, request, f"list {kind} sockets")]
        request = _UNIX_REQUEST.pack(socket.AF_UNIX, 0, _EVERY_STATE, 0, _SHOW)
        messages += [("unix", each) for each in kernel.dump(_SOCK_DIAG_BY_FAMILY, request, "list unix sockets")]
    messages.sort(key=_order)
    return [_unix(message) if kind == "unix" else _inet(kind, message) for kind, message in messages[:MOST]]


def _order(item: tuple[Name, bytes]) -> int:
    """Listeners, connections, the rest, what is over; sockets of the network before those of files."""
    kind, message = item
    state = message[_STATE_AT.get(kind, 1)]
    rank = {_LISTEN: 0, _ESTAB: 1, _TIME_WAIT: 5}.get(state, 2)
    return rank if kind != "unix" else max(3, rank + 3)


def _inet(kind: Name, message: bytes) -> Found:
    local_port, remote_port, local, remote = _INET_ID.unpack_from(message, 4)
    received, sent, uid, inode = _INET_REST.unpack_from(message, 56)
    family = message[0]
    state = message[1]
    peer = _place(family, remote, remote_port) if remote_port else ""
    return Found(kind, _state(state), _place(family, local, local_port), peer, received, sent, uid, inode)


def _place(family: int, address: bytes, port: int) -> str:
    if family == socket.AF_INET:
        return f"{socket.inet_ntop(family, address[:4])}:{port}"
    return f"[{socket.inet_ntop(family, address)}]:{port}"


def _state(number: int) -> str:
    return _STATES[number] if number < len(_STATES) else "?"


def _unix(message: bytes) -> Found:
    _, state, inode = _UNIX.unpack_from(message)
    told = attributes(message, _UNIX.size)
    received, sent = _QUEUES.unpack(told.get(_UNIX_QUEUES, bytes(8)))
    uid = _NUMBER.unpack(told[_UNIX_UID])[0] if _UNIX_UID in told else None  # since Linux 5.3
    path = told.get(_UNIX_NAME, b"")
    name = path.rstrip(b"\0").decode(errors="replace")
    if path.startswith(b"\0"):  # an abstract one, unix(7)
        name = "@" + path[1:].decode(errors="replace").replace("\0", "@")
    return Found("unix", _state(state), name, "", received, sent, uid, inode)


def _raw() -> list[Found]:
    found = []
    for kind in _RAW_KINDS:
        with suppress(FileNotFoundError):  # a kernel without IPv6
            lines = Path(f"/proc/thread-self/net/{kind}").read_text().splitlines()[1:]
            found += [_raw_line(kind, line.split()) for line in lines]
    return found


def _raw_line(kind: Name, columns: list[str]) -> Found:
    """A line of /proc/net/raw, proc_pid_net(5): the "port" is the protocol's number, addresses are host-ordered
    words in hexadecimal."""
    sent, _, received = columns[4].partition(":")
    uid, inode = int(columns[7]), int(columns[9])
    local, remote = _raw_place(columns[1]), _raw_place(columns[2])
    remote = "" if columns[2].strip("0") == ":" else remote
    return Found(kind, _state(int(columns[3], 16)), local, remote, int(received, 16), int(sent, 16), uid, inode)


def _raw_place(column: str) -> str:
    words, _, port = column.partition(":")
    address = b"".join(_NUMBER.pack(int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return _place(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address, int(port, 16))


def _told(found: Found, holder: Holder | None) -> Socket:
    return Socket(
        protocol=found.protocol,
        state=found.state,
        local=found.local,
        remote=found.remote,
        received=found.received,
        sent=found.sent,
        pid=holder.pid if holder else None,
        command=holder.command if holder else "",
        uid=found.uid,
    )
