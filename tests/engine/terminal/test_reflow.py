"""Promises of a resize: lines are wrapped anew, and places stay with their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.terminal import Terminal

from .streams import broad, plain
from .test_terminal import fed, rows

paragraphs = st.lists(st.text("abc 日本e\u0301🎉xyz.", max_size=60).map(str.rstrip), max_size=12)
widths = st.lists(st.integers(2, 40), min_size=1, max_size=5)


def everything(terminal: Terminal) -> str:
    """Scrollback and screen as one text, wrapped lines joined, without what is blank below."""
    last = (terminal.lines - 1, terminal.columns - 1)
    return terminal.text_between((-terminal.scrollback, 0), last).rstrip("\n")


def shows(terminal: Terminal, y: int, x: int) -> bool:
    return terminal.row(y).part(x, x + 1).startswith("⌘")


def test_a_long_line_is_wrapped_anew_and_comes_back() -> None:
    terminal = fed("one two three four\r\n$ ")
    terminal.resize(8, 5)
    assert (rows(terminal), terminal.cursor) == (["one two", "three fo", "ur", "$", ""], (2, 3))
    assert [terminal.row(y).wrapped for y in range(5)] == [True, True, False, False, False]
    terminal.resize(20, 5)
    assert (rows(terminal), terminal.cursor) == (["one two three four", "$", "", "", ""], (2, 1))


def test_what_the_program_broke_stays_broken() -> None:
    terminal = fed("x" * 20 + "\r\nyy")
    terminal.resize(40, 5)
    assert rows(terminal)[:2] == ["x" * 20, "yy"]


def test_a_wide_character_that_did_not_fit_leaves_no_gap() -> None:
    terminal = fed("x" * 19 + "日本", columns=20)
    terminal.resize(40, 5)
    assert rows(terminal)[0] == "x" * 19 + "日本"
    terminal.resize(20, 5)
    assert rows(terminal)[:2] == ["x" * 19, "日本"]


def test_a_pending_wrap_survives() -> None:
    terminal = fed("x" * 20)
    terminal.resize(10, 5)
    terminal.feed(b"y")
    assert rows(terminal)[:3] == ["x" * 10, "x" * 10, "y"]


def test_the_scrollback_is_wrapped_too_and_gives_lines_back_to_a_full_screen() -> None:
    terminal = fed("".join(f"{n} {'x' * 16}\r\n" for n in range(20)) + "$ ")
    before = everything(terminal), terminal.scrolled
    terminal.resize(10, 5)
    assert (everything(terminal), terminal.scrollback) == (before[0], 36)
    terminal.resize(20, 5)
    assert (everything(terminal), terminal.scrolled) == before


def test_a_cleared_screen_stays_at_its_top() -> None:
    terminal = fed("old\r\n" * 20 + "\x1b[H\x1b[2J$ ls")
    terminal.resize(30, 8)
    assert (rows(terminal)[0], terminal.cursor) == ("$ ls", (4, 0))


def test_the_prompt_keeps_its_mark() -> None:
    terminal = fed("out\r\n\x1b]133;A\x07$ a long command line that wraps\r\n\x1b]133;C\x07")
    terminal.resize(10, 8)
    assert [(y, terminal.row(y).prompt, terminal.row(y).output) for y in range(8)][1] == (1, True, False)
    assert sum(terminal.row(y).prompt for y in range(8)) == sum(terminal.row(y).output for y in range(8)) == 1


def test_places_go_with_their_text() -> None:
    terminal = fed("first\r\n" + "y" * 15 + "@" + "y" * 10 + "\r\nlast#")
    (row, column), end = terminal.resize(9, 5, [(1, 15), (3, 4)])
    assert terminal.row(row).text[column] == "@"
    assert end == (terminal.lines - 1, 4)


def test_the_alternate_screen_is_cut_and_the_main_one_wrapped_behind_it() -> None:
    terminal = fed("one two three\r\n$ \x1b[?1049h\x1b[H" + "x" * 20)
    terminal.resize(7, 5)
    assert (rows(terminal)[0], terminal.row(0).wrapped) == ("x" * 7, False)
    terminal.feed(b"\x1b[?1049l")
    assert (rows(terminal)[:3], terminal.cursor) == (["one two", " three", "$"], (2, 2))


@given(paragraphs, widths, st.integers(1, 12))
def test_reflow_there_and_back_keeps_the_text(texts: list[str], sizes: list[int], lines: int) -> None:
    terminal = Terminal(30, 6, history=2_000)
    terminal.feed("\r\n".join(texts).encode())
    before, cursor = everything(terminal), terminal.cursor[0]
    for width in sizes:
        terminal.resize(width, lines)
        assert everything(terminal) == before
    terminal.resize(30, 6)
    assert (everything(terminal), terminal.cursor[0]) == (before, cursor)


@given(st.lists(plain | broad, max_size=8), widths, st.data())
def test_a_place_that_shows_a_character_shows_it_after_any_resize(
    texts: list[str], sizes: list[int], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(texts)))
    terminal = Terminal(20, 6, history=2_000)
    terminal.feed("".join([*texts[:at], "⌘", *texts[at:], "$"]).encode())
    found = [(y, x) for y in range(-terminal.scrollback, 6) for x in range(20) if shows(terminal, y, x)]
    for width in sizes:
        found = terminal.resize(width, 4, found)
        assert [shows(terminal, y, x) for y, x in found] == [True]


@pytest.mark.parametrize("width", [40, 200])
def test_a_full_scrollback_is_wrapped_anew(width: int) -> None:
    terminal = fed("".join(f"{n} {'some words ' * 8}\r\n" for n in range(10_000)), columns=100, history=10_000)
    terminal.resize(width, 24)
    assert terminal.text_between((-terminal.scrollback, 0), (23, width - 1)).splitlines()[-1].endswith("some words")
