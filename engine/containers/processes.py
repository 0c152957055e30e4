"""The processes of containers, for dispatch: listed, looked at, explained, signalled, made nicer.

Owns what is asked of a container first; the work is done in `top`, `one_process` and `process_figures`, in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from engine.containers import one_process, process_figures, signals, top
from engine.containers.container import Container
from engine.containers.one_process import Members
from engine.errors import EngineError
from engine.protocol.messages import (
    ErrorCode,
    ExplainProcess,
    Explanation,
    GetProcess,
    NiceProcess,
    SignalProcess,
    TopContainer,
)
from engine.protocol.processes import ProcessDetail, ProcessRow

INTERVAL = 0.25  # seconds between two looks at CPU times, which count in hundredths
LEAST, MOST = 0.05, 10.0  # seconds; of an interval


class Publish(Protocol):
    """Says what happened to a container."""

    def __call__(self, action: str, container: Container, **attributes: object) -> None: ...


class Processes:
    """`find`: a running container by id, prefix or name. Methods raise EngineError(WRONG_STATE) where it does not run,
    NO_SUCH_PROCESS where it has no such process."""

    def __init__(self, find: Callable[[str], Container], publish: Publish) -> None:
        self._find = find
        self._publish = publish

    async def list(self, request: TopContainer) -> list[ProcessRow]:
        """All of them; those that end meanwhile are left out. EngineError(INVALID)."""
        if not LEAST <= request.interval <= MOST:
            raise EngineError(
                ErrorCode.INVALID,
                f"An interval of {request.interval:g} s can't be: give {LEAST:g} to {MOST:g} seconds.",
            )
        members = self._members(self._find(request.container))
        before = await asyncio.to_thread(lambda: top.used(members()))
        await asyncio.sleep(request.interval)
        return await asyncio.to_thread(lambda: top.rows(members(), before))

    async def detail(self, request: GetProcess) -> ProcessDetail:
        """All of one."""
        pid, before = await asyncio.to_thread(self._seen, request)
        await asyncio.sleep(INTERVAL)
        return await asyncio.to_thread(one_process.detail, pid, before)

    def _seen(self, request: GetProcess) -> tuple[int, dict[int, top.Used]]:
        with ExitStack() as opened:
            pid, _ = self._hold(request, opened)
            return pid, top.used([pid])

    async def explain(self, request: ExplainProcess) -> Explanation:
        """Where a figure comes from. EngineError also INVALID."""
        file = process_figures.file_of(request.figure)

        def first() -> tuple[int, process_figures.Look]:
            with ExitStack() as opened:
                pid, _ = self._hold(request, opened)
                return pid, process_figures.look(pid, file)

        pid, before = await asyncio.to_thread(first)
        await asyncio.sleep(INTERVAL)
        after = await asyncio.to_thread(process_figures.look, pid, file)
        return process_figures.explanation(pid, request.figure, before, after)

    async def signal(self, request: SignalProcess) -> None:
        """Send it a signal. EngineError also INVALID, FORBIDDEN."""
        number = signals.number(request.signal)

        def send() -> int:
            with ExitStack() as opened:
                pid, pidfd = self._hold(request, opened)
                one_process.send_signal(pidfd, pid, number)
                return pid

        pid = await asyncio.to_thread(send)
        self._publish("signal", self._find(request.container), pid=pid, signal=signals.name(number))

    async def renice(self, request: NiceProcess) -> None:
        """Give it another nice value. EngineError also INVALID, FORBIDDEN."""

        def change() -> tuple[int, int]:
            with ExitStack() as opened:
                pid, _ = self._hold(request, opened)
                return pid, one_process.renice(pid, request.nice)

        pid, before = await asyncio.to_thread(change)
        self._publish("renice", self._find(request.container), pid=pid, nice=request.nice, before=before)

    def _hold(
        self, request: GetProcess | ExplainProcess | SignalProcess | NiceProcess, opened: ExitStack
    ) -> tuple[int, int]:
        """The pid as we number it, and a pidfd that `opened` closes. Blocks."""
        container = self._find(request.container)
        members = self._members(container)
        pid = one_process.find(members, request.pid, inside=request.inside, container=container.name)
        return pid, opened.enter_context(one_process.held(members, pid, request.start, container.name))

    def _members(self, container: Container) -> Members:
        run = container.running()
        return lambda: top.processes(run.held.pid, run.cgroup)
