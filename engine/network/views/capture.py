"""Traffic of one network namespace as it passes, as a pcap file in the making (packet(7)). Imports pcap, rtnetlink.

The kernel writes frames into a ring of blocks that it shares with us (TPACKET_V3, its packet_mmap.rst): no system call
per frame, a tenth of a second's or a block's worth at a time. The ring is also the only buffer there is: while nobody
takes blocks, because the client is slow, the kernel drops frames and counts them.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import math
import mmap
import socket
from collections.abc import AsyncGenerator
from struct import Struct
from typing import NamedTuple

from engine.errors import EngineError
from engine.network.kernel import rtnetlink
from engine.network.kernel.netlink import Netlink
from engine.network.views import pcap
from engine.network.views.pcap import LinkType
from engine.protocol.messages import CaptureChunk, ErrorCode

ANY = "any"  # all interfaces at once
BLOCK = 512 << 10  # bytes; a frame must fit, and offloading makes frames of 64 KiB and more
BLOCKS = 24
RETIRE = 0.1  # seconds after which a block that is not full is ours

# include/uapi/linux/if_packet.h
SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h
SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 5, 6, 10
TPACKET_V3 = 2
TP_STATUS_USER, TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1, 1 << 4, 1 << 6
_RING = Struct("=7I")  # tpacket_req3: block size and number, frame size and number, timeout in ms, two of no use
_STATISTICS = Struct("=III")  # tpacket_stats_v3: packets, drops, times that the ring was full
_STATUS_AT = 8  # byte of a block: its status, the number of its frames, where the first one begins
_BLOCK_HEADER = Struct("=III")
# tpacket3_hdr: next, seconds, nanoseconds, kept, length, status, link layer at, network layer at, hash, VLAN tag, its
# protocol; and sockaddr_ll: family, protocol, interface, hardware type, packet type, length of the address, address
_FRAME = Struct("=6IHHIIH10x2s2siHBB8s")

ETH_P_ALL, ETH_P_8021Q = 0x0003, 0x8100
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
_MACS = 12  # bytes of the two addresses of an Ethernet frame, which a VLAN's tag follows
_RETURN = Struct("=HBBI")  # struct sock_filter
_BPF_RET = 0x06


class Taken(NamedTuple):
    """Frames as they stand in the file. `full`: one more did not fit."""

    data: bytes
    packets: int
    full: bool


class Capture:
    """Made inside of the namespace, by `visit`; used from anywhere, by one thread at a time."""

    def __init__(self, interface: str | None = None, snaplen: int = pcap.LONGEST) -> None:
        """`interface`: None the first one that is not loopback; "any" all. EngineError where there is no such one, or
        the kernel does not let us."""
        self.snaplen = max(1, min(snaplen, pcap.LONGEST))
        self.dropped = 0
        self._at = 0  # the block that is next
        name = interface if interface is not None else first_interface()
        try:
            self.link_type, self._socket = _bound(name, self.snaplen)
        except OSError as error:
            raise _refusal(name, error) from None
        self._ring = mmap.mmap(self._socket.fileno(), BLOCK * BLOCKS)

    def fileno(self) -> int:
        """It is readable when `take` has something to give, or fails."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop."""
        self._ring.close()
        self._socket.close()

    def take(self, room: int) -> Taken | None:
        """The frames of the next block, as many as fit into `room` bytes; None: the kernel has no more yet.
        OSError(ENETDOWN) when the interface has gone down."""
        start = self._at * BLOCK
        status, number, first = _BLOCK_HEADER.unpack_from(self._ring, start + _STATUS_AT)
        if not status & TP_STATUS_USER:
            if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "capture")
            return None
        taken = self._records(start + first, number, room)
        self._ring[start + _STATUS_AT : start + _STATUS_AT + 4] = bytes(4)  # TP_STATUS_KERNEL: it is the kernel's again
        self._at = (self._at + 1) % BLOCKS
        self.dropped += _STATISTICS.unpack(self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size))[1]
        return taken

    def _records(self, at: int, number: int, room: int) -> Taken:
        parts: list[bytes] = []
        packets = 0
        ring, cooked = self._ring, self.link_type is LinkType.LINUX_SLL2
        for _ in range(number):
            (
                onward, seconds, nanoseconds, kept, length, status, mac, _, _, tag, tag_protocol,
                _, protocol, interface, hardware, kind, address_length, address,
            ) = _FRAME.unpack_from(ring, at)  # fmt: skip
            frame = ring[at + mac : at + mac + kept]
            at += onward
            if hardware == ARPHRD_LOOPBACK and kind == socket.PACKET_OUTGOING:
                continue  # it comes in again
            if cooked:
                header = pcap.SLL2.pack(
                    int.from_bytes(protocol, "big"), interface, hardware, kind, address_length, address
                )
                frame, length = header + frame, length + len(header)
            elif status & TP_STATUS_VLAN_VALID:  # the kernel keeps the tag apart
                tag_protocol = tag_protocol if status & TP_STATUS_VLAN_TPID_VALID else ETH_P_8021Q
                frame = frame[:_MACS] + _tag(tag_protocol, tag) + frame[_MACS:]
                length += 4
            frame = frame[: self.snaplen]
            room -= pcap.RECORD_HEADER.size + len(frame)
            if room < 0:
                return Taken(b"".join(parts), packets, True)
            parts.append(pcap.RECORD_HEADER.pack(seconds, nanoseconds, len(frame), length))
            parts.append(frame)
            packets += 1
        return Taken(b"".join(parts), packets, False)


