"""How many charts have room in a region, and in how many columns. Standard library only."""

from __future__ import annotations

from typing import NamedTuple

WIDE, HIGH = 44, 7
"""Cells that a chart needs."""
LARGE_WIDE, LARGE_HIGH = 56, 12
"""The same of one that is to be read from far away."""
FLAT = 4.5
"""How many times wider than high a chart is at its best, in cells."""


class Grid(NamedTuple):
    """So many charts in so many columns and rows; the first chart has what is left over in the first row."""

    charts: int
    columns: int
    rows: int

    @property
    def first_span(self) -> int:
        return self.columns * self.rows - self.charts + 1


def grid(width: int, height: int, charts: int, *, large: bool = False) -> Grid:
    """As many of `charts` as have room, in the shape in which they look best. At least one."""
    wide, high = (LARGE_WIDE, LARGE_HIGH) if large else (WIDE, HIGH)
    across, down = max(1, width // wide), max(1, height // high)
    count = max(1, min(charts, across * down))
    shapes = [
        Grid(count, columns, rows)
        for columns in range(1, across + 1)
        for rows in [-(-count // columns)]
        if rows <= down and columns * rows - count < columns
    ]
    return min(shapes, key=lambda shape: _ugliness(shape, width, height))


def _ugliness(shape: Grid, width: int, height: int) -> float:
    flat = (width / shape.columns) / (height / shape.rows)
    return abs(flat / FLAT - 1) if flat > FLAT else FLAT / max(flat, 0.1) - 1
