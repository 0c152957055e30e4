"""Bars of a heap: how its sizes, its slabs, its free lists are used. Takes `HeapBar`s; the states look as on the map.

Draws again only the bars that changed. Imports heap and text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.heap import HeapBar
from widgets.text import fit

_EIGHTHS = " ▏▎▍▌▋▊▉"
_PARTS = (("heap--used", " "), ("heap--cached", "╱"), ("heap--free", "·"))
LEAST = 12
"""Cells that a bar has at least where something is said beside it."""
LABEL = 0.4  # how much of the width labels take at most


class HeapBars(ScrollView):
    """The bars, one a line. `shares`: each as long as the others, to compare what part of each is in use."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heap--text",
        "heap--muted",
        "heap--heading",
        "heap--rule",
        "heap--used",
        "heap--cached",
        "heap--free",
    }
    ALLOW_SELECT = False

    def __init__(self, *, shares: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shares = shares
        self._bars: Sequence[HeapBar] = ()
        self._widths = (0, 0, 0)
        self._largest = 1

    def show(self, bars: Sequence[HeapBar]) -> None:
        """Show these from now on."""
        before, self._bars = self._bars, tuple(bars)
        looks = (self._widths, self._largest, len(before))
        self._arrange()
        if looks != (self._widths, self._largest, len(self._bars)):
            self.virtual_size = Size(self.scrollable_size.width, len(self._bars))
            self.refresh()
            return
        for n, (old, new) in enumerate(zip(before, self._bars, strict=True)):
            y = n - self.scroll_offset.y
            if old != new and 0 <= y < self.size.height:
                self.refresh(Region(0, y, self.size.width, 1))

    def _arrange(self) -> None:
        """The widths of label, bar and words: the words only where the bar keeps room."""
        width = self.scrollable_size.width
        label = min(max((len(bar.label) for bar in self._bars), default=0), int(width * LABEL))
        told = max((len(bar.told) for bar in self._bars), default=0)
        room = width - label - 2
        if room - told - 1 < LEAST:
            told = 0
        self._widths = (label, max(0, room - (told + 1 if told else 0)), told)
        self._largest = max((bar.used + bar.cached + bar.free for bar in self._bars), default=0) or 1

    def on_resize(self) -> None:
        self._arrange()
        self.virtual_size = Size(self.scrollable_size.width, len(self._bars))
        self.refresh()

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        width, text = self.scrollable_size.width, self.get_component_rich_style("heap--text")
        place = y + self.scroll_offset.y
        if place >= len(self._bars):
            return Strip.blank(width, text)
        bar = self._bars[place]
        label, length, told = self._widths
        muted = self.get_component_rich_style("heap--muted")
        segments = [Segment(f"{fit(bar.label, label, right=True)} ", muted), *self._bar(bar, length)]
        if told:
            segments.append(Segment(f" {fit(bar.told, told)}", text))
        return Strip(segments).adjust_cell_length(width, text)

    def _bar(self, bar: HeapBar, length: int) -> Iterator[Segment]:
        """Its parts one after the other, to an eighth of a cell; what there is of has at least that."""
        total = bar.used + bar.cached + bar.free
        ends = bar_ends((bar.used, bar.cached, bar.free), total if self._shares else self._largest, length)
        for style, run in groupby(self._cells(ends, length), key=lambda cell: cell[1]):
            yield Segment("".join(character for character, _ in run), style)

    def _cells(self, ends: Sequence[int], length: int) -> Iterator[tuple[str, Style]]:
        styles = [self.get_component_rich_style(name) for name, _ in _PARTS]
        ground = self.get_component_rich_style("heap--text")
        for cell in range(length):
            first = _part_at(ends, cell * 8)
            cut = next((end - cell * 8 for end in ends if cell * 8 < end < cell * 8 + 8), 0)
            if first is None:
                yield " ", ground
            elif not cut:
                yield _PARTS[first][1], styles[first]
            else:
                after = _part_at(ends, cell * 8 + 7)
                behind = ground if after is None or after == first else styles[after]
                yield _EIGHTHS[cut], Style(color=styles[first].bgcolor, bgcolor=behind.bgcolor)


def bar_ends(amounts: Sequence[int], largest: int, length: int) -> list[int]:
    """Where each part of a bar ends, in eighths of a cell. Each that is not nothing has one eighth at least."""
    ends: list[int] = []
    at, total = 0, 0
    for amount in amounts:
        total += amount
        end = round(total * length * 8 / max(1, largest))
        at = min(max(end, at + (amount > 0)), length * 8)
        ends.append(at)
    return ends


def _part_at(ends: Sequence[int], eighth: int) -> int | None:
    return next((part for part, end in enumerate(ends) if eighth < end), None)
