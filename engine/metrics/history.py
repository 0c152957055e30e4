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
    """Rows of `columns` numbers, not a number where there was none."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._nothing = array("f", [math.nan] * columns)
        self._row: array[float] | None = None  # the last one written down
        self._ticks = array("Q")
        self._rows = array("f")
        self._end = -1  # the tick after the last one

    @property
    def began(self) -> int | None:
        """The first tick that is remembered."""
        return max(self._ticks[0], self._end - LENGTH) if self._ticks else None

    def push(self, tick: int, row: array[float]) -> None:
        """The row of a tick later than all before; ticks left out have no numbers. A row that is the very same array
        as the last one has not changed."""
        if tick > self._end and self._row is not None:
            self._write(self._end, self._nothing)
        if row is not self._row:
            self._write(tick, row)
        self._end = tick + 1

    def _write(self, tick: int, row: array[float]) -> None:
        self._row = row
        self._ticks.append(tick)
        self._rows.extend(row)
        if len(self._ticks) > LENGTH + _SLACK:
            old = max(0, bisect_right(self._ticks, tick - LENGTH) - 1)
            del self._ticks[:old], self._rows[: old * self._columns]

    def column(self, column: int, first: int, end: int) -> list[float | None]:
        """One number per tick of `range(first, end)`, None where there was none."""
        values: list[float | None] = [None] * (end - first)
        ends = [*self._ticks[1:], self._end]
        for index, (since, until) in enumerate(zip(self._ticks, ends, strict=False)):
            number = self._rows[index * self._columns + column]
            if number == number:  # NaN is not
                since, until = max(since, first), min(until, end)
                if since < until:
                    values[since - first : until - first] = [number] * (until - since)
        return values
