"""The names of the sections of a long view, in one line above it. Imports Textual only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class SectionLine(Widget):
    """The names of the sections, the one that is looked at lit. A click chooses one."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"section--here", "section--other"}

    @dataclass
    class Chosen(Message):
        """A name was clicked: the section at this place is to be looked at."""

        place: int

    here: reactive[int] = reactive(0)
    names: reactive[tuple[str, ...]] = reactive(())

    @property
    def _shown(self) -> list[tuple[int, str]]:
        """Places and names from the first that leaves room for the one that is looked at."""
        first, room = 0, self.size.width
        while first < self.here and sum(len(name) + 2 for name in self.names[first : self.here + 1]) > room:
            first += 1
        return list(enumerate(self.names))[first:]

    def render(self) -> Text:
        line = Text(no_wrap=True, overflow="crop")
        for place, name in self._shown:
            style = "section--here" if place == self.here else "section--other"
            line.append(f" {name} ", self.get_component_rich_style(style))
        return line

    def on_click(self, event: events.Click) -> None:
        end = 0
        for place, name in self._shown:
            end += len(name) + 2
            if event.x < end:
                self.post_message(self.Chosen(place))
                return
