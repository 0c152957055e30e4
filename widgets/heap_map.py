"""The map of a heap: its segments as strips of cells, coloured by what is in them, with a cursor.

Takes `HeapPicture`s of plain values and says by messages which picture it would like next; until that has come it goes
on showing what it has. Draws again only the cells that look different. Imports the modules heap_….
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from widgets.heap import FreeTrail, HeapBlock, HeapPicture, HeapRow, HeapWish
from widgets.heap_changes import changes
from widgets.heap_layout import MOST_CELLS, HeapLayout, cells_in, lines_for_rows
from widgets.heap_lines import Line, differing, heading_line, legend_line, row_line, waiting_line
from widgets.heap_looks import HEATS, LIT, STATES, Cell, Look, Palette
from widgets.heap_trail import Ink, Spot, trail_inks

from .once import after

FADE = 0.2
"""Seconds of each step in which a flash fades: with five pictures a second no more than ten frames."""
FEW, MANY = 80, 300
"""Up to how many changed cells flash and fade, and up to how many flash once; more are change enough."""
WHEEL = 3  # lines


class HeapMapView(ScrollView, can_focus=True):
    """The map. `wish` is what it would show; the pane asks for it as often as it likes, at once on `ViewWanted`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heap--text",
        "heap--muted",
        "heap--address",
        "heap--here",
        "heap--heading",
        "heap--rule",
        "heap--slabs",
        "heap--arena",
        "heap--huge",
        *(f"heap--{name}" for name in STATES.values()),
        *(f"heap--{name}" for name in ("taken", "freed", "joined", "split", "changed")),
        *(name for name, _ in LIT.values()),
        "heap--path",
    }
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "across(-1)", "Left", show=False, id="heap.left", tooltip="To the cell on the left"),
        Binding("right,l", "across(1)", "Right", show=False, id="heap.right", tooltip="To the cell on the right"),
        Binding("up,k", "down(-1)", "Up", show=False, id="heap.up", tooltip="To the row above"),
        Binding("down,j", "down(1)", "Down", show=False, id="heap.down", tooltip="To the row below"),
        Binding(
            "home",
            "row_edge(False)",
            "Start of the row",
            show=False,
            id="heap.row-start",
            tooltip="To the start of the row",
        ),
        Binding(
            "end", "row_edge(True)", "End of the row", show=False, id="heap.row-end", tooltip="To the end of the row"
        ),
        Binding(
            "ctrl+home",
            "edge(False)",
            "Start of the heap",
            show=False,
            id="heap.first",
            tooltip="To the start of the heap",
        ),
        Binding(
            "ctrl+end", "edge(True)", "End of the heap", show=False, id="heap.last", tooltip="To the end of the heap"
        ),
        Binding("pageup", "page(-1)", "Page up", show=False, id="heap.page-up", tooltip="A screen up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="heap.page-down", tooltip="A screen down"),
        Binding(
            "n",
            "block(1)",
            "Next block",
            tooltip="The block after this one in memory; N: the one before",
            id="heap.next-block",
        ),
        Binding(
            "N",
            "block(-1)",
            "Block before",
            show=False,
            id="heap.block-before",
            tooltip="The block before this one in memory",
        ),
        Binding(
            "f",
            "free(1)",
            "Next free",
            tooltip="The next block of the free list; F: the one before",
            id="heap.next-free",
        ),
        Binding(
            "F",
            "free(-1)",
            "Free before",
            show=False,
            id="heap.free-before",
            tooltip="The block before in the free list",
        ),
        Binding(
            "right_square_bracket,ctrl+down",
            "segment(1)",
            "Next segment",
            show=False,
            id="heap.map-segment",
            tooltip="The next segment",
        ),
        Binding(
            "left_square_bracket,ctrl+up",
            "segment(-1)",
            "Segment before",
            show=False,
            id="heap.map-segment-before",
            tooltip="The segment before",
        ),
        Binding(
            "plus,equals_sign",
            "zoom(-1)",
            "Closer",
            key_display="+",
            tooltip="Half as many bytes a cell",
            id="heap.closer",
        ),
        Binding(
            "minus", "zoom(1)", "Farther", key_display="-", tooltip="Twice as many bytes a cell", id="heap.farther"
        ),
        Binding("0", "fit", "All", tooltip="As many bytes a cell as it takes to see the whole heap", id="heap.fit"),
        Binding(
            "Z",
            "zoom_block",
            "Zoom to block",
            show=False,
            tooltip="So close that the block has two rows",
            id="heap.zoom-block",
        ),
        Binding("enter", "choose", "Bytes", show=False, tooltip="The bytes of the block", id="heap.choose"),
    ]

    cursor: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The address that is looked at."""

    @dataclass
    class ViewWanted(Message):
        """Another picture than the one that is shown is wished for: `view.wish`."""

        view: HeapMapView

    @dataclass
    class CursorMoved(Message):
        """The cursor is at another address, or what is there changed. `block`: None while that is not known."""

        view: HeapMapView
        address: int | None
        block: HeapBlock | None

    @dataclass
    class Hovered(Message):
        """The mouse is over a cell of `size` bytes from `address` on; None: no more. `state` and `fill` as of a row."""

        view: HeapMapView
        address: int | None
        size: int = 0
        state: str = " "
        fill: int = 0

    @dataclass
    class FreeListWanted(Message):
        """The free list `bin`, or (`beyond` 1, -1) the one with blocks after or before it; None: the first one. From
        place `skip` on. To be answered by `show_trail`."""

        view: HeapMapView
        bin: int | None
        beyond: Literal[-1, 0, 1] = 0
        skip: int = 0

    @dataclass
    class Chosen(Message):
        """Enter, or a double click: the bytes of what is there."""

        view: HeapMapView
        address: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._picture = HeapPicture(0, 0, 0, (), ())
        self._layout = HeapLayout((), 1, 1, 1)
        self._rows: dict[int, HeapRow] = {}
        self._cell = 0  # as wished; 0: so that all fits
        self._anchor: tuple[int, int] | None = None  # an address, and the line of the view where it is to be
        self._asked: HeapWish | None = None
        self._block: tuple[HeapBlock | None, HeapBlock | None, HeapBlock | None] = (None, None, None)
        self._steps = 0  # blocks to go on by, once the next one is known
        self._trail: FreeTrail | None = None
        self._walking: Literal[-1, 0, 1] = 0  # in the free list, once its blocks are known
        self._marked: tuple[int, int] | None = None
        self._hover: int | None = None
        self._inks: dict[Spot, Ink] = {}
        self._heat: dict[int, tuple[str, int]] = {}  # by the address of a cell
        self._fading: Timer | None = None
        self._palette = Palette(self.get_component_rich_style)
        self._lines: list[Line] = []  # as they are on the screen, from the top of the view
        self._strips: dict[int, Strip] = {}

    # --- what is wished for ---

    @property
    def wish(self) -> HeapWish:
        """The picture that it would show: with rows above and below what is seen, so that there is something to
        scroll to."""
        columns, height = cells_in(self.scrollable_size.width)[0], self._height
        if self._cell == 0:
            rows = lines_for_rows(len(self._picture.segments), height)
            first = self._layout.first_row(self.scroll_offset.y) if self._layout.lines > height else 0
            return HeapWish(columns, rows, 0, first, self.cursor)
        layout, top = self._layout, self.scroll_offset.y
        if (self._cell, columns) != (layout.cell, layout.columns):
            layout = HeapLayout(self._picture.segments, self._cell, columns, height)
            top = self._top(layout)
        rows = min(2 * height, MOST_CELLS // columns)
        first = max(0, layout.first_row(top) - max(0, rows - height) // 2)
        return HeapWish(columns, rows, self._cell, first, self.cursor)

    @property
    def _height(self) -> int:
        """Lines of the map that are seen at once; below them is the legend."""
        return max(1, self.size.height - 1)

    def _top(self, layout: HeapLayout) -> int:
        """Which line comes first so that what is looked at stays where it is."""
        address, y = self._anchor or self._held()
        found = layout.find(address)
        line = layout.line(found[0]) - y if found else 0
        return max(0, min(line, layout.lines - self._height))

    def _held(self) -> tuple[int, int]:
        """An address that is to stay in its line of the view: the cursor's, or where it is not seen the first row's."""
        top = self.scroll_offset.y
        if self.cursor is not None:
            line = self._line_of(self.cursor)
            if line is not None and 0 <= line - top < self._height:
                return self.cursor, line - top
        row = self._layout.first_row(top)
        if row >= self._layout.rows:
            return 0, 0
        return self._layout.address(row), self._layout.line(row) - top

    def _request(self) -> None:
        """Say what is wished for, if it is something else than before."""
        wish = self.wish
        if wish != self._asked and self.size.width:
            self._asked = wish
            self.post_message(self.ViewWanted(self))

    # --- what is shown ---

    @property
    def block(self) -> HeapBlock | None:
        """The block under the cursor, as far as it is known."""
        return self._block[1]

    @property
    def cell(self) -> int:
        """How many bytes a cell stands for now."""
        return self._picture.cell

    def show(self, picture: HeapPicture) -> None:
        """Show this from now on. Cells that differ flash."""
        if self._cell and picture.cell != self._cell and self._picture.cell:
            return  # it was asked for before the last zoom
        if picture == self._picture:
            self._request()
            return
        before = {row.address: row for row in self._rows.values()}
        same_cells = (picture.cell, picture.columns) == (self._picture.cell, self._picture.columns)
        anchor = self._anchor or self._held()
        known, first = self._picture.segments, not self._layout.rows
        self._picture = picture
        self._rows = {picture.first_row + n: row for n, row in enumerate(picture.rows)}
        if same_cells:
            self._changed({n: before[row.address] for n, row in self._rows.items() if row.address in before})
        else:
            self._heat.clear()
        if not same_cells or known != picture.segments or first:
            self._arrange(anchor)
        self._anchor = None
        self._place_cursor()
        if first:
            self._reveal()
        self._update()
        self._request()

    def _arrange(self, anchor: tuple[int, int]) -> None:
        """Where what is changed: what is looked at stays where it is."""
        picture = self._picture
        self._layout = HeapLayout(picture.segments, picture.cell, picture.columns, self._height)
        self.virtual_size = Size(self.scrollable_size.width, self._layout.lines + 1)
        self._anchor = anchor
        self.scroll_to(y=self._top(self._layout), animate=False, force=True, immediate=True)

    def _place_cursor(self) -> None:
        """Take over what the picture says of the cursor, and go on where that was waited for."""
        picture, cursor = self._picture, self.cursor
        if cursor is None or self._layout.find(cursor) is None:
            self.cursor = self._layout.near(cursor or 0)
            return
        if picture.cursor is None:
            self._steps = 0
        elif cursor in picture.cursor:
            told = self._block[1] != picture.cursor
            self._block = (picture.before, picture.cursor, picture.after)
            self._follow_list()
            if self._steps:
                self.action_block(0)
            elif told:
                self.post_message(self.CursorMoved(self, cursor, picture.cursor))

    def _follow_list(self) -> None:
        """The trail is that of the list in which the block under the cursor is."""
        block = self._block[1]
        if block is None or block.bin is None:
            return
        trail = self._trail
        if trail is None or trail.bin != block.bin or block not in trail.blocks:
            skip = max(0, (block.position or 0) - 50)
            self.post_message(self.FreeListWanted(self, block.bin, 0, skip))

    def show_trail(self, trail: FreeTrail | None) -> None:
        """Show the blocks of a free list as a trail, and go on in it if that was asked for."""
        self._trail = trail
        if trail is not None and trail.blocks and self._walking:
            target = trail.blocks[0 if self._walking > 0 else -1]
            self._walking = 0
            self.cursor = target.start
        self._update()

    def mark(self, start: int | None, size: int = 0) -> None:
        """Mark a span, as that of a block that is about to be taken; None: nothing."""
        self._marked = None if start is None else (start, size)
        self._update()

    def forget(self) -> None:
        """Another heap is looked at from now on: show nothing until its first picture comes. The closeness stays."""
        self._picture = HeapPicture(0, 0, 0, (), ())
        self._layout = HeapLayout((), 1, 1, 1)
        self._rows, self._heat = {}, {}
        self._trail = self._marked = self._anchor = self._asked = None
        self._steps, self._walking = 0, 0
        self.cursor = None
        self._update()

    def go_to(self, address: int) -> None:
        """Put the cursor there, in sight."""
        self.cursor = self._layout.near(address) if self._layout.rows else address

    # --- flashes ---

    def _changed(self, before: dict[int, HeapRow]) -> None:
        """What is another than in the rows before flashes; the trail may go elsewhere now."""
        found = changes(before, self._rows)
        if found and self._trail is not None:
            self.post_message(self.FreeListWanted(self, self._trail.bin, 0, self._trail.skip))
        heat = len(HEATS) - 1 if len(found) <= FEW else 1 if len(found) <= MANY else 0
        for (row, column), kind in found.items():
            self._heat[self._rows[row].address + column * self._picture.cell] = (kind, heat)
        if self._heat and self._fading is None:
            self._fading = after(self, FADE, self._cool)

    def _cool(self) -> None:
        """One step less of each flash."""
        self._heat = {address: (kind, heat - 1) for address, (kind, heat) in self._heat.items() if heat > 1}
        self._fading = after(self, FADE, self._cool) if self._heat else None
        self._update()

    # --- reactions ---

    def on_resize(self) -> None:
        self._lines = []
        self._strips.clear()
        if self._picture.cell:
            self._arrange(self._held())
            self._anchor = None
        self._update()
        self._request()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._update()
            self._request()

    def watch_cursor(self, old: int | None, new: int | None) -> None:
        self._anchor = None  # of a zoom that has not come yet: what is looked at is something else now
        before, block, after = self._block
        if new is None or block is None or new not in block:
            if new is not None and after is not None and new in after:
                self._block = (block, after, None)
            elif new is not None and before is not None and new in before:
                self._block = (None, before, block)
            else:
                self._block = (None, None, None)
        self._reveal()
        self._update()
        self._request()
        self.post_message(self.CursorMoved(self, new, self._block[1]))

    def on_focus(self) -> None:
        self._restyle()

    def on_blur(self) -> None:
        self._restyle()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._restyle()

    def _restyle(self) -> None:
        self._palette = Palette(self.get_component_rich_style)
        self._strips.clear()
        self.refresh()

    def _line_of(self, address: int) -> int | None:
        found = self._layout.find(address)
        return self._layout.line(found[0]) if found else None

    def _reveal(self) -> None:
        line = None if self.cursor is None else self._line_of(self.cursor)
        if line is None:
            return
        top, height = self.scroll_offset.y, self._height
        heading = line - 1 if self._layout.headings else line
        wanted = min(max(top, line - height + 1), max(0, heading))
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    # --- keys ---

    def action_across(self, by: int) -> None:
        """To the cell beside, over the ends of rows and of segments."""
        if self.cursor is None:
            return
        found = self._layout.find(self.cursor)
        if found is None:
            return
        address = self._layout.address(found[0]) + (found[1] + by) * self._layout.cell
        segment = self._layout.segment(self.cursor)
        if self._layout.segment(address) == segment:
            self.cursor = address
        elif by > 0 and found[0] + 1 < self._layout.rows:
            self.cursor = self._layout.address(found[0] + 1)
        elif by < 0 and found[0] > 0:
            self.cursor = self._layout.last(found[0] - 1)

    def action_down(self, by: int) -> None:
        """To the same column some rows below, or above."""
        found = None if self.cursor is None else self._layout.find(self.cursor)
        if found is not None:
            row = min(max(found[0] + by, 0), self._layout.rows - 1)
            self.cursor = min(self._layout.address(row) + found[1] * self._layout.cell, self._layout.last(row))

    def action_page(self, by: int) -> None:
        self.action_down(by * max(1, self._height - 2))

    def action_row_edge(self, last: bool) -> None:
        found = None if self.cursor is None else self._layout.find(self.cursor)
        if found is not None:
            self.cursor = self._layout.last(found[0]) if last else self._layout.address(found[0])

    def action_edge(self, last: bool) -> None:
        if self._layout.rows:
            row = self._layout.rows - 1 if last else 0
            self.cursor = self._layout.last(row) if last else self._layout.address(row)

    def action_segment(self, by: int) -> None:
        """To the next segment, or the one before."""
        here = None if self.cursor is None else self._layout.segment(self.cursor)
        beside = None if here is None else self._layout.beside(here, by)
        if beside is not None:
            self.cursor = self._picture.segments[beside].address

    def action_block(self, by: int) -> None:
        """To the next block in memory, or the one before; while that is not known, as soon as it is."""
        self._steps += by
        before, block, after = self._block
        if block is None or not self._steps:
            return
        way = 1 if self._steps > 0 else -1
        beside = after if way > 0 else before
        if beside is not None:
            self._steps -= way
            self.cursor = beside.start
        elif self._picture.cursor == block:  # there is none in this segment
            self._steps = 0
            self._leave_segment(block, way)

    def _leave_segment(self, block: HeapBlock, way: int) -> None:
        here = self._layout.segment(block.start)
        beside = None if here is None else self._layout.beside(here, way)
        if beside is not None:
            segment = self._picture.segments[beside]
            self.cursor = segment.address if way > 0 else segment.address + segment.size - 1

    def action_free(self, way: Literal[-1, 1]) -> None:
        """To the next block of the free list, or the one before; past its end, of the next list."""
        block, trail = self._block[1], self._trail
        if block is None or block.bin is None or block.position is None:
            self._walking = way
            self.post_message(self.FreeListWanted(self, None if trail is None else trail.bin))
            return
        place = block.position + way
        known = {} if trail is None else {trail.skip + n: each for n, each in enumerate(trail.blocks)}
        if trail is not None and trail.bin == block.bin and place in known:
            self.cursor = known[place].start
        elif trail is not None and trail.bin == block.bin and not 0 <= place < trail.count:
            self._walking = way
            self.post_message(self.FreeListWanted(self, block.bin, way))
        else:
            self._walking = way
            self.post_message(self.FreeListWanted(self, block.bin, 0, max(0, place if way > 0 else place - 200)))

    def action_zoom(self, by: int) -> None:
        """Twice as many bytes a cell, or (-1) half as many."""
        self._zoom(by)

    def action_fit(self) -> None:
        self.zoom(0)

    def action_zoom_block(self) -> None:
        """So close that the block has about two rows."""
        block = self._block[1]
        if block is not None:
            self.zoom(1 << max(0, (block.size // (2 * self._layout.columns)).bit_length()))

    def _zoom(self, by: int, y: int | None = None) -> None:
        """As far as to single bytes, and until each segment has one row."""
        cell = self._cell or self._picture.cell
        rows = self._layout.rows > len(self._picture.segments)
        if cell > 1 if by < 0 else rows:
            self.zoom(cell * 2 if by > 0 else cell // 2, y)

    def zoom(self, cell: int, y: int | None = None) -> None:
        """Wish for cells of so many bytes, a power of two; 0: as many as it takes for all to fit. `y`: the line of the
        view that stays where it is."""
        if cell == self._cell or not self._picture.cell:
            return
        address = None if y is None else self._address_at(0, y)
        self._anchor = self._held() if address is None or y is None else (address, y)
        self._cell = cell
        self._request()

    def action_choose(self) -> None:
        if self.cursor is not None:
            self.post_message(self.Chosen(self, self.cursor))

    # --- mouse ---

    def _address_at(self, x: int, y: int) -> int | None:
        """The address of the cell that is at a place of the view."""
        place = self._layout.place(self.scroll_offset.y + y) if y < self._height else None
        if place is None or place.row is None:
            return None
        column = min(max(x - cells_in(self.scrollable_size.width)[1], 0), self._layout.columns - 1)
        return min(self._layout.address(place.row) + column * self._layout.cell, self._layout.last(place.row))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        address = self._address_at(event.x, event.y)
        if address is not None:
            self.cursor = address
            if event.chain == 2:
                self.action_choose()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        inside = event.x >= cells_in(self.scrollable_size.width)[1]
        self._hover_over(self._address_at(event.x, event.y) if inside else None)

    def on_leave(self) -> None:
        self._hover_over(None)

    def _hover_over(self, address: int | None) -> None:
        if address == self._hover:
            return
        self._hover = address
        self._update()
        found = None if address is None else self._layout.find(address)
        row = None if found is None else self._rows.get(found[0])
        if found is None or row is None:
            self.post_message(self.Hovered(self, None))
        else:
            fill = int(row.fills[found[1]].strip() or 0)
            self.post_message(self.Hovered(self, address, self._layout.cell, row.states[found[1]], fill))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        """Scroll, or with ctrl zoom around the line under the mouse."""
        event.stop()
        event.prevent_default()
        if event.ctrl:
            self._zoom(by, event.y)
        else:
            self.scroll_to(y=self.scroll_offset.y + by * WHEEL, animate=False, immediate=True)

    # --- drawing ---

    def _update(self) -> None:
        """Bring the lines up to date, and have drawn what is different."""
        if not self.size.width:
            return
        top = self.scroll_offset.y
        here = (
            self._block[1].position
            if self._block[1] and self._trail and self._block[1].bin == self._trail.bin
            else None
        )
        seen = range(top, top + self._height)
        self._inks = trail_inks(self._trail, self._layout, seen, here) if self._trail else {}
        lines = [self._line(line) for line in seen]
        lines.append(legend_line(self.scrollable_size.width, self._picture.cell, self._picture.columns))
        before, self._lines = self._lines, lines
        if len(before) != len(lines):
            self._strips.clear()
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                spans = differing(old, new)
                self._strips.pop(y, None)
                self.refresh(*(Region(start, y, end - start, 1) for start, end in spans))

    def _line(self, line: int) -> Line:
        width = self.scrollable_size.width
        place = self._layout.place(line)
        if place is None:
            return []
        segment = self._picture.segments[place.segment]
        if place.row is None:
            return heading_line(segment, width)
        gutter = cells_in(width)[1]
        row = self._rows.get(place.row)
        if row is None:
            return waiting_line(gutter, self._layout.columns)
        begins = row.address == segment.address and not self._layout.headings
        cells = row_line(row, gutter, segment.kind if begins else "", odd=place.row % 2 == 1)
        self._light(cells, row, line, gutter)
        return cells

    def _light(self, cells: Line, row: HeapRow, line: int, gutter: int) -> None:
        """Put on the cells of a row what is to be seen besides their state."""
        cell, end = self._layout.cell, row.address + self._layout.stride
        lit: dict[int, str] = {}
        for name, start, size in self._spans():
            if start < end and start + size > row.address:
                first = max(0, (start - row.address) // cell)
                last = min(self._layout.columns, -(-(start + size - row.address) // cell))
                lit.update(dict.fromkeys(range(first, last), name))
        if self.cursor is not None and self._line_of(self.cursor) == line:
            cells[:gutter] = [Cell(each.text, "heap--here") for each in cells[:gutter]]
        touched = set(lit)
        if self._heat:
            touched |= {n for n in range(len(row.states)) if row.address + n * cell in self._heat}
        inks = {column: ink for (at, column), ink in self._inks.items() if at == line} if self._inks else {}
        for column in touched | inks.keys():
            if column >= len(row.states) or row.states[column] == " ":
                continue
            character, look = cells[gutter + column]
            if isinstance(look, Look):
                flash, heat = self._heat.get(row.address + column * cell, ("", 0))
                ink = inks.get(column, (character, ""))
                cells[gutter + column] = Cell(
                    ink[0], look._replace(lit=lit.get(column, ""), flash=flash, heat=heat, ink=ink[1])
                )

    def _spans(self) -> Iterable[tuple[str, int, int]]:
        """What is lit, from address on so many bytes, the most important last."""
        before, block, after = self._block
        for each in (before, after):
            if each is not None:
                yield "near", each.start, each.size
        for each in self._trail.blocks if self._trail else ():
            yield "trail", each.start, each.size
        if self._marked is not None:
            yield "marked", *self._marked
        if block is not None:
            yield "block", block.start, block.size
        if self._hover is not None:
            yield "hover", self._hover, 1
        if self.cursor is not None:
            yield "cursor", self.cursor, 1

    def render_line(self, y: int) -> Strip:
        width, ground = self.scrollable_size.width, self._palette["heap--text"]
        if y >= len(self._lines):
            return Strip.blank(width, ground)
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = Strip(self._segments(self._lines[y], ground)).adjust_cell_length(width, ground)
        return strip

    def _segments(self, line: Line, ground: Style) -> list[Segment]:
        runs = groupby(line, key=lambda cell: cell.look)
        return [Segment("".join(cell.text for cell in run), ground + self._palette[look]) for look, run in runs]
