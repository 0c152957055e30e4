"""What is measured of a container or the machine: the table of metrics, and samples of them. Imports value.

A metric has one name everywhere: in samples, in `stats --format json`, in `explain`, on the console's graphs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from engine.protocol.value import Value

MACHINE = ""
"""In place of a container's id: the machine itself."""

Unit = Literal["cores", "bytes", "bytes/s", "count", "1/s", "%", "tasks"]


class Metric(NamedTuple):
    """`rate`: the difference of two readings by the time between them. `what`: one line for people."""

    name: str
    unit: Unit
    rate: bool
    what: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("cpu", "cores", True, "CPU time used, in cores"),
        Metric("cpu.user", "cores", True, "of it in programs"),
        Metric("cpu.system", "cores", True, "of it in the kernel"),
        Metric("cpu.iowait", "cores", True, "CPUs idle while a disk was waited for (the machine's only)"),
        Metric("cpu.throttled", "cores", True, "time its threads wanted to run and the limit held them"),
        Metric("cpu.throttled_periods", "%", True, "share of periods in which the limit was met"),
        Metric("cpu.limit", "cores", False, "CPU limit"),
        Metric("memory", "bytes", False, "memory in use, page cache included"),
        Metric("memory.working_set", "bytes", False, "of it what can't be had back at once: no inactive cache"),
        Metric("memory.anon", "bytes", False, "heaps and stacks"),
        Metric("memory.file", "bytes", False, "page cache and tmpfs"),
        Metric("memory.kernel", "bytes", False, "the kernel's own for it: slabs, stacks, page tables"),
        Metric("memory.swap", "bytes", False, "swapped out"),
        Metric("memory.limit", "bytes", False, "memory limit"),
        Metric("memory.oom_kills", "count", False, "processes killed for want of memory"),
        Metric("memory.limit_hits", "count", False, "times it met its memory limit"),
        Metric("pids", "count", False, "processes and threads"),
        Metric("pids.limit", "count", False, "limit of processes and threads"),
        Metric("pids.limit_hits", "count", False, "forks refused by the limit"),
        Metric("io.read", "bytes/s", True, "read from block devices"),
        Metric("io.write", "bytes/s", True, "written to block devices"),
        Metric("io.read_ops", "1/s", True, "read operations"),
        Metric("io.write_ops", "1/s", True, "write operations"),
        Metric("network.in", "bytes/s", True, "received"),
        Metric("network.out", "bytes/s", True, "sent"),
        Metric("network.in_packets", "1/s", True, "packets received"),
        Metric("network.out_packets", "1/s", True, "packets sent"),
        Metric("network.drops", "1/s", True, "packets dropped, either way"),
        Metric("pressure.cpu", "%", False, "time some task waited for a CPU, 10 s average (PSI some)"),
        Metric("pressure.memory", "%", False, "time some task waited for memory (PSI some)"),
        Metric("pressure.memory_full", "%", False, "time all tasks waited for memory (PSI full)"),
        Metric("pressure.io", "%", False, "time some task waited for I/O (PSI some)"),
        Metric("pressure.io_full", "%", False, "time all tasks waited for I/O (PSI full)"),
        Metric("load.1", "tasks", False, "tasks that run or wait for a disk, 1 min average (the machine's only)"),
        Metric("load.5", "tasks", False, "the same, 5 min average"),
        Metric("load.15", "tasks", False, "the same, 15 min average"),
        Metric("switches", "1/s", True, "context switches of all its threads"),
        Metric("files", "count", False, "open file descriptors of all its processes"),
    )
}


class Sample(Value, frozen=True):
    """One container or the machine at one moment. `values`: by metric name; a metric that is not there can't be had
    here and now.

    `memory.limit`, `pids.limit` and `cpu.limit` are missing where there is none.
    """

    container: str  # id, or MACHINE, whose name is `host`
    name: str
    time: float  # seconds since the epoch
    values: dict[str, float]


class Series(Value, frozen=True):
    """The history of one metric: oldest first; None where there was no value. `step`: seconds between two."""

    metric: str
    start: float  # seconds since the epoch
    step: float
    values: list[float | None]


class Reading(Value, frozen=True):
    """What a file said: `raw` is all of it, at most 4 KiB."""

    time: float
    raw: str


class Source(Value, frozen=True):
    """One file that a metric comes from, with the last two readings of it."""

    path: str
    before: Reading | None
    after: Reading | None
