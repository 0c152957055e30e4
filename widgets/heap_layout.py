"""Where what of a heap is on its map: lines of segments' headings and of rows, addresses in cells. Imports heap.

All rows have equally many cells, each segment begins a row. Lines are counted from the top of the whole map.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from widgets.heap import HeapSegment

MOST_CELLS = 1 << 16
"""Of one picture."""
ADDRESS = 14  # cells of an address with its 0x
SHORT = 9  # of its last eight digits
WIDTHS = tuple(sorted([*(2**n for n in range(3, 9)), *(3 * 2**n for n in range(3, 7))]))
"""How many cells rows may have: such that rows begin at round addresses."""


def cells_in(width: int) -> tuple[int, int]:
    """How many cells a row has, and how many the addresses before it take, on lines of `width`.

    The address is shortened where that is what it takes for the next larger row to fit.
    """
    full, short = (max((n for n in WIDTHS if n <= width - gutter - 1), default=8) for gutter in (ADDRESS, SHORT))
    return (full, ADDRESS + 1) if full == short else (short, SHORT + 1)


@dataclass(frozen=True)
class Place:
    """A line of the map: the heading of a segment, or (`row`) one of its rows, counted over all segments."""

    segment: int
    row: int | None


class HeapLayout:
    """The lines of a map. `room`: lines that are seen at once, which decide whether segments have headings."""

    def __init__(self, segments: Sequence[HeapSegment], cell: int, columns: int, room: int) -> None:
        self.cell, self.columns = max(1, cell), max(1, columns)
        self._segments = segments
        self._order = sorted(range(len(segments)), key=lambda n: segments[n].address)
        self._addresses = [segments[n].address for n in self._order]
        self._first: list[int] = []
        rows = 0
        for segment in segments:
            self._first.append(rows)
            rows += max(1, -(-segment.size // self.stride))
        self.rows = rows
        self.headings = rows + len(segments) <= room or rows >= 4 * len(segments)
        self.lines = rows + len(segments) * self.headings

    @property
    def stride(self) -> int:
        """Bytes of a row."""
        return self.cell * self.columns

    def place(self, line: int) -> Place | None:
        """What is on a line; None: nothing, it is beyond the end."""
        if not 0 <= line < self.lines:
            return None
        if not self.headings:
            return Place(bisect_right(self._first, line) - 1, line)
        low, high = 0, len(self._first)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._first[middle] + middle <= line else (low, middle)
        row = line - low - 1
        return Place(low, row if row >= self._first[low] else None)

    def line(self, row: int) -> int:
        """The line of a row."""
        return row + bisect_right(self._first, row) * self.headings

    def first_row(self, line: int) -> int:
        """The first row on a line or below it."""
        place = self.place(max(0, line))
        if place is None:
            return self.rows
        return self._first[place.segment] if place.row is None else place.row

    def address(self, row: int) -> int:
        """Where a row begins."""
        segment = bisect_right(self._first, row) - 1
        return self._segments[segment].address + (row - self._first[segment]) * self.stride

    def last(self, row: int) -> int:
        """Where the last cell of a row begins."""
        segment = self._segments[bisect_right(self._first, row) - 1]
        start = self.address(row)
        size = min(self.stride, segment.address + segment.size - start)
        return start + (max(1, size) - 1) // self.cell * self.cell

    def find(self, address: int) -> tuple[int, int] | None:
        """The row and the column of an address; None: no segment has it."""
        at = bisect_right(self._addresses, address) - 1
        if at < 0:
            return None
        segment = self._order[at]
        offset = address - self._segments[segment].address
        if offset >= self._segments[segment].size:
            return None
        return self._first[segment] + offset // self.stride, offset % self.stride // self.cell

    def near(self, address: int) -> int | None:
        """The address, or where it is in no segment, the nearest that is; None: there are no segments."""
        if self.find(address) is not None or not self._addresses:
            return address if self._addresses else None
        at = bisect_right(self._addresses, address) - 1
        if at < 0:
            return self._addresses[0]
        before = self._segments[self._order[at]]
        return before.address + before.size - 1

    def segment(self, address: int) -> int | None:
        """Which segment has an address."""
        found = self.find(address)
        return None if found is None else bisect_right(self._first, found[0]) - 1

    def beside(self, segment: int, by: int) -> int | None:
        """The next segment of the map, or the one before (`by` -1)."""
        return segment + by if 0 <= segment + by < len(self._segments) else None


def lines_for_rows(segments: int, height: int) -> int:
    """How many rows may be asked for when all of a heap with so many segments is to be seen in `height` lines."""
    return max(1, height - segments) if segments * 4 <= height else height
