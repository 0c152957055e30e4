"""Heaps as people see them: of a container's processes, and of playgrounds. Imports value and msgspec.

Addresses are text as C writes it, "0x7f00deadb000": a number of 64 bits is not safe in JSON. Sizes are bytes.
`docs/heap.md` explains the words: segment, slab, slot, arena, block, bin, magazine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from engine.protocol.value import Value

Policy = Literal["best", "first", "next", "worst"]
SegmentKind = Literal["slabs", "arena", "huge"]
BlockState = Literal["used", "cached", "free", "meta"]
"""`cached`: freed by the program and kept for its next request of that size, by a thread."""

EventKind = Literal[
    "alloc", "free", "realloc",  # what the program asked
    "search", "split", "coalesce", "map", "unmap", "purge", "slab_new", "slab_drop", "refill", "flush", "cache_hit",
]  # fmt: skip


class HeapTarget(Value, frozen=True, forbid_unknown_fields=True):
    """Whose heap: a process of a running container, or a playground."""

    container: str | None = None  # one of these two
    playground: str | None = None
    pid: int | None = None  # as the container counts; None: the first process with a heap of ours


class HeapOptions(Value, frozen=True, forbid_unknown_fields=True):
    """How the allocator works; chosen when the process starts (HELIOS_HEAP)."""

    policy: Policy = "best"  # which free block is taken
    slabs: bool = True  # small sizes from slabs; else all from blocks
    cache: bool = True  # caches of threads
    check: bool = False  # redzones, poison, and who allocated and freed each block


class HeapProcess(Value, frozen=True):
    """A process of a container. `reason`: why it has no heap of ours; empty: it has."""

    pid: int  # as the container counts; 0: not in its PID namespace
    host_pid: int
    command: str
    reason: str = ""
    options: HeapOptions | None = None
    mapped: int = 0
    used: int = 0


class HeapTotals(Value, frozen=True):
    """Sums of one moment. The fragmentations are 0 to 1."""

    mapped: int  # address space of all segments
    resident: int  # of it in memory
    requested: int  # what the program asked for and has
    used: int  # what it takes: blocks and slots in use
    cached: int
    free: int  # free blocks and free slots
    free_blocks: int  # bytes in free blocks of arenas
    largest_free: int  # the largest of these blocks
    meta: int  # the allocator's own
    internal_fragmentation: float  # 1 - requested / used
    external_fragmentation: float  # 1 - largest_free / free_blocks
    used_count: int  # blocks and slots
    free_count: int  # free blocks
    counters: dict[
        str, int
    ]  # since its start: "allocations", "frees", "splits", "coalesces", "maps", "unmaps", "purges" …


class HeapMoment(Value, frozen=True):
    """A point of the heap's growth."""

    at: datetime
    mapped: int
    used: int
    free: int
    external_fragmentation: float


class HeapSegment(Value, frozen=True):
    """What was asked of the kernel in one piece, or the allocator's own data."""

    address: str
    kind: SegmentKind
    size: int
    used: int
    cached: int
    free: int
    blocks: int  # or slots in use


class HeapClass(Value, frozen=True):
    """All slabs of one size of slots."""

    size: int
    slabs: int
    slots: int
    used: int
    cached: int
    free: int


class HeapBin(Value, frozen=True):
    """A free list: blocks of `smallest` to `largest` bytes."""

    index: int
    smallest: int
    largest: int
    count: int
    bytes: int


class HeapCount(Value, frozen=True):
    """How many blocks and slots take `smallest` to `largest` bytes each: one bar of the histogram."""

    smallest: int
    largest: int
    used: int
    free: int
    used_bytes: int
    free_bytes: int


class HeapThread(Value, frozen=True):
    """What a thread keeps for itself."""

    tid: int
    slots: int
    slot_bytes: int
    blocks: int
    block_bytes: int


class HeapBlock(Value, frozen=True):
    """A block, slot or huge block. `address`: what the program was given; `start`: where its header is, or the slot."""

    address: str
    start: str
    size: int  # with header and rest
    requested: int | None  # None: not known, as of slots
    state: BlockState
    kind: Literal["block", "slot", "huge"]
    segment: str
    bin: int | None = None  # of a free block
    bin_position: int | None = None  # in its free list, from 0
    slab: str | None = None  # of a slot: its slab
    size_class: int | None = None  # of a slot
    number: int | None = None  # a playground's #k


