"""What happened while a graph was drawn: limits changed, processes killed, starts and ends; from the engine's events,
and for the time before that from the curves themselves. Imports the protocol, words and widgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from engine.protocol.messages import Event
from heliostui.graphs.words import scale_text, value_text
from widgets.curve import Curve
from widgets.graph import Mark

Kind: TypeAlias = Literal["limit", "killed", "refused", "start", "end", "pause", "resume"]
LIMITS = {"cpu.limit": "CPU limit", "memory.limit": "memory limit", "pids.limit": "process limit"}
COUNTED: dict[str, Kind] = {"memory.oom_kills": "killed", "pids.limit_hits": "refused"}
"""Counters, and what happened when they grew."""
WATCHED = (*LIMITS, *COUNTED)
LATE = 6.0
"""Seconds after an event in which samples may show its effect for the first time."""
GONE = 5.0
"""Seconds without a sample after which a container had ended."""
_UNLIMITED = 2.0**62  # of memory.limit_in_bytes


class Look(NamedTuple):
    glyph: str
    word: str
    style: str


LOOKS: dict[Kind, Look] = {
    "limit": Look("▲", "limit", "graph--mark"),
    "killed": Look("✖", "killed", "graph--kill"),
    "refused": Look("⊘", "refused", "graph--kill"),
    "start": Look("▶", "start", "graph--title"),
    "end": Look("■", "end", "graph--title"),
    "pause": Look("‖", "paused", "graph--title"),
    "resume": Look("▷", "resumed", "graph--title"),
}


@dataclass(frozen=True)
class Happening:
    """`short`: on the axis, after the glyph; `words`: all there is to say; `metric`: which graph it is about, "": all;
    `value`: of a limit, None for none; `told`: by an event of the engine."""

    time: float
    kind: Kind
    short: str
    words: str
    metric: str = ""
    value: float | None = None
    told: bool = False

    def mark(self) -> Mark:
        look = LOOKS[self.kind]
        return Mark(self.time, self.short, look.glyph, look.style)


def from_event(event: Event) -> list[Happening]:
    """What an event means for graphs."""
    time, told = event.time.timestamp(), event.attributes
    match event.action:
        case "update":
            return [_limit(time, metric, value, None, told=True) for metric, value in _written(told).items()]
        case "oom":
            who = f": {told['command']}, process {told['pid']}" if "pid" in told else ""
            return [Happening(time, "killed", "killed", f"killed for want of memory{who}", "memory", told=True)]
        case "pids_limit":
            count = told.get("refused", "1")
            words = f"{count} fork{'s' if count != '1' else ''} refused by the process limit"
            return [Happening(time, "refused", "refused", words, "pids", told=True)]
        case "start":
            return [Happening(time, "start", "start", "started", told=True)]
        case "die":
            code = told.get("exit_code")
            return [Happening(time, "end", "end", f"ended{f' with {code}' if code else ''}", told=True)]
        case "pause" | "unpause" as action:
            kind: Kind = "pause" if action == "pause" else "resume"
            return [Happening(time, kind, LOOKS[kind].word, LOOKS[kind].word, told=True)]
        case _:
            return []


def _limit(time: float, metric: str, new: float | None, old: float | None, *, told: bool) -> Happening:
    words = f"{LIMITS[metric]} {_told(metric, new)}"
    if old is not None or not told:
        words += f", from {_told(metric, old)}"
    short = "none" if new is None else scale_text(metric)(new)
    return Happening(time, "limit", short, words, metric.partition(".")[0], new, told)


def _told(metric: str, value: float | None) -> str:
    return "none" if value is None else value_text(metric, value)


def _written(attributes: Mapping[str, str]) -> dict[str, float | None]:
    """The limits that were written, by metric; None for no limit. Sources: cgroup-v2.rst; sched-bwc.rst."""
    found: dict[str, float | None] = {}
    for file, text in attributes.items():
        match file:
            case "memory.max" | "memory.limit_in_bytes":
                found["memory.limit"] = _number(text)
            case "pids.max":
                found["pids.limit"] = _number(text)
            case "cpu.max":
                quota, _, period = text.partition(" ")
                number = _number(quota)
                found["cpu.limit"] = None if number is None else number / (_number(period) or 100_000)
            case "cpu.cfs_quota_us":
                number = _number(text)
                period = attributes.get("cpu.cfs_period_us", "")
                found["cpu.limit"] = None if number is None else number / (_number(period) or 100_000)
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < _UNLIMITED else None


def from_step(time: float, metric: str, old: float | None, new: float | None) -> Happening | None:
    """What it means that one of `WATCHED` was one value and is another now."""
    if metric in LIMITS:  # float32 and a restart make another number of the same limit
        return None if _told(metric, new) == _told(metric, old) else _limit(time, metric, new, old, told=False)
    if old is None or new is None or new <= old:
        return None
    kind, count = COUNTED[metric], f"{new - old:.0f}"
    if kind == "killed":
        return Happening(time, kind, "killed", f"{count} killed for want of memory", "memory")
    return Happening(time, kind, "refused", f"forks refused by the process limit: {count}", "pids")


def from_curves(curves: Mapping[str, Curve]) -> list[Happening]:
    """All that can be seen in the past: changes of what is watched, and gaps, in which there was no container."""
    found: list[Happening | None] = []
    for metric in WATCHED:
        curve = curves.get(metric, Curve())
        steps = curve.steps(0)
        found += [from_step(time, metric, old, new) for time, old, new in steps if _stood(curves, time)]
    return sorted([*filter(None, found), *_gaps(curves.get("cpu", Curve()))], key=lambda each: each.time)


def _stood(curves: Mapping[str, Curve], time: float) -> bool:
    """Whether it ran before and after: a limit that is not known while nothing runs was not lifted."""
    cpu = curves.get("cpu")
    return cpu is not None and cpu.at(time - 1.5) is not None and cpu.at(time) is not None


def _gaps(curve: Curve) -> Iterable[Happening]:
    last: float | None = None
    for time, value in curve.samples():
        if value is None:
            continue
        if last is not None and time - last > GONE:
            yield Happening(last, "end", "end", "ended, or was not measured")
            yield Happening(time, "start", "start", "started, or was measured again")
        last = time


def is_same(event: Happening, seen: Happening) -> bool:
    """Whether what was seen in a curve is the effect of what an event told."""
    same = (event.kind, event.metric) == (seen.kind, seen.metric)
    return event.told and same and -1.5 <= seen.time - event.time <= LATE
