"""The dialogs of graphs: which charts are shown and what lies over them, and which of several numbers is explained.

Imports charts and feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, SelectionList
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from heliostui.graphs.charts import CHARTS, Chart
from widgets.dialog import Dialog


class Choice(NamedTuple):
    """Which charts, in the order of the table, and whether the machine lies over what is shown."""

    charts: tuple[Chart, ...]
    machine: bool


class ChooseCharts(Dialog[Choice | None]):
    """Space puts a chart in or takes it out; Enter takes what is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take it", id="charts.take", priority=True, tooltip="Show what is chosen"),
        Binding("escape,q", "dismiss(None)", "Cancel", id="charts.cancel", tooltip="Leave things as they were"),
    ]

    def __init__(self, chosen: Choice) -> None:
        super().__init__()
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog choice", id="choose-charts") as dialog:
            dialog.border_title = "Graphs"
            dialog.border_subtitle = "Space chooses · Enter · Escape cancels"
            yield SelectionList[str](
                *(Selection(chart.title, chart.id, chart in self._chosen.charts) for chart in CHARTS),
                Selection("The machine, laid over it", "", self._chosen.machine),
                compact=True,
            )

    def action_take(self) -> None:
        """At least one chart remains."""
        chosen = self.query_one(SelectionList).selected
        charts = tuple(chart for chart in CHARTS if chart.id in chosen)
        self.dismiss(Choice(charts or self._chosen.charts, "" in chosen))


class Number(NamedTuple):
    """A number that can be explained: whose, and which."""

    container: str
    name: str
    metric: str
    words: str


class ChooseNumber(Dialog[Number | None]):
    """Which of the numbers of a chart is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel", id="numbers.cancel", tooltip="Explain none of them")
    ]

    def __init__(self, numbers: Sequence[Number]) -> None:
        super().__init__()
        self._numbers = numbers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog choice") as dialog:
            dialog.border_title = "Explain which number?"
            dialog.border_subtitle = "Enter · Escape cancels"
            yield OptionList(*(Option(Content(f"{each.name}  {each.words}")) for each in self._numbers), compact=True)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._numbers[event.option_index])
