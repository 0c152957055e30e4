"""What a container uses, live while it is looked at: its main graphs, all numbers, one of them as a graph too.

Imports link, words, the board of graphs and widgets.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.protocol.messages import ContainerSummary
from heliostui.graphs.board import GraphBoard
from heliostui.graphs.charts import BY_ID, Chart, chart_of
from heliostui.graphs.feed import Subject
from heliostui.graphs.looking import QUICK
from heliostui.graphs.words import rows
from heliostui.link import Link
from widgets.metric_list import MetricList
from widgets.noted import Noted

LEAST = 7  # lines of a graph
BOTH = 3 * LEAST  # lines from which on there are graphs above the numbers
WIDE = 132  # columns from which on there are three graphs side by side


class StatsPane(Noted):
    """Graphs above, numbers below. The graphs' keys work here as well, as far as the list does not need them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "plus,equals_sign",
            "board('zoom', -1)",
            "Time",
            id="stats.closer",
            key_display="+-",
            tooltip="Show less time: down to 20 seconds, ten values a second",
        ),
        Binding(
            "minus", "board('zoom', 1)", "Farther", id="stats.farther", show=False, tooltip="Show up to ten minutes"
        ),
        Binding(
            "b",
            "board('fine')",
            "Blocks or dots",
            id="stats.blocks",
            show=False,
            tooltip="Draw the graphs with blocks, or finer with dots",
        ),
        Binding(
            "e", "screen.explain", "Explain", id="stats.explain", show=False, tooltip="Where the number comes from"
        ),
        Binding("space", "board('pause')", "Pause", id="stats.pause", tooltip="Let the graphs stand still, or go on"),
        Binding("pageup", "board('scrub', -1)", "Back", id="stats.back", show=False, tooltip="Look at the time before"),
        Binding(
            "pagedown", "board('scrub', 1)", "Forward", id="stats.forward", show=False, tooltip="Look at the time after"
        ),
        Binding("shift+left", "board('cursor', -1)", "Cursor", id="stats.left", show=False, tooltip="Read a moment"),
        Binding("shift+right", "board('cursor', 1)", "Right", id="stats.right", show=False, tooltip="The next moment"),
    ]

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.board = GraphBoard(link, _charts(None, 2), more=None)
        self.list = MetricList()
        self._first = True

    def compose(self) -> ComposeResult:
        yield self.note
        yield self.board
        yield self.list

    @property
    def metric(self) -> str | None:
        """The metric under the cursor."""
        return self.list.cursor if self.board.followed else None

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Show this container from now on, with what is remembered of it, by the engine and here."""
        self.say("")
        self.board.rest()
        self._first = True
        self.board.follow([Subject(container.id, container.name)])

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.board.rest()
        self.say(why)

    def say(self, why: str) -> None:
        super().say(why)
        self.list.display = not why
        self._arrange()

    @on(GraphBoard.Sampled)
    def _sampled(self, event: GraphBoard.Sampled) -> None:
        event.stop()
        self.list.show(rows(event.sample.values))
        if self._first:
            self._first = False
            self._arrange()
            self.screen.refresh_bindings()

    @on(GraphBoard.Ended)
    def _ended(self, event: GraphBoard.Ended) -> None:
        event.stop()
        self.stop(event.reason)

    @on(GraphBoard.Changed)
    def _changed(self, event: GraphBoard.Changed) -> None:
        event.stop()
        self.post_message(self.Described())

    @on(MetricList.Highlighted)
    def _picked(self, event: MetricList.Highlighted) -> None:
        """The metric under the cursor has a graph of its own."""
        event.stop()
        self._choose()

    # --- which views ---

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The numbers get the room they need, the graphs the rest."""
        height = self.size.height
        self.board.display = height >= LEAST and not self.note.display
        needed = min(self.list.virtual_size.height, height - LEAST) if height >= BOTH else max(0, height - LEAST)
        self.list.styles.height = max(needed, height // 3)
        self._choose()

    def _choose(self) -> None:
        self.board.show_charts(_charts(self.list.cursor, 3 if self.size.width >= WIDE else 2))

    def action_board(self, name: str, *by: int) -> None:
        """A key of the graphs, while the list has the keys."""
        getattr(self.board, f"action_{name}")(*by)

    def description(self) -> str:
        """What the border says."""
        board = self.board
        if board.followed is None:
            return ""
        span = f"{board.seconds} s" if board.seconds < 120 else f"{board.seconds // 60} min"
        state = "" if board.live else "paused · " if board.end is None else "looking back · "
        return f"{state}{span}{', ten times a second' if board.seconds == QUICK else ''} · x explains a number"


def _charts(metric: str | None, count: int) -> list[Chart]:
    """CPU and memory, and the metric that is asked for; where room is short in place of one of them."""
    usual = [BY_ID["cpu"], BY_ID["memory"]]
    if metric is None or metric in BY_ID:
        picked = BY_ID[metric] if metric is not None else usual[0]
    else:
        picked = chart_of(metric)
    if picked in usual:
        return usual
    return [*usual, picked] if count > len(usual) else [usual[picked.parts[0].startswith("memory")], picked]
