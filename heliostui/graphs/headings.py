"""The words over a chart: its values now, or at the cursor, with their units. Imports charts, feed and words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from heliostui.graphs.charts import HELD_BACK, Chart
from heliostui.graphs.feed import Feed, Subject
from heliostui.graphs.words import value_text
from widgets.graph import Cell

LITTLE = 0.005  # below that nothing was held back


class Heading(NamedTuple):
    """`parts`: texts and their component classes; `big`: the value that is told in large digits."""

    parts: list[Cell]
    big: Cell


def heading(
    feed: Feed, subjects: Sequence[Subject], chart: Chart, time: float, *, pointed: bool, current: bool
) -> Heading:
    """At a time: for one subject its values, for several one of each. `pointed`: the time was chosen, and is told."""
    parts: list[Cell] = [(f"{chart.title}  ", "graph--current" if current else "graph--title")]
    if pointed:
        parts.append((f"{clock(time)}  ", "graph--mark"))
    if len(subjects) == 1:
        told, value = _alone(feed, subjects[0], chart, time)
        return Heading([*parts, *told], (_digits(chart, value), "graph--title"))
    if chart.together:
        parts.append((f"{chart.together}  ", "graph--muted"))
    values = [feed.joint(each.id, chart).at(time) for each in subjects]
    parts += [(f"{_told(chart, value)}  ", f"graph--line-{n % 8}") for n, value in enumerate(values)]
    known = [value for value in values if value is not None]
    joint = (max if chart.largest or chart.unit == "%" else sum)(known) if known else None
    return Heading(parts, (_digits(chart, joint), "graph--title"))


def _alone(feed: Feed, subject: Subject, chart: Chart, time: float) -> tuple[list[Cell], float | None]:
    """The words, and the value that sums them up."""
    values = [feed.curve(subject.id, part).at(time) for part in chart.parts]
    if len(values) > 1:
        words = zip(chart.words, values, strict=True)
        told = [(f"{word} {_told(chart, value)}  ", f"graph--line-{n}") for n, (word, value) in enumerate(words)]
        return told, feed.joint(subject.id, chart).at(time)
    parts: list[Cell] = [(_told(chart, values[0]), "graph--text")]
    if chart.limit:
        limit = feed.curve(subject.id, chart.limit).at(time)
        parts.append((" of " if limit is not None else "  no limit", "graph--muted"))
        if limit is not None:
            parts.append((value_text(chart.limit, limit), "graph--limit"))
    if HELD_BACK in chart.metrics:
        parts += _held_back(feed, subject, chart, time)
    return parts, values[0]


def _held_back(feed: Feed, subject: Subject, chart: Chart, time: float) -> list[Cell]:
    """How much the CPU limit cost: time that its threads waited, and the share of periods in which they did."""
    held = feed.curve(subject.id, "cpu.throttled").at(time) or 0.0
    share = feed.curve(subject.id, HELD_BACK).at(time) or 0.0
    if max(held, share) <= LITTLE:
        return []
    told = [(f"  {held:.2f} cores held back", "graph--kill")] if held > LITTLE else []
    return told if chart.parts == (HELD_BACK,) else [*told, (f" in {share:.0f} % of periods", "graph--muted")]


def _told(chart: Chart, value: float | None) -> str:
    return "–" if value is None else value_text(chart.parts[0], value)


def _digits(chart: Chart, value: float | None) -> str:
    """The number without its unit, which stands in the words."""
    return "–" if value is None else value_text(chart.parts[0], value).split()[0].removesuffix("/s")


def clock(time: float) -> str:
    """A time of day."""
    return f"{datetime.fromtimestamp(time).astimezone():%H:%M:%S}"
