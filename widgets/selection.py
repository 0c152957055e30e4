"""What is selected on a terminal: two places, widened to words or lines. Imports passage and engine.terminal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.terminal import Row, Terminal

from .passage import Place, first_line, passage_at, row_at, word_at


class Unit(Enum):
    """What a selection is made of."""

    CHARACTER = 1
    WORD = 2
    LINE = 3


@dataclass(frozen=True)
class Selection:
    """From `start` to `end`, both included; between their columns only when it is a `block`.

    `anchor`, `head` and `unit` say how it was made, so that it can be made larger.
    """

    anchor: Place
    head: Place
    unit: Unit
    block: bool
    start: Place
    end: Place
    rows: tuple[Row, ...]
    """The rows it lies on that were still on the screen: a program may write over them."""

    def columns(self, line: int, columns: int) -> tuple[int, int] | None:
        """The cells of a line that are selected, from the first to after the last, of a terminal `columns` wide."""
        if not self.start.line <= line <= self.end.line:
            return None
        if self.block:
            left, right = sorted((self.start.column, self.end.column))
            return left, min(right + 1, columns)
        first = self.start.column if line == self.start.line else 0
        return first, min(self.end.column + 1 if line == self.end.line else columns, columns)

    def text(self, terminal: Terminal) -> str:
        """What it says, as the terminal still has it."""
        start = max(self.start, Place(first_line(terminal), 0))
        if start > self.end:
            return ""
        first, last = start.line - terminal.scrolled, self.end.line - terminal.scrolled
        return terminal.text_between((first, start.column), (last, self.end.column), self.block)

    def stands(self, terminal: Terminal) -> bool:
        """Whether what was selected is still there, and no program has written over it."""
        rows = _rows(terminal, self.start, self.end)
        return self.end.line >= first_line(terminal) and self.rows[len(self.rows) - len(rows) :] == rows


def select(
    terminal: Terminal, anchor: Place, head: Place, unit: Unit = Unit.CHARACTER, *, block: bool = False
) -> Selection:
    """What is selected between two places, whichever comes first."""
    start, end = sorted((anchor, head))
    if block:
        left, right = sorted((anchor.column, head.column))
        start, end = Place(start.line, left), Place(end.line, right)
    elif unit is Unit.WORD:
        start, end = word_at(terminal, start)[0], word_at(terminal, end)[1]
    elif unit is Unit.LINE:
        last = passage_at(terminal, end.line)
        start = Place(passage_at(terminal, start.line).first, 0)
        end = Place(last.first + len(last.rows) - 1, terminal.columns - 1)
    else:
        start, end = _whole(terminal, start, end)
    return Selection(anchor, head, unit, block, start, end, _rows(terminal, start, end))


def _whole(terminal: Terminal, start: Place, end: Place) -> tuple[Place, Place]:
    """With no half of a wide character at either end."""
    if start.column and row_at(terminal, start.line).is_wide(start.column - 1):
        start = Place(start.line, start.column - 1)
    if row_at(terminal, end.line).is_wide(end.column):
        end = Place(end.line, end.column + 1)
    return start, end


def _rows(terminal: Terminal, start: Place, end: Place) -> tuple[Row, ...]:
    first, last = max(start.line, terminal.scrolled), min(end.line, terminal.scrolled + terminal.lines - 1)
    return tuple(row_at(terminal, line) for line in range(first, last + 1))
