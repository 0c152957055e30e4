"""What containers use, as cells of a list: a line that stands still and the number beside it, coloured by how near the
limit is. Imports columns, container_row and sparkline.
"""

from __future__ import annotations

from itertools import groupby
from math import floor

from widgets.columns import Cell
from widgets.container_row import Numbers
from widgets.sparkline import Trace, glyph, top_of

NEAR, AT = 0.75, 0.9
"""Shares of a limit from which on a value is near it, and as good as at it."""
LEAST_LINE = 4
"""Cells; a line of fewer says nothing."""
CPU_DIGITS, MEMORY_DIGITS = 5, 7
"""Cells of the numbers: `12.3%`, `1.2 GiB`."""
_CORES, _BYTES = 0.25, 2.0**20
"""The least that the upper edges of lines without a limit stand for."""
_STEADY = 4
"""Cells whose mean a calm order goes by."""


class Usage:
    """The last cells of one container. `step`: seconds that a cell stands for."""

    __slots__ = ("_cpu", "_limits", "_memory")

    def __init__(self) -> None:
        self._cpu, self._memory = Trace(), Trace()
        self._limits: tuple[float | None, float | None] = (None, None)

    def add(self, cell: int, numbers: Numbers) -> None:
        self._cpu.add(cell, numbers.cpu)
        self._memory.add(cell, numbers.memory)
        self._limits = numbers.cpu_limit, numbers.memory_limit

    @property
    def last(self) -> int:
        """The newest cell."""
        return self._cpu.last

    @property
    def steady_cpu(self) -> float | None:
        """For an order that does not change with every breath."""
        value = self._cpu.recent(_STEADY)
        return None if value is None else round(value, 3)

    @property
    def steady_memory(self) -> float | None:
        value = self._memory.recent(_STEADY)
        return None if value is None else round(value / _BYTES)

    def cpu(self, width: int, now: int) -> Cell:
        """The share of a core, 100% being one."""
        return _cell(self._cpu, self._limits[0], _CORES, percent(self._cpu.value), CPU_DIGITS, width, now)

    def memory(self, width: int, now: int) -> Cell:
        return _cell(self._memory, self._limits[1], _BYTES, bytes_text(self._memory.value), MEMORY_DIGITS, width, now)


def _cell(trace: Trace, limit: float | None, least: float, text: str, digits: int, width: int, now: int) -> Cell:
    number = (text.rjust(min(digits, width)), _style(trace.value, limit, "usage--number"))
    cells = width - digits - 1
    if cells < LEAST_LINE:
        return Cell("", parts=((" " * (width - len(number[0])), ""), number))
    values = trace.ring(cells, now)
    top = top_of(values, least, limit)
    drawn = ((glyph(value, top), _style(value, limit, "usage--line")) for value in values)
    runs = [("".join(each for each, _ in run), style) for style, run in groupby(drawn, key=lambda each: each[1])]
    return Cell("", parts=(*runs, (" ", ""), number))


def _style(value: float | None, limit: float | None, free: str) -> str:
    if value is None or not limit or value < NEAR * limit:
        return free
    return "usage--at" if value >= AT * limit else "usage--near"


def percent(cores: float | None) -> str:
    """The share of one core, in at most five cells: `0.4%`, `12.3%`, `340%`."""
    if cores is None:
        return "–"
    share = cores * 100
    return f"{share:.1f}%" if share < 99.95 else f"{share:.0f}%"


def bytes_text(count: float | None) -> str:
    """Bytes in at most seven cells and powers of 1024: `0.4 MiB`, `12 MiB`, `1.2 GiB`. Smaller units would change all
    the time, and nobody would read them."""
    if count is None:
        return "–"
    value = count / 2**20
    for unit in ("MiB", "GiB", "TiB"):
        if value < 999.5 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def cell_number(time: float, step: float) -> int:
    """The cell that a moment belongs to."""
    return floor(time / step)
