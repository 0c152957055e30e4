"""The charts there are: which metrics each shows, under which words, with which limit. Imports words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.protocol.metrics import METRICS
from heliostui.graphs.words import LABELS, LIMIT_OF, in_bytes, scale_text
from widgets.graph import Units

HELD_BACK = "cpu.throttled_periods"
"""What says when the CPU limit held a container back."""
LEAST = {"cores": 0.1, "bytes": 2.0**20, "bytes/s": 1024.0, "%": 2.0, "count": 4.0, "tasks": 1.0, "1/s": 10.0}
"""The least upper edge of a scale by unit: below that a curve is noise, and not to look like work."""


@dataclass(frozen=True)
class Chart:
    """One chart. `parts`: its metrics, several as several lines, each with a word. Where several containers are shown
    each has one line: of the `largest` of the parts, or of their sum; `together` tells so. `look`: a CSS class;
    `of`: what has such a chart, where not all have."""

    id: str
    title: str
    parts: tuple[str, ...]
    words: tuple[str, ...] = ()
    limit: str = ""
    largest: bool = False
    together: str = ""
    look: str = ""
    of: Literal["", "containers", "machine"] = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that it needs."""
        held = (HELD_BACK, "cpu.throttled") if self.limit == "cpu.limit" or HELD_BACK in self.parts else ()
        return tuple(dict.fromkeys(filter(None, (*self.parts, self.limit, *held))))

    @property
    def unit(self) -> str:
        return METRICS[self.parts[0]].unit


CHARTS = (
    Chart("cpu", "CPU", ("cpu",), limit="cpu.limit", look="-cpu"),
    Chart("memory", "Memory", ("memory",), limit="memory.limit", look="-memory"),
    Chart("io", "Disks", ("io.read", "io.write"), ("read", "written"), together="read and written"),
    Chart("network", "Network", ("network.in", "network.out"), ("in", "out"), together="in and out"),
    Chart(
        "pressure",
        "Waiting",
        ("pressure.cpu", "pressure.memory", "pressure.io"),
        ("for a CPU", "memory", "disks"),
        largest=True,
        together="for what it waits most",
    ),
    Chart("pids", "Processes, threads", ("pids",), limit="pids.limit", look="-pids"),
    Chart("throttling", "Throttled", (HELD_BACK,), look="-throttling", of="containers"),
    Chart(
        "load",
        "Load of the machine",
        ("load.1", "load.5", "load.15"),
        ("1 min", "5 min", "15 min"),
        largest=True,
        together="the highest of its averages",
        of="machine",
    ),
    Chart("working_set", "Memory in the working set", ("memory.working_set",), limit="memory.limit", look="-memory"),
    Chart("switches", "Context switches", ("switches",), look="-pids"),
    Chart("files", "Open files", ("files",), look="-pids"),
)
USUAL = ("cpu", "memory", "io", "network", "pressure", "pids", "throttling", "load")
"""Those that are shown until the user says otherwise, as far as there is room."""
BY_ID = {chart.id: chart for chart in CHARTS}


def fitting(charts: Sequence[Chart], *, machine: bool) -> list[Chart]:
    """Those that what is looked at can have. `machine`: it is nothing but the machine."""
    return [chart for chart in charts if chart.of in ("", "machine" if machine else "containers")]


def chart_of(metric: str) -> Chart:
    """The chart of one metric alone."""
    for group, labels in LABELS.items():
        if metric in labels:
            return Chart(metric, f"{group}: {labels[metric]}", (metric,), limit=LIMIT_OF.get(metric, ""))
    return Chart(metric, metric, (metric,))


def units(chart: Chart) -> Units:
    """How its scale is written."""
    metric = chart.parts[0]
    most = 100.0 if chart.unit == "%" else None
    return Units(scale_text(metric), in_bytes(metric), LEAST[chart.unit], most)


def metrics_of(charts: Sequence[Chart]) -> list[str]:
    """What is to be measured for these, in the order of the table."""
    wanted = {metric for chart in charts for metric in chart.metrics}
    return [name for name in METRICS if name in wanted]
