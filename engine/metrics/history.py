"""What is remembered of one source: ten minutes of rows at one a second. Standard library only.

Rows are written down when they change, so what stands still takes no room; times in one `array`, numbers in another.
Numbers are single precision: seven digits, enough for a graph.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right

LENGTH = 600  # ticks, of one second
_SLACK = 60  # ticks more than that before what is too old is thrown away


class History:
    """Rows of `columns` numbers, NaN where there was none."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._row: array[float] | None = None  # the last one
        self._ticks = array("Q")
        self._rows = array("f")

    @property
    def began(self) -> int | None:
        """The first tick that is remembered."""
        return self._ticks[0] if self._ticks else None

    def push(self, tick: int, row: array[float]) -> None:
        """The row from this tick on, which is no earlier than any before. The very same array as the last time is no
        change, and needs not be told."""
        if row is self._row:
            return
        self._row = row
        self._ticks.append(tick)
        self._rows.extend(row)
        if len(self._ticks) > LENGTH + _SLACK:
            old = max(0, bisect_right(self._ticks, tick - LENGTH) - 1)
            del self._ticks[:old], self._rows[: old * self._columns]

    def column(self, column: int, ticks: range) -> list[float | None]:
        """One number for each tick, None where there was none."""
        values: list[float | None] = [None] * len(ticks)
        ends = [*self._ticks[1:], ticks.stop]
        for index, (since, until) in enumerate(zip(self._ticks, ends, strict=False)):
            number = self._rows[index * self._columns + column]
            if not math.isnan(number):
                since, until = max(since, ticks.start), min(until, ticks.stop)
                if since < until:
                    values[since - ticks.start : until - ticks.start] = [number] * (until - since)
        return values
