"""What happened to a terminal's processes lately, as lanes in time: the model of the swim-lanes. Imports jobs."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import PurePosixPath
from typing import TypeVar

from widgets.jobs import Event, Jobs, State, narrated

T = TypeVar("T")
MOST_EVENTS = 4_000
MOST_LANES = 400


@dataclass
class Lane:
    """One process. Times are seconds since the epoch; what began before anybody looked began at -inf."""

    pid: int
    name: str
    born: float = -inf
    died: float = inf
    groups: list[tuple[float, int]] = field(default_factory=list)
    """Since when it has been in which group."""
    states: list[tuple[float, State]] = field(default_factory=list)
    """Since when it has been running or stopped."""
    events: list[Event] = field(default_factory=list)

    @property
    def pgid(self) -> int:
        return self.groups[-1][1] if self.groups else self.pid

    @property
    def alive(self) -> bool:
        return self.died == inf

    def spans(self) -> Iterator[tuple[float, float, State]]:
        """From when to when it was in which state."""
        yield from _spans(self.states, self.born, self.died)

    def group_spans(self) -> Iterator[tuple[float, float, int]]:
        """From when to when it was in which group."""
        yield from _spans(self.groups, self.born, self.died)


def _spans(changes: Sequence[tuple[float, T]], born: float, died: float) -> Iterator[tuple[float, float, T]]:
    """What was the case from when to when, of what each change made it, between birth and death."""
    ends = [time for time, _ in changes[1:]] + [died]
    for (since, value), until in zip(changes, ends, strict=True):
        if max(since, born) < min(until, died):
            yield max(since, born), min(until, died), value


class History:
    """The lanes of one terminal, and who had the terminal when. `tell` it everything in order."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.terminal: list[tuple[float, int]] = []
        """Since when which group has had the terminal."""
        self.events: list[Event] = []
        self.labels: dict[int, str] = {}
        """What the shell calls the jobs, by group."""
        self.shell = 0
        self._lanes: dict[int, Lane] = {}
        self._ended: list[Lane] = []

    # --- what is told ---

    def tell(self, jobs: Jobs, events: Iterable[Event], now: float) -> None:
        """Take in a job table and what happened since the one before."""
        self.shell = jobs.shell
        for event in events:
            insort(self.events, event, key=lambda each: each.time)
            if event.kind == "foreground":
                if not self.terminal and event.pgid != jobs.shell_pgid:
                    self.terminal.append((-inf, jobs.shell_pgid))  # who else could have given it away
                self.terminal.append((event.time, event.pgid))
            else:
                self._happened(event)
        self._agree(jobs, now)
        self._forget(now)

    def _happened(self, event: Event) -> None:
        lane = self._lanes.get(event.pid)
        if lane is None or (event.kind == "fork" and lane.events):
            lane = self._begin(event)
        lane.events.append(event)
        match event.kind:
            case "exec":
                lane.name = _short(event.text) or lane.name
            case "setpgid":
                lane.groups.append((event.time, event.pgid))
            case "stop":
                lane.states.append((event.time, "stopped"))
            case "continue":
                lane.states.append((event.time, "running"))
            case "exit":
                lane.died = event.time

    def _begin(self, event: Event) -> Lane:
        """A lane for a process of which this is the first that is told."""
        if event.pid in self._lanes:  # the kernel has given its number to another process
            self._ended.append(self._lanes[event.pid])
        shell = self._lanes.get(self.shell)
        lane = Lane(event.pid, shell.name if shell else "", born=event.time if event.kind == "fork" else -inf)
        before: State = "stopped" if event.kind == "continue" else "running"
        lane.states.append((lane.born, before))
        lane.groups.append((lane.born, event.pgid))
        self._lanes[event.pid] = lane
        return lane

    def _agree(self, jobs: Jobs, now: float) -> None:
        """Let the lanes be as the table says: it knows what no event told."""
        self.labels.update({job.pgid: job.label for job in jobs.jobs})
        if not self.terminal or self.terminal[-1][1] != jobs.foreground:
            self.terminal.append((now if self.terminal else -inf, jobs.foreground))
        listed = {jobs.shell}
        self._agree_process(jobs.shell, jobs.shell_name, jobs.shell_pgid, "running", now)
        for job in jobs.jobs:
            for process in job.processes:
                listed.add(process.pid)
                self._agree_process(process.pid, process.command, job.pgid, process.state, now)
        for lane in self._lanes.values():
            if lane.alive and lane.pid not in listed:
                lane.died = now

    def _agree_process(self, pid: int, command: str, pgid: int, state: State, now: float) -> None:
        lane = self._lanes.get(pid)
        if lane is None:
            if state == "done":
                return
            lane = self._lanes[pid] = Lane(pid, "", groups=[(-inf, pgid)], states=[(-inf, state)])
        lane.name = _short(command) or lane.name
        if lane.pgid != pgid:
            lane.groups.append((now, pgid))
        if state == "done":
            lane.died = min(lane.died, now)
            return
        if not lane.alive and not any(event.kind == "exit" for event in lane.events):
            lane.died = inf
        if lane.states[-1][1] != state:
            lane.states.append((now, state))

    def _forget(self, now: float) -> None:
        """Drop what is too old to be drawn, and what is too much."""
        oldest = now - 1.5 * self.seconds  # what the picture still shows when it has just moved on
        self.events = [event for event in self.events if event.time >= oldest][-MOST_EVENTS:]
        ended = [lane for lane in (*self._ended, *self._lanes.values()) if not lane.alive and lane.died >= oldest]
        kept = {id(lane) for lane in sorted(ended, key=lambda lane: lane.died)[-MOST_LANES:]}
        self._ended = [lane for lane in self._ended if id(lane) in kept]
        self._lanes = {pid: lane for pid, lane in self._lanes.items() if lane.alive or id(lane) in kept}
        while len(self.terminal) > 1 and self.terminal[1][0] < oldest:
            del self.terminal[0]
        groups = {lane.pgid for lane in self._all()}
        self.labels = {pgid: label for pgid, label in self.labels.items() if pgid in groups}

    # --- what is drawn ---

    def _all(self) -> Iterator[Lane]:
        yield from self._ended
        yield from self._lanes.values()

    def lanes(self, since: float) -> list[Lane]:
        """The shell, then the groups in the order they began, of all that lived after `since`."""
        lanes = [lane for lane in self._all() if lane.died >= since]
        first: dict[int, float] = {}
        for lane in lanes:
            first[lane.pgid] = min(first.get(lane.pgid, inf), lane.born)
        return sorted(
            lanes, key=lambda lane: (lane.pid != self.shell, first[lane.pgid], lane.pgid, lane.born, lane.pid)
        )

    def bands(self, lane: Lane) -> Iterator[tuple[float, float]]:
        """From when to when the lane's group had the terminal."""
        for since, until, pgid in lane.group_spans():
            for had, lost, owner in _spans(self.terminal, since, until):
                if owner == pgid:
                    yield had, lost

    def told(self, event: Event) -> str:
        """The event in words."""
        lane = next((lane for lane in self._all() if event in lane.events), None)
        leader = next((lane for lane in self._all() if lane.pid == event.pgid), None)
        return narrated(event, lane.name if lane else "", leader.name if leader else "")


def _short(command: str) -> str:
    """The name of a command's program: its first word, without directories."""
    words = command.split(maxsplit=1)
    return PurePosixPath(words[0]).name or words[0] if words else ""
