"""A line to type words into that something is searched or filtered by. Imports Textual only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class SearchLine(Input):
    """One line, shown only while it is used. Enter keeps what was typed (`Submitted`), Escape does not (`Ended`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Keep", tooltip="Keep what was typed and go on", id="line.keep"),
        Binding("escape", "forget", "Forget", tooltip="Forget what was typed", id="line.forget"),
    ]

    @dataclass
    class Ended(Message):
        """Nothing is to be searched for any more."""

        line: SearchLine

        @property
        def control(self) -> SearchLine:
            return self.line

    def __init__(self, placeholder: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=False, id=id, classes=classes)
        self.display = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key is the line's while one types, but for those that end it."""
        return key not in ("enter", "escape")

    def open(self) -> None:
        """It has the keys at once: `focus` would leave those that are on their way already to what had them before."""
        self.display = True
        self.screen.set_focus(self)

    def action_forget(self) -> None:
        self.value = ""
        self.display = False
        self.post_message(self.Ended(self))
