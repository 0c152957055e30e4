"""Textual's compositor, that asks widgets only for the lines it is to draw.

Textual's own has every widget near a change render all of its lines, of which it throws all but the changed ones away:
a character typed into a terminal costs as much as the whole screen. What it draws is the same. Imports Textual, a
private part of it: a screen has no other way to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


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
