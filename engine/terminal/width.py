"""Widths: how many cells a character takes, and the clusters made of a character and its marks.

Text becomes a string of cells: a wide character is followed by `FILLER`, a character with combining marks is stood
for by one code point of the private plane 16. Imports only wcwidth.
"""

from __future__ import annotations

import re

from wcwidth import wcwidth

FILLER = "\0"
_NARROW_CLUSTERS = range(0x100000, 0x108000)
_WIDE_CLUSTERS = range(0x108000, 0x10FFFE)
_PLANE_16 = re.compile("[\U00100000-\U0010ffff]")
_CLUSTER_LENGTH = 16
_ENOUGH = 0x6000

_LEARNED = 100_000
"""Characters of which the width is remembered; enough for every script there is at once, without most of Han."""

_ASCII = frozenset(map(chr, range(0x20, 0x7F)))
_narrow = set(_ASCII)
_marks: set[str] = set()


class _Cells(dict[int, str]):
    """Code point to its cells, for `str.translate`; learns a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _LEARNED:
            self.clear()
            _narrow.intersection_update(_ASCII)
        character = chr(code)
        if code in _NARROW_CLUSTERS:
            cells = character
        elif code in _WIDE_CLUSTERS:
            cells = character + FILLER
        else:
            width = wcwidth(character)
            cells = character + FILLER if width == 2 else character
            if width == 1:
                _narrow.add(character)
            elif width <= 0:
                _marks.add(character)
        self[code] = cells
        return cells


_cells = _Cells()


def is_narrow(text: str) -> bool:
    """Whether each character of the text takes one cell. May answer False for a character never seen before."""
    return text.isascii() or _narrow.issuperset(text)


class Clusters:
    """The characters with marks of one terminal, each interned to a code point of plane 16.

    There is room for 32,768 narrow and 32,766 wide ones. A table that is `full` is to be collected soon; when there is
    no room left marks are dropped, so a hostile program can't take more memory than that.
    """

    def __init__(self) -> None:
        self._code: dict[str, str] = {}
        self._text: dict[str, str] = {}
        self._free = {1: iter(_NARROW_CLUSTERS), 2: iter(_WIDE_CLUSTERS)}

    @property
    def full(self) -> bool:
        return len(self._code) > _ENOUGH

    @property
    def half_full(self) -> bool:
        return len(self._code) > _ENOUGH // 2

    @staticmethod
    def found(cells: str) -> set[str]:
        """The clusters among the cells."""
        return set() if cells.isascii() else set(_PLANE_16.findall(cells))

    def add(self, cell: str, marks: str) -> str:
        """The cell that shows `cell` with `marks` over it."""
        text = (self._text.get(cell, cell) + marks)[:_CLUSTER_LENGTH]
        code = self._code.get(text)
        if code is None:
            number = next(self._free[len(_cells[ord(cell)])], None)
            if number is None:
                return cell
            code = self._code[text] = chr(number)
            self._text[code] = text
        return code

    def cells(self, text: str) -> tuple[str, str]:
        """Text as (marks that belong to the cell before it, its cells)."""
        text = _PLANE_16.sub("\ufffd", text)
        cells = text.translate(_cells)
        if _marks.isdisjoint(text):
            return "", cells
        leading = ""
        joined: list[str] = []
        for character in text:
            if character not in _marks:
                joined.append(character)
            elif joined:
                joined[-1] = self.add(joined[-1], character)
            else:
                leading += character
        return leading, "".join(joined).translate(_cells)

    def marks(self, cell: str) -> str:
        return self._text.get(cell, cell)[1:]

    def text(self, cells: str) -> str:
        """What the cells say, without filler and with the clusters spelled out."""
        text = cells.replace(FILLER, "")
        if text.isascii() or max(text) < chr(_NARROW_CLUSTERS.start):
            return text
        return "".join(self._text.get(character, character) for character in text)
