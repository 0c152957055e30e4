"""Memory, swap and their limits. Imports the formats and formulas.

All of it counts the cgroups below as well: v1's memory.stat does so in its `total_` lines.
Sources: cgroup-v2.rst, "Memory Interface Files"; cgroup-v1/memory.rst.
"""

from __future__ import annotations

import math

from engine.metrics.formats import Counters, flat, single
from engine.metrics.formula import Less, Level
from engine.metrics.source import RARELY, CounterFile, Source

# Before `kernel` came with Linux 5.18, these were its parts (cgroup-v2.rst).
_KERNEL_PARTS = ("slab", "kernel_stack", "pagetables", "percpu", "sock")
_stat = flat("anon", "file", "kernel", "inactive_file", *_KERNEL_PARTS)
_NO_LIMIT_V1 = 2**62  # memory.limit_in_bytes of no limit: the largest page counter, LONG_MAX less a part of a page


def stat_v2(text: bytes) -> Counters:
    """memory.stat."""
    found = _stat(text)
    parts = [found.pop(part) for part in _KERNEL_PARTS if part in found]
    if "kernel" not in found and parts:
        found["kernel"] = sum(parts)
    return found


def limit_v1(text: bytes) -> Counters:
    """memory.limit_in_bytes; infinite where there is no limit."""
    limit = int(text)
    return {"memory.limit_in_bytes": limit if limit < _NO_LIMIT_V1 else math.inf}


USAGE_V2 = Source(
    (
        CounterFile("memory", "memory.current", single("memory.current")),
        CounterFile("memory", "memory.stat", stat_v2),
    ),
    {
        "memory": Level("memory.current"),
        "memory.working_set": Less("memory.current", "inactive_file"),
        "memory.anon": Level("anon"),
        "memory.file": Level("file"),
        "memory.kernel": Level("kernel"),
    },
)
LIMIT_V2 = Source(
    (
        CounterFile("memory", "memory.swap.current", single("memory.swap.current")),
        CounterFile("memory", "memory.max", single("memory.max")),
        CounterFile("memory", "memory.events", flat("max", "oom_kill")),
    ),
    {
        "memory.swap": Level("memory.swap.current"),
        "memory.limit": Level("memory.max"),
        "memory.oom_kills": Level("oom_kill"),
        "memory.limit_hits": Level("max"),
    },
    every=RARELY,
)

USAGE_V1 = Source(
    (
        CounterFile("memory", "memory.usage_in_bytes", single("memory.usage_in_bytes")),
        CounterFile("memory", "memory.stat", flat("total_rss", "total_cache", "total_inactive_file", "total_swap")),
    ),
    {
        "memory": Level("memory.usage_in_bytes"),
        "memory.working_set": Less("memory.usage_in_bytes", "total_inactive_file"),
        "memory.anon": Level("total_rss"),
        "memory.file": Level("total_cache"),
        "memory.swap": Level("total_swap"),
    },
)
LIMIT_V1 = Source(
    (
        CounterFile("memory", "memory.kmem.usage_in_bytes", single("memory.kmem.usage_in_bytes")),
        CounterFile("memory", "memory.limit_in_bytes", limit_v1),
        CounterFile("memory", "memory.oom_control", flat("oom_kill")),
        CounterFile("memory", "memory.failcnt", single("memory.failcnt")),
    ),
    {
        "memory.kernel": Level("memory.kmem.usage_in_bytes"),
        "memory.limit": Level("memory.limit_in_bytes"),
        "memory.oom_kills": Level("oom_kill"),
        "memory.limit_hits": Level("memory.failcnt"),
    },
    every=RARELY,
)
