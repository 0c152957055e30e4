"""Where a recording is being played: what is due, and what a key does to that. No clock and no terminal of its own.

Imports the terminal core, which makes the screen of any moment.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.terminal import Terminal
from heliostui.recording.cast import Cast

SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0)
STEP = 5.0  # seconds of one seek


class Player:
    """`advance` says what to show for the time that went by. `position`: seconds, without what `idle_limit` cuts."""

    def __init__(self, cast: Cast, speed: float = 1.0, idle_limit: float | None = None) -> None:
        self._events = cast.events
        self._size = cast.columns, cast.lines
        self._times = _cut(cast, idle_limit if idle_limit is not None else cast.idle_limit)
        self.length = self._times[-1] if self._times else 0.0
        self.speed = speed
        self.paused = False
        self.position = 0.0
        self._next = 0
        self._terminal = Terminal(*self._size)

    @property
    def ended(self) -> bool:
        return self._next >= len(self._events)

    @property
    def due(self) -> float | None:
        """Seconds until there is something to show; None while paused, and at the end."""
        if self.paused or self.ended:
            return None
        return max(0.0, (self._times[self._next] - self.position) / self.speed)

    def advance(self, seconds: float) -> str:
        """What a terminal is to be sent after so many seconds."""
        if self.paused:
            return ""
        self.position = min(self.position + seconds * self.speed, self.length)
        return self._to(bisect_right(self._times, self.position))

    def step(self) -> str:
        """The next that changes something, and stay there."""
        self.paused = True
        if self.ended:
            return ""
        self.position = self._times[self._next]
        return self._to(self._next + 1)

    def faster(self, by: int) -> None:
        """The next speed up or down."""
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self.speed))
        self.speed = SPEEDS[min(max(nearest + by, 0), len(SPEEDS) - 1)]

    def seek(self, position: float) -> bytes:
        """Go there; the whole screen as it was then."""
        self.position = min(max(position, 0.0), self.length)
        wanted = bisect_right(self._times, self.position)
        if wanted < self._next:
            self._terminal, self._next = Terminal(*self._size), 0
        self._to(wanted)
        return self._terminal.redraw()

    def _to(self, wanted: int) -> str:
        shown = []
        for event in self._events[self._next : wanted]:
            if event.kind == "o":
                shown.append(event.data)
                self._terminal.feed(event.data.encode("utf-8", "replace"))
            elif event.size is not None:
                self._terminal.resize(*event.size)
        self._next = max(self._next, wanted)
        return "".join(shown)


def _cut(cast: Cast, idle_limit: float | None) -> list[float]:
    """When each event is shown: no pause is longer than the limit."""
    times, at, before = [], 0.0, 0.0
    for event in cast.events:
        pause = event.time - before
        at += pause if idle_limit is None else min(pause, idle_limit)
        before = event.time
        times.append(at)
    return times
