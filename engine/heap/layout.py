"""What a heap looks like in memory. Made of allocator/layout.h, which says what all this means, by
`python -m engine.heap.layout_of`: change the header, not this file. Standard library only.

A structure is a class of fields: `HeapRoot.sequence.offset`, `HeapRoot.SIZE`. Numbers are little-endian.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple


class Field(NamedTuple):
    """`size` bytes from `offset` on: `elements` numbers of `code` (of the module struct; pointers are "Q"), or as many
    of the structure called `struct`."""

    offset: int
    size: int
    elements: int
    code: str
    struct: str = ""


class Struct:
    SIZE: ClassVar[int]

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """In their order in memory."""
        return {name: value for name, value in vars(cls).items() if isinstance(value, Field)}


LAYOUT_VERSION = 1
ROOT_MAGIC = 0x482D534F494C4548
SEGMENT_MAGIC = 0x47455353494C4548
SEGMENT_SHIFT = 22
SEGMENT_UNIT = 4194304
SEGMENT_LIMIT = 1048576
SLAB_SHIFT = 16
SLAB_BYTES = 65536
SLABS_PER_SEGMENT = 64
FIRST_SLAB = 6
SLABS_OFFSET = 4096
FREE_SLOTS_OFFSET = 8192
FREE_SLOTS_STRIDE = 512
STATES_OFFSET = 65536
STATES_STRIDE = 1024
SMALL_STATES_OFFSET = 131072
SMALL_STATES_STRIDE = 4096
SMALL_STATES_BELOW = 64
LARGEST_SLOT = 1024
SLOT_CLASSES = 32
GRANULE = 64
BLOCK_HEADER = 16
BLOCK_USED = 1
BLOCK_CACHED = 2
BLOCK_SIZE_MASK = 0xFFFFFFFFFFC0
CHECKSUM_SHIFT = 48
ARENA_BITMAPS_OFFSET = 256
EXACT_BINS = 16384
EXACT_BINS_BELOW = 1048576
EXACT_BINS_SHIFT = 20
BINS_PER_DOUBLING = 256
BINS = 21504
BIN_WORDS = 336
BIN_SUMMARY_WORDS = 6
MAGAZINE_SLOTS = 124
QUICK_CLASSES = 512
QUICK_WAYS = 4
QUICK_BLOCKS = 2048
EVENTS = 4096
MODE_NO_SLABS = 1
MODE_NO_CACHE = 2
MODE_CHECK = 4
MODE_TRACE = 8
OBSERVE_START = 1
OBSERVE_EVENTS = 2
OBSERVE_CHECK = 4
OBSERVE_TRACE = 8
SLAB_CURRENT = 1


class HeapPolicy(IntEnum):
    BEST = 0
    FIRST = 1
    NEXT = 2
    WORST = 3


class SegmentKind(IntEnum):
    NONE = 0
    SLABS = 1
    ARENA = 2
    HUGE = 3


class SlotState(IntEnum):
    FREE = 0
    CACHED = 1
    USED = 2


class HeapEventKind(IntEnum):
    NONE = 0
    ALLOC = 1
    FREE = 2
    REALLOC = 3
    SEARCH = 4
    SPLIT = 5
    COALESCE = 6
    MAP = 7
    UNMAP = 8
    PURGE = 9
    SLAB_NEW = 10
    SLAB_DROP = 11
    REFILL = 12
    FLUSH = 13
    CACHE_HIT = 14


class HeapEvent(Struct):
    SIZE = 40
    number = Field(0, 4, 1, "I")
    kind_and_thread = Field(4, 4, 1, "I")
    time = Field(8, 8, 1, "Q")
    address = Field(16, 8, 1, "Q")
    size = Field(24, 8, 1, "Q")
    detail = Field(32, 8, 1, "Q")


class Segment(Struct):
    SIZE = 256
    magic = Field(0, 8, 1, "Q")
    kind = Field(8, 4, 1, "I")
    index = Field(12, 4, 1, "I")
    length = Field(16, 8, 1, "Q")
    sequence = Field(24, 8, 1, "Q")
    first = Field(32, 8, 1, "Q")
    end = Field(40, 8, 1, "Q")
    starts = Field(48, 8, 1, "Q")
    used = Field(56, 8, 1, "Q")
    free_slabs = Field(64, 8, 1, "Q")
    dirty_slabs = Field(72, 8, 1, "Q")
    next = Field(80, 8, 1, "Q")
    previous = Field(88, 8, 1, "Q")
    requested = Field(96, 8, 1, "Q")
    data = Field(104, 8, 1, "Q")
    reserved = Field(112, 144, 18, "Q")


class SegmentEntry(Struct):
    SIZE = 16
    base = Field(0, 8, 1, "Q")
    length_and_kind = Field(8, 8, 1, "Q")


class Slab(Struct):
    SIZE = 64
    states = Field(0, 8, 1, "Q")
    reciprocal = Field(8, 4, 1, "I")
    slot_size = Field(12, 2, 1, "H")
    slot_class = Field(14, 1, 1, "B")
    flags = Field(15, 1, 1, "B")
    slots = Field(16, 2, 1, "H")
    free_count = Field(18, 2, 1, "H")
    stamp = Field(20, 4, 1, "I")
    next = Field(24, 8, 1, "Q")
    previous = Field(32, 8, 1, "Q")
    free_slots = Field(40, 8, 1, "Q")
    summary = Field(48, 8, 1, "Q")
    reserved = Field(56, 8, 1, "Q")


class Block(Struct):
    SIZE = 16
    word = Field(0, 8, 1, "Q")
    requested = Field(8, 8, 1, "Q")


class FreeBlock(Struct):
    SIZE = 56
    word = Field(0, 8, 1, "Q")
    requested = Field(8, 8, 1, "Q")
    next = Field(16, 8, 1, "Q")
    previous = Field(24, 8, 1, "Q")
    dirty_from = Field(32, 8, 1, "Q")
    dirty_to = Field(40, 8, 1, "Q")
    stamp = Field(48, 8, 1, "Q")


class Magazine(Struct):
    SIZE = 1024
    count = Field(0, 4, 1, "I")
    capacity = Field(4, 4, 1, "I")
    allocations = Field(8, 8, 1, "Q")
    reciprocal = Field(16, 4, 1, "I")
    slot_size = Field(20, 4, 1, "I")
    requested = Field(24, 8, 1, "Q")
    slots = Field(32, 992, 124, "Q")


class ThreadCache(Struct):
    SIZE = 50176
    next = Field(0, 8, 1, "Q")
    previous = Field(8, 8, 1, "Q")
    thread = Field(16, 4, 1, "I")
    live = Field(20, 4, 1, "I")
    quick_bytes = Field(24, 8, 1, "Q")
    quick_total = Field(32, 8, 1, "Q")
    reserved = Field(40, 216, 27, "Q")
    current = Field(256, 256, 32, "Q")
    magazines = Field(512, 32768, 32, "", "Magazine")
    quick_count = Field(33280, 512, 512, "B")
    quick = Field(33792, 16384, 2048, "Q")


class HeapBins(Struct):
    SIZE = 174768
    summary = Field(0, 48, 6, "Q")
    bits = Field(48, 2688, 336, "Q")
    lists = Field(2736, 172032, 21504, "Q")


class HeapRoot(Struct):
    SIZE = 752
    magic = Field(0, 8, 1, "Q")
    version = Field(8, 4, 1, "I")
    size = Field(12, 4, 1, "I")
    self = Field(16, 8, 1, "Q")
    policy = Field(24, 4, 1, "I")
    modes = Field(28, 4, 1, "I")
    page_size = Field(32, 8, 1, "Q")
    secret = Field(40, 8, 1, "Q")
    segments = Field(48, 8, 1, "Q")
    events = Field(56, 8, 1, "Q")
    watch_until = Field(64, 8, 1, "Q")
    observers = Field(72, 4, 1, "I")
    reserved_observers = Field(76, 4, 1, "I")
    reserved = Field(80, 48, 6, "Q")
    class_sizes = Field(128, 64, 32, "H")
    event_count = Field(192, 8, 1, "Q")
    reserved_events = Field(200, 56, 7, "Q")
    sequence = Field(256, 8, 1, "Q")
    lock = Field(264, 4, 1, "I")
    segment_count = Field(268, 4, 1, "I")
    thread_caches = Field(272, 8, 1, "Q")
    spare_caches = Field(280, 8, 1, "Q")
    free_entries = Field(288, 8, 1, "Q")
    slab_segments = Field(296, 8, 1, "Q")
    huge_threshold = Field(304, 8, 1, "Q")
    rover = Field(312, 8, 1, "Q")
    next_base = Field(320, 8, 1, "Q")
    top = Field(328, 8, 1, "Q")
    period = Field(336, 8, 1, "Q")
    period_start = Field(344, 8, 1, "Q")
    frees_until_look = Field(352, 8, 1, "Q")
    forks = Field(360, 8, 1, "Q")
    bytes_mapped = Field(368, 8, 1, "Q")
    arena_used_bytes = Field(376, 8, 1, "Q")
    arena_free_bytes = Field(384, 8, 1, "Q")
    huge_bytes = Field(392, 8, 1, "Q")
    live_slabs = Field(400, 8, 1, "Q")
    arena_allocations = Field(408, 8, 1, "Q")
    arena_frees = Field(416, 8, 1, "Q")
    splits = Field(424, 8, 1, "Q")
    coalesces = Field(432, 8, 1, "Q")
    search_steps = Field(440, 8, 1, "Q")
    maps = Field(448, 8, 1, "Q")
    unmaps = Field(456, 8, 1, "Q")
    purges = Field(464, 8, 1, "Q")
    refills = Field(472, 8, 1, "Q")
    flushes = Field(480, 8, 1, "Q")
    partial_slabs = Field(488, 256, 32, "Q")
    bins = Field(744, 8, 1, "Q")
