"""Field splitting (POSIX XCU 2.6.5): the pieces that a word has become, cut where IFS says. Imports re.

A piece is text that is treated in one way. An empty piece that was quoted makes an empty field; all others make none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final


class Kind(IntEnum):
    """How a piece is treated."""

    TYPED = 0  # not quoted, but not from an expansion either: never split, but may be a glob
    RESULT = 1  # of an expansion that was not quoted: split, and may be a glob
    QUOTED = 2  # as it is
    BREAK = 3  # a field ends, the next begins: between the parameters of "$@"


class Piece(NamedTuple):
    """Some of the text that a word has become."""

    text: str
    kind: Kind


class Field(NamedTuple):
    """`text`, and when part of it can be a glob, the pattern to look for."""

    text: str
    pattern: str | None


BREAK: Final = Piece("", Kind.BREAK)

_GLOB: Final = re.compile(r"[*?\[]")


def split(pieces: Iterable[Piece], ifs: str) -> list[Field]:
    """The fields. `ifs` is the value of IFS: of its blanks any number is one delimiter, together with at most one
    of its other characters; when it is empty nothing is split."""
    splitter = _Splitter(ifs)
    for piece in pieces:
        splitter.add(piece)
    return splitter.finished()


def pattern(pieces: Iterable[Piece]) -> str:
    """The pieces as one pattern: what was quoted matches itself only."""
    from engine.shell.patterns import escape

    return "".join(escape(text) if kind == Kind.QUOTED else text for text, kind in pieces)


class _Splitter:
    """Takes pieces one after the other. `_open` is the field that more text may be added to, None between fields."""

    def __init__(self, ifs: str) -> None:
        self._blanks, self._others, self._delimiter = _delimiters(ifs)
        self._fields: list[Field] = []
        self._open: list[Piece] | None = None
        self._after_blanks = False  # the last field was ended by blanks: another delimiter may still belong to them

    def add(self, piece: Piece) -> None:
        text, kind = piece
        if kind == Kind.BREAK:
            self._close(after_blanks=False)
        elif kind == Kind.RESULT and self._delimiter:
            self._split(text, self._delimiter)
        elif text or kind == Kind.QUOTED:
            self._append(piece)

    def finished(self) -> list[Field]:
        self._close(after_blanks=False)
        return self._fields

    def _append(self, piece: Piece) -> None:
        if self._open is None:
            self._open = []
        self._open.append(piece)

    def _close(self, *, after_blanks: bool) -> None:
        if self._open is not None:
            self._fields.append(_field(self._open))
            self._open = None
        self._after_blanks = after_blanks

    def _split(self, text: str, delimiter: re.Pattern[str]) -> None:
        first, *others = delimiter.split(text)
        if first:
            self._append(Piece(first, Kind.RESULT))
        if not others:
            return
        if not self._is_blank(text, len(first)):
            if self._open is None and not self._after_blanks:
                self._open = []  # nothing stands before the delimiter: an empty field
            self._close(after_blanks=False)
        elif self._open is not None:
            self._close(after_blanks=True)
        *middle, last = others
        if middle:
            self._fields += [_field([Piece(content, Kind.RESULT)]) for content in middle]
            self._after_blanks = not self._others or not self._ends_in_other(text, len(text) - len(last))
        if last:
            self._append(Piece(last, Kind.RESULT))

    def _is_blank(self, text: str, start: int) -> bool:
        """Whether the delimiter there is blanks only."""
        while start < len(text) and text[start] in self._blanks:
            start += 1
        return start == len(text) or text[start] not in self._others

    def _ends_in_other(self, text: str, end: int) -> bool:
        """Whether the delimiter that ends there is more than blanks."""
        while text[end - 1] in self._blanks:
            end -= 1
        return text[end - 1] in self._others


@lru_cache(maxsize=8)
def _delimiters(ifs: str) -> tuple[str, str, re.Pattern[str] | None]:
    """The blanks in IFS, the others, and what one delimiter looks like."""
    blanks = "".join(character for character in ifs if character in " \t\n")
    others = "".join(character for character in ifs if character not in " \t\n")
    blank, other = (f"[{re.escape(characters)}]" if characters else "(?!)" for characters in (blanks, others))
    return blanks, others, re.compile(f"{blank}++(?:{other}{blank}*+)?|{other}{blank}*+") if ifs else None


def _field(pieces: list[Piece]) -> Field:
    text = "".join([piece.text for piece in pieces])
    if not _GLOB.search(text) or not any(kind <= Kind.RESULT and _GLOB.search(part) for part, kind in pieces):
        return Field(text, None)
    return Field(text, pattern(pieces))
