"""A table whose rows can be marked, so that something is done to many at once. Imports table.

A row that the filter hides keeps its mark, but nothing is done to what can't be seen: `marked` has only those shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.table import Heading, Keyed, Table

RowType = TypeVar("RowType", bound=Keyed)


class MarkedTable(Table[RowType]):
    """A table with marks, in front of the rows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--mark"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "mark",
            "Mark",
            show=False,
            id="list.mark",
            tooltip="Mark the row, or take its mark away, and go on",
        ),
        Binding(
            "asterisk",
            "mark_all",
            "Mark all",
            show=False,
            id="list.mark-all",
            tooltip="Mark all that are shown, or none",
        ),
        Binding("shift+up", "extend(-1)", "Mark up", show=False, id="list.mark-up", tooltip="Mark up to the row above"),
        Binding(
            "shift+down",
            "extend(1)",
            "Mark down",
            show=False,
            id="list.mark-down",
            tooltip="Mark down to the row below",
        ),
    ]

    @dataclass
    class Marked(Message):
        """Other rows are marked than before."""

        table: MarkedTable[Any]

        @property
        def control(self) -> MarkedTable[Any]:
            return self.table

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._marks: set[str] = set()

    @property
    def marked(self) -> list[str]:
        """The keys of the marked rows that pass the filter, in their order."""
        return [row.key for row in self._rows if row.key in self._marks] if self._marks else []

    @property
    def hidden_marks(self) -> int:
        """How many marked rows the filter hides."""
        return len(self._marks) - len(self.marked)

    def set_marks(self, keys: Iterable[str]) -> None:
        """Mark these and no others."""
        before, self._marks = self._marks, set(keys)
        if before != self._marks:
            self.refresh_changed()
            self.post_message(self.Marked(self))

    def show(self, rows: Iterable[RowType], headings: Sequence[Heading] = ()) -> None:
        """As `Table.show`; marks of rows that are gone are gone with them."""
        known = list(rows)
        super().show(known, headings)
        if self._marks:
            self.set_marks(self._marks & {row.key for row in known})

    def mark(self, row: RowType) -> tuple[str, str]:
        return ("▌", "table--mark") if row.key in self._marks else (" ", "")

    def _toggle(self, key: str) -> None:
        self.set_marks(self._marks ^ {key})

    def action_mark(self) -> None:
        if self.selected is not None:
            self._toggle(self.selected.key)
        self.action_move(1)

    def action_mark_all(self) -> None:
        shown = {row.key for row in self._rows}
        self.set_marks(self._marks - shown if shown <= self._marks else self._marks | shown)

    def action_extend(self, by: int) -> None:
        """Mark the row under the cursor, move, and mark that one too."""
        marks = {row.key for row in (self.selected,) if row is not None}
        self.action_move(by)
        self.set_marks(self._marks | marks | {row.key for row in (self.selected,) if row is not None})

    def on_click(self, event: events.Click) -> None:
        """With ctrl, a click marks; so does one in front of a row."""
        place = self.scroll_offset.y + event.y - 1
        line = self._lines[place] if event.y and place < len(self._lines) else None
        if line is not None and not isinstance(line, Heading) and event.button == 1 and (event.ctrl or event.x == 0):
            event.stop()
            event.prevent_default()
            self._toggle(line.key)
