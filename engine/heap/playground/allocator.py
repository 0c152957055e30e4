"""The allocator, loaded beside this process's own malloc (RTLD_LOCAL): its functions, and what it knows of an address.

Standard library and `engine.heap.layout`.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from engine.heap import layout
from engine.heap.layout import HeapEvent, HeapEventKind, HeapRoot, Segment, SegmentKind, Slab, SlotState

_NEVER = 1 << 62
_EVENT = struct.Struct("<IIQQQQ")
_KIND_SHIFT = 24
assert _EVENT.size == HeapEvent.SIZE


class Happened(NamedTuple):
    """An entry of the ring of events."""

    number: int
    time: float  # seconds of CLOCK_MONOTONIC
    thread: int
    kind: HeapEventKind
    address: int
    size: int
    detail: int


class Place(NamedTuple):
    """What an address lies in. `size`: of the block with its header, of the slot, of the huge mapping."""

    kind: Literal["slot", "block", "huge"]
    start: int  # of the slot, the header or the mapping
    size: int
    state: Literal["used", "cached", "free"]
    slab: int = 0
    slot: int = 0  # from 0
    slots: int = 0
    slots_free: int = 0  # in the slab's bitmap


class Allocator:
    """What is compiled at `path`, with the options of HELIOS_HEAP in this process's environment."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path, mode=os.RTLD_LOCAL | os.RTLD_DEEPBIND)  # the replay calls its own malloc, not ours
        size, address = ctypes.c_size_t, ctypes.c_void_p
        self.malloc = _function(library.malloc, address, size)
        self.calloc = _function(library.calloc, address, size, size)
        self.memalign = _function(library.memalign, address, size, size)
        self.realloc = _function(library.realloc, address, address, size)
        self.free = _function(library.free, None, address)
        self.trim = _function(library.malloc_trim, ctypes.c_int, size)
        self.replay = _function(library.helios_replay, size, address, size, address, address)
        self.root = ctypes.addressof(ctypes.c_char.in_dll(library, "helios_heap_root"))

    def forget_time(self) -> None:
        """Give nothing back to the kernel because time has passed: so each run of the same steps is the same."""
        ctypes.c_uint64.from_address(self.root + HeapRoot.period_start.offset).value = _NEVER

    def happened(self) -> int:
        """How many events there were so far."""
        return _word(self.root + HeapRoot.event_count.offset)

    def since(self, before: int) -> Iterator[Happened]:
        """The events after the first `before`, as far as the ring has them still."""
        count = self.happened()
        ring = _word(self.root + HeapRoot.events.offset)
        for number in range(max(before, count - layout.EVENTS) + 1, count + 1):
            entry = ring + (number - 1) % layout.EVENTS * HeapEvent.SIZE
            _, kind, at, address, size, detail = _EVENT.unpack(ctypes.string_at(entry, HeapEvent.SIZE))
            thread = kind & ((1 << _KIND_SHIFT) - 1)
            yield Happened(number, at / 1e9, thread, HeapEventKind(kind >> _KIND_SHIFT), address, size, detail)

    def place(self, address: int) -> Place | None:
        """What the address lies in; None: in nothing that a program can be given."""
        for base, length, kind in self.segments():
            if base <= address < base + length:
                if kind == SegmentKind.SLABS:
                    return _in_slab(base, address)
                if kind == SegmentKind.ARENA:
                    return _in_arena(base, address)
                return Place("huge", base, length, "used")
        return None

    def segments(self) -> Iterator[tuple[int, int, int]]:
        """Base, length and kind of each."""
        entries = _word(self.root + HeapRoot.segments.offset)
        count = ctypes.c_uint32.from_address(self.root + HeapRoot.segment_count.offset).value
        for index in range(count):
            base, length_and_kind = struct.unpack("<QQ", ctypes.string_at(entries + 16 * index, 16))
            if length_and_kind:
                yield base, length_and_kind & ~7, length_and_kind & 7


def _function(found: Any, answers: Any, *takes: Any) -> Any:
    found.restype, found.argtypes = answers, takes
    return found


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _in_slab(segment: int, address: int) -> Place | None:
    number = address - segment >> layout.SLAB_SHIFT
    slab, descriptor = segment + (number << layout.SLAB_SHIFT), segment + layout.SLABS_OFFSET + number * Slab.SIZE
    size, slots, free = (
        ctypes.c_uint16.from_address(descriptor + field.offset).value
        for field in (Slab.slot_size, Slab.slots, Slab.free_count)
    )
    if number < layout.FIRST_SLAB or not size or (slot := (address - slab) // size) >= slots:
        return None
    state = SlotState(ctypes.c_uint8.from_address(_word(descriptor + Slab.states.offset) + slot).value)
    return Place("slot", slab + slot * size, size, _STATES[state], slab, slot, slots, free)


_STATES: dict[SlotState, Literal["used", "cached", "free"]] = {
    SlotState.FREE: "free",
    SlotState.CACHED: "cached",
    SlotState.USED: "used",
}


def _in_arena(segment: int, address: int) -> Place | None:
    if not _word(segment + Segment.first.offset) <= address < _word(segment + Segment.end.offset):
        return None
    starts, used = _word(segment + Segment.starts.offset), _word(segment + Segment.used.offset)
    # A header lies 16 bytes before the end of its granule.
    granule = (address + layout.BLOCK_HEADER - segment) // layout.GRANULE - 1
    while not _bit(starts, granule):
        granule -= 1 if _word(starts + granule // 64 * 8) else granule % 64 + 1
    start = segment + (granule + 1) * layout.GRANULE - layout.BLOCK_HEADER
    word = _word(start)
    if not _bit(used, granule):
        return Place("block", start, word & layout.BLOCK_SIZE_MASK, "free")
    return Place("block", start, word & layout.BLOCK_SIZE_MASK, "cached" if word & layout.BLOCK_CACHED else "used")


def _bit(bitmap: int, index: int) -> bool:
    return bool(_word(bitmap + index // 64 * 8) >> index % 64 & 1)
