"""A picture of curves in time, as characters: which time and which values are drawn where, and each column's cells.

Knows no widget: `graph` shows it. Imports curve, graph_cells, graph_scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import floor
from typing import TypeAlias

from rich.cells import cell_len

from widgets.curve import Curve
from widgets.graph_cells import BLOCKS, BRAILLE, HALVES, area, dotted, halved, joined
from widgets.graph_scale import Scale, scale, scale_to, time_step

FAR = 50
"""A limit that is more than so many times what is used is not in the picture: the curve would be a flat line."""
NEAR = 4
"""A limit that was in force before is in the picture when it is no more than so many times the one of now."""
HUES = 12
"""How many colours an area has from its lowest to its highest line."""
HELD = 0.5
"""From which value on a phase is one."""
TIME_ROOM = 11  # cells of a time on the axis, with blanks

Cell: TypeAlias = tuple[str, str]
"""Characters, and their style: a component class or "hue-" and a number; "+" and a class for another ground, "/" and a
class whose colour is the ground."""


@dataclass(frozen=True)
class Line:
    """One curve. `style`: the component class of its colour where there are several; `limit`: what it must not pass."""

    curve: Curve
    style: str = "graph--line-0"
    limit: Curve | None = None


@dataclass(frozen=True)
class Mark:
    """Something that happened. `time`: seconds since the epoch; `style`: a component class."""

    time: float
    text: str
    glyph: str = "▲"
    style: str = "graph--mark"


@dataclass(frozen=True)
class Units:
    """How values are told. `binary`: round numbers are powers of two; `least`: what the upper edge is at least;
    `most`: what no value is above."""

    tell: Callable[[float], str] = str
    binary: bool = False
    least: float = 0.0
    most: float | None = None


@dataclass(frozen=True)
class View:
    """Which time is shown, and how. `now`: the time of the last values, in seconds since the epoch; `end`: where the
    picture ends when one looks back; `seconds`: how much time its width stands for; `fine`: in dots of braille, not in
    blocks, which are seen from farther away; `large`: with the present value in large digits."""

    now: float = 0.0
    end: float | None = None
    seconds: int = 120
    fine: bool = True
    large: bool = False

    @property
    def start(self) -> float:
        """Where the picture begins: at a quarter of its width, so that it stands still while the curves grow in it."""
        step = self.seconds / 4
        return (floor(self.now / step) - 3) * step if self.end is None else self.end - self.seconds


@dataclass(frozen=True)
class Subject:
    """What is drawn. `held`: a curve that is above zero while a limit holds; those times have another ground."""

    lines: tuple[Line, ...] = ()
    units: Units = Units()
    held: Curve | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def only(self) -> Line | None:
        """The line, where there is only one."""
        return self.lines[0] if len(self.lines) == 1 else None


class Plot:
    """A subject in a view, on so many columns and rows of cells. The curves may grow after it was made; the view may
    become a later one as long as `fits` says so."""

    def __init__(self, subject: Subject, view: View, cells: int, rows: int) -> None:
        self.subject, self.view = subject, view
        self.cells, self.rows = max(1, cells), max(1, rows)
        self.start = view.start
        self.scale = self._scale()
        self.ticks = self.scale.ticks(self.rows)

    def column(self, moment: float) -> int:
        return floor((moment - self.start) * self.cells / self.view.seconds + 1e-6)

    def time(self, column: float) -> float:
        return self.start + column * self.view.seconds / self.cells

    def fits(self, view: View) -> bool:
        """Whether this picture is still the right one: the curves have not left it, and limits are the same."""
        if view.start != self.start:
            return False
        since = self.time(self.column(self.view.now))
        for line in self.subject.lines:
            if (line.curve.largest(since, view.now + 1) or 0.0) > self.scale.top * (1 + 1e-6):
                return self._scale() == self.scale
            if line.limit is not None and line.limit.steps(since):
                return False
        return True

    # --- the scale ---

    def _scale(self) -> Scale:
        """So that the limit is in the middle of the first row, or with a round number at the edge."""
        until = self.start + self.view.seconds + 1
        seen = max((line.curve.largest(self.start, until) or 0.0 for line in self.subject.lines), default=0.0)
        limit, units = self._highest_limit(until), self.subject.units
        if limit and limit <= FAR * seen:
            to_limit = scale_to(limit, self.rows, binary=units.binary)
            if seen <= to_limit.top:
                return to_limit
        return scale(seen, self.rows, binary=units.binary, least=units.least, most=units.most)

    def _highest_limit(self, until: float) -> float | None:
        """The highest that was in force in the time that is drawn, if it was not much higher than that of now."""
        only = self.subject.only
        limit = only.limit if only is not None else None
        now = limit.last[1] if limit is not None and limit.last is not None else None
        if not now or limit is None:
            return None
        return max(each for each in (now, *limit.values(self.start, until)) if each <= NEAR * now)

    # --- one column ---

    def cells_of(self, column: int, cursor: float | None = None) -> list[Cell]:
        """The cells of a column, from above."""
        since, until = self.time(column), self.time(column + 1)
        only = self.subject.only
        cells = self._many(column) if only is None else self._area(only.curve, column)
        for row, style in self._limit_rows(since, until):
            if 0 <= row < self.rows:
                drawn, own = cells[row]
                cells[row] = ("╌", style) if drawn == " " else (drawn, style if only is not None else own)
        mark = next((mark for mark in self.subject.marks if since <= mark.time < until), None)
        whole = [self._empty(row, mark) if cell[0] == " " else cell for row, cell in enumerate(cells)]
        ground = self._ground(column, cursor)
        return [(character, f"{name}+{ground}") for character, name in whole] if ground else whole

    def _empty(self, row: int, mark: Mark | None) -> Cell:
        if mark is not None:
            return "┊", mark.style
        tick = row in self.ticks and 0 < row < self.rows - 1
        return ("┈", "graph--grid") if tick else (" ", "graph--text")

    def _ground(self, column: int, cursor: float | None) -> str:
        if cursor is not None and self.column(cursor) == column:
            return "graph--cursor"
        held, since = self.subject.held, self.time(column)
        if held is not None and since <= self.view.now and (held.largest(since, self.time(column + 1)) or 0.0) > HELD:
            return "graph--held"
        return ""

    def _limit_rows(self, since: float, until: float) -> Iterable[tuple[int, str]]:
        """Where limits are in this time, or, in times to come, where they are now."""
        now = self.view.now
        for line in self.subject.lines:
            if line.limit is None:
                continue
            limit = line.limit.largest(since, until) if since < now else line.limit.at(now)
            if limit is not None:
                style = "graph--limit" if self.subject.only is not None else line.style
                yield self.scale.row(limit, self.rows), style

    def _area(self, curve: Curve, column: int) -> list[Cell]:
        """The only curve, filled."""
        across, steps = fineness = BRAILLE if self.view.fine else BLOCKS
        heights = [self._height(curve, column + n / across, 1 / across, steps) or 0 for n in range(across)]
        return [
            (character, f"hue-{(self.rows - row - 1) * HUES // self.rows}")
            for row, character in enumerate(area(heights, self.rows, fineness))
        ]

    def _many(self, column: int) -> list[Cell]:
        """Several curves, as lines."""
        across, steps = BRAILLE if self.view.fine else HALVES
        width = 1 / across
        spans = []
        for line in self.subject.lines:
            heights = [self._height(line.curve, column + n * width, width, steps) for n in range(-1, across)]
            parts = [None if height is None else height - 1 for height in heights]
            spans.append([joined(before, part) for before, part in pairwise(parts)])
        drawn = dotted(spans, self.rows) if self.view.fine else halved([span for (span,) in spans], self.rows)
        return [(character, self._colours(one, other)) for character, one, other in drawn]

    def _colours(self, one: int, other: int) -> str:
        lines = self.subject.lines
        if one < 0:
            return "graph--text"
        return lines[one].style if other < 0 else f"{lines[one].style}/{lines[other].style}"

    def _height(self, curve: Curve, column: float, width: float, steps: int) -> int | None:
        """How many steps high the curve is; at least one where there is a value."""
        since, until = self.time(column), self.time(column + width)
        value = curve.largest(since, until) if since <= self.view.now else None
        if value is None:
            return None
        return max(1, round(value / self.scale.top * self.rows * steps))

    # --- the axis ---

    def axis(self) -> list[Cell]:
        """Marks, and, where these leave room, times of day."""
        line: list[Cell] = [(" ", "graph--muted")] * self.cells
        marks = [(at, mark) for mark in self.subject.marks if 0 <= (at := self.column(mark.time)) < self.cells]
        for at, mark in marks:
            line[at] = (mark.glyph, mark.style)
        for at, mark in marks:
            if line[at] == (mark.glyph, mark.style):
                _write(line, at + 1, mark.text, mark.style)
        if self.view.now:
            for second, words in self._times():
                _write(line, self.column(second), words, "graph--muted")
        return line

    def _times(self) -> Iterable[tuple[int, str]]:
        each = time_step(self.view.seconds, self.cells, TIME_ROOM)
        first = floor(self.start / each + 1) * each
        for second in range(first, floor(self.start) + self.view.seconds + 1, each):
            moment = datetime.fromtimestamp(second).astimezone()
            yield second, f"╵{moment:%H:%M:%S}" if each < 60 else f"╵{moment:%H:%M}"


def _write(line: list[Cell], at: int, text: str, style: str) -> None:
    """Put a text on the line, if all of it has room, with a blank behind it."""
    end = at + cell_len(text)
    if at >= 0 and end <= len(line) and all(character == " " for character, _ in line[at : end + 1]):
        line[at:end] = [(character, style) for character in text]


def difference(before: Sequence[Cell], after: Sequence[Cell], width: int) -> tuple[int, int]:
    """From which cell on two lines of texts differ, and for how many cells."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    start = sum(cell_len(text) for text, _ in after[:same])
    old, new = (sum(cell_len(text) for text, _ in parts[same:]) for parts in (before, after))
    if old == new:
        tail = 0
        while tail < min(len(before), len(after)) - same and before[-1 - tail] == after[-1 - tail]:
            tail += 1
        new -= sum(cell_len(text) for text, _ in after[len(after) - tail :])
    return min(start, width), max(1, min(max(old if old != new else 0, new), width - start))
