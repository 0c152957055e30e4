"""The jobs of a terminal as plain values, and the words in which they are told. Imports the standard library only."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

State: TypeAlias = Literal["running", "stopped", "done"]
Kind: TypeAlias = Literal["fork", "exec", "setpgid", "foreground", "stop", "continue", "exit"]


@dataclass(frozen=True)
class Process:
    """A process of a job. `status`: 0-255 once it has ended; `signal`: what stopped or ended it ("TSTP")."""

    pid: int
    command: str
    state: State
    status: int | None = None
    signal: str | None = None


@dataclass(frozen=True)
class Job:
    """A process group. `number` and `mark` ("+", "-", "") are the shell's, where it tells them."""

    pgid: int
    command: str
    state: State
    processes: tuple[Process, ...]
    foreground: bool = False
    number: int | None = None
    mark: str = ""

    @property
    def label(self) -> str:
        """As the shell writes it: `[1]+`."""
        return "" if self.number is None else f"[{self.number}]{self.mark}"

    @property
    def teller(self) -> Process | None:
        """The process whose fate is the job's: the first that is stopped, else the last."""
        stopped = (process for process in self.processes if process.state == self.state == "stopped")
        return next(stopped, self.processes[-1] if self.processes else None)


@dataclass(frozen=True)
class Jobs:
    """The jobs of one terminal. `foreground`: the group that has it; `told`: by the shell itself, not from /proc."""

    shell: int
    shell_pgid: int
    foreground: int
    jobs: tuple[Job, ...] = ()
    shell_name: str = "shell"
    told: bool = True

    def job(self, pgid: int | None) -> Job | None:
        return next((job for job in self.jobs if job.pgid == pgid), None)

    @property
    def at_prompt(self) -> bool:
        """Whether the shell has the terminal."""
        return self.foreground == self.shell_pgid


@dataclass(frozen=True)
class Event:
    """Something that happened to a process; of `foreground` the pid is 0. `time`: seconds since the epoch."""

    time: float
    kind: Kind
    pid: int
    pgid: int
    text: str = ""
    """exec: the command; stop and death: the signal; exit: the status."""


class Lately:
    """Keeps jobs that have ended for some seconds more. A job is told once as ended, or is only missed in the next
    table: then the events say how its processes ended, as far as anybody knows."""

    def __init__(self, seconds: float = 8.0) -> None:
        self._seconds = seconds
        self._live: tuple[Job, ...] = ()
        self._ended: dict[int, tuple[float, Job]] = {}

    def add(self, jobs: Jobs, now: float, events: Iterable[Event] = ()) -> Jobs:
        """These jobs and the ones that ended lately, by their numbers; what has none is in the order it came."""
        ends = {event.pid: event.text for event in events if event.kind == "exit"}
        listed = {job.pgid for job in jobs.jobs}
        told = [job for job in jobs.jobs if job.state == "done"]
        for job in (*told, *(_over(job, ends) for job in self._live if job.pgid not in listed)):
            self._ended.setdefault(job.pgid, (now, job))
        self._live = tuple(job for job in jobs.jobs if job.state != "done")
        alive = {job.pgid for job in self._live}
        self._ended = {
            pgid: (since, job)
            for pgid, (since, job) in self._ended.items()
            if now - since < self._seconds and pgid not in alive
        }
        both = [*(job for _, job in self._ended.values()), *self._live]
        return replace(jobs, jobs=tuple(sorted(both, key=lambda job: job.number or 0)))

    def next(self, now: float) -> float | None:
        """Seconds until one more is to be forgotten."""
        return min((max(0.0, since + self._seconds - now) for since, _ in self._ended.values()), default=None)


def _over(job: Job, ends: Mapping[int, str]) -> Job:
    """A job that is gone. `ends`: what the events of its processes' ends say, by pid."""
    processes = tuple(
        process if process.state == "done" else _ended(process, ends.get(process.pid, "")) for process in job.processes
    )
    return replace(job, state="done", processes=processes, foreground=False, mark="")


def _ended(process: Process, how: str) -> Process:
    status = int(how) if how.isdigit() else 128 + _number(how) if how else None
    return Process(process.pid, process.command, "done", status, None if how.isdigit() else how or None)


def condition(process: Process | None) -> str:
    """What state it is in, in words: `running`, `stopped by TSTP`, `exit 1`, `killed by KILL`."""
    if process is None:
        return ""
    match process.state:
        case "running":
            return "running"
        case "stopped":
            return f"stopped by {process.signal}" if process.signal else "stopped"
    if process.signal:
        return f"killed by {process.signal}"
    return "ended" if process.status is None else f"exit {process.status}"


_STOPPED = {
    "TSTP": "Stopped by Ctrl-Z. f brings it back, b lets it run on.",
    "TTIN": "Stopped for reading the terminal; f gives it that.",
    "TTOU": "Stopped for changing the terminal; f gives it that.",
    "STOP": "Stopped by STOP, which can't be caught. c: go on.",
}


def explained(job: Job) -> str:
    """A sentence on what the job's state means, and what can be done."""
    process = job.teller
    match job.state:
        case "stopped":
            return _STOPPED.get((process.signal if process else None) or "", "Stopped. c lets it go on.")
        case "running" if job.foreground:
            return "Has the terminal: keys, Ctrl-C and Ctrl-Z go to it."
        case "running":
            return "In the background: Ctrl-C does not reach it."
    if process is not None and process.signal:
        number = _number(process.signal)
        return f"Ended by signal {number} ({process.signal}): status {128 + number} = 128 + {number}."
    return "Ended." if process is None or process.status is None else f"Ended by itself with status {process.status}."


def _number(name: str) -> int:
    """The number of a signal; 0 for a name that this machine does not know."""
    known = signal.Signals.__members__.get(f"SIG{name}")
    return known.value if known else 0


def narrated(event: Event, name: str, leader: str) -> str:
    """An event in words. `name`: the command of its process; `leader`: that of the group it speaks of."""
    who = f"{name} ({event.pid})"
    match event.kind:
        case "fork":
            return f"{who} was forked in group {event.pgid}"
        case "exec":
            return f"{event.pid} became {event.text or name} (execve)"
        case "setpgid" if event.pid == event.pgid:
            return f"{who} leads its own group (setpgid)"
        case "setpgid":
            return f"{who} joined group {event.pgid} (setpgid)"
        case "foreground":
            return f"{leader} ({event.pgid}) got the terminal (tcsetpgrp)"
        case "stop":
            return f"{who} was stopped by {event.text}" if event.text else f"{who} was stopped"
        case "continue":
            return f"{who} goes on (CONT)"
        case "exit" if event.text and not event.text.isdigit():
            return f"{who} was killed by {event.text}"
    return f"{who} ended with status {event.text}" if event.text else f"{who} ended"
