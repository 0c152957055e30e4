"""Small questions: a confirmation that names what will be lost, and a prompt for one line. Imports Textual only."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from widgets.dialog import Dialog


class Confirm(Dialog[bool]):
    """Asks before something is lost, and names it. `y` agrees; Escape, `n` and an Enter without looking keep things as
    they are."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False, id="question.yes", tooltip="Do it"),
        Binding("n,escape", "answer(False)", "No", show=False, id="question.no", tooltip="Leave all as it is"),
        Binding("left,right", "app.focus_next", show=False, id="question.other", tooltip="To the other answer"),
    ]

    def __init__(self, question: str, consequence: str, verb: str, keep: str = "Keep") -> None:
        super().__init__()
        self._question, self._consequence, self._verb, self._keep = question, consequence, verb, keep

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog danger") as dialog:
            dialog.border_title = Content(self._question)
            yield Static(self._consequence, classes="dialog-text", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button(f"{self._keep} (n)", id="no", compact=True)
                yield Button(f"{self._verb} (y)", id="yes", variant="error", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Prompt(Dialog[str | None]):
    """Asks for one line; the answer is None when it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="prompt.cancel", tooltip="Leave all as it is"),
    ]

    def __init__(self, title: str, label: str, value: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._title, self._label, self._value, self._placeholder = title, label, value, placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = "Enter · Escape cancels"
            yield Label(self._label, classes="field-label")
            yield Input(self._value, placeholder=self._placeholder, compact=True)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        self.dismiss(None)
