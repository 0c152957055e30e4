"""The grid: lines, cursor, margins and tab stops, and how they are moved, erased and scrolled.

Knows nothing of escape sequences. Columns and lines count from 0; margins are included in what they enclose. Imports
rows, styles and width.

Sources: DEC STD 070 (video terminals), xterm's ctlseqs and its behaviour where the standard is silent.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable

from .rows import BLANK, WRAPPED, Line, deleted, erased, full, inserted, part, replaced
from .styles import StyleTable
from .width import Clusters

TAB_WIDTH = 8


class Grid:
    """`pending` is the state after the last column was written: the cursor stays on it, the next character wraps."""

    def __init__(self, columns: int, lines: int, history: int) -> None:
        self.columns, self.lines = columns, lines
        self.history: deque[Line] = deque(maxlen=history)
        self.alternate = False
        self.clear()

    def clear(self) -> None:
        """As after power on, with an empty scrollback."""
        self.buffer: list[Line] = [BLANK] * self.lines
        self.history.clear()
        self.scrolled = 0
        """Lines that have left the screen at its top, those that fell out of the scrollback included."""
        self.styles, self.clusters = StyleTable(), Clusters()
        self.tabs = list(range(TAB_WIDTH, self.columns, TAB_WIDTH))
        self.x = self.y = 0
        self.reset_margins()
        self.pending = self.origin = self.newline = False
        self.style = 0

    # Margins

    def reset_margins(self) -> None:
        self.top, self.bottom = 0, self.lines - 1
        self.set_sides(0, self.columns - 1)

    def set_sides(self, left: int, right: int) -> None:
        self.left, self.right = left, right
        self.wide = left == 0 and right == self.columns - 1
        """Whether the region between the margins is as wide as the screen."""
        self.set_modes()

    def set_modes(self) -> None:
        """Called when something changed that decides how text is printed."""

    @property
    def inside(self) -> bool:
        """Whether the cursor is between all margins."""
        return self.top <= self.y <= self.bottom and self.left <= self.x <= self.right

    def set_margins(self, top: int, bottom: int) -> None:
        bottom = min(bottom, self.lines - 1)
        if 0 <= top < bottom:
            self.top, self.bottom = top, bottom
            self.move_to(0, 0)

    def set_side_margins(self, left: int, right: int) -> None:
        right = min(right, self.columns - 1)
        if 0 <= left < right:
            self.set_sides(left, right)
            self.move_to(0, 0)

    def set_origin(self, on: bool) -> None:
        self.origin = on
        self.move_to(0, 0)

    # Moving

    def move_to(self, x: int, y: int) -> None:
        """To a column and a line; in origin mode counted from the margins, and kept within."""
        if self.origin:
            x, y = min(x + self.left, self.right), min(y + self.top, self.bottom)
        self.x = x if x < self.columns else self.columns - 1
        self.y = y if y < self.lines else self.lines - 1
        self.pending = False

    def move_to_column(self, x: int) -> None:
        if self.origin:
            x = min(x + self.left, self.right)
        self.x, self.pending = min(x, self.columns - 1), False

    def move_to_line(self, y: int) -> None:
        if self.origin:
            y = min(y + self.top, self.bottom)
        self.y, self.pending = min(y, self.lines - 1), False

    def carriage_return(self) -> None:
        self.x = self.left if self.x >= self.left or self.origin else 0
        self.pending = False

    def linefeed(self) -> None:
        """One line down; at the bottom margin the region scrolls up instead."""
        self.pending = False
        y = self.y
        if y != self.bottom:
            if y < self.lines - 1:
                self.y = y + 1
        elif self.left <= self.x <= self.right:
            self.scroll_up(1)

    def next_line(self) -> None:
        self.carriage_return()
        self.linefeed()

    def reverse_linefeed(self) -> None:
        self.pending = False
        if self.y == self.top:
            if self.left <= self.x <= self.right:
                self.scroll_down(1)
        elif self.y:
            self.y -= 1

    def up(self, count: int) -> None:
        self.y = max(self.top if self.y >= self.top else 0, self.y - count)
        self.pending = False

    def down(self, count: int) -> None:
        self.y = min(self.bottom if self.y <= self.bottom else self.lines - 1, self.y + count)
        self.pending = False

    def forward(self, count: int) -> None:
        self.x = min(self.right if self.x <= self.right else self.columns - 1, self.x + count)
        self.pending = False

    def move_right(self, count: int) -> None:
        """HPR: as `forward`, but margins do not matter outside of origin mode."""
        self.x = min(self.right if self.origin else self.columns - 1, self.x + count)
        self.pending = False

    def back(self, count: int) -> None:
        self.x = max(self.left if self.x >= self.left else 0, self.x - count)
        self.pending = False

    def tab(self, count: int = 1) -> None:
        index = bisect_right(self.tabs, self.x) + count - 1
        last = self.right if self.x <= self.right else self.columns - 1
        self.x = min(self.tabs[index], last) if index < len(self.tabs) else last

    def back_tab(self, count: int = 1) -> None:
        index = bisect_left(self.tabs, self.x) - count
        first = self.left if self.origin else 0
        self.x, self.pending = max(self.tabs[index] if index >= 0 else 0, first), False

    def set_tab(self) -> None:
        if self.x not in self.tabs:
            self.tabs.insert(bisect_left(self.tabs, self.x), self.x)

    def clear_tab(self) -> None:
        if self.x in self.tabs:
            self.tabs.remove(self.x)

    # Erasing

    def blank_line(self) -> Line:
        return full(self.styles.blank(self.style), self.columns) if self.style else BLANK

    def erase_in_line(self, start: int, end: int) -> None:
        style = self.styles.blank(self.style) if self.style else 0
        self.buffer[self.y] = erased(self.buffer[self.y], start, end, style)
        self.pending = False

    def erase_to_end(self) -> None:
        """Erases what is right of the cursor."""
        y, x = self.y, self.x
        line = self.buffer[y]
        if self.style or x < len(line[0]) or line[2] & WRAPPED:
            self.erase_in_line(x, self.columns)
        self.pending = False

    def erase_lines(self, first: int, end: int) -> None:
        if first < end:
            self.buffer[first:end] = [self.blank_line()] * (end - first)
            self.end_wrap(first - 1)
        self.pending = False

    def end_wrap(self, y: int) -> None:
        """What follows line `y` (-1 is the last of the scrollback) is no longer what it was wrapped into."""
        lines: list[Line] | deque[Line] = self.buffer if y >= 0 else self.history
        if y < 0 and (self.alternate or not lines):
            return
        cells, styles, flags = lines[y]
        if flags & WRAPPED:
            lines[y] = cells, styles, flags & ~WRAPPED

    # Inserting and deleting within a line

    def insert_blanks(self, count: int) -> None:
        self._change_line(lambda line, x, n, end, style: inserted(line, x, n, end, style), self.x, count)

    def delete_cells(self, count: int) -> None:
        self._change_line(lambda line, x, n, end, style: deleted(line, x, n, end, style), self.x, count)

    def _change_line(self, change: Callable[[Line, int, int, int, int], Line], x: int, count: int) -> None:
        self.pending = False
        if self.left <= self.x <= self.right:
            self.buffer[self.y] = self._changed(self.buffer[self.y], change, x, count)

    def _changed(self, line: Line, change: Callable[[Line, int, int, int, int], Line], x: int, count: int) -> Line:
        """The line with `count` cells inserted or deleted at `x`, as far as the right margin."""
        style = self.styles.blank(self.style)
        if self.right == self.columns - 1:
            return change(line, x, min(count, self.columns - x), self.columns, style)
        end = self.right + 1
        middle = change(part(line, x, end), 0, min(count, end - x), end - x, style)
        return replaced(line, x, end, middle)

    def insert_columns(self, x: int, count: int) -> None:
        """DECIC: blank columns within the margins; the cursor must be there too."""
        self._change_columns(inserted, x, count)

    def delete_columns(self, x: int, count: int) -> None:
        self._change_columns(deleted, x, count)

    def _change_columns(self, change: Callable[[Line, int, int, int, int], Line], x: int, count: int) -> None:
        if self.inside:
            for y in range(self.top, self.bottom + 1):
                self.buffer[y] = self._changed(self.buffer[y], change, x, count)

    # Scrolling

    def insert_lines(self, count: int) -> None:
        if self.inside:
            self._insert(self.y, count)
            self.x, self.pending = self.left, False

    def delete_lines(self, count: int) -> None:
        if self.inside:
            self.end_wrap(self.y - 1)
            self._remove(self.y, count)
            self.x, self.pending = self.left, False

    def scroll_up(self, count: int) -> None:
        """Scrolls what is between the margins; what leaves the screen at its top is kept."""
        if self.top:
            self.end_wrap(self.top - 1)
        elif self.wide and not self.alternate:
            count = min(count, self.bottom + 1)
            self.history.extend(self.buffer[:count])
            self.scrolled += count
        self._remove(self.top, count)

    def scroll_down(self, count: int) -> None:
        self._insert(self.top, count)

    def _remove(self, top: int, count: int) -> None:
        end = self.bottom + 1
        count = min(count, end - top)
        if self.wide:
            del self.buffer[top : top + count]
            self.buffer[end - count : end - count] = [self.blank_line()] * count
        else:
            blanks = [full(self.styles.blank(self.style), self.columns)] * count
            self._move_cells(top, self.buffer[top + count : end] + blanks)

    def _insert(self, top: int, count: int) -> None:
        end = self.bottom + 1
        count = min(count, end - top)
        self.end_wrap(top - 1)
        if self.wide:
            self.buffer[top:end] = [self.blank_line()] * count + self.buffer[top : end - count]
            self.end_wrap(self.bottom)
        else:
            blanks = [full(self.styles.blank(self.style), self.columns)] * count
            self._move_cells(top, blanks + self.buffer[top : end - count])

    def _move_cells(self, top: int, lines: list[Line]) -> None:
        """Puts the cells between the side margins of these lines into those from `top` on."""
        left, end = self.left, self.right + 1
        for y, line in enumerate(lines, top):
            self.end_wrap(y)
            self.buffer[y] = replaced(self.buffer[y], left, end, part(line, left, end))

    def fill(self, character: str) -> None:
        """DECALN: the whole screen full of one character."""
        self.buffer[:] = [(character * self.columns, "\0" * self.columns, 0)] * self.lines
        self.origin = False
        self.reset_margins()
        self.move_to(0, 0)
