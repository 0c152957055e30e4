"""A table whose columns adapt to the width, whose selection stays with its row, and which redraws only what changed.

`Table` draws rows it knows by a key; a subclass names the columns and says what a row's cells show. The order in which
rows are given is kept until the user sorts by a column. It posts `Highlighted` when the selection moves and `Chosen` on
a double click. Imports Textual only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.text import fit


class Keyed(Protocol):
    """A row: anything immutable and comparable that has a key."""

    @property
    def key(self) -> str: ...


RowType = TypeVar("RowType", bound=Keyed)


@dataclass(frozen=True)
class Cell:
    """What one cell shows: its text, the component class of its style (empty: the row's own)."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Column(Generic[RowType]):
    """One column. `width` is the least number of cells; `weight` its share of what is left over; columns of a higher
    `rank` go first when there is no room. `order` gives the value to sort by."""

    name: str
    title: str
    width: int
    order: Callable[[RowType], Any]
    weight: int = 0
    rank: int = 0
    right: bool = False


class Table(ScrollView, Generic[RowType], can_focus=True):
    """A list of rows under a heading, one of them selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--sorted",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        "table--muted",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(False)", "First", show=False),
        Binding("end,G", "edge(True)", "Last", show=False),
    ]
    COLUMNS: ClassVar[tuple[Column[Any], ...]] = ()

    cursor: reactive[str | None] = reactive(None, repaint=False)
    """The key of the selected row; None only while the table is empty."""
    sort_column: reactive[str] = reactive("", repaint=False)
    """The name of the column sorted by; empty: the order in which the rows were given."""
    descending: reactive[bool] = reactive(False, repaint=False)
    filter: reactive[str] = reactive("", repaint=False)
    """Only rows that contain all of these words are shown."""

    @dataclass
    class Highlighted(Message):
        """The selection moved to another row, or there is none any more."""

        table: Table[Any]
        key: str | None

        @property
        def control(self) -> Table[Any]:
            return self.table

    @dataclass
    class Chosen(Message):
        """A row was double-clicked."""

        table: Table[Any]
        key: str

        @property
        def control(self) -> Table[Any]:
            return self.table

    @dataclass
    class Shown(Message):
        """Which rows are shown changed: `shown` of `total`."""

        table: Table[Any]
        shown: int
        total: int

        @property
        def control(self) -> Table[Any]:
            return self.table

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._given: list[RowType] = []
        self._rows: list[RowType] = []
        self._places: dict[str, int] = {}
        self._widths: dict[str, int] = {}
        self._drawn: dict[str, tuple[Hashable, Strip]] = {}

    # --- what a subclass says ---

    def cell(self, row: RowType, column: str) -> Cell:
        """What the row shows in the column."""
        raise NotImplementedError

    def words(self, row: RowType) -> str:
        """The text that the filter looks through."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column[Any]]:
        """Those that there is something to show in."""
        return self.COLUMNS

    # --- the rows ---

    @property
    def rows(self) -> Sequence[RowType]:
        """The rows as they are shown: filtered and sorted."""
        return self._rows

    @property
    def selected(self) -> RowType | None:
        """The row that is selected."""
        place = self._places.get(self.cursor or "")
        return None if place is None else self._rows[place]

    def show(self, rows: Iterable[RowType]) -> None:
        """Show these rows. The selection stays with its key; when that is gone, with its place."""
        before, self._given = self.columns(), list(rows)
        if self.columns() != before:
            self._lay_out()
            self.refresh()
        self._arrange()

    def _arrange(self) -> None:
        """Filter, sort, place the cursor, and redraw what is different."""
        before, old_place = self._rows, self._places.get(self.cursor or "", 0)
        wanted = self.filter.casefold().split()
        rows = [row for row in self._given if all(word in self.words(row).casefold() for word in wanted)]
        column = next((column for column in self.COLUMNS if column.name == self.sort_column), None)
        if column is not None:
            rows.sort(key=lambda row: in_order(column.order(row)), reverse=self.descending)
        self._rows = rows
        self._places = {row.key: place for place, row in enumerate(rows)}
        self._drawn = {key: drawn for key, drawn in self._drawn.items() if key in self._places}
        if self.cursor not in self._places:
            self.cursor = rows[min(old_place, len(rows) - 1)].key if rows else None
        if len(before) != len(rows):
            self.virtual_size = Size(self.size.width, len(rows) + 1)
            self.refresh()
        else:
            for place, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self._refresh_row(place)
        self.post_message(self.Shown(self, len(rows), len(self._given)))

    def refresh_cells(self, column: str) -> None:
        """Redraw the rows on screen whose cell in this column shows something else than before."""
        if column not in self._widths:
            return
        top = self.scroll_offset.y
        for place in range(top, min(len(self._rows), top + self.size.height - 1)):
            row = self._rows[place]
            drawn = self._drawn.get(row.key)
            if drawn is None or drawn[0] != self._appearance(row):
                left, width = self._span(column)
                self.refresh(Region(left, place - top + 1, width, 1))

    def _refresh_row(self, place: int) -> None:
        y = place - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # --- reactions ---

    def watch_cursor(self, old: str | None, new: str | None) -> None:
        for key in (old, new):
            if key in self._places:
                self._refresh_row(self._places[key])
        if new in self._places:
            self._reveal(self._places[new])
        self.post_message(self.Highlighted(self, new))

    def watch_filter(self) -> None:
        self._arrange()

    def watch_sort_column(self) -> None:
        self._arrange()
        self.refresh()

    def watch_descending(self) -> None:
        self._arrange()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        if self.cursor in self._places:
            self._reveal(self._places[self.cursor])

    def _lay_out(self) -> None:
        """Share the width out among the columns."""
        self._widths = column_widths(self.columns(), self.size.width)
        self._drawn.clear()

    def notify_style_update(self) -> None:
        self._drawn.clear()
        super().notify_style_update()

    def _reveal(self, place: int) -> None:
        height = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        wanted = min(max(top, place - height + 1), place)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    # --- keys and mouse ---

    def action_move(self, by: int) -> None:
        self._select(self._places.get(self.cursor or "", 0) + by)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height - 2))

    def action_edge(self, last: bool) -> None:
        self._select(len(self._rows) - 1 if last else 0)

    def _select(self, place: int) -> None:
        if self._rows:
            self.cursor = self._rows[min(max(place, 0), len(self._rows) - 1)].key

    def sort_by(self, name: str) -> None:
        """Sort by a column; once more turns the order round."""
        if name == self.sort_column:
            self.descending = not self.descending
        else:
            self.set_reactive(Table.descending, False)
            self.sort_column = name

    def sort_next(self) -> None:
        """Sort by the next of the columns shown; after the last comes the order as given."""
        names = [*self._widths, ""]
        place = names.index(self.sort_column) if self.sort_column in names else -1
        self.sort_by(names[(place + 1) % len(names)])

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y == 0:
            for column in self._widths:
                left, width = self._span(column)
                if left <= event.x < left + width:
                    self.sort_by(column)
            return
        place = self.scroll_offset.y + event.y - 1
        if place < len(self._rows):
            self._select(place)
            if event.chain == 2:
                self.post_message(self.Chosen(self, self._rows[place].key))

    # --- drawing ---

    def _span(self, name: str) -> tuple[int, int]:
        left = 1
        for column, width in self._widths.items():
            if column == name:
                return left, width
            left += width + 1
        return left, 0

    def _appearance(self, row: RowType) -> Hashable:
        cursor = (row.key == self.cursor) + (row.key == self.cursor and self.has_focus)
        return cursor, tuple(self.cell(row, column) for column in self._widths)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._heading(width)
        place = self.scroll_offset.y + y - 1
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[place]
        appearance = self._appearance(row)
        drawn = self._drawn.get(row.key)
        if drawn is None or drawn[0] != appearance:
            drawn = self._drawn[row.key] = (appearance, self._row(row, width))
        return drawn[1]

    def _heading(self, width: int) -> Strip:
        plain, sorted_by = self._style("table--heading"), self._style("table--sorted")
        segments = [Segment(" ", plain)]
        for column in self._columns():
            title, style = column.title, plain
            if column.name == self.sort_column:
                title, style = f"{title}{'▼' if self.descending else '▲'}", sorted_by
            segments.append(Segment(fit(title, self._widths[column.name], right=column.right), style))
            segments.append(Segment(" ", plain))
        return Strip(segments).adjust_cell_length(width, plain)

    def _row(self, row: RowType, width: int) -> Strip:
        base = self._style("table--row")
        cursor = Style.null()
        if row.key == self.cursor:
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            base = self._style(name)
            cursor = Style(bgcolor=base.bgcolor)
        segments = [Segment(" ", base)]
        for column in self._columns():
            cell = self.cell(row, column.name)
            style = base + self.get_component_rich_style(cell.style, partial=True) + cursor if cell.style else base
            segments.append(Segment(fit(cell.text, self._widths[column.name], right=column.right), style))
            segments.append(Segment(" ", base))
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _columns(self) -> Iterable[Column[RowType]]:
        return (column for column in self.COLUMNS if column.name in self._widths)


def in_order(value: Any) -> tuple[bool, Any]:
    """Missing values come last, whatever the others are."""
    return value is None, "" if value is None else value


def column_widths(columns: Sequence[Column[Any]], width: int) -> dict[str, int]:
    """The width of each column that has room, in the order of the columns."""
    shown = list(columns)
    room = width - 1

    def needed() -> int:
        return sum(column.width + 1 for column in shown)

    while needed() > room and any(column.rank for column in shown):
        shown.remove(max(reversed(shown), key=lambda column: column.rank))
    spare = max(0, room - needed())
    widths = {column.name: column.width for column in shown}
    weights = sum(column.weight for column in shown)
    for column in shown:
        if column.weight:
            share = spare * column.weight // weights
            widths[column.name] += share
            spare, weights = spare - share, weights - column.weight
    return widths
