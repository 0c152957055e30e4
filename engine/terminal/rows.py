"""Rows: one line of the screen, as it is kept and as it is shown.

A `Line` is two immutable strings of equal length: the cells, and one character per cell whose code point is the
number of its style. It is not padded on the right: cells that are missing are blank in the default style. The
functions below make a new line of an old one; none leaves half a wide character behind. A `Row` is a line as others
see it. Imports styles and width.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from .styles import Style
from .width import FILLER, Clusters

Line: TypeAlias = tuple[str, str]
BLANK: Line = ("", "")
_RUN = re.compile(r"(.)\1*", re.DOTALL)


def mended(cells: str, x: int) -> str:
    """The cells with a wide character that lies across the border before column `x` blanked."""
    if x < len(cells) and cells[x] == FILLER:
        return f"{cells[: x - 1]}  {cells[x + 1 :]}"
    return cells


def cut(line: Line, columns: int) -> Line:
    """The line, not longer than `columns`."""
    cells, styles = line
    if len(cells) <= columns:
        return line
    return mended(cells, columns)[:columns], styles[:columns]


def padded(line: Line, length: int) -> Line:
    """The line, at least `length` cells long."""
    cells, styles = line
    return cells.ljust(length), styles.ljust(length, "\0")


def overwritten(line: Line, x: int, new: str, style: int) -> Line:
    """The line with the cells `new` in `style` from column `x` on."""
    end = x + len(new)
    cells, styles = padded(line, x)
    if FILLER in cells:
        cells = mended(mended(cells, x), end)
    return cells[:x] + new + cells[end:], styles[:x] + chr(style) * len(new) + styles[end:]


def erased(line: Line, start: int, end: int, style: int) -> Line:
    """The line with the cells from `start` up to `end` blank in `style`."""
    cells, styles = line
    if style or end < len(cells):
        return overwritten(line, start, " " * (end - start), style)
    return mended(cells, start)[:start], styles[:start]


def inserted(line: Line, x: int, count: int, columns: int, style: int) -> Line:
    """The line with `count` blanks put in at `x`; what is pushed past the right edge is lost."""
    cells, styles = padded(line, x)
    if x == len(cells) and not style:
        return line
    cells = mended(cells, x)
    return cut((cells[:x] + " " * count + cells[x:], styles[:x] + chr(style) * count + styles[x:]), columns)


def deleted(line: Line, x: int, count: int, columns: int, style: int) -> Line:
    """The line without `count` cells at `x`; what is right of them moves left."""
    end = x + count
    cells, styles = padded(line, columns) if style else line
    cells = mended(mended(cells, x), end)
    line = cells[:x] + cells[end:], styles[:x] + styles[end:]
    if style:
        return line[0] + " " * count, line[1] + chr(style) * count
    return line


class Row:
    """One line as a reader sees it. Immutable, and the same object for as long as the line does not change."""

    __slots__ = ("__weakref__", "_clusters", "_source", "_styles", "line")

    def __init__(self, source: Line, line: Line, styles: list[Style], clusters: Clusters) -> None:
        self._source = source  # held only so that no other line can take its identity while the row lives
        self.line = line
        self._styles = styles
        self._clusters = clusters

    @property
    def text(self) -> str:
        """The line's text, not padded on the right."""
        return self._clusters.text(self.line[0])

    def spans(self) -> list[tuple[str, Style]]:
        """The line as runs of text in one style each, ready to draw. Blanks at the right end may be missing."""
        cells, styles = self.line
        table, text = self._styles, self._clusters.text
        return [(text(cells[run.start() : run.end()]), table[ord(run[1])]) for run in _RUN.finditer(styles)]

    def is_wide(self, x: int) -> bool:
        """Whether the character at column `x` takes the next column as well."""
        return self.line[0][x + 1 : x + 2] == FILLER

    def __repr__(self) -> str:
        return f"Row({self.text!r})"
