"""Reflow: the lines of a terminal wrapped anew for another width.

Lines that were wrapped are joined and cut again; places in them (the cursor, a selection) go with their text. Pure
functions on lines; imports rows and width.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .rows import BLANK, OUTPUT, PROMPT, WRAPPED, Line, mended
from .width import FILLER

Place = tuple[int, int]
"""A line, counted in the list, and the number of cells before the place in it: equal to the width at a line's end."""


class Reflowed(NamedTuple):
    lines: list[Line]
    places: list[Place]


def reflow(lines: Sequence[Line], columns: int, places: Sequence[Place]) -> Reflowed:
    """The lines in a width of `columns`, and where the `places` have gone.

    Blanks at the end of a line are not wrapped, unless one of the places is beyond them.
    """
    result: list[Line] = []
    moved = list(places)
    waiting = sorted(range(len(places)), key=lambda index: places[index], reverse=True)
    at = 0
    while at < len(lines):
        end = _paragraph_end(lines, at)
        here = []
        while waiting and places[waiting[-1]][0] < end:
            here.append(waiting.pop())
        cells, _, flags = lines[at]
        if end == at + 1 and len(cells) <= columns and not flags & WRAPPED:
            for index in here:
                moved[index] = len(result), min(places[index][1], columns)
            result.append(lines[at])
        else:
            starts = _starts(lines[at:end])
            offsets = [starts[places[index][0] - at] + places[index][1] for index in here]
            for index, (line, x) in zip(here, _wrap(lines[at:end], columns, offsets, result), strict=True):
                moved[index] = line, x
        at = end
    return Reflowed(result, moved)


def _paragraph_end(lines: Sequence[Line], at: int) -> int:
    """The line after those that are one when joined. A mark begins a new one."""
    end = at + 1
    while end < len(lines) and lines[end - 1][2] & WRAPPED and not lines[end][2] & (PROMPT | OUTPUT):
        end += 1
    return end


def _starts(lines: Iterable[Line]) -> list[int]:
    """How many cells are before each line when they are joined."""
    starts = [0]
    for cells, _, _ in lines:
        starts.append(starts[-1] + len(cells))
    return starts


def _wrap(paragraph: Sequence[Line], columns: int, offsets: list[int], result: list[Line]) -> list[Place]:
    """Adds the paragraph to the result, in lines of `columns`; returns where the offsets in it have gone."""
    cells = "".join(line[0] for line in paragraph)
    styles = "".join(line[1] for line in paragraph)
    cuts = _cuts(cells, columns, _kept(cells, columns, offsets))
    first = len(result)
    marks = paragraph[0][2] & ~WRAPPED
    for start, end in pairwise(cuts):
        result.append((cells[start:end], styles[start:end], WRAPPED | marks))
        marks = 0
    last = cuts[-1]
    rest = mended(cells[last:], columns)[:columns]
    result.append((rest, styles[last : last + columns], marks) if rest or marks else BLANK)
    if paragraph[-1][2] & WRAPPED and len(rest) >= columns - 1:  # its other half was lost
        result[-1] = (*result[-1][:2], result[-1][2] | WRAPPED)
    places = []
    for offset in offsets:
        index = max(0, bisect_right(cuts, offset) - 1)
        places.append((first + index, min(offset - cuts[index], columns)))
    return places


def _kept(cells: str, columns: int, offsets: list[int]) -> int:
    """How many cells have to be wrapped; what follows are blanks, of which as many are kept as fit."""
    return max(len(cells.rstrip(" ")), *(min(offset, len(cells)) for offset in offsets), 0)


def _cuts(cells: str, columns: int, length: int) -> list[int]:
    """Where the lines begin; each is full, or a cell short where a wide character does not fit."""
    cuts = [0]
    while length - cuts[-1] > columns:
        end = cuts[-1] + columns
        cuts.append(end - (cells[end] == FILLER))
    return cuts
