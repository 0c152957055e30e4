"""Textual's compositor, that asks widgets only for the lines it is to draw, and sends only the cells that changed.

Textual's own has every widget near a change render all of its lines, of which it throws all but the changed ones away:
a character typed into a terminal costs as much as the whole screen. It also sends a changed line from its widget's
left edge on: a graph that grows at its right end would be sent whole. What is shown is the same. Imports Textual, a
private part of it: a screen has no other way to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from rich.cells import set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from .shown_cells import ShownCells


class FullUpdate(LayoutUpdate):
    """A part of the screen that may differ everywhere; what does not is not sent."""

    shown: ShownCells

    def render_segments(self, console: Console) -> str:
        x, y, *_ = self.region
        lines = ((x, y + line, chain.from_iterable(strips)) for line, strips in enumerate(self.strips))
        return self.shown.draw(lines, console._color_system or ColorSystem.TRUECOLOR)


class LeanUpdate(ChopsUpdate):
    """Changed spans of lines, each sent from its first cell to its last; of these, where the terminal is known, only
    cells that differ."""

    shown: ShownCells | None = None

    def render_segments(self, console: Console) -> str:
        if self.shown is not None:
            return self.shown.draw(self._pieces(), console._color_system or ColorSystem.TRUECOLOR)
        pieces = []
        for x, y, strip in self._pieces():
            pieces.append(Control.move_to(x, y).segment.text)
            pieces.append(strip.render(console))
        return "".join(pieces)

    def _pieces(self) -> Iterable[tuple[int, int, Strip]]:
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                start = whole(strip, left - x) if left > x else 0
                yield x + start, y, strip.crop(start, min(end, right) - x)


def whole(strip: Strip, cell: int) -> int:
    """The cell, or the one before where that is the first of a wide character's two."""
    at = 0
    for segment in strip:
        inside, at = cell - at, at + segment.cell_length
        if at > cell:
            return cell if segment.text.startswith(set_cell_size(segment.text, inside)) else cell - 1
    return cell


class LeanCompositor(Compositor):
    """A screen uses it when it is set as its `_compositor` before it is mounted."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """For each widget, those in front first: its region, the part of it that is drawn, and that part's lines."""
        crop = self.size.region if crop is None else crop
        lines = Region(0, crop.y, self.size.width, crop.height)
        in_front: list[Region] = []
        for widget, (region, clip) in self.visible_widgets.items():
            part = region.intersection(clip).intersection(lines)
            if not part or not part.overlaps(crop) or any(other.contains_region(part) for other in in_front):
                continue
            in_front.append(part)
            yield region, part, widget.render_lines(part.translate(-region.offset))

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        if update is None:
            return None
        lean = LeanUpdate(update.chops, update.spans, update.chop_ends)
        lean.shown = self._shown
        return lean

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        update = super().render_full_update(simplify)
        shown = self._shown
        if shown is None:
            return update
        full = FullUpdate(update.strips, update.region)
        full.shown = shown
        return full

    @property
    def _shown(self) -> ShownCells | None:
        """What the terminal shows, where it is ours alone."""
        driver = self.root.app._driver if self.root is not None else None
        shown = getattr(driver, "shown", None)
        if not isinstance(shown, ShownCells):
            return None
        shown.fit(*self.size)
        return shown
