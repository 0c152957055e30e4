"""Curves as characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.graph_cells import BLOCKS, BRAILLE, area, dotted, glyph, halved, joined

HEIGHT = st.integers(0, 39)
SPAN = st.none() | st.tuples(HEIGHT, HEIGHT).map(lambda ends: (min(ends), max(ends)))
ROWS = 10


def test_a_cell_is_filled_from_below() -> None:
    assert glyph((0, 0)) == " "
    assert glyph((4, 4)) == "⣿"
    assert glyph((1, 0)) == "⡀"
    assert glyph((4,), BLOCKS) == "▄"
    assert len({glyph((left, right)) for left in range(5) for right in range(5)}) == 25


@given(st.integers(0, 40), st.integers(0, 40))
def test_an_area_has_as_many_dots_as_its_heights(left: int, right: int) -> None:
    column = area((left, right), ROWS, BRAILLE)
    dots = sum((ord(character) - 0x2800).bit_count() for character in column if character != " ")
    assert (len(column), dots) == (ROWS, left + right)


@given(st.none() | HEIGHT, st.none() | HEIGHT)
def test_a_line_goes_from_one_height_to_the_next_without_a_hole_and_not_over_one(
    before: int | None, height: int | None
) -> None:
    span = joined(before, height)
    if height is None:
        assert span is None
    else:
        assert span is not None
        assert height in span
        if before is not None:
            assert min(abs(before - end) for end in span) <= 1


@given(st.lists(st.tuples(SPAN, SPAN), min_size=1, max_size=5))
def test_each_dot_of_a_line_is_drawn_and_the_first_line_lies_over_the_others(
    lines: list[tuple[tuple[int, int] | None, tuple[int, int] | None]],
) -> None:
    column = dotted(lines, ROWS)
    heights = {
        (side, at) for line in lines for side, span in enumerate(line) if span for at in range(span[0], span[1] + 1)
    }
    dots = sum((ord(character) - 0x2800).bit_count() for character, _, _ in column if character != " ")
    assert dots == len(heights)
    for span in lines[0]:
        if span is not None:
            assert column[ROWS - 1 - span[0] // 4][1] == 0


@given(SPAN, SPAN)
def test_half_blocks_keep_two_lines_apart_in_one_cell(
    one: tuple[int, int] | None, other: tuple[int, int] | None
) -> None:
    column = halved([one and (one[0] // 2, one[1] // 2), other and (other[0] // 2, other[1] // 2)], ROWS)
    assert len(column) == ROWS
    for character, owner, ground in column:
        assert (character == " ") == (owner < 0)
        assert ground < 0 or character == "▀"
