"""What an allocator did, a line each: when, a sign of what kind it was, and a sentence. Imports heap and line_view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events

from widgets.heap import HeapHappening
from widgets.line_view import LineView
from widgets.text import printable

_TAKEN, _FREED, _MADE, _MAPPED, _CACHED = (
    "heap--event-taken",
    "heap--event-freed",
    "heap--event-made",
    "heap--event-mapped",
    "heap--event-cached",
)
SIGNS = {
    "alloc": ("■", _TAKEN),
    "realloc": ("◧", _TAKEN),
    "free": ("□", _FREED),
    "search": ("?", "heap--muted"),
    "split": ("÷", _MADE),
    "coalesce": ("∪", _MADE),
    "map": ("▲", _MAPPED),
    "unmap": ("▼", _MAPPED),
    "purge": ("▽", _MAPPED),
    "slab new": ("▤", _MAPPED),
    "slab drop": ("▢", _MAPPED),
    "refill": ("↧", _CACHED),
    "flush": ("↥", _CACHED),
    "cache hit": ("∗", _CACHED),
}
"""The sign of each kind, and the component class of its colour."""
WIDE = 44  # cells from which on there is room for the time


class HeapLog(LineView):
    """The lines, the newest last and followed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heap--muted", *(style for _, style in SIGNS.values())}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follows=True, id=id, classes=classes)
        self._happenings: Sequence[HeapHappening] = ()

    def show(self, happenings: Sequence[HeapHappening]) -> None:
        """Show these from now on. Where they go on from those before only the new ones are drawn."""
        before, self._happenings = self._happenings, tuple(happenings)
        if not before or not self._happenings:
            self.reset_lines()
        elif self._happenings[: len(before)] == before:
            if len(before) != len(self._happenings):
                self.lines_changed(len(before))
        else:
            self.lines_changed(0, redraw=True)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.restyle()

    # --- what LineView asks for ---

    def line_count(self) -> int:
        return len(self._happenings)

    def line_text(self, index: int) -> str:
        return printable(self._happenings[index].words)

    def line_styled(self, index: int) -> Text:
        happening = self._happenings[index]
        sign, name = SIGNS.get(happening.kind, ("·", "heap--muted"))
        style = self.get_component_rich_style(name, partial=True)
        time = f"{happening.time:>9.3f} s " if self.size.width >= WIDE else ""
        muted = self.get_component_rich_style("heap--muted", partial=True)
        return Text.assemble((time, muted), (f"{sign} ", style), self.line_text(index), end="", no_wrap=True)
