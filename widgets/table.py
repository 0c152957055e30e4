"""A table whose columns adapt to the width, whose selection stays with its row, and which redraws only what changed.

`Table` draws rows it knows by a key; a subclass names the columns and says what a row's cells show. The order in which
rows are given is kept until the user sorts by a column. Rows may stand in groups, each under a heading that folds it.
It posts `Highlighted` when the selection moves and `Chosen` on a double click. Imports Textual, columns and query.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
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

from widgets.columns import Cell, Column, column_widths, difference, in_order
from widgets.moves import EDGES, PAGES, UP_AND_DOWN
from widgets.query import Facts, Query, parse
from widgets.text import fit

__all__ = ["Cell", "Column", "Heading", "Keyed", "Table", "column_widths", "in_order"]


class Keyed(Protocol):
    """A row: anything immutable and comparable that has a key."""

    @property
    def key(self) -> str: ...


RowType = TypeVar("RowType", bound=Keyed)


@dataclass(frozen=True)
class Heading:
    """The line above a group of rows: its name, and texts with their component classes. It is there without rows, too.
    Its key is no row's."""

    key: str
    title: str
    parts: tuple[tuple[str, str], ...] = ()


class Table(ScrollView, Generic[RowType], can_focus=True):
    """A list of rows under a heading, one of them selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--sorted",
        "table--row",
        "table--group",
        "table--cursor",
        "table--cursor-blurred",
        "table--muted",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        *PAGES,
        *EDGES,
        Binding("enter", "fold", "Fold", id="table.fold", tooltip="Fold the group under the cursor, or unfold it"),
    ]
    COLUMNS: ClassVar[tuple[Column[Any], ...]] = ()

    cursor: reactive[str | None] = reactive(None, repaint=False)
    """The key of the selected row, or heading; None only while the table is empty."""
    sort_column: reactive[str] = reactive("", repaint=False)
    """The name of the column sorted by; empty: the order in which the rows were given."""
    descending: reactive[bool] = reactive(False, repaint=False)
    filter: reactive[str] = reactive("", repaint=False)
    """Only rows of which this query is true are shown. Setting one that is none raises QueryError."""

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
        """Which rows are shown, or how, changed: `shown` of `total`."""

        table: Table[Any]
        shown: int
        total: int

        @property
        def control(self) -> Table[Any]:
            return self.table

    @dataclass
    class Asked(Message):
        """A row was clicked with the right button: a menu is wanted there, at this line of the screen."""

        table: Table[Any]
        key: str
        line: int

        @property
        def control(self) -> Table[Any]:
            return self.table

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._given: list[RowType] = []
        self._headings: Sequence[Heading] = ()
        self._folded: set[str] = set()
        self._query = Query()
        self._rows: list[RowType] = []
        self._lines: list[RowType | Heading] = []
        self._places: dict[str, int] = {}
        self._widths: dict[str, int] = {}
        self._strips: dict[str, tuple[Hashable, Strip]] = {}
        self.without = ""
        """What there is to say while no row passes the filter."""
        self._on_screen: dict[int, tuple[str, bool | None, tuple[Cell, ...]]] = {}

    # --- what a subclass says ---

    def cell(self, row: RowType, column: str) -> Cell:
        """What the row shows in the column."""
        raise NotImplementedError

    def facts(self, row: RowType) -> Facts:
        """What the filter looks at."""
        raise NotImplementedError

    def group(self, row: RowType) -> str:
        """The key of the heading that the row stands under."""
        return ""

    def order(self, row: RowType, column: Column[Any]) -> Any:
        """What the row is sorted by; None comes last."""
        return column.order(row)

    def mark(self, row: RowType) -> tuple[str, str]:
        """What stands in front of the row, in one cell, and its component class."""
        return " ", ""

    def columns(self) -> Sequence[Column[Any]]:
        """Those that there is something to show in."""
        return self.COLUMNS

    # --- the rows ---

    @property
    def rows(self) -> Sequence[RowType]:
        """The rows that pass the filter, in their order; those under a folded heading, too."""
        return self._rows

    @property
    def cursor_line(self) -> int:
        """The line of the screen that the cursor is in."""
        return self.content_region.y + 1 + self._places.get(self.cursor or "", 0) - self.scroll_offset.y

    @property
    def filter_is_slow(self) -> bool:
        """Whether the filter took too long, and lets nothing through any more."""
        return self._query.slow

    @property
    def total(self) -> int:
        """How many rows there are, shown or not."""
        return len(self._given)

    @property
    def selected(self) -> RowType | None:
        """The row that is selected."""
        line = self._line(self.cursor)
        return None if line is None or isinstance(line, Heading) else line

    def _line(self, key: str | None) -> RowType | Heading | None:
        place = self._places.get(key or "")
        return None if place is None else self._lines[place]

    def show(self, rows: Iterable[RowType], headings: Sequence[Heading] = ()) -> None:
        """Show these rows. The selection stays with its key; when that is gone, with its place. With two headings or
        more each row stands under that of its group."""
        before, self._given = self.columns(), list(rows)
        self._headings = headings if len(headings) > 1 else ()
        if self.columns() != before:
            self._lay_out()
            self.refresh()
        self.rearrange()

    def rearrange(self) -> None:
        """Filter, sort, place the cursor, and redraw what is different."""
        count, old_place = len(self._lines), self._places.get(self.cursor or "", 0)
        rows = [row for row in self._given if self._query.holds(self.facts(row))] if self._query else [*self._given]
        column = next((column for column in self.COLUMNS if column.name == self.sort_column), None)
        if column is not None:
            _sort(rows, [self.order(row, column) for row in rows], falling=self.descending)
        self._rows, self._lines = rows, self._in_groups(rows)
        self._places = {line.key: place for place, line in enumerate(self._lines)}
        self._strips = {key: drawn for key, drawn in self._strips.items() if key in self._places}
        if self.cursor not in self._places:
            self.cursor = self._lines[min(old_place, len(self._lines) - 1)].key if self._lines else None
        elif column is not None and column.live:
            self._reveal(self._places[self.cursor or ""])
        if count != len(self._lines):
            self.virtual_size = Size(self.size.width, len(self._lines) + 1)
            self.refresh()
        else:
            self.refresh_changed()
        self.post_message(self.Shown(self, len(rows), len(self._given)))

    def _in_groups(self, rows: Sequence[RowType]) -> list[RowType | Heading]:
        if not self._headings:
            return [*rows]
        members: Mapping[str, list[RowType]] = {heading.key: [] for heading in self._headings}
        for row in rows:
            members.get(self.group(row), members[self._headings[0].key]).append(row)
        lines: list[RowType | Heading] = []
        for heading in self._headings:
            lines += [heading, *(members[heading.key] if heading.key not in self._folded else ())]
        return lines

    def refresh_changed(self) -> None:
        """Redraw the cells that show something else than is on the screen."""
        top = self.scroll_offset.y
        for y in range(1, self.size.height):
            place = top + y - 1
            if place < len(self._lines):
                self._refresh_line(y, self._lines[place])

    def _refresh_line(self, y: int, line: RowType | Heading) -> None:
        drawn, new = self._on_screen.get(y), self._appearance(line)
        if drawn == new:
            return
        if drawn is None or drawn[1] != new[1] or len(drawn[2]) != len(new[2]) or isinstance(line, Heading):
            self.refresh(Region(0, y, self.size.width, 1))
            return
        if drawn[2][0] != new[2][0]:
            self.refresh(Region(0, y, 1, 1))
        left = 1
        for column, old, cell in zip(self._columns(), drawn[2][1:], new[2][1:], strict=True):
            width = self._widths[column.name]
            changed = difference(old, cell, width, right=column.right)
            if changed is not None:
                self.refresh(Region(left + changed[0], y, changed[1] - changed[0], 1))
            left += width + 1

    # --- reactions ---

    def watch_cursor(self, old: str | None, new: str | None) -> None:
        if new in self._places:
            self._reveal(self._places[new])
        for key in (old, new):
            place = self._places.get(key or "")
            y = 0 if place is None else place - self.scroll_offset.y + 1
            if place is not None and 1 <= y < self.size.height:
                self._refresh_line(y, self._lines[place])
        self.post_message(self.Highlighted(self, new))

    def watch_filter(self) -> None:
        self._query = parse(self.filter)
        self.rearrange()

    def watch_sort_column(self) -> None:
        self._sorted()

    def watch_descending(self) -> None:
        self._sorted()

    def _sorted(self) -> None:
        self.rearrange()
        if self.cursor in self._places:
            self._reveal(self._places[self.cursor])
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        if self.cursor in self._places:
            self._reveal(self._places[self.cursor])

    def _lay_out(self) -> None:
        """Share the width out among the columns."""
        self._widths = column_widths(self.columns(), self.size.width)
        self._strips.clear()
        self._on_screen.clear()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def _reveal(self, place: int) -> None:
        height = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        wanted = min(max(top, place - height + 1), place)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    # --- keys and mouse ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a heading can be folded: on a row the key is the screen's."""
        return isinstance(self._line(self.cursor), Heading) if action == "fold" else True

    def action_fold(self) -> None:
        self.fold(self.cursor or "")

    def fold(self, heading: str) -> None:
        """Hide the rows under a heading, or show them again."""
        self._folded ^= {heading}
        self.rearrange()
        self.refresh_changed()

    def action_move(self, by: int) -> None:
        self._select(self._places.get(self.cursor or "", 0) + by)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height - 2))

    def action_edge(self, last: bool) -> None:
        self._select(len(self._lines) - 1 if last else 0)

    def _select(self, place: int) -> None:
        if self._lines:
            self.cursor = self._lines[min(max(place, 0), len(self._lines) - 1)].key

    def sort_by(self, name: str) -> None:
        """Sort by a column, the largest first where that is what one wants; once more turns the order round."""
        if name == self.sort_column:
            self.descending = not self.descending
        else:
            falling = any(column.falling for column in self.COLUMNS if column.name == name)
            self.set_reactive(Table.descending, falling)
            self.sort_column = name

    def sort_next(self) -> None:
        """Sort by the next of the columns shown; after the last comes the order as given."""
        names = [*self._widths, ""]
        place = names.index(self.sort_column) if self.sort_column in names else -1
        self.sort_by(names[(place + 1) % len(names)])

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None:
                self.sort_by(column)
            return
        place = self.scroll_offset.y + event.y - 1
        if place >= len(self._lines):
            return
        self._select(place)
        line = self._lines[place]
        if isinstance(line, Heading):
            self.fold(line.key)
        elif event.button == 3:
            self.post_message(self.Asked(self, line.key, event.screen_y))
        elif event.chain == 2:
            self.post_message(self.Chosen(self, line.key))

    def _column_at(self, x: int) -> str | None:
        left = 1
        for column, width in self._widths.items():
            if left <= x < left + width:
                return column
            left += width + 1
        return None

    # --- drawing ---

    def _appearance(self, line: RowType | Heading) -> tuple[str, bool | None, tuple[Cell, ...]]:
        """All that a line's look depends on: which group or row it is, the cursor, the cells."""
        cursor = self.has_focus if line.key == self.cursor else None
        if isinstance(line, Heading):
            folded = "▸" if line.key in self._folded else "▾"
            return line.key, cursor, (Cell("", parts=((f"{folded} {line.title}", "table--group"), *line.parts)),)
        return "", cursor, (Cell(*self.mark(line)), *(self.cell(line, column) for column in self._widths))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._heading(width)
        place = self.scroll_offset.y + y - 1
        if place >= len(self._lines):
            self._on_screen.pop(y, None)
            words = f" {self.without}" if y == 2 and self._given and not self._lines else ""
            return Strip([Segment(fit(words, width), self._style("table--muted"))])
        line = self._lines[place]
        appearance = self._on_screen[y] = self._appearance(line)
        drawn = self._strips.get(line.key)
        if drawn is None or drawn[0] != appearance:
            drawn = self._strips[line.key] = (appearance, self._draw(line, appearance, width))
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

    def _draw(
        self, line: RowType | Heading, appearance: tuple[str, bool | None, tuple[Cell, ...]], width: int
    ) -> Strip:
        _, focused, (first, *cells) = appearance
        base = self._style("table--row")
        over = Style.null()
        if focused is not None:
            base = self._style("table--cursor" if focused else "table--cursor-blurred")
            over = Style(bgcolor=base.bgcolor)

        def styled(text: str, name: str) -> Segment:
            if not name:
                return Segment(text, base)
            return Segment(text, base + self.get_component_rich_style(name, partial=True) + over)

        if isinstance(line, Heading):
            return Strip([styled(text, name) for text, name in first.parts]).adjust_cell_length(width, base)
        segments = [styled(first.text, first.style)]
        for column, cell in zip(self._columns(), cells, strict=True):
            pieces = cell.pieces(self._widths[column.name], right=column.right)
            segments += [styled(text, name) for text, name in pieces]
            segments.append(Segment(" ", base))
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _columns(self) -> Iterable[Column[RowType]]:
        return (column for column in self.COLUMNS if column.name in self._widths)


def _sort(rows: list[Any], values: list[Any], *, falling: bool) -> None:
    """Sort rows by values; those without one come last either way, and equal ones stay as they are."""
    known = [(value, row) for value, row in zip(values, rows, strict=True) if value is not None]
    missing = [row for value, row in zip(values, rows, strict=True) if value is None]
    known.sort(key=lambda pair: pair[0], reverse=falling)
    rows[:] = [row for _, row in known] + missing
