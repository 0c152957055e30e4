"""Selection: the text between two places of a terminal, as a person would copy it. Imports rows."""

from __future__ import annotations

from collections.abc import Callable

from .rows import Row

Place = tuple[int, int]
"""Row and column; the row as `Terminal.row` counts."""


def text_between(row: Callable[[int], Row], columns: int, start: Place, end: Place, block: bool) -> str:
    """The text from `start` to `end`, which is included; as a `block` the rectangle between the two.

    A line that goes on in the next row stays one line. Blanks at the end of a line are left out.
    """
    if block:
        (top, bottom), (left, right) = sorted((start[0], end[0])), sorted((start[1], end[1]))
        return "\n".join(row(y).part(left, right + 1).rstrip() for y in range(top, bottom + 1))
    (top, left), (bottom, right) = sorted((start, end))
    lines, text = [], ""
    for y in range(top, bottom + 1):
        each = row(y)
        text += each.part(left if y == top else 0, right + 1 if y == bottom else columns)
        if not each.wrapped or y == bottom:
            lines.append(text.rstrip())
            text = ""
    return "\n".join(lines)
