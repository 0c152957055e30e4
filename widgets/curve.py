"""The values of one metric in time, as graphs are drawn from them. Standard library only."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from math import isclose

KEPT = 3600.0
"""Seconds of history."""
MOST = 7200
"""Values that are kept at most, however fast they come."""
HOLD = 2.5
"""Seconds for which a value stands until the next: longer than between two samples, for one may be late."""
SET_BACK = 10.0
"""Seconds by which no value is late."""
NEAR = 0.75
"""Seconds between two values, of those that are taken once a second, that may be the same one."""


class Curve:
    """Values by time, in seconds since the epoch. None: there was none to be had. Sixteen bytes a value."""

    __slots__ = ("_times", "_values")

    def __init__(self, samples: Iterable[tuple[float, float | None]] = ()) -> None:
        self._times: array[float] = array("d")
        self._values: array[float] = array("d")  # NaN: none
        for time, value in samples:
            self.add(time, value)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def first(self) -> float | None:
        """The time of the first value."""
        return self._times[0] if self._times else None

    @property
    def last(self) -> tuple[float, float | None] | None:
        return (self._times[-1], _told(self._values[-1])) if self._times else None

    def add(self, time: float, value: float | None) -> None:
        """The next value. One that is not later than the last is ignored, unless the clock was set back: then what was
        later is forgotten. So are the oldest."""
        if self._times and time <= self._times[-1]:
            if time > self._times[-1] - SET_BACK:
                return
            later = bisect_left(self._times, time)
            del self._times[later:], self._values[later:]
        self._times.append(time)
        self._values.append(math.nan if value is None else value)
        if len(self._times) > 2 * MOST or self._times[0] < time - 2 * KEPT:
            old = max(bisect_left(self._times, time - KEPT), len(self._times) - MOST)
            del self._times[:old], self._values[:old]

    def fill(self, samples: Iterable[tuple[float, float | None]]) -> None:
        """Put in what was measured at times that have no value here."""
        missing = [sample for sample in samples if not self._has(sample[0])]
        known = [(time, _told(value)) for time, value in zip(self._times, self._values, strict=True)]
        self._times, self._values = array("d"), array("d")
        for time, value in sorted([*known, *missing], key=lambda sample: sample[0]):
            self.add(time, value)

    def _has(self, time: float) -> bool:
        place = bisect_left(self._times, time)
        return any(abs(near - time) < NEAR for near in self._times[max(0, place - 1) : place + 1])

    def largest(self, since: float, until: float) -> float | None:
        """The largest value in a time; where none was taken in it, the one before, while that stands."""
        first, end = bisect_left(self._times, since), bisect_left(self._times, until)
        if first == end:
            if first and since - self._times[first - 1] < HOLD:
                return _told(self._values[first - 1])
            return None
        return max((value for value in self._values[first:end] if value == value), default=None)

    def at(self, time: float) -> float | None:
        """The value that stood at a time: the last one before it, unless that is long ago."""
        place = bisect_left(self._times, time + 1e-6)
        if not place or time - self._times[place - 1] >= HOLD:
            return None
        return _told(self._values[place - 1])

    def values(self, since: float, until: float = math.inf) -> list[float]:
        """All values from a time on."""
        first, end = bisect_left(self._times, since), bisect_left(self._times, until)
        return [value for value in self._values[first:end] if value == value]

    def steps(self, since: float) -> list[tuple[float, float | None, float | None]]:
        """When the value became another, from what, to what: of a limit, its changes.

        What is remembered has the precision of four bytes, so that values which differ by less are the same.
        """
        first = max(1, bisect_left(self._times, since))
        return [
            (self._times[n], _told(self._values[n - 1]), _told(self._values[n]))
            for n in range(first, len(self._times))
            if not _same(self._values[n - 1], self._values[n])
        ]

    def samples(self) -> Iterable[tuple[float, float | None]]:
        """All of them, oldest first."""
        return ((time, _told(value)) for time, value in zip(self._times, self._values, strict=True))


def _told(value: float) -> float | None:
    return None if math.isnan(value) else value


def _same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or isclose(one, other, rel_tol=1e-6)
