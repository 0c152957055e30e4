"""What became of a heap's cells between two pictures: taken, freed, joined, split. Imports heap.

Cells by row and column. The rows of both pictures stand for the same addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from widgets.heap import HeapRow

Rows: TypeAlias = Mapping[int, HeapRow]
Changes: TypeAlias = dict[tuple[int, int], str]
"""What happened to a cell: "taken", "freed", "joined", "split" or "changed"; the component class of its flash."""
_FREE = "fFgG"


def changes(before: Rows, after: Rows) -> Changes:
    """The cells that differ, and all cells of free blocks that were joined, as far as their rows are in both."""
    found: Changes = {}
    joined: list[tuple[int, int]] = []
    for number, row in after.items():
        old = before.get(number)
        if old is None or old == row or old.address != row.address:
            continue
        for column, (was, now) in enumerate(zip(old.states, row.states, strict=False)):
            if was != now:
                found[number, column] = _kind(was, now)
                if now == "f" and was != "g":
                    joined.append((number, column))
            elif old.fills[column] != row.fills[column]:
                found[number, column] = "taken" if old.fills[column] < row.fills[column] else "freed"
    for place in joined:
        if found[place] != "joined":
            _join(place, before, after, found)
    return found


def _kind(was: str, now: str) -> str:
    if now in "uU" and was not in "uU":
        return "taken"
    if now == "F" and was in "fg":
        return "split"
    if now in "fFsScCgG" and was in "uU":
        return "freed"
    return "changed"


def _join(place: tuple[int, int], before: Rows, after: Rows, found: Changes) -> None:
    """If the free block of a cell is one that grew over a free neighbour, all of it is joined."""
    first = place
    while _letter(after, first) in ("f", "g"):
        back = _step(first, -1, after)
        if back is None or _letter(after, back) not in _FREE:
            break
        first = back
    whole, here = [first], _step(first, 1, after)
    while here is not None and _letter(after, here) in ("f", "g"):
        whole.append(here)
        here = _step(here, 1, after)
    was = [_letter(before, each) if each[0] in before else "" for each in whole]
    if "F" in was[1:] or (was[0] in ("F", "f", "g") and any(each and each not in _FREE for each in was)):
        found.update(dict.fromkeys(whole, "joined"))


def _letter(rows: Rows, place: tuple[int, int]) -> str:
    """The letter of a cell."""
    return rows[place[0]].states[place[1]]


def _step(place: tuple[int, int], by: int, rows: Rows) -> tuple[int, int] | None:
    """The next cell of the segment, or the one before."""
    row, column = place[0], place[1] + by
    if 0 <= column < len(rows[row].states):
        return row, column
    row += by
    if row not in rows or rows[row].segment != rows[place[0]].segment:
        return None
    return row, 0 if by > 0 else len(rows[row].states) - 1
