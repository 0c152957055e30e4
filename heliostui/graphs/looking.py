"""Which time graphs show: live, paused or looked back, with one cursor for all of them, and the keys for it.

Imports feed and widgets.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from heliostui.graphs.charts import Chart
from heliostui.graphs.feed import Feed, Subject
from heliostui.graphs.marks import Happening
from widgets.graph import Graph, View

ZOOMS = (20, 60, 120, 300, 600)  # seconds
QUICK = ZOOMS[0]
"""The picture in which ten samples a second are seen; they are asked for only then."""


class Looking(Container, can_focus=True):
    """Base of what shows graphs: `shown` are those on the screen, and `_advance` draws them anew."""

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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.feed = Feed()
        self.subjects: tuple[Subject, ...] = ()
        self.shown: list[tuple[Graph, Chart]] = []
        self.charts: tuple[Chart, ...] = ()
        self.current = 0
        self.seconds = 120
        self.fine = True
        self.large = False
        self.end: float | None = None
        self.cursor: float | None = None
        self._paused_at: float | None = None
        self._pointed: float | None = None

    def _advance(self) -> None:
        raise NotImplementedError

    def _stream(self) -> None:
        """Measure anew, as often as it is shown."""
        raise NotImplementedError

    @property
    def followed(self) -> object:
        """What is measured now, or None."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Back to what happens now only from elsewhere, so that Escape goes on to the screen."""
        return not (action == "live" and self.live and self.cursor is None)

    @property
    def now(self) -> float:
        """The last moment that is shown, when one does not look back."""
        return self.feed.now if self._paused_at is None else self._paused_at

    @property
    def view(self) -> View:
        return View(self.now, self.end, self.seconds, self.fine, self.large)

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
        if time is None or not self.shown:
            return []
        near = max(0.6, 0.75 * self.shown[0][0].cell_seconds)
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
        place = next((n for n, (graph, _) in enumerate(self.shown) if graph is event.graph), None)
        if place is None:
            return
        if event.pressed:
            self.focus()
            self.cursor, self._pointed = event.moment, None
            self.current = self.charts.index(self.shown[place][1])
        else:
            self._pointed = event.moment
        self._look()

    def _look(self) -> None:
        """Another time, or another moment of it."""
        self._advance()
        self.refresh_bindings()
        self.post_message(self.Changed())

    def action_cursor(self, by: int) -> None:
        """By one cell; beyond the edge of the picture it moves on."""
        if not self.shown:
            return
        graph = self.shown[0][0]
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
        if self.shown:
            self._pointed = None
            self.cursor = max(self.shown[0][0].span[0], self.feed.first(each.id for each in self.subjects)) + 0.01
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

    def action_zoom(self, by: int) -> None:
        """Show more or less time."""
        before = self.seconds
        self.seconds = ZOOMS[min(max(ZOOMS.index(self.seconds) + by, 0), len(ZOOMS) - 1)]
        if before == self.seconds:
            return
        if self.followed is not None and QUICK in (before, self.seconds):
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
