"""Which sources a container has: each by the cgroup version of its controller. Imports the sources."""

from __future__ import annotations

from engine.metrics import cpu, io, memory, network, pids, pressure
from engine.metrics.source import Directories, Source

_BY_CONTROLLER: dict[str, tuple[tuple[Source, ...], tuple[Source, ...]]] = {
    "memory": ((memory.USAGE_V1, memory.LIMIT_V1), (memory.USAGE_V2, memory.LIMIT_V2)),
    "pids": ((pids.USAGE, pids.LIMIT), (pids.USAGE, pids.LIMIT)),
    "io": ((io.V1,), (io.V2,)),
    "cpu": ((cpu.LIMIT_V1,), (cpu.LIMIT_V2,)),
}
"""By controller: what version 1 has, and what version 2 has."""


def sources(directories: Directories | None, *, own_network: bool) -> list[Source]:
    """`directories`: None without a cgroup. `own_network`: whether it is in a network namespace of its own."""
    found: list[Source] = []
    if directories is not None:
        if directories.directory("") is not None and directories.version("") == 2:
            limited = directories.directory("cpu") is not None and directories.version("cpu") == 2
            found += [cpu.USAGE_V2 if limited else cpu.TIME_V2, pressure.SOURCE]
        elif directories.directory("cpuacct") is not None:
            found.append(cpu.USAGE_V1)
        for controller, versions in _BY_CONTROLLER.items():
            if directories.directory(controller) is not None:
                found += versions[directories.version(controller) - 1]
    if own_network:
        found.append(network.SOURCE)
    return found
