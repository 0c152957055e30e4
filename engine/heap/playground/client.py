"""Playgrounds as the engine's process sees them: each is a process of its own, started here and asked in frames.

Questions are answered in the order in which they came, also when whoever asked has given up.
Imports asyncio, the protocol and where the library is; never the allocator.
"""

from __future__ import annotations

import asyncio
import builtins
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from engine.errors import EngineError
from engine.heap import library
from engine.heap.playground.answers import Answer, Asked
from engine.protocol.heap import HeapOptions, Playground, PlaygroundOperation
from engine.protocol.messages import (
    Error,
    ErrorCode,
    GetPlayground,
    ListPlay,
    Operations,
    Peeked,
    PeekPlayground,
    Play,
    PlaygroundShown,
    Reply,
    SeekPlayground,
)

MOST = 16
PATIENCE = 120.0
"""Seconds for an answer. What takes longer than it may, the playground itself stops much sooner."""
COPIED = 10_000  # operations that are copied at once
BASE, SECRET = 0x600000000000, 0x5EED
"""The same in all playgrounds, so that the same operations have the same addresses."""
_HEADER = struct.Struct(">I")
_Reply = TypeVar("_Reply", bound=Reply)


class Playgrounds:
    """All playgrounds of the engine. Methods raise EngineError: NO_SUCH_PLAYGROUND; INVALID and WRONG_STATE for what
    can't be done; UNSUPPORTED where the allocator was not compiled."""

    def __init__(self) -> None:
        self._open: dict[str, _Process] = {}
        self._opened = 0

    async def open(self, options: HeapOptions, like: str | None = None) -> Playground:
        """A new one; `like`: with that one's operations, at its step."""
        if (path := library.path()) is None:
            raise EngineError(ErrorCode.UNSUPPORTED, f"There are no playgrounds: {library.why_missing()}")
        origin = self._find(like) if like is not None else None
        if len(self._open) >= MOST:
            raise EngineError(ErrorCode.WRONG_STATE, f"There are {MOST} playgrounds already: close one of them first.")
        self._opened += 1
        process = _Process(f"p{self._opened}")
        self._open[process.id] = process
        try:
            await process.start(path, options)
            if origin:
                await _copy(origin, process)
        except (OSError, _Gone) as error:
            await self._drop(process)
            raise EngineError(ErrorCode.UNSUPPORTED, f"A playground can't be opened: {error}") from None
        except BaseException:
            await self._drop(process)
            raise
        return process.shown

    def list(self) -> builtins.list[Playground]:
        return [process.shown for process in self._open.values() if process.ready]

    def get(self, id: str) -> Playground:
        return self._find(id).shown

    def pid_of(self, id: str) -> int:
        """The process that has the heap now; after a step back it is another one."""
        return self._find(id).heap_pid

    async def play(self, id: str, operations: Sequence[str], run: bool = True, append: bool = False) -> Playground:
        """Put operations after the present step, or behind all, and do them if `run`. What does not come to its end in
        five seconds stops where it is."""
        request = Play(playground=id, operations=builtins.list(operations), run=run, append=append)
        return (await self._ask(id, request, PlaygroundShown)).playground

    async def seek(self, id: str, step: int) -> Playground:
        """Go to a step, forward or back."""
        return (await self._ask(id, SeekPlayground(playground=id, step=step), PlaygroundShown)).playground

    async def peek(self, id: str) -> Peeked:
        """What the next operation would answer."""
        return await self._ask(id, PeekPlayground(playground=id), Peeked)

    async def operations(self, id: str, first: int = 1, limit: int = 200) -> builtins.list[PlaygroundOperation]:
        """Operations from `first` on, at most 10,000, with what came of those that are done."""
        return (await self._ask(id, ListPlay(playground=id, first=first, limit=limit), Operations)).operations

    async def close(self, id: str) -> None:
        """End it."""
        await self._drop(self._find(id))

    async def close_all(self) -> None:
        for process in builtins.list(self._open.values()):
            await self._drop(process)

    def _find(self, id: str) -> _Process:
        process = self._open.get(id)
        if process is None or not process.ready:
            there = ", ".join(each.id for each in self._open.values() if each.ready) or "none"
            raise EngineError(ErrorCode.NO_SUCH_PLAYGROUND, f"There is no playground {id!r}; there are: {there}.")
        return process

    async def _ask(self, id: str, request: Asked, answer: type[_Reply]) -> _Reply:
        process = self._find(id)
        try:
            return await process.ask(request, answer)
        except _Gone as gone:
            await self._drop(process)
            why = f"Playground {id} is gone: {gone} Open another one."
            raise EngineError(ErrorCode.NO_SUCH_PLAYGROUND, why) from None

    async def _drop(self, process: _Process) -> None:
        self._open.pop(process.id, None)
        await process.end()


class _Gone(Exception):
    """The playground's process does not answer any more."""


class _Process:
    """`shown` and `heap_pid`: as it said last."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.ready = False
        self.shown: Playground
        self.heap_pid = 0
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, path: str, options: HeapOptions) -> None:
        """Raises OSError and _Gone."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, self._writer = await asyncio.open_connection(sock=ours)
            words = [self.id, path, msgspec.json.encode(options).decode(), str(os.getpid())]
            settings = f"{library.spelled(options)},events,base={BASE:#x},secret={SECRET:#x}"
            environment = {name: value for name, value in os.environ.items() if name != library.PRELOAD}
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "engine.heap.playground", *words),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                env={**environment, library.SETTINGS: settings},
            )
        self._reading = asyncio.create_task(self._read(reader))
        await self.ask(GetPlayground(playground=self.id), PlaygroundShown)
        self.ready = True

    async def ask(self, request: Asked, answer: type[_Reply]) -> _Reply:
        """Raises _Gone, and EngineError as the playground says it."""
        assert self._writer is not None
        if self._reading is None or self._reading.done():
            raise _Gone("Its process has ended.")
        payload = msgspec.msgpack.encode(request)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._writer.write(_HEADER.pack(len(payload)) + payload)
        try:
            async with asyncio.timeout(PATIENCE):
                reply = (await waiting).reply
        except TimeoutError:
            raise _Gone(f"It has not answered for {PATIENCE:.0f} seconds.") from None
        if isinstance(reply, Error):
            raise EngineError(reply.code, reply.message)
        assert isinstance(reply, answer)
        return reply

    async def end(self) -> None:
        """All that was its own dies with it."""
        self.ready = False
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reading:
            await self._reading
        if self._writer:
            self._writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand out what it answers, until it has ended."""
        decoder = msgspec.msgpack.Decoder(Answer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                answer = decoder.decode(await reader.readexactly(length))
                if isinstance(answer.reply, PlaygroundShown):
                    self.shown = answer.reply.playground
                self.heap_pid = answer.pid
                waiting = self._waiting.popleft()
                if not waiting.done():
                    waiting.set_result(answer)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(_Gone("Its process has ended."))


async def _copy(origin: _Process, copy: _Process) -> None:
    """All operations, and the step."""
    step, first = origin.shown.step, 1
    while True:
        listed = await origin.ask(ListPlay(playground=origin.id, first=first, limit=COPIED), Operations)
        if not listed.operations:
            break
        lines = [each.operation for each in listed.operations]
        await copy.ask(Play(playground=copy.id, operations=lines, run=False, append=True), PlaygroundShown)
        first += len(lines)
    await copy.ask(SeekPlayground(playground=copy.id, step=min(step, first - 1)), PlaygroundShown)
