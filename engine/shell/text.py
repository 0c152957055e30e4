"""The characters that are read, and where each of them stands in what the user typed. Imports bisect and the faults.

The two differ where an alias was put in, and in what has escapes or tabs taken out before it is read: backquotes and
`<<-` here-documents. Every place in the tree and in a fault is one of the user's text, so nobody else has to know.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.shell.ast import Span
from engine.shell.faults import Place, SyntaxFault
from engine.shell.typing import NamedTuple

MAX_INSERTIONS = 2_000
MAX_INSERTED = 1 << 20  # characters


class _Piece(NamedTuple):
    """Characters from `offset` on come from `origin` on; with `length`, all of them from the same characters."""

    offset: int
    origin: int
    length: int | None = None


class Insertion(NamedTuple):
    """An alias that was put in, up to `end`."""

    end: int
    name: str
    blank: bool  # it ends with a blank: the next word may be an alias too


class Text:
    """`characters` to read. Offsets are theirs; spans are the user's. `insertions`: the aliases, inner ones last."""

    __slots__ = (
        "_parent",
        "_pieces",
        "_room",
        "_shift",
        "_tries",
        "characters",
        "first_line",
        "insertions",
        "name",
        "source",
    )

    def __init__(self, source: str, start: int, end: int, name: str, first_line: int) -> None:
        """The part of `source` from `start` up to `end`; name and first line are those of the whole."""
        self.characters = source[start:end]
        self.source = source
        self.name = name
        self.first_line = first_line
        self._pieces = [_Piece(0, start)]
        self._shift: int | None = start  # from offset to place, while that is the same for all
        self._parent: Text | None = None
        self.insertions: list[Insertion] = []
        self._tries = MAX_INSERTIONS
        self._room = MAX_INSERTED

    def derived(self, segments: list[tuple[int, int]]) -> Text:
        """A text of its own, made of parts of this one. Nothing typed later can complete it."""
        text = Text("", 0, 0, self.name, self.first_line)
        text.source = self.source
        text.characters = "".join([self.characters[start:end] for start, end in segments])
        text._parent = self
        text._pieces = []
        text._shift = None
        offset = 0
        for start, end in segments:
            text._pieces.append(_Piece(offset, start))
            offset += end - start
        return text

    def insert(self, start: int, end: int, name: str, value: str) -> bool:
        """Put an alias's value in, all of whose characters stand where those from `start` up to `end` stood.

        False, and nothing done, when aliases would take more than they may.
        """
        self._tries -= 1
        self._room -= len(value)
        if self._tries < 0 or self._room < 0:
            return False
        after = self._piece(end)
        rest = after if after.length is not None else _Piece(end, after.origin + end - after.offset)
        origin, self._shift = self._origin(start), None
        shift = len(value) - (end - start)
        self._pieces = [
            *(piece for piece in self._pieces if piece.offset < start),
            _Piece(start, origin, self._origin_of_end(start, end) - origin),
            rest._replace(offset=end + shift),
            *(piece._replace(offset=piece.offset + shift) for piece in self._pieces if piece.offset > end),
        ]
        self.insertions = [
            *(outer._replace(end=outer.end + shift) for outer in self.insertions),
            Insertion(start + len(value), name, value.endswith((" ", "\t"))),
        ]
        self.characters = self.characters[:start] + value + self.characters[end:]
        return True

    def inserted(self, offset: int) -> bool:
        """Whether the character there comes from an alias."""
        return self._piece(offset).length is not None

    def span(self, start: int, end: int) -> Span:
        """Where the characters from `start` up to `end` were typed."""
        if self._shift is not None:
            return Span(start + self._shift, end + self._shift)
        first, last = self._origin(start), self._origin_of_end(start, end)
        return self._parent.span(first, last) if self._parent else Span(first, last)

    def fault(self, message: str, start: int, end: int, *, hint: str = "", incomplete: bool = False) -> SyntaxFault:
        """What is wrong with the characters from `start` up to `end`."""
        place = Place(self.name, self.source, *self.span(start, end), self.first_line)
        return SyntaxFault(message, place, hint=hint, incomplete=incomplete and self._parent is None)

    def _piece(self, offset: int) -> _Piece:
        if len(self._pieces) == 1:
            return self._pieces[0]
        return self._pieces[bisect_right(self._pieces, offset, key=_offset) - 1]

    def _origin(self, offset: int) -> int:
        piece = self._piece(offset)
        return piece.origin if piece.length is not None else piece.origin + offset - piece.offset

    def _origin_of_end(self, start: int, end: int) -> int:
        if end <= start:
            return self._origin(start)
        piece = self._piece(end - 1)
        return piece.origin + (end - piece.offset if piece.length is None else piece.length)


def _offset(piece: _Piece) -> int:
    return piece.offset
