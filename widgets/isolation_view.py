"""What a container can and can't see and do, in lines that can be searched, with its sections named above.

Takes an `Isolation` of plain values. Imports isolation, isolation_lines, line_view and section_line.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from widgets.isolation import Isolation
from widgets.isolation_lines import Line, Section, sections
from widgets.line_view import LineView
from widgets.searchable import Searchable
from widgets.section_line import SectionLine


class IsolationLines(LineView):
    """The lines, made for the width there is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "isolation--muted",
        "isolation--strong",
        "isolation--open",
        "isolation--shut",
        "isolation--shared",
        "isolation--title",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left", "section(-1)", "Section before", show=False, id="section.previous", tooltip="To the section before"
        ),
        Binding(
            "right",
            "section(1)",
            "Section",
            key_display="←→",
            tooltip="To the next section, or the one before",
            id="isolation.next",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._isolation: Isolation | None = None
        self._sections: list[Section] = []
        self._starts: list[int] = []
        self._lines: list[Line] = []
        self._laid_out_for = 0
        self._aimed = 0

    def show(self, isolation: Isolation | None) -> None:
        if isolation != self._isolation:
            self._isolation = isolation
            self._lay_out()

    def _lay_out(self) -> None:
        """Make the lines anew; the place stays."""
        top = self.scroll_offset.y
        self._laid_out_for = self.content_size.width
        self._sections = sections(self._isolation, self._laid_out_for) if self._isolation else []
        self._sections = [section for section in self._sections if section.lines]
        self._lines, self._starts = [], []
        for section in self._sections:
            self._starts.append(len(self._lines) + (not section.lines[0]))
            self._lines += section.lines
        self.reset_lines()
        self.scroll_to(y=top, animate=False)

    @property
    def names(self) -> list[str]:
        """The sections there are."""
        return [section.name for section in self._sections]

    @property
    def section(self) -> int:
        """The place of the section that is looked at."""
        if self.is_vertical_scroll_end and self._starts and self.max_scroll_y:
            return max(bisect_right(self._starts, self.scroll_offset.y) - 1, self._aimed)
        return max(0, bisect_right(self._starts, self.scroll_offset.y) - 1)

    def go_to(self, place: int) -> None:
        """Show a section from its first line on, as far as there are lines after it."""
        if self._starts:
            self._aimed = min(max(place, 0), len(self._starts) - 1)
            self.scroll_to(y=self._starts[self._aimed], animate=False)
            self.post_message(self.Changed(self))

    def action_section(self, by: int) -> None:
        self.go_to(self.section + by)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Changed(self))

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        if self._isolation is not None and self.content_size.width != self._laid_out_for:
            self._lay_out()

    def line_count(self) -> int:
        return len(self._lines)

    def line_text(self, index: int) -> str:
        return "".join(text for text, _ in self._lines[index])

    def line_styled(self, index: int) -> Text:
        line = Text(end="")
        for text, name in self._lines[index]:
            line.append(text, self.get_component_rich_style(name, partial=True))
        return line


class IsolationView(Vertical):
    """The names of the sections, and below them the lines with their search."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines = IsolationLines()

    def compose(self) -> ComposeResult:
        yield SectionLine()
        yield Searchable(self.lines)

    def show(self, isolation: Isolation | None) -> None:
        """Show these fences; None: nothing."""
        self.lines.show(isolation)

    @on(LineView.Changed)
    def _moved(self) -> None:
        line = self.query_one(SectionLine)
        line.names, line.here = tuple(self.lines.names), self.lines.section

    @on(SectionLine.Chosen)
    def _section_chosen(self, event: SectionLine.Chosen) -> None:
        event.stop()
        self.lines.go_to(event.place)
