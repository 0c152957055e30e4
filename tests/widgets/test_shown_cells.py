"""Only what differs is sent, and the terminal shows the same as if all had been."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from engine.terminal import Terminal
from widgets.shown_cells import ShownCells

COLUMNS, LINES = 24, 4
STYLES = [
    None,
    Style.parse("red"),
    Style.parse("bold red on blue"),
    Style.parse("on blue"),
    Style.parse("italic"),
    Style.parse("#102030 on #405060"),
    Style.parse("underline #102030"),
    Style(link="http://localhost/"),
]
TEXTS = st.text(st.sampled_from("ab  é日本x─▁e\u0301"), min_size=1, max_size=COLUMNS)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int, list[Segment]]:
    """What Textual would draw: it ends within its line, and cuts no wide character in two."""
    x = draw(st.integers(0, COLUMNS - 1))
    left, segments = COLUMNS - x, []
    for text in draw(st.lists(TEXTS, min_size=1, max_size=4)):
        text = text.lstrip("\u0301") or "a"
        if cell_len(text) > left:
            text = set_cell_size(text, left)
        if text:
            segments.append(Segment(text, draw(st.sampled_from(STYLES))))
        left -= cell_len(text)
    return x, draw(st.integers(0, LINES - 1)), segments


def plainly(frames: list[list[tuple[int, int, list[Segment]]]]) -> Terminal:
    terminal = Terminal(COLUMNS, LINES)
    for frame in frames:
        for x, y, segments in frame:
            terminal.feed(f"\x1b[{y + 1};{x + 1}H".encode())
            for text, style, _ in segments:
                terminal.feed((style or Style()).render(text).encode())
    return terminal


@settings(max_examples=300)
@given(st.lists(st.lists(spans(), max_size=4), max_size=5))
def test_the_terminal_shows_what_it_would_if_all_were_sent(
    frames: list[list[tuple[int, int, list[Segment]]]],
) -> None:
    blank = [(0, y, [Segment(" " * COLUMNS)]) for y in range(LINES)]
    cells, terminal = ShownCells(), Terminal(COLUMNS, LINES)
    cells.fit(COLUMNS, LINES)
    for frame in [blank, *frames]:
        terminal.feed(cells.draw(frame).encode())
    expected = plainly([blank, *frames])
    for each in (terminal, expected):
        each.feed(b"\x1b[H")
    assert terminal.text() == expected.text()
    assert terminal.redraw() == expected.redraw()


@given(st.lists(spans(), max_size=5))
def test_what_is_there_already_is_not_sent(frame: list[tuple[int, int, list[Segment]]]) -> None:
    cells = ShownCells()
    cells.fit(COLUMNS, LINES)
    apart = [(0, y, segments) for y, (_, _, segments) in enumerate(frame[:LINES])]
    cells.draw(apart)
    assert cells.draw(apart) == ""


@pytest.mark.parametrize("text", ["❤\ufe0f", "👩\u200d👩\u200d👧", "✈\ufe0f\u0301", "a\u200d", "👍🏽"])
def test_what_follows_joined_characters_stands_where_it_is_to(text: str) -> None:
    cells = ShownCells()
    cells.fit(COLUMNS, LINES)
    sent = cells.draw([(0, 0, [Segment(text), Segment("|", STYLES[1])])])
    assert f"\x1b[1;{cell_len(text) + 1}H" in sent  # whatever the terminal takes it to be
    assert cells.draw([(cell_len(text), 0, [Segment("|", STYLES[1])])]) == ""


@given(st.text(st.sampled_from("ab日\u0301\x00\x07\x1b\x7f\x85\x9b\r\n\t[];"), max_size=COLUMNS // 2))
def test_nothing_that_is_shown_is_a_command_to_the_terminal(text: str) -> None:
    cells = ShownCells()
    cells.fit(COLUMNS, LINES)
    cells.draw([(0, 0, [Segment(" " * COLUMNS)])])
    sent = cells.draw([(0, 0, [Segment(text + "|", STYLES[1])]), (0, 1, [Segment("x")])])
    terminal = Terminal(COLUMNS, LINES)
    terminal.feed(sent.encode())
    clean = "".join(character for character in text if unicodedata.category(character) != "Cc")
    assert not re.search("[\x00-\x1a\x1c-\x1f\x7f-\x9f]", sent)
    assert sent.count("\x1b") <= 5
    assert terminal.text().splitlines()[0].rstrip() == clean.lstrip("\u0301") + "|"


def test_one_cell_that_changed_is_one_cell_that_is_sent() -> None:
    cells = ShownCells()
    cells.fit(COLUMNS, LINES)
    cells.draw([(0, 0, [Segment("uptime 17 s", STYLES[1])])])
    assert cells.draw([(0, 0, [Segment("uptime 18 s", STYLES[1])])]) == "\x1b[1;9H\x1b[31m8\x1b[0m"


def test_a_terminal_that_was_written_to_by_others_is_drawn_anew() -> None:
    cells = ShownCells()
    cells.fit(COLUMNS, LINES)
    line = [(0, 0, [Segment("text")])]
    cells.draw(line)
    cells.forget()
    cells.fit(COLUMNS, LINES)
    assert "text" in cells.draw(line)
    cells.fit(COLUMNS + 1, LINES)
    assert "text" in cells.draw(line)
