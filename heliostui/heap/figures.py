"""The figures of a heap beside its map: as many as there is room for, from the one that was chosen on.

Takes `HeapReport`s of the protocol. Imports words, values and widgets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import chain, pairwise

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from engine.protocol.heap import HeapEvent, HeapMoment, HeapReport
from engine.protocol.messages import HeapBytes
from heliostui.heap import values
from heliostui.heap.words import growth_words, percent, thread_lines, totals_rows
from widgets.curve import Curve
from widgets.graph import Graph, Line, Units, View
from widgets.heap_bars import HeapBars
from widgets.heap_bytes import HeapBytesView
from widgets.heap_log import HeapLog

KEPT = 1_000
"""Events that the log has."""
GRAPH = 8  # lines of the graph of fragmentation
FEWEST = 4  # lines of a figure that is cut off


class Figure(Vertical):
    """A title, and what is below it. `lines`: how many it takes; 0: as many as there are."""

    def __init__(self, title: str, content: Widget, lines: int) -> None:
        super().__init__(content, classes="heap-figure")
        self.title, self.content, self.lines = title, content, lines
        self.border_title = title


class HeapFigures(Vertical):
    """The figures, in an order that turns."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._first = 0
        self._before: HeapReport | None = None
        self._at = 0.0
        self._events: deque[HeapEvent] = deque(maxlen=KEPT)
        self._since = 0.0
        self._totals = Static(markup=False)
        self._graph = Graph(classes="-picked")
        self._sizes, self._slabs, self._lists = HeapBars(), HeapBars(shares=True), HeapBars()
        self._threads = Static(markup=False)
        self.log_view = HeapLog()
        self.bytes_view = HeapBytesView()
        self.figures = (
            Figure("Sums", self._totals, 9),
            Figure("Fragmentation", self._graph, GRAPH),
            Figure("Sizes", self._sizes, 10),
            Figure("Slabs", self._slabs, 10),
            Figure("Free lists", self._lists, 10),
            Figure("Threads", self._threads, 4),
            Figure("Events", self.log_view, 0),
            Figure("Bytes", self.bytes_view, 0),
        )

    def compose(self) -> ComposeResult:
        yield from self.figures

    # --- which are shown ---

    @property
    def shown(self) -> list[str]:
        """The titles of those that are shown, from above."""
        return [figure.title for figure in self.figures if figure.display]

    def turn(self, by: int) -> None:
        """Begin with another one."""
        self._first = (self._first + by) % len(self.figures)
        self._arrange()

    def turn_to(self, title: str) -> None:
        """Begin with this one, unless it is shown."""
        if title not in self.shown:
            self._first = next(place for place, figure in enumerate(self.figures) if figure.title == title)
            self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Share the lines: what is shown has what it needs, the last one and those without an end the rest."""
        room = self.size.height
        order = chain(self.figures[self._first :], self.figures[: self._first])
        taken: list[Figure] = []
        for figure in order:
            needs = (figure.lines or 2 * FEWEST) + 1
            if not taken or needs <= room:
                taken.append(figure)
                room -= needs
            else:
                break
        for figure in self.figures:
            figure.display = figure in taken
        spare = max(0, room)
        growing = [figure for figure in taken if not figure.lines] or taken[-1:]
        for figure in taken:
            lines = (figure.lines or 2 * FEWEST) + 1
            figure.styles.height = "1fr" if figure in growing and spare else min(lines, max(1, self.size.height))
        self.move_child(taken[0], before=0)
        for one, other in pairwise(taken):
            self.move_child(other, after=one)

    # --- what they show ---

    def show(self, report: HeapReport, now: float) -> None:
        """`now`: seconds of a clock, for rates."""
        before = self._before.totals if self._before is not None else None
        self._totals.update(_table(totals_rows(report.totals, before, now - self._at)))
        self._before, self._at = report, now
        self._show_graph(report.history, report.totals.external_fragmentation)
        self._sizes.show(values.histogram(report.histogram))
        self._slabs.show(values.occupancy(report.classes))
        self._lists.show(values.free_lists(report.bins))
        self._threads.update("\n".join(thread_lines(report.threads)) or "No thread keeps anything.")

    def _show_graph(self, history: Sequence[HeapMoment], now: float) -> None:
        curve = Curve((moment.at.timestamp(), moment.external_fragmentation) for moment in history)
        self._graph.show([Line(curve)], Units(percent))
        self._graph.advance(View(curve.last[0] if curve.last is not None else 0.0))
        self._graph.head((f"{percent(now)} outside  ", "graph--title"), (growth_words(history), "graph--muted"))

    def add_events(self, events: Sequence[HeapEvent]) -> None:
        """What has happened since; the oldest are forgotten."""
        if not events:
            return
        if not self._events:
            self._since = events[0].time
        known = self._events[-1].number if self._events else 0
        self._events.extend(event for event in events if event.number > known)
        self.log_view.show(values.happenings(self._events, self._since))

    @property
    def drawn(self) -> int:
        """Of how many moments the heap's growth is."""
        return len(self._before.history) if self._before is not None else 0

    @property
    def happened(self) -> int:
        """How many events the log has."""
        return len(self._events)

    def show_bytes(self, reply: HeapBytes, *, still: bool) -> None:
        """`still`: the rest of the screen is of an earlier moment."""
        self.figures[-1].border_title = "Bytes, as they are now" if still else "Bytes"
        self.bytes_view.show(values.dump(reply))

    def forget(self) -> None:
        """Another heap is looked at."""
        self._before = None
        self._events.clear()
        self.log_view.show([])


def _table(rows: Sequence[tuple[str, str]]) -> Text:
    width = max((len(name) for name, _ in rows), default=0)
    return Text("\n", no_wrap=True, overflow="ellipsis").join(
        Text.assemble((f"{name:>{width}}  ", "dim"), value) for name, value in rows
    )
