"""A graph of one metric in time: a filled curve, its limit as a line, changes as marks.

The picture stands still while the curve grows in it, and moves on by a quarter when that reaches its end: only the
cells that differ are drawn and sent. Takes `Curve`s of plain values. Imports curve and text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import floor
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from widgets.curve import BLOCKS, BRAILLE, Curve, ceiling, glyph, tick
from widgets.text import fit

GUTTER = 9  # cells of the scale on the left
FAR = 50
"""A limit that is more than so many times what is used is not in the picture: the curve would be a flat line."""
NEAR = 4
"""A limit that was in force before is in the picture when it is no more than so many times the one of now."""
HUES = 12
"""How many colours a curve has from its lowest to its highest line."""

Cell: TypeAlias = tuple[str, str]  # a character, and the component class of its style, or "hue-" and a number


@dataclass(frozen=True)
class Mark:
    """Something that happened. `time`: seconds since the epoch; `style`: a component class."""

    time: float
    text: str
    style: str = "graph--mark"


@dataclass(frozen=True)
class _Picture:
    """Which time and which values are drawn where."""

    start: float
    seconds: int
    top: float
    cells: int
    rows: int

    def column(self, moment: float) -> int:
        return floor((moment - self.start) * self.cells / self.seconds)

    def time(self, column: float) -> float:
        return self.start + column * self.seconds / self.cells


class Graph(Widget):
    """One metric. `tell` makes words of a value; `binary`: its scale has powers of two."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "graph--title",
        "graph--text",
        "graph--muted",
        "graph--track",
        "graph--low",
        "graph--middle",
        "graph--high",
        "graph--limit",
        "graph--mark",
        "graph--kill",
    }
    ALLOW_SELECT = False

    seconds: reactive[int] = reactive(120, repaint=False, init=False)
    """How much time the width stands for."""
    fine: reactive[bool] = reactive(False, repaint=False, init=False)
    """Drawn with the dots of braille, twice as fine, instead of blocks, which are seen from farther away."""

    def __init__(
        self, tell: Callable[[float], str] = str, *, binary: bool = False, id: str | None = None, classes: str = ""
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._tell, self._binary = tell, binary
        self._heading: Sequence[Cell] = ()
        self._curve, self._limit = Curve(), Curve()
        self._marks: tuple[Mark, ...] = ()
        self._now = 0.0
        self._picture = _Picture(0.0, 1, 1.0, 1, 1)
        self._columns: list[list[Cell]] = []
        self._until = 0

    # --- what there is to see ---

    def show(
        self, curve: Curve, limit: Curve, *, tell: Callable[[float], str] | None = None, binary: bool = False
    ) -> None:
        """Draw these from now on. They may grow; `advance` draws what is new."""
        self._curve, self._limit = curve, limit
        if tell is not None:
            self._tell, self._binary = tell, binary
        self._marks = ()
        self._now = curve.last[0] if curve.last else 0.0
        self._draw()

    @property
    def until(self) -> float:
        """The time of the last value that is drawn; 0 where there is none."""
        return self._now

    def head(self, *parts: Cell) -> None:
        """The words of the first line: texts and their component classes."""
        if parts != tuple(self._heading):
            self._heading = parts
            self.refresh(Region(0, 0, self.size.width, 1))

    def advance(self, marks: Sequence[Mark] = ()) -> None:
        """Draw what has come to the curves since, and these marks."""
        last = self._curve.last
        if last is None:
            return
        self._now = max(self._now, last[0])
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self._draw()
            return
        picture = self._picture_of(self._picture.top)
        if picture != self._picture or self._beyond():
            self._draw()
        else:
            self._grow()

    # --- the picture ---

    def _picture_of(self, top: float) -> _Picture:
        step = self.seconds / 4
        start = (floor(self._now / step) - 3) * step
        cells = max(1, self.size.width - GUTTER - 1)
        return _Picture(start, self.seconds, top, cells, max(1, self.size.height - 2))

    def _limit_now(self) -> float | None:
        return self._limit.last[1] if self._limit.last else None

    def _top(self) -> float:
        """The value of the upper edge: so that the limit is in the middle of the first row, or a round number."""
        rows = max(1, self.size.height - 2)
        seen = self._curve.largest(self._now - self.seconds, self._now + 1) or 0.0
        limit = self._highest_limit()
        if limit and limit <= FAR * seen:
            top = limit * rows / (rows - 0.5)
            if seen <= top:
                return top
        return ceiling(seen * 1.05, binary=self._binary)

    def _highest_limit(self) -> float | None:
        """The highest that was in force in the time that is drawn, if it was not much higher than that of now."""
        now = self._limit_now()
        if not now:
            return None
        return max(limit for limit in (now, *self._limit.values(self._now - self.seconds)) if limit <= NEAR * now)

    def _beyond(self) -> bool:
        """Whether the scale is no longer the right one: the curve leaves it, or the limit is another."""
        last = self._curve.last
        high = last is not None and last[1] is not None and last[1] > self._picture.top
        return high or bool(self._limit.steps(self._picture.time(self._until)))

    def _draw(self) -> None:
        self._picture = self._picture_of(self._top())
        self._until = self._picture.column(self._now)
        self._columns = [self._column(column) for column in range(self._picture.cells)]
        self.refresh()

    def _grow(self) -> None:
        """Draw the last columns anew, as far as they differ."""
        picture, before = self._picture, self._until
        self._until = picture.column(self._now)
        changed = []
        for column in range(max(0, before), min(self._until + 1, picture.cells)):
            cells = self._column(column)
            for row, (old, new) in enumerate(zip(self._columns[column], cells, strict=True)):
                if old != new:
                    changed.append(Region(GUTTER + column, row + 1, 1, 1))
            self._columns[column] = cells
        if changed:
            self.refresh(*changed)

    def _column(self, column: int) -> list[Cell]:
        """The cells of a column, from above."""
        picture = self._picture
        across, steps = BRAILLE if self.fine else BLOCKS
        heights = [self._height(column + n / across, 1 / across, steps) for n in range(across)]
        since, until = picture.time(column), picture.time(column + 1)
        limit = self._limit.largest(since, until) if since < self._now else self._limit_now()
        limit_row = None if limit is None else self._row(limit)
        mark = next((mark for mark in self._marks if since <= mark.time < until), None)
        cells: list[Cell] = []
        for row in range(picture.rows):
            below = (picture.rows - row - 1) * steps
            drawn = glyph((min(max(height - below, 0), steps) for height in heights), (across, steps))
            if row == limit_row:
                cells.append((drawn if drawn != " " else "╌", "graph--limit"))
            elif drawn != " ":
                cells.append((drawn, f"hue-{(picture.rows - row - 1) * HUES // picture.rows}"))
            else:
                cells.append(("┊", mark.style) if mark else (" ", "graph--text"))
        return cells

    def _height(self, column: float, width: float, steps: int) -> int:
        """How many steps high the curve is; at least one where there is a value."""
        since, until = self._picture.time(column), self._picture.time(column + width)
        value = self._curve.largest(since, until) if since <= self._now else None
        if value is None:
            return 0
        return max(1, round(value / self._picture.top * self._picture.rows * steps))

    # --- reactions ---

    def watch_seconds(self) -> None:
        self._draw()

    def watch_fine(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text = self.get_component_rich_style("graph--text")
        if y == 0:
            pieces = [Segment(words, self._style(name)) for words, name in self._heading]
            return Strip([Segment(" ", text), *pieces]).adjust_cell_length(width, text)
        if y == self.size.height - 1:
            return self._axis().adjust_cell_length(width, text)
        row = y - 1
        segments = [Segment(self._scale(row), self._style("graph--muted"))]
        if row < self._picture.rows and self._columns:
            for name, run in groupby((column[row] for column in self._columns), key=lambda cell: cell[1]):
                segments.append(Segment("".join(character for character, _ in run), self._style(name)))
        return Strip(segments).adjust_cell_length(width, text)

    def _style(self, name: str) -> Style:
        if name.startswith("hue-"):
            return self._hue(int(name[4:]))
        return self.get_component_rich_style(name)

    def _hue(self, number: int) -> Style:
        """The colour of a row, from low by middle to high."""
        share = number / (HUES - 1)
        names = ("graph--low", "graph--middle") if share < 0.5 else ("graph--middle", "graph--high")
        one, other = (self.get_component_styles(name).color for name in names)
        color = one.blend(other, share * 2 % 1 if share < 1 else 1.0)
        return self.get_component_rich_style("graph--text") + Style(color=color.rich_color)

    def _scale(self, row: int) -> str:
        """Nothing, the limit or the highest value, and where there is room for it half of that."""
        rows, top, limit = self._picture.rows, self._picture.top, self._highest_limit()
        highest = limit if limit and self._row(limit) == 0 else top
        words = "0" if row == rows - 1 else ""
        if row == 0:
            words = self._tell(highest)
        elif rows >= 6 and row == self._row(highest / 2):
            words = self._tell(highest / 2)
        return fit(f"{words} ", GUTTER, right=True)

    def _row(self, value: float) -> int:
        """The row of a value, from above; below 0 when it is beyond the picture."""
        return floor(self._picture.rows * (1 - value / self._picture.top) + 1e-6)

    def _axis(self) -> Strip:
        """Times of day, and over them the marks."""
        picture = self._picture
        line = [(" ", "graph--muted")] * picture.cells
        each = tick(picture.seconds, picture.cells, 9)
        for mark in self._marks:
            _write(line, picture.column(mark.time), f"▲{mark.text} ", mark.style)
        if self._now:
            first = floor(picture.start / each + 1) * each
            for second in range(first, floor(picture.start) + picture.seconds + 1, each):
                moment = datetime.fromtimestamp(second).astimezone()
                words = f"╵{moment:%H:%M:%S}" if each < 60 else f"╵{moment:%H:%M}"
                _write(line, picture.column(second), words, "graph--muted")
        segments = [Segment(" " * GUTTER, self._style("graph--muted"))]
        for name, run in groupby(line, key=lambda cell: cell[1]):
            segments.append(Segment("".join(character for character, _ in run), self._style(name)))
        return Strip(segments)


def _write(line: list[Cell], at: int, text: str, style: str) -> None:
    """Put a text on the line, if all of it has room, with a blank before it."""
    end = at + cell_len(text)
    if at >= 0 and end <= len(line) and all(character == " " for character, _ in line[max(0, at - 1) : end]):
        line[at:end] = [(character, style) for character in text]
