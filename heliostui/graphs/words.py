"""Metrics as people read them: which group each is shown in, under which words, and its value with its unit.

Imports the protocol's metrics and widgets' values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from engine.protocol.metrics import METRICS
from engine.protocol.quantities import size_text
from widgets.metric_list import MetricRow

LABELS = {
    "CPU": {
        "cpu": "used",
        "cpu.user": "in programs",
        "cpu.system": "in the kernel",
        "cpu.iowait": "idle for disks",
        "cpu.throttled": "held back",
        "cpu.throttled_periods": "periods at the limit",
        "cpu.limit": "limit",
    },
    "Memory": {
        "memory": "in use",
        "memory.working_set": "working set",
        "memory.anon": "heaps and stacks",
        "memory.file": "page cache",
        "memory.kernel": "the kernel's",
        "memory.swap": "swapped out",
        "memory.limit": "limit",
        "memory.limit_hits": "times at the limit",
        "memory.oom_kills": "killed for want of it",
    },
    "Processes": {
        "pids": "processes, threads",
        "pids.limit": "limit",
        "pids.limit_hits": "forks refused",
        "switches": "context switches",
        "files": "open files",
    },
    "Disks": {
        "io.read": "read",
        "io.write": "written",
        "io.read_ops": "reads",
        "io.write_ops": "writes",
    },
    "Network": {
        "network.in": "received",
        "network.out": "sent",
        "network.in_packets": "packets in",
        "network.out_packets": "packets out",
        "network.drops": "dropped",
    },
    "Waiting": {
        "load.1": "load, 1 min",
        "load.5": "load, 5 min",
        "load.15": "load, 15 min",
        "pressure.cpu": "for a CPU",
        "pressure.memory": "for memory",
        "pressure.memory_full": "all for memory",
        "pressure.io": "for disks",
        "pressure.io_full": "all for disks",
    },
}
LIMIT_OF = {
    "cpu": "cpu.limit",
    "memory": "memory.limit",
    "memory.working_set": "memory.limit",
    "memory.anon": "memory.limit",
    "pids": "pids.limit",
}
"""The limit that is drawn into the graph of a metric."""
_OF_THE_MACHINE = ("cpu.iowait", "load.1", "load.5", "load.15")
_ALARMING = ("cpu.throttled", "pids.limit_hits", "memory.oom_kills", "network.drops")


def value_text(metric: str, value: float) -> str:
    """A value with its unit, in about three digits."""
    match METRICS[metric].unit:
        case "cores":
            return f"{value:.2f} cores"
        case "bytes":
            return size_text(value)
        case "bytes/s":
            return f"{size_text(value)}/s"
        case "%":
            return f"{value:.1f} %"
        case "tasks":
            return f"{value:.2f} tasks"
        case "1/s":
            return f"{value:,.0f}/s" if value >= 10 or value == 0 else f"{value:.1f}/s"
        case _:
            return f"{value:,.0f}"


def scale_text(metric: str) -> Callable[[float], str]:
    """What makes words for the scale of a graph: shorter than those of a value, which need not be round."""
    match METRICS[metric].unit:
        case "cores" | "tasks":
            return lambda value: f"{value:.2f}"
        case "bytes":
            return _round_size
        case "bytes/s":
            return lambda value: f"{_round_size(value)}/s"
        case "%":
            return lambda value: f"{value:g} %"
        case _:
            return partial(value_text, metric)


def _round_size(value: float) -> str:
    """`512 KiB` for `512.00 KiB`, and three digits of what is not round."""
    number, unit = size_text(value).split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def in_bytes(metric: str) -> bool:
    """Whether its scale has powers of two."""
    return METRICS[metric].unit in ("bytes", "bytes/s")


def rows(values: Mapping[str, float]) -> list[MetricRow]:
    """All metrics as the list shows them; those that can't be had have no value, the machine's only are its only."""
    return [
        MetricRow(name, group, label, _value(name, values.get(name)), _alarms(name, values))
        for group, labels in LABELS.items()
        for name, label in labels.items()
        if name in values or name not in _OF_THE_MACHINE
    ]


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "none" if name.endswith(".limit") else "–"
    return value_text(name, value)


def _alarms(name: str, values: Mapping[str, float]) -> bool:
    """Whether a number is one to look at: something was refused, or a limit is nearly reached."""
    value, limit = values.get(name, 0.0), values.get(LIMIT_OF.get(name, ""))
    return (name in _ALARMING and value > 0.005) or (limit is not None and value >= 0.95 * limit)
