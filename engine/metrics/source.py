"""What a source is: some files that are read together, and the metrics that are made of their counters.

Standard library only.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from engine.metrics.formats import Counters, Parser
from engine.metrics.formula import Formula

RARELY = 30  # seconds
PROC = "proc"
"""In place of a controller: the file is in /proc/PID of the container's init."""
MACHINE = "machine"
"""In place of a controller: the file is in /proc, and about the whole machine."""


class CounterFile(NamedTuple):
    """`controller`: as `Directories.directory` has it, or `PROC`, or `MACHINE`."""

    controller: str
    name: str
    parse: Parser


@dataclass(frozen=True, eq=False)
class Source:
    """`every`: how many seconds pass between two readings when nobody looks, and RARELY while the container sleeps.

    A file that is not there takes its counters along, and the others stay.
    """

    files: tuple[CounterFile, ...]
    formulas: Mapping[str, Formula]  # by metric
    every: int = 1

    @cached_property
    def nothing(self) -> array[float]:
        """A row without numbers."""
        return array("f", [math.nan] * len(self.formulas))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """In the order of rows."""
        return tuple(self.formulas)


class Reading(NamedTuple):
    """`time`: monotonic seconds. `texts`: of the source's files, None for one that could not be read."""

    time: float
    texts: tuple[bytes | None, ...]
    counters: Counters


class Directories(Protocol):
    """Where a container's cgroup files are: `engine.cgroups.Cgroup`, or values in a test."""

    def directory(self, controller: str, /) -> str | None:
        """The cgroup's directory in the hierarchy with that controller; "" is the core's (cgroup.procs, PSI)."""

    def version(self, controller: str, /) -> int:
        """1 or 2: which kind of hierarchy that is."""
