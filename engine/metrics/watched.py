"""One run of a container, or the machine, under observation: its sources, what they say now, and what they said.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.metrics import machine, network, processes
from engine.metrics.history import LENGTH, History
from engine.metrics.source import RARELY, Directories, Reading, Source
from engine.metrics.table import sources
from engine.metrics.view import Files, View

LATELY = 1.5  # seconds: longer than from one reading to the next


class Program(NamedTuple):
    """What runs in a container. `run`: one and the same object from its start to its end; `pid`: its init.

    `pids`: all its processes; blocks. `machine`: it is no container but all of the machine, and not looked at process
    by process.
    """

    id: str
    name: str
    run: object
    pid: int
    directories: Directories | None
    pids: Callable[[], Iterable[int]]
    machine: bool = False


class Followed(NamedTuple):
    """One source at one a second, with its history."""

    files: Files
    view: View
    history: History


class Watched:
    """`place` spreads what is read rarely over the seconds. `remembered`: what `memory` had of an earlier run."""

    def __init__(self, program: Program, keep_below: int, place: int, remembered: Memory | None) -> None:
        self.program = program
        self.over = False
        self.memory = remembered if remembered is not None else {}
        self._place = place
        self._followed = [
            Followed(Files(source, program.directories, program.pid, keep_below), View(source), self._history(source))
            for source in _sources(program)
        ]
        self._prompt = [(one.files, one.view) for one in self._followed if one.view.source.every == 1]
        self._fast: list[tuple[Files, View]] = []  # at ten a second; while nobody wants that there are none
        self._cpu = next((one.view for one in self._followed if "cpu" in one.view.source.formulas), None)
        self._tick: int | None = None
        self._resting = False
        self._slept = 0.0
        self._processes = processes.Processes()
        walked = _walked(program)
        self.processes = Followed(Files(walked, None, program.pid, keep_below), View(walked), self._history(walked))

    def _history(self, source: Source) -> History:
        """A source has the same metrics in another run, unless its cgroup is of another version."""
        if source.metrics not in self.memory:
            self.memory[source.metrics] = History(len(source.metrics))
        return self.memory[source.metrics]

    def read(self, tick: int, now: float, at_most: int = RARELY) -> None:
        """Once a second. Where CPU time stands still nothing ran; once all else was seen to stand still too, it is read
        rarely until something runs again. `at_most`: seconds after which everything is to be read again."""
        if self._tick is not None and tick > self._tick + 1:
            self._remember_nothing(self._tick + 1)  # the machine or the engine stood still
        self._tick = tick
        turn = tick + self._place
        asleep = False
        for files, view, history in self._followed:
            prompt = view.source.every == 1
            if view.after is None or turn % min(at_most, RARELY if asleep else view.source.every) == 0:
                if prompt and not asleep:
                    view.wait(self._slept)
                view.take(files.read(now, view.after, keep=prompt and (at_most < RARELY or not asleep)))
                history.push(tick, view.row)
            if view is self._cpu and view.steady and self._resting:
                asleep = True
                if turn % at_most:
                    self._slept = now
                    return
        self._resting = all(view.steady for _, view in self._prompt)

    def _remember_nothing(self, tick: int) -> None:
        """From that tick on."""
        for _, view, history in (*self._followed, self.processes):
            history.push(tick, view.source.nothing)

    def catch_up(self, now: float) -> None:
        """Somebody begins to look: read what was not read lately."""
        for files, view, _ in self._followed:
            if view.after is None or now - view.after.time > LATELY:
                view.take(files.read(now, view.after, keep=view.source.every == 1))

    def look(self, now: float) -> Reading:
        """At its processes. Blocks; `take` is told."""
        return self._processes.read(now, self.program.pids())

    def take(self, tick: int, reading: Reading) -> None:
        """What `look` found."""
        self.processes.view.take(reading)
        self.processes.history.push(tick, self.processes.view.row)

    def look_away(self) -> None:
        """Nobody wants its processes looked at any more, if anybody did."""
        if self.processes.view.after is None:
            return
        self._processes = processes.Processes()
        self.processes.view.forget()
        if self._tick is not None:
            self.processes.history.push(self._tick + 1, self.processes.view.source.nothing)

    def read_fast(self, now: float) -> None:
        """Ten times a second."""
        self._fast = self._fast or [(files, View(view.source)) for files, view in self._prompt]
        for files, view in self._fast:
            view.take(files.read(now, view.after, keep=True))

    def slow_down(self) -> None:
        """Nobody wants it ten times a second any more."""
        self._fast = []

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
    def remembered(self) -> range:
        """The ticks of its history, ten minutes of them at most."""
        end = 0 if self._tick is None else self._tick + 1
        began = min((began for one in self.memory.values() if (began := one.began) is not None), default=end)
        return range(max(began, end - LENGTH), end)

    def history(self, metric: str) -> list[float | None]:
        """A metric in the ticks that are remembered."""
        ticks = self.remembered
        for metrics, history in self.memory.items():
            if metric in metrics:
                values = history.column(metrics.index(metric), ticks)
                if any(value is not None for value in values):
                    return values
        return [None] * len(ticks)

    def close(self) -> None:
        """It has ended: keep its history only."""
        self.over = True
        for files, view, _ in self._followed:
            files.close()
            view.forget()
        if self._tick is not None:
            self._remember_nothing(self._tick + 1)


def _sources(program: Program) -> list[Source]:
    if program.machine:
        return machine.SOURCES
    return sources(program.directories, own_network=network.is_own(program.pid))


def _walked(program: Program) -> Source:
    if program.machine:
        return processes.NOTHING
    return processes.SOURCE if program.directories is not None else processes.WITHOUT_CGROUP


Memory = dict[tuple[str, ...], History]
"""Histories by the metrics that are their columns."""
