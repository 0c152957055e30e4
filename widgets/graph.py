"""A chart of curves in time: one as a filled area, several as lines, limits as dashed lines, changes as marks.

The picture stands still while the curves grow in it, and moves on by a quarter when they reach its end: only the
cells that differ are drawn and sent. Takes `Line`s of plain values. Imports curve, graph_cells, graph_scale,
big_digits and text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise
from math import floor
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from widgets.big_digits import LINES, big
from widgets.curve import Curve
from widgets.graph_cells import BLOCKS, BRAILLE, HALVES, area, dotted, halved, joined
from widgets.graph_scale import Scale, scale, scale_to, time_step
from widgets.text import fit

GUTTER = 10  # cells of the scale on the left
FAR = 50
"""A limit that is more than so many times what is used is not in the picture: the curve would be a flat line."""
NEAR = 4
"""A limit that was in force before is in the picture when it is no more than so many times the one of now."""
HUES = 12
"""How many colours an area has from its lowest to its highest line."""
HELD = 0.5
"""From which value on a phase is one."""

Cell: TypeAlias = tuple[str, str]  # characters, and the component class of their style, or "hue-" and a number


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


@dataclass(frozen=True)
class _Picture:
    """Which time and which values are drawn where."""

    start: float
    seconds: int
    scale: Scale
    cells: int
    rows: int

    def column(self, moment: float) -> int:
        return floor((moment - self.start) * self.cells / self.seconds + 1e-6)

    def time(self, column: float) -> float:
        return self.start + column * self.seconds / self.cells


class Graph(Widget):
    """One chart. `show` says what of, `advance` which time of it and that there is more, `head` the words above."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "graph--title",
        "graph--current",
        "graph--text",
        "graph--muted",
        "graph--grid",
        "graph--low",
        "graph--middle",
        "graph--high",
        "graph--limit",
        "graph--mark",
        "graph--kill",
        "graph--held",
        "graph--cursor",
        *(f"graph--line-{number}" for number in range(8)),
    }
    ALLOW_SELECT = False

    cursor: reactive[float | None] = reactive(None, repaint=False, init=False)
    """The time that is looked at."""

    @dataclass
    class Pointed(Message):
        """The mouse is at a time of the graph, or left it (None); `pressed`: a click."""

        graph: Graph
        moment: float | None
        pressed: bool = False

        @property
        def control(self) -> Graph:
            return self.graph

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._heading: tuple[Cell, ...] = ()
        self._big: Cell = ("", "graph--title")
        self._lines: tuple[Line, ...] = ()
        self._units = Units()
        self._held: Curve | None = None
        self._marks: tuple[Mark, ...] = ()
        self._view = View()
        self._shown = False  # whether these lines were drawn already
        self._picture = _Picture(0.0, 1, Scale(1.0, 1.0), 1, 1)
        self._columns: list[list[Cell]] = []
        self._until = 0
        self._ticks: dict[int, float] = {}
        self._styles: dict[str, Style] = {}

    # --- what there is to see ---

    def show(self, lines: Iterable[Line], units: Units | None = None, *, held: Curve | None = None) -> None:
        """Draw these from the next `advance` on. They may grow. `held`: a curve that is above zero while
        the limit holds; those times have another ground."""
        self._lines, self._held = tuple(lines), held
        if units is not None:
            self._units = units
        self._shown = False

    def head(self, *parts: Cell, big: Cell = ("", "graph--title")) -> None:
        """The words of the first line: texts and their component classes; `big` is told large where there is room."""
        before, self._heading = self._heading, tuple(part for part in parts if part[0])
        if self._view.large and (before, self._big) != (self._heading, big):
            self._big = big
            self.refresh(Region(0, 0, self.size.width, LINES))
        elif before != self._heading:
            self._big = big
            self.refresh(Region(*_difference(before, self._heading, self.size.width), 1))

    def advance(self, view: View, marks: Sequence[Mark] = ()) -> None:
        """Draw this time, with what has come to the curves, and these marks."""
        before, self._view = self._view, view
        same = self._shown and replace(before, now=view.now) == view and tuple(marks) == self._marks
        self._marks = tuple(marks)
        if not same or self._frame() != (self._picture.start, self._picture.cells) or self._beyond():
            self._draw()
        elif view.end is None:
            self._grow()

    # --- the picture ---

    @property
    def _head_lines(self) -> int:
        return LINES if self._view.large else 1

    @property
    def _rows(self) -> int:
        return max(1, self.size.height - self._head_lines - 1)

    def _frame(self) -> tuple[float, int]:
        """Where the picture begins, and how many cells it has."""
        view = self._view
        step = view.seconds / 4
        start = (floor(view.now / step) - 3) * step if view.end is None else view.end - view.seconds
        return start, max(1, self.size.width - GUTTER - 1)

    @property
    def _only(self) -> Line | None:
        """The line, where there is only one."""
        return self._lines[0] if len(self._lines) == 1 else None

    def _scale(self, start: float) -> Scale:
        """So that the limit is in the middle of the first row, or with a round number at the edge."""
        until = start + self._view.seconds + 1
        seen = max((line.curve.largest(start, until) or 0.0 for line in self._lines), default=0.0)
        limit = self._highest_limit(start, until)
        units = self._units
        if limit and limit <= FAR * seen:
            to_limit = scale_to(limit, self._rows, binary=units.binary)
            if seen <= to_limit.top:
                return to_limit
        return scale(seen, self._rows, binary=units.binary, least=units.least, most=units.most)

    def _highest_limit(self, start: float, until: float) -> float | None:
        """The highest that was in force in the time that is drawn, if it was not much higher than that of now."""
        limit = self._only.limit if self._only is not None else None
        now = limit.last[1] if limit is not None and limit.last is not None else None
        if not now or limit is None:
            return None
        return max(each for each in (now, *limit.values(start, until)) if each <= NEAR * now)

    def _beyond(self) -> bool:
        """Whether the scale is no longer the right one: a curve leaves it, or the limit is another."""
        since = self._picture.time(self._until)
        for line in self._lines:
            if (line.curve.largest(since, self._view.now + 1) or 0.0) > self._picture.scale.top * (1 + 1e-6):
                return self._scale(self._picture.start) != self._picture.scale
            if line.limit is not None and line.limit.steps(since):
                return True
        return False

    def _draw(self) -> None:
        start, cells = self._frame()
        self._picture = _Picture(start, self._view.seconds, self._scale(start), cells, self._rows)
        self._until = self._picture.column(self._view.now)
        self._ticks = self._picture.scale.ticks(self._picture.rows)
        self._columns = [self._column(column) for column in range(cells)]
        self._shown = True
        self.refresh()

    def _grow(self) -> None:
        """Draw the last columns anew, as far as they differ."""
        before, self._until = self._until, self._picture.column(self._view.now)
        self._draw_columns(range(max(0, before), self._until + 1))

    def _draw_columns(self, columns: Iterable[int]) -> None:
        changed = []
        for column in columns:
            if not 0 <= column < len(self._columns):
                continue
            cells = self._column(column)
            for row, (old, new) in enumerate(zip(self._columns[column], cells, strict=True)):
                if old != new:
                    changed.append(Region(GUTTER + column, row + self._head_lines, 1, 1))
            self._columns[column] = cells
        if changed:
            self.refresh(*changed)

    # --- one column ---

    def _column(self, column: int) -> list[Cell]:
        """The cells of a column, from above."""
        picture = self._picture
        since, until = picture.time(column), picture.time(column + 1)
        cells = self._area(column) if len(self._lines) == 1 else self._many(column)
        mark = next((mark for mark in self._marks if since <= mark.time < until), None)
        for row, limit in self._limit_rows(since, until):
            if 0 <= row < picture.rows:
                drawn = cells[row][0]
                cells[row] = ("╌", limit) if drawn == " " else (drawn, limit if self._only else cells[row][1])
        ground = self._ground(column, since, until)
        whole = [self._empty(row, mark) if cell[0] == " " else cell for row, cell in enumerate(cells)]
        return [(character, f"{name}+{ground}") for character, name in whole] if ground else whole

    def _empty(self, row: int, mark: Mark | None) -> Cell:
        if mark is not None:
            return "┊", mark.style
        tick = row in self._ticks and 0 < row < self._picture.rows - 1
        return ("┈", "graph--grid") if tick else (" ", "graph--text")

    def _ground(self, column: int, since: float, until: float) -> str:
        if self.cursor is not None and self._picture.column(self.cursor) == column:
            return "graph--cursor"
        if self._held is not None and since <= self._view.now and (self._held.largest(since, until) or 0.0) > HELD:
            return "graph--held"
        return ""

    def _limit_rows(self, since: float, until: float) -> Iterable[tuple[int, str]]:
        """Where limits are in this time, or, in times to come, where they are now."""
        for line in self._lines:
            if line.limit is None:
                continue
            now = self._view.now
            limit = line.limit.largest(since, until) if since < now else line.limit.at(now)
            if limit is not None:
                style = "graph--limit" if self._only is not None else line.style
                yield self._picture.scale.row(limit, self._picture.rows), style

    def _area(self, column: int) -> list[Cell]:
        """The only curve, filled."""
        rows = self._picture.rows
        across, steps = fineness = BRAILLE if self._view.fine else BLOCKS
        curve = self._lines[0].curve
        heights = [self._height(curve, column + n / across, 1 / across, steps) or 0 for n in range(across)]
        return [
            (character, f"hue-{(rows - row - 1) * HUES // rows}")
            for row, character in enumerate(area(heights, rows, fineness))
        ]

    def _many(self, column: int) -> list[Cell]:
        """Several curves, as lines."""
        across, steps = BRAILLE if self._view.fine else HALVES
        spans = []
        for line in self._lines:
            width = 1 / across
            heights = [self._height(line.curve, column + n * width, width, steps) for n in range(-1, across)]
            parts = [None if height is None else height - 1 for height in heights]
            spans.append([joined(before, part) for before, part in pairwise(parts)])
        rows = self._picture.rows
        drawn = dotted(spans, rows) if self._view.fine else halved([span for (span,) in spans], rows)
        return [(character, self._colours(one, other)) for character, one, other in drawn]

    def _colours(self, one: int, other: int) -> str:
        if one < 0:
            return "graph--text"
        return self._lines[one].style if other < 0 else f"{self._lines[one].style}/{self._lines[other].style}"

    def _height(self, curve: Curve, column: float, width: float, steps: int) -> int | None:
        """How many steps high the curve is; at least one where there is a value."""
        since, until = self._picture.time(column), self._picture.time(column + width)
        value = curve.largest(since, until) if since <= self._view.now else None
        if value is None:
            return None
        return max(1, round(value / self._picture.scale.top * self._picture.rows * steps))

    # --- reactions ---

    def watch_cursor(self, old: float | None, new: float | None) -> None:
        self._draw_columns({self._picture.column(time) for time in (old, new) if time is not None})

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def time_at(self, x: int) -> float:
        """The time of a column of the widget."""
        picture = self._picture
        return picture.time(min(max(x - GUTTER, 0), picture.cells - 1) + 0.5)

    @property
    def span(self) -> tuple[float, float]:
        """The first and the last time of the picture."""
        return self._picture.start, self._picture.time(self._picture.cells)

    @property
    def cell_seconds(self) -> float:
        """The time that one cell stands for."""
        return self._picture.seconds / self._picture.cells

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.post_message(self.Pointed(self, self.time_at(event.x)))

    def on_leave(self) -> None:
        self.post_message(self.Pointed(self, None))

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Pointed(self, self.time_at(event.x), pressed=True))

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        width, text = self.size.width, self._style("graph--text")
        if y < self._head_lines:
            return self._head(y).adjust_cell_length(width, text)
        if y == self.size.height - 1:
            return self._axis().adjust_cell_length(width, text)
        row = y - self._head_lines
        segments = [self._label(row)]
        if row < self._picture.rows and self._columns:
            segments += self._runs(column[row] for column in self._columns)
        return Strip(segments).adjust_cell_length(width, text)

    def _runs(self, cells: Iterable[Cell]) -> list[Segment]:
        return [
            Segment("".join(character for character, _ in run), self._style(name))
            for name, run in groupby(cells, key=lambda cell: cell[1])
        ]

    def _head(self, y: int) -> Strip:
        """The words, or large digits and beside them the words."""
        text = self._style("graph--text")
        words = [Segment(words, self._style(name)) for words, name in self._heading]
        if not self._view.large:
            return Strip([Segment(" ", text), *words])
        title, rest = words[:1], words[1:]
        digits = Segment(f" {big(self._big[0])[y]}  ", self._style(self._big[1]))
        return Strip([digits, *((), title, rest)[y]])

    def _label(self, row: int) -> Segment:
        """A value of the scale."""
        value = self._ticks.get(row) if self._columns else None
        words = "" if value is None else "0" if value == 0 else self._units.tell(value)
        limit = row == 0 and self._picture.scale.limit is not None
        return Segment(fit(f"{words} ", GUTTER, right=True), self._style("graph--limit" if limit else "graph--muted"))

    def _axis(self) -> Strip:
        """Times of day, and over them the marks."""
        picture = self._picture
        line = [(" ", "graph--muted")] * picture.cells
        each = time_step(picture.seconds, picture.cells, 11)
        for mark in self._marks:
            at = picture.column(mark.time)
            if not _write(line, at, f"{mark.glyph}{mark.text}", mark.style):
                _write(line, at, mark.glyph, mark.style)
        if self._view.now:
            first = floor(picture.start / each + 1) * each
            for second in range(first, floor(picture.start) + picture.seconds + 1, each):
                moment = datetime.fromtimestamp(second).astimezone()
                words = f"╵{moment:%H:%M:%S}" if each < 60 else f"╵{moment:%H:%M}"
                _write(line, picture.column(second), words, "graph--muted")
        return Strip([Segment(" " * GUTTER, self._style("graph--muted")), *self._runs(line)])

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._made(name)
        return style

    def _made(self, name: str) -> Style:
        name, _, ground = name.partition("+")
        name, _, other = name.partition("/")
        style = self._hue(int(name[4:])) if name.startswith("hue-") else self.get_component_rich_style(name)
        if other:
            style += Style(bgcolor=self.get_component_rich_style(other).color)
        elif ground:
            style += Style(bgcolor=self.get_component_rich_style(ground).bgcolor)
        return style

    def _hue(self, number: int) -> Style:
        """The colour of a row, from low by middle to high."""
        share = number / (HUES - 1)
        names = ("graph--low", "graph--middle") if share < 0.5 else ("graph--middle", "graph--high")
        one, other = (self.get_component_styles(name).color for name in names)
        color = one.blend(other, share * 2 % 1 if share < 1 else 1.0)
        return self.get_component_rich_style("graph--text") + Style(color=color.rich_color)


def _write(line: list[Cell], at: int, text: str, style: str) -> bool:
    """Put a text on the line, if all of it has room, with a blank before it."""
    end = at + cell_len(text)
    free = at >= 0 and end <= len(line) and all(character == " " for character, _ in line[max(0, at - 1) : end + 1])
    if free:
        line[at:end] = [(character, style) for character in text]
    return free


def _difference(before: Sequence[Cell], after: Sequence[Cell], width: int) -> tuple[int, int, int]:
    """From where on two headings differ, the line, and how wide that is."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    start = 1 + sum(cell_len(text) for text, _ in after[:same])
    lengths = [sum(cell_len(text) for text, _ in parts[same:]) for parts in (before, after)]
    tail = 0
    if lengths[0] == lengths[1]:
        while tail < min(len(before), len(after)) - same and before[-1 - tail] == after[-1 - tail]:
            tail += 1
        kept = sum(cell_len(text) for text, _ in after[len(after) - tail :])
        return min(start, width), 0, max(1, min(lengths[0] - kept, width - start))
    return min(start, width), 0, max(1, min(max(lengths), width - start))
