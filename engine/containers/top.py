"""The processes of a container. Imports psutil. What is here blocks for as long as /proc takes: call it in a thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]

from engine.cgroups import Cgroup
from engine.protocol.processes import ProcessRow

THREADS = 64  # whose children are looked for, of each process


def in_namespace_of(init: int) -> list[int]:
    """The pids of a container's processes, without a cgroup that says so; empty when `init` is gone. They share its PID
    namespace (pid_namespaces(7)), which other containers may have joined (`_of_container`). In our own namespace, the
    host's, only `init` and those below it: the others are none of the container's."""
    namespace = _namespace(init)
    if namespace is None:
        return []
    if namespace == _namespace(os.getpid()):
        with suppress(psutil.Error):
            return [init, *(child.pid for child in psutil.Process(init).children(recursive=True))]
        return []
    there = {pid for pid in psutil.pids() if _namespace(pid) == namespace}
    try:
        return _of_container(init, there)
    except OSError:  # it has just gone
        return []


def _of_container(init: int, there: Collection[int]) -> list[int]:
    """Those of `there`, who share a PID namespace, that are of the container of `init`. No two containers share a mount
    namespace, and what a container begins with comes into the PID namespace from outside: so a process is of the one
    whose mount namespace it has, or the nearest of its ancestors that has a container's. What came from outside and
    stayed in our own mount namespace is of the container that the PID namespace was made for. Raises OSError."""
    mounts = {pid: _namespace(pid, "mnt") for pid in there}
    parents = {pid: int(fields[1]) for pid in there if (fields := stat(pid))}
    ours, owns = _namespace(os.getpid(), "mnt"), inner_pid(init) == 1
    containers = {mounts[pid] for pid, parent in parents.items() if parent not in there} - {ours, None}

    def is_of(pid: int) -> bool:
        for _ in parents:  # as many steps at most, whatever has changed while we looked
            if pid not in parents:
                break
            if mounts[pid] in containers:
                return mounts[pid] == mounts[init]
            pid = parents[pid]
        return owns

    return [pid for pid in sorted(parents) if pid == init or (init in mounts and is_of(pid))]


def processes(init: int, cgroup: Cgroup | None) -> list[int]:
    """The pids of all processes of a container: those in its cgroup, where it has one, and their zombies, which the
    kernel does not count among these."""
    found = cgroup.processes() if cgroup else in_namespace_of(init)
    return [*found, *_zombies(found)]


def _zombies(parents: Sequence[int]) -> list[int]:
    """Children that have ended and were not waited for (proc_pid_children(5)); of kernels without that file none."""
    known, found = set(parents), []
    for pid in parents:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task")[:THREADS]:
                children = Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
                found += [int(child) for child in children if int(child) not in known]
    return [pid for pid in found if stat(pid)[:1] == ["Z"]]


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat (proc_pid_stat(5)) from the third, the state, on; none when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


class Used(NamedTuple):
    """The CPU time that a process has used, at a moment; `created` tells it from another one of its number."""

    time: float  # monotonic seconds
    cpu: float  # seconds
    created: float


def used(pids: Iterable[int]) -> dict[int, Used]:
    """By pid; what `rows` compares with, a moment later."""
    found = {}
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            found[pid] = _used(process)
    return found


def _used(process: psutil.Process) -> Used:
    times = process.cpu_times()
    return Used(time.monotonic(), times.user + times.system, process.create_time())


def rows(pids: Iterable[int], before: Mapping[int, Used]) -> list[ProcessRow]:
    """A row for each of the processes that still lives, by pid."""
    return [row for pid in sorted(pids) if (row := _row(pid, before.get(pid))) is not None]


def _namespace(pid: int, type: str = "pid") -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/{type}").st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _row(pid: int, before: Used | None) -> ProcessRow | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            now, fields = _used(process), stat(pid)
            if not fields:
                return None
            io = _allowed(process.io_counters)
            return ProcessRow(
                pid=pid,
                inner_pid=inner_pid(pid),
                ppid=process.ppid(),
                user=process.username(),
                state=fields[0],
                cpu_seconds=now.cpu,
                memory=process.memory_info().rss,
                started_at=datetime.fromtimestamp(process.create_time(), UTC),
                command=_command(process),
                cpu=_cores(before, now),
                threads=process.num_threads(),
                files=_allowed(process.num_fds),
                read=io.read_bytes if io is not None else None,
                written=io.write_bytes if io is not None else None,
                start=int(fields[19]),
                nice=int(fields[16]),
                pgid=int(fields[2]),
                session=int(fields[3]),
                wait=waits_in(pid),
            )
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _command(process: psutil.Process) -> list[str]:
    try:
        words = process.cmdline()
    except (psutil.ZombieProcess, psutil.AccessDenied):  # its memory is gone, or may not be read
        words = []
    return [text(word) for word in words or [f"[{process.name()}]"]]


def waits_in(pid: int) -> str:
    """The kernel's function in which it sleeps (proc_pid_wchan(5)); empty where it is in none, or we may not know."""
    try:
        name = Path(f"/proc/{pid}/wchan").read_text(errors="replace").strip()
    except OSError:
        return ""
    return "" if name == "0" else name


def _cores(before: Used | None, now: Used) -> float | None:
    if before is None or before.created != now.created or now.time <= before.time:
        return None
    return max(0.0, (now.cpu - before.cpu) / (now.time - before.time))


def _allowed(ask: Callable[[], Any]) -> Any:
    """The answer; None when we may not know, or the kernel was built without (CONFIG_TASK_IO_ACCOUNTING)."""
    try:
        return ask()
    except (psutil.AccessDenied, psutil.ZombieProcess, NotImplementedError):
        return None


def text(given: str) -> str:
    """What psutil says, which has halves of surrogates for bytes that are no UTF-8, as text that can be told on."""
    return given.encode(errors="surrogateescape").decode(errors="replace")


def inner_pid(pid: int) -> int:
    """Its pid in the innermost PID namespace that it is in: the last of NSpid in /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return pid
