"""All keys, made from the bindings: of the console, and of the widgets that have keys of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from heliostui.graphs.looking import Looking
from heliostui.graphs.pane import GraphsPane
from heliostui.graphs.tab import StatsPane
from heliostui.heap.input import OperationInput
from heliostui.heap.operations import Operations
from heliostui.heap.pane import HeapPane
from heliostui.keymap import COMMANDS, TERMINAL_KEYS, Command
from heliostui.keymap.live import Rows, by_id, declared, here, keys_of, own_keys
from heliostui.network.pane import NetworkPane
from heliostui.screens.network_map import MapScreen
from widgets.copy_mode import COPY_KEYS
from widgets.dialog import Dialog
from widgets.heap_map import HeapMapView
from widgets.isolation_view import IsolationLines
from widgets.launch_chart import Calls
from widgets.limits_table import LimitsTable
from widgets.line_view import LineView
from widgets.log_view import LogView
from widgets.network_map import NetworkMapView
from widgets.searchable import Searchable
from widgets.section_table import SectionTable
from widgets.swim_lanes import SwimLanes
from widgets.terminal import TerminalView

Section = tuple[str, Rows]


def sections(own: Mapping[str, Sequence[str]] | None = None) -> list[Section]:
    """Titles, and under each the keys with what they do. `own`: the user's own keys."""
    from heliostui.screens.heap import HeapScreen
    from heliostui.screens.playground import PlaygroundScreen  # not before it is wanted
    from heliostui.screens.receipt import ReceiptScreen
    from heliostui.screens.receipts import ReceiptsScreen

    own = own or {}
    keys = by_id(own)
    commands = sorted((c for c in COMMANDS if c.id in keys), key=lambda c: _ORDER.index(c.group))
    made = [(group, _rows(list(members), keys)) for group, members in groupby(commands, key=lambda c: c.group)]

    def _own_keys(*widgets: type) -> Rows:
        return declared(own, *widgets)

    return [
        *made,
        ("In a terminal that has the keys", list(TERMINAL_KEYS)),
        ("In a terminal, after ctrl+]", _own_keys(TerminalView)),
        ("Copying by keyboard, after v", list(COPY_KEYS)),
        ("In logs and inspect", _own_keys(Searchable, LogView, LineView)),
        ("In the launch chart", _own_keys(Calls)),
        ("In graphs", _own_keys(GraphsPane, Looking)),
        ("In the numbers beside graphs", _own_keys(StatsPane)),
        ("In limits", [("0-9", "Type a new one"), *_own_keys(LimitsTable)]),
        ("In isolation", [("← →", "To the section before, to the next"), *_own_keys(IsolationLines)]),
        ("In network", [("← →", "To the section before, to the next"), *_own_keys(NetworkPane, SectionTable)]),
        ("In the map of networks", [("← → ↑ ↓", "From box to box"), *_own_keys(MapScreen, NetworkMapView)]),
        ("In heaps", [("← → ↑ ↓", "From cell to cell"), *_own_keys(HeapMapView, HeapPane, HeapScreen)]),
        ("In receipts", _own_keys(ReceiptsScreen)),
        ("In one receipt", _own_keys(ReceiptScreen, Calls)),
        ("In playgrounds", _own_keys(PlaygroundScreen, OperationInput, Operations)),
        ("In the lanes of time", [("left right", "To the event before, to the next"), *_own_keys(SwimLanes)]),
    ]


def _rows(commands: list[Command], keys: Mapping[str, Sequence[str]]) -> Rows:
    """Keys and words of commands; those with the same words are one row, from the first key to the last."""
    rows = []
    for words, same in groupby(commands, key=lambda command: command.help):
        alike = [keys_of(command, keys) for command in same]
        shown = alike[0] if len(alike) == 1 else ["…".join(each) for each in zip(alike[0], alike[-1], strict=False)]
        rows.append((" ".join(shown), words))
    return rows


def sections_here(screen: Screen[Any], title: str = "") -> list[Section]:
    """The keys of what has the focus, called `title`; those of the screen, where it is not the main one."""
    inside, on_screen = here(screen)
    found = [(f"Here: {title}" if title else "Here", inside)] if inside else []
    return found if title else [*found, ("On this screen", on_screen)]


_ORDER = ("Containers", "Selected container", "Networks", "Heaps", "Terminals", "Jobs", "View", "Layout", "Console")


class Help(Dialog[None]):
    """The keys in columns, those of what has the focus first; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "Close", id="help.close", tooltip="Close the help")
    ]

    def __init__(self, here: Sequence[Section] = ()) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "Escape closes"
            with ItemGrid(min_column_width=62, stretch_height=False):
                for title, keys in [*self._here, *sections(own_keys(self.app))]:
                    yield _Section(title, keys)


class _Section(Static):
    """One group of keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--title", "help--key"}

    def __init__(self, title: str, keys: Rows) -> None:
        super().__init__()
        self._title, self._keys = title, keys

    def render(self) -> Group:
        title = self.get_component_rich_style("help--title", partial=True)
        key_style = self.get_component_rich_style("help--key", partial=True)
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=15, justify="right", style=key_style)
        table.add_column(ratio=1)
        for key, words in self._keys:
            table.add_row(Text(key), Text(words))
        return Group(Text(self._title, title), table)
