"""The jobs of one terminal, for those who watch: told by its shell, completed or replaced by what /proc shows.

/proc is looked at in a thread, and only while somebody watches: when the shell says something, and four times a second
while jobs run or when the shell says nothing. Imports asyncio and the parts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec

from engine.protocol.messages import Job, JobEvent, JobProcess, JobTable
from engine.sessions import reports, sampling
from engine.sessions.reports import MOST_EVENTS, PAST, Report
from engine.sessions.sampling import Sample

PERIOD = 0.25  # seconds between two looks at what changes by itself
SPACING = 0.05  # and at least, however fast the reports come
MOST_SHELLS = 8  # one in the other
_log = logging.getLogger(__name__)


class Board:
    """The job table of the session that `leader` leads, until `close`."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._reports: dict[int, Report] = {}  # by shell, the latest last
        self._told: deque[int] = deque(maxlen=MOST_EVENTS)  # pids of which a shell has told
        self._events: deque[tuple[int, JobEvent]] = deque(maxlen=MOST_EVENTS)  # numbered
        self._count = 0
        self._sample: Sample | None = None
        self._table: JobTable | None = None
        self._changes = 0
        self._published = 0  # the number of the last event of which watchers know
        self._news = asyncio.Event()
        self._look = asyncio.Event()
        self._watchers = 0
        self._looking: asyncio.Task[None] | None = None
        self._over = False

    def report(self, data: bytes) -> None:
        """What a shell, or somebody who plays one, says. Nonsense is ignored."""
        report = reports.read(data, time.time())
        if report is None:
            return
        self._reports.pop(report.shell, None)
        self._reports[report.shell] = report
        if len(self._reports) > MOST_SHELLS:
            del self._reports[next(iter(self._reports))]
        self._told.extend(event.pid for event in report.events if event.kind == "fork")
        self._note(report.events)
        self._look.set()

    def close(self) -> None:
        """The session has ended: those who watch come to an end."""
        self._over = True
        self._look.set()
        self._publish()

    async def watch(self) -> AsyncGenerator[JobTable, None]:
        """The table now, with what happened in the last minute, and again whenever it or something happened."""
        self._watchers += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._follow())
            self._looking.add_done_callback(self._looked)
        seen = told = -1
        try:
            while not self._over:
                if self._table is None or seen == self._changes:
                    await self._news.wait()
                    continue
                since = time.time() - PAST
                events = [event for number, event in self._events if number > told and event.time >= since]
                seen, told = self._changes, self._count
                yield msgspec.structs.replace(self._table, events=events)
        finally:
            self._watchers -= 1
            if not self._watchers:
                await self._rest()

    async def until(self, holds: Callable[[JobTable], bool], seconds: float) -> bool:
        """Wait until that holds of the table; whether it came to that in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self.watch()) as tables:
                async for table in tables:
                    if holds(table):
                        return True
        return False

    async def now(self) -> JobTable | None:
        """The table; None when the session has ended."""
        async with aclosing(self.watch()) as tables:
            return await anext(tables, None)

    # Looking

    async def _follow(self) -> None:
        while not self._over:
            self._look.clear()
            after = await asyncio.to_thread(sampling.take, self._leader, self._sample)
            if after is None:
                self.close()
                return
            before, self._sample = self._sample, after
            report = self._speaker(after)
            if before is not None:
                self._note([event for event in sampling.events(before, after) if self._is_news(event, before, report)])
            table = compose(after, report, self._leader)
            if table != self._table or self._count != self._published:
                self._table = table
                self._publish()
            await asyncio.sleep(SPACING)  # however much there is to look at, others have their turn
            lively = report is None or any(job.state != "done" for job in table.jobs)
            with suppress(TimeoutError):
                async with asyncio.timeout(PERIOD - SPACING if lively else None):
                    await self._look.wait()

    def _looked(self, task: asyncio.Task[None]) -> None:
        """A defect must not let those who watch wait for ever."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the jobs of session %s can't be seen", self._leader, exc_info=error)
            self.close()

    async def _rest(self) -> None:
        """Nobody watches any more. What happens until the next one does is not known."""
        looking, self._looking = self._looking, None
        self._sample = self._table = None
        if looking is not None:
            looking.cancel()
            await asyncio.wait({looking})

    def _speaker(self, sample: Sample) -> Report | None:
        """The latest report of a shell that lives in this session."""
        for shell in list(self._reports):
            if shell not in sample.processes or sample.state(shell) == "done":
                del self._reports[shell]
        return next(reversed(self._reports.values()), None)

    def _is_news(self, event: JobEvent, before: Sample, report: Report | None) -> bool:
        """What a shell that reports does with its own children it tells itself, and better."""
        if report is None:
            return True
        if event.kind == "foreground" or event.pid == report.shell or event.pid in self._told:
            return False
        assert self._sample is not None
        process = self._sample.processes.get(event.pid) or before.processes[event.pid]
        return process.ppid != report.shell

    def _note(self, events: list[JobEvent]) -> None:
        for event in events:
            self._count += 1
            self._events.append((self._count, event))

    def _publish(self) -> None:
        self._changes += 1
        self._published = self._count
        self._news.set()
        self._news = asyncio.Event()


def compose(sample: Sample, report: Report | None, leader: int) -> JobTable:
    """The table: what the shell has told where that can be so, and the groups of which it has not."""
    groups = sample.groups()
    told: list[Job] = []
    shell, shell_pgid = leader, sample.processes[leader].pgid
    if report is not None:
        shell, shell_pgid = report.shell, sample.processes[report.shell].pgid
        told = [seen for job in report.jobs if (seen := _seen(job, sample, groups)) is not None]
    known = {job.pgid for job in told}
    for pgid, pids in groups.items():
        others = [pid for pid in pids if pid not in (leader, shell)]
        if others and pgid not in known and not (report is not None and pgid == shell_pgid):
            told.append(sampling.job(sample, pgid, others))
    return JobTable(
        source="proc" if report is None else "heliosh",
        shell=shell,
        shell_pgid=shell_pgid,
        foreground=sample.foreground,
        jobs=told,
    )


def _seen(job: Job, sample: Sample, groups: dict[int, list[int]]) -> Job | None:
    """A job as told, but with its living processes as they are; None when it has none in this session."""
    if job.state == "done":
        return job
    members = []
    for process in job.processes:
        if process.state == "done":
            members.append(process)
        elif process.pid in groups.get(job.pgid, ()):
            members.append(msgspec.structs.replace(process, state=sample.state(process.pid)))
    named = {process.pid for process in job.processes}
    members += [
        JobProcess(pid=pid, command=sample.commands[pid], state=sample.state(pid))
        for pid in groups.get(job.pgid, [])
        if pid not in named
    ]
    if all(member.state == "done" for member in members):
        return None
    return msgspec.structs.replace(
        job, state=sampling.state_of(members), processes=members, foreground=sample.foreground == job.pgid
    )
