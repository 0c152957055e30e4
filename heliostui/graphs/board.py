"""Charts on the screen: as many as have room, live while they are looked at.

Owns the stream of samples and the charts' widgets. Imports link, charts, feed, grid, headings, looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from engine.protocol.messages import StreamStats
from engine.protocol.metrics import Sample
from heliostui.graphs import headings
from heliostui.graphs.charts import HELD_BACK, Chart, metrics_of, units
from heliostui.graphs.feed import (
    Happened,
    Remembered,
    SamplesArrived,
    Subject,
    bring_events,
    bring_history,
    bring_samples,
)
from heliostui.graphs.grid import Grid, grid
from heliostui.graphs.looking import QUICK, Looking
from heliostui.graphs.marks import WATCHED
from heliostui.link import Link
from widgets.curve import Curve
from widgets.graph import Graph, Line, Mark

MOST_QUICK = 20  # containers that the engine measures ten times a second
MOST, LARGE_MOST = 12, 3  # charts, and of those that are to be read from afar
NOTHING = Curve()
SOON = 0.9  # of the period: one sample may be a little early


class GraphBoard(Looking):
    """Charts of some subjects. `charts`: what there is to show, what matters most first."""

    @dataclass
    class Sampled(Message):
        """A sample of the first subject, one a second at most: nobody reads numbers faster."""

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
        self.charts = tuple(charts)
        self.enlarged = False
        self._link = link
        self._more = more
        self._quick = False
        self._whose: StreamStats | None = None
        self._drawn_at = self._told_at = 0.0
        self._graphs = [Graph() for _ in range(MOST)]
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
        self._drawn_at = self._told_at = 0.0
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
            self.post_message(self.Ended(event.reason or "It has ended."))
            return
        for sample in event.samples:
            self.feed.take(sample, event.whose.metrics)
        period = max(event.whose.period, self.app_period if event.whose.period >= 1 else 0.0)
        if self.feed.now - self._drawn_at >= SOON * period:
            first = next((each for each in event.samples if each.container == self.subjects[0].id), None)
            if first is not None and self.feed.now - self._told_at >= SOON:
                self._told_at = self.feed.now
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
        most = LARGE_MOST if self.large else MOST
        count = 1 if self.enlarged else len(self.charts)
        self._grid = grid(size.width, size.height, max(1, min(count, most)), large=self.large)
        first = min(max(0, self.current - self._grid.charts + 1), max(0, len(self.charts) - self._grid.charts))
        if self.enlarged:
            first = self.current
        chosen = self.charts[first : first + self._grid.charts]
        self.shown = list(zip(self._graphs, chosen, strict=False))
        self.styles.grid_size_columns, self.styles.grid_size_rows = self._grid.columns, self._grid.rows
        for number, graph in enumerate(self._graphs):
            graph.display = number < len(chosen)
            graph.styles.column_span = self._grid.first_span if number == 0 else 1
        self._show_charts()
        self.post_message(self.Changed())

    def _show_charts(self) -> None:
        for graph, chart in self.shown:
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
        for graph, chart in self.shown:
            graph.advance(self.view, self._marks(chart))
            graph.cursor = self.looked_at
        self._head()

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
        for graph, chart in self.shown:
            current = self.has_focus and len(self.charts) > 1 and self.charts[self.current] is chart
            pointed = self.looked_at
            time = pointed if pointed is not None else self.now if self.end is None else self.end
            told = headings.heading(self.feed, self.subjects, chart, time, pointed=pointed is not None, current=current)
            graph.head(*told.parts, big=told.big)

    # --- how ---

    def action_current(self, by: int) -> None:
        self.select(self.current + by)

    def select(self, place: int) -> None:
        """Make one of the charts the current one."""
        self.current = min(max(place, 0), len(self.charts) - 1)
        if self.charts[self.current] not in [chart for _, chart in self.shown] or self.enlarged:
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
