"""Asks before something is done to containers, and says of each what is lost. Imports losses and Textual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Checkbox, Static

from heliostui.containers.losses import Loss
from widgets.dialog import Dialog
from widgets.text import printable


@dataclass(frozen=True)
class Agreed:
    """It is to be done. `volumes`: with the volumes that have no name."""

    volumes: bool = False


class ConfirmLoss(Dialog[Agreed | None]):
    """Names the containers, what each loses and what stays. What is pressed without looking keeps all as it is."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Yes", show=False, id="confirm.yes", tooltip="Do it"),
        Binding("n,escape", "keep", "No", show=False, id="confirm.no", tooltip="Leave all as it is"),
        Binding("right", "app.focus_next", show=False, id="confirm.next", tooltip="To the other answer"),
        Binding("left", "app.focus_previous", show=False, id="confirm.previous", tooltip="To the answer before"),
    ]

    def __init__(self, question: str, lost: Sequence[Loss], stays: str, verb: str) -> None:
        super().__init__()
        self._question, self._lost, self._stays, self._verb = question, lost, stays, verb
        self._volumes = len(frozenset[str]().union(*(loss.volumes for loss in lost)))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog danger") as dialog:
            dialog.border_title = Content(printable(self._question))
            with VerticalScroll(classes="losses", can_focus=False):
                yield Static(self._table())
            yield Static(self._stays, classes="dialog-text", markup=False)
            if self._volumes and self._verb == "Remove":
                what = "its volume" if self._volumes == 1 else f"the {self._volumes} volumes"
                yield Checkbox(f"Remove {what} without a name, too", id="volumes", compact=True)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel (n)", id="no", compact=True)
                yield Button(f"{self._verb} (y)", id="yes", variant="error", compact=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="bold", max_width=28, no_wrap=True, overflow="ellipsis")
        table.add_column()
        for loss in self._lost:
            table.add_row(Text(printable(loss.name)), Text(printable(loss.words)))
        return table

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_agree()
        else:
            self.action_keep()

    def action_agree(self) -> None:
        volumes = self.query("#volumes")
        self.dismiss(Agreed(bool(volumes) and volumes.first(Checkbox).value))

    def action_keep(self) -> None:
        self.dismiss(None)
