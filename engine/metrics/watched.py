"""One run of a container under observation: its sources, what they say now, and what they said.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.metrics import network, processes
from engine.metrics.descriptors import Descriptors
from engine.metrics.history import History
from engine.metrics.source import Directories, Reading, Source
from engine.metrics.table import sources
from engine.metrics.view import Files, View

LATELY = 1.5  # seconds: longer than from one reading to the next


class Program(NamedTuple):
    """What runs in a container. `run`: one and the same object from its start to its end; `pid`: its init.

    `pids`: all its processes; blocks.
    """

    id: str
    name: str
    run: object
    pid: int
    directories: Directories | None
    pids: Callable[[], Iterable[int]]


class Followed(NamedTuple):
    """One source at one a second, with its history."""

    files: Files
    view: View
    history: History


class Watched:
    """`place` spreads what is read rarely over the seconds. `remembered`: what `memory` had of an earlier run."""

    def __init__(self, program: Program, descriptors: Descriptors, place: int, remembered: Memory | None) -> None:
        self.program = program
        self.over = False
        self.ended = 0
        """The tick in which it was over."""
        self.memory = remembered if remembered is not None else {}
        self._place = place
        self._followed = [
            Followed(Files(source, program.directories, program.pid, descriptors), View(source), self._history(source))
            for source in sources(program.directories, own_network=network.is_own(program.pid))
        ]
        self._fast = [(one.files, View(one.view.source)) for one in self._followed if one.view.source.every == 1]
        self._threads = processes.Threads()
        self.processes = Followed(
            Files(processes.SOURCE, None, program.pid, descriptors),
            View(processes.SOURCE),
            self._history(processes.SOURCE),
        )

    def _history(self, source: Source) -> History:
        """A source has the same metrics in another run, unless its cgroup is of another version."""
        metrics = tuple(source.formulas)
        if metrics not in self.memory:
            self.memory[metrics] = History(len(metrics))
        return self.memory[metrics]

    def read(self, tick: int, now: float, *, looked_at: bool) -> None:
        """Once a second."""
        asleep = False
        for files, view, history in self._followed:
            every = view.source.every
            if every == 1 or looked_at or view.after is None or (tick + self._place) % every == 0:
                last = view.after
                view.take(files.read(now, last, keep=every == 1, asleep=asleep and not looked_at))
                if "cpu" in view.source.formulas:  # the first one, where there is a cgroup
                    asleep = last is not None and view.after is not None and view.after.counters is last.counters
            history.push(tick, view.row)

    def catch_up(self, now: float) -> None:
        """Somebody begins to look: read what was not read lately."""
        for files, view, _ in self._followed:
            if view.after is None or now - view.after.time > LATELY:
                view.take(files.read(now, view.after, keep=view.source.every == 1))

    def look(self, now: float) -> Reading:
        """At its threads. Blocks; `take` is told."""
        return self._threads.read(now, self.program.pids())

    def take(self, tick: int, reading: Reading) -> None:
        """What `look` found."""
        self.processes.view.take(reading)
        self.processes.history.push(tick, self.processes.view.row)

    def look_away(self) -> None:
        """Nobody wants its threads looked at any more."""
        self._threads = processes.Threads()
        self.processes.view.forget()

    def read_fast(self, now: float) -> None:
        """Ten times a second."""
        for files, view in self._fast:
            view.take(files.read(now, view.after, keep=True))

    def slow_down(self) -> None:
        """Nobody wants it ten times a second any more."""
        for _, view in self._fast:
            view.forget()

    def views(self) -> list[View]:
        """Of all sources, once a second."""
        return [one.view for one in (*self._followed, self.processes)]

    def values(self, *, fast: bool) -> dict[str, float]:
        """The latest, by metric."""
        found: dict[str, float] = {}
        for view in self.views():
            found |= view.values
        if fast:
            for _, view in self._fast:
                found |= view.values
        return found

    def found(self, metric: str) -> tuple[Files, View] | None:
        """The source that has a metric."""
        for files, view, _ in (*self._followed, self.processes):
            if metric in view.source.formulas:
                return files, view
        return None

    @property
    def began(self) -> int | None:
        """The first tick of its history."""
        return min((began for one in self.memory.values() if (began := one.began) is not None), default=None)

    def history(self, metric: str, first: int, end: int) -> list[float | None]:
        """A metric in the ticks `range(first, end)`."""
        for metrics, history in self.memory.items():
            if metric in metrics:
                values = history.column(metrics.index(metric), first, end)
                if any(value is not None for value in values):
                    return values
        return [None] * (end - first)

    def close(self) -> None:
        """It has ended: keep its history only."""
        self.over = True
        for files, view, _ in self._followed:
            files.close()
            view.forget()
        self.look_away()


Memory = dict[tuple[str, ...], History]
"""Histories by the metrics that are their columns."""
