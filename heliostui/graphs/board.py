"""Charts on the screen: as many as have room, with one cursor in time for all of them, and keys to look at them.

Owns the stream of samples, the charts' widgets and which time they show. Imports link, charts, feed, grid, headings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from engine.protocol.messages import StreamStats
from engine.protocol.metrics import Sample
from heliostui.graphs import headings
from heliostui.graphs.charts import HELD_BACK, Chart, metrics_of, units
from heliostui.graphs.feed import (
    Feed,
    Happened,
    Remembered,
    SamplesArrived,
    Subject,
    bring_events,
    bring_history,
    bring_samples,
)
from heliostui.graphs.grid import Grid, grid
from heliostui.graphs.marks import WATCHED, Happening
from heliostui.link import Link
from widgets.curve import Curve
from widgets.graph import Graph, Line, Mark, View

ZOOMS = (20, 60, 120, 300, 600)  # seconds
QUICK = ZOOMS[0]
"""The picture in which ten samples a second are seen; they are asked for only then."""
MOST_QUICK = 20  # containers that the engine measures ten times a second
MOST = 12  # charts
NOTHING = Curve()
SOON = 0.9  # of the period: one sample may be a little early


class GraphBoard(Container, can_focus=True):
    """Charts of some subjects. `charts`: what there is to show, what matters most first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left", "cursor(-1)", "Cursor", id="graphs.left", key_display="←→", tooltip="Read the values of a moment"
        ),
        Binding("right", "cursor(1)", "Right", id="graphs.right", show=False, tooltip="The moment after"),
        Binding("home", "start", "First", id="graphs.first", show=False, tooltip="The first moment in the picture"),
        Binding("end,escape", "live", "Live", id="graphs.live", key_display="end", tooltip="Back to what happens now"),
        Binding("space", "pause", "Pause", id="graphs.pause", tooltip="Stand still, or go on"),
        Binding(
            "shift+left,pageup",
            "scrub(-1)",
            "Back",
            id="graphs.back",
            key_display="pgup",
            show=False,
            tooltip="Look at the time before",
        ),
        Binding(
            "shift+right,pagedown",
            "scrub(1)",
            "Forward",
            id="graphs.forward",
            key_display="pgdn",
            show=False,
            tooltip="Look at the time after",
        ),
        Binding(
            "plus,equals_sign",
            "zoom(-1)",
            "Time",
            id="graphs.closer",
            key_display="+-",
            tooltip="Show less time: down to 20 seconds, ten values a second",
        ),
        Binding("minus", "zoom(1)", "Farther", id="graphs.farther", show=False, tooltip="Show more: up to ten minutes"),
        Binding(
            "b",
            "fine",
            "Blocks or dots",
            id="graphs.blocks",
            show=False,
            tooltip="Draw with blocks, or finer with dots",
        ),
        Binding("up,k", "current(-1)", "Graph before", id="graphs.before", show=False, tooltip="The graph before"),
        Binding("down,j", "current(1)", "Next graph", id="graphs.next", show=False, tooltip="The next graph"),
        Binding("enter", "enlarge", "Enlarge", id="graphs.enlarge", tooltip="One graph on all the room, or all again"),
    ]

    class Changed(Message):
        """What is looked at, or how, has changed; or the cursor is elsewhere."""

    @dataclass
    class Sampled(Message):
        """A sample of the first subject, no more than one in each period."""

        sample: Sample

    @dataclass
    class Ended(Message):
        """There is nothing more to measure, and why."""

        reason: str

    def __init__(
        self, link: Link, charts: Sequence[Chart], *, more: Sequence[str] | None = (), id: str | None = None
    ) -> None:
        """`more`: metrics that are wanted beside those of the charts; None: all."""
        super().__init__(id=id)
        self.feed = Feed()
        self.subjects: tuple[Subject, ...] = ()
        self.charts: tuple[Chart, ...] = tuple(charts)
        self.seconds = 120
        self.fine = True
        self.large = False
        self._paused_at: float | None = None
        self.end: float | None = None
        self.cursor: float | None = None
        self.current = 0
        self.enlarged = False
        self._link = link
        self._more = more
        self._quick = False
        self._whose: StreamStats | None = None
        self._drawn_at = 0.0
        self._pointed: float | None = None
        self._graphs = [Graph() for _ in range(MOST)]
        self._shown: list[tuple[Graph, Chart]] = []
        self._grid = Grid(1, 1, 1)

    def compose(self) -> ComposeResult:
        for graph in self._graphs:
            graph.display = False
            yield graph

    # --- what is looked at ---

    @property
    def followed(self) -> StreamStats | None:
        """What is measured for it now."""
        return self._whose

    def follow(self, subjects: Sequence[Subject]) -> None:
        """Look at these from now on, with what is remembered of them, by the engine and here."""
        same = tuple(subjects) == self.subjects
        if same and self._whose is not None:
            return
        if [each.id for each in subjects] != [each.id for each in self.subjects]:
            self.end = self.cursor = self._pointed = self._paused_at = None
        self.subjects = tuple(subjects)
        self._show_charts()
        self._stream()
        self._bring_events([each.id for each in subjects])

    def rest(self) -> None:
        """Follow nothing, until `follow`."""
        for group in ("samples", "history", "events"):
            self.workers.cancel_group(self, group)
        self._whose = None

    def show_charts(self, charts: Sequence[Chart]) -> None:
        """Show these, as far as there is room; what they need is measured from now on."""
        if tuple(charts) == self.charts:
            return
        self.charts = tuple(charts)
        self.current = min(self.current, max(0, len(self.charts) - 1))
        self._arrange()
        if self._whose is not None:
            self._stream()

    def _stream(self) -> None:
        living = [each.id for each in self.subjects if each.lives]
        quick = (self._quick or self.seconds == QUICK) and len(living) <= MOST_QUICK
        needed = sorted({*metrics_of(self.charts), *_NEEDED})
        self.workers.cancel_group(self, "samples")
        self._whose = None
        if living:
            wanted = [] if self._more is None else sorted({*needed, *self._more})
            self._whose = StreamStats(containers=living, period=0.1 if quick else 1.0, metrics=wanted)
            self._bring_samples(self._whose)
        self._bring_history(needed)

    @work(group="samples")
    async def _bring_samples(self, whose: StreamStats) -> None:
        await bring_samples(self._link, whose, self.post_message)

    @work(group="history", exclusive=True)
    async def _bring_history(self, metrics: list[str]) -> None:
        await bring_history(self._link, self.subjects, metrics, self.post_message)

    @work(group="events", exclusive=True)
    async def _bring_events(self, ids: list[str]) -> None:
        await bring_events(self._link, ids, self.post_message)

    @property
    def quick(self) -> bool:
        return self._quick

    @quick.setter
    def quick(self, quick: bool) -> None:
        """Measure ten times a second, however much time is shown."""
        before, self._quick = self._quick, quick
        if before != quick and self._whose is not None:
            self._stream()

    # --- what arrives ---

    @on(SamplesArrived)
    def _arrived(self, event: SamplesArrived) -> None:
        event.stop()
        if event.whose is not self._whose:
            return
        if event.ended:
            self._whose = None
            self.post_message(self.Ended(event.reason))
            return
        for sample in event.samples:
            self.feed.take(sample, event.whose.metrics)
        period = max(event.whose.period, self.app_period if event.whose.period >= 1 else 0.0)
        if self.feed.now - self._drawn_at >= SOON * period:
            first = next((each for each in event.samples if each.container == self.subjects[0].id), None)
            if first is not None and int(self.feed.now) != int(self._drawn_at):
                self.post_message(self.Sampled(first))
            self._drawn_at = self.feed.now
            self._advance()

    @property
    def app_period(self) -> float:
        """Seconds between two changes of the graphs, as the user set them."""
        settings = getattr(self.app, "settings", None)
        return float(settings.graphs_period) if settings is not None else 1.0

    @on(Remembered)
    def _remembered(self, event: Remembered) -> None:
        event.stop()
        self.feed.fill(event.container, event.series)
        if event.container in {each.id for each in self.subjects}:
            self._show_charts()
            self.post_message(self.Changed())

    @on(Happened)
    def _happened(self, event: Happened) -> None:
        event.stop()
        self.feed.happened(event.event)
        if event.event.container in {each.id for each in self.subjects}:
            self._look()

    # --- the charts ---

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Choose how many have room; the current one is among them."""
        size = self.content_size
        if not size:
            return
        count = 1 if self.enlarged else len(self.charts)
        self._grid = grid(size.width, size.height, max(1, min(count, MOST)), large=self.large)
        first = min(max(0, self.current - self._grid.charts + 1), max(0, len(self.charts) - self._grid.charts))
        if self.enlarged:
            first = self.current
        chosen = self.charts[first : first + self._grid.charts]
        self._shown = list(zip(self._graphs, chosen, strict=False))
        self.styles.grid_size_columns, self.styles.grid_size_rows = self._grid.columns, self._grid.rows
        for number, graph in enumerate(self._graphs):
            graph.display = number < len(chosen)
            graph.styles.column_span = self._grid.first_span if number == 0 else 1
        self._show_charts()
        self.post_message(self.Changed())

    @property
    def shown(self) -> list[tuple[Graph, Chart]]:
        """The graphs on the screen."""
        return self._shown

    def _show_charts(self) -> None:
        for graph, chart in self._shown:
            graph.set_classes(chart.look)
            only = self.subjects[0] if len(self.subjects) == 1 else None
            held = self.feed.curve(only.id, HELD_BACK) if only and HELD_BACK in chart.metrics else None
            graph.show(self._lines(chart), units(chart), held=held)
        self._advance()

    def _lines(self, chart: Chart) -> list[Line]:
        """One subject: a line for each part; several: one for each of them."""
        if len(self.subjects) == 1:
            id = self.subjects[0].id
            limit = self.feed.curve(id, chart.limit) if chart.limit else None
            return [
                Line(self.feed.curve(id, part), style(number), limit if not number else None)
                for number, part in enumerate(chart.parts)
            ]
        return [
            Line(
                self.feed.joint(each.id, chart),
                style(number),
                self.feed.curve(each.id, chart.limit) if chart.limit else None,
            )
            for number, each in enumerate(self.subjects)
        ]

    def _advance(self) -> None:
        """Draw what is new, as far as it is in the time that is shown."""
        for graph, chart in self._shown:
            graph.advance(self.view, self._marks(chart))
            graph.cursor = self.looked_at
        self._head()

    @property
    def now(self) -> float:
        """The last moment that is shown, when one does not look back."""
        return self.feed.now if self._paused_at is None else self._paused_at

    @property
    def view(self) -> View:
        return View(self.now, self.end, self.seconds, self.fine, self.large)

    def _marks(self, chart: Chart) -> list[Mark]:
        group = chart.parts[0].partition(".")[0]
        until = self.now if self.end is None else self.end
        marks = []
        for number, each in enumerate(self.subjects):
            for happening in self.feed.happenings(each.id, until - 1.25 * self.seconds, until):
                if happening.metric in ("", group):
                    mark = happening.mark()
                    several = len(self.subjects) > 1
                    marks.append(Mark(mark.time, mark.text, mark.glyph, style(number)) if several else mark)
        return marks

    def _head(self) -> None:
        if not self.subjects:
            return
        for graph, chart in self._shown:
            current = self.has_focus and len(self.charts) > 1 and self.charts[self.current] is chart
            pointed = self.looked_at
            time = pointed if pointed is not None else self.now if self.end is None else self.end
            told = headings.heading(self.feed, self.subjects, chart, time, pointed=pointed is not None, current=current)
            graph.head(*told.parts, big=told.big)

    # --- the moment that is looked at ---

    @property
    def looked_at(self) -> float | None:
        """The time under the mouse, or under the cursor."""
        return self._pointed if self._pointed is not None else self.cursor

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    @property
    def live(self) -> bool:
        return not self.paused and self.end is None

    def around(self) -> list[tuple[Subject, Happening]]:
        """What happened at the time under the cursor."""
        time = self.looked_at
        if time is None or not self._shown:
            return []
        near = max(0.6, 0.75 * self._shown[0][0].cell_seconds)
        return [
            (each, happening)
            for each in self.subjects
            for happening in self.feed.happenings(each.id, time - near, time + near)
        ]

    def latest(self) -> list[tuple[Subject, Happening]]:
        """What happened last in the picture."""
        since = self.now - self.seconds
        found = [(each, happening) for each in self.subjects for happening in self.feed.happenings(each.id, since)]
        return sorted(found, key=lambda one: -one[1].time)[:2]

    @on(Graph.Pointed)
    def _mouse(self, event: Graph.Pointed) -> None:
        event.stop()
        place = next((n for n, (graph, _) in enumerate(self._shown) if graph is event.graph), None)
        if place is None:
            return
        if event.pressed:
            self.focus()
            self.cursor, self._pointed = event.moment, None
            self.current = self.charts.index(self._shown[place][1])
        else:
            self._pointed = event.moment
        self._look()

    def _look(self) -> None:
        """Another time, or another moment of it."""
        self._advance()
        self.post_message(self.Changed())

    def action_cursor(self, by: int) -> None:
        """By one cell; beyond the edge of the picture it moves on."""
        if not self._shown:
            return
        graph = self._shown[0][0]
        start, end = graph.span
        self._pointed = None
        if self.cursor is None:
            self.cursor = min(self.now, end) - graph.cell_seconds / 2
        else:
            self.cursor += by * graph.cell_seconds
        if self.cursor >= self.now:
            self.cursor = None
        elif self.cursor < start:
            self.action_scrub(-1)
        elif self.cursor >= end and self.end is not None:
            self.action_scrub(1)
        self._look()

    def action_start(self) -> None:
        if self._shown:
            self._pointed = None
            self.cursor = max(self._shown[0][0].span[0], self.feed.first(each.id for each in self.subjects)) + 0.01
            self._look()

    def action_live(self) -> None:
        """What happens now, without a cursor."""
        self.cursor = self._pointed = self.end = self._paused_at = None
        self._look()

    def action_pause(self) -> None:
        if self.live:
            self._paused_at = self.feed.now
        else:
            self.end = self._paused_at = None
        self._look()

    def action_scrub(self, by: int) -> None:
        """Half a picture back or forward, as far as there is something."""
        end = (self.now if self.end is None else self.end) + by * self.seconds / 2
        first = self.feed.first(each.id for each in self.subjects)
        self.end = None if end >= self.now else max(end, min(first + self.seconds * 3 / 4, self.now))
        self._look()

    # --- how ---

    def action_zoom(self, by: int) -> None:
        """Show more or less time."""
        before = self.seconds
        self.seconds = ZOOMS[min(max(ZOOMS.index(self.seconds) + by, 0), len(ZOOMS) - 1)]
        if before == self.seconds:
            return
        if self._whose is not None and QUICK in (before, self.seconds):
            self._stream()
        self._look()

    def go(self, seconds: float, cursor: float | None, end: float | None) -> None:
        """Look at this time, with this moment under the cursor; `end` is None for now."""
        if seconds in ZOOMS:
            self.action_zoom(ZOOMS.index(int(seconds)) - ZOOMS.index(self.seconds))
        self.cursor, self.end, self._pointed, self._paused_at = cursor, end, None, None
        self._look()

    def action_fine(self) -> None:
        self.fine = not self.fine
        self._look()

    def action_current(self, by: int) -> None:
        self.select(self.current + by)

    def select(self, place: int) -> None:
        """Make one of the charts the current one."""
        self.current = min(max(place, 0), len(self.charts) - 1)
        if self.charts[self.current] not in [chart for _, chart in self._shown] or self.enlarged:
            self._arrange()
        self._look()

    def action_enlarge(self) -> None:
        self.enlarged = not self.enlarged
        self._arrange()

    def set_large(self, large: bool) -> None:
        """Few charts in blocks, with large digits; or as many as there is room for."""
        if large != self.large:
            self.large, self.fine = large, not large
            self._arrange()

    def on_focus(self) -> None:
        self._head()

    def on_blur(self) -> None:
        self._head()


def style(number: int) -> str:
    """The component class of a line's colour."""
    return f"graph--line-{number % 8}"


_NEEDED = ("cpu", *WATCHED)
"""What marks are made of."""
