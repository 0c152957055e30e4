"""One client's socket: frames in, messages out, with limits so that a bad client costs nobody else anything.

Works on the socket itself rather than through asyncio's streams: those stop reading when a write fails, and what a
client sent just before it left would be lost.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.protocol.framing import MAX_REQUEST, BadMessage, FrameError, FrameReader, encode
from engine.protocol.messages import Error, ErrorCode, Reply

CHUNK = 64 << 10  # bytes that are read or sent at a time


@dataclass(frozen=True)
class Limits:
    """How long we are patient with a client, in seconds, and how many clients there may be."""

    frame: float = 10.0  # from a frame's first byte to its last; between frames a client may be silent for ever
    stalled: float = 30.0  # for a client to take the next CHUNK of an answer; who follows a stream may pause for ever
    farewell: float = 2.0  # for what is under way, once the server ends or the client has left
    connections: int = 8192  # a console has seven or so
    viewers: int = 6144  # of these


DEFAULT_LIMITS = Limits()


class Wire:
    """Frames in and messages out; each way is used by one task. Owns the socket, which must not block."""

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self.limits = limits
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader(MAX_REQUEST)
        self._deadline: float | None = None  # loop time at which the frame that has begun must be whole

    async def receive(self) -> bytes | None:
        """The next payload; None when no more will come. Raises FrameError."""
        data = b""
        while (payload := next(self._frames.feed(data), None)) is None:
            if self._frames.partial and self._deadline is None:
                self._deadline = self._loop.time() + self.limits.frame
            data = await self._read()
            if not data:
                return None
        self._deadline = None
        return payload

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._loop.sock_recv(self._socket, CHUNK)
        except TimeoutError:
            raise FrameError(
                ErrorCode.BAD_FRAME, f"A frame was begun and not completed within {self.limits.frame:g} seconds."
            ) from None
        except ConnectionResetError:
            return b""  # it left without taking all that it was sent

    async def send(self, message: Reply, *, patiently: bool = False) -> None:
        """Returns once the kernel has it all. Raises ConnectionError: ConnectionAbortedError when it is stuck, unless
        `patiently`: then only this client's task waits (`logs | less`)."""
        frame = memoryview(_encoded(message))
        try:
            for start in range(0, len(frame), CHUNK):
                async with asyncio.timeout(None if patiently else self.limits.stalled):
                    await self._loop.sock_sendall(self._socket, frame[start : start + CHUNK])
        except TimeoutError:
            raise ConnectionAbortedError(f"the client took nothing for {self.limits.stalled:g} seconds") from None

    def hung_up(self) -> bool:
        """Whether the client has closed its socket, and not only the half it sends by (POLLHUP of poll(2))."""
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(0))

    @contextmanager
    def on_hang_up(self, call: Callable[[], object]) -> Iterator[None]:
        """Calls once when the client closes its socket meanwhile, whether or not anybody is reading.

        An epoll(7) descriptor that asks for nothing still becomes readable by EPOLLHUP.
        """
        with select.epoll() as hangups:
            hangups.register(self._socket, 0)

            def hung_up() -> None:
                self._loop.remove_reader(hangups.fileno())
                call()

            self._loop.add_reader(hangups.fileno(), hung_up)
            try:
                yield
            finally:
                self._loop.remove_reader(hangups.fileno())

    def close(self) -> None:
        """No task may be using it any more."""
        self._socket.close()


def _encoded(message: Reply) -> bytes:
    try:
        return encode(message)
    except BadMessage as error:
        return encode(Error(code=ErrorCode.INTERNAL, message=f"The answer can't be sent. {error.sentence}"))
