"""The lines of the heap map as characters: headings of segments, rows with their addresses, the legend.

Imports heap, heap_layout, heap_looks and text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from widgets.heap import HeapRow, HeapSegment
from widgets.heap_layout import ADDRESS
from widgets.heap_looks import EDGE, FULL, Cell, Look, texture
from widgets.text import binary

Line: TypeAlias = list[Cell]

KINDS = {
    "slabs": ("slabs", "slots"),
    "arena": ("arena", "blocks"),
    "huge": ("huge", "blocks"),
}
_STRANGE = Cell("?", "heap--text")
_LEGEND = (
    ("used", EDGE + " ", Look("u", FULL)),
    ("cached", "╱╱", Look("c")),
    ("free", "··", Look("f")),
    ("free slot", "▫▫", Look("s")),
    ("its own", "╳╳", Look("m")),
    ("given back", "  ", Look("g")),
)


def _cell(letter: str, fill: str, odd: bool) -> Cell:
    text, look = texture(letter, fill)
    return Cell(text, look._replace(odd=odd))


_CELLS = tuple(
    {(letter, fill): _cell(letter, fill, odd) for letter in "uUcCfFsSmMgG " for fill in " 0123456789"}
    for odd in (False, True)
)


def row_line(row: HeapRow, gutter: int, kind: str, *, odd: bool) -> Line:
    """A row: where it begins, and its cells. `kind`: of a segment that begins here without a heading."""
    address = f"0x{row.address:012x}" if gutter > ADDRESS else f"…{row.address & 0xFFFFFFFF:08x}"
    line = written(f"{address:<{gutter}}", f"heap--{kind}" if kind else "heap--address")
    cells = _CELLS[odd]
    line += [cells.get(each) or _STRANGE for each in zip(row.states, row.fills, strict=False)]
    return line


def heading_line(segment: HeapSegment, width: int) -> Line:
    """What a segment is, in as many words as there is room for."""
    kind, things = KINDS[segment.kind]
    facts = [f"0x{segment.address:012x}", binary(segment.size)]
    if segment.size:
        facts.append(f"{segment.used / segment.size:.0%} used")
    if segment.kind != "huge":
        facts.append(f"{binary(segment.free)} free")
        facts.append(f"{segment.blocks:,} {things if segment.blocks != 1 else things[:-1]}")
    line = written(f"{kind} ", f"heap--{segment.kind}")
    for n, fact in enumerate(facts):
        words = f"· {fact} " if n else f"{fact} "
        if len(line) + len(words) > width:
            break
        line += written(words, "heap--heading" if n == 0 else "heap--muted")
    return line + written("─" * (width - len(line)), "heap--rule")


def waiting_line(gutter: int, columns: int) -> Line:
    """A row that has not come yet."""
    return written(" " * gutter + "┈" * columns, "heap--rule")


def legend_line(width: int, cell: int, columns: int) -> Line:
    """What the cells mean, and how much each stands for, as far as there is room."""
    entries = [
        [*(Cell(character, look) for character in sample), *written(f" {words} ", "heap--muted")]
        for words, sample, look in _LEGEND
    ]
    amount = f"{binary(cell)} a cell" if cell else ""
    if cell and sum(map(len, entries)) + len(amount) + 20 < width:
        amount += f", {binary(cell * columns)} a row"
    line: Line = []
    for entry in entries:
        if len(line) + len(entry) + len(amount) <= width:
            line += entry
    return line + written(f"{amount:>{width - len(line)}}", "heap--muted")


def written(text: str, look: str) -> Line:
    return [Cell(character, look) for character in text]


def differing(one: Sequence[Cell], other: Sequence[Cell], gap: int = 3) -> list[tuple[int, int]]:
    """The spans, from and to, in which two lines differ; such with less than `gap` equal cells between are one."""
    length = max(len(one), len(other))
    spans: list[tuple[int, int]] = []
    for n in range(length):
        if n >= len(one) or n >= len(other) or one[n] != other[n]:
            if spans and n - spans[-1][1] < gap:
                spans[-1] = spans[-1][0], n + 1
            else:
                spans.append((n, n + 1))
    return spans
