"""A pane of one table with a line to type a filter into, below it and only while one types.

`/` opens the line, Enter keeps the filter, Escape ends it. Imports noted, search_line and the tables.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from textual import on
from textual.app import ComposeResult

from widgets.noted import Noted
from widgets.search_line import SearchLine
from widgets.section_table import SectionTable
from widgets.table import Table

AnyTable = TypeVar("AnyTable", bound=Table[Any] | SectionTable)


class Filtered(Noted, Generic[AnyTable]):
    """Shows the rows of its table that have the words, or a note. A pane binds the keys `filter` and `forget`."""

    def __init__(self, table: AnyTable, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.table = table
        self.filter_line = SearchLine("words to look for")

    def compose(self) -> ComposeResult:
        yield self.note
        yield self.table
        yield self.filter_line

    def say(self, why: str) -> None:
        super().say(why)
        self.table.display = not why

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.table.filter) if action == "forget" else True

    def action_filter(self) -> None:
        self.filter_line.open()

    def action_forget(self) -> None:
        self.filter_line.action_forget()

    @on(SearchLine.Changed)
    def _typed(self, event: SearchLine.Changed) -> None:
        event.stop()
        self.table.filter = event.value
        self.post_message(self.Described())

    @on(SearchLine.Submitted)
    @on(SearchLine.Ended)
    def _close(self, event: SearchLine.Submitted | SearchLine.Ended) -> None:
        """Hide the line; what was typed goes on to filter."""
        event.stop()
        self.filter_line.display = False
        self.table.focus()
        self.refresh_bindings()
