"""What an allocator did, a line each: when, a sign of what kind it was, and a sentence.

Imports heap, line_view and text.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
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
WIDE, TIME = 44, 12  # cells from which on there is room for the time, and how many that takes


class HeapLog(LineView):
    """The lines, the newest last and followed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heap--muted", *(style for _, style in SIGNS.values())}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follows=True, id=id, classes=classes)
        self._happenings: Sequence[HeapHappening] = ()
        self._lines: list[tuple[HeapHappening | None, str]] = []  # what happened, where its sentence begins

    def show(self, happenings: Sequence[HeapHappening]) -> None:
        """Show these from now on. Where they go on from those before only the new ones are drawn."""
        before, self._happenings = self._happenings, tuple(happenings)
        if before and self._happenings[: len(before)] == before:
            first = len(self._lines)
            self._lay_out(self._happenings[len(before) :])
            if first < len(self._lines):
                self.lines_changed(first)
        elif before != self._happenings:
            self._lines.clear()
            self._lay_out(self._happenings)
            self.lines_changed(0, redraw=True)

    def _lay_out(self, happenings: Sequence[HeapHappening]) -> None:
        """The sentences as lines that fit."""
        room = max(8, self.scrollable_size.width - self._indent)
        for happening in happenings:
            first, *more = wrap(printable(happening.words), room) or [""]
            self._lines += [(happening, first), *((None, line) for line in more)]

    @property
    def _indent(self) -> int:
        """Cells before a sentence."""
        return 2 + (TIME if self.scrollable_size.width >= WIDE else 0)

    def on_resize(self, event: events.Resize) -> None:
        self._lines.clear()
        self._lay_out(self._happenings)
        self.lines_changed(0, redraw=True)
        super().on_resize(event)

    # --- what LineView asks for ---

    def line_count(self) -> int:
        return len(self._lines)

    def line_text(self, index: int) -> str:
        return self._lines[index][1]

    def line_styled(self, index: int) -> Text:
        happening, words = self._lines[index]
        text = Text(end="", no_wrap=True)
        if happening is None:
            return text.append(" " * self._indent + words)
        sign, name = SIGNS.get(happening.kind, ("·", "heap--muted"))
        if self._indent > TIME:
            muted = self.get_component_rich_style("heap--muted", partial=True)
            text.append(f"{happening.time:>{TIME - 3}.3f} s ", muted)
        return text.append(f"{sign} ", self.get_component_rich_style(name, partial=True)).append(words)
