"""The menu at a row of the list: what is possible now, each with its key. Imports Textual."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from widgets.dialog import Dialog
from widgets.text import printable


class Choice(NamedTuple):
    """One line of the menu. `keys`: those that choose it at once, in Textual's spelling; `shown`: the key as it is
    written; `action`: the screen's; lines of another `group` stand apart."""

    label: str
    keys: Sequence[str]
    shown: str
    action: str
    group: str


class RowMenu(Dialog[str | None]):
    """Answers with an action, or None. `line` is that of the row it belongs to; it stands below it, or above."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,full_stop,left", "cancel", "Close", show=False, id="menu.close", tooltip="Close the menu"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"menu--key"}
    AUTO_FOCUS = "OptionList"

    def __init__(self, title: str, choices: Sequence[Choice], column: int, line: int) -> None:
        super().__init__()
        self._title, self._choices, self._at = title, choices, (column, line)

    def compose(self) -> ComposeResult:
        yield OptionList(id="row-menu", compact=True)

    def on_mount(self) -> None:
        menu = self.query_one(OptionList)
        menu.border_title = Content(printable(self._title))
        menu.border_subtitle = "Enter · Escape"
        width = max(cell_len(choice.label) + cell_len(choice.shown) + 3 for choice in self._choices)
        width = max(width, min(cell_len(self._title), 40), 16)
        key = self.get_component_rich_style("menu--key", partial=True)
        for number, (_, choices) in enumerate(groupby(self._choices, key=lambda choice: choice.group)):
            if number:
                menu.add_option(None)
            for each in choices:
                gap = " " * (width - cell_len(each.label) - cell_len(each.shown))
                menu.add_option(Option(Text.assemble(each.label, gap, (each.shown, key)), id=each.action))
        menu.highlighted = 0
        self._place(menu, width + 4)

    def _place(self, menu: OptionList, width: int) -> None:
        """Below the row where there is room, else above it, else as high as the screen."""
        column, line = self._at
        screen = self.app.size
        groups = len({choice.group for choice in self._choices})
        height = len(self._choices) + groups - 1 + 2
        top = line + 1 if line + 1 + height <= screen.height else max(0, line - height)
        menu.styles.width = width
        menu.styles.height = min(height, screen.height)
        if top + height > screen.height:
            top = 0
        menu.styles.offset = (max(0, min(column, screen.width - width)), top)

    def on_key(self, event: events.Key) -> None:
        chosen = next((choice for choice in self._choices if event.key in choice.keys), None)
        if chosen is not None and event.key != "enter":
            event.stop()
            self.dismiss(chosen.action)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def on_click(self, event: events.Click) -> None:
        """A click beside it closes it."""
        if event.widget is self:
            self.dismiss(None)

    def action_cancel(self) -> None:
        self.dismiss(None)
