"""Many lines of text, drawn only where they are seen, with search: what the log and inspect views are made of.

A subclass gives the lines; `LineView` scrolls, caches the strips it drew, finds and marks what is searched for, and
follows the end. A line is one row on the screen, unless the subclass lays them out in another way. Imports matching.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.matching import Matcher, matcher


class LineView(ScrollView, can_focus=True):
    """Lines of text, of any number."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--text", "lines--match", "lines--current-match"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="lines.up", tooltip="A line up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="lines.down", tooltip="A line down"),
        Binding("left", "aside(-1)", "Left", show=False, id="lines.left", tooltip="To the left of long lines"),
        Binding("right", "aside(1)", "Right", show=False, id="lines.right", tooltip="To the right of long lines"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="lines.page-up", tooltip="A screen up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="lines.page-down", tooltip="A screen down"),
        Binding("home,g", "edge(False)", "First line", show=False, id="lines.first", tooltip="To the first line"),
        Binding("end,G", "edge(True)", "Last line", show=False, id="lines.last", tooltip="To the last line"),
    ]
    STRIPS = 400
    """How many drawn lines are kept."""
    ASIDE = 8
    """Cells that long lines move by."""

    following: reactive[bool] = reactive(False, repaint=False)
    """Whether the end stays in sight as lines come. Scrolling up ends it, reaching the end begins it anew."""
    term: reactive[str] = reactive("", repaint=False)
    """What is searched for: words, without regard to case, or `/a regular expression/`."""
    match: reactive[int | None] = reactive(None, repaint=False)
    """The line of the match that was gone to."""

    @dataclass
    class Changed(Message):
        """What a border may tell has changed: following, the search, or how much there is."""

        view: LineView

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(self, *, follows: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._follows = follows
        self.set_reactive(LineView.following, follows)
        self._strips: dict[int, Strip] = {}
        self._widest = 0
        self._wanted = Matcher("")
        self._matches: list[int] = []
        self._searched = 0  # lines looked through for `_matches`

    # --- what a subclass says ---

    def line_count(self) -> int:
        raise NotImplementedError

    def line_text(self, index: int) -> str:
        """The line without style; what a search looks at."""
        raise NotImplementedError

    def line_styled(self, index: int) -> Text:
        """The line as it is drawn. What precedes `line_text` in it (a time, a mark) is not searched."""
        raise NotImplementedError

    # --- how lines are laid out in rows ---

    def row_count(self) -> int:
        return self.line_count()

    def line_at(self, row: int) -> tuple[int, int]:
        """The line of a row, and in which cell of the line the row begins."""
        return row, 0

    def row_of(self, index: int) -> int:
        """The first row of a line."""
        return index

    # --- lines that come and change ---

    def lines_changed(self, first: int, *, redraw: bool = False) -> None:
        """Lines from `first` on are new or different; `redraw`: they were drawn before, or all has moved."""
        if redraw:
            self._strips = {index: strip for index, strip in self._strips.items() if index < first}
        self._searched = min(self._searched, first)
        del self._matches[bisect_left(self._matches, first) :]
        self._look()
        top, height = self.scroll_offset.y, self.size.height
        row = min(self.row_of(first), self.row_count())
        seen = redraw or row < top + height
        self._resize(self.row_count())
        if self.following:
            self._to_end()
        if seen:
            y = 0 if redraw else max(0, row - self.scroll_offset.y)
            self.refresh(Region(0, y, self.size.width, max(0, height - y)))
        self.post_message(self.Changed(self))

    def lines_gone(self, count: int) -> None:
        """The first `count` lines are no more, and the others have moved up; `lines_changed` follows, with `redraw`."""
        self._strips.clear()
        gone = bisect_left(self._matches, count)
        self._matches = [index - count for index in self._matches[gone:]]
        self._searched = max(0, self._searched - count)
        if self.match is not None:
            self.match = self.match - count if self.match >= count else None

    def reset_lines(self) -> None:
        """All lines are different ones now."""
        self._strips.clear()
        self._widest = 0
        self._matches, self._searched = [], 0
        self.match = None
        self.set_reactive(LineView.following, self._follows)
        self.scroll_to(0, 0, animate=False)
        self.lines_changed(0, redraw=True)

    def restyle(self) -> None:
        """All lines look different now, their text being the same."""
        self._strips.clear()
        self.refresh()

    def _resize(self, count: int) -> None:
        size = Size(self._widest, count)
        if size != self.virtual_size:
            self.virtual_size = size

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def action_page(self, by: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + by * max(1, self.size.height - 1), animate=False)

    def action_aside(self, by: int) -> None:
        # Forced, for there may be no scroll bar to say that there is more.
        self.scroll_to(x=self.scroll_offset.x + by * self.ASIDE, animate=False, force=True)

    def action_edge(self, last: bool) -> None:
        if last:
            self._to_end()
        else:
            self.scroll_to(y=0, animate=False)

    # --- following ---

    def _to_end(self) -> None:
        # Forced, for whether there is a scroll bar is settled only at the next layout.
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._follows:
            self.following = self.is_vertical_scroll_end

    def on_resize(self, event: events.Resize) -> None:
        if self.following:
            self._to_end()

    def watch_following(self, following: bool) -> None:
        if following and self.is_attached:
            self._to_end()
        self.post_message(self.Changed(self))

    # --- searching ---

    @property
    def matches(self) -> int:
        """How many lines contain what is searched for."""
        return len(self._matches)

    @property
    def match_number(self) -> int:
        """Which of them was gone to, from 1; 0 for none."""
        return 0 if self.match is None else bisect_right(self._matches, self.match)

    @property
    def wanted(self) -> Matcher:
        """What `term` means."""
        return self._wanted

    def watch_term(self) -> None:
        self._wanted = matcher(self.term)
        self._matches, self._searched = [], 0
        self._look()
        self.restyle()
        self.match = None
        if self._matches:
            self.go_to_match(1, start=self._top_line() - 1)
        self.post_message(self.Changed(self))

    def _look(self) -> None:
        """Look through the lines not looked through yet."""
        count = self.line_count()
        if self._wanted:
            matches, line = self._wanted.matches, self.line_text
            self._matches += [i for i in range(self._searched, count) if matches(line(i))]
        self._searched = count

    def go_to_match(self, direction: int, start: int | None = None) -> None:
        """Go to the next (1) or previous (-1) line that matches, from the one gone to last; round the end."""
        if not self._matches:
            return
        here = start if start is not None else self.match if self.match is not None else self._top_line()
        if direction > 0:
            place = bisect_right(self._matches, here) % len(self._matches)
        else:
            place = bisect_left(self._matches, here) - 1
        self.match = self._matches[place]
        self.following = False
        self.scroll_to(y=max(0, self.row_of(self.match) - self.size.height // 2), animate=False)
        self.restyle()
        self.post_message(self.Changed(self))

    def _top_line(self) -> int:
        """The line at the top of what is seen."""
        row = self.scroll_offset.y
        return self.line_at(row)[0] if row < self.row_count() else self.line_count()

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        style = self.get_component_rich_style("lines--text")
        if scroll_y + y >= self.row_count():
            return Strip.blank(self.size.width, style)
        index, begin = self.line_at(scroll_y + y)
        scroll_x += begin
        strip = self._strips.get(index)
        if strip is None:
            if len(self._strips) >= self.STRIPS:
                self._strips.clear()
            strip = self._strips[index] = self._draw(index)
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, style).apply_style(style)

    def _draw(self, index: int) -> Strip:
        text = self.line_styled(index)
        if self._wanted:
            name = "lines--current-match" if index == self.match else "lines--match"
            style = self.get_component_rich_style(name)
            line = self.line_text(index)
            before = len(text.plain) - len(line)
            for start, end in self._wanted.spans(line):
                text.stylize(style, before + start, before + end)
        strip = Strip(text.render(self.app.console))
        if strip.cell_length > self._widest:
            self._widest = strip.cell_length
            self.call_after_refresh(self._resize, self.row_count())
        return strip
