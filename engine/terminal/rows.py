"""Rows: one line of the screen, as it is kept and as it is shown.

A `Line` is two immutable strings of equal length, the cells, and one character per cell whose code point is the number
of its style; and flags. It is not padded on the right: cells that are missing are blank in the default style. Only a
line that is full is WRAPPED, or one that is a cell short because a wide character did not fit. The functions below
make a new line of an old one; none leaves half a wide character behind. A `Row` is a line as others see it. Imports
styles and width.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from .styles import Style
from .width import FILLER, Clusters

Line: TypeAlias = tuple[str, str, int]
BLANK: Line = ("", "", 0)
WRAPPED, PROMPT, OUTPUT = 1, 2, 4
_RUN = re.compile(r"(.)\1*", re.DOTALL)


def mended(cells: str, x: int) -> str:
    """The cells with a wide character that lies across the border before column `x` blanked."""
    if x < len(cells) and cells[x] == FILLER:
        return f"{cells[: x - 1]}  {cells[x + 1 :]}"
    return cells


def cut(line: Line, columns: int) -> Line:
    """The line, not longer than `columns`."""
    cells, styles, flags = line
    if len(cells) <= columns:
        return line
    return mended(cells, columns)[:columns], styles[:columns], flags


def padded(line: Line, length: int) -> Line:
    """The line, at least `length` cells long."""
    cells, styles, flags = line
    return cells.ljust(length), styles.ljust(length, "\0"), flags


def overwritten(line: Line, x: int, new: str, styles: str) -> Line:
    """The line with the cells `new` in their styles from column `x` on."""
    end = x + len(new)
    cells, old, flags = line if x <= len(line[0]) else padded(line, x)
    if FILLER in cells:
        cells = mended(mended(cells, x), end)
    return cells[:x] + new + cells[end:], old[:x] + styles + old[end:], flags


def erased(line: Line, start: int, end: int, style: int) -> Line:
    """The line with the cells from `start` up to `end` blank in `style`. Without its end it is not wrapped."""
    cells, styles, flags = line
    if end >= len(cells):
        if start >= len(cells) and not style and not flags & WRAPPED:
            return line
        flags &= ~WRAPPED
        if not style:
            return (mended(cells, start)[:start], styles[:start], flags) if start or flags else BLANK
        line = cells, styles, flags
    return overwritten(line, start, " " * (end - start), chr(style) * (end - start))


def inserted(line: Line, x: int, count: int, columns: int, style: int) -> Line:
    """The line with `count` blanks put in at `x`; what is pushed past the right edge is lost."""
    cells, styles, flags = padded(line, x)
    if x == len(cells) and not style:
        return line
    cells = mended(cells, x)
    return cut((cells[:x] + " " * count + cells[x:], styles[:x] + chr(style) * count + styles[x:], flags), columns)


def deleted(line: Line, x: int, count: int, columns: int, style: int) -> Line:
    """The line without `count` cells at `x`; what is right of them moves left. It is not wrapped any more."""
    end = x + count
    cells, styles, flags = padded(line, columns) if style else line
    cells = mended(mended(cells, x), end)
    cells, styles = cells[:x] + cells[end:], styles[:x] + styles[end:]
    if style:
        cells, styles = cells + " " * count, styles + chr(style) * count
    return cells, styles, flags & ~WRAPPED


def part(line: Line, start: int, end: int) -> Line:
    """The cells from `start` up to `end`, all of them there."""
    cells, styles, _ = padded(line, end)
    cells = mended(mended(cells, start), end)
    return cells[start:end], styles[start:end], 0


def replaced(line: Line, start: int, end: int, new: Line) -> Line:
    """The line with `new` in place of the cells from `start` up to `end`."""
    cells, styles, _ = padded(new, end - start)
    return overwritten(line, start, cells, styles)


def full(style: int, columns: int) -> Line:
    """A blank line in a style."""
    return (" " * columns, chr(style) * columns, 0) if style else BLANK


class Row:
    """One line as a reader sees it. Immutable, and the same object for as long as the line does not change."""

    __slots__ = ("__weakref__", "_clusters", "_styles", "line")

    def __init__(self, line: Line, styles: list[Style], clusters: Clusters) -> None:
        self.line = line
        self._styles = styles
        self._clusters = clusters

    @property
    def text(self) -> str:
        """The line's text, not padded on the right."""
        return self._clusters.text(self.line[0])

    @property
    def wrapped(self) -> bool:
        """Whether the line goes on in the next row: what is between them is no line break."""
        return bool(self.line[2] & WRAPPED)

    @property
    def prompt(self) -> bool:
        """Whether a shell's prompt begins here (OSC 133;A)."""
        return bool(self.line[2] & PROMPT)

    @property
    def output(self) -> bool:
        """Whether the output of a command begins here (OSC 133;C)."""
        return bool(self.line[2] & OUTPUT)

    def part(self, start: int, end: int) -> str:
        """The text of the cells from column `start` up to `end`; of a wide character at an edge all of it."""
        cells = self.line[0]
        start -= cells[start : start + 1] == FILLER
        end += cells[end : end + 1] == FILLER
        return self._clusters.text(cells[start:end])

    def spans(self) -> list[tuple[str, Style]]:
        """The line as runs of text in one style each, ready to draw. Blanks at the right end may be missing."""
        cells, styles, _ = self.line
        table, text = self._styles, self._clusters.text
        return [(text(cells[run.start() : run.end()]), table[ord(run[1])]) for run in _RUN.finditer(styles)]

    def style_at(self, x: int) -> Style:
        """How the cell at column `x` is drawn."""
        styles = self.line[1]
        return self._styles[ord(styles[x])] if x < len(styles) else self._styles[0]

    def is_wide(self, x: int) -> bool:
        """Whether the character at column `x` takes the next column as well."""
        return self.line[0][x + 1 : x + 2] == FILLER

    def __repr__(self) -> str:
        return f"Row({self.text!r})"
