"""A connection for programs that do one thing at a time: the command line. Imports no asyncio.

    with Connection.connect(places()) as engine:
        reply = engine.request(ListContainers(all=True), Containers)

A stream can be read by iterating, or in a loop around select(2) with `fileno`, `arrived`, `send(…, wait=False)`.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar, overload

from engine.client import replies
from engine.client.dial import reach
from engine.client.errors import ConnectionLost, RequestFailed
from engine.places import Places
from engine.protocol.framing import MAX_REPLY, FrameError, FrameReader, split
from engine.protocol.messages import AnyReply, AnyStreamInput, EngineInfo, GetEngine, Reply, Request, StreamRequest

R = TypeVar("R", bound=Reply)


class Connection:
    """One conversation; `engine` is what the engine said of itself at its beginning."""

    engine: EngineInfo

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._frames = FrameReader(MAX_REPLY)
        self._payloads: deque[bytes] = deque()
        self._unsent = bytearray()
        self._ended = False  # the stream's last message has been handed out

    @classmethod
    def connect(cls, places: Places, start: bool = True, any_version: bool = False) -> Connection:
        """Reach the engine, starting it when `start`; as a viewer where `places` say so. Raises EngineUnreachable.

        `any_version`: talk to an engine of another protocol version too, to end it.
        """
        for attempt in range(replies.ATTEMPTS):
            connection = cls(reach(places, start, attempt > 0))
            try:
                connection._greet(places, any_version)
            except ConnectionLost:
                connection.close()
                continue
            except BaseException:
                connection.close()
                raise
            return connection
        raise replies.hangs_up(places.host)

    def _greet(self, places: Places, any_version: bool) -> None:
        self._socket.settimeout(replies.GREETING)
        try:
            self._send_now(GetEngine(viewer=places.viewer))
            self.engine = replies.greeted(self._next_payload(), any_version, places.host)
            replies.held_to_looking(self.engine, places.viewer)
        except TimeoutError:
            raise replies.no_greeting() from None
        self._socket.settimeout(None)

    @overload
    def request(self, message: Request) -> AnyReply: ...

    @overload
    def request(self, message: Request, reply: type[R]) -> R: ...

    def request(self, message: Request, reply: type[Reply] = Reply) -> Reply:
        """Ask and wait for the answer, of the kind `reply`. Raises RequestFailed and ConnectionLost."""
        self._send_now(message)
        answer = replies.incoming(self._next_payload())
        replies.expected(answer, reply)
        return answer

    def stream(self, message: StreamRequest) -> Iterator[AnyReply]:
        """Send the request now; the iterator yields until the stream's end. Raises RequestFailed and ConnectionLost."""
        self._send_now(message)
        return self._stream()

    def _stream(self) -> Iterator[AnyReply]:
        while not self._ended:
            yield self._checked(self._next_payload())

    def arrived(self) -> list[AnyReply]:
        """The stream's messages that are here now, without waiting; empty when none is whole yet.

        Call it once after `stream` and then whenever `fileno` is readable. Raises RequestFailed and ConnectionLost.
        """
        messages: list[AnyReply] = []
        if self._ended:
            return messages
        try:
            self._read(socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except ConnectionLost:
            if not self._payloads:
                raise
        while self._payloads:
            try:
                messages.append(self._checked(self._payloads[0]))
            except RequestFailed:
                if messages:  # these first; the next call raises
                    break
                raise
            self._payloads.popleft()
        return messages

    def _checked(self, payload: bytes) -> AnyReply:
        reply = replies.incoming(payload)
        self._ended = replies.last(reply)
        return reply

    def send(self, message: AnyStreamInput, wait: bool = True) -> None:
        """Input for a stream. Without `wait` what the engine does not take now is kept: see `unsent` and `flush`.

        A stream that has ended swallows it; what `stream` or `arrived` give next tells that.
        """
        for piece in split(message):
            self._unsent += replies.outgoing(piece)
        self.flush(wait)

    @property
    def unsent(self) -> bool:
        """Whether `flush` has something to do once `fileno` is writable."""
        return bool(self._unsent)

    def flush(self, wait: bool = False) -> None:
        """Send what is kept, as far as that is possible at once, or all of it with `wait`."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent, 0 if wait else socket.MSG_DONTWAIT)]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            self._unsent.clear()

    def fileno(self) -> int:
        """The socket's descriptor, for select(2)."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the conversation; a stream is detached from by this."""
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send_now(self, message: Request | StreamRequest) -> None:
        try:
            self._socket.sendall(replies.outgoing(message))
        except (BrokenPipeError, ConnectionResetError):
            raise replies.lost() from None

    def _next_payload(self) -> bytes:
        while not self._payloads:
            self._read(0)
        return self._payloads.popleft()

    def _read(self, flags: int) -> None:
        try:
            data = self._socket.recv(65536, flags)
            self._payloads.extend(self._frames.feed(data))
        except (ConnectionResetError, FrameError):
            raise replies.lost() from None
        if not data:
            raise replies.lost()
