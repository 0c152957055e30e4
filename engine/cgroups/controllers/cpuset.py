"""Which CPUs and memory nodes: `cpuset.cpus` and `cpuset.mems` in both versions (cpuset(7))."""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write, missing, read
from engine.protocol.limits import LimitInForce
from engine.spec.structs import Resources

EFFECTIVE = {1: "cpuset.effective_{}", 2: "cpuset.{}.effective"}


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    if (cpu := resources.cpu) is None:
        return
    for name, text in (("cpus", cpu.cpus), ("mems", cpu.mems)):
        if text:
            yield Write("cpuset", f"cpuset.{name}", text)


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    found = cgroup.directory("cpuset")
    for name in ("cpus", "mems"):
        if found is None:
            yield LimitInForce(name=f"cpuset_{name}", value=None, reason=missing(cgroup, "cpuset"))
            continue
        path = os.path.join(found, f"cpuset.{name}")
        text = read(path) or ""
        effective = read(os.path.join(found, EFFECTIVE[cgroup.version("cpuset")].format(name)))
        yield LimitInForce(name=f"cpuset_{name}", value=text or effective or "", text=text, path=path)
