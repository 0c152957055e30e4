"""The line to type operations of a playground into, with what was typed before on up and down. Imports Textual only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

REMEMBERED = 500  # lines


class OperationInput(Input):
    """Enter does what is typed (`Submitted`), Escape gives the keys back (`Ended`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Do it", tooltip="Do what was typed; several with ; between", id="operation.do"),
        Binding("up", "recall(-1)", "Before", key_display="↑↓", tooltip="What was typed before", id="operation.before"),
        Binding("down", "recall(1)", "After", show=False, id="operation.after", tooltip="What was typed after it"),
        Binding("escape", "leave", "Enough", key_display="esc", tooltip="Give the keys back", id="operation.leave"),
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        line: OperationInput
        value: str

    @dataclass
    class Ended(Message):
        """The keys go elsewhere."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="alloc 200 · free #1 · realloc #2 500 · calloc 10 8 · memalign 4096 100", id=id)
        self.compact, self.select_on_focus = True, False
        self._lines: list[str] = []
        self._at = 0

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key is the line's while one types, but for its own."""
        return key not in ("enter", "escape", "up", "down", "tab", "shift+tab")

    async def action_submit(self) -> None:
        self.post_message(self.Submitted(self, self.value))

    def done(self) -> None:
        """What was typed has been done: it is remembered, and there is room for the next."""
        if self.value.strip() and self._lines[-1:] != [self.value]:
            self._lines = [*self._lines, self.value][-REMEMBERED:]
        self._at = len(self._lines)
        self.value = ""

    def action_recall(self, by: int) -> None:
        if not 0 <= self._at + by <= len(self._lines):
            return
        self._at += by
        self.value = self._lines[self._at] if self._at < len(self._lines) else ""
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        self.post_message(self.Ended())
