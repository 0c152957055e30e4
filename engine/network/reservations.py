"""Ports of the host that containers publish: chosen, checked, and held for as long as they are published.

What comes to a published port is turned to the container before any socket of the host sees it; a program that listened
there would be cut off without knowing. So each is held by a socket that is bound and never listens: nobody else can
have the port, and who has it already is found before anything is started. Imports psutil, the model, and the errors.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from engine.errors import EngineError
from engine.network.model import Address, Forward, Transport
from engine.protocol.messages import ErrorCode
from engine.protocol.network import PortOption
from engine.receipts.steps import step

ATTEMPTS = 64  # at a port that is free on all addresses, where any will do
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_ALL = {4: "0.0.0.0", 6: "::"}


class PortInUse(EngineError):
    """Somebody has the port already. `explain` finds out who, which takes a look at all processes: it blocks."""

    def __init__(self, key: Key, by: str = "") -> None:
        port = f"{key.port}/{key.protocol}"
        who = f", by {by}" if by else ""
        sentence = f"Port {port} of this host is in use already{who}: choose another one."
        super().__init__(ErrorCode.WRONG_STATE, sentence)
        self._key, self._by = key, by

    def explain(self) -> PortInUse:
        """The same with who has it, as far as we may know."""
        return self if self._by else PortInUse(self._key, _listener(self._key))


class Key(NamedTuple):
    """One port of the host. `host` None: on all of its addresses of that family."""

    protocol: Transport
    version: int  # 4 or 6
    host: Address | None
    port: int


class Reservations:
    """All published ports of one engine. `held`: whether sockets keep them; where another program listens for us (see
    `uplink`) they are only checked. `name_of` tells a container's name by its id."""

    def __init__(self, name_of: Callable[[str], str], *, held: bool) -> None:
        self._name_of = name_of
        self._held = held
        self._owners: dict[Key, tuple[str, socket.socket | None]] = {}
        self._hosts: dict[Key, set[Address | None]] = {}  # by the key without its address

    def take(self, container: str, options: Iterable[PortOption], addresses: Sequence[Address]) -> list[Forward]:
        """Reserve what a container wants published; `addresses`: its own. PortInUse, EngineError(INVALID); then nothing
        is reserved."""
        forwards: list[Forward] = []
        try:
            for option in options:
                for inner, candidates in _pairs(option):
                    forwards += self._one(container, option, inner, candidates, addresses)
        except BaseException:
            self.give_back(forwards)
            raise
        return forwards

    def hold(self, container: str, forwards: Iterable[Forward]) -> None:
        """They are published already: hold them as well as possible."""
        for forward in forwards:
            key = _key(forward)
            try:
                held = self._bind(key) if self._held else None
            except OSError:
                held = None
            self._note(key, container, held)

    def give_back(self, forwards: Iterable[Forward]) -> None:
        """Nothing of these is published any more."""
        for forward in forwards:
            key = _key(forward)
            _, held = self._owners.pop(key, ("", None))
            self._hosts.get(key._replace(host=None), set()).discard(key.host)
            if held is not None:
                held.close()

    def close(self) -> None:
        """Hold nothing any more."""
        for _, held in self._owners.values():
            if held is not None:
                held.close()
        self._owners.clear()
        self._hosts.clear()

    def _one(
        self, container: str, option: PortOption, inner: int, candidates: range | None, addresses: Sequence[Address]
    ) -> list[Forward]:
        host = None if option.address is None else ip_address(option.address)
        targets = [address for address in addresses if host is None or address.version == host.version]
        if not targets:
            raise EngineError(
                ErrorCode.INVALID,
                f"Port {inner} can't be published at {option.address}: the container has no IPv{host.version} address."
                if host is not None
                else f"Port {inner} can't be published: none of the container's networks can be reached from outside.",
            )
        refusal: EngineError | None = None
        for port in candidates if candidates is not None else [0] * ATTEMPTS:
            try:
                return self._all_families(container, option.protocol, host, port, targets, inner)
            except EngineError as error:
                refusal = error
        assert refusal is not None
        raise refusal

    def _all_families(
        self,
        container: str,
        protocol: Transport,
        host: Address | None,
        port: int,
        targets: Sequence[Address],
        inner: int,
    ) -> list[Forward]:
        """`port` 0: one that is free."""
        with ExitStack() as undo:
            forwards = []
            for target in targets:
                key = Key(protocol, target.version, host, port)
                made = self._reserve(container, key)
                port = made.port
                forward = Forward(protocol, host, port, target, inner)
                undo.callback(self.give_back, [forward])
                forwards.append(forward)
            undo.pop_all()
        return forwards

    def _reserve(self, container: str, key: Key) -> Key:
        for host in self._hosts.get(key._replace(host=None), ()):
            if _everywhere(key.host) or _everywhere(host) or key.host == host:  # both would get the same packets
                owner, _ = self._owners[key._replace(host=host)]
                own = owner == container
                raise PortInUse(key, "this container itself" if own else f"container {self._name_of(owner)!r}")
        try:
            held = self._bind(key)
        except OSError as error:
            raise _refused(key, error) from None
        if held is None:  # the host does not know the family
            return key
        key = key._replace(port=held.getsockname()[1])
        if not self._held:
            held.close()
            held = None
        self._note(key, container, held)
        return key

    def _note(self, key: Key, container: str, held: socket.socket | None) -> None:
        self._owners[key] = (container, held)
        self._hosts.setdefault(key._replace(host=None), set()).add(key.host)

    def _bind(self, key: Key) -> socket.socket | None:
        try:
            made = socket.socket(socket.AF_INET if key.version == 4 else socket.AF_INET6, _KINDS[key.protocol])
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                return None
            raise
        address = (str(key.host or _ALL[key.version]), key.port)
        try:
            if key.version == 6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                with step("bind", f"a {key.protocol} socket", f"{address[0]} port {key.port or 'any'}"):
                    made.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or key.protocol != "tcp":
                    raise
                _bind_beside_old_connections(made, address)
        except BaseException:
            made.close()
            raise
        return made


