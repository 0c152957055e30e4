"""What stands on a terminal, read as text: places that stay valid while output scrolls, lines joined where they were
wrapped, words, links. Imports engine.terminal.

A line's number counts from the first line a terminal ever had: `terminal.scrolled + y` for row `y`. It stays with the
line while others follow, until the terminal gets another width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from engine.terminal import Row, Terminal

FILLER = "\0"  # what `Row.line` has in the cell after a wide character
WORD_MARKS = frozenset("_-./~:@%+#=?&,$")
"""Characters besides letters and digits that belong to a word: what paths, addresses and options are made of."""
LONGEST = 2_000
"""Rows of one wrapped line that are looked at together."""

_URL = re.compile(r"(?:https?://|file://|mailto:)[^\s<>\"'`{}|\\^\x00-\x20]+")
_RUN = re.compile(r"(.)\1*", re.DOTALL)
_SCHEMES = ("http://", "https://", "file://", "mailto:")


class Place(NamedTuple):
    """A cell: the number of its line, and its column from 0."""

    line: int
    column: int


def first_line(terminal: Terminal) -> int:
    """The number of the oldest line that can still be read."""
    return terminal.scrolled - terminal.scrollback


def last_line(terminal: Terminal) -> int:
    return terminal.scrolled + terminal.lines - 1


def row_at(terminal: Terminal, line: int) -> Row:
    """The row of a line by its number, of the nearest one there is."""
    line = max(first_line(terminal), min(line, last_line(terminal)))
    return terminal.row(line - terminal.scrolled)


@dataclass
class Passage:
    """One line as it was written: its rows from line number `first` on, each as wide as the terminal but the last."""

    first: int
    rows: list[Row]
    columns: int

    @cached_property
    def _cells(self) -> list[str]:
        cells = [row.line[0] for row in self.rows]
        return [each.ljust(self.columns) for each in cells[:-1]] + cells[-1:]

    @cached_property
    def text(self) -> str:
        """Its characters; one that has marks over it stands for itself as the one code point the terminal gave it."""
        return "".join(self._cells).replace(FILLER, "")

    @cached_property
    def _places(self) -> list[Place] | None:
        """The place of each character of `text`; None where each takes one cell."""
        if not any(FILLER in cells for cells in self._cells):
            return None
        return [
            Place(self.first + y, x)
            for y, cells in enumerate(self._cells)
            for x, cell in enumerate(cells)
            if cell != FILLER
        ]

    def place(self, index: int) -> Place:
        """Where a character of `text` stands; for its length the place after the last one."""
        if self._places is None:
            y = min(index // self.columns, len(self.rows) - 1)
            return Place(self.first + y, index - y * self.columns)
        if index < len(self._places):
            return self._places[index]
        last = self._places[-1]
        return Place(last.line, last.column + 1 + self.rows[-1].is_wide(last.column))

    def index(self, place: Place) -> int:
        """The character at a place, or beyond the end of `text`."""
        if self._places is None:
            return (place.line - self.first) * self.columns + place.column
        return next((i for i, each in enumerate(self._places) if each >= place), len(self._places))


def passage_at(terminal: Terminal, line: int) -> Passage:
    """The passage that a line is part of."""
    oldest, newest = first_line(terminal), last_line(terminal)
    first = line = max(oldest, min(line, newest))
    while first > oldest and line - first < LONGEST and row_at(terminal, first - 1).wrapped:
        first -= 1
    rows = [row_at(terminal, first)]
    while rows[-1].wrapped and first + len(rows) <= newest and len(rows) < 2 * LONGEST:
        rows.append(row_at(terminal, first + len(rows)))
    return Passage(first, rows, terminal.columns)


def passages(terminal: Terminal) -> Iterator[Passage]:
    """All that can be read, the oldest first."""
    line, end = first_line(terminal), last_line(terminal)
    rows: list[Row] = []
    for number in range(line, end + 1):
        rows.append(terminal.row(number - terminal.scrolled))
        if not rows[-1].wrapped or len(rows) >= LONGEST or number == end:
            yield Passage(number + 1 - len(rows), rows, terminal.columns)
            rows = []


# Words


def _kind(character: str) -> str:
    """What a double click takes together: blanks, the characters of a word, or just the one."""
    if character.isspace():
        return " "
    return "w" if character.isalnum() or character in WORD_MARKS or character >= "\U00100000" else character


def word_at(terminal: Terminal, place: Place) -> tuple[Place, Place]:
    """First and last cell of the word at a place."""
    passage = passage_at(terminal, place.line)
    text, index = passage.text, passage.index(place)
    if index >= len(text):
        return place, place
    kind, start, end = _kind(text[index]), index, index + 1
    while start and _kind(text[start - 1]) == kind:
        start -= 1
    while end < len(text) and _kind(text[end]) == kind:
        end += 1
    return passage.place(start), passage.place(end - 1)


# Links


@dataclass(frozen=True)
class Link:
    """A link: where it leads, and its first and last cell."""

    url: str
    start: Place
    end: Place


def openable(url: str) -> bool:
    """Whether a link is of a kind that is ever opened: http(s), file, mailto; printable, and of no absurd length."""
    return url.lower().startswith(_SCHEMES) and url.isprintable() and len(url) <= 4096


def links(terminal: Terminal, line: int) -> list[Link]:
    """The links of the passage at a line: those a program marked (OSC 8), and plain addresses."""
    passage = passage_at(terminal, line)
    marked = list(_marked(passage))
    found = [link for link in _plain(passage) if not any(m.start <= link.end and link.start <= m.end for m in marked)]
    return sorted(marked + found, key=lambda link: link.start)


def _plain(passage: Passage) -> Iterator[Link]:
    for match in _URL.finditer(passage.text):
        url = _trimmed(match[0])
        if openable(url):
            yield Link(url, passage.place(match.start()), passage.place(match.start() + len(url) - 1))


def _trimmed(url: str) -> str:
    """An address in running text ends before the text's own punctuation, and before a bracket it did not open."""
    while url:
        last = url[-1]
        pair = {")": "(", "]": "["}.get(last)
        if last in ".,;:!?*" or (pair and url.count(last) > url.count(pair)):
            url = url[:-1]
        else:
            break
    return url


def _marked(passage: Passage) -> Iterator[Link]:
    """Runs of cells of one OSC 8 link each, which may go on in the next row."""
    url: str | None = None
    start = end = Place(passage.first, 0)
    for y, row in enumerate(passage.rows):
        x = 0
        for run, (_, style) in zip(_RUN.finditer(row.line[1]), row.spans(), strict=True):
            if style.link != url:
                if url and openable(url):
                    yield Link(url, start, end)
                url, start = style.link, Place(passage.first + y, x)
            x += len(run[0])
            end = Place(passage.first + y, x - 1)
    if url and openable(url):
        yield Link(url, start, end)


def link_at(terminal: Terminal, place: Place) -> Link | None:
    """The link at a place."""
    return next((link for link in links(terminal, place.line) if link.start <= place <= link.end), None)


# Prompts


def prompt_from(terminal: Terminal, line: int, direction: int) -> int | None:
    """The number of the next line (1) or the one before (-1) on which a prompt stands (OSC 133;A)."""
    end = last_line(terminal) + 1 if direction > 0 else first_line(terminal) - 1
    return next((at for at in range(line + direction, end, direction) if row_at(terminal, at).prompt), None)
