"""A free list drawn on the heap map: its blocks numbered in list order, and a dotted path from each to the next.

Works in cells of lines, whatever they show. Imports heap and heap_layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

from widgets.heap import FreeTrail, HeapBlock
from widgets.heap_layout import HeapLayout

Ink: TypeAlias = tuple[str, str]
"""A character, and the component class of its colour."""
Spot: TypeAlias = tuple[int, int]
"""A line of the map, and a column."""

ARROWS = "→↘↓↙←↖↑↗"
LAST = "∅"  # the list ends here, with NULL
HOPS = 4
"""How far before and after the cursor the path is drawn, in a long list."""
SHORT = 12
"""How many blocks a list may have so that all of its path is drawn."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a braille cell, by column and row


def trail_inks(trail: FreeTrail, layout: HeapLayout, lines: range, here: int | None) -> dict[Spot, Ink]:
    """What the trail writes on these lines. `here`: the place in the list at which the cursor is."""
    ends = {trail.skip + n: spot for n, block in enumerate(trail.blocks) if (spot := spot_of(layout, block.start))}
    signs: dict[Spot, Ink] = {}
    for n, block in enumerate(trail.blocks):
        place = trail.skip + n
        if place in ends:
            signs.update(_signed(block, ends[place], place, ends.get(place + 1), place + 1 == trail.count, layout))
    path: dict[Spot, int] = {}
    for one, other in pairwise(sorted(ends)):
        near = here is not None and -HOPS <= one - here < HOPS
        if other == one + 1 and (near or len(ends) <= SHORT):
            for spot, dots in dotted(ends[one], ends[other], lines):
                path[spot] = path.get(spot, 0) | dots
    inks = {spot: (chr(0x2800 + dots), "heap--path") for spot, dots in path.items()} | signs
    return {spot: ink for spot, ink in inks.items() if spot[0] in lines}


def spot_of(layout: HeapLayout, address: int) -> Spot | None:
    """Where an address is."""
    found = layout.find(address)
    return None if found is None else (layout.line(found[0]), found[1])


def arrow(one: Spot, other: Spot) -> str:
    """The arrow from one spot to another; a cell is twice as high as wide."""
    down, right = 2 * (other[0] - one[0]), other[1] - one[1]
    if abs(down) > 2 * abs(right):
        return ARROWS[2 if down > 0 else 6]
    if abs(right) > 2 * abs(down):
        return ARROWS[0 if right > 0 else 4]
    return ARROWS[(1 if right > 0 else 3) if down > 0 else (7 if right > 0 else 5)]


def _signed(
    block: HeapBlock, spot: Spot, place: int, following: Spot | None, last: bool, layout: HeapLayout
) -> Iterator[tuple[Spot, Ink]]:
    """The block's number, and which way the next one is, as far as its cells have room for that."""
    room = min(max(1, -(-block.size // layout.cell)), layout.columns - spot[1])
    number = str(place + 1)
    words = number if len(number) <= room else "•"
    if len(words) < room:
        words += arrow(spot, following) if following else LAST if last else ""
    indent = 1 if len(words) < room - 1 else 0
    for n, character in enumerate(" " * indent + words):
        yield (spot[0], spot[1] + n), (character, "heap--trail")


def dotted(one: Spot, other: Spot, lines: Iterable[int]) -> Iterator[tuple[Spot, int]]:
    """The cells of a straight line between the middles of two, and the dots of each, in the order of the way."""
    top, bottom = min(lines, default=0), max(lines, default=-1)
    start, end = (one[1] * 2 + 1, one[0] * 4 + 2), (other[1] * 2 + 1, other[0] * 4 + 2)
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    found: dict[Spot, int] = {}
    if max(one[0], other[0]) < top or min(one[0], other[0]) > bottom:
        return
    first, last = 0, steps
    if one[0] != other[0]:  # only the part that is seen
        along = sorted((line * 4 - start[1]) / (end[1] - start[1]) for line in (top, bottom + 1))
        first, last = max(0, int(along[0] * steps) - 1), min(steps, int(along[1] * steps) + 1)
    for step in range(first, last + 1):
        if step % 2 == 0:
            x = start[0] + round((end[0] - start[0]) * step / steps)
            y = start[1] + round((end[1] - start[1]) * step / steps)
            spot = y // 4, x // 2
            found[spot] = found.get(spot, 0) | _DOTS[x % 2][y % 4]
    yield from found.items()
