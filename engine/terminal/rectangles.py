"""Rectangles: DECERA, DECFRA and DECCRA, which change the cells between four borders. Imports rows and screen.

Source: the VT420 manual. In origin mode the borders are counted from the margins. There is one page.
"""

from __future__ import annotations

from typing import NamedTuple

from .rows import WRAPPED, erased, overwritten, part, replaced
from .screen import Screen


class Rectangle(NamedTuple):
    """First and end of lines and columns; the ends are not included."""

    top: int
    left: int
    bottom: int
    right: int


def _rectangle(screen: Screen, p: tuple[int, ...]) -> Rectangle | None:
    """The borders of four parameters, counted from 1; those left out are the screen's."""
    top, left, bottom, right = ((*p, 0, 0, 0, 0)[:4]) if len(p) < 4 else p[:4]
    first, left_edge, end, right_edge = 0, 0, screen.lines, screen.columns
    if screen.origin:
        first, left_edge, end, right_edge = screen.top, screen.left, screen.bottom + 1, screen.right + 1
    top, left = first + (top or 1) - 1, left_edge + (left or 1) - 1
    bottom = min(first + bottom, end) if bottom else end
    right = min(left_edge + right, right_edge) if right else right_edge
    return Rectangle(top, left, bottom, right) if top < bottom and left < right else None


def erase(screen: Screen, p: tuple[int, ...]) -> None:
    """DECERA."""
    area = _rectangle(screen, p)
    if area:
        style = screen.styles.blank(screen.style)
        for y in range(area.top, area.bottom):
            screen.buffer[y] = erased(screen.buffer[y], area.left, area.right, style)


def fill(screen: Screen, p: tuple[int, ...]) -> None:
    """DECFRA: with a character, in the present style."""
    area, code = _rectangle(screen, p[1:]), p[0] or 32
    if area and (32 <= code < 127 or (160 <= code < 256 and code != 0xAD)):
        width = area.right - area.left
        cells, styles = chr(code) * width, chr(screen.style) * width
        for y in range(area.top, area.bottom):
            screen.buffer[y] = overwritten(screen.buffer[y], area.left, cells, styles)


def copy(screen: Screen, p: tuple[int, ...]) -> None:
    """DECCRA: onto another place, of which as much as fits; the two may overlap."""
    area = _rectangle(screen, p)
    place = _rectangle(screen, (*p[5:7], 0, 0)) if len(p) > 6 else _rectangle(screen, ())
    if not area or not place:
        return
    width = min(area.right - area.left, place.right - place.left)
    lines = [part(line, area.left, area.left + width) for line in screen.buffer[area.top : area.bottom]]
    for y, line in zip(range(place.top, place.bottom), lines, strict=False):
        cells, styles, flags = replaced(screen.buffer[y], place.left, place.left + width, line)
        screen.buffer[y] = cells, styles, flags & ~WRAPPED
