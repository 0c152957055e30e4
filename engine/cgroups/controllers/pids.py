"""How many processes and threads: `pids.max`, which both versions have (cgroup-v1/pids.rst)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write
from engine.cgroups.controllers.write import in_force as one
from engine.protocol.limits import LimitInForce
from engine.spec.structs import Resources


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    if resources.pids is not None:
        limit = resources.pids.limit
        yield Write("pids", "pids.max", str(limit) if limit > 0 else "max")


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    yield one(cgroup, "pids", "pids", "pids.max", usage="pids.current")
