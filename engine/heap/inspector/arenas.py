"""Arenas, read by their two bitmaps: where blocks begin, and which of them are used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.heap import layout
from engine.heap.inspector.intervals import Intervals
from engine.heap.inspector.memory import Bytes, Memory

GRANULE = layout.GRANULE
HEADER_AT = GRANULE - layout.BLOCK_HEADER  # of a block, in its granule
MOST_BYTES = 8 << 30  # of one arena: more isn't believed
TRIES = 3
_CHUNK = 1 << 16  # bytes of a bitmap: what is made of them stays in the processor's cache


@dataclass(frozen=True)
class Arena:
    """`places`: the granule in which each block's header lies, the end mark's last. `used`: of each block, without the
    end mark; blocks in threads' quick caches are used here. `whole`: read while nothing in it changed."""

    base: int
    length: int
    sequence: int
    places: npt.NDArray[np.uint32]
    used: npt.NDArray[np.bool_]
    whole: bool

    @property
    def first(self) -> int:
        """Where blocks begin; `end`: where they end."""
        return self.base + int(self.places[0]) * GRANULE + HEADER_AT

    @property
    def end(self) -> int:
        return self.base + int(self.places[-1]) * GRANULE + HEADER_AT

    def address(self, index: int) -> int:
        """Of a block's header."""
        return self.base + int(self.places[index]) * GRANULE + HEADER_AT

    def index_at(self, address: int) -> int | None:
        """Of the block that has this address."""
        if not self.first <= address < self.end:
            return None
        return int(np.searchsorted(self.places, (address - HEADER_AT - self.base) // GRANULE, side="right")) - 1

    @cached_property
    def granules(self) -> npt.NDArray[np.uint32]:
        """Of each block."""
        return np.diff(self.places)

    @cached_property
    def used_bytes(self) -> int:
        return int(self.granules[self.used].sum(dtype=np.int64)) * GRANULE

    @property
    def free_bytes(self) -> int:
        return self.end - self.first - self.used_bytes

    @cached_property
    def used_count(self) -> int:
        return int(np.count_nonzero(self.used))

    @cached_property
    def used_intervals(self) -> Intervals:
        """In bytes from the segment's start."""
        starts = self.places[:-1][self.used].astype(np.int64) * GRANULE + HEADER_AT
        return Intervals(starts, self.granules[self.used].astype(np.int64) * GRANULE)


def read(memory: Memory, base: int, header: np.void) -> Arena | str:
    """As it is; or what in it can't be: words after "the arena at …"."""
    length = int(header["length"])
    size = length // GRANULE // 8
    starts, used = base + layout.ARENA_BITMAPS_OFFSET, base + layout.ARENA_BITMAPS_OFFSET + size
    if length > MOST_BYTES:
        return f"claims {length} bytes"
    if int(header["starts"]) != starts or int(header["used"]) != used:
        return "has its bitmaps where none can be"
    at = base + layout.Segment.sequence.offset
    addresses = np.array([at, starts, at], np.uint64)  # in this order
    sizes = np.array([8, 2 * size, 8], np.int64)
    for last in range(TRIES):
        data, whole = memory.gather(addresses, sizes)
        if not whole.all():
            return "can't be read"
        before, after = (int.from_bytes(part.tobytes(), "little") for part in (data[:8], data[-8:]))
        steady = before == after and not before & 1
        if steady or last == TRIES - 1:
            break
    blocks = _blocks(data[8 : 8 + size], data[8 + size : 8 + 2 * size], header, base)
    return blocks if isinstance(blocks, str) else Arena(base, length, after, *blocks, steady)


def _blocks(
    starts: Bytes, used: Bytes, header: np.void, base: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]] | str:
    places = positions(starts)
    first, end = (int(header[name]) - base for name in ("first", "end"))
    if len(places) < 2 or (int(places[0]) * GRANULE + HEADER_AT, int(places[-1]) * GRANULE + HEADER_AT) != (first, end):
        return "has blocks where none can be"
    blocks = places[:-1]
    return places, (used[blocks >> 3] >> (blocks & 7).astype(np.uint8) & 1).astype(np.bool_)


def positions(bitmap: Bytes) -> npt.NDArray[np.uint32]:
    """The numbers of its bits that are 1."""
    parts = [_positions(bitmap[at : at + _CHUNK]) + np.uint32(at * 8) for at in range(0, len(bitmap), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint32)


def _positions(bitmap: Bytes) -> npt.NDArray[np.uint32]:
    words = bitmap.view("<u8")
    some = np.flatnonzero(words)
    if len(some) > len(words) // 2:
        return np.flatnonzero(np.unpackbits(bitmap, bitorder="little").view(np.bool_)).astype(np.uint32)
    bits = np.flatnonzero(np.unpackbits(words[some].view(np.uint8), bitorder="little").view(np.bool_))
    found: npt.NDArray[np.uint32] = (some[bits >> 6] * 64 + (bits & 63)).astype(np.uint32)
    return found
