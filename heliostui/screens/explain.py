"""Where a number comes from: the files, what they said, and the arithmetic; and what a thing of the network means.

Imports the protocol and network.explain.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.protocol.messages import Explanation
from engine.protocol.metrics import METRICS, Reading, Source
from heliostui.graphs.words import value_text
from heliostui.network.explain import Told
from widgets.dialog import Dialog

LINES = 40
"""How many lines of a file are shown at most."""


class Explain(Dialog[None]):
    """One metric explained; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,x,enter", "dismiss", "Close", id="explanation.close", tooltip="Close the explanation")
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"explain--path", "explain--muted", "explain--changed", "explain--value"}

    def __init__(self, container: str, explanation: Explanation) -> None:
        super().__init__()
        self._container, self._explanation = container, explanation

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="explain") as dialog:
            dialog.border_title = Content(f"{self._explanation.metric} of {self._container}")
            dialog.border_subtitle = "Escape closes"
            yield Static(id="explain-number")
            for source in self._explanation.sources:
                yield Static(Text(source.path), classes="explain-path")
                yield Static(_readings(source), classes="explain-readings")

    def on_mount(self) -> None:
        told = self._explanation
        muted, strong = self._style("explain--muted"), self._style("explain--value")
        text = Text()
        text.append(_value(told), strong)
        text.append(f"  {told.what}\n\n", muted)
        text.append(f"  {told.formula}\n")
        text.append(f"= {told.arithmetic}", strong)
        self.query_one("#explain-number", Static).update(text)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)


def _value(told: Explanation) -> str:
    """With its unit, which of what is no metric is told with it; of what is no number nothing."""
    if told.value is None:
        return "no value" if told.unit else ""
    return value_text(told.metric, told.value) if told.metric in METRICS else f"{told.value:,.6g} {told.unit}".strip()


class ExplainThing(Dialog[None]):
    """Something explained in sentences; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,x,enter", "dismiss", "Close", id="explanation.close", tooltip="Close the explanation")
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"explain--path", "explain--muted"}

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="explain") as dialog:
            dialog.border_title = Content(self._told.title)
            dialog.border_subtitle = "Escape closes"
            for sentence in self._told.sentences:
                yield Static(sentence, classes="explain-words", markup=False)
            if self._told.commands:
                yield Static("The same can be seen by:", classes="explain-words", id="explain-by")
            for _ in self._told.commands:
                yield Static(classes="explain-command", markup=False)

    def on_mount(self) -> None:
        path, muted = (self.get_component_rich_style(f"explain--{name}", partial=True) for name in ("path", "muted"))
        for widget, command in zip(self.query(".explain-command").results(Static), self._told.commands, strict=True):
            line, mark, words = command.partition("  # ")
            widget.update(Text.assemble((line, path), (f"  {words}" if mark else "", muted)))


def _readings(source: Source) -> Table:
    """Both readings side by side; lines that differ stand out."""
    table = Table.grid(padding=(0, 3, 0, 0))
    before, after = _lines(source.before), _lines(source.after)
    table.add_row(_when(source.before), _when(source.after))
    for number in range(min(max(len(before), len(after)), LINES)):
        old = before[number] if number < len(before) else ""
        new = after[number] if number < len(after) else ""
        look = "bold" if old != new else "dim"
        table.add_row(Text(old, look), Text(new, look))
    return table


def _lines(reading: Reading | None) -> list[str]:
    return reading.raw.expandtabs().splitlines() if reading is not None else []


def _when(reading: Reading | None) -> Text:
    if reading is None:
        return Text("not read", "italic")
    return Text(f"{datetime.fromtimestamp(reading.time).astimezone():%H:%M:%S.%f}"[:-3], "italic")
