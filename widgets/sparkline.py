"""The last seconds of a number in a line of cells, drawn so that the picture stands still. Standard library only.

The cells are a ring: each new value is written over the oldest one, and the blank cell behind it says where now is. So
two cells change at a time, not all of them, and in a list the same column is the same moment in every row.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import ceil, isnan, nan

KEPT = 32
"""Cells that are remembered: as many as are ever drawn."""
_LEVELS = "▁▂▃▄▅▆▇█"


class Trace:
    """A number in time: the largest in each cell's time. Cells are numbered since the epoch."""

    __slots__ = ("_cells", "last", "value")

    def __init__(self) -> None:
        self._cells = array("f", [nan] * KEPT)
        self.last = -1
        """The number of the newest cell."""
        self.value: float | None = None
        """What was measured last."""

    def add(self, cell: int, value: float | None) -> None:
        """The value of a moment in this cell; None: it could not be had. One that comes late is ignored."""
        if cell < self.last:
            return
        for missed in range(max(self.last + 1, cell - KEPT + 1), cell + 1):
            self._cells[missed % KEPT] = nan
        self.last, self.value = cell, value
        if value is not None:
            before = self._cells[cell % KEPT]
            self._cells[cell % KEPT] = value if isnan(before) else max(before, value)

    def ring(self, width: int, now: int) -> list[float | None]:
        """The values of so many cells as they are drawn: that of cell `n` at `n` modulo the width, and in the one after
        `now` nothing."""
        shown: list[float | None] = [None] * width
        for cell in range(max(now - width + 2, self.last - KEPT + 1), min(now, self.last) + 1):
            value = self._cells[cell % KEPT]
            if not isnan(value):
                shown[cell % width] = value
        return shown

    def recent(self, cells: int) -> float | None:
        """The mean of the newest cells: what a calm order goes by."""
        values = [self._cells[cell % KEPT] for cell in range(max(0, self.last - cells + 1), self.last + 1)]
        known = [value for value in values if not isnan(value)]
        return sum(known) / len(known) if known else None


def glyph(value: float | None, top: float) -> str:
    """The character of a value: the lowest for none or next to none, the highest from seven eighths of `top` on."""
    if value is None:
        return " "
    return _LEVELS[min(max(ceil(value / top * len(_LEVELS)) - 1, 0), len(_LEVELS) - 1)] if top > 0 else _LEVELS[0]


def top_of(values: Sequence[float | None], least: float, limit: float | None) -> float:
    """The value of the upper edge: the limit; without one the least times a power of two that all values are below."""
    if limit:
        return limit
    top, highest = least, max((value for value in values if value is not None), default=0.0)
    while top < highest:
        top *= 2
    return top
