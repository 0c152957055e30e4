"""The values of one metric in time, and the arithmetic of graphs: cells, scales, ticks. Standard library only."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import ceil, floor, isclose, log2, log10

KEPT = 600.0
"""Seconds of history."""
HOLD = 2.5
"""Seconds for which a value stands until the next: longer than between two samples, for one may be late."""
NEAR = 0.75
"""Seconds between two values, of those that are taken once a second, that may be the same one."""

# The dots of one braille cell, filled from below: left and right column, none to all four (Unicode chart U+2800).
_LEFT, _RIGHT = (0, 0x40, 0x44, 0x46, 0x47), (0, 0x80, 0xA0, 0xB0, 0xB8)
_BLOCKS = " ▁▂▃▄▅▆▇█"
BRAILLE, BLOCKS = (2, 4), (1, 8)
"""How fine a cell is: columns, and steps of height."""


def glyph(heights: Iterable[int], fineness: tuple[int, int] = BRAILLE) -> str:
    """The character whose columns are filled from below to these heights; a blank for none."""
    if fineness == BLOCKS:
        (height,) = heights
        return _BLOCKS[height]
    left, right = heights
    return chr(0x2800 + _LEFT[left] + _RIGHT[right]) if left or right else " "


class Curve:
    """Values by time, in seconds since the epoch. None: there was none to be had."""

    def __init__(self, samples: Iterable[tuple[float, float | None]] = ()) -> None:
        self._times: list[float] = []
        self._values: list[float | None] = []
        for time, value in samples:
            self.add(time, value)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def last(self) -> tuple[float, float | None] | None:
        return (self._times[-1], self._values[-1]) if self._times else None

    def add(self, time: float, value: float | None) -> None:
        """The next value. One that is not later than the last is ignored; those older than `KEPT` are forgotten."""
        if self._times and time <= self._times[-1]:
            return
        self._times.append(time)
        self._values.append(value)
        if self._times[0] < time - 2 * KEPT:
            old = bisect_left(self._times, time - KEPT)
            del self._times[:old], self._values[:old]

    def fill(self, samples: Iterable[tuple[float, float | None]]) -> None:
        """Put in what was measured at times that have no value here."""
        missing = [sample for sample in samples if not self._has(sample[0])]
        known = list(zip(self._times, self._values, strict=True))
        self._times, self._values = [], []
        for time, value in sorted([*known, *missing], key=lambda sample: sample[0]):
            self.add(time, value)

    def _has(self, time: float) -> bool:
        place = bisect_left(self._times, time)
        return any(abs(near - time) < NEAR for near in self._times[max(0, place - 1) : place + 1])

    def largest(self, since: float, until: float) -> float | None:
        """The largest value in a time; where none was taken in it, the one before, while that stands."""
        first, end = bisect_left(self._times, since), bisect_left(self._times, until)
        values = [value for value in self._values[first:end] if value is not None]
        if values:
            return max(values)
        if first == end and first and since - self._times[first - 1] < HOLD:
            return self._values[first - 1]
        return None

    def values(self, since: float) -> list[float]:
        """All values from a time on."""
        return [value for value in self._values[bisect_left(self._times, since) :] if value is not None]

    def steps(self, since: float) -> list[tuple[float, float | None, float | None]]:
        """When the value became another, from what, to what: of a limit, its changes.

        What is remembered has the precision of four bytes, so that values which differ by less are the same.
        """
        first = max(1, bisect_left(self._times, since))
        return [
            (self._times[n], self._values[n - 1], self._values[n])
            for n in range(first, len(self._times))
            if not _same(self._values[n - 1], self._values[n])
        ]


def _same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else isclose(one, other, rel_tol=1e-6)


def ceiling(value: float, *, binary: bool = False) -> float:
    """The least round number that is not below a value: 1, 2 or 5 times a power of ten; `binary`: a power of two."""
    if value <= 0:
        return 1.0
    if binary:
        return float(2 ** ceil(log2(value)))
    power = 10.0 ** floor(log10(value))
    return next(round(step * power, 12) for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


def tick(seconds: float, cells: int, room: int) -> int:
    """Seconds between two times on an axis of so many cells, where each takes `room` cells."""
    steps = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)
    return next((step for step in steps if step * cells / seconds >= room), 600)
