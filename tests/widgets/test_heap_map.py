"""The map of a heap as a user meets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from textual import on
from textual.geometry import Region
from textual.pilot import Pilot

from heliostui.themes import DARK
from tests.widgets.conftest import Stage
from tests.widgets.heaps import BASE, KIB, Heap, large, small
from widgets.heap import HeapBlock, HeapPicture
from widgets.heap_layout import MOST_CELLS
from widgets.heap_looks import HEATS, TEXTURES
from widgets.heap_map import FADE, FEW, HeapMapView


class Lesson(Stage):
    """Shows a heap, and answers what the map asks for as a pane does; `answers` False: it is slow."""

    def __init__(self, heap: Heap, view: HeapMapView | None = None, theme: str = DARK.name) -> None:
        self.view = view or HeapMapView()
        super().__init__(self.view, prepare=self._focus, theme=theme)
        self.heap = heap
        self.answers = True

    def _focus(self) -> None:
        self.view.focus()

    @on(HeapMapView.ViewWanted)
    def _wanted(self) -> None:
        if self.answers:
            self.look()

    @on(HeapMapView.FreeListWanted)
    def _listed(self, event: HeapMapView.FreeListWanted) -> None:
        bins = sorted({block.bin for block in self.heap.blocks if block.bin is not None})
        bin = event.bin if event.bin is not None else bins[0]
        place = bins.index(bin) + event.beyond if bin in bins else 0
        self.view.show_trail(self.heap.trail(bins[place % len(bins)]))

    @on(HeapMapView.CursorMoved)
    @on(HeapMapView.Hovered)
    @on(HeapMapView.Chosen)
    def _hear(self, event: Any) -> None:
        self.heard.append(event)

    def look(self) -> None:
        """The engine's next answer."""
        self.view.show(self.heap.picture(self.view.wish))


