"""All keys, made from the bindings: of the console, and of the widgets that have keys of their own."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid, VerticalScroll
from textual.keys import format_key
from textual.screen import ModalScreen
from textual.widgets import Static

from heliostui.heap.input import OperationInput
from heliostui.heap.operations import Operations
from heliostui.heap.pane import HeapPane
from heliostui.keymap import COMMANDS, TERMINAL_KEYS, Command
from heliostui.network_pane import NetworkPane
from heliostui.screens.network_map import MapScreen
from heliostui.stats_pane import StatsPane
from widgets.copy_mode import COPY_KEYS
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


def spelled(key: str) -> str:
    """A key as people write it: `ctrl+p`, `/`, `delete`."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, {"question_mark": "?", "slash": "/", "colon": ":"}.get(last, format_key(last))])


def _own_keys(*widgets: type) -> list[tuple[str, str]]:
    """Keys and words of the bindings these widgets declare themselves."""
    bindings = [binding for widget in widgets for binding in widget.__dict__.get("BINDINGS", ())]
    return [
        (" ".join(spelled(key) for key in binding.key.split(",")), binding.tooltip or binding.description)
        for binding in bindings
        if isinstance(binding, Binding) and not binding.key.startswith(("up", "down", "left", "right"))
    ]


def sections() -> list[tuple[str, list[tuple[str, str]]]]:
    """Titles, and under each the keys with what they do."""
    from heliostui.screens.heap import HeapScreen
    from heliostui.screens.playground import PlaygroundScreen  # not before it is wanted

    commands = sorted((c for c in COMMANDS if c.keys), key=lambda c: _ORDER.index(c.group))
    made = [(group, _rows(list(members))) for group, members in groupby(commands, key=lambda c: c.group)]
    return [
        *made,
        ("In a terminal that has the keys", list(TERMINAL_KEYS)),
        ("In a terminal, after ctrl+]", _own_keys(TerminalView)),
        ("Copying by keyboard, after v", list(COPY_KEYS)),
        ("In logs and inspect", _own_keys(Searchable, LogView, LineView)),
        ("In the launch chart", _own_keys(Calls)),
        ("In statistics", _own_keys(StatsPane)),
        ("In limits", [("← →", "A step less, a step more"), ("0-9", "Type a new one"), *_own_keys(LimitsTable)]),
        ("In isolation", [("← →", "To the section before, to the next"), *_own_keys(IsolationLines)]),
        ("In network", [("← →", "To the section before, to the next"), *_own_keys(NetworkPane, SectionTable)]),
        ("In the map of networks", [("← → ↑ ↓", "From box to box"), *_own_keys(MapScreen, NetworkMapView)]),
        ("In heaps", [("← → ↑ ↓", "From cell to cell"), *_own_keys(HeapMapView, HeapPane, HeapScreen)]),
        ("In playgrounds", _own_keys(PlaygroundScreen, OperationInput, Operations)),
        ("In the lanes of time", [("left right", "To the event before, to the next"), *_own_keys(SwimLanes)]),
    ]


def _rows(commands: list[Command]) -> list[tuple[str, str]]:
    """Keys and words of commands; those with the same words are one row, from the first key to the last."""
    rows = []
    for words, same in groupby(commands, key=lambda command: command.help):
        alike = list(same)
        keys = [spelled(key) for key in f"{alike[0].keys},{alike[0].also}".split(",") if key]
        last = [spelled(key) for key in f"{alike[-1].keys},{alike[-1].also}".split(",") if key]
        rows.append((" ".join(keys if len(alike) == 1 else map("…".join, zip(keys, last, strict=True))), words))
    return rows


_ORDER = ("Containers", "Selected container", "Networks", "Heaps", "Terminals", "Jobs", "View", "Layout", "Console")


class Help(ModalScreen[None]):
    """The keys in columns; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "Escape closes"
            with ItemGrid(min_column_width=62, stretch_height=False):
                for title, keys in sections():
                    yield _Section(title, keys)


class _Section(Static):
    """One group of keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--title", "help--key"}

    def __init__(self, title: str, keys: list[tuple[str, str]]) -> None:
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
