"""What is shown instead of a broken layout when the terminal is too small."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from widgets.dialog import Dialog

LEAST = Size(60, 15)
"""The smallest terminal the console is laid out for, in cells."""


class TooSmall(Dialog[None]):
    """Covers everything until the terminal is large enough."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "q", "app.leave", "Leave", id="small.leave", tooltip="Leave the console; containers and terminals go on"
        )
    ]

    def compose(self) -> ComposeResult:
        yield Static(id="too-small")

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.query_one("#too-small", Static).update(
            f"This terminal has {width}x{height} cells; heliostui needs {LEAST.width}x{LEAST.height}. "
            "Make it larger, or press q to leave."
        )
