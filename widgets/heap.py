"""A heap as values for its map and figures. Standard library only.

Addresses are numbers, sizes bytes. What a pane has from the engine as text ("0x7f00deadb000") it turns into these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

SegmentKind: TypeAlias = Literal["slabs", "arena", "huge"]
BlockState: TypeAlias = Literal["used", "cached", "free", "meta"]
BlockKind: TypeAlias = Literal["block", "slot", "huge"]


@dataclass(frozen=True)
class HeapSegment:
    """What was asked of the kernel in one piece. `blocks`: how many are in use."""

    address: int
    kind: SegmentKind
    size: int
    used: int = 0
    cached: int = 0
    free: int = 0
    blocks: int = 0


@dataclass(frozen=True)
class HeapRow:
    """One row of cells, all of one segment. `states`: a letter per cell, what most of it is: u used, c cached, f free,
    s free slots in a slab, m the allocator's own, g free and given back to the kernel, blank beyond the segment; the
    capital where a block begins, of cells smaller than a block. `fills`: 0 to 9, how much of the cell is in use."""

    segment: int
    address: int
    states: str
    fills: str


@dataclass(frozen=True)
class HeapBlock:
    """A block, a slot or a huge block: `start` to `start + size`, its header and rest included. `address`: what the
    program was given; `bin` and `position`: of a free block, its free list and its place in it; `number`: #k."""

    start: int
    size: int
    address: int
    state: BlockState
    kind: BlockKind = "block"
    bin: int | None = None
    position: int | None = None
    number: int | None = None

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.start + self.size


@dataclass(frozen=True)
class HeapPicture:
    """Rows `first_row` and following of all that the segments have, each segment beginning a row: `columns` cells of
    `cell` bytes. `cursor`: the block at the address that was wished, with its neighbours in memory."""

    columns: int
    cell: int
    first_row: int
    rows: tuple[HeapRow, ...]
    segments: tuple[HeapSegment, ...]
    cursor: HeapBlock | None = None
    before: HeapBlock | None = None
    after: HeapBlock | None = None


@dataclass(frozen=True)
class HeapWish:
    """What the map would show: `rows` rows from `first_row` on, and the block at `cursor`. `cell` 0: as many bytes as
    it takes for the whole heap to fit in `rows`."""

    columns: int
    rows: int
    cell: int = 0
    first_row: int = 0
    cursor: int | None = None


@dataclass(frozen=True)
class FreeTrail:
    """Blocks of one free list in list order, from the one at place `skip` on; `count`: how many the list has."""

    bin: int
    blocks: tuple[HeapBlock, ...]
    count: int
    skip: int = 0


@dataclass(frozen=True)
class HeapField:
    """Bytes with a meaning: `name` as "size and flags" or "data", `value` in words: "208 bytes, used"."""

    offset: int
    size: int
    name: str
    value: str


@dataclass(frozen=True)
class HeapDump:
    """Bytes from `address` on, and what they mean."""

    address: int
    data: bytes
    fields: tuple[HeapField, ...]


@dataclass(frozen=True)
class HeapBar:
    """A bar of a chart: what it stands for, and bytes (or numbers) of it that are used, cached and free. `told`: what
    is said beside it; empty: the amounts in words."""

    label: str
    used: int = 0
    cached: int = 0
    free: int = 0
    told: str = ""


@dataclass(frozen=True)
class HeapHappening:
    """Something the allocator did. `time`: seconds since the first one that is shown; `kind`: as "split"; `words`: a
    sentence."""

    number: int
    time: float
    kind: str
    words: str
    address: int = 0
