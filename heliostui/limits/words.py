"""Limits as people read, type and step them, and as the protocol has them. Imports the protocol and widgets' values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Literal, TypeAlias

from engine.protocol.limits import MAX, DeviceLimit, LimitInForce, Limits
from engine.protocol.quantities import count_or_max, cpus_or_max, size_or_max, size_text
from widgets.limits_table import LimitRow

Kind: TypeAlias = Literal["size", "cpus", "count", "weight", "text"]
LimitValue: TypeAlias = float | str


@dataclass(frozen=True)
class Words:
    """How one limit is shown. `metric`: what of it is measured."""

    label: str
    kind: Kind
    what: str
    metric: str = ""


WORDS = {
    "memory": Words("Memory", "size", "Above it the kernel takes back what it can, then kills a process.", "memory"),
    "memory_swap": Words("Memory and swap", "size", "Memory and swap together; as much as memory means no swap."),
    "memory_high": Words("Memory, slowed", "size", "Above it programs are slowed down until memory is taken back."),
    "memory_reservation": Words("Memory kept", "size", "What it keeps while memory is short elsewhere."),
    "cpus": Words("CPUs", "cpus", "Time in each period; who has used it up waits for the next one.", "cpu"),
    "cpu_weight": Words("CPU weight", "weight", "Its share while CPUs are short: 100 is everybody's."),
    "cpuset_cpus": Words("On CPUs", "text", "The CPUs it may run on, as in 0-2,4."),
    "cpuset_mems": Words("On memory nodes", "text", "The NUMA nodes it takes memory from, as in 0-1."),
    "pids": Words("Processes", "count", "Processes and threads; a fork beyond them fails.", "pids"),
    "io_weight": Words("I/O weight", "weight", "Its share while disks are busy: 100 is everybody's."),
}
_DEVICE = {
    "read_bps": Words("read /s", "size", "Bytes it may read from this device in a second."),
    "write_bps": Words("write /s", "size", "Bytes it may write to this device in a second."),
    "read_iops": Words("reads /s", "count", "Read operations on this device in a second."),
    "write_iops": Words("writes /s", "count", "Write operations on this device in a second."),
}


def words(name: str) -> Words:
    """The words of a limit as `LimitInForce` names it: "memory", "hugetlb.2MB", "devices.8:0.read_bps"."""
    if name in WORDS:
        return WORDS[name]
    first, _, rest = name.partition(".")
    if first == "hugetlb":
        return Words(f"Huge pages {rest}", "size", "Memory in pages of this size; more of it is refused.")
    if first == "devices":
        device, _, field = rest.rpartition(".")
        known = _DEVICE.get(field)
        if known is not None:
            return Words(f"{device} {known.label}", known.kind, known.what)
    return Words(name, "text", "")


def chart_of(name: str) -> str:
    """The graph on which a change of this limit is seen, by its id."""
    first = name.partition(".")[0].partition("_")[0]
    return {"cpus": "cpu", "cpuset": "cpu", "devices": "io", "hugetlb": "memory"}.get(first, first)


def told(name: str, value: LimitValue | None) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return value
    if value == MAX:
        return "max"
    match words(name).kind:
        case "size":
            return _short(size_text(value))
        case "cpus":
            return f"{value:.2f}".rstrip("0").rstrip(".")
        case _:
            return f"{value:.0f}"


def _short(text: str) -> str:
    """`512 MiB` for `512.00 MiB`."""
    number, unit = text.split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def entry(name: str, value: LimitValue | None) -> str:
    """A value as one would type it."""
    if isinstance(value, str) or value is None:
        return value or ""
    if words(name).kind != "size" or value == MAX:
        return told(name, value)
    for unit, size in (("t", 2**40), ("g", 2**30), ("m", 2**20), ("k", 2**10)):
        if value >= size and value * 4 % size == 0:
            return f"{value / size:g}{unit}"
    return f"{value:.0f}"


def parsed(name: str, text: str) -> LimitValue:
    """The value of what was typed. Raises ValueError with one sentence."""
    match words(name).kind:
        case "size":
            return size_or_max(text)
        case "cpus":
            return cpus_or_max(text)
        case "count":
            return count_or_max(text)
        case "weight":
            value = count_or_max(text)
            if value == MAX:
                return 100
            if value > 10_000:
                raise ValueError(f"'{text}' is no weight: write a whole number from 1 to 10000")
            return value
        case _:
            return text.strip()


# --- steps ---


def stepped(name: str, value: LimitValue | None, by: int, usage: float | None = None) -> LimitValue | None:
    """The next value up (1) or down (-1); None where there are no steps. Beyond what the machine has there is none.

    The first step down from `MAX` leaves room for twice what is used.
    """
    kind = words(name).kind
    if kind == "text" or isinstance(value, str):
        return None
    if value is None or value == MAX:
        return MAX if by > 0 else _first(kind, usage)
    steps: Mapping[str, Callable[[], float]] = {
        "size": lambda: max(_quarter(value, by), 2.0**20),
        "count": lambda: max(_quarter(value, by) if value + by > 8 else value + by, 1.0),
        "cpus": lambda: _cpus(value, by),
        "weight": lambda: _weight(value, by),
    }
    new = steps[kind]()
    return MAX if by > 0 and new > _most(kind) else new


def _first(kind: Kind, usage: float | None) -> float:
    if kind == "cpus":
        return float(os.cpu_count() or 1)
    if kind == "weight":
        return 100
    least = 2.0**26 if kind == "size" else 64.0
    return min(2.0 ** ceil(log2(max(2 * (usage or 0), least))), _most(kind))


def _most(kind: Kind) -> float:
    match kind:
        case "size":
            return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        case "cpus":
            return float(os.cpu_count() or 1)
        case "weight":
            return 10_000
        case _:
            return 2.0**22  # PID_MAX_LIMIT


def _quarter(value: float, by: int) -> float:
    """The next of four even steps between powers of two."""
    if by > 0:
        step = 2.0 ** floor(log2(value)) / 4
        return (floor(value / step) + 1) * step
    step = 2.0 ** (ceil(log2(value)) - 1) / 4
    return (ceil(value / step) - 1) * step


def _cpus(value: float, by: int) -> float:
    """Tenths up to one, quarters above."""
    step = 0.1 if value < 1 or (value == 1 and by < 0) else 0.25
    return max(round((floor(value / step + 1e-9) + 1 if by > 0 else ceil(value / step - 1e-9) - 1) * step, 2), 0.1)


def _weight(value: float, by: int) -> float:
    steps = [base * 10**power for power in range(4) for base in (1, 2, 5)] + [10_000]
    beyond = [step for step in steps if (step > value if by > 0 else step < value)]
    return (beyond[0] if by > 0 else beyond[-1]) if beyond else value


# --- to and from the protocol ---


def row(limit: LimitInForce, usage: float | None, pending: LimitValue | None) -> LimitRow:
    """One limit as the table shows it. `usage`: as measured since; `pending`: what was asked for meanwhile."""
    name = words(limit.name)
    usage = limit.usage if usage is None else usage
    value = limit.value if pending is None else pending
    capped = usage is not None and isinstance(value, int | float) and value > 0
    file = limit.path.rpartition("/")[2]
    return LimitRow(
        key=limit.name,
        label=name.label,
        value=told(limit.name, value),
        entry=entry(limit.name, value),
        written=f"{file}: {limit.text}" if file else "",
        source=f"{limit.path}: {limit.text}" if limit.path else "",
        usage="" if usage is None else told(limit.name, max(usage, 0.0)),
        share=usage / value if capped and usage is not None and isinstance(value, int | float) else None,
        reason=limit.reason,
        pending=pending is not None,
        what=name.what,
        steps=name.kind != "text",
    )


def asked_for(given: Limits) -> list[LimitInForce]:
    """The limits that a container is to have from its next start on; no file has them yet."""
    plain = [LimitInForce(name=name, value=_unless_said(name, getattr(given, name))) for name in WORDS]
    pages = [LimitInForce(name=f"hugetlb.{size}", value=value) for size, value in given.hugetlb.items()]
    fields = [(each.device, field, getattr(each, field)) for each in given.devices for field in _DEVICE]
    devices = [LimitInForce(name=f"devices.{d}.{f}", value=value) for d, f, value in fields if value is not None]
    return [*plain, *pages, *devices]


def _unless_said(name: str, value: LimitValue | None) -> LimitValue | None:
    return MAX if value is None and words(name).kind in ("size", "cpus", "count") else value


def limits(values: Mapping[str, LimitValue]) -> Limits:
    """A change of limits, of values by name."""
    plain: dict[str, LimitValue] = {}
    devices: dict[str, dict[str, int]] = {}
    hugetlb: dict[str, int] = {}
    for name, value in values.items():
        first, _, rest = name.partition(".")
        if first == "hugetlb":
            hugetlb[rest] = int(value)
        elif first == "devices":
            device, _, field = rest.rpartition(".")
            devices.setdefault(device, {})[field] = int(value)
        else:
            plain[name] = value if isinstance(value, str) or name == "cpus" else int(value)
    made = [DeviceLimit(device=device, **fields) for device, fields in devices.items()]
    return Limits(**plain, devices=made, hugetlb=hugetlb)  # type: ignore[arg-type]
