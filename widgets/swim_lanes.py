"""Swim-lanes: what the processes of a terminal did in the last minute, a lane each, time going to the right.

The picture stands still while bars grow in it, and moves on by a quarter when they reach its end: little is drawn, and
little is sent. The clock runs only while something that happened is in sight. Takes `Jobs` and `Event`s, plain values.
Imports jobs, lanes and text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import floor, inf
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.jobs import Event, Jobs
from widgets.lanes import History, Lane
from widgets.text import fit

ZOOMS = (10, 20, 30, 60)  # seconds
TICK = 1.0  # seconds
RUNNING, STOPPED, EMPTY = "━", "╍", " "
# Each kind of event: its glyph, its word in the legend, its component class. Of those in one cell the last is seen.
KINDS = {
    "fork": ("○", "fork", "lane--born"),
    "setpgid": ("◆", "group", "lane--group"),
    "exec": ("●", "exec", "lane--born"),
    "foreground": ("▲", "terminal", "lane--terminal"),
    "continue": ("►", "cont", "lane--running"),
    "stop": ("■", "stop", "lane--stopped"),
    "exit": ("✗", "exit", "lane--ended"),
}
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
SPREAD = 3
"""How many cells to the right of its time a glyph may stand, so that others at the same time are seen as well."""


@dataclass
class _Picture:
    """Which time is drawn where."""

    start: float
    seconds: int
    gutter: int
    cells: int

    def cell(self, moment: float) -> int:
        """The cell of a time; beyond the edges for what is not in the picture."""
        if moment == -inf:
            return -1
        return min(floor((moment - self.start) * self.cells / self.seconds), self.cells)


class SwimLanes(ScrollView, can_focus=True):
    """The lanes, with a cursor that goes from event to event."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--row",
        "table--cursor-blurred",
        "table--muted",
        "table--heading",
        "job--note",
        "lane--track",
        "lane--running",
        "lane--stopped",
        "lane--born",
        "lane--group",
        "lane--terminal",
        "lane--ended",
        "lane--failed",
        "lane--band",
        "lane--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Event before", show=False, id="lanes.previous", tooltip="To the event before"),
        Binding("right,l", "step(1)", "Next event", show=False, id="lanes.next", tooltip="To the next event"),
        Binding("end,G", "latest", "Latest", show=False, tooltip="Back to what happens now", id="lanes.latest"),
        Binding("up,k", "scroll_up", "Up", show=False, id="lanes.up", tooltip="A line up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="lanes.down", tooltip="A line down"),
        Binding(
            "plus,equals_sign",
            "zoom(-1)",
            "Zoom in",
            show=False,
            key_display="+",
            tooltip="Show less time, larger",
            id="lanes.closer",
        ),
        Binding(
            "minus",
            "zoom(1)",
            "Zoom out",
            show=False,
            key_display="-",
            tooltip="Show more time: up to a minute",
            id="lanes.farther",
        ),
    ]

    seconds: reactive[int | None] = reactive(None, repaint=False, init=False)
    """How much time the width stands for; None: enough for what happened in the last minute."""
    event: reactive[Event | None] = reactive(None, repaint=False, init=False)
    """The event under the cursor; None: the latest."""
    pgid: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The group whose lanes are lit."""

    @dataclass
    class Picked(Message):
        """The cursor went to an event, of this group."""

        lanes: SwimLanes
        pgid: int

        @property
        def control(self) -> SwimLanes:
            return self.lanes

    def __init__(
        self, *, now: Callable[[], float] = time.time, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._ahead = 0.0  # by how much the clock that events are told by is ahead of ours
        self._history = History()
        self._drawn_until = -inf
        self._picture = _Picture(0.0, ZOOMS[-1], 0, 1)
        self._lanes: list[Lane] = []
        self._glyphs: dict[int, dict[int, list[Event]]] = {}
        self._strips: dict[int, Strip] = {}

    # --- what happened ---

    def show(self, jobs: Jobs, events: Iterable[Event]) -> None:
        """Take in a job table, and what happened since the one before."""
        events = sorted(events, key=lambda event: event.time)
        if events:
            self._ahead = max(self._ahead, events[-1].time - self._now())
        self._history.tell(jobs, events, self._time())
        if self.event is not None and self.event not in self._history.events:
            self.event = None
        self._draw()
        self._run_clock()

    def clear(self) -> None:
        """Forget everything: another terminal is to be shown."""
        self._history, self.event = History(), None
        self._draw()

    def _time(self) -> float:
        return self._now() + self._ahead

    # --- the clock ---

    def on_mount(self) -> None:
        self._clock = self.set_interval(TICK, self._tick, pause=True)

    @property
    def _moves(self) -> bool:
        """Whether something happened that is still in sight, so that the time since then is worth drawing."""
        happened = self._history.events
        return bool(happened) and self._time() - happened[-1].time < (self.seconds or ZOOMS[-1])

    def _run_clock(self) -> None:
        if self._moves and self.is_attached and self.is_on_screen:
            self._clock.resume()

    def _tick(self) -> None:
        if self.is_on_screen:
            self._draw(only_time=True)
        if not (self._moves and self.is_on_screen):
            self._clock.pause()

    def on_show(self) -> None:
        self._draw()
        self._run_clock()

    # --- the picture ---

    def _draw(self, *, only_time: bool = False) -> None:
        """Bring the picture up to now. `only_time`: nothing happened since it was last drawn but that time went by."""
        now = self._time()
        picture = self._picture_of(now)
        if only_time and picture == self._picture:
            self._grow(now)
            return
        self._picture, self._drawn_until = picture, now
        self._lanes = self._history.lanes(picture.start) if self._history.shell else []
        self._strips.clear()
        self._place_glyphs()
        size = Size(self.size.width, len(self._lanes) + self.size.height - self._room)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def _picture_of(self, now: float) -> _Picture:
        width = self.size.width
        gutter = 28 if width >= 100 else 22 if width >= 50 else 14
        cells = max(1, width - gutter - 1)
        seconds = self.seconds or self._enough(now)
        step = seconds / 4
        margin = (SPREAD + 1) * seconds / cells  # for glyphs that make room for others
        start = (floor((now + margin) / step) - 3) * step
        return _Picture(start, seconds, gutter, cells)

    def _enough(self, now: float) -> int:
        """The largest scale that holds all that happened in the last minute: three quarters of a picture are past."""
        recent = [event.time for event in self._history.events if now - event.time <= ZOOMS[-1]]
        wanted = (now - recent[0]) * 4 / 3 if recent else ZOOMS[-1]
        return next((seconds for seconds in ZOOMS if seconds >= wanted), ZOOMS[-1])

    def _grow(self, now: float) -> None:
        """Redraw the ends of the bars that grow."""
        before, after = self._picture.cell(self._drawn_until), self._picture.cell(now)
        self._drawn_until = now
        if before == after:
            return
        for place, lane in enumerate(self._lanes):
            y = place + 1 - self.scroll_offset.y
            if lane.alive and 1 <= y <= self._room:
                self._strips.pop(place, None)
                left = self._picture.gutter + before
                self.refresh(Region(left, y, after - before + 1, 1))

    def _place_glyphs(self) -> None:
        """Give each event of each lane a cell: that of its time, or the next free one close by."""
        self._glyphs = {}
        leaders = {lane.pid: place for place, lane in enumerate(self._lanes)}
        foreground = [event for event in self._history.events if event.kind == "foreground"]
        for place, lane in enumerate(self._lanes):
            own = [event for event in foreground if event.pgid in leaders and leaders[event.pgid] == place]
            happened = sorted([*lane.events, *own], key=lambda event: event.time)
            cells = self._glyphs[place] = {}
            taken = -1
            for event in happened:
                wanted = self._picture.cell(event.time)
                free = taken + 1 if wanted <= taken <= wanted + SPREAD - 1 else wanted
                cells.setdefault(free, []).append(event)
                taken = max(taken, free)

    # --- reactions ---

    def watch_seconds(self) -> None:
        self._draw()

    def watch_event(self) -> None:
        self._strips.clear()
        self.refresh()

    def watch_pgid(self) -> None:
        self._strips.clear()
        self.refresh()

    def on_resize(self) -> None:
        self._draw()

    def on_focus(self) -> None:
        self.watch_event()

    def on_blur(self) -> None:
        self.watch_event()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    # --- keys and mouse ---

    def action_step(self, by: int) -> None:
        """Go to the next or the previous event of those in the picture."""
        seen = [event for event in self._history.events if event.time >= self._picture.start]
        if seen:
            here = seen.index(self.event) if self.event in seen else len(seen) - (by > 0)
            self._go_to(seen[min(max(here + by, 0), len(seen) - 1)])

    def _go_to(self, event: Event) -> None:
        self.event = event
        place = next((p for p, cells in self._glyphs.items() if any(event in each for each in cells.values())), None)
        if place is not None:
            top = self.scroll_offset.y
            self.scroll_to(y=min(max(top, place - self._room + 1), place), animate=False)
        self.post_message(self.Picked(self, event.pgid))

    def action_latest(self) -> None:
        self.event = None

    def action_zoom(self, by: int) -> None:
        self.seconds = ZOOMS[min(max(ZOOMS.index(self._picture.seconds) + by, 0), len(ZOOMS) - 1)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = self.scroll_offset.y + event.y - 1
        if not 0 <= place < len(self._lanes) or not event.y:
            return
        cell = event.x - self._picture.gutter
        near = min(self._glyphs.get(place, ()), key=lambda each: abs(each - cell), default=None)
        if near is not None and abs(near - cell) <= 1:
            self._go_to(self._glyphs[place][near][-1])
        else:
            self.post_message(self.Picked(self, self._lanes[place].pgid))

    # --- drawing ---

    @property
    def _legend(self) -> bool:
        return self.size.height >= 8

    @property
    def _room(self) -> int:
        """Lines of lanes between ruler and legend or words."""
        return max(1, self.size.height - 2 - self._legend)

    def render_line(self, y: int) -> Strip:
        width, height = self.size.width, self.size.height
        base = self.get_component_rich_style("table--row")
        if y == 0:
            return self._ruler()
        if y == height - 1 and y > 1:
            return self._words()
        if y == height - 2 and self._legend:
            return self._legend_line()
        place = self.scroll_offset.y + y - 1
        if place >= len(self._lanes):
            return Strip.blank(width, base)
        strip = self._strips.get(place)
        if strip is None:
            strip = self._strips[place] = self._lane(place, base).adjust_cell_length(width, base)
        return strip

    def _ruler(self) -> Strip:
        """The time of day, a mark every few seconds."""
        picture = self._picture
        heading = fit(f" {picture.seconds} s", picture.gutter)
        line = [" "] * picture.cells
        each = next(s for s in (1, 2, 5, 10, 15, 20, 30, 60) if s * picture.cells / picture.seconds >= 6 or s == 60)
        free, first = 0, True
        for second in range(floor(picture.start), floor(picture.start) + picture.seconds + 1, each):
            at = picture.cell(second)
            moment = datetime.fromtimestamp(second).astimezone()
            text = f"{moment:%H:%M:%S}" if first else f"{moment::%S}"
            if free <= at <= picture.cells - len(text):
                line[at : at + len(text)] = text
                free, first = at + len(text) + 1, False
        return Strip([Segment(heading + "".join(line) + " ", self.get_component_rich_style("table--heading"))])

    def _lane(self, place: int, base: Style) -> Strip:
        lane, picture = self._lanes[place], self._picture
        lit = lane.pgid == self.pgid and lane.pid != self._history.shell
        if lit:
            base = base + Style(bgcolor=self.get_component_rich_style("table--cursor-blurred").bgcolor)

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True)

        leads = place == 0 or self._lanes[place - 1].pgid != lane.pgid
        label = self._history.labels.get(lane.pgid, "") if leads else ""
        pid = str(lane.pid)
        name = fit(lane.name, picture.gutter - 9 - len(pid)) + " "
        segments = [
            Segment(f" {fit(label, 5)} ", style("table--muted")),
            Segment(name, base if lane.alive else style("table--muted")),
            Segment(f"{pid} ", style("table--muted")),
        ]
        return Strip([*segments, *self._bar(place, style)])

    def _bar(self, place: int, style: Callable[[str], Style]) -> list[Segment]:
        """The lane's line of time: what it was doing, who had the terminal, and on top what happened."""
        lane, picture = self._lanes[place], self._picture
        cells = [(EMPTY, "lane--track")] * picture.cells
        for since, until, state in lane.spans():
            glyph, name = (RUNNING, "lane--running") if state == "running" else (STOPPED, "lane--stopped")
            first, last = self._reach(since, until)
            cells[first:last] = [(glyph, name)] * (last - first)
        for cell, happened in self._glyphs.get(place, {}).items():
            if 0 <= cell < picture.cells:
                cells[cell] = self._glyph(happened)
        band = [False] * picture.cells
        for since, until in self._history.bands(lane):
            first, last = self._reach(since, until)
            if until < self._drawn_until:  # the cell in which it was lost is the next owner's
                last = max(first, last - 1)
            band[first:last] = [True] * (last - first)
        cursor = self._cursor_cell(place)
        looks = [(name, band[i], i == cursor) for i, (_, name) in enumerate(cells)]
        segments, at = [], 0
        for (name, banded, under), run in groupby(looks):
            length = len(list(run))
            drawn: Style = style(name)
            if banded:
                drawn += Style(bgcolor=self.get_component_rich_style("lane--band").bgcolor)
            if under:
                drawn += self.get_component_rich_style("lane--cursor")
            segments.append(Segment("".join(glyph for glyph, _ in cells[at : at + length]), drawn))
            at += length
        return segments

    def _reach(self, since: float, until: float) -> tuple[int, int]:
        """The cells from one time to another, until now at most."""
        first = max(0, self._picture.cell(since))
        last = self._picture.cell(min(until, self._drawn_until)) + 1
        return first, min(max(last, first), self._picture.cells)

    def _glyph(self, happened: list[Event]) -> tuple[str, str]:
        event = max(happened, key=lambda event: _RANKS[event.kind])
        glyph, _, name = KINDS[event.kind]
        if event.kind == "exit":
            if not event.text:  # nobody but its parent knows how it ended
                return "×", name
            return ("✓", name) if event.text == "0" else ("✗", "lane--failed")
        return glyph, name

    def _cursor_cell(self, place: int) -> int | None:
        if self.event is None:
            return None
        return next((cell for cell, each in self._glyphs.get(place, {}).items() if self.event in each), None)

    def _legend_line(self) -> Strip:
        """What the glyphs mean, as far as there is room."""
        muted = self.get_component_rich_style("table--muted")
        base = self.get_component_rich_style("table--row")
        entries = [(glyph, word, name) for glyph, word, name in KINDS.values()]
        segments, width = [Segment(" ", base)], 1
        for glyph, word, name in entries:
            if width + len(word) + 4 > self.size.width:
                break
            style = base + self.get_component_rich_style(name, partial=True)
            segments += [Segment(f"{glyph} ", style), Segment(f"{word}  ", muted)]
            width += len(word) + 4
        band = base + Style(bgcolor=self.get_component_rich_style("lane--band").bgcolor)
        if width + 19 <= self.size.width:
            segments += [Segment("   ", band), Segment(" has the terminal", muted)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _words(self) -> Strip:
        """The event under the cursor, or the latest, in words."""
        happened = self._history.events
        event = self.event or (happened[-1] if happened else None)
        text = "Nothing has happened in the last minute."
        if event is not None:
            moment = datetime.fromtimestamp(event.time).astimezone()
            text = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {self._history.told(event)}"
        return Strip([Segment(fit(f" {text}", self.size.width), self.get_component_rich_style("job--note"))])
