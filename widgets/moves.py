"""The keys by which one goes up and down in anything that has lines: the same ids wherever they mean the same.

The widget has `action_move(by)`, `action_page(by)` and `action_edge(last)`. Imports Textual's bindings only.
"""

from __future__ import annotations

from textual.binding import Binding

UP_AND_DOWN = (
    Binding("up,k", "move(-1)", "Up", show=False, id="table.up", tooltip="To the line above"),
    Binding("down,j", "move(1)", "Down", show=False, id="table.down", tooltip="To the line below"),
)
PAGES = (
    Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up", tooltip="A screen up"),
    Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down", tooltip="A screen down"),
)
EDGES = (
    Binding("home,g", "edge(False)", "First", show=False, id="table.first", tooltip="To the first line"),
    Binding("end,G", "edge(True)", "Last", show=False, id="table.last", tooltip="To the last line"),
)
