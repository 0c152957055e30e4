"""Hosts for tests: network namespaces with a thread in each, cables between them, and servers that echo.

A namespace is held by a descriptor and by its thread, and has no name, so nothing is left when a test dies. Imports the
standard library; `ip` of iproute2 lays the cables.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

import pytest

from tests.engine.network.within import FORWARDING

CLONE_NEWNET = 0x40000000
PATIENCE = 30.0  # seconds; far more than anything takes
REFUSED = 1.0  # seconds after which what does not answer counts as out of reach
Protocol = Literal["tcp", "udp"]
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
P = ParamSpec("P")
T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """A network namespace, and a thread in it that does what it is asked to.

    A socket stays in the namespace it was made in: whoever has it may use it, in whichever thread.
    """

    def __init__(self, namespace: int | None = None) -> None:
        """A new namespace with loopback up; or that of the descriptor, which stays the caller's."""
        self._thread = ThreadPoolExecutor(1)
        self._closing: list[Callable[[], None]] = []
        self.descriptor = self._thread.submit(_enter, namespace).result(PATIENCE)
        if namespace is None:
            self.sh("ip link set lo up")

    @classmethod
    def of(cls, pid: int) -> Host:
        """That of a process."""
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return cls(namespace)
        finally:
            os.close(namespace)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its servers and leave the namespace, which goes with its last holder."""
        while self._closing:
            self._closing.pop()()
        self._thread.shutdown()
        os.close(self.descriptor)

    @property
    def path(self) -> str:
        """Where other processes find the namespace."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns or raises, done inside."""
        return self._thread.submit(work, *args, **kwargs).result()

    def sh(self, command: str, *, stdin: str = "") -> str:
        """What a program of this machine prints there; it must succeed."""
        return self.run(_sh, command, stdin)

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        """A program that runs there; whoever starts it ends it."""
        return self.run(subprocess.Popen, words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def new_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of there; the caller closes it."""
        return self.run(socket.socket, family, kind, protocol)

    def listen(self, address: str = "::", port: int = 0, protocol: Protocol = "tcp") -> socket.socket:
        """A bound socket, TCP's listening; at "::" for both families. Port 0: any."""
        bound = self.new_socket(family_of(address), KINDS[protocol])
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, port))
            if protocol == "tcp":
                bound.listen(1024)
        except BaseException:
            bound.close()
            raise
        return bound

    def connect(self, address: str, port: int, protocol: Protocol = "tcp", timeout: float = PATIENCE) -> socket.socket:
        """A connected socket with that timeout. Raises OSError, of which TimeoutError is one."""
        made = self.new_socket(family_of(address), KINDS[protocol])
        try:
            made.settimeout(timeout)
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return made

    def echo(self, address: str = "::", port: int = 0, protocol: Protocol = "tcp") -> Echo:
        """A server that sends back what it gets, until the host closes."""
        server = Echo(self.listen(address, port, protocol))
        self._closing.append(server.close)
        return server

    def ask(
        self, address: str, port: int, protocol: Protocol = "tcp", data: bytes = b"hello", timeout: float = PATIENCE
    ) -> bytes:
        """What an echo sends back, of TCP as many bytes as it was sent. Raises OSError when it is out of reach."""
        with self.connect(address, port, protocol, timeout) as connection:
            connection.sendall(data)
            if protocol == "udp":
                return connection.recv(65536)
            answer = b""
            while len(answer) < len(data) and (more := connection.recv(65536)):
                answer += more
            return answer

    def reaches(self, address: str, port: int, protocol: Protocol = "tcp") -> bool:
        """Whether there is an echo, which has all the time that it needs."""
        return self._answered(address, port, protocol, PATIENCE)

    def misses(self, address: str, port: int, protocol: Protocol = "tcp") -> bool:
        """Whether nobody answers; for what is expected to be out of reach, because it is not waited for."""
        return not self._answered(address, port, protocol, REFUSED)

    def _answered(self, address: str, port: int, protocol: Protocol, timeout: float) -> bool:
        try:
            return self.ask(address, port, protocol, timeout=timeout) == b"hello"
        except OSError:
            return False


class Echo:
    """A server of TCP or UDP in a thread of its own. `callers`: the addresses it was called from, in order."""

    def __init__(self, bound: socket.socket) -> None:
        self.port: int = bound.getsockname()[1]
        if bound.family == socket.AF_INET6 and bound.type == socket.SOCK_DGRAM:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self.callers: list[str] = []
        self._bound = bound
        self._stop, self._stopped = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(bound, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.close()
        self._thread.join(PATIENCE)
        self._stopped.close()

    def _serve(self) -> None:
        with self._selector:
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj is self._stopped:
                        self._close_all()
                        return
                    with suppress(OSError):  # a caller that has gone
                        self._turn(key.fileobj)  # type: ignore[arg-type]

    def _close_all(self) -> None:
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._stopped:
                key.fileobj.close()  # type: ignore[union-attr]

    def _turn(self, ready: socket.socket) -> None:
        if ready.type == socket.SOCK_DGRAM:
            data, asked, _, caller = ready.recvmsg(65536, 64)
            self.callers.append(plain(caller[0]))
            ready.sendmsg([data], asked, 0, caller)  # from the address that was asked
        elif ready is self._bound:
            connection, caller = ready.accept()
            self.callers.append(plain(caller[0]))
            self._selector.register(connection, selectors.EVENT_READ)
        else:
            self._answer(ready)

    def _answer(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
            connection.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(connection)
            connection.close()


def veth(one: Host, addresses: Sequence[str], other: Host, others: Sequence[str], mtu: int = 1500) -> tuple[str, str]:
    """Lay a cable between two hosts; the names of its ends. Addresses with their prefix lengths."""
    ends = f"t{os.urandom(4).hex()}", f"t{os.urandom(4).hex()}"
    one.sh(f"ip link add {ends[0]} mtu {mtu} type veth peer name {ends[1]} mtu {mtu} netns {other.path}")
    for host, end, its in (one, ends[0], addresses), (other, ends[1], others):
        for address in its:
            host.sh(f"ip address add {address} dev {end}" + (" nodad" if ":" in address else ""))
        host.sh(f"ip link set {end} up")
    for host, end in (one, ends[0]), (other, ends[1]):
        while "state UP" not in host.sh(f"ip link show dev {end}"):  # IPv6 works once the kernel has seen the carrier
            pass
    return ends


def family_of(address: str) -> int:
    return socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6


def plain(address: str) -> str:
    """An address as a person writes it: IPv4 where it is one in IPv6's clothes."""
    return address.removeprefix("::ffff:") if "." in address else address


def needs(*programs: str) -> None:
    """Skip the test where one of them is missing, or where the user is not root."""
    if os.geteuid() != 0:
        pytest.skip("hosts of their own need root")
    if missing := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")


def _enter(namespace: int | None) -> int:
    """Bring this thread into the namespace, or into a new one; a descriptor of it."""
    done = _libc.unshare(CLONE_NEWNET) if namespace is None else _libc.setns(namespace, CLONE_NEWNET)
    if done != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
    if namespace is None:  # new ones inherit what the machine has
        for forwarding in FORWARDING:
            Path(forwarding).write_text("0")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _sh(command: str, stdin: str) -> str:
    result = subprocess.run(command, shell=True, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout
