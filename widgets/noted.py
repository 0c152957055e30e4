"""A pane that says in a note why there is nothing to see, in the place of what there is. Imports Textual only."""

from __future__ import annotations

from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static


class Noted(Vertical):
    """Has a note to compose first; each pane hides its own while it says something."""

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.note = Static(classes="note", markup=False)

    def on_mount(self) -> None:
        self.say("")

    def say(self, why: str) -> None:
        """Why there is nothing to see; an empty text where there is something."""
        self.note.update(why)
        self.note.display = bool(why)
