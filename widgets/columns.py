"""Columns of a table and what their cells show: widths shared out, text cut to them, and which cells differ.

Imports rich and text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.cells import cell_len

from widgets.text import fit

RowType = TypeVar("RowType")


@dataclass(frozen=True)
class Cell:
    """What one cell shows: its text, and the component class of its style (empty: the row's own). `parts`: several
    texts with a style each instead, which together are as wide as the column."""

    text: str
    style: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    def pieces(self, width: int, *, right: bool) -> Sequence[tuple[str, str]]:
        """Texts and styles, in exactly `width` cells."""
        return self.parts or ((fit(self.text, width, right=right), self.style),)


@dataclass(frozen=True)
class Column(Generic[RowType]):
    """One column. `width` is the least number of cells, `most` the largest (0: any); `weight` its share of what is left
    over; columns of a higher `rank` go first when there is no room. `order` gives the value to sort by; `falling`: the
    largest is wanted first; `live`: its values change all the time, so that a sort by it is held for a while."""

    name: str
    title: str
    width: int
    order: Callable[[RowType], Any]
    weight: int = 0
    rank: int = 0
    right: bool = False
    most: int = 0
    falling: bool = False
    live: bool = False


def in_order(value: Any) -> tuple[bool, Any]:
    """Missing values come last, whatever the others are."""
    return value is None, "" if value is None else value


def column_widths(columns: Sequence[Column[Any]], width: int) -> dict[str, int]:
    """The width of each column that has room, in the order of the columns."""
    shown = list(columns)
    room = width - 1

    def needed() -> int:
        return sum(column.width + 1 for column in shown)

    while needed() > room and any(column.rank for column in shown):
        shown.remove(max(reversed(shown), key=lambda column: column.rank))
    spare = max(0, room - needed())
    widths = {column.name: column.width for column in shown}
    growing = [column for column in shown if column.weight]
    while spare and growing:
        spare = _share(growing, widths, spare)
        growing = [column for column in growing if not column.most or widths[column.name] < column.most]
    return widths


def _share(growing: Sequence[Column[Any]], widths: dict[str, int], spare: int) -> int:
    """Share out what is spare by weight; what some have no use for remains."""
    weights, left = sum(column.weight for column in growing), 0
    for column in growing:
        share = spare * column.weight // weights
        spare, weights = spare - share, weights - column.weight
        used = min(share, column.most - widths[column.name]) if column.most else share
        widths[column.name] += used
        left += share - used
    return left


def difference(old: Cell, new: Cell, width: int, *, right: bool) -> tuple[int, int] | None:
    """From which cell to which (exclusive) the two look different; None where nowhere."""
    if old == new:
        return None
    one, other = _characters(old.pieces(width, right=right)), _characters(new.pieces(width, right=right))
    if len(one) != width or len(other) != width:  # with wide characters in it
        return 0, width
    places = [n for n, (before, after) in enumerate(zip(one, other, strict=True)) if before != after]
    return (places[0], places[-1] + 1) if places else None


def _characters(pieces: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The characters with their styles; none where one of them is not one cell wide."""
    if any(not text.isascii() and cell_len(text) != len(text) for text, _ in pieces):
        return []
    return [(character, style) for text, style in pieces for character in text]
