"""The conversation with one client: requests in turn, then perhaps a stream that takes the connection over.

A request runs to its end even if the client goes away meanwhile, so that nothing is left half done; only waiting for a
container and streams end with their client. A client that has closed only the half it sends by still gets its answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

from engine.daemon.dispatch import answer, error_reply
from engine.daemon.service import AttachSession, Engine
from engine.daemon.streams import STREAMS
from engine.daemon.viewers import allowed, shown
from engine.daemon.wire import Wire
from engine.errors import EngineError
from engine.presence import Participation
from engine.protocol import messages as m
from engine.protocol.framing import BadMessage, FrameError, decode_request, decode_stream_input
from engine.receipts.callers import Caller

PIPELINED = 4  # payloads read ahead while one is being dealt with

T = TypeVar("T")
Taking: TypeAlias = AttachSession | Participation
"""A stream that takes what its client sends."""


class Detached(Exception):
    """The client of a stream has gone."""


class Session:
    """One client with its role."""

    def __init__(self, wire: Wire, role: m.Role, engine: Engine, caller: Caller) -> None:
        self._wire = wire
        self._role = role
        self._caller = caller
        self._engine = engine
        self._inbox: asyncio.Queue[bytes | FrameError | None] = asyncio.Queue(PIPELINED)
        self._reading: asyncio.Task[None] | None = None
        self._patient: asyncio.Task[Any] | None = None  # a wait or a stream: what may be broken off
        self._over = False

    async def run(self) -> None:
        """Converse until the client leaves or breaks the rules, a stream ends, or `finish`."""
        self._reading = asyncio.create_task(self._read())
        try:
            while not self._over and (item := await self._inbox.get()) is not None:
                if isinstance(item, FrameError):
                    await self._wire.send(error_reply(item, "reading"))
                    break
                await self._converse(item)
        except ConnectionError:
            pass  # the client has left, or was cut off
        finally:
            await _end(self._reading)
            self._wire.close()

    def finish(self) -> None:
        """End soon: a request that is being dealt with still gets its answer; a wait or a stream is broken off."""
        self._over = True
        if self._patient is not None:
            self._patient.cancel()
        if self._inbox.empty():
            self._inbox.put_nowait(None)

    async def _read(self) -> None:
        """Fill the inbox; its last item is None, or the reason why no more can be read."""
        last: FrameError | None = None
        try:
            while (payload := await self._wire.receive()) is not None:
                await self._inbox.put(payload)
        except FrameError as error:
            last = error
        await self._inbox.put(last)

    async def _converse(self, payload: bytes) -> None:
        try:
            request = decode_request(payload)
            if self._role is m.Role.VIEWER:
                request = allowed(request)
        except (BadMessage, EngineError) as error:
            await self._wire.send(error_reply(error, "reading"))
            return
        if isinstance(request, m.StreamRequest):
            # A stream first takes in what the client sent before it left.
            await self._patiently(self._stream(request), self._wire.limits.farewell)
            self._over = True
            return
        if isinstance(request, m.GetEngine) and request.viewer:
            self._role = m.Role.VIEWER  # from now on, whoever it is
        with self._engine.receipts.kept(request, self._caller) as kept:
            answering = answer(self._engine, request, self._role, self._uid)
            reply = await (self._patiently(answering, 0) if isinstance(request, m.WaitContainer) else answering)
            kept.answered(reply)
        if reply is not None:
            await self._wire.send(shown(reply) if self._role is m.Role.VIEWER else reply)

    async def _patiently(self, work: Coroutine[Any, Any, T], grace: float) -> T | None:
        """The work's result; None when it was broken off: by `finish`, or `grace` seconds after the client left."""
        loop = asyncio.get_running_loop()
        self._patient = task = asyncio.create_task(work)
        if self._over:
            task.cancel()
        try:
            with self._wire.on_hang_up(lambda: loop.call_later(grace, task.cancel)):
                await asyncio.wait({task})
        finally:
            self._patient = None
            await _end(task)
        return None if task.cancelled() else task.result()

    async def _stream(self, request: m.StreamRequest) -> None:
        try:
            session = await self._attached(request)
            try:
                failure = await self._exchange(request, session)
            finally:
                if session is not None:
                    await session.close()
        except Exception as error:  # noqa: BLE001 - as in dispatch: the client is told, a defect is logged
            failure = error
        if failure is not None and not isinstance(failure, Detached | ConnectionError):
            await self._wire.send(error_reply(failure, type(request).__name__))

    @property
    def _uid(self) -> int | None:
        """Whose secrets may be told."""
        return self._caller.uid if self._role is m.Role.OPERATOR else None

    async def _attached(self, request: m.StreamRequest) -> Taking | None:
        with self._engine.receipts.kept(request, self._caller):
            return await self._begun(request)

    async def _begun(self, request: m.StreamRequest) -> Taking | None:
        match request:
            case m.Attach():
                return await self._engine.containers.attach(request)
            case m.Exec():
                return await self._engine.containers.exec(request)
            case m.JoinTerminal():
                return self._engine.terminals.join(request)
            case m.JoinPresence():
                return self._engine.presence.join(request, self._role)
            case _:
                return None

    async def _exchange(self, request: m.StreamRequest, session: Taking | None) -> Exception | None:
        """Pass on what comes from either side until one of them ends; why, when that was not the stream's own end."""
        try:
            async with aclosing(self._messages(request, session)) as messages, asyncio.TaskGroup() as group:
                feeding = group.create_task(self._feed(session))
                try:
                    async for message in messages:
                        await self._wire.send(message, patiently=True)
                    feeding.cancel()
                except (BrokenPipeError, ConnectionResetError):
                    await asyncio.wait({feeding})  # what the client sent before it left still counts
        except ExceptionGroup as failures:
            return failures.exceptions[0]
        return None

    async def _messages(self, request: m.StreamRequest, session: Taking | None) -> AsyncGenerator[m.AnyReply, None]:
        """All that a stream says, in order."""
        if session is not None:
            yield session.attached
            async for output in session:
                yield output
            return
        said: AsyncGenerator[m.AnyReply, None]
        if isinstance(request, m.StreamReceipts):  # what is told depends on who asks
            said = self._engine.receipts.stream(request.since, self._uid, self._caller)
        else:
            said = STREAMS[type(request)](self._engine, request)
        async with aclosing(said):
            async for message in said:
                yield message

    async def _feed(self, session: Taking | None) -> None:
        """What the client says meanwhile. Raises Detached when it has gone, BadMessage and FrameError."""
        while (item := await self._inbox.get()) is not None:
            if isinstance(item, FrameError):
                raise item
            message = decode_stream_input(item)
            if isinstance(session, Participation) or (session is not None and self._role is m.Role.OPERATOR):
                await session.send(message)
        if self._wire.hung_up():
            raise Detached


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel and wait until it has ended."""
    task.cancel()
    await asyncio.wait({task})
