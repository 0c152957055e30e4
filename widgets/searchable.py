"""A view of lines with a line to type a search into, below it and only while one searches.

`/` opens it, Enter keeps the search, Escape ends it; `n` and `N` go on as in less(1). Imports line_view, search_line.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from widgets.line_view import LineView
from widgets.search_line import SearchLine


class Searchable(Vertical):
    """Puts a search line under a `LineView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="search.open", key_display="/", tooltip="Find text in these lines"),
        Binding("n", "match(1)", "Next match", id="search.next", tooltip="Go to the next line that matches"),
        Binding(
            "N",
            "match(-1)",
            "Previous match",
            id="search.previous",
            show=False,
            tooltip="Go to the line that matches before",
        ),
        Binding("escape", "end", "End search", id="search.end", show=False, tooltip="Forget the search"),
    ]

    def __init__(self, view: LineView, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view
        yield SearchLine("what to search for, or /a regular expression/", classes="search")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("match", "end"):
            return bool(self.view.term)
        return True

    def action_search(self) -> None:
        self._search_line.open()

    def action_match(self, direction: int) -> None:
        self.view.go_to_match(direction)

    def action_end(self) -> None:
        self._search_line.action_forget()

    @property
    def _search_line(self) -> SearchLine:
        return self.query_one(".search", SearchLine)

    @on(SearchLine.Changed, ".search")
    def _typed(self, event: SearchLine.Changed) -> None:
        event.stop()
        self.view.term = event.value
        self.refresh_bindings()

    @on(SearchLine.Submitted, ".search")
    @on(SearchLine.Ended, ".search")
    def _close(self, event: SearchLine.Submitted | SearchLine.Ended) -> None:
        """Hide the line; what is searched for stays marked."""
        event.stop()
        self._search_line.display = False
        self.view.focus()
        self.refresh_bindings()
