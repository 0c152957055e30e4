"""Curves as characters: areas filled from below, and lines, in dots of braille or in blocks. Standard library only.

Heights are counted in the smallest parts of a column of cells: four to a cell in braille, eight in a filled block, two
in a line of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

# The dots of one braille cell, filled from below: left and right column, none to all four (Unicode chart U+2800).
_LEFT, _RIGHT = (0, 0x40, 0x44, 0x46, 0x47), (0, 0x80, 0xA0, 0xB0, 0xB8)
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))  # single ones, from below
_BLOCKS = " ▁▂▃▄▅▆▇█"
BRAILLE, BLOCKS, HALVES = (2, 4), (1, 8), (1, 2)
"""How fine a cell is: columns, and steps of height."""

Span: TypeAlias = "tuple[int, int] | None"
"""From which part to which, both included, a line is in one column; None where it has no value."""
Drawn: TypeAlias = tuple[str, int, int]
"""A character, the line whose colour it has, and the line whose colour its ground has; -1 for none."""


def glyph(heights: Iterable[int], fineness: tuple[int, int] = BRAILLE) -> str:
    """The character whose columns are filled from below to these heights; a blank for none."""
    if fineness == BLOCKS:
        (height,) = heights
        return _BLOCKS[height]
    left, right = heights
    return chr(0x2800 + _LEFT[left] + _RIGHT[right]) if left or right else " "


def area(heights: Sequence[int], rows: int, fineness: tuple[int, int]) -> list[str]:
    """One column of cells, from above, filled to these heights."""
    steps = fineness[1]
    return [
        glyph((min(max(height - below, 0), steps) for height in heights), fineness)
        for below in range((rows - 1) * steps, -1, -steps)
    ]


def joined(before: int | None, height: int | None) -> Span:
    """Where a line is that came from one height to another: on its new height, and on the way there."""
    if height is None:
        return None
    if before is None or abs(before - height) <= 1:
        return height, height
    return (before + 1, height) if before < height else (height, before - 1)


def dotted(lines: Sequence[Sequence[Span]], rows: int) -> list[Drawn]:
    """One column of cells, from above, in braille: two spans for each line. The first line lies over the others."""
    masks, owners = [0] * rows, [-1] * rows
    for number in range(len(lines) - 1, -1, -1):
        for side, span in enumerate(lines[number]):
            if span is None:
                continue
            for height in range(max(span[0], 0), min(span[1], rows * 4 - 1) + 1):
                row = rows - 1 - height // 4
                masks[row] |= _DOTS[side][height % 4]
                owners[row] = number
    return [(chr(0x2800 + mask) if mask else " ", owner, -1) for mask, owner in zip(masks, owners, strict=True)]


def halved(lines: Sequence[Span], rows: int) -> list[Drawn]:
    """The same in half blocks, each of its own colour: one span for each line."""
    parts = [-1] * (2 * rows)
    for number in range(len(lines) - 1, -1, -1):
        span = lines[number]
        if span is not None:
            for height in range(max(span[0], 0), min(span[1], 2 * rows - 1) + 1):
                parts[height] = number
    return [_half(parts[2 * row + 1], parts[2 * row]) for row in range(rows - 1, -1, -1)]


def _half(upper: int, lower: int) -> Drawn:
    if upper == lower:
        return ("█" if upper >= 0 else " ", upper, -1)
    if lower < 0:
        return ("▀", upper, -1)
    if upper < 0:
        return ("▄", lower, -1)
    return ("▀", upper, lower)
