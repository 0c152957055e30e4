"""The processes of a container. Imports psutil. What is here blocks for as long as /proc takes: call it in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from engine.protocol.messages import ProcessRow


def in_namespace_of(init: int) -> list[int]:
    """The pids of all processes that share the PID namespace of `init`; empty when it is gone (pid_namespaces(7))."""
    namespace = _namespace(init)
    return [] if namespace is None else [pid for pid in psutil.pids() if _namespace(pid) == namespace]


def rows(pids: Iterable[int]) -> list[ProcessRow]:
    """A row for each of the processes that still lives, by pid."""
    return [row for pid in sorted(pids) if (row := _row(pid)) is not None]


def _namespace(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _row(pid: int) -> ProcessRow | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return ProcessRow(
                pid=pid,
                inner_pid=_inner_pid(pid),
                ppid=process.ppid(),
                user=process.username(),
                state=Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0],
                cpu_seconds=times.user + times.system,
                memory=process.memory_info().rss,
                started_at=datetime.fromtimestamp(process.create_time(), UTC),
                command=process.cmdline() or [f"[{process.name()}]"],
            )
    except (psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError, ProcessLookupError):
        return None


def _inner_pid(pid: int) -> int:
    """Its pid in the innermost PID namespace that it is in: the last of NSpid in /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return pid