def _bind_beside_old_connections(made: socket.socket, address: tuple[str, int]) -> None:
    """Connections that have ended keep a port for a minute (TIME_WAIT), which is no use of it. Who listens is one."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    with socket.socket(made.family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)
        probe.listen(1)


def _pairs(option: PortOption) -> Iterable[tuple[int, range | None]]:
    """Ports of the container, and the ports of the host that will do for each; None: any."""
    inner = range(option.container, (option.container_last or option.container) + 1)
    if option.host is None:
        return [(port, None) for port in inner]
    outer = range(option.host, (option.host_last or option.host) + 1)
    if len(inner) == 1:
        return [(inner[0], outer)]
    return [(port, range(host, host + 1)) for port, host in zip(inner, outer, strict=True)]


def _everywhere(host: Address | None) -> bool:
    return host is None or host.is_unspecified


def _key(forward: Forward) -> Key:
    return Key(forward.protocol, forward.container.version, forward.host, forward.port)


def _refused(key: Key, error: OSError) -> EngineError:
    match error.errno:
        case errno.EADDRINUSE:
            return PortInUse(key)
        case errno.EADDRNOTAVAIL:
            return EngineError(
                ErrorCode.INVALID, f"Nothing can be published at {key.host}: it is no address of this host."
            )
        case errno.EACCES:
            return EngineError(
                ErrorCode.UNSUPPORTED,
                f"Port {key.port} can't be published by an ordinary user: choose one from 1024 on, or let root run "
                f"`sysctl net.ipv4.ip_unprivileged_port_start={key.port}`.",
            )
    return EngineError(ErrorCode.LAUNCH_FAILED, f"Port {key.port}/{key.protocol} can't be published: {error.strerror}.")


def _listener(key: Key) -> str:
    """Who has it, as far as we may know."""
    for connection in psutil.net_connections(f"{key.protocol}{key.version}"):
        if connection.laddr and connection.laddr.port == key.port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"process {connection.pid}"
    return ""
