"""Tables for people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heliostui.commandline.table import printable, shortened, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("ID", "NAME"), [("1", "calm_crab"), ("1234", "x")]).splitlines() == [
        "ID     NAME",
        "1      calm_crab",
        "1234   x",
    ]


def test_a_wide_character_takes_two_cells() -> None:
    assert table(("A", "B"), [("日本", "x"), ("abcd", "y")]).splitlines()[1:] == ["日本   x", "abcd   y"]


def test_without_rows_the_headings_remain() -> None:
    assert table(("A", "B"), []) == "A   B"


def test_a_container_can_not_steer_the_terminal_through_a_table() -> None:
    assert "\x1b" not in table(("A",), [("\x1b]0;owned\x07",)])
    assert printable("a\x1b[31m\nb") == "a\\x1b[31m\\nb"


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    assert printable(text).isprintable()


@given(st.text(), st.integers(1, 30))
def test_shortened_text_fits_and_tells_that_it_is_cut(text: str, width: int) -> None:
    short = shortened(text, width)
    assert len(short) <= width
    assert short == text or short == text[: width - 1] + "…"
