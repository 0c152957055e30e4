"""Processes and threads, and their limit; the files have the same names in both versions. Imports the formats and
formulas.

Sources: cgroup-v2.rst, "PID Interface Files"; cgroup-v1/pids.rst.
"""

from __future__ import annotations

from engine.metrics.formats import flat, single
from engine.metrics.formula import Level
from engine.metrics.source import RARELY, CounterFile, Source

USAGE = Source((CounterFile("pids", "pids.current", single("pids.current")),), {"pids": Level("pids.current")})
LIMIT = Source(
    (
        CounterFile("pids", "pids.max", single("pids.max")),
        CounterFile("pids", "pids.events", flat("max")),
    ),
    {"pids.limit": Level("pids.max"), "pids.limit_hits": Level("max")},
    every=RARELY,
)
