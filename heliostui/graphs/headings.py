"""The words over a chart: its values now, or at the cursor, with their units. Imports charts, feed and metric_words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from heliostui.graphs.charts import HELD_BACK, Chart
from heliostui.graphs.feed import Feed, Subject
from heliostui.metric_words import value_text
from widgets.curve import Curve
from widgets.graph import Cell

LITTLE = 0.005  # below that nothing was held back


class Heading(NamedTuple):
    """`parts`: texts and their component classes; `big`: the value that is told in large digits."""

    parts: list[Cell]
    big: Cell


def heading(feed: Feed, subjects: Sequence[Subject], chart: Chart, time: float | None, *, current: bool) -> Heading:
    """For one subject its values, for several one of each."""
    parts: list[Cell] = [(f"{chart.title}  ", "graph--current" if current else "graph--title")]
    if time is not None:
        parts.append((f"{clock(time)}  ", "graph--mark"))
    big: Cell = ("–", "graph--title")
    if len(subjects) == 1:
        values = [_value(feed.curve(subjects[0].id, part), time) for part in chart.parts]
        parts += _alone(feed, subjects[0], chart, values, time)
        joint = values[0] if len(values) == 1 else _value(feed.joint(subjects[0].id, chart), time)
        big = (_digits(chart, joint), "graph--title")
    elif subjects:
        if chart.together:
            parts.append((f"{chart.together}  ", "graph--muted"))
        told = [_value(feed.joint(each.id, chart), time) for each in subjects]
        parts += [(f"{_told(chart, value)}  ", f"graph--line-{n % 8}") for n, value in enumerate(told)]
        known = [value for value in told if value is not None]
        big = (_digits(chart, (max if chart.largest else sum)(known) if known else None), "graph--title")
    return Heading(parts, big)


def _alone(
    feed: Feed, subject: Subject, chart: Chart, values: Sequence[float | None], time: float | None
) -> list[Cell]:
    if len(values) > 1:
        return [
            (f"{word} {_told(chart, value)}  ", f"graph--line-{n}")
            for n, (word, value) in enumerate(zip(chart.words, values, strict=True))
        ]
    parts: list[Cell] = [(_told(chart, values[0]), "graph--text")]
    if chart.limit:
        limit = _value(feed.curve(subject.id, chart.limit), time)
        parts.append((" of " if limit is not None else "  no limit", "graph--muted"))
        if limit is not None:
            parts.append((value_text(chart.limit, limit), "graph--limit"))
    if chart.limit == "cpu.limit" or chart.parts == (HELD_BACK,):
        held = _value(feed.curve(subject.id, "cpu.throttled"), time) or 0.0
        share = _value(feed.curve(subject.id, HELD_BACK), time) or 0.0
        if held > LITTLE or share > LITTLE:
            parts.append(
                (
                    f"  held back in {share:.0f} % of periods" if held <= LITTLE else f"  {held:.2f} held back",
                    "graph--kill",
                )
            )
            if held > LITTLE and chart.parts != (HELD_BACK,):
                parts.append((f", {share:.0f} % of periods", "graph--muted"))
    return parts


def _value(curve: Curve, time: float | None) -> float | None:
    """At a time, or the last one."""
    if time is not None:
        return curve.at(time)
    return curve.last[1] if curve.last is not None else None


def _told(chart: Chart, value: float | None) -> str:
    return "–" if value is None else value_text(chart.parts[0], value)


def _digits(chart: Chart, value: float | None) -> str:
    """The number without its unit, which stands in the words."""
    return "–" if value is None else value_text(chart.parts[0], value).split()[0].removesuffix("/s")


def clock(time: float) -> str:
    """A time of day."""
    return f"{datetime.fromtimestamp(time).astimezone():%H:%M:%S}"
