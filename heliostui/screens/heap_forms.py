"""Dialogs about heaps: which process is looked at. Imports the protocol and heap.words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.protocol.heap import HeapProcess
from heliostui.heap.words import process_words
from widgets.dialog import Dialog


class ChooseProcess(Dialog[HeapProcess | None]):
    """The processes of a container; those without a heap of ours say why and can't be chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel", id="heap.choose-cancel", tooltip="Choose none of them")
    ]

    def __init__(self, container: str, processes: Sequence[HeapProcess], chosen: HeapProcess | None) -> None:
        super().__init__()
        self._container, self._processes = container, processes
        self._chosen = chosen.host_pid if chosen is not None else 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog choice") as dialog:
            dialog.border_title = Content(f"Processes of {self._container}")
            dialog.border_subtitle = "Enter · Escape cancels"
            yield OptionList(
                *(Option(Content(process_words(each)), disabled=bool(each.reason)) for each in self._processes),
                compact=True,
            )

    def on_mount(self) -> None:
        places = [place for place, each in enumerate(self._processes) if each.host_pid == self._chosen]
        self.query_one(OptionList).highlighted = places[0] if places else 0

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._processes[event.option_index])
