"""Several tables below each other, each under a title that folds it, with one cursor for all of them.

Takes `Section`s of plain values; the cursor stays with its row, each section is sorted by itself, a filter goes
through all of them, and only lines that look different are drawn again. Imports table, text and Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.moves import EDGES, PAGES, UP_AND_DOWN
from widgets.table import Cell, Column, column_widths, in_order
from widgets.text import fit

STEP = 16  # lines by which the room for all of them grows
SPARE = 8
"""How many lines may be left empty where some were."""


@dataclass(frozen=True)
class SectionRow:
    """One row. `cells`: one for each column of its section; `order`: what to sort by in place of their texts; `of`:
    what it was made of."""

    key: str
    cells: tuple[Cell, ...]
    order: tuple[Any, ...] = ()
    of: object = field(default=None, compare=False)

    def value(self, place: int) -> Any:
        """What a column is sorted by."""
        return self.order[place] if place < len(self.order) else self.cells[place].text.casefold()


def column(
    title: str, width: int, place: int, *, weight: int = 0, rank: int = 0, right: bool = False
) -> Column[SectionRow]:
    """The column of a section at this place; widths and ranks as in a `Table`."""
    return Column(str(place), title, width, lambda row: row.value(place), weight, rank, right)


@dataclass(frozen=True)
class Section:
    """One table. `about`: beside the title; `empty`: what is said where there are no rows; `name`: a shorter title."""

    key: str
    title: str
    columns: tuple[Column[SectionRow], ...]
    rows: tuple[SectionRow, ...] = ()
    about: str = ""
    empty: str = "none"
    name: str = ""


class _Line(NamedTuple):
    """One line, with all that decides how it looks."""

    kind: Literal["title", "heading", "row", "empty", "blank"]
    section: str
    row: str = ""
    cells: tuple[Cell, ...] = ()


class SectionTable(ScrollView, can_focus=True):
    """The sections, one line selected: a row, or a title."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        "section--title",
        "section--muted",
        "section--strong",
        "section--good",
        "section--odd",
        "section--bad",
        "section--link",
        "section--ticked",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        Binding(
            "left", "section(-1)", "Section before", show=False, id="section.previous", tooltip="To the section before"
        ),
        Binding(
            "right",
            "section(1)",
            "Section",
            key_display="←→",
            tooltip="To the next section, or the one before",
            id="section.next",
        ),
        *PAGES,
        *EDGES,
        Binding(
            "space", "fold", "Fold", tooltip="Show the title of the section only, or all of it again", id="section.fold"
        ),
        Binding("o", "sort", "Sort", show=False, tooltip="Sort the section by its next column", id="section.sort"),
        Binding(
            "O", "reverse", "Reverse", show=False, tooltip="Turn the order of the section round", id="section.reverse"
        ),
    ]

    cursor: reactive[tuple[str, str]] = reactive(("", ""), repaint=False, init=False)
    """Section and row that are selected; the title, where no row is named."""
    filter: reactive[str] = reactive("", repaint=False, init=False)
    """Only rows that contain all of these words are shown."""

    @dataclass
    class Highlighted(Message):
        """The cursor moved, or what it is on changed."""

        table: SectionTable

    @dataclass
    class Chosen(Message):
        """A row was double-clicked."""

        table: SectionTable

    def __init__(self, *, folded: Sequence[str] = (), id: str | None = None) -> None:
        super().__init__(id=id)
        self.folded = set(folded)
        self._sections: dict[str, Section] = {}
        self._shown: dict[str, list[SectionRow]] = {}
        self._widths: dict[str, dict[str, int]] = {}
        self._sorted: dict[str, tuple[int, bool]] = {}  # section → column, descending
        self._lines: list[_Line] = []
        self._rooms: dict[str, int] = {}

    # --- the sections ---

    def show(self, sections: Sequence[Section]) -> None:
        """Show these."""
        if [section.key for section in sections] != list(self._sections):
            self._widths, self._rooms = {}, {}
        self._sections = {section.key: section for section in sections}
        self._arrange()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(section.name or section.title for section in self._sections.values())

    def shown(self, section: str) -> Sequence[SectionRow]:
        """The rows of a section as they are shown: filtered and sorted."""
        return self._shown.get(section, ())

    @property
    def place(self) -> int:
        """The place of the section that the cursor is in."""
        keys = list(self._sections)
        return keys.index(self.cursor[0]) if self.cursor[0] in keys else 0

    @property
    def selected(self) -> SectionRow | None:
        """The row under the cursor; None on a title."""
        return next((row for row in self._shown.get(self.cursor[0], ()) if row.key == self.cursor[1]), None)

    def _arrange(self) -> None:
        """Filter and sort, make the lines, and draw those that look different."""
        before, old = self._lines, self._index()
        self._shown = {key: self._rows(section) for key, section in self._sections.items()}
        self._lines = [line for section in self._sections.values() for line in self._section_lines(section)]
        if self._lines and self._index() is None:
            self.cursor = self._nearest(old or 0)
        self._resize()
        top = self.scroll_offset.y
        for y in range(self.size.height):
            if before[y + top : y + top + 1] != self._lines[y + top : y + top + 1]:
                self.refresh(Region(0, y, self.size.width, 1))
        if before != self._lines:
            self.post_message(self.Highlighted(self))

    def _resize(self) -> None:
        """Room for all lines and a few more: Textual lays out and draws all anew when it changes."""
        width, height = self.scrollable_size.width, self.virtual_size.height
        if not 0 <= height - len(self._lines) <= 2 * STEP:
            height = -(-len(self._lines) // STEP) * STEP
        if Size(width, height) != self.virtual_size:
            self.virtual_size = Size(width, height)

    def _rows(self, section: Section) -> list[SectionRow]:
        wanted = self.filter.casefold().split()
        rows = [row for row in section.rows if all(word in words(row) for word in wanted)]
        if section.key in self._sorted:
            place, descending = self._sorted[section.key]
            rows.sort(key=lambda row: in_order(row.value(place)), reverse=descending)
        return rows

    def _section_lines(self, section: Section) -> list[_Line]:
        rows, key = self._shown[section.key], section.key
        count = f"{len(rows)} of {len(section.rows)}" if self.filter else str(len(section.rows))
        about = f"{count}{' · ' if section.about else ''}{section.about}"
        fold = "▸" if key in self.folded else "▾"
        lines = [_Line("title", key, "", (Cell(fold), Cell(section.title.upper()), Cell(about)))]
        if key in self.folded:
            return lines
        if not rows:
            nothing = section.empty if not section.rows else f"nothing here has “{self.filter}”"
            return [*lines, _Line("empty", key, "", (Cell(nothing),)), _Line("blank", key)]
        if any(column.title for column in section.columns):
            lines.append(_Line("heading", key, "", self._heading(section)))
        blanks = [_Line("blank", key)] * (self._room(section) - len(rows) + 1)
        return [*lines, *(_Line("row", key, row.key, row.cells) for row in rows), *blanks]

    def _room(self, section: Section) -> int:
        """How many rows a section has room for: what comes and goes is not to move what stands below it each time."""
        count, room = len(self._shown[section.key]), self._rooms.get(section.key, 0)
        if not count <= room <= count + min(SPARE, count // 2) or self.filter:
            room = count
        self._rooms[section.key] = room
        return room

    def _heading(self, section: Section) -> tuple[Cell, ...]:
        place, descending = self._sorted.get(section.key, (-1, False))
        arrow = "▼" if descending else "▲"
        return tuple(
            Cell(f"{column.title}{arrow if number == place else ''}") for number, column in enumerate(section.columns)
        )

    # --- the cursor ---

    def _index(self) -> int | None:
        """The line that the cursor is on."""
        section, row = self.cursor
        kind = "row" if row else "title"
        return next(
            (n for n, line in enumerate(self._lines) if (line.kind, line.section, line.row) == (kind, section, row)),
            None,
        )

    def _nearest(self, index: int, by: int = 1) -> tuple[str, str]:
        """What can be selected at a line or nearest to it, first in one direction."""
        index = min(max(index, 0), len(self._lines) - 1)
        ways = (range(index, len(self._lines)), range(index, -1, -1))
        for place in (*ways[by < 0], *ways[by >= 0]):
            line = self._lines[place]
            if line.kind in ("row", "title"):
                return line.section, line.row
        return "", ""

    def watch_cursor(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        for y in range(self.size.height):
            index = y + self.scroll_offset.y
            line = self._lines[index] if index < len(self._lines) else None
            if line is not None and (line.section, line.row) in (old, new) and line.kind in ("row", "title"):
                self.refresh(Region(0, y, self.size.width, 1))
        self._reveal()
        self.post_message(self.Highlighted(self))

    def _reveal(self) -> None:
        index = self._index()
        if index is None:
            return
        top, height = self.scroll_offset.y, max(1, self.size.height)
        first = index
        while first > 0 and self._lines[first - 1].kind in ("heading", "title"):
            first -= 1  # with what stands above the first row
        wanted = min(max(top, index - height + 1), first)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    def watch_filter(self) -> None:
        self._arrange()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._widths = {}
        self._resize()
        self.refresh()
        self._reveal()

    # --- keys and mouse ---

    def action_move(self, by: int) -> None:
        index = self._index()
        if index is not None and 0 <= index + by < len(self._lines):
            self.cursor = self._nearest(index + by, by)

    def action_page(self, by: int) -> None:
        index, step = self._index(), max(1, self.size.height - 2)
        if index is not None:
            self.cursor = self._nearest(index + by * step, by)

    def action_edge(self, last: bool) -> None:
        if self._lines:
            self.cursor = self._nearest(len(self._lines) - 1 if last else 0, -1 if last else 1)

    def action_section(self, by: int) -> None:
        """To the title of the section before or after."""
        keys = list(self._sections)
        if keys:
            self.go_to(min(max(self.place + by, 0), len(keys) - 1))

    def go_to(self, place: int) -> None:
        """Go to a section; as much of it as there is room for is seen."""
        key = list(self._sections)[place]
        self.cursor = (key, "")
        index = self._index()
        if index is not None:
            self.scroll_to(y=index, animate=False)

    def action_fold(self) -> None:
        section = self.cursor[0]
        self.cursor = (section, "")
        self.folded ^= {section}
        self._arrange()

    def action_sort(self) -> None:
        """By the next column; after the last comes the order as given."""
        section = self.cursor[0]
        if section in self._sections:
            place = self._sorted.get(section, (-1, False))[0] + 1
            self._sorted.pop(section, None)
            if place < len(self._sections[section].columns):
                self._sorted[section] = place, False
            self._arrange()

    def action_reverse(self) -> None:
        section = self.cursor[0]
        if section in self._sorted:
            place, descending = self._sorted[section]
            self._sorted[section] = place, not descending
            self._arrange()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = event.y + self.scroll_offset.y
        if index >= len(self._lines):
            return
        line = self._lines[index]
        if line.kind == "heading":
            self._sort_at(line.section, event.x)
        elif line.kind in ("row", "title"):
            again = self.cursor == (line.section, line.row)
            self.cursor = (line.section, line.row)
            if line.kind == "title" and again:
                self.action_fold()
            elif event.chain == 2:
                self.post_message(self.Chosen(self))

    def _sort_at(self, section: str, x: int) -> None:
        left = 2
        for name, width in self._column_widths(section).items():
            if left <= x < left + width:
                place, descending = self._sorted.get(section, (-1, False))
                self._sorted[section] = int(name), place == int(name) and not descending
                self._arrange()
            left += width + 1

    # --- drawing ---

    def _column_widths(self, section: str) -> dict[str, int]:
        if section not in self._widths:
            width = self.scrollable_size.width - 1
            self._widths[section] = column_widths(self._sections[section].columns, width)
        return self._widths[section]

    def render_line(self, y: int) -> Strip:
        width, base = self.scrollable_size.width, self.get_component_rich_style("table--row")
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[index]
        ground = Style.null()
        if line.kind in ("row", "title") and self.cursor == (line.section, line.row):
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            ground = Style(bgcolor=self.get_component_rich_style(name).bgcolor)
        return Strip(self._segments(line, base, ground)).adjust_cell_length(width, base + ground)

    def _segments(self, line: _Line, base: Style, ground: Style) -> list[Segment]:
        def look(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) + ground if name else base + ground

        if line.kind == "title":
            fold, title, about = (cell.text for cell in line.cells)
            return [
                Segment(f"{fold} ", look("section--muted")),
                Segment(title, look("section--title")),
                Segment(f"  {about}", look("section--muted")),
            ]
        if line.kind == "empty":
            return [Segment(f"  {line.cells[0].text}", look("section--muted"))]
        segments = [Segment("  ", base + ground)]
        columns = self._sections[line.section].columns if line.cells else ()
        widths = self._column_widths(line.section) if columns else {}
        for column, cell in zip(columns, line.cells, strict=True):
            if column.name in widths:
                style = look("table--heading" if line.kind == "heading" else cell.style)
                segments.append(Segment(fit(cell.text, widths[column.name], right=column.right), style))
                segments.append(Segment(" ", base + ground))
        return segments


def words(row: SectionRow) -> str:
    """What the filter looks through."""
    return " ".join(cell.text for cell in row.cells).casefold()
