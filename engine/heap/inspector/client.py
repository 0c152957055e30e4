"""Asks the process that reads heaps. Imports asyncio and the protocol; never numpy.

That process is started when it is needed and ended when nobody has asked for a minute. A heap may be made so that
reading it never ends, so an answer that does not come in time is the end of the reader, too: the next question starts
another. One question is asked at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from typing import Any, TypeVar

import msgspec

from engine.errors import EngineError
from engine.heap.inspector import wire
from engine.protocol.heap import HeapMap, HeapProcess, HeapReport, HeapView
from engine.protocol.messages import ErrorCode, FreeList, HeapBytes

TIMEOUT = 5.0  # seconds for an answer
START_TIMEOUT = 15.0  # until the process is ready to be asked
MOST_STUCK = 2  # processes of one list that are waited for in vain
IDLE = 60.0  # seconds without a question, after which the process ends
AVOIDED = 30.0  # seconds in which nobody asks again about a process whose reading did not end

_COMMAND = (sys.executable, "-m", "engine.heap.inspector")
_HEADER = 4
_LEAN = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # numpy starts no threads
_OURS = ("LD_PRELOAD", "HELIOS_HEAP")  # not for the reader

T = TypeVar("T")
Payload = bytes  # within Inspector, `bytes` is a question


class Inspector:
    """Reads heaps of processes, called by the numbers that this process knows them by. All questions raise EngineError:
    NO_HEAP (it has none of ours, or a damaged one), WRONG_STATE (it has ended, or does not let itself be read),
    UNSUPPORTED (not permitted), INVALID."""

    def __init__(self, timeout: float = TIMEOUT, idle: float = IDLE) -> None:
        self._timeout, self._idle = timeout, idle
        self._turn = asyncio.Lock()
        self._reader: _Reader | None = None
        self._ending: asyncio.Task[None] | None = None
        self._avoided: dict[int, float] = {}  # by pid, until when
        self._closed = False

    async def processes(self, pids: list[int]) -> list[HeapProcess]:
        """Which of these have a heap of ours, in their order; of the others, why not. One that does not let itself be
        read does not keep us from the others; several such do, until it is known which: those cost no time again."""
        found: list[HeapProcess] = []
        stuck = 0
        for pid in pids:
            avoided = self._is_avoided(pid)
            try:
                if stuck == MOST_STUCK:
                    raise EngineError(ErrorCode.WRONG_STATE, "Not looked at: others did not let themselves be read.")
                found.append(await self._ask(wire.Process(pid), HeapProcess))
            except EngineError as error:
                if error.code is not ErrorCode.WRONG_STATE:
                    raise
                stuck += stuck < MOST_STUCK and not avoided and self._is_avoided(pid)
                found.append(HeapProcess(pid=0, host_pid=pid, command="", reason=error.message.rstrip(".")))
        return found

    async def report(self, pid: int) -> HeapReport:
        return await self._ask(wire.Report(pid), HeapReport)

    async def picture(self, pid: int, view: HeapView) -> HeapMap:
        return await self._ask(wire.Picture(pid, view), HeapMap)

    async def free_list(self, pid: int, bin: int | None, skip: int, limit: int) -> FreeList:
        found = await self._ask(wire.FreeBlocks(pid, bin, skip, limit), wire.Listed)
        return FreeList(blocks=found.blocks, count=found.count)

    async def bytes(self, pid: int, address: str, size: int) -> HeapBytes:
        found = await self._ask(wire.Memory(pid, address, size), wire.Bytes)
        return HeapBytes(address=address, data=found.data, fields=found.fields)

    async def close(self) -> None:
        """End the process, and wait for its end."""
        self._closed = True
        ending = self._ending
        async with self._turn:
            await self._end()
        if ending is not None:
            await asyncio.wait([ending])

    async def _ask(self, question: wire.AnyQuestion, answer: type[T]) -> T:
        async with self._turn:
            self._refuse(question)
            self._stay()
            try:
                payload = await self._answer(question)
            finally:
                self._end_when_idle()
        answered = msgspec.json.decode(payload, type=wire.Answered)
        if answered.failed is not None:
            raise EngineError(answered.failed.code, answered.failed.sentence)
        return msgspec.json.decode(answered.answer, type=answer)

    async def _answer(self, question: wire.AnyQuestion) -> Payload:
        done = False
        try:
            reader = self._reader or await self._started()
            async with asyncio.timeout(self._timeout):
                payload = await reader.answer(question)
            done = True
        except TimeoutError:
            raise self._gave_up(question.pid) from None
        except (OSError, asyncio.IncompleteReadError):
            raise EngineError(
                ErrorCode.NO_HEAP,
                "The heap could not be read: whatever is there was too much for its reader, which ended.",
            ) from None
        finally:
            if not done:  # given up, cancelled, or lost: nobody waits for what it would still say
                await self._end()
        return payload

    async def _started(self) -> _Reader:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                self._reader = await _Reader.start()
                await self._reader.ready()
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise EngineError(
                ErrorCode.INTERNAL,
                f"The process that reads heaps could not be started: {error or 'it takes too long'}.",
            ) from None
        return self._reader

    def _refuse(self, question: wire.AnyQuestion) -> None:
        if self._closed:
            raise EngineError(ErrorCode.SHUTTING_DOWN, "The engine is ending; heaps are not read any more.")
        if self._is_avoided(question.pid):
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"The memory of process {question.pid} could not be read in time; for a while it is not tried again.",
            )

    def _is_avoided(self, pid: int) -> bool:
        now = time.monotonic()
        self._avoided = {pid: until for pid, until in self._avoided.items() if until > now}
        return pid in self._avoided

    def _gave_up(self, pid: int) -> EngineError:
        self._avoided[pid] = time.monotonic() + AVOIDED
        return EngineError(
            ErrorCode.WRONG_STATE,
            f"The memory of process {pid} could not be read in {self._timeout:g} s: its pages may be held back "
            "(userfaultfd, FUSE), or this machine is very busy.",
        )

    # The process

    def _stay(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_when_idle(self) -> None:
        if self._reader is not None:
            self._ending = asyncio.create_task(self._end_later())

    async def _end_later(self) -> None:
        await asyncio.sleep(self._idle)
        async with self._turn:
            self._ending = None
            await self._end()

    async def _end(self) -> None:
        self._stay()
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.end()


class _Reader:
    """The process and our end of its socket."""

    def __init__(self, process: asyncio.subprocess.Process, streams: tuple[Any, Any]) -> None:
        self._process = process
        self._from, self._to = streams
        self._number = 0

    @classmethod
    async def start(cls) -> _Reader:
        ours, its = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name not in _OURS}
        with its:
            try:
                process = await asyncio.create_subprocess_exec(
                    *_COMMAND, stdin=its.fileno(), stdout=DEVNULL, stderr=DEVNULL, env=environment | _LEAN
                )
            except BaseException:
                ours.close()
                raise
        return cls(process, await asyncio.open_connection(sock=ours, limit=wire.MOST_ANSWER))

    async def ready(self) -> None:
        """Wait until it has begun: its first frame is empty. Raises IncompleteReadError when it has ended."""
        await self._from.readexactly(_HEADER)

    async def answer(self, question: wire.AnyQuestion) -> bytes:
        """Raises OSError and IncompleteReadError when the process has ended."""
        self._number += 1
        self._to.write(wire.framed(wire.Asked(self._number, question)))
        await self._to.drain()
        length = int.from_bytes(await self._from.readexactly(_HEADER), "big")
        payload: bytes = await self._from.readexactly(length)
        return payload

    async def end(self) -> None:
        """Whatever it is doing."""
        self._to.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.shield(self._process.wait())
        with contextlib.suppress(OSError):
            await self._to.wait_closed()
