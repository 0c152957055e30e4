"""Colours: what the numbers and the defaults look like, for programs that ask (OSC 4, 10, 11, 12).

A program asks in order to choose colours that can be read. Imports the standard library only.
"""

from __future__ import annotations

from typing import NamedTuple

RGB = tuple[int, int, int]
_SIXTEEN: tuple[RGB, ...] = (
    *((0x23, 0x26, 0x2D), (0xD8, 0x50, 0x5C), (0x43, 0xA0, 0x47), (0xB8, 0x8D, 0x2A)),
    *((0x4A, 0x8B, 0xE0), (0xB2, 0x66, 0xC9), (0x2A, 0x9D, 0xA5), (0xC8, 0xCC, 0xD4)),
    *((0x6B, 0x72, 0x80), (0xFF, 0x8A, 0x92), (0x9F, 0xE0, 0x8F), (0xF2, 0xD2, 0x7C)),
    *((0x8C, 0xC4, 0xFF), (0xDF, 0xA6, 0xEE), (0x80, 0xDF, 0xE5), (0xFF, 0xFF, 0xFF)),
)
_LEVELS = (0, 95, 135, 175, 215, 255)


class Colors(NamedTuple):
    """The colours of a terminal as red, green and blue from 0 to 255."""

    foreground: RGB = (0xC8, 0xCC, 0xD4)
    background: RGB = (0x16, 0x18, 0x1D)
    cursor: RGB = (0xC8, 0xCC, 0xD4)
    sixteen: tuple[RGB, ...] = _SIXTEEN

    @property
    def dark(self) -> bool:
        return sum(self.background) < sum(self.foreground)

    def indexed(self, index: int) -> RGB:
        """One of the palette of 256: the sixteen, a cube of 6x6x6, and 24 greys."""
        if index < 16:
            return self.sixteen[index]
        if index < 232:
            index -= 16
            return _LEVELS[index // 36], _LEVELS[index // 6 % 6], _LEVELS[index % 6]
        return (8 + 10 * (index - 232),) * 3


def spelled(color: RGB) -> str:
    """As X11 writes it and programs expect it: four digits of each."""
    return "rgb:" + "/".join(f"{part * 257:04x}" for part in color)
