"""How often a limit has hit: the counters of memory and pids. Standard library only.

v2  memory.events oom_kill, pids.events max    v1  memory.oom_control oom_kill, pids.events max
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from engine.cgroups.cgroup import Cgroup


@dataclass(frozen=True)
class Hits:
    """Since the cgroup was made: processes that the OOM killer has ended, forks that were refused."""

    oom_kills: int = 0
    refused_forks: int = 0


def hits(cgroup: Cgroup) -> Hits:
    """Zeros where there is no controller, or no cgroup any more."""
    return Hits(_value(memory_events(cgroup), "oom_kill"), _value(pids_events(cgroup), "max"))


def memory_events(cgroup: Cgroup) -> str | None:
    """The file that counts; in v2 the kernel tells when it changes (inotify(7))."""
    name = "memory.oom_control" if cgroup.version("memory") == 1 else "memory.events"
    return _path(cgroup, "memory", name)


def pids_events(cgroup: Cgroup) -> str | None:
    """The file that counts; the kernel tells when it changes, in both versions."""
    return _path(cgroup, "pids", "pids.events")


def _path(cgroup: Cgroup, controller: str, name: str) -> str | None:
    with suppress(OSError):
        if (directory := cgroup.directory(controller)) is not None:
            return os.path.join(directory, name)
    return None


def _value(path: str | None, key: str) -> int:
    with suppress(OSError):
        if path is not None:
            with open(path) as file:
                return next((int(line.split()[1]) for line in file if line.startswith(f"{key} ")), 0)
    return 0
