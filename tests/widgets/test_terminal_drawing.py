"""Promises of how a terminal's rows become lines of the screen."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style

from engine.terminal import Terminal
from widgets.terminal_drawing import drawn

TEXTS = ["❤\ufe0f", "👩\u200d👩\u200d👧", "✈\ufe0f", "👍🏽", "🇩🇪", "日本", "क्षि", "e\u0301", "a\u200d日"]


@pytest.mark.parametrize("text", TEXTS)
def test_every_character_is_as_wide_on_the_screen_as_in_the_terminal(text: str) -> None:
    terminal = Terminal(20, 2)
    terminal.feed(f"{text}|".encode())
    strip = drawn(terminal.row(0), Style(), ())
    before = strip.text.partition("|")[0]
    assert (cell_len(before) + 1, 0) == terminal.cursor
