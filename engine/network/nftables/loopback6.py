"""Published ports at ::1, which the kernel can't translate: no packet from ::1 may leave on another interface, and
there is no `route_localnet` of IPv6. A socket at ::1 takes them, and hands on what comes. Imports asyncio, the home and
the model.

It listens at a port of its own, to which the table turns what is for the published one, because that one is held by
`reservations`. All sockets are made in the home namespace.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from engine.errors import EngineError
from engine.network.kernel.home import Home
from engine.network.model import Forward
from engine.protocol.messages import ErrorCode

CONNECTIONS = 256  # of one port at once; further ones wait
CHUNK = 65536  # bytes under way in each direction of a connection, twice at most
FLOWS = 256  # of UDP at one port: who called last, stays
IDLE = 60.0  # seconds after which a flow of UDP is forgotten
WAITING = 16  # datagrams that wait for the socket of a new flow
PATIENCE = 10.0  # seconds for the container to accept


class Listener:
    """One published port at ::1. `port`: where it really listens; `target` tells where to."""

    def __init__(self, home: Home, target: Forward) -> None:
        self.target = target
        self.port = 0
        self._home = home
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._callers: _Callers | None = None
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> bool:
        """Listen; false where this host has no ::1. Raises EngineError."""
        kind = socket.SOCK_STREAM if self.target.protocol == "tcp" else socket.SOCK_DGRAM
        try:
            bound = await self._home.call(_bound, kind)
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return False
            why = f"Port {self.target.port} can't be published at ::1: {error.strerror}."
            raise EngineError(ErrorCode.LAUNCH_FAILED, why) from None
        self.port = bound.getsockname()[1]
        try:
            if self.target.protocol == "tcp":
                self._server = await asyncio.start_server(self._accepted, sock=bound, limit=CHUNK)
            else:
                loop = asyncio.get_running_loop()
                self._datagrams, self._callers = await loop.create_datagram_endpoint(lambda: _Callers(self), sock=bound)
        except BaseException:
            bound.close()
            raise
        return True

    async def close(self) -> None:
        """Stop listening; connections that there are end."""
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None and self._callers is not None:
            self._datagrams.close()
            await self._callers.ended.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connected(self) -> socket.socket:
        """A socket that is connected to the container, the caller's to close. Raises OSError, TimeoutError."""
        target = self.target
        family = socket.AF_INET if target.container.version == 4 else socket.AF_INET6
        kind = socket.SOCK_STREAM if target.protocol == "tcp" else socket.SOCK_DGRAM
        made = await self._home.call(socket.socket, family, kind | socket.SOCK_NONBLOCK)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().sock_connect(made, (str(target.container), target.container_port))
        except BaseException:
            made.close()
            raise
        return made

    def start(self, work: asyncio.Task[None]) -> None:
        """Own a task until it ends."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.start(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with _closing(writer), self._slots:
                inner_reader, inner = await asyncio.open_connection(sock=await self.connected(), limit=CHUNK)
                async with _closing(inner), asyncio.TaskGroup() as both:
                    both.create_task(_copy(reader, inner))
                    both.create_task(_copy(inner_reader, writer))
        except* OSError:
            pass  # the container does not accept, or one of them has gone: the other one has been told


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """At the end all that was written is sent, after a failure nothing more."""
    try:
        yield
    except BaseException:
        writer.transport.abort()
        raise
    writer.close()
    await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that one says until it has nothing more to say; the other direction may go on."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):  # it has gone already
        writer.write_eof()


class _Callers(asyncio.DatagramProtocol):
    """The socket that callers send to: a flow for each."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._flows: dict[tuple[str, int], _Flow] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._room = True
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # no isinstance: asyncio's own is none

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.ended.set()
        for caller in list(self._flows):
            self.forget(caller)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        flow = self._flows.pop(address, None)
        if flow is None:
            if len(self._flows) >= FLOWS:
                self.forget(next(iter(self._flows)))
            flow = _Flow(self, address)
            self._listener.start(asyncio.create_task(flow.open(self._listener)))
        self._flows[address] = flow  # the last one now
        flow.send(data)

    def pause_writing(self) -> None:
        self._room = False

    def resume_writing(self) -> None:
        self._room = True

    def answer(self, data: bytes, caller: tuple[str, int]) -> None:
        """Send it back; where there is no room it is lost, as datagrams may be."""
        if self._transport is not None and self._room:
            self._transport.sendto(data, caller)

    def forget(self, caller: tuple[str, int]) -> None:
        """Close the flow of this caller."""
        if flow := self._flows.pop(caller, None):
            flow.close()


class _Flow(asyncio.DatagramProtocol):
    """What one caller says, and the container's answers."""

    def __init__(self, callers: _Callers, caller: tuple[str, int]) -> None:
        self._callers, self._caller = callers, caller
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: list[bytes] = []
        self._closed = False
        self._room = True
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(IDLE, self._check)

    async def open(self, listener: Listener) -> None:
        try:
            made = await listener.connected()
        except (OSError, TimeoutError):
            self._callers.forget(self._caller)
            return
        if self._closed:
            made.close()
            return
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=made)
        if self._closed:
            self._transport.close()
            return
        for data in self._waiting:
            self._transport.sendto(data)
        self._waiting.clear()

    def send(self, data: bytes) -> None:
        self._last = self._loop.time()
        if self._transport is not None:
            if self._room:  # else it is lost, as datagrams may be
                self._transport.sendto(data)
        elif len(self._waiting) < WAITING:
            self._waiting.append(data)

    def close(self) -> None:
        self._closed = True
        self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        self._last = self._loop.time()
        self._callers.answer(data, self._caller)

    def pause_writing(self) -> None:
        self._room = False

    def resume_writing(self) -> None:
        self._room = True

    def error_received(self, error: Exception) -> None:
        """ICMP from the container: nobody listens there just now. The caller will try again, or not."""

    def _check(self) -> None:
        left = self._last + IDLE - self._loop.time()
        if left <= 0:
            self._callers.forget(self._caller)
        else:
            self._timer = self._loop.call_later(left, self._check)


def _bound(kind: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6, kind | socket.SOCK_NONBLOCK)
    try:
        made.bind(("::1", 0))
    except BaseException:
        made.close()
        raise
    return made
