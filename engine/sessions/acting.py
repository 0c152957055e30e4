"""Doing something to a job: stop it, let it go on, bring it to the foreground. Imports asyncio and the parts."""

from __future__ import annotations

import asyncio
import signal

from engine.containers import signals
from engine.containers.output.stdio import Stdio
from engine.errors import EngineError
from engine.protocol.messages import ActOnJob, ErrorCode, Job, JobTable
from engine.receipts.steps import step
from engine.sessions import processes
from engine.sessions.board import Board

PATIENCE = 2.0  # seconds for a job to stop
PUSH_LINE = b"\x1b[24;2~"  # F24: heliosh puts aside what is typed, until the next command has been read


class Jobs:
    """The jobs of the session that `leader` leads; `name` is what people call its terminal."""

    def __init__(self, name: str, leader: int, stdio: Stdio, board: Board) -> None:
        self._name = name
        self._leader = leader
        self._stdio = stdio
        self.board = board

    async def act(self, request: ActOnJob) -> None:
        """Do it. EngineError says why not."""
        match request.action:
            case "signal":
                await self._signal(request.pgid, signals.number(request.signal))
            case "continue":
                await self._signal(request.pgid, signal.SIGCONT)
            case "stop":
                await self._stop(request.pgid)
            case "background":
                await self._background(request.pgid)
            case "foreground":
                await self._foreground(request.pgid)

    async def _signal(self, pgid: int, *numbers: int) -> None:
        try:
            with step("kill", f"process group {pgid}", *map(signals.name, numbers)):
                found = await asyncio.to_thread(processes.signal_group, self._leader, pgid, *numbers)
        except PermissionError:
            why = f"Process group {pgid} belongs to another user, and may not be signalled."
            raise EngineError(ErrorCode.FORBIDDEN, why) from None
        if not found:
            raise EngineError(ErrorCode.INVALID, f"There is no process group {pgid} in {self._name}.")

    async def _table(self, pgid: int) -> tuple[JobTable, Job]:
        """EngineError when there is no such job."""
        table = await self.board.now()
        jobs = () if table is None else table.jobs
        job = next((job for job in jobs if job.pgid == pgid and job.state != "done"), None)
        if table is None or job is None:
            raise EngineError(ErrorCode.INVALID, f"There is no job with process group {pgid} in {self._name}.")
        if pgid == table.shell_pgid:
            raise EngineError(ErrorCode.WRONG_STATE, f"Process group {pgid} is that of the shell of {self._name}.")
        return table, job

    async def _stop(self, pgid: int) -> None:
        """As Ctrl-Z does for the one in the foreground: it may put the terminal in order. Those that will not, must."""
        _, job = await self._table(pgid)
        if job.foreground:
            await self._signal(pgid, signal.SIGTSTP)
            if await self.board.until(lambda table: not _runs(table, pgid), PATIENCE):
                return
        await self._signal(pgid, signal.SIGSTOP)

    async def _background(self, pgid: int) -> None:
        table, job = await self._table(pgid)
        if job.foreground:
            await self._signal(pgid, signal.SIGTSTP)
            if not await self.board.until(lambda now: now.foreground == table.shell_pgid, PATIENCE):
                await self._signal(pgid, signal.SIGCONT)
                raise EngineError(
                    ErrorCode.WRONG_STATE,
                    f"Process group {pgid} did not give back the terminal of {self._name}: "
                    "it does not stop on TSTP, or no shell waits for it.",
                )
        await self._signal(pgid, signal.SIGCONT)

    async def _foreground(self, pgid: int) -> None:
        table, job = await self._table(pgid)
        if job.foreground:
            return
        if table.source != "heliosh" or job.number is None:
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"The shell of {self._name} does not tell its job numbers, as heliosh does: type `fg` there yourself.",
            )
        if table.foreground != table.shell_pgid:
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"Another job has the terminal of {self._name}: stop it first, so that the shell can run `fg`.",
            )
        with step("write", "the terminal", f"fg %{job.number}".encode()):
            await self._stdio.write(PUSH_LINE + f"fg %{job.number}\r".encode())


def _runs(table: JobTable, pgid: int) -> bool:
    return any(job.pgid == pgid and job.state == "running" for job in table.jobs)
