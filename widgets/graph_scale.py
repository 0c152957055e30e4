"""The scales of graphs: where the upper edge is, and which round values stand beside it. Standard library only."""

from __future__ import annotations

from math import ceil, floor, log2, log10
from typing import NamedTuple

APART = 3
"""Rows between two values on a scale, at least."""


class Scale(NamedTuple):
    """From zero to `top`, with a word at every multiple of `step`. `limit`: what the first row is for, if anything."""

    top: float
    step: float
    limit: float | None = None

    def row(self, value: float, rows: int) -> int:
        """The row of a value, from above; below 0 when it is beyond the picture."""
        return floor(rows * (1 - value / self.top) + 1e-6)

    def ticks(self, rows: int) -> dict[int, float]:
        """The values that are written beside rows."""
        found = {rows - 1: 0.0}
        if self.limit is not None:
            found[0] = self.limit
        for n in range(1, floor(self.top / self.step + 1e-6) + 1):
            row = max(0, self.row(n * self.step, rows))
            if all(abs(row - other) >= 2 for other in found):
                found[row] = n * self.step
        return found


def round_step(least: float, *, binary: bool = False) -> float:
    """The least round number that is not below this: 1, 2 or 5 times a power of ten; `binary`: a power of two."""
    if least <= 0:
        return 1.0
    if binary:
        return float(2 ** ceil(log2(least) - 1e-9))
    power = 10.0 ** floor(log10(least))
    return next(round(step * power, 12) for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def scale(seen: float, rows: int, *, binary: bool = False, least: float = 0.0, most: float | None = None) -> Scale:
    """For values up to `seen`: the upper edge is a multiple of a round step, no lower than `least`, and no higher than
    `most`, which nothing can be above."""
    wanted = max(seen * 1.02, least) or 1.0
    step = round_step(wanted / max(1, min(rows // APART, 5)), binary=binary)
    top = ceil(wanted / step - 1e-9) * step
    if most is not None and top > most >= seen:
        top = most
    return Scale(top, step)


def scale_to(limit: float, rows: int, *, binary: bool = False) -> Scale:
    """With the limit as a line in the middle of the first row."""
    return Scale(limit * rows / (rows - 0.5), round_step(limit / max(1, min(rows // APART, 5)), binary=binary), limit)


def time_step(seconds: float, cells: int, room: int) -> int:
    """Seconds between two times on an axis of so many cells, where each takes `room` cells."""
    steps = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)
    return next((step for step in steps if step * cells / seconds >= room), 600)
