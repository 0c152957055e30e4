"""Memory: the tables of styles, links and clusters made anew, with only what is in use, when one of them is full.

A screen and its scrollback can hold more than a table: then the oldest lines lose their colours, links or marks, so
that half of each table is free again. Imports rows, screen, styles and width.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .rows import Line
from .screen import Screen
from .styles import DEFAULT, StyleTable
from .width import Clusters


def collect(screen: Screen) -> None:
    """Numbers styles and clusters anew, the newest lines first."""
    new = _Renumbering(screen.styles, screen.clusters)
    screen.styles, screen.clusters = new.styles, new.clusters
    screen.style = new.style(screen.style)
    screen.saved, screen.saved_behind = (
        each._replace(style=new.style(each.style)) for each in (screen.saved, screen.saved_behind)
    )
    screen.buffer = list(new.lines(screen.buffer))
    screen.behind = list(new.lines(screen.behind))
    history = list(new.lines(reversed(screen.history)))
    screen.history = deque(reversed(history), screen.history.maxlen)


class _Renumbering:
    """Old numbers and their new ones."""

    def __init__(self, styles: StyleTable, clusters: Clusters) -> None:
        self._old_styles, self._old_clusters = styles, clusters
        self.styles, self.clusters = StyleTable(), Clusters()
        self._numbers: dict[int, int] = {0: 0}
        self._cells: dict[int, str] = {}

    def style(self, number: int) -> int:
        new = self._numbers.get(number)
        if new is None:
            style = DEFAULT if self.styles.half_full else self._old_styles.styles[number]
            if style.link and self.styles.links_half_full:
                style = replace(style, link=None)
            new = self._numbers[number] = self.styles.number(style)
        return new

    def lines(self, lines: Iterable[Line]) -> Iterator[Line]:
        for cells, styles, flags in lines:
            for number in map(ord, set(styles)):
                self.style(number)
            yield self._translated(cells), styles.translate(self._numbers), flags

    def _translated(self, cells: str) -> str:
        found = Clusters.found(cells)
        if not found:
            return cells
        for cell in found:
            if ord(cell) not in self._cells:
                text = self._old_clusters.text(cell)
                kept = text[0] if self.clusters.half_full else self.clusters.add(text[0], text[1:])
                self._cells[ord(cell)] = kept
        return cells.translate(self._cells)
