"""Selecting by keyboard, with the keys of vi and less. Imports passage, selection and engine.terminal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.terminal import Terminal

from .passage import Link, Passage, Place, first_line, last_line, links, passage_at, prompt_from
from .selection import Selection, Unit, select

COPY_KEYS = (
    ("h j k l, arrows", "Move; w b e by words, 0 ^ $ in the line"),
    ("ctrl+u ctrl+d", "Move by half a screen; pageup and pagedown by a whole one"),
    ("g G", "To the first line, to the last"),
    ("{ }", "To the previous prompt, to the next"),
    ("v, space", "Begin to select; V whole lines, ctrl+v a block; o goes to the other end"),
    ("y, enter", "Copy; enter on a link opens it"),
    ("tab, shift+tab", "To the next link, to the previous"),
    ("escape, q", "Leave"),
)


class CopyMode:
    """A cursor that moves over all that a terminal can show, and what is selected from where it began."""

    def __init__(self, terminal: Terminal, cursor: Place, page: int) -> None:
        """`page`: the lines of the view, for moving by screens."""
        self.terminal = terminal
        self.cursor = cursor
        self._page = page
        self._anchor: Place | None = None
        self._unit = Unit.CHARACTER
        self._block = False
        self._keys = self._table()

    @property
    def selecting(self) -> bool:
        return self._anchor is not None

    def selection(self) -> Selection | None:
        if self._anchor is None:
            return None
        return select(self.terminal, self._anchor, self.cursor, self._unit, block=self._block)

    def link(self) -> Link | None:
        """The link under the cursor."""
        found = links(self.terminal, self.cursor.line)
        return next((link for link in found if link.start <= self.cursor <= link.end), None)

    def press(self, key: str) -> bool:
        """Does what a key says; whether it says anything."""
        action = self._keys.get(key)
        if action is not None:
            action()
        return action is not None

    def move(self, line: int, column: int) -> None:
        """To a place, the nearest there is."""
        line = max(first_line(self.terminal), min(line, last_line(self.terminal)))
        self.cursor = Place(line, max(0, min(column, self.terminal.columns - 1)))

    def forget(self) -> None:
        """Nothing is selected any more."""
        self._anchor = None

    def _table(self) -> dict[str, Callable[[], None]]:
        half, page = max(1, self._page // 2), max(1, self._page - 1)
        moves: dict[str, Callable[[], None]] = {}
        for keys, lines, columns in (
            ("h left backspace", 0, -1),
            ("l right", 0, 1),
            ("k up", -1, 0),
            ("j down", 1, 0),
            ("ctrl+u", -half, 0),
            ("ctrl+d", half, 0),
            ("ctrl+b pageup", -page, 0),
            ("ctrl+f pagedown", page, 0),
        ):
            moves |= dict.fromkeys(keys.split(), partial(self._by, lines, columns))
        return {
            **moves,
            **dict.fromkeys(("0", "home"), lambda: self.move(self.cursor.line, 0)),
            "circumflex_accent": lambda: self._to_text(first=True),
            **dict.fromkeys(("dollar_sign", "end"), lambda: self._to_text(first=False)),
            "g": lambda: self.move(first_line(self.terminal), 0),
            "G": lambda: self.move(last_line(self.terminal), 0),
            "w": lambda: self._by_word(1, end=False),
            "b": lambda: self._by_word(-1, end=False),
            "e": lambda: self._by_word(1, end=True),
            "left_curly_bracket": lambda: self._to_prompt(-1),
            "right_curly_bracket": lambda: self._to_prompt(1),
            "tab": lambda: self.to_link(1),
            "shift+tab": lambda: self.to_link(-1),
            **dict.fromkeys(("v", "space"), lambda: self._begin(Unit.CHARACTER)),
            "V": lambda: self._begin(Unit.LINE),
            "ctrl+v": lambda: self._begin(Unit.CHARACTER, block=True),
            "o": self._other_end,
        }

    def _begin(self, unit: Unit, *, block: bool = False) -> None:
        """Select from here, or in another manner from where it began; the same key again ends it."""
        if self._anchor is not None and (self._unit, self._block) == (unit, block):
            self._anchor = None
            return
        self._anchor = self._anchor or self.cursor
        self._unit, self._block = unit, block

    def _other_end(self) -> None:
        if self._anchor is not None:
            self._anchor, self.cursor = self.cursor, self._anchor

    def _by(self, lines: int, columns: int) -> None:
        self.move(self.cursor.line + lines, self.cursor.column + columns)

    def _to_text(self, *, first: bool) -> None:
        """To the first or the last character of the row that is no blank."""
        cells = self.terminal.row(self.cursor.line - self.terminal.scrolled).line[0]
        length = len(cells.rstrip(" \0"))
        self.move(self.cursor.line, len(cells) - len(cells.lstrip()) if first else length - 1)

    def _by_word(self, direction: int, *, end: bool) -> None:
        """To where the next word begins (or ends), or the one before; in the neighbouring line if this has none."""
        passage = passage_at(self.terminal, self.cursor.line)
        here = passage.index(self.cursor)
        edges = [last if end else first for first, last in _words(passage)]
        found = [edge for edge in edges if (edge > here if direction > 0 else edge < here)]
        if found:
            self.move(*passage.place(found[0] if direction > 0 else found[-1]))
            return
        line = passage.first + len(passage.rows) if direction > 0 else passage.first - 1
        if first_line(self.terminal) <= line <= last_line(self.terminal):
            other = passage_at(self.terminal, line)
            words = _words(other) or [(0, 0)]
            self.move(*other.place(words[0 if direction > 0 else -1][1 if end else 0]))

    def _to_prompt(self, direction: int) -> None:
        line = prompt_from(self.terminal, self.cursor.line, direction)
        if line is not None:
            self.move(line, 0)

    def to_link(self, direction: int) -> None:
        """To where the next link begins, or the one before."""
        line, step = self.cursor.line, direction
        while first_line(self.terminal) <= line <= last_line(self.terminal):
            found = [link.start for link in links(self.terminal, line)]
            found = [start for start in found if (start > self.cursor if direction > 0 else start < self.cursor)]
            if found:
                self.move(*(found[0] if direction > 0 else found[-1]))
                return
            line += step


def _words(passage: Passage) -> list[tuple[int, int]]:
    """First and last character of each word."""
    found: list[tuple[int, int]] = []
    start = 0
    for word in passage.text.split(" "):
        if word:
            found.append((start, start + len(word) - 1))
        start += len(word) + 1
    return found
