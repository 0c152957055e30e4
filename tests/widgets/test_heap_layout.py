"""Where what of a heap is on its map."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.heap import HeapSegment
from widgets.heap_layout import HeapLayout, cells_in, lines_for_rows

UNIT = 4 << 20


@st.composite
def layouts(draw: st.DrawFn) -> tuple[HeapLayout, list[HeapSegment]]:
    segments, address = [], UNIT
    for _ in range(draw(st.integers(1, 12))):
        address += UNIT * draw(st.integers(0, 3))
        size = draw(st.sampled_from([4096, UNIT, 2 * UNIT, 9 * UNIT + 4096]))
        segments.append(HeapSegment(address, "arena", size))
        address += -(-size // UNIT) * UNIT
    segments = draw(st.permutations(segments))
    cell, columns = 1 << draw(st.integers(6, 20)), draw(st.sampled_from([24, 64, 128]))
    return HeapLayout(segments, cell, columns, draw(st.integers(5, 60))), segments


@given(layouts(), st.data())
def test_an_address_is_where_its_row_and_cell_say(
    made: tuple[HeapLayout, list[HeapSegment]], data: st.DataObject
) -> None:
    layout, segments = made
    segment = data.draw(st.sampled_from(segments))
    address = segment.address + data.draw(st.integers(0, segment.size - 1))
    found = layout.find(address)
    assert found is not None
    row, column = found
    assert column < layout.columns
    start = layout.address(row) + column * layout.cell
    assert start <= address < start + layout.cell
    assert start <= layout.last(row)
    assert segments[layout.segment(address) or 0] == segment


@given(layouts())
def test_lines_and_rows_are_counted_alike(made: tuple[HeapLayout, list[HeapSegment]]) -> None:
    layout, segments = made
    lines = range(min(layout.lines, 2000))
    places = [layout.place(line) for line in lines]
    assert all(place is not None for place in places)
    rows = [place.row for place in places if place is not None and place.row is not None]
    assert rows == list(range(len(rows)))
    for line, place in zip(lines, places, strict=True):
        if place is not None and place.row is not None:
            assert layout.line(place.row) == line
            assert segments[place.segment].address <= layout.address(place.row)
    headings = sum(place is not None and place.row is None for place in places)
    if layout.lines == len(places):
        assert headings == (len(segments) if layout.headings else 0)


@given(layouts())
def test_beyond_the_ends_there_is_nothing(made: tuple[HeapLayout, list[HeapSegment]]) -> None:
    layout, segments = made
    assert layout.place(-1) is None
    assert layout.place(layout.lines) is None
    assert layout.find(UNIT - 1) is None
    last = max(segments, key=lambda each: each.address)
    assert layout.find(last.address + last.size) is None
    assert layout.near(last.address + last.size) == last.address + last.size - 1
    assert layout.near(0) == min(each.address for each in segments)


def test_an_empty_heap_has_no_lines() -> None:
    layout = HeapLayout((), 64, 64, 20)
    assert (layout.rows, layout.lines, layout.place(0), layout.find(5), layout.near(5)) == (0, 0, None, None, None)


@pytest.mark.parametrize(
    ("width", "cells", "gutter"), [(80, 64, 15), (79, 64, 15), (76, 64, 10), (40, 24, 15), (200, 128, 15)]
)
def test_rows_begin_at_round_addresses_and_fit(width: int, cells: int, gutter: int) -> None:
    assert cells_in(width) == (cells, gutter)
    assert cells + gutter <= width


@given(st.integers(1, 300), st.integers(5, 80))
def test_what_was_asked_for_so_that_all_fits_does_fit(segments: int, height: int) -> None:
    rows = lines_for_rows(segments, height)
    layout = HeapLayout([HeapSegment(n * UNIT, "arena", UNIT) for n in range(segments)], UNIT // 64, 64, height)
    assert layout.rows > rows or layout.lines <= height
