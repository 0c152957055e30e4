"""What the console makes of text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.text import coloured, command_line, fit, lasting, nanoseconds, plain

ESCAPED = st.lists(
    st.one_of(
        st.text(max_size=5), st.sampled_from(["\x1b[1;31m", "\x1b[0m", "\x1b[K", "\x1b[?25l", "\x1b]0;t\x07", "\r"])
    )
).map("".join)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me"])), st.integers(0, 40), st.booleans())
def test_fitted_text_has_exactly_the_cells_it_was_given(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


def test_text_can_not_break_out_of_its_cell() -> None:
    assert fit("a\nb\x1b[2J", 10).isprintable()
    assert command_line(["sh", "-c", "one\ntwo\tthree"]) == "sh -c 'one two three'"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (185, "3m 05s"), (7_980, "2h 13m"), (367_200, "4d 6h"), (-3, "0s")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_345, "12.3 µs"),
        (999_600, "1.00 ms"),
        (3_050_000_000, "3.05 s"),
    ],
)
def test_a_time_is_told_in_three_digits(count: int, text: str) -> None:
    assert nanoseconds(count) == text


@given(ESCAPED)
def test_no_control_sequence_reaches_the_screen(line: str) -> None:
    assert plain(line).isprintable() or all(c == "\n" or not c < " " for c in plain(line))
    assert "\x1b" not in coloured(line).plain


@given(ESCAPED)
def test_colours_do_not_change_the_text(line: str) -> None:
    assert coloured(line).plain == plain(line)


def test_the_colours_a_program_asks_for_are_kept() -> None:
    text = coloured("plain \x1b[1;31mred\x1b[0m \x1b[>4;2mnot dim")
    assert text.plain == "plain red not dim"
    assert [(span.start, span.end) for span in text.spans if "bold" in str(span.style)] == [(6, 9)]
    assert "dim" not in " ".join(str(span.style) for span in text.spans)