class Watched(HeapMapView):
    """Remembers what is asked to be drawn again."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Region] = []

    def refresh(self, *regions: Region, **options: Any) -> Any:
        self.asked += regions or [Region(0, 0, *self.size)]
        return super().refresh(*regions, **options)


def texts(view: HeapMapView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def cells(view: HeapMapView) -> list[str]:
    """The rows without addresses."""
    return [text[15:] for text in texts(view)[:-1] if text.startswith("0x")]


def under_cursor(view: HeapMapView) -> HeapBlock:
    assert view.block is not None
    return view.block


async def settled(pilot: Pilot[Any]) -> None:
    """Until what was asked for has come and is drawn."""
    await pilot.pause()
    await pilot.pause()


# --- what is seen ---


async def test_a_segment_has_a_heading_and_rows_with_their_addresses() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        lines = texts(app.view)
        assert lines[0].startswith(f"arena 0x{BASE:012x} · 16 KiB · 69% used · 5.0 KiB free · 40 blocks ──")
        assert [line[:14] for line in lines[1:4]] == [f"0x{BASE + n * KIB:012x}" for n in range(3)]


async def test_the_legend_tells_all_states_in_eighty_columns() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        legend = texts(app.view)[-1]
        for words in ("used", "╱╱ cached", "·· free", "▫▫ free slot", "╳╳ its own", "given back", "16 B a cell"):
            assert words in legend


async def test_states_and_where_blocks_begin_are_told_without_colour() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        heap, (first, *_) = app.heap, cells(app.view)
        assert first.startswith("▎" + TEXTURES["m"] * 15 + "▎")
        free = next(block for block in heap.blocks if block.state == "free")
        column = (free.start - BASE) // 16
        assert first[column : column + 4] == "▎···"


async def test_cells_larger_than_blocks_are_as_high_as_they_are_full() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        arena = cells(app.view)[2]
        assert set(arena) & set("▃▄▅▆▇")


@pytest.mark.parametrize("width", [38, 60, 80, 200])
async def test_every_line_fills_the_width_exactly(width: int) -> None:
    app = Lesson(large())
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        view = app.view
        assert {cell_len(view.render_line(y).text) for y in range(24)} == {view.scrollable_size.width}


async def test_all_of_a_heap_is_seen_at_first() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.view.max_scroll_y == 0
        assert sum(line.startswith(("slabs", "arena", "huge")) for line in texts(app.view)) == 4


# --- what is wished for ---


async def test_the_old_picture_stays_until_the_new_one_has_come() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        before = texts(app.view)
        app.answers = False
        await pilot.press("plus")
        assert texts(app.view) == before
        assert app.view.wish.cell == app.view.cell // 2
        app.look()
        assert texts(app.view) != before


async def test_a_picture_from_before_the_last_zoom_is_not_shown() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.answers = False
        await pilot.press("plus")
        late = app.heap.picture(app.view.wish)
        await pilot.press("plus")
        app.view.show(late)
        assert app.view.cell != late.cell


async def test_what_is_looked_at_stays_where_it_is_when_one_zooms() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        arena = app.heap.segments[1]
        app.view.go_to(arena.address + 300 * KIB)
        for key in ("plus", "plus", "plus", "minus"):
            line = next(y for y, text in enumerate(texts(app.view)) if lit(app.view, y))
            await pilot.press(key)
            await settled(pilot)
            assert abs(next(y for y in range(23) if lit(app.view, y)) - line) <= 1
        assert app.view.cursor == arena.address + 300 * KIB


def lit(view: HeapMapView, y: int) -> bool:
    """Whether the cursor is in that line."""
    style = next(iter(view.render_line(y))).style
    return style is not None and style.color == view.get_component_rich_style("heap--here").color


async def test_zooming_goes_to_single_bytes_and_back_to_all() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        fitting = app.view.cell
        app.view.zoom(4)
        for _ in range(3):
            await pilot.press("equals_sign")
        await settled(pilot)
        assert app.view.cell == 1
        await pilot.press("0")
        await settled(pilot)
        assert app.view.cell == fitting
        for _ in range(4):
            await pilot.press("minus")
        await settled(pilot)
        assert app.view._layout.rows == len(app.heap.segments)


async def test_a_block_can_be_zoomed_to() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.go_to(app.heap.segments[2].address + 1000 * KIB)
        await settled(pilot)
        await pilot.press("Z")
        await settled(pilot)
        block = under_cursor(app.view)
        assert 1 <= block.size / app.view.cell / app.view._layout.columns <= 4


async def test_scrolling_asks_for_the_rows_that_come_in_sight() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.zoom(512)
        for _ in range(4):
            await pilot.press("pagedown")
        await settled(pilot)
        assert not any("┈" in text for text in texts(app.view))
        wish = app.view.wish
        assert wish.first_row > 0
        assert wish.rows >= 2 * 23


async def test_no_more_is_asked_for_than_may_be_on_the_largest_screens() -> None:
    app = Lesson(small())
    async with app.run_test(size=(300, 150)) as pilot:
        await settled(pilot)
        app.view.zoom(1024)
        await settled(pilot)
        wish = app.view.wish
        assert wish.rows >= 149
        assert wish.rows * wish.columns <= MOST_CELLS


async def test_a_segment_that_comes_before_leaves_what_is_looked_at_in_its_line() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.zoom(512)
        app.view.go_to(app.heap.segments[1].address + 3000 * KIB)
        await settled(pilot)
        y = next(y for y in range(23) if lit(app.view, y))
        first = app.heap.segments[0]
        app.heap.segments = (replace(first, address=first.address - first.size), *app.heap.segments)
        app.look()
        await settled(pilot)
        app.look()
        assert lit(app.view, y)
        assert not any("┈" in text for text in texts(app.view))


# --- what changes ---


async def test_nothing_is_drawn_when_nothing_happened() -> None:
    view = Watched()
    app = Lesson(small(), view)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        view.asked.clear()
        app.look()
        await settled(pilot)
        assert view.asked == []
        assert view._fading is None


async def test_only_what_changed_is_drawn_and_it_fades_in_few_frames() -> None:
    view = Watched()
    app = Lesson(small(), view)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        free = next(block for block in app.heap.blocks if block.bin == 12)
        app.heap.take(free.start, 64)
        view.asked.clear()
        app.look()
        assert [region.area for region in view.asked] == [5]  # four that are taken, one where the rest begins
        assert all(region.height == 1 for region in view.asked)
        view.asked.clear()
        frames = 0
        while view._heat:
            view._cool()
            frames += 1
        assert frames == len(HEATS) - 1
        assert frames * FADE <= 0.8
        assert all(region.area <= 5 for region in view.asked)


async def test_a_joined_block_lights_up_whole() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        blocks = app.heap.blocks
        used = next(
            block
            for before, block, after in zip(blocks, blocks[1:], blocks[2:], strict=False)
            if (before.state, block.state, after.state) == ("free", "used", "free")
        )
        joined = app.heap.free(used.start)
        app.look()
        lit_up = {address for address, (kind, _) in app.view._heat.items() if kind == "joined"}
        assert lit_up == set(range(joined.start, joined.start + joined.size, 16))


async def test_when_very_much_changes_nothing_flashes() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.zoom(2048)
        await settled(pilot)
        for block in [block for block in app.heap.blocks if block.state == "used" and block.kind == "slot"]:
            app.heap.blocks[app.heap.at(block.start) or 0] = replace(block, state="free")
        app.look()
        assert len(app.view._heat) > FEW
        assert max(heat for _, heat in app.view._heat.values()) <= 1


# --- the cursor ---


async def test_arrow_keys_go_from_cell_to_cell_over_the_ends_of_rows() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        seen = []
        for key in ("end", "right", "left", "j", "l", "k", "home", "h", "ctrl+end", "l", "ctrl+home"):
            await pilot.press(key)
            seen.append((app.view.cursor or 0) - BASE)
        assert seen == [1008, 1024, 1008, 2032, 2048, 1024, 1024, 1008, 16 * KIB - 16, 16 * KIB - 16, 0]


async def test_the_block_under_the_cursor_is_told_and_its_neighbours_are_too() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        target = app.heap.blocks[5]
        app.view.go_to(target.start + 32)
        await settled(pilot)
        assert under_cursor(app.view).start == target.start
        moved = [event for event in app.heard if isinstance(event, HeapMapView.CursorMoved)][-1]
        assert moved.address == target.start + 32
        assert moved.block is not None
        assert moved.block.start == target.start
        spans = {name: start for name, start, _ in app.view._spans() if name in ("near", "block")}
        assert spans == {"near": app.heap.blocks[6].start, "block": target.start}


async def test_n_goes_from_block_to_block_though_answers_are_slow() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.go_to(app.heap.blocks[3].start)
        await settled(pilot)
        app.answers = False
        for key in "nnnn":
            await pilot.press(key)
        app.answers = True
        app.look()
        await settled(pilot)
        assert under_cursor(app.view).start == app.heap.blocks[7].start
        for key in "NN":
            await pilot.press(key)
            await settled(pilot)
        assert under_cursor(app.view).start == app.heap.blocks[5].start


async def test_brackets_go_from_segment_to_segment() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        seen = []
        for key in [*["right_square_bracket"] * 4, "left_square_bracket"]:
            await pilot.press(key)
            seen.append([each.address for each in app.heap.segments].index(app.view.cursor or 0))
        assert seen == [1, 2, 3, 3, 2]


async def test_f_walks_a_free_list_in_its_order_and_then_the_next_one() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        order = [block.start for block in app.heap.trail(4).blocks]
        app.view.go_to(order[0])
        await settled(pilot)
        seen = [order[0]]
        for _ in order[1:]:
            await pilot.press("f")
            await settled(pilot)
            seen.append(app.view.cursor or 0)
        assert seen == order
        await pilot.press("f")
        await settled(pilot)
        assert under_cursor(app.view).bin == 6
        await pilot.press("F")
        await settled(pilot)
        assert app.view.cursor == order[-1]


async def test_the_trail_numbers_the_blocks_of_a_list_and_says_where_it_ends() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        trail = app.heap.trail(4).blocks
        app.view.go_to(trail[0].start)
        await settled(pilot)
        await settled(pilot)
        for place, block in enumerate(trail):
            row, column = divmod((block.start - BASE) // 16, 64)
            written = cells(app.view)[row][column : column + 4]
            assert written[1] == str(place + 1)
            assert written[2] in ("∅" if block is trail[-1] else "→↘↓↙←↖↑↗")
        dotted = [character for row in cells(app.view) for character in row if "\u2800" < character <= "\u28ff"]
        assert len(dotted) > 10


async def test_the_trail_follows_what_happens_to_the_list() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        trail = app.heap.trail(4).blocks
        app.view.go_to(trail[0].start)
        await settled(pilot)
        app.heap.take(trail[1].start, 256)
        app.look()
        await settled(pilot)
        assert app.view._trail == app.heap.trail(4)


async def test_the_cursor_may_be_sent_somewhere_before_there_is_a_picture() -> None:
    app = Lesson(large())
    target = app.heap.segments[2].address + 64 * KIB
    app.view.go_to(target)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.view.cursor == target
        assert target in under_cursor(app.view)


async def test_a_cursor_whose_segment_is_gone_is_put_where_there_is_one() -> None:
    app = Lesson(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.go_to(app.heap.segments[3].address + KIB)
        app.heap.segments = app.heap.segments[:3]
        app.look()
        await settled(pilot)
        last = app.heap.segments[2]
        assert app.view.cursor == last.address + last.size - 1


async def test_of_another_heap_nothing_is_left() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.view.go_to(app.heap.trail(4).blocks[0].start)
        await settled(pilot)
        app.answers = False
        app.view.forget()
        assert app.view.cursor is None
        assert cells(app.view) == []
        app.heap = large()
        app.look()
        await settled(pilot)
        assert app.view.cursor == app.heap.segments[0].address
        assert not app.view._inks
        assert not app.view._heat


async def test_a_heap_without_segments_is_shown_as_such() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.answers = False
        app.view.show(HeapPicture(64, 64, 0, (), ()))
        await settled(pilot)
        assert app.view.cursor is None
        for key in ("down", "n", "f", "ctrl+down", "plus", "Z", "ctrl+end", "pageup", "enter"):
            await pilot.press(key)


async def test_a_block_that_is_about_to_be_taken_can_be_marked() -> None:
    view = Watched()
    app = Lesson(small(), view)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        view.asked.clear()
        block = next(block for block in app.heap.blocks if block.bin == 4)
        view.mark(block.start, block.size)
        assert [region.area for region in view.asked] == [block.size // 16]
        view.mark(None)
        assert len(view.asked) == 2


# --- the mouse ---


async def test_a_click_puts_the_cursor_there_and_a_double_click_asks_for_bytes() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click(app.view, offset=(15 + 20, 3))
        assert app.view.cursor == BASE + 2 * KIB + 20 * 16
        await pilot.click(app.view, offset=(15 + 20, 3), times=2)
        await pilot.pause()
        assert [event.address for event in app.heard if isinstance(event, HeapMapView.Chosen)] == [app.view.cursor]


async def test_what_the_mouse_is_over_is_told() -> None:
    app = Lesson(small())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.hover(app.view, offset=(15, 1))
        await pilot.hover(app.view, offset=(3, 1))
        await pilot.pause()
        hovered = [event for event in app.heard if isinstance(event, HeapMapView.Hovered)]
        assert (hovered[0].address, hovered[0].size, hovered[0].state) == (BASE, 16, "M")
        assert hovered[-1].address is None


# --- pictures ---


def scenes() -> Iterator[Any]:
    lesson, program = small(), large()
    listed = lesson.trail(4).blocks[1].start
    yield pytest.param(lesson, (80, 24), "helios-dark", listed, [], id="a-free-list")
    yield pytest.param(lesson, (80, 24), "helios-light", listed, [], id="a-free-list-in-the-light")
    yield pytest.param(
        program, (80, 24), "helios-dark", program.segments[1].address - 90 * KIB, ["plus"] * 5, id="slots"
    )
    yield pytest.param(program, (200, 60), "helios-dark", program.segments[2].address + 100 * KIB, [], id="a-program")


@pytest.mark.parametrize(("heap", "size", "theme", "address", "keys"), scenes())
def test_how_it_looks(
    snap_compare: Any, heap: Heap, size: tuple[int, int], theme: str, address: int, keys: list[str]
) -> None:
    app = Lesson(heap, theme=theme)

    async def before(pilot: Pilot[Any]) -> None:
        app.view.go_to(address)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
