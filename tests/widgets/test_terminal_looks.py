"""How a terminal looks while it is searched, selected from and pointed at."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from engine.terminal import Terminal
from heliostui.themes import DARK, LIGHT
from widgets.passage import Place
from widgets.selection import select
from widgets.terminal import TerminalView


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
def test_how_reading_looks(snap_compare: Any, stage: Any, theme: str) -> None:
    view = TerminalView()

    async def read(pilot: Pilot[None]) -> None:
        terminal = Terminal(70, 14)
        line = "\x1b[32mstep %d:\x1b[m an \x1b[1;31merror\x1b[m, see https://example.org/%d"
        terminal.feed("\r\n".join(line % (n, n) for n in range(1500)).encode())
        view.terminal = terminal
        view.scroll_back(1204)
        view.search("error")
        first = view.place(0, 0).line
        view.selection = select(terminal, Place(first + 3, 8), Place(first + 5, 20))
        view.hover(Place(first + 8, 40))
        view.focus()
        await pilot.press("ctrl+right_square_bracket", "slash")
        await pilot.pause()

    assert snap_compare(stage(view, theme=theme), terminal_size=(70, 14), run_before=read)
