"""Published ports of an ordinary user's engine, seen from the engine: sockets of the host are bound here, and handed to
the process of `forwarding`. Imports what is beside it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import engine.network.rootless.forwarding
from engine.containers.keeper import Keeper
from engine.errors import EngineError
from engine.keeper import wire
from engine.network.model import Forward
from engine.network.rootless.beside import GIVEN, Command, Program
from engine.protocol.messages import ErrorCode

BACKLOG = 4096  # connections that wait to be accepted; the kernel takes net.core.somaxconn at most
PATIENCE = 10.0  # seconds for an answer, which takes a millisecond
_PROGRAM = str(Path(engine.network.rootless.forwarding.__path__[0]) / "__main__.py")


class Forwarder:
    """The process, started with the first port that is published. `path`: of its unix socket."""

    def __init__(self, keeper: Keeper, path: Path) -> None:
        self.program = Program(keeper, "ports")
        self.as_caller = False  # whether containers can see who calls
        self._path = path
        self._number = 0
        self._lock = asyncio.Lock()
        self._ports: dict[str, Forward] = {}

    async def start(self, namespace: int) -> None:
        """Have it run in the home namespace, with all that is published. Raises EngineError."""
        async with self._lock:
            if not self.program.runs:
                with _listening(self._path) as control:
                    words = [sys.executable, "-S", "-E", _PROGRAM, str(GIVEN)]
                    await self.program.start(Command(words, namespace, control.fileno()))
            listening = set((await self._ask({"do": "list"}))["ports"])
            for id, forward in self._ports.items():
                if id not in listening:
                    await self._listen(id, forward)

    async def find(self, namespace: int) -> None:
        """Take over the one of an earlier engine with what it has published, or start another. Raises EngineError."""
        if not self.program.runs:
            await self.start(namespace)
            return
        self.program.listen()
        async with self._lock:
            for id, (address, port) in (await self._ask({"do": "list"}))["ports"].items():
                self._ports[id] = _forward(id, address, port)

    @property
    def forwards(self) -> list[Forward]:
        """All that is published."""
        return list(self._ports.values())

    async def publish(self, forwards: Iterable[Forward]) -> None:
        """All of them or none. Raises EngineError."""
        async with self._lock:
            done: list[str] = []
            try:
                for forward in forwards:
                    if self._ports.get(id := _id(forward)) != forward:
                        await self._listen(id, forward)
                        done.append(id)
                        self._ports[id] = forward
            except BaseException:
                for id in done:
                    await self._close(id)
                raise

    async def unpublish(self, forwards: Iterable[Forward]) -> None:
        """Take no more; connections go on."""
        async with self._lock:
            for forward in forwards:
                if _id(forward) in self._ports:
                    await self._close(_id(forward))

    async def end(self) -> None:
        """End the process, with all connections."""
        await self.program.end()
        self._ports.clear()
        self._path.unlink(missing_ok=True)

    async def _listen(self, id: str, forward: Forward) -> None:
        if id in self._ports:  # another container's now
            await self._close(id)
        try:
            bound = _bound(forward)
        except OSError as error:
            raise _refused(forward, error) from None
        if bound is None:
            return
        with bound:
            header = {
                "do": "listen",
                "id": id,
                "protocol": forward.protocol,
                "target": [str(forward.container), forward.container_port],
                "as_caller": self.as_caller,
            }
            await self._ask(header, [bound.fileno()])

    async def _close(self, id: str) -> None:
        del self._ports[id]
        if self.program.runs:
            await self._ask({"do": "close", "id": id})

    async def _ask(self, header: dict[str, Any], fds: Iterable[int] = ()) -> dict[str, Any]:
        self._number += 1
        try:
            return await asyncio.to_thread(_ask, str(self._path), {**header, "n": self._number}, list(fds))
        except OSError as error:
            why = f"The process that publishes ports does not answer: {error.strerror or error}."
            raise EngineError(ErrorCode.LAUNCH_FAILED, why) from None


def _id(forward: Forward) -> str:
    """By what it is known: "tcp 4 * 8080", "udp 6 ::1 53"."""
    return f"{forward.protocol} {forward.container.version} {forward.host or '*'} {forward.port}"


def _forward(id: str, address: str, port: int) -> Forward:
    protocol, _, host, outer = id.split()
    assert protocol in ("tcp", "udp")
    at = None if host == "*" else ip_address(host)
    return Forward("tcp" if protocol == "tcp" else "udp", at, int(outer), ip_address(address), port)


def _listening(path: Path) -> socket.socket:
    """The unix socket at which it will be asked; only this user may."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(made.fileno(), 0o600)  # the file's from the beginning: a umask would be that of all threads
        made.bind(str(path))
        made.listen()
    except OSError as error:
        made.close()
        raise EngineError(ErrorCode.LAUNCH_FAILED, f"{path} can't be made: {error.strerror or error}.") from None
    return made


def _ask(path: str, header: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """One question and its answer, over a connection of its own. Blocks. Raises OSError."""
    frames = wire.Assembler()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(PATIENCE)
        asking.connect(path)
        wire.Outbox(asking).send(header, fds=fds)
        while (received := wire.receive(asking)) is not None:
            for answer, _, _ in frames.feed(*received):
                return answer
    raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


def _bound(forward: Forward) -> socket.socket | None:
    """A socket of the host for it, of TCP a listening one; None where the host does not know the family. OSError."""
    is_4 = forward.container.version == 4
    kind = socket.SOCK_STREAM if forward.protocol == "tcp" else socket.SOCK_DGRAM
    with ExitStack() as undo:
        try:
            made = socket.socket(socket.AF_INET if is_4 else socket.AF_INET6, kind)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                return None
            raise
        undo.callback(made.close)
        if not is_4:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if forward.protocol == "tcp":  # old connections (TIME_WAIT) are no use of it
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((str(forward.host or ("0.0.0.0" if is_4 else "::")), forward.port))
        if forward.protocol == "tcp":
            made.listen(BACKLOG)
        undo.pop_all()
    return made


def _refused(forward: Forward, error: OSError) -> EngineError:
    what = f"Port {forward.port}/{forward.protocol}"
    match error.errno:
        case errno.EADDRINUSE:
            return EngineError(ErrorCode.WRONG_STATE, f"{what} of this host is in use already: choose another one.")
        case errno.EADDRNOTAVAIL:
            why = f"{what} can't be published at {forward.host}: it is no address of this host."
            return EngineError(ErrorCode.INVALID, why)
        case errno.EACCES:
            why = (
                f"{what} can't be published by an ordinary user: choose one from 1024 on, or let root run "
                f"`sysctl net.ipv4.ip_unprivileged_port_start={forward.port}`."
            )
            return EngineError(ErrorCode.UNSUPPORTED, why)
    return EngineError(ErrorCode.LAUNCH_FAILED, f"{what} can't be published: {error.strerror}.")