async def chunks(capture: Capture, limit: int, ended: asyncio.Event) -> AsyncGenerator[CaptureChunk, None]:
    """The file, from its header on, until it has `limit` bytes, `ended` is set, or the interface goes. Closes the
    capture."""
    clock = asyncio.get_running_loop().time
    packets, late, deadline = 0, 0, math.inf
    try:
        header = pcap.file_header(capture.snaplen, capture.link_type)
        room = limit - len(header)
        yield CaptureChunk(data=header, packets=0, full=room <= 0)
        while room > 0 and late < BLOCKS:  # what came in time is in the ring
            late += clock() >= deadline
            try:
                taken = await asyncio.to_thread(capture.take, room)
                over = ended.is_set()
            except OSError:  # ENETDOWN: the interface has gone, as it does with its container
                taken, over = None, True
            if over:  # the last frames are with the kernel for a moment
                deadline = min(deadline, clock() + 2 * RETIRE)
            if taken is None and late:
                break
            if taken is None:
                await _more(capture, None if over else ended, deadline - clock())
                continue
            room = 0 if taken.full else room - len(taken.data)
            packets += taken.packets
            yield CaptureChunk(data=taken.data, packets=packets, dropped=capture.dropped, full=taken.full)
    finally:
        capture.close()


async def _more(capture: Capture, ended: asyncio.Event | None, patience: float) -> None:
    """Wait until there are frames, or `ended` is set, but not for ever."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(capture.fileno(), ready.set)
    waiting = [asyncio.create_task(event.wait()) for event in (ready, ended) if event is not None]
    try:
        timeout = None if patience == math.inf else max(0.0, patience)
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(capture.fileno())
        for task in waiting:
            task.cancel()


def first_interface() -> str:
    """Of the namespace that this thread is in: the first one that is up and not loopback; else loopback."""
    with Netlink() as netlink:
        found = rtnetlink.links(netlink)
    return next((link.name for link in found if link.up and not link.loopback), "lo")


def _bound(interface: str, snaplen: int) -> tuple[LinkType, socket.socket]:
    """A socket with a ring, which gets every frame of the interface in both directions. OSError."""
    link_type = LinkType.LINUX_SLL2
    if interface != ANY:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as asking:
            asking.bind((interface, 0))
            if asking.getsockname()[3] in (ARPHRD_ETHER, ARPHRD_LOOPBACK):
                link_type = LinkType.ETHERNET
    kind = socket.SOCK_RAW if link_type is LinkType.ETHERNET else socket.SOCK_DGRAM
    made = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_ALL) if interface == ANY else 0)
    try:
        made.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        _keep(made, snaplen)
        made.setsockopt(SOL_PACKET, PACKET_RX_RING, _RING.pack(BLOCK, BLOCKS, BLOCK, BLOCKS, int(RETIRE * 1000), 0, 0))
        if interface != ANY:  # of which frames come only now
            made.bind((interface, ETH_P_ALL))
    except BaseException:
        made.close()
        raise
    return link_type, made


def _keep(made: socket.socket, snaplen: int) -> None:
    """Let the kernel put only so much of each frame into the ring: a filter of one instruction, "accept so much"."""
    program = ctypes.create_string_buffer(_RETURN.pack(_BPF_RET, 0, 0, snaplen))
    made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, Struct("HP").pack(1, ctypes.addressof(program)))


def _tag(protocol: int, tag: int) -> bytes:
    return protocol.to_bytes(2, "big") + (tag & 0xFFFF).to_bytes(2, "big")


def _refusal(interface: str, error: OSError) -> EngineError:
    if isinstance(error, PermissionError):
        why = "This engine may not capture traffic: the kernel refuses packet sockets (CAP_NET_RAW)."
        return EngineError(ErrorCode.UNSUPPORTED, why)
    if error.errno in (errno.ENODEV, errno.ENETDOWN):
        return EngineError(ErrorCode.INVALID, f"The container has no interface {interface!r} that is up.")
    return EngineError(ErrorCode.UNSUPPORTED, f"Traffic of {interface!r} can't be captured: {error.strerror}.")
