"""A line of numbered tabs, one of them shown; others may be marked because something happened in them. Imports text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from widgets.text import fit

MARKS = {"": "", "output": "•", "bell": "!"}
LEAST_NAME, MOST_NAME = 6, 24  # cells


@dataclass(frozen=True)
class Tab:
    """One tab. `place`: where it is, said after the name; `mark`: what happened in it: "", "output" or "bell";
    `seen`: what it names is on the screen, or would be if it were chosen."""

    key: str
    number: int | None
    name: str
    place: str = ""
    mark: str = ""
    seen: bool = True


class TabBar(Widget):
    """Draws the tabs in one line, names cut so that all of them are seen as long as that is possible."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tab--active",
        "tab--other",
        "tab--unseen",
        "tab--mark",
        "tab--bell",
        "tab--place",
    }

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        bar: TabBar
        key: str

        @property
        def control(self) -> TabBar:
            return self.bar

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()
        self._active = ""

    def show(self, tabs: Sequence[Tab], active: str) -> None:
        """Show these tabs; `active` is the key of the one that is looked at."""
        if (tuple(tabs), active) != (self._tabs, self._active):
            before = self._whole_width()
            self._tabs, self._active = tuple(tabs), active
            self.refresh(layout=self._whole_width() != before)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        for key, at, width in self.spans():
            if at <= event.x < at + width:
                self.post_message(self.Chosen(self, key))

    def spans(self) -> list[tuple[str, int, int]]:
        """The tabs that are seen: their keys, first cells and widths."""
        at, found = 0, []
        for tab, text in self._drawn():
            if at < self.size.width:
                found.append((tab.key, at, text.cell_len))
            at += text.cell_len
        return found

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self._whole_width()

    def _whole_width(self) -> int:
        """The cells of all tabs with their whole names; none before it has a place, and so styles."""
        return sum(self._tab(tab, MOST_NAME).cell_len for tab in self._tabs) if self.is_attached else 0

    def render(self) -> Text:
        line = Text(no_wrap=True, overflow="crop")
        for _, text in self._drawn():
            line.append_text(text)
        return line

    def _drawn(self) -> list[tuple[Tab, Text]]:
        """The tabs from the first that is needed for the active one to be seen."""
        longest = max((cell_len(tab.name) for tab in self._tabs), default=0)
        drawn = [(tab, self._tab(tab, MOST_NAME)) for tab in self._tabs]
        for most in range(min(MOST_NAME, longest), LEAST_NAME - 1, -1):
            drawn = [(tab, self._tab(tab, most)) for tab in self._tabs]
            if sum(text.cell_len for _, text in drawn) <= self.size.width:
                return drawn
        place = next((n for n, tab in enumerate(self._tabs) if tab.key == self._active), 0)
        while place and sum(text.cell_len for _, text in drawn[: place + 1]) > self.size.width:
            drawn, place = drawn[1:], place - 1
        return drawn

    def _tab(self, tab: Tab, most: int) -> Text:
        look = "tab--active" if tab.key == self._active else "tab--other" if tab.seen else "tab--unseen"
        base = self.get_component_rich_style(look)
        number = "" if tab.number is None else f"{tab.number} "
        text = Text.assemble(f" {number}", fit(tab.name, min(most, cell_len(tab.name))), style=base)
        if tab.place:
            place = fit(tab.place, min(most, cell_len(tab.place)))
            text.append(f" in {place}", base + self.get_component_rich_style("tab--place", partial=True))
        if tab.mark:
            name = "tab--bell" if tab.mark == "bell" else "tab--mark"
            text.append(f" {MARKS[tab.mark]}", base + self.get_component_rich_style(name, partial=True))
        return text.append(" ")