class HeapEvent(Value, frozen=True):
    """What the allocator did. `detail` depends on the kind: see docs/heap.md."""

    number: int
    time: float  # seconds of CLOCK_MONOTONIC
    thread: int
    kind: EventKind
    address: str
    size: int
    detail: int
    words: str = ""  # the same as a sentence


class HeapReport(Value, frozen=True):
    """All figures of a heap, without its map."""

    process: HeapProcess
    options: HeapOptions
    totals: HeapTotals
    segments: list[HeapSegment]
    classes: list[HeapClass]
    bins: list[HeapBin]  # those with blocks
    histogram: list[HeapCount]
    top_sizes: list[HeapCount]  # the sizes that take most, used
    threads: list[HeapThread]
    history: list[HeapMoment]  # since somebody looks, oldest first
    consistent: bool  # False: the program went on meanwhile, and parts may be of different moments
    milliseconds: float  # that reading took


class HeapView(Value, frozen=True, forbid_unknown_fields=True):
    """Which part of the heap, how large. The map is made of rows of `columns` cells; each segment starts a row."""

    columns: int = 64
    rows: int = 20
    cell: int = 0  # bytes of one cell, a power of two from 1; 0: so that all of it fits
    at: str | None = None  # an address that the rows shall show; None: from the start
    cursor: str | None = None  # an address whose block is wanted
    first_row: int | None = None  # to scroll; instead of `at`
    events_after: int | None = None  # with events of numbers above this; switches them on
    still: bool = False  # as it was at the last question, without reading anew


class HeapRow(Value, frozen=True):
    """One row of cells. `states`: a letter per cell, what most of it is: u used, c cached, f free, s free slots in a
    slab, m the allocator's own, g free and given back to the kernel, blank beyond the segment; the capital of a letter
    where a block begins (of cells that are smaller than a block). `fills`: 0 to 9, how much of the cell is in use."""

    segment: int  # index of HeapMap.segments
    address: str
    states: str
    fills: str


class HeapMap(Value, frozen=True):
    """A picture of a heap at one moment."""

    sequence: int  # of the allocator; unchanged: nothing has happened
    consistent: bool
    milliseconds: float
    cell: int
    first_row: int
    all_rows: int
    rows: list[HeapRow]
    segments: list[HeapSegment]
    totals: HeapTotals
    cursor: HeapBlock | None = None
    before: HeapBlock | None = None  # its neighbours in memory
    after: HeapBlock | None = None
    events: list[HeapEvent] = []
    last_event: int = 0  # the number of the newest one


class HeapField(Value, frozen=True):
    """Bytes with a meaning: `offset` in what was asked for."""

    offset: int
    size: int
    name: str  # "size and flags", "checksum", "requested", "next free", "previous free", "boundary tag", "data" …
    value: str  # in words: "208 bytes, used"


# --- playgrounds ---


class PlaygroundBlock(Value, frozen=True):
    """What a playground's program has: `#number`."""

    number: int
    address: str
    requested: int


class PlaygroundStep(Value, frozen=True):
    """One operation that was done."""

    number: int  # from 1
    operation: str  # "alloc 200"
    block: int | None  # which #k it was about, or made
    address: str | None  # what it answered
    words: list[str]  # what the allocator did, a sentence each
    events: list[HeapEvent]


class Playground(Value, frozen=True):
    """A heap driven by hand. `step` operations of `steps` are done."""

    id: str
    options: HeapOptions
    step: int
    steps: int
    next: str | None  # the operation that comes next
    last: PlaygroundStep | None
    blocks: list[PlaygroundBlock]  # the newest last; at most 1,000
    ended: str = ""  # the line it ended with: "helios-heap: double free of …"; step back mends it


class PlaygroundOperation(Value, frozen=True):
    """An operation of a playground's list, done or to come."""

    number: int
    operation: str
    result: str  # "#7 = 0x600000001030", "", or the line it ended with
