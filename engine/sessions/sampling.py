"""A session's jobs as /proc shows them at one moment, and what happened between two moments. Imports the protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.protocol.messages import Job, JobEvent, JobProcess
from engine.sessions import processes
from engine.sessions.processes import Process
from engine.sessions.reports import LONGEST_TEXT

State = Literal["running", "stopped", "done"]


@dataclass(frozen=True)
class Sample:
    """All processes of a session by pid, with their commands."""

    time: float  # seconds since the epoch
    processes: dict[int, Process]
    commands: dict[int, str]
    foreground: int
    """The process group that has the terminal; 0 when there is none."""

    def state(self, pid: int) -> State:
        return _state(self.processes[pid])

    def groups(self) -> dict[int, list[int]]:
        """Pids by process group, the oldest first."""
        found: dict[int, list[int]] = {}
        for process in sorted(self.processes.values(), key=lambda one: (one.start, one.pid)):
            found.setdefault(process.pgid, []).append(process.pid)
        return found


def take(leader: int, before: Sample | None) -> Sample | None:
    """Look at /proc; None once the leader has ended. Blocks. `before` knows what zombies were called."""
    now = time.time()
    found = {process.pid: process for process in processes.of_session(leader)}
    if leader not in found or _state(found[leader]) == "done":
        return None
    commands = {pid: _command(process, before) for pid, process in found.items()}
    return Sample(now, found, commands, max(0, found[leader].foreground))


def _command(process: Process, before: Sample | None) -> str:
    if command := processes.command(process.pid):
        return command[:LONGEST_TEXT]
    if before is not None and not _is_other(before.processes.get(process.pid), process):
        return before.commands[process.pid]
    return f"[{process.name}]"


def job(sample: Sample, pgid: int, pids: list[int]) -> Job:
    """A process group of which no shell has told."""
    members = [JobProcess(pid=pid, command=sample.commands[pid], state=sample.state(pid)) for pid in pids]
    command = " | ".join(member.command for member in members)[:LONGEST_TEXT]
    return Job(pgid=pgid, command=command, state=state_of(members), processes=members, foreground=_has(sample, pgid))


def _has(sample: Sample, pgid: int) -> bool:
    return sample.foreground == pgid


def state_of(members: list[JobProcess]) -> State:
    """A job runs while one of its processes does, and is stopped while one is."""
    states = {member.state for member in members}
    return "running" if "running" in states else "stopped" if "stopped" in states else "done"


def events(before: Sample, after: Sample) -> Iterator[JobEvent]:
    """What happened in between, as far as it can still be seen."""
    for pid, process in after.processes.items():
        old = before.processes.get(pid)
        yield from _born(before, after, process) if _is_other(old, process) else _changes(before, after, process)
    for pid, process in before.processes.items():
        if _state(process) != "done" and _is_other(after.processes.get(pid), process):
            yield _event(after, "exit", process)
    if before.foreground != after.foreground:
        yield JobEvent(time=after.time, kind="foreground", pid=0, pgid=after.foreground)


def _born(before: Sample, after: Sample, process: Process) -> Iterator[JobEvent]:
    yield _event(after, "fork", process)
    parent = before.processes.get(process.ppid)
    if parent is not None and parent.pgid != process.pgid:
        yield _event(after, "setpgid", process)
    if after.commands[process.pid] != before.commands.get(process.ppid):
        yield _event(after, "exec", process, after.commands[process.pid])
    if _state(process) == "stopped":
        yield _event(after, "stop", process)
    if _state(process) == "done":
        yield _event(after, "exit", process)


def _changes(before: Sample, after: Sample, process: Process) -> Iterator[JobEvent]:
    old = before.processes[process.pid]
    was, now = _state(old), _state(process)
    if old.pgid != process.pgid:
        yield _event(after, "setpgid", process)
    if now == "done":
        if was != "done":
            yield _event(after, "exit", process)
        return
    if before.commands[process.pid] != after.commands[process.pid]:
        yield _event(after, "exec", process, after.commands[process.pid])
    if (was, now) == ("running", "stopped"):
        yield _event(after, "stop", process)
    if (was, now) == ("stopped", "running"):
        yield _event(after, "continue", process)


def _is_other(one: Process | None, process: Process) -> bool:
    return one is None or one.start != process.start


def _event(
    sample: Sample,
    kind: Literal["fork", "exec", "setpgid", "stop", "continue", "exit"],
    process: Process,
    text: str = "",
) -> JobEvent:
    return JobEvent(time=sample.time, kind=kind, pid=process.pid, pgid=process.pgid, text=text)


def _state(process: Process) -> State:
    match process.state:
        case "T" | "t":
            return "stopped"
        case "Z" | "X":
            return "done"
        case _:
            return "running"
