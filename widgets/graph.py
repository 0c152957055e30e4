"""A chart of curves in time: one as a filled area, several as lines, limits as dashed lines, changes as marks.

The picture stands still while the curves grow in it, and moves on by a quarter when they reach its end: only the
cells that differ are drawn and sent. Imports graph_plot, big_digits and text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

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
from widgets.graph_plot import HUES, Cell, Line, Mark, Plot, Subject, Units, View, difference
from widgets.text import fit

__all__ = ["GUTTER", "Cell", "Graph", "Line", "Mark", "Units", "View"]

GUTTER = 10  # cells of the scale on the left
RUN = 8
"""Cells between two that differ which are not worth the bytes that move the cursor past them."""


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
        self._subject = Subject()
        self._plot = Plot(self._subject, View(), 1, 1)
        self._columns: list[list[Cell]] = []
        self._shown = False  # whether this subject was drawn already
        self._styles: dict[str, Style] = {}

    # --- what there is to see ---

    def show(self, lines: Iterable[Line], units: Units | None = None, *, held: Curve | None = None) -> None:
        """Draw these from the next `advance` on. They may grow. `held`: a curve that is above zero while the limit
        holds; those times have another ground."""
        self._subject = Subject(tuple(lines), units or self._subject.units, held)
        self._shown = False

    def head(self, *parts: Cell, big: Cell = ("", "graph--title")) -> None:
        """The words of the first line: texts and their component classes; `big` is told large where there is room."""
        told = tuple(part for part in parts if part[0])
        if self.size and not self._plot.view.large:  # there the words have lines of their own
            told = _fitting(told, self.size.width - 1)
        before, self._heading = self._heading, told
        if self._plot.view.large and (before, self._big) != (self._heading, big):
            self._big = big
            self.refresh(Region(0, 0, self.size.width, LINES))
        elif before != self._heading:
            self._big = big
            start, length = difference(before, self._heading, self.size.width)
            self.refresh(Region(start + 1, 0, length, 1))

    def advance(self, view: View, marks: Sequence[Mark] = ()) -> None:
        """Draw this time, with what has come to the curves, and these marks."""
        subject = replace(self._subject, marks=tuple(marks))
        before, self._subject = self._subject, subject
        plot = self._plot
        same = self._shown and subject == before and replace(plot.view, now=view.now) == view
        if not same or not plot.fits(view):
            self._draw(view)
        elif view.end is None:
            first = plot.column(plot.view.now)
            plot.view = view
            self._draw_columns(range(first, plot.column(view.now) + 1))

    @property
    def span(self) -> tuple[float, float]:
        """The first and the last time of the picture."""
        return self._plot.start, self._plot.time(self._plot.cells)

    @property
    def cell_seconds(self) -> float:
        """The time that one cell stands for."""
        return self._plot.view.seconds / self._plot.cells

    # --- the picture ---

    @property
    def _head_lines(self) -> int:
        return LINES if self._plot.view.large else 1

    def _draw(self, view: View) -> None:
        """Draw another picture; of it only what differs is sent."""
        before, columns = self._plot, self._columns
        top = LINES if view.large else 1
        plot = self._plot = Plot(self._subject, view, self.size.width - GUTTER - 1, self.size.height - top - 1)
        self._columns = [plot.cells_of(column, self.cursor) for column in range(plot.cells)]
        alike = (before.cells, before.rows, before.view.large) == (plot.cells, plot.rows, view.large)
        if not (self._shown and alike and columns):
            self._shown = True
            self.refresh()
            return
        self.refresh(Region(0, self.size.height - 1, self.size.width, 1), *self._differences(columns))
        if before.scale != plot.scale:
            self.refresh(Region(0, top, GUTTER, plot.rows))

    def _differences(self, before: list[list[Cell]]) -> Iterable[Region]:
        """Where rows differ from those before: from the first to the last cell of each run."""
        for row in range(self._plot.rows):
            differ = [
                column
                for column, (old, new) in enumerate(zip(before, self._columns, strict=True))
                if old[row] != new[row]
            ]
            while differ:
                length = next((n for n in range(1, len(differ)) if differ[n] - differ[n - 1] > RUN), len(differ))
                first, last = differ[0], differ[length - 1]
                yield Region(GUTTER + first, row + self._head_lines, last - first + 1, 1)
                differ = differ[length:]

    def _draw_columns(self, columns: Iterable[int]) -> None:
        """Draw these columns anew, as far as they differ."""
        changed = []
        for column in columns:
            if not 0 <= column < len(self._columns):
                continue
            cells = self._plot.cells_of(column, self.cursor)
            for row, (old, new) in enumerate(zip(self._columns[column], cells, strict=True)):
                if old != new:
                    changed.append(Region(GUTTER + column, row + self._head_lines, 1, 1))
            self._columns[column] = cells
        if changed:
            self.refresh(*changed)

    # --- reactions ---

    def watch_cursor(self, old: float | None, new: float | None) -> None:
        self._draw_columns({self._plot.column(time) for time in (old, new) if time is not None})

    def on_resize(self) -> None:
        self._draw(self._plot.view)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def time_at(self, x: int) -> float:
        """The time of a column of the widget."""
        return self._plot.time(min(max(x - GUTTER, 0), self._plot.cells - 1) + 0.5)

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
            blank = Segment(" " * GUTTER, text)
            return Strip([blank, *self._runs(self._plot.axis())]).adjust_cell_length(width, text)
        row = y - self._head_lines
        segments = [self._label(row)]
        if row < self._plot.rows and self._columns:
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
        if not self._plot.view.large:
            return Strip([Segment(" ", text), *words])
        digits = Segment(f" {big(self._big[0])[y]}  ", self._style(self._big[1]))
        return Strip([digits, *([], words[:1], words[1:])[y]])

    def _label(self, row: int) -> Segment:
        """A value of the scale."""
        plot = self._plot
        value = plot.ticks.get(row) if self._columns else None
        words = "" if value is None else "0" if value == 0 else self._subject.units.tell(value)
        limit = row == 0 and plot.scale.limit is not None
        return Segment(fit(f"{words} ", GUTTER, right=True), self._style("graph--limit" if limit else "graph--muted"))

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


def _fitting(parts: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    """As many of the parts as have room whole: half a number tells another one. The first is there in any case."""
    fitting, used = list[Cell](), 0
    for words, name in parts:
        if fitting and used + cell_len(words.rstrip()) > width:
            break
        fitting.append((words, name))
        used += cell_len(words)
    return tuple(fitting)
