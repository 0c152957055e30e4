"""CPU time: how much at most, and how much of what others want as well.

v2  cpu.max "QUOTA PERIOD" in microseconds, cpu.weight 1-10000
v1  cpu.cfs_quota_us, cpu.cfs_period_us, cpu.shares 2-262144 (scheduler/sched-bwc.rst)
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write, directory, missing, read
from engine.protocol.limits import MAX, LimitInForce
from engine.protocol.quantities import cpu_weight
from engine.spec.structs import Cpu, Resources


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    if (cpu := resources.cpu) is None:
        return
    yield from _v1(cpu) if cgroup.version("cpu") == 1 else _v2(cpu, cgroup)


def _v2(cpu: Cpu, cgroup: Cgroup) -> Iterator[Write]:
    if cpu.shares:
        yield Write("cpu", "cpu.weight", str(cpu_weight(cpu.shares)))
    if cpu.quota is not None or cpu.period is not None:
        quota, period = (read(os.path.join(directory(cgroup, "cpu"), "cpu.max")) or "max 100000").split()
        if cpu.quota is not None:
            quota = str(cpu.quota) if cpu.quota > 0 else "max"
        yield Write("cpu", "cpu.max", f"{quota} {cpu.period or period}")
    if cpu.burst is not None:
        yield Write("cpu", "cpu.max.burst", str(cpu.burst))
    if cpu.idle is not None:
        yield Write("cpu", "cpu.idle", str(cpu.idle))


def _v1(cpu: Cpu) -> Iterator[Write]:
    if cpu.shares:
        yield Write("cpu", "cpu.shares", str(cpu.shares))
    if cpu.period:
        yield Write("cpu", "cpu.cfs_period_us", str(cpu.period))
    if cpu.quota is not None:
        yield Write("cpu", "cpu.cfs_quota_us", str(cpu.quota) if cpu.quota > 0 else "-1")
    if cpu.burst is not None:
        yield Write("cpu", "cpu.cfs_burst_us", str(cpu.burst))
    if cpu.realtime_period:
        yield Write("cpu", "cpu.rt_period_us", str(cpu.realtime_period))
    if cpu.realtime_runtime is not None:
        yield Write("cpu", "cpu.rt_runtime_us", str(cpu.realtime_runtime))
    if cpu.idle is not None:
        yield Write("cpu", "cpu.idle", str(cpu.idle))


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    found = cgroup.directory("cpu")
    if found is None:
        reason = missing(cgroup, "cpu")
        yield from (LimitInForce(name=name, value=None, reason=reason) for name in ("cpus", "cpu_weight"))
        return
    if cgroup.version("cpu") == 2:
        limit, weight = os.path.join(found, "cpu.max"), os.path.join(found, "cpu.weight")
        quota, period = (read(limit) or "max 100000").split()
        text = f"{quota} {period}"
    else:
        limit, weight = os.path.join(found, "cpu.cfs_quota_us"), os.path.join(found, "cpu.shares")
        quota, period = read(limit) or "-1", read(os.path.join(found, "cpu.cfs_period_us")) or "100000"
        text = quota
    cpus = MAX if quota in ("max", "-1") else int(quota) / int(period)
    yield LimitInForce(name="cpus", value=cpus, text=text, path=limit)
    share = read(weight) or ""
    value = int(share) if cgroup.version("cpu") == 2 else cpu_weight(int(share))
    yield LimitInForce(name="cpu_weight", value=value, text=share, path=weight)
