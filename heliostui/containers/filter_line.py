"""The line that the list's filter is typed into: what was typed before comes back with the arrows. Imports widgets."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from widgets.search_line import SearchLine

KEPT = 50
"""Filters that are remembered."""


class FilterLine(SearchLine):
    """Enter keeps the filter, Escape clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", show=False, id="filter.before", tooltip="The filter before"),
        Binding("down", "recall(1)", show=False, id="filter.after", tooltip="The filter after"),
    ]

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(placeholder, id=id)
        self._history: list[str] = []
        self._place = 0
        self._typed = ""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key not in ("up", "down") and super().check_consume_key(key, character)

    def open(self) -> None:
        self._place, self._typed = len(self._history), self.value
        super().open()
        self.cursor_position = len(self.value)

    def keep(self) -> None:
        """Remember what is there."""
        text = self.value.strip()
        if text:
            self._history = [*(each for each in self._history if each != text), text][-KEPT:]

    def action_recall(self, by: int) -> None:
        """Go to another of those remembered; beyond the last is what was there."""
        if self._place == len(self._history):
            self._typed = self.value
        self._place = min(max(self._place + by, 0), len(self._history))
        self.value = [*self._history, self._typed][self._place]
        self.cursor_position = len(self.value)
