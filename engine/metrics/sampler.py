"""Reads all that runs once a second, and what somebody wants ten times a second. Imports asyncio.

Reading a kernel file doesn't block, so it is done on the loop, a few containers at a time; walking through processes
is done in a thread. What nobody looks at is read less; see `Source.every`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from engine.metrics.history import LENGTH
from engine.metrics.kept_file import lower_half
from engine.metrics.source import RARELY, Reading
from engine.metrics.watched import Program, Watched

SLOW, FAST = 1.0, 0.1  # seconds
IN_A_LIST = 5  # seconds after which everything of all containers is read again, while somebody looks at all of them
AT_ONCE = 25  # containers that are read before others have their turn on the loop: a millisecond or two


class Sampler:
    """`programs` tells what runs now; `exists` whether there is still a container of that id."""

    def __init__(
        self,
        programs: Callable[[], Iterable[Program]],
        exists: Callable[[str], bool] = lambda id: True,
    ) -> None:
        self._programs = programs
        self._exists = exists
        self._keep_below = lower_half()
        self._watched: dict[str, Watched] = {}
        self._places = 0
        self._looks_at_all = 0
        self._looks: Counter[str] = Counter()
        self._fast_looks: Counter[str] = Counter()
        self._hurry = asyncio.Event()  # somebody looks ten times a second
        self._beats = {SLOW: asyncio.Event(), FAST: asyncio.Event()}
        self._walking = asyncio.Lock()
        self._origin = time.monotonic()
        self.tick = 0
        """Seconds since the sampler was made, at the last slow beat."""

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_slow())
                group.create_task(self._run_fast())
        finally:
            for watched in self._watched.values():
                watched.close()

    async def _run_slow(self) -> None:
        while True:
            await self._read_all()
            self._end_beat(SLOW)
            await asyncio.sleep(self._until_next(SLOW))

    async def _run_fast(self) -> None:
        while True:
            await self._hurry.wait()
            now = time.monotonic()
            for watched in self._those(self._fast_looks):
                watched.read_fast(now)
            self._end_beat(FAST)
            await asyncio.sleep(self._until_next(FAST))

    def _end_beat(self, period: float) -> None:
        self._beats[period].set()
        self._beats[period] = asyncio.Event()

    def _until_next(self, period: float) -> float:
        """Seconds; beats that were missed are left out."""
        return period - (time.monotonic() - self._origin) % period

    async def _read_all(self) -> None:
        self.follow()
        self.tick = int(time.monotonic() - self._origin)
        for number, watched in enumerate(tuple(self._watched.values()), 1):
            if not watched.over:
                watched.read(self.tick, time.monotonic(), self._at_most(watched))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        await self._walk()

    def _at_most(self, watched: Watched) -> int:
        """Seconds after which everything is to be read again."""
        if watched.program.id in self._looks:
            return 1
        return IN_A_LIST if self._looks_at_all else RARELY

    def _is_walked(self, watched: Watched) -> bool:
        """Whether its processes are looked at one by one: when it is named, and when nothing else tells of it."""
        listed = self._looks_at_all > 0 and watched.program.directories is None
        return not watched.over and not watched.program.machine and (listed or watched.program.id in self._looks)

    async def _walk(self) -> None:
        """Look at processes one by one."""

        def walk() -> list[Reading]:
            return [watched.look(time.monotonic()) for watched in wanted]

        async with self._walking:
            wanted = [watched for watched in self._watched.values() if self._is_walked(watched)]
            for watched, reading in zip(wanted, await asyncio.to_thread(walk) if wanted else [], strict=True):
                if self._is_walked(watched):
                    watched.take(self.tick, reading)

    def _those(self, ids: Iterable[str]) -> list[Watched]:
        return [watched for id in tuple(ids) if (watched := self.running(id)) is not None]

    # What runs

    def follow(self) -> None:
        """Take up what has started, and let go of what has ended; its history stays for a while."""
        running = {program.id: program for program in self._programs()}
        for id, program in running.items():
            watched = self._watched.get(id)
            if watched is None or watched.program.run is not program.run:
                self._take_up(program, watched)
            else:
                watched.program = program  # by another name, perhaps
        for id, watched in tuple(self._watched.items()):
            if id not in running and not watched.over:
                watched.close()
            if watched.over and (self.tick - watched.remembered.stop > LENGTH or not self._exists(id)):
                del self._watched[id]

    def _take_up(self, program: Program, earlier: Watched | None) -> None:
        if earlier is not None:
            earlier.close()
        self._places += 1
        remembered = earlier.memory if earlier is not None else None
        self._watched[program.id] = Watched(program, self._keep_below, self._places, remembered)

    def time_of(self, tick: int) -> float:
        """When that beat was, in seconds since the epoch."""
        return time.time() - (time.monotonic() - self._origin - tick * SLOW)

    def ids(self) -> list[str]:
        """Of all containers that run."""
        return [id for id, watched in self._watched.items() if not (watched.over or watched.program.machine)]

    def running(self, id: str) -> Watched | None:
        """One that runs."""
        watched = self._watched.get(id)
        return watched if watched is not None and not watched.over else None

    def known(self, id: str) -> Watched | None:
        """One that runs or did lately."""
        return self._watched.get(id)

    # Looking

    @contextmanager
    def looking(self, ids: Collection[str] | None, period: float = SLOW) -> Iterator[None]:
        """Read these, or (None) all, in full while somebody looks; processes one by one only of those that are
        named."""
        if ids is None:
            self._looks_at_all += 1
        else:
            self._looks.update(ids)
            if period == FAST:
                self._fast_looks.update(ids)
                self._hurry.set()
        try:
            yield
        finally:
            self._look_away(ids, period)

    def _look_away(self, ids: Collection[str] | None, period: float) -> None:
        if ids is None:
            self._looks_at_all -= 1
        else:
            self._looks = self._looks - Counter(ids)
            if period == FAST:
                self._fast_looks = self._fast_looks - Counter(ids)
        if not self._fast_looks:
            self._hurry.clear()
        for watched in self._those(self._watched if ids is None else ids):
            if not self._is_walked(watched):
                watched.look_away()
            if watched.program.id not in self._fast_looks:
                watched.slow_down()

    async def begin(self, ids: Collection[str] | None) -> None:
        """Read at once what was not read lately, so that the next beat has something to compare with."""
        self.follow()
        for number, watched in enumerate(self._those(self.ids() if ids is None else ids), 1):
            watched.catch_up(time.monotonic())
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        await self._walk()

    async def beat(self, period: float = SLOW) -> None:
        """Wait until all are read again."""
        await self._beats[period].wait()
