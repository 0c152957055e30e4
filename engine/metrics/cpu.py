"""CPU time and its limit. Imports the formats and formulas.

cgroup2's cpu.stat is there in every cgroup, controller or not; only the lines on throttling need the controller.
Sources: cgroup-v2.rst, "CPU Interface Files"; cgroup-v1/cpuacct.rst; scheduler/sched-bwc.rst.
"""

from __future__ import annotations

from engine.metrics.formats import Counters, flat, number, single
from engine.metrics.formula import Quotient, Rate, Share
from engine.metrics.source import RARELY, CounterFile, Source

_TICK = 100  # USER_HZ, of cpuacct.stat; the kernel's ABI on every architecture that we run on


def cpu_max(text: bytes) -> Counters:
    """`QUOTA PERIOD` in microseconds; the quota may be `max`."""
    quota, period = text.split()
    return {"quota": number(quota), "period": number(period)}


_TIME = ("usage_usec", "user_usec", "system_usec")
_TIME_FORMULAS = {
    "cpu": Rate("usage_usec", 1_000_000),
    "cpu.user": Rate("user_usec", 1_000_000),
    "cpu.system": Rate("system_usec", 1_000_000),
}
TIME_V2 = Source((CounterFile("", "cpu.stat", flat(*_TIME)),), _TIME_FORMULAS)
"""Where the controller is not in cgroup2."""
USAGE_V2 = Source(
    (CounterFile("", "cpu.stat", flat(*_TIME, "nr_periods", "nr_throttled", "throttled_usec")),),
    {
        **_TIME_FORMULAS,
        "cpu.throttled": Rate("throttled_usec", 1_000_000),
        "cpu.throttled_periods": Share("nr_throttled", "nr_periods"),
    },
)
LIMIT_V2 = Source((CounterFile("cpu", "cpu.max", cpu_max),), {"cpu.limit": Quotient("quota", "period")}, every=RARELY)

USAGE_V1 = Source(
    (
        CounterFile("cpuacct", "cpuacct.usage", single("cpuacct.usage")),
        CounterFile("cpuacct", "cpuacct.stat", flat("user", "system")),
    ),
    {
        "cpu": Rate("cpuacct.usage", 1_000_000_000),
        "cpu.user": Rate("user", _TICK),
        "cpu.system": Rate("system", _TICK),
    },
)
LIMIT_V1 = Source(
    (
        CounterFile("cpu", "cpu.stat", flat("nr_periods", "nr_throttled", "throttled_time")),
        CounterFile("cpu", "cpu.cfs_quota_us", single("cpu.cfs_quota_us")),  # -1: no limit
        CounterFile("cpu", "cpu.cfs_period_us", single("cpu.cfs_period_us")),
    ),
    {
        "cpu.throttled": Rate("throttled_time", 1_000_000_000),
        "cpu.throttled_periods": Share("nr_throttled", "nr_periods"),
        "cpu.limit": Quotient("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    },
    every=RARELY,
)
