"""The screen: a grid that is printed on, with a saved cursor, an alternate buffer, and another size when asked.

Imports charsets, grid, reflow, rows, styles and width.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from .charsets import Charsets
from .grid import TAB_WIDTH, Grid
from .reflow import Place, reflow
from .rows import BLANK, WRAPPED, Line, cut, erased, inserted, overwritten, padded
from .width import FILLER, is_narrow


class Saved(NamedTuple):
    """What DECSC keeps."""

    x: int = 0
    y: int = 0
    pending: bool = False
    style: int = 0
    origin: bool = False
    charsets: Charsets = Charsets()


class Screen(Grid):
    """Both buffers of a terminal, of which one is shown."""

    def clear(self) -> None:
        self.behind: list[Line] = []
        self.saved_behind = Saved()
        self.alternate = False
        self.insert, self.autowrap, self.charsets = False, True, Charsets()
        super().clear()
        self.soft_reset()

    def soft_reset(self) -> None:
        """As DECSTR does: modes, margins, pen and saved cursor, not the text."""
        self.style = 0
        self.saved = Saved()
        self.pending = self.origin = self.insert = False
        self.autowrap = True
        self.charsets = Charsets()
        self.side_margins = False
        self.reset_margins()

    def set_modes(self) -> None:
        plain = self.charsets.plain and not self.insert and self.wide
        self.limit = self.columns if plain else 0
        """Narrow text that ends before this column needs no more than to be put in its line."""

    def mark(self, flag: int) -> None:
        """Marks the cursor's line."""
        cells, styles, flags = self.buffer[self.y]
        self.buffer[self.y] = cells, styles, flags | flag

    def set_side_margin_mode(self, on: bool) -> None:
        """DECLRMM: whether there can be side margins."""
        self.side_margins = on
        if not on:
            self.set_sides(0, self.columns - 1)
            self.pending = self.pending and self.x == self.right

    def set_insert(self, on: bool) -> None:
        self.insert = on
        self.set_modes()

    def set_charsets(self, charsets: Charsets) -> None:
        self.charsets = charsets
        self.set_modes()

    def designate(self, index: int, name: str) -> None:
        """Makes a character set G0 to G3."""
        if self.charsets.sets[index] != name:
            self.set_charsets(self.charsets.designated(index, name))

    # Printing

    def put(self, text: str) -> None:
        """Prints text without control characters at the cursor."""
        if not self.charsets.plain:
            text = self.charsets.mapped(text)
            if self.charsets.single:
                self.set_charsets(self.charsets._replace(single=0))
        if not is_narrow(text):
            marks, text = self.clusters.cells(text)
            if marks:
                self._attach(marks)
            if not text:
                return
        if self.pending and self.autowrap:
            self._wrap()
        room = self._last_column() + 1 - self.x
        if len(text) > room and not self.autowrap:
            self._put_without_wrap(text)
            return
        while len(text) > room:
            halved = text[room] == FILLER
            self._write(text[: room - halved])
            self.x += room - 1
            if halved:
                self.buffer[self.y] = erased(self.buffer[self.y], self.x, self.x + 1, 0)
            self._wrap()
            text = text[room - halved :]
            room = self._last_column() + 1 - self.x
        self._put_fitting(text)

    def _last_column(self) -> int:
        """The last column that is printed to."""
        return self.right if self.x <= self.right else self.columns - 1

    def _wrap(self) -> None:
        """On to the next line. The one left behind is marked, if it is as wide as the screen and keeps its place."""
        y = self.y
        if self.wide and (y == self.bottom or y < self.lines - 1):
            cells, styles, flags = padded(self.buffer[y], self.columns - 1)
            self.buffer[y] = cells, styles, flags | WRAPPED
        self.linefeed()
        self.x = self.left

    def _put_fitting(self, cells: str) -> None:
        last = self._last_column()
        self._write(cells)
        self.x += len(cells)
        self.pending = self.x > last
        if self.pending:
            self.x = last

    def _put_without_wrap(self, cells: str) -> None:
        """Each character that does not fit replaces the last one; a wide one is dropped (as xterm does)."""
        for position, cell in enumerate(cells):
            width = 2 if cells[position + 1 : position + 2] == FILLER else 1
            if cell == FILLER:
                continue
            if self.x + width <= self._last_column() + 1:
                self._put_fitting(cells[position : position + width])
            else:
                self._attach(self.clusters.marks(cell))

    def _write(self, cells: str) -> None:
        line = self.buffer[self.y]
        if self.insert:
            line = self._changed(line, inserted, self.x, len(cells))
        self.buffer[self.y] = overwritten(line, self.x, cells, chr(self.style) * len(cells))

    def _attach(self, marks: str) -> None:
        """Puts combining marks over the character before the cursor, if there is one."""
        x = self.x if self.pending else self.x - 1
        if x < 0 or not marks:
            return
        cells, styles, flags = padded(self.buffer[self.y], x + 1)
        if cells[x] == FILLER:
            x -= 1
        self.buffer[self.y] = cells[:x] + self.clusters.add(cells[x], marks) + cells[x + 1 :], styles, flags

    def repeat(self, count: int) -> None:
        """Prints the character before the cursor again, `count` times."""
        x = self.x if self.pending else self.x - 1
        cells = self.buffer[self.y][0]
        if not 0 <= x < len(cells):
            return
        character = self.clusters.text(cells[x - 1] if cells[x] == FILLER else cells[x])
        charsets = self.charsets
        self.set_charsets(Charsets())
        self.put(character * min(count, self.columns * self.lines))
        self.set_charsets(charsets)

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
        style = chr(self.style)
        if max(map(len, texts)) > self.columns:
            new = self._folded(texts, style)
        else:
            new = [(text, style * len(text), 0) for text in texts]
        y, end = self.y, self.y + len(new)
        for at, old in enumerate(self.buffer[y:end]):
            if old is not BLANK:
                new[at] = self._over(old, new[at])
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
        plain = self.limit and not self.styles.blank(self.style)
        return bool(full and plain and self.autowrap and self.x == 0 and not self.pending)

    def _over(self, old: Line, new: Line) -> Line:
        """What is left of a line when another is printed over it from its beginning."""
        cells, styles, flags = new
        if flags & WRAPPED and len(cells) < self.columns:
            old = erased(old, self.columns - 1, self.columns, 0)
        cells, styles, kept = overwritten(old, 0, cells, styles)
        return cells, styles, kept | flags

    def _folded(self, texts: list[str], style: str) -> list[Line]:
        """The lines of cells, with those longer than the screen is wide wrapped."""
        folded = []
        for text in texts:
            while len(text) > self.columns:
                length = self.columns - (text[self.columns] == FILLER)
                folded.append((text[:length], style * length, WRAPPED))
                text = text[length:]
            folded.append((text, style * len(text), 0))
        return folded

    # The saved cursor and the two buffers

    def save(self) -> None:
        charsets = self.charsets._replace(single=0)
        self.saved = Saved(self.x, self.y, self.pending, self.style, self.origin, charsets)

    def restore(self) -> None:
        self.x, self.y, self.pending, self.style, self.origin, charsets = self.saved
        if self.origin:
            self.x = min(max(self.left, self.x), self.right)
            self.y = min(max(self.top, self.y), self.bottom)
        self.pending = self.pending and self.x == self._last_column()
        self.set_charsets(charsets)

    def show_alternate(self) -> None:
        """Shows the alternate buffer, empty (as tmux does for all of the modes 47, 1047 and 1049)."""
        if not self.alternate:
            self.behind, self.buffer = self.buffer, [BLANK] * self.lines
            self.saved_behind, self.saved = self.saved, Saved()
            self.alternate = True

    def show_main(self) -> None:
        if self.alternate:
            self.buffer, self.behind = self.behind, []
            self.saved, self.saved_behind = self.saved_behind, Saved()
            self.alternate = False

    # Size

    def resize(self, columns: int, lines: int, places: Sequence[Place]) -> list[Place]:
        """Gives the screen a new size; returns where the `places` (row, below 0 of the scrollback, and column) are.

        Lines of the main buffer and the scrollback are wrapped anew, the cursor stays with its text. The alternate
        buffer is cut: its program draws it again.
        """
        if columns > self.columns:
            self.tabs += [x for x in range(0, columns, TAB_WIDTH) if x >= self.columns]
        self.tabs = [x for x in self.tabs if x < columns]
        if self.alternate:
            saved = self.saved_behind
            then, *_ = self._resize_main(self.behind, columns, lines, (saved.y, saved.x + saved.pending), [])
            self.saved_behind = _at(saved, then, self.behind, columns)
            places = self._resize_alternate(columns, lines, places)
        else:
            cursor, saved = (self.y, self.x + self.pending), self.saved
            wanted = [(saved.y, saved.x + saved.pending), *places]
            now, then, *places = self._resize_main(self.buffer, columns, lines, cursor, wanted)
            self.x, self.y, self.pending = _cursor(now, self.buffer, columns)
            self.saved = _at(saved, then, self.buffer, columns)
        self.columns, self.lines = columns, lines
        for buffer in (self.buffer, self.behind):  # what the last line was wrapped into is lost
            if buffer:
                buffer[-1] = *buffer[-1][:2], buffer[-1][2] & ~WRAPPED
        self.reset_margins()
        return [(min(y, lines - 1), min(x, columns - 1)) for y, x in places]

    def _resize_main(
        self, buffer: list[Line], columns: int, lines: int, cursor: Place, places: Sequence[Place]
    ) -> list[Place]:
        """Reflows main buffer and scrollback; the cursor stays on the screen. Returns where it and the places are.

        What was at the bottom stays there: the scrollback gives and takes. Below a screen that was not full the new
        lines are blank.
        """
        above = len(self.history)
        full = bool(buffer[-1][0].strip()) or cursor[0] == len(buffer) - 1
        everything = [*self.history, *buffer]
        found = [(max(0, min(y + above, len(everything) - 1)), x) for y, x in (cursor, (0, 0), *places)]
        if columns != self.columns:
            everything, found = reflow(everything, columns, found)
        here, top = found[0][0], found[1][0]
        while len(everything) > max(top + lines, here + 1) and not everything[-1][0].strip():
            everything.pop()
        over = len(everything) - lines
        if full or over > top:
            top = max(0, min(over, here))
        self.scrolled += top - above
        self.history = deque(everything[:top], self.history.maxlen)
        shown = everything[top : top + lines]
        buffer[:] = shown + [BLANK] * (lines - len(shown))
        return [(max(y - top, -len(self.history)), x) for y, x in (found[0], *found[2:])]

    def _resize_alternate(self, columns: int, lines: int, places: Sequence[Place]) -> list[Place]:
        over = max(0, self.y + 1 - lines)
        kept = [(cells, styles, flags & ~WRAPPED) for cells, styles, flags in self.buffer[over:]]
        self.buffer = ([cut(line, columns) for line in kept] + [BLANK] * lines)[:lines]
        self.x, self.y, self.pending = min(self.x, columns - 1), self.y - over, False
        self.saved = _at(self.saved, (self.saved.y - over, self.saved.x), self.buffer, columns)
        return [(max(0, y - over), x) for y, x in places]


def _cursor(place: Place, buffer: list[Line], columns: int) -> tuple[int, int, bool]:
    """Column, line and whether a wrap is pending, of a cursor with so many cells before it."""
    y, x = max(0, min(place[0], len(buffer) - 1)), place[1]
    return min(x, columns - 1), y, x >= columns and len(buffer[y][0]) >= columns


def _at(saved: Saved, place: Place, buffer: list[Line], columns: int) -> Saved:
    x, y, pending = _cursor(place, buffer, columns)
    return saved._replace(x=x, y=y, pending=pending)
