"""The screen: lines, cursor, margins, tab stops and scrollback, and what a terminal can do to them.

Knows nothing of escape sequences. Columns and lines count from 0. Imports rows, styles and width.

Sources: DEC STD 070 (video terminals), xterm's ctlseqs and its behaviour where the standard is silent.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import NamedTuple

from .rows import BLANK, Line, cut, deleted, erased, inserted, overwritten, padded
from .styles import StyleTable
from .width import FILLER, Clusters, is_narrow

LINE_DRAWING = {0x5F + i: c for i, c in enumerate(" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")}
TAB_WIDTH = 8


class Saved(NamedTuple):
    """What DECSC keeps."""

    x: int = 0
    y: int = 0
    pending: bool = False
    style: int = 0
    origin: bool = False
    charsets: tuple[bool, bool] = (False, False)
    shifted: bool = False


class Screen:
    """Both buffers of a terminal, of which one is shown.

    `pending` is the state after the last column was written: the cursor stays on it, the next character wraps.
    """

    def __init__(self, columns: int, lines: int, history: int) -> None:
        self.columns, self.lines = columns, lines
        self.history: deque[Line] = deque(maxlen=history)
        self.reset()

    def reset(self) -> None:
        """As after power on, with an empty scrollback."""
        self.buffer: list[Line] = [BLANK] * self.lines
        self.behind: list[Line] = []
        self.alternate = False
        self.history.clear()
        self.scrolled = 0
        self.styles, self.clusters = StyleTable(), Clusters()
        self.saved_behind = Saved()
        self.tabs = list(range(TAB_WIDTH, self.columns, TAB_WIDTH))
        self.x = self.y = 0
        self.soft_reset()

    def soft_reset(self) -> None:
        """As DECSTR does: modes, margins, pen and saved cursor, not the text."""
        self.style = 0
        self.saved = Saved()
        self.top, self.bottom = 0, self.lines - 1
        self.pending = self.origin = self.insert = self.shifted = False
        self.autowrap = True
        self.charsets = (False, False)

    # Printing

    def put(self, text: str) -> None:
        """Prints text without control characters at the cursor."""
        if self.charsets[self.shifted]:
            text = text.translate(LINE_DRAWING)
        if not is_narrow(text):
            marks, text = self.clusters.cells(text)
            if marks:
                self._attach(marks)
            if not text:
                return
        if self.pending and self.autowrap:
            self.x = 0
            self.linefeed()
        room = self.columns - self.x
        if len(text) > room and not self.autowrap:
            self._put_without_wrap(text)
            return
        while len(text) > room:
            halved = text[room] == FILLER
            self._write(text[: room - 1] + " " if halved else text[:room])
            text = text[room - halved :]
            self.x, room = 0, self.columns
            self.linefeed()
        self._put_fitting(text)

    def _put_fitting(self, cells: str) -> None:
        self._write(cells)
        self.x += len(cells)
        self.pending = self.x >= self.columns
        if self.pending:
            self.x = self.columns - 1

    def _put_without_wrap(self, cells: str) -> None:
        """Each character that does not fit replaces the last one; a wide one is dropped (as xterm does)."""
        for position, cell in enumerate(cells):
            width = 2 if cells[position + 1 : position + 2] == FILLER else 1
            if cell == FILLER:
                continue
            if self.x + width <= self.columns:
                self._put_fitting(cells[position : position + width])
            else:
                self._attach(self.clusters.marks(cell))

    def _line(self) -> Line:
        """The cursor's line, ready to be changed: without what a resize left beyond the right edge."""
        return cut(self.buffer[self.y], self.columns)

    def _write(self, cells: str) -> None:
        line = self._line()
        if self.insert:
            line = inserted(line, self.x, len(cells), self.columns, 0)
        self.buffer[self.y] = overwritten(line, self.x, cells, self.style)

    def _attach(self, marks: str) -> None:
        """Puts combining marks over the character before the cursor, if there is one."""
        x = self.x if self.pending else self.x - 1
        if x < 0 or not marks:
            return
        cells, styles = padded(self._line(), x + 1)
        if cells[x] == FILLER:
            x -= 1
        self.buffer[self.y] = cells[:x] + self.clusters.add(cells[x], marks) + cells[x + 1 :], styles

    def repeat(self, count: int) -> None:
        """Prints the character before the cursor again, `count` times."""
        x = self.x if self.pending else self.x - 1
        cells = self.buffer[self.y][0]
        if not 0 <= x < len(cells):
            return
        character = self.clusters.text(cells[x - 1] if cells[x] == FILLER else cells[x])
        charsets, self.charsets = self.charsets, (False, False)
        self.put(character * min(count, self.columns * self.lines))
        self.charsets = charsets

    def put_lines(self, block: str) -> None:
        """Prints plain lines, each ended by CR LF, from the first column on.

        The same as `put`, carriage return and linefeed for each, but made for speed: a long listing is cut into
        lines in one go, and those that scroll past are never put on the screen.
        """
        texts = block.split("\r\n")
        texts.pop()
        if not self._can_put_lines():
            for text in texts:
                if text:
                    self.put(text)
                self.carriage_return()
                self.linefeed()
            return
        if not is_narrow(block):
            texts = [text if is_narrow(text) else self.clusters.cells(text)[1] for text in texts]
        if max(map(len, texts)) > self.columns:
            texts = self._folded(texts)
        style = chr(self.style)
        new = [(text, style * len(text)) for text in texts]
        y, end = self.y, self.y + len(new)
        for at, old in enumerate(self.buffer[y:end]):
            if len(old[0]) > len(new[at][0]):
                new[at] = overwritten(cut(old, self.columns), 0, new[at][0], self.style)
        over = end + 1 - self.lines
        if over <= 0:
            self.buffer[y:end] = new
            self.y = end
        else:
            lines = self.buffer[:y] + new
            if not self.alternate:
                self.history.extend(lines[:over])
                self.scrolled += over
            self.buffer[:] = [*lines[over:], BLANK]
            self.y = self.lines - 1
        self.pending = False

    def _can_put_lines(self) -> bool:
        full = self.top == 0 and self.bottom == self.lines - 1
        plain = not (self.insert or self.charsets[self.shifted] or self.styles.blank(self.style))
        return full and plain and self.autowrap and self.x == 0 and not self.pending

    def _folded(self, texts: list[str]) -> list[str]:
        """The lines of cells, with those longer than the screen is wide cut into several."""
        folded = []
        for text in texts:
            while len(text) > self.columns:
                halved = text[self.columns] == FILLER
                folded.append(text[: self.columns - 1] + " " if halved else text[: self.columns])
                text = text[self.columns - halved :]
            folded.append(text)
        return folded

    # Moving

    def carriage_return(self) -> None:
        self.x, self.pending = 0, False

    def backspace(self) -> None:
        self.x, self.pending = max(0, self.x - 1), False

    def linefeed(self) -> None:
        """One line down; at the bottom margin the region scrolls up instead."""
        self.pending = False
        if self.y == self.bottom:
            self.scroll_up(self.top, 1)
        elif self.y < self.lines - 1:
            self.y += 1

    def reverse_linefeed(self) -> None:
        self.pending = False
        if self.y == self.top:
            self.scroll_down(self.top, 1)
        elif self.y:
            self.y -= 1

    def move_to(self, x: int, y: int) -> None:
        """To a column and a line, the line counted from the top margin in origin mode."""
        first, last = (self.top, self.bottom) if self.origin else (0, self.lines - 1)
        self.y = min(first + max(0, y), last)
        self.move_to_column(x)

    def move_to_column(self, x: int) -> None:
        self.x, self.pending = min(max(0, x), self.columns - 1), False

    def up(self, count: int) -> None:
        self.y = max(self.top if self.y >= self.top else 0, self.y - count)
        self.pending = False

    def down(self, count: int) -> None:
        self.y = min(self.bottom if self.y <= self.bottom else self.lines - 1, self.y + count)
        self.pending = False

    def tab(self, count: int = 1) -> None:
        index = bisect_right(self.tabs, self.x) + count - 1
        self.x = self.tabs[index] if index < len(self.tabs) else self.columns - 1

    def back_tab(self, count: int = 1) -> None:
        index = bisect_left(self.tabs, self.x) - count
        self.x, self.pending = (self.tabs[index] if index >= 0 else 0), False

    def set_tab(self) -> None:
        if self.x not in self.tabs:
            self.tabs.insert(bisect_left(self.tabs, self.x), self.x)

    def clear_tab(self) -> None:
        if self.x in self.tabs:
            self.tabs.remove(self.x)

    def set_margins(self, top: int, bottom: int) -> None:
        bottom = min(bottom, self.lines - 1)
        if top < bottom:
            self.top, self.bottom = top, bottom
            self.move_to(0, 0)

    def set_origin(self, on: bool) -> None:
        self.origin = on
        self.move_to(0, 0)

    def save(self) -> None:
        self.saved = Saved(self.x, self.y, self.pending, self.style, self.origin, self.charsets, self.shifted)

    def restore(self) -> None:
        self.x, self.y, self.pending, self.style, self.origin, self.charsets, self.shifted = self.saved
        if self.origin:
            self.y = min(max(self.top, self.y), self.bottom)

    # Erasing, inserting, scrolling

    def blank_line(self) -> Line:
        style = self.styles.blank(self.style)
        return (" " * self.columns, chr(style) * self.columns) if style else BLANK

    def erase_in_line(self, start: int, end: int) -> None:
        self.buffer[self.y] = erased(self._line(), start, end, self.styles.blank(self.style))
        self.pending = False

    def erase_lines(self, first: int, end: int) -> None:
        self.buffer[first:end] = [self.blank_line()] * (end - first)
        self.pending = False

    def insert_blanks(self, count: int) -> None:
        count = min(count, self.columns - self.x)
        blank = self.styles.blank(self.style)
        self.buffer[self.y] = inserted(self._line(), self.x, count, self.columns, blank)
        self.pending = False

    def delete_cells(self, count: int) -> None:
        count = min(count, self.columns - self.x)
        blank = self.styles.blank(self.style)
        self.buffer[self.y] = deleted(self._line(), self.x, count, self.columns, blank)
        self.pending = False

    def insert_lines(self, count: int) -> None:
        if self.top <= self.y <= self.bottom:
            self.scroll_down(self.y, count)
            self.carriage_return()

    def delete_lines(self, count: int) -> None:
        if self.top <= self.y <= self.bottom:
            self._remove(self.y, count)
            self.carriage_return()

    def scroll_up(self, top: int, count: int) -> None:
        """Scrolls the lines from `top` to the bottom margin; what leaves the screen at its top is kept."""
        count = min(count, self.bottom - top + 1)
        if top == 0 and not self.alternate:
            self.history.extend(self.buffer[:count])
            self.scrolled += count
        self._remove(top, count)

    def _remove(self, top: int, count: int) -> None:
        count = min(count, self.bottom - top + 1)
        end = self.bottom + 1
        self.buffer[top:end] = self.buffer[top + count : end] + [self.blank_line()] * count

    def scroll_down(self, top: int, count: int) -> None:
        count = min(count, self.bottom - top + 1)
        end = self.bottom + 1
        self.buffer[top:end] = [self.blank_line()] * count + self.buffer[top : end - count]

    def fill(self, character: str) -> None:
        """DECALN: the whole screen full of one character."""
        self.buffer[:] = [(character * self.columns, "\0" * self.columns)] * self.lines
        self.top, self.bottom, self.origin = 0, self.lines - 1, False
        self.move_to(0, 0)

    # Two buffers

    def show_alternate(self) -> None:
        """Shows the alternate buffer, empty (as tmux does for all of the modes 47, 1047 and 1049)."""
        if not self.alternate:
            self.behind, self.buffer = self.buffer, [BLANK] * self.lines
            self.saved_behind, self.saved = self.saved, Saved()
            self.alternate = True

    def show_main(self) -> None:
        if self.alternate:
            self.buffer, self.behind = self.behind, []
            self.saved = self.saved_behind
            self.alternate = False

    # Size

    def resize(self, columns: int, lines: int) -> None:
        """Gives the screen a new size; the cursor stays on its text.

        Lines of the main buffer that became too long keep their end beyond the right edge until they are written
        to, so that it comes back when the screen grows again. In height the scrollback gives and takes.
        """
        if columns > self.columns:
            self.tabs += [x for x in range(0, columns, TAB_WIDTH) if x >= self.columns]
        self.tabs = [x for x in self.tabs if x < columns]
        if self.alternate:
            anchor = self.saved_behind.y
            self.behind, moved = self._resized_main(self.behind, anchor, lines)
            self.saved_behind = self.saved_behind._replace(y=anchor + moved)
            moved = min(0, lines - 1 - self.y)
            shifted = [cut(line, columns) for line in self.buffer[-moved:]]
            self.buffer = (shifted + [BLANK] * lines)[:lines]
        else:
            self.buffer, moved = self._resized_main(self.buffer, self.y, lines)
        self.columns, self.lines = columns, lines
        self.y += moved
        self.top, self.bottom = 0, lines - 1
        self.x, self.y, self.pending = min(self.x, columns - 1), min(self.y, lines - 1), False
        self.saved = self._clamped(self.saved._replace(y=max(0, self.saved.y + moved)))
        self.saved_behind = self._clamped(self.saved_behind)

    def _clamped(self, saved: Saved) -> Saved:
        x, y = min(saved.x, self.columns - 1), min(saved.y, self.lines - 1)
        return saved._replace(x=x, y=y, pending=saved.pending and x == saved.x == self.columns - 1)

    def _resized_main(self, buffer: list[Line], y: int, lines: int) -> tuple[list[Line], int]:
        """The main buffer in a new height, and how far the text moved down."""
        buffer = list(buffer)
        while len(buffer) > max(lines, y + 1) and not buffer[-1][0].strip():
            buffer.pop()
        over = min(len(buffer) - lines, y)  # never pushes the cursor's line off
        if over > 0:
            self.history.extend(buffer[:over])
            self.scrolled += over
            return (buffer[over:] + [BLANK] * lines)[:lines], -over
        taken = min(lines - len(buffer), len(self.history)) if lines > self.lines else 0
        above = [self.history.pop() for _ in range(max(0, taken))][::-1]
        return (above + buffer + [BLANK] * lines)[:lines], len(above)

    # Memory

    def collect_styles(self) -> None:
        """Numbers the styles anew, keeping only those in use. Needed when a program has used very many colours."""
        old, self.styles = self.styles, StyleTable()
        used: set[str] = set()
        for lines in (self.history, self.buffer, self.behind):
            used.update(*(styles for _, styles in lines))
        saved = (self.saved, self.saved_behind)
        numbers = {ord(style) for style in used} | {self.style, *(each.style for each in saved)}
        new = {number: self.styles.number(old.styles[number]) for number in sorted(numbers)}
        self.style = new[self.style]
        self.saved, self.saved_behind = (each._replace(style=new[each.style]) for each in saved)
        self.buffer = [(cells, styles.translate(new)) for cells, styles in self.buffer]
        self.behind = [(cells, styles.translate(new)) for cells, styles in self.behind]
        history = ((cells, styles.translate(new)) for cells, styles in self.history)
        self.history = deque(history, self.history.maxlen)
