"""One client's socket: frames in, messages out, with limits so that a bad client costs nobody else anything."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.protocol.framing import MAX_REQUEST, BadMessage, FrameError, FrameReader, encode
from engine.protocol.messages import Error, ErrorCode, Reply

CHUNK = 64 << 10  # bytes given to the transport at a time; what waits for a slow client is about twice that


@dataclass(frozen=True)
class Limits:
    """How long we are patient with a client, in seconds, and how many clients there may be."""

    frame: float = 10.0  # from a frame's first byte to its last; between frames a client may be silent for ever
    stalled: float = 30.0  # for a client to take anything at all
    farewell: float = 2.0  # for what is under way, once the server ends
    connections: int = 1024


DEFAULT_LIMITS = Limits()


class Wire:
    """Frames in and messages out. Both ends of it may be used at once, each by one task."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._frames = FrameReader(MAX_REQUEST)
        self._descriptor: int = writer.get_extra_info("socket").fileno()
        self._deadline: float | None = None  # loop time at which the frame that has begun must be whole

    @property
    def limits(self) -> Limits:
        return self._limits

    @classmethod
    async def over(cls, connection: socket.socket, limits: Limits) -> Wire:
        """Takes the connected socket over."""
        return cls(*await asyncio.open_unix_connection(sock=connection), limits)

    async def receive(self) -> bytes | None:
        """The next payload; None when no more will come. Raises FrameError and ConnectionError."""
        data = b""
        while (payload := next(self._frames.feed(data), None)) is None:
            if self._frames.partial and self._deadline is None:
                self._deadline = asyncio.get_running_loop().time() + self._limits.frame
            data = await self._read()
            if not data:
                return None
        self._deadline = None
        return payload

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._reader.read(CHUNK)
        except TimeoutError:
            raise FrameError(
                ErrorCode.BAD_FRAME, f"a frame was begun and not completed within {self._limits.frame:g} seconds"
            ) from None

    def hung_up(self) -> bool:
        """Whether the client has closed its socket, and not only the half it sends by (POLLHUP of poll(2))."""
        if self._writer.transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return bool(poll.poll(0))

    @contextmanager
    def on_hang_up(self, call: Callable[[], object]) -> Iterator[None]:
        """Calls once when the client closes its socket meanwhile, whether or not anybody is reading.

        An epoll(7) descriptor that asks for nothing still becomes readable by EPOLLHUP.
        """
        loop = asyncio.get_running_loop()
        if self._writer.transport.is_closing():
            call()
            yield
            return
        with select.epoll() as hangups:
            hangups.register(self._descriptor, 0)

            def hung_up() -> None:
                loop.remove_reader(hangups.fileno())
                call()

            loop.add_reader(hangups.fileno(), hung_up)
            try:
                yield
            finally:
                loop.remove_reader(hangups.fileno())

    async def send(self, message: Reply) -> None:
        """Returns once it is sent, or in a small buffer. Raises ConnectionError when the client is gone or stuck."""
        frame = memoryview(_encoded(message))
        try:
            for start in range(0, len(frame), CHUNK):
                self._writer.write(frame[start : start + CHUNK])
                async with asyncio.timeout(self._limits.stalled):
                    await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise ConnectionAbortedError(f"the client took nothing for {self._limits.stalled:g} seconds") from None

    async def close(self) -> None:
        """Close, giving the client a moment to take what is still in the buffer."""
        self._writer.close()
        try:
            async with asyncio.timeout(self._limits.farewell):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except ConnectionError:
            pass  # closed it is


def _encoded(message: Reply) -> bytes:
    try:
        return encode(message)
    except BadMessage as error:
        return encode(Error(code=ErrorCode.INTERNAL, message=f"the answer can't be sent: {error.sentence}"))
