"""Styles: what a cell looks like, and the table that numbers them.

A cell stores only a number, its style's index in the table. Imports nothing of the
package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

Color: TypeAlias = int | tuple[int, int, int]
"""An index into the palette of 256 (0-7 the eight colours, 8-15 their bright forms), or red, green, blue (0-255)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text is drawn. `None` as a colour means the terminal's own default."""

    foreground: Color | None = None
    background: Color | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: int = 0
    """0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed."""
    blink: bool = False
    reverse: bool = False
    hidden: bool = False
    strike: bool = False
    overline: bool = False
    underline_color: Color | None = None
    link: str | None = None
    """Where the text leads (OSC 8): a URI as the program gave it, without control characters."""


DEFAULT = Style()


class StyleTable:
    """Numbers styles. Number 0 is the default style. Grows only; `memory.collect` starts a new one when it is full."""

    LIMIT = 0xC000
    """Styles. What one piece of a stream can add beyond it stays below the surrogates, which no string may hold."""
    LINKS = 1 << 19
    """Characters of all links together; those that are too many are not kept."""
    _KNOWN_LIMIT = 20_000

    def __init__(self) -> None:
        self.styles: list[Style] = [DEFAULT]
        self._numbers: dict[Style, int] = {DEFAULT: 0}
        self.known: dict[tuple[int, str], int] = {}
        """(style, SGR sequence) and the style that follows, for those in a hurry: see `after`."""
        self._blank: dict[int, int] = {0: 0}
        self._links: set[str] = set()
        self._link_size = 0

    @property
    def full(self) -> bool:
        return len(self.styles) >= self.LIMIT

    @property
    def half_full(self) -> bool:
        return len(self.styles) >= self.LIMIT // 2

    @property
    def links_full(self) -> bool:
        return self._link_size >= self.LINKS

    @property
    def links_half_full(self) -> bool:
        return self._link_size >= self.LINKS // 2

    def number(self, style: Style) -> int:
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self.styles)
            self.styles.append(style)
            if style.link is not None and style.link not in self._links:
                self._links.add(style.link)
                self._link_size += len(style.link)
        return number

    def after(self, number: int, sequence: str, applied: Callable[[Style, str], Style]) -> int:
        """The number of the style that holds once an SGR sequence was `applied` to style `number`."""
        result = self.known.get((number, sequence))
        if result is None:
            if len(self.known) > self._KNOWN_LIMIT:
                self.known.clear()
            result = self.known[number, sequence] = self.number(applied(self.styles[number], sequence))
        return result

    def linked(self, number: int, link: str | None) -> int:
        """The number of style `number` with another link, or none. A full table takes no new one."""
        if link is not None and link not in self._links and self.links_full:
            link = None
        return self.number(replace(self.styles[number], link=link))

    def blank(self, number: int) -> int:
        """The style of cells erased while style `number` is in force: its background only (xterm's `bce`)."""
        result = self._blank.get(number)
        if result is None:
            result = self.number(Style(background=self.styles[number].background))
            self._blank[number] = result
        return result
