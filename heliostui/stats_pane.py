"""What a container uses, live while it is looked at: graphs of CPU and memory, all numbers, one of them as a graph too.

Owns the stream of samples and the curves made of them, ten minutes of which are there at once. Imports link,
metric_words and widgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from engine.protocol.messages import ContainerSummary, StreamStats
from engine.protocol.metrics import METRICS
from heliostui.link import Link
from heliostui.messages import HistoryArrived, StatsArrived
from heliostui.metric_words import LIMIT_OF, in_bytes, rows, scale_text, value_text
from widgets.curve import Curve
from widgets.graph import Graph, Mark
from widgets.metric_list import MetricList

ZOOMS = (20, 60, 120, 300, 600)  # seconds
QUICK = ZOOMS[0]
"""The picture in which ten samples a second are seen; they are asked for only then."""
REMEMBERED = ["cpu", "cpu.limit", "memory", "memory.limit", "memory.oom_kills"]
BESIDE = 120  # columns from which on the selected metric has a graph beside the list
LEAST = 6  # lines of a graph
NUMBERS = 0.9  # seconds between two changes of the numbers, which nobody reads faster


class StatsPane(Vertical):
    """Graphs above, numbers below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "plus,equals_sign", "zoom(-1)", "Time", key_display="+-", tooltip="Show less time; the least of it live"
        ),
        Binding("minus", "zoom(1)", "Farther", show=False, tooltip="Show more time: up to ten minutes"),
        Binding("b", "fine", "Blocks or dots", show=False, tooltip="Draw the graphs with blocks, or finer with dots"),
    ]

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._whose: StreamStats | None = None
        self._of = ""  # the container that the curves are of
        self._curves: dict[str, Curve] = {}
        self._numbers_at = 0.0
        self.seconds = 120
        self.cpu = Graph(classes="-cpu")
        self.memory = Graph(classes="-memory")
        self.picked = Graph(classes="-picked")
        self.list = MetricList()

    def compose(self) -> ComposeResult:
        yield Static(classes="note", markup=False)
        with Horizontal(id="stats-graphs"):
            yield self.cpu
            yield self.memory
        with Container(id="stats-numbers"):
            yield self.list
            yield self.picked

    def on_mount(self) -> None:
        self._say("")

    @property
    def metric(self) -> str | None:
        """The metric under the cursor."""
        return self.list.cursor if self._whose else None

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Show this container from now on, with what is remembered of it, by the engine and here."""
        curves = self._curves if container.id == self._of else {name: Curve() for name in METRICS}
        self.stop()
        self._curves, self._of = curves, container.id
        self._numbers_at = 0.0
        self._show_graphs()
        self._stream(container.id)
        wanted = {*REMEMBERED, *self._picked_metrics()}
        self.run_worker(self._link.history(container.id, sorted(wanted), self.post_message), group="history")

    def _stream(self, container: str) -> None:
        self._whose = StreamStats(containers=[container], period=0.1 if self.seconds == QUICK else 1.0)
        self.workers.cancel_group(self, "stats")
        self.run_worker(self._link.stats(self._whose, self.post_message), group="stats")

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        for group in ("stats", "history"):
            self.workers.cancel_group(self, group)
        self._whose = None
        self._say(why)

    def _say(self, why: str) -> None:
        note = self.query_one(".note", Static)
        note.update(why)
        note.display = bool(why)
        self.query_one("#stats-graphs").display = not why
        self.query_one("#stats-numbers").display = not why

    # --- what arrives ---

    @on(StatsArrived)
    def _arrived(self, event: StatsArrived) -> None:
        event.stop()
        if event.whose != self._whose:
            return
        if event.sample is None:
            self.stop(event.reason or "It has ended.")
            return
        time, values = event.sample.time, event.sample.values
        for name, curve in self._curves.items():
            curve.add(time, values.get(name))
        first = self._numbers_at == 0.0
        if time - self._numbers_at >= NUMBERS:
            self._numbers_at = time
            self.list.show(rows(values))
            self._head(values)
        self._advance()
        if first:
            self._arrange()
            self.screen.refresh_bindings()

    @on(HistoryArrived)
    def _remembered(self, event: HistoryArrived) -> None:
        event.stop()
        if self._whose is None or event.container != self._whose.containers[0]:
            return
        for series in event.series:
            times = (series.start + n * series.step for n in range(len(series.values)))
            self._curves[series.metric].fill(zip(times, series.values, strict=True))
        self._show_graphs()
        self._advance()

    def _advance(self) -> None:
        self.cpu.advance(self._marks("cpu.limit"))
        self.memory.advance([*self._marks("memory.limit"), *self._kills()])
        if self.picked.display:
            limit = LIMIT_OF.get(self.list.cursor or "")
            self.picked.advance(self._marks(limit) if limit else ())

    def _marks(self, limit: str) -> list[Mark]:
        """Changes of a limit."""
        steps = self._curves[limit].steps(0)
        return [Mark(time, "none" if new is None else scale_text(limit)(new)) for time, _, new in steps]

    def _kills(self) -> list[Mark]:
        steps = self._curves["memory.oom_kills"].steps(0)
        return [
            Mark(time, "killed", "graph--kill") for time, old, new in steps if old is not None and new and new > old
        ]

    # --- the graphs ---

    def _show_graphs(self) -> None:
        for graph, metric in ((self.cpu, "cpu"), (self.memory, "memory")):
            self._show(graph, metric)
        self._show_picked()

    def _show(self, graph: Graph, metric: str) -> None:
        limit = self._curves[LIMIT_OF[metric]] if metric in LIMIT_OF else Curve()
        graph.show(self._curves[metric], limit, tell=scale_text(metric), binary=in_bytes(metric))

    def _head(self, values: Mapping[str, float]) -> None:
        cpu, held = values.get("cpu"), values.get("cpu.throttled", 0.0)
        parts = [("CPU  ", "graph--title"), (_value("cpu", cpu), "graph--text")]
        if held > 0.005:
            parts.append((f"  {held:.2f} held back", "graph--limit"))
        self.cpu.head(*parts, *_limit("cpu.limit", values))
        self.memory.head(
            ("Memory  ", "graph--title"),
            (_value("memory", values.get("memory")), "graph--text"),
            *_limit("memory.limit", values),
        )
        self._head_picked(values)

    def _head_picked(self, values: Mapping[str, float]) -> None:
        metric = self.list.cursor
        if metric is not None:
            about = METRICS[metric].what
            self.picked.head((f"{_value(metric, values.get(metric))}  ", "graph--title"), (about, "graph--muted"))

    def _picked_metrics(self) -> list[str]:
        metric = self.list.cursor
        return [name for name in (metric, LIMIT_OF.get(metric or "")) if name] if self.picked.display else []

    @on(MetricList.Highlighted)
    def _picked(self, event: MetricList.Highlighted) -> None:
        event.stop()
        self._show_picked()
        metrics = self._picked_metrics()
        if self._whose is not None and metrics:
            fetch = self._link.history(self._whose.containers[0], metrics, self.post_message)
            self.run_worker(fetch, group="history")

    def _show_picked(self) -> None:
        metric = self.list.cursor
        if metric is None or not self._curves:
            return
        self._show(self.picked, metric)
        last = {name: curve.last[1] for name, curve in self._curves.items() if curve.last}
        self._head_picked({name: value for name, value in last.items() if value is not None})

    # --- keys, and which views ---

    def action_zoom(self, by: int) -> None:
        """Show more or less time."""
        before = self.seconds
        self.seconds = ZOOMS[min(max(ZOOMS.index(self.seconds) + by, 0), len(ZOOMS) - 1)]
        for graph in (self.cpu, self.memory, self.picked):
            graph.seconds = self.seconds
        if self._whose is not None and QUICK in (before, self.seconds) and before != self.seconds:
            self._stream(self._whose.containers[0])
        self.post_message(self.Described())

    def action_fine(self) -> None:
        for graph in (self.cpu, self.memory, self.picked):
            graph.fine = not graph.fine

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The numbers get the room they need, the graphs the rest: the third has its place beside them or below."""
        width, height = self.size
        beside = width >= BESIDE
        self.set_class(not beside, "-below")
        needed = self.list.virtual_size.height + 1
        spare = height - needed
        below = not beside and spare >= 2 * LEAST
        self.picked.display = beside or below
        graphs, numbers = self.query_one("#stats-graphs"), self.query_one("#stats-numbers")
        if height < LEAST + 3:
            graphs.styles.height, numbers.styles.height = height, 0
        elif below:
            graphs.styles.height, numbers.styles.height = spare * 3 // 5, "1fr"
            self.list.styles.height = needed
        else:
            graphs.styles.height, numbers.styles.height = max(LEAST, height // 2, spare), "1fr"
            self.list.styles.height = "1fr"

    def description(self) -> str:
        """What the border says."""
        if self._whose is None:
            return ""
        span = f"{self.seconds} s" if self.seconds < 120 else f"{self.seconds // 60} min"
        return f"{span}{', ten times a second' if self.seconds == QUICK else ''} · x explains a number"


def _value(metric: str, value: float | None) -> str:
    return "–" if value is None else value_text(metric, value)


def _limit(metric: str, values: Mapping[str, float]) -> list[tuple[str, str]]:
    value = values.get(metric)
    return [("  no limit" if value is None else f"  of {value_text(metric, value)}", "graph--muted")]
