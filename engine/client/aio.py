"""A connection for programs with an asyncio loop: the console.

async with await Connection.open(places()) as engine:
    reply = await engine.request(ListContainers(all=True), Containers)
    async for message in engine.stream(StreamEvents()): …
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import TypeVar, overload

from engine.client import replies
from engine.client.dial import reach
from engine.client.errors import ConnectionLost
from engine.places import Places
from engine.protocol.framing import MAX_REPLY, FrameError, FrameReader, split
from engine.protocol.messages import AnyReply, AnyStreamInput, EngineInfo, GetEngine, Reply, Request, StreamRequest

R = TypeVar("R", bound=Reply)


class Connection:
    """One conversation; `engine` is what the engine said of itself at its beginning."""

    engine: EngineInfo

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader(MAX_REPLY)
        self._payloads: deque[bytes] = deque()
        self._asking = asyncio.Lock()

    @classmethod
    async def open(cls, places: Places, start: bool = True, any_version: bool = False) -> Connection:
        """Reach the engine, starting it when `start`; as a viewer where `places` say so. Raises EngineUnreachable.

        `any_version`: talk to an engine of another protocol version too, to end it.
        """
        for attempt in range(replies.ATTEMPTS):
            reached = await asyncio.to_thread(reach, places, start, attempt > 0)
            connection = cls(*await asyncio.open_unix_connection(sock=reached))
            try:
                await connection._greet(places, any_version)
            except ConnectionLost:
                await connection.close()
                continue
            except BaseException:
                await connection.close()
                raise
            return connection
        raise replies.hangs_up(places.host)

    async def _greet(self, places: Places, any_version: bool) -> None:
        try:
            async with asyncio.timeout(replies.GREETING):
                await self._send(GetEngine(viewer=places.viewer))
                self.engine = replies.greeted(await self._next_payload(), any_version, places.host)
                replies.held_to_looking(self.engine, places.viewer)
        except TimeoutError:
            raise replies.no_greeting() from None

    @overload
    async def request(self, message: Request) -> AnyReply: ...

    @overload
    async def request(self, message: Request, reply: type[R]) -> R: ...

    async def request(self, message: Request, reply: type[Reply] = Reply) -> Reply:
        """Ask and await the answer, of the kind `reply`; several tasks may ask, they are served in turn.

        Cancelling it ends the conversation, because the answer would be taken for the next request's.
        Raises RequestFailed and ConnectionLost.
        """
        async with self._asking:
            try:
                await self._send(message)
                answer = replies.incoming(await self._next_payload())
            except asyncio.CancelledError:
                self._writer.transport.abort()
                raise
        replies.expected(answer, reply)
        return answer

    async def stream(self, message: StreamRequest) -> AsyncIterator[AnyReply]:
        """Yields the stream's messages until its end. Raises RequestFailed and ConnectionLost."""
        await self._send(message)
        ended = False
        while not ended:
            reply = replies.incoming(await self._next_payload())
            ended = replies.last(reply)
            yield reply

    async def send(self, message: AnyStreamInput) -> None:
        """Input for a stream; waits while the engine takes nothing. A stream that has ended swallows it."""
        with suppress(ConnectionLost):
            for piece in split(message):
                await self._send(piece)

    async def close(self) -> None:
        """End the conversation; a stream is detached from by this. Input sent before still arrives, within a second."""
        self._writer.close()
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except ConnectionError:
            pass  # closed it is

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, message: Request | StreamRequest | AnyStreamInput) -> None:
        self._writer.write(replies.outgoing(message))
        try:
            await self._writer.drain()
        except ConnectionError:
            raise replies.lost() from None

    async def _next_payload(self) -> bytes:
        while not self._payloads:
            try:
                data = await self._reader.read(65536)
                self._payloads.extend(self._frames.feed(data))
            except (ConnectionError, FrameError):
                raise replies.lost() from None
            if not data:
                raise replies.lost()
        return self._payloads.popleft()
