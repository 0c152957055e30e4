"""What is measured of a container as words and numbers, in as many columns as there is room for, one of them selected.

Takes `MetricRow`s of plain values; draws again only the numbers that changed. Imports text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.moves import EDGES, UP_AND_DOWN
from widgets.text import fit

LEAST, VALUE = 37, 12  # cells: the least width of a column, and that of a value


@dataclass(frozen=True)
class MetricRow:
    """One metric. `group`: the heading it stands under; `alarming`: the number is one to look at."""

    key: str
    group: str
    label: str
    value: str
    alarming: bool = False


@dataclass(frozen=True)
class _Place:
    column: int
    line: int


class MetricList(ScrollView, can_focus=True):
    """The numbers, with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        "table--muted",
        "metric--group",
        "metric--value",
        "metric--alarming",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        Binding("left,h", "across(-1)", "Column before", show=False, id="metrics.left", tooltip="To the column before"),
        Binding("right,l", "across(1)", "Next column", show=False, id="metrics.right", tooltip="To the next column"),
        *EDGES,
    ]

    cursor: reactive[str | None] = reactive(None, repaint=False, init=False)
    """The key of the selected metric."""

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another metric."""

        list: MetricList
        key: str | None

        @property
        def control(self) -> MetricList:
            return self.list

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: dict[str, MetricRow] = {}
        self._lines: list[list[MetricRow | str]] = [[]]  # by column: rows, and headings as text
        self._places: dict[str, _Place] = {}

    # --- the numbers ---

    def show(self, rows: Sequence[MetricRow]) -> None:
        """Show these. Where only values differ only they are drawn."""
        before, self._rows = self._rows, {row.key: row for row in rows}
        if list(before) != list(self._rows):
            self._arrange()
            return
        for key, row in self._rows.items():
            if row != before[key]:
                place = self._places[key]
                self._lines[place.column][place.line] = row
                self._refresh(key)

    def _arrange(self) -> None:
        """Put whole groups into columns, so that the longest column is as short as it can be."""
        groups = [list(rows) for _, rows in groupby(self._rows.values(), key=lambda row: row.group)]
        count = max(1, min(len(groups), self.scrollable_size.width // LEAST))
        total = sum(len(rows) + 2 for rows in groups) - 1
        for room in range(max(1, total // count), total + 1):
            self._lines = _filled(groups, room)
            if len(self._lines) <= count:
                break
        self._places = {
            line.key: _Place(x, y)
            for x, column in enumerate(self._lines)
            for y, line in enumerate(column)
            if isinstance(line, MetricRow)
        }
        if self.cursor not in self._places:
            self.cursor = next(iter(self._places), None)
        self.virtual_size = Size(self.scrollable_size.width, max(map(len, self._lines), default=0))
        self.refresh()

    @property
    def _width(self) -> int:
        return self.scrollable_size.width // max(1, len(self._lines))

    def _refresh(self, key: str | None) -> None:
        place = self._places.get(key or "")
        if place is not None:
            y = place.line - self.scroll_offset.y
            if 0 <= y < self.size.height:
                self.refresh(Region(place.column * self._width, y, self._width, 1))

    # --- reactions ---

    def watch_cursor(self, old: str | None, new: str | None) -> None:
        self._refresh(old)
        self._refresh(new)
        self._reveal()
        self.post_message(self.Highlighted(self, new))

    def on_focus(self) -> None:
        self._refresh(self.cursor)

    def on_blur(self) -> None:
        self._refresh(self.cursor)

    def on_resize(self) -> None:
        self._arrange()
        self._reveal()

    def _reveal(self) -> None:
        place = self._places.get(self.cursor or "")
        if place is None:
            return
        top, height = self.scroll_offset.y, max(1, self.size.height)
        first = place.line if place.line != 1 else 0  # with the heading above the first
        wanted = min(max(top, place.line - height + 1), first)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    # --- keys and mouse ---

    def action_move(self, by: int) -> None:
        keys = list(self._places)
        if keys:
            here = keys.index(self.cursor) if self.cursor in self._places else 0
            self.cursor = keys[min(max(here + by, 0), len(keys) - 1)]

    def action_across(self, by: int) -> None:
        """To the metric nearest in the column beside."""
        place = self._places.get(self.cursor or "")
        if place is not None:
            beside = [
                (abs(p.line - place.line), key) for key, p in self._places.items() if p.column == place.column + by
            ]
            if beside:
                self.cursor = min(beside)[1]

    def action_edge(self, last: bool) -> None:
        keys = list(self._places)
        if keys:
            self.cursor = keys[-1 if last else 0]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        column, line = event.x // max(1, self._width), event.y + self.scroll_offset.y
        found = next((key for key, place in self._places.items() if place == _Place(column, line)), None)
        if found is not None:
            self.cursor = found

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        base = self.get_component_rich_style("table--row")
        segments: list[Segment] = []
        for column in self._lines:
            line = y + self.scroll_offset.y
            segments += self._cells(column[line] if line < len(column) else "", base)
        return Strip(segments).adjust_cell_length(self.scrollable_size.width, base)

    def _cells(self, line: MetricRow | str, base: Style) -> Iterator[Segment]:
        width = self._width
        if isinstance(line, str):
            yield Segment(fit(f" {line}", width), self.get_component_rich_style("metric--group"))
            return
        ground = Style.null()
        if line.key == self.cursor:
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            ground = Style(bgcolor=self.get_component_rich_style(name).bgcolor)

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) + ground

        inner = min(width - 2, 46)
        value = "table--muted" if line.value == "–" else "metric--alarming" if line.alarming else "metric--value"
        yield Segment(
            " " + fit(line.label, inner - VALUE - 2) + " ",
            style("table--muted") if line.value == "–" else base + ground,
        )
        yield Segment(fit(line.value, VALUE, right=True), style(value))
        yield Segment(" ", base + ground)
        yield Segment(" " * (width - inner - 1), base)


def _filled(groups: Sequence[Sequence[MetricRow]], room: int) -> list[list[MetricRow | str]]:
    """Columns of so many lines, a blank line between groups; a group that has no room begins the next column."""
    columns: list[list[MetricRow | str]] = [[]]
    for rows in groups:
        if columns[-1] and len(columns[-1]) + len(rows) + 2 > room:
            columns.append([])
        columns[-1] += [*([""] if columns[-1] else []), rows[0].group.upper(), *rows]
    return columns
