"""What a snapshot adds up to. What is called fragmentation is explained in docs/heap.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from engine.heap import bins, layout
from engine.heap.inspector.arenas import GRANULE, HEADER_AT, Arena
from engine.heap.inspector.bins import bins_of
from engine.heap.inspector.intervals import Numbers
from engine.heap.inspector.memory import Addresses, Memory
from engine.heap.inspector.snapshot import ARENA, HUGE, SLABS, Outline, Snapshot
from engine.protocol.heap import (
    HeapBin,
    HeapClass,
    HeapCount,
    HeapOptions,
    HeapSegment,
    HeapThread,
    HeapTotals,
    Policy,
    SegmentKind,
)

POLICIES: tuple[Policy, ...] = ("best", "first", "next", "worst")
KINDS: dict[int, SegmentKind] = {SLABS: "slabs", ARENA: "arena", HUGE: "huge"}
TOP_SIZES = 12
SAMPLE = 8192  # headers of used blocks that are read to know what was asked for; of more blocks, evenly some
COUNTERS = (
    "splits", "coalesces", "maps", "unmaps", "purges", "refills", "flushes", "search_steps", "arena_allocations",
    "arena_frees",
)  # fmt: skip


def options(root: np.void) -> HeapOptions:
    modes = int(root["modes"])
    return HeapOptions(
        policy=POLICIES[min(int(root["policy"]), len(POLICIES) - 1)],
        slabs=not modes & layout.MODE_NO_SLABS,
        cache=not modes & layout.MODE_NO_CACHE,
        check=bool(modes & layout.MODE_CHECK),
    )


@dataclass(frozen=True)
class SizeTable:
    """How many blocks and slots there are of each size, in rising order of `sizes`; those in caches are in neither."""

    sizes: Numbers
    used: Numbers
    free: Numbers

    def grouped(self, groups: Numbers) -> list[HeapCount]:
        """One per group; `groups` rises."""
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        if not len(starts):
            return []
        used, free = np.add.reduceat(self.used, starts), np.add.reduceat(self.free, starts)
        used_bytes, free_bytes = (np.add.reduceat(count * self.sizes, starts) for count in (self.used, self.free))
        ends = np.append(starts[1:], len(groups)) - 1
        columns = (self.sizes[starts], self.sizes[ends], used, free, used_bytes, free_bytes)
        return [
            HeapCount(smallest=a, largest=b, used=c, free=d, used_bytes=e, free_bytes=f)
            for a, b, c, d, e, f in zip(*(column.tolist() for column in columns), strict=True)
        ]


class Sums:
    """All lazily: each question takes what it needs."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        slabs = snapshot.slabs
        self._quick_bytes = {
            index: int(arena.granules[snapshot.cached[index]].sum(dtype=np.int64)) * GRANULE
            for index, arena in snapshot.arenas.items()
        }
        count = len(snapshot.segments)
        self._slots = [
            _summed(slabs.segments, numbers * factor, count)
            for numbers, factor in (
                (slabs.used, slabs.sizes), (slabs.cached, slabs.sizes), (slabs.free, slabs.sizes), (slabs.used, 1),
                (np.ones_like(slabs.sizes), 1),
            )
        ]  # fmt: skip

    @cached_property
    def segments(self) -> list[HeapSegment]:
        """In the order of their addresses."""
        found = self.snapshot.segments
        return [
            HeapSegment(
                address=f"{base:#x}", kind=KINDS[kind], size=length,
                **dict(zip(("used", "cached", "free", "blocks"), self._segment(index, kind), strict=True)),
            )
            for index, (base, length, kind) in enumerate(
                zip(found.bases.tolist(), found.lengths.tolist(), found.kinds.tolist(), strict=True)
            )
        ]  # fmt: skip

    def _segment(self, index: int, kind: int) -> tuple[int, int, int, int]:
        if kind == SLABS:
            used, cached, free, count, live = (int(numbers[index]) for numbers in self._slots)
            nobodys = layout.SLABS_PER_SEGMENT - layout.FIRST_SLAB - live
            return used, cached, free + nobodys * layout.SLAB_BYTES, count
        if kind == HUGE:
            return huge_used(self.snapshot, index), 0, 0, 1
        arena = self.snapshot.arenas.get(index)
        if arena is None:
            return 0, 0, 0, 0
        cached = self._quick_bytes[index]
        return arena.used_bytes - cached, cached, arena.free_bytes, arena.used_count - len(self.snapshot.cached[index])

    @cached_property
    def table(self) -> SizeTable:
        slabs, arenas = self.snapshot.slabs, self.snapshot.arenas
        parts = [(slabs.sizes, slabs.used, slabs.free)]
        parts += [_sizes_of(arena, self.snapshot.cached[index]) for index, arena in arenas.items()]
        huge = np.flatnonzero(self.snapshot.segments.kinds == HUGE)
        lengths = np.array([huge_used(self.snapshot, index) for index in huge.tolist()], np.int64)
        parts.append((lengths, np.ones_like(lengths), np.zeros_like(lengths)))
        sizes, used, free = (np.concatenate([part[column] for part in parts]) for column in range(3))
        unique, place = np.unique(sizes, return_inverse=True)
        return SizeTable(unique, *(_summed(place, numbers, len(unique)) for numbers in (used, free)))

    @cached_property
    def free_blocks(self) -> tuple[Numbers, Numbers]:
        """Sizes of free blocks of arenas in rising order, and how many there are of each."""
        parts = [_free_sizes(arena) for arena in self.snapshot.arenas.values()]
        sizes = np.concatenate([sizes for sizes, _ in parts] or [np.zeros(0, np.int64)])
        counts = np.concatenate([counts for _, counts in parts] or [np.zeros(0, np.int64)])
        unique, place = np.unique(sizes, return_inverse=True)
        return unique, _summed(place, counts, len(unique))

    @cached_property
    def free_by_bin(self) -> tuple[Numbers, Addresses]:
        """Of each free block of arenas its bin, in rising order, and where its header is."""
        arenas = self.snapshot.arenas.values()
        free = [~arena.used for arena in arenas]
        sizes = [arena.granules[these].astype(np.int64) * GRANULE for arena, these in zip(arenas, free, strict=True)]
        headers = [
            arena.places[:-1][these].astype(np.uint64) * np.uint64(GRANULE) + np.uint64(arena.base + HEADER_AT)
            for arena, these in zip(arenas, free, strict=True)
        ]
        index = bins_of(np.concatenate(sizes or [np.zeros(0, np.int64)]))
        order = np.argsort(index, kind="stable")
        return index[order], np.concatenate(headers or [np.zeros(0, np.uint64)])[order]

    @cached_property
    def bins(self) -> list[HeapBin]:
        """Those that have blocks."""
        sizes, counts = self.free_blocks
        index = bins_of(sizes)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        if not len(starts):
            return []
        count, size = np.add.reduceat(counts, starts), np.add.reduceat(counts * sizes, starts)
        found = []
        for each, blocks, total in zip(index[starts].tolist(), count.tolist(), size.tolist(), strict=True):
            smallest, largest = bins.sizes_of(each)
            found.append(HeapBin(index=each, smallest=smallest, largest=largest, count=blocks, bytes=total))
        return found

    @cached_property
    def histogram(self) -> list[HeapCount]:
        """A bar per doubling."""
        bars = self.table.grouped(np.frexp(self.table.sizes.astype(np.float64))[1].astype(np.int64))
        return [_rounded(bar) for bar in bars]

    @cached_property
    def top_sizes(self) -> list[HeapCount]:
        """Most bytes in use first."""
        table = self.table
        most = np.argsort(-table.used * table.sizes, kind="stable")[:TOP_SIZES]
        rows = zip(table.sizes[most].tolist(), table.used[most].tolist(), table.free[most].tolist(), strict=True)
        return [
            HeapCount(smallest=size, largest=size, used=used, free=free, used_bytes=used * size, free_bytes=free * size)
            for size, used, free in rows
            if used
        ]

    @cached_property
    def classes(self) -> list[HeapClass]:
        """Of slots, smallest first."""
        slabs = self.snapshot.slabs
        found = []
        for size in np.unique(slabs.sizes).tolist():
            these = slabs.sizes == size
            count = [int(numbers[these].sum()) for numbers in (slabs.slots, slabs.used, slabs.cached, slabs.free)]
            found.append(
                HeapClass(
                    size=size, slabs=int(np.count_nonzero(these)),
                    **dict(zip(("slots", "used", "cached", "free"), count, strict=True)),
                )
            )  # fmt: skip
        return found

    @cached_property
    def threads(self) -> list[HeapThread]:
        counts = self.snapshot.threads.magazine_counts
        sizes = self.snapshot.root["class_sizes"].astype(np.int64)
        return [
            HeapThread(
                tid=int(record["thread"]), slots=int(count.sum()), slot_bytes=int((count * sizes).sum()),
                blocks=int(record["quick_total"]), block_bytes=int(record["quick_bytes"]),
            )
            for record, count in zip(self.snapshot.threads.records, counts, strict=True)
        ]  # fmt: skip

    def totals(self, memory: Memory) -> HeapTotals:
        """`requested` is exact for blocks up to 8,192 of them, else from as many; for slots it is what was asked of
        their class on average. What is resident is not known here."""
        rows = np.array(
            [(each.size, each.used, each.cached, each.free, each.blocks) for each in self.segments], np.int64
        )
        mapped, used, cached, free, count = rows.reshape(-1, 5).sum(axis=0).tolist()
        sizes, counts = self.free_blocks
        free_blocks, largest = int((sizes * counts).sum()), int(sizes[-1]) if len(sizes) else 0
        requested = min(self._requested(memory), used)
        return HeapTotals(
            mapped=mapped, resident=mapped, requested=requested, used=used, cached=cached, free=free,
            free_blocks=free_blocks, largest_free=largest, meta=mapped - used - cached - free,
            internal_fragmentation=1 - requested / used if used else 0.0,
            external_fragmentation=1 - largest / free_blocks if free_blocks else 0.0,
            used_count=count, free_count=int(counts.sum()), counters=self._counters(count),
        )  # fmt: skip

    def _counters(self, used_count: int) -> dict[str, int]:
        root = self.snapshot.root
        slots = int(self.snapshot.threads.records["magazines"]["allocations"].sum(dtype=np.uint64))
        allocations = slots + int(root["arena_allocations"])
        found = {"allocations": allocations, "frees": max(allocations - used_count, 0)}
        return found | {name: int(root[name]) for name in COUNTERS}

    def _requested(self, memory: Memory) -> int:
        huge = self.snapshot.segments.headers[self.snapshot.segments.kinds == HUGE]
        return self._requested_in_slots() + self._requested_in_blocks(memory) + int(huge["requested"].sum())

    def _requested_in_slots(self) -> int:
        magazines, slabs = self.snapshot.threads.records["magazines"], self.snapshot.slabs
        asked, times = (magazines[name].sum(axis=0, dtype=np.float64) for name in ("requested", "allocations"))
        sizes = self.snapshot.root["class_sizes"]
        mean = np.where(times > 0, np.minimum(asked / np.maximum(times, 1), sizes), sizes)
        used = np.bincount(slabs.sizes, weights=slabs.used, minlength=layout.LARGEST_SLOT + 1)
        return int((used[np.minimum(sizes, layout.LARGEST_SLOT)] * mean).sum())

    def _requested_in_blocks(self, memory: Memory) -> int:
        arenas = self.snapshot.arenas
        total = sum(arena.used_count for arena in arenas.values())
        step = -(-total // SAMPLE) or 1
        asked, held, all_used = 0, 0, 0
        for index, arena in arenas.items():
            used = arena.used.copy()
            used[self.snapshot.cached[index]] = False
            which = np.flatnonzero(used)[::step]
            all_used += arena.used_bytes - self._quick_bytes[index]
            sizes = arena.granules[which].astype(np.int64) * GRANULE
            addresses = arena.places[which].astype(np.uint64) * np.uint64(GRANULE) + np.uint64(arena.base + GRANULE - 8)
            data, whole = memory.gather(addresses, np.full(len(which), 8, np.int64))
            requested = data.view("<u8")
            good = whole & (requested < sizes.astype(np.uint64))
            asked += int(requested[good].sum())
            held += int(sizes[good].sum())
        return asked if step == 1 else int(asked / held * all_used) if held else 0


def used_bytes(outline: Outline) -> int:
    """As the totals have it, by what the allocator counts itself."""
    blocks = int(outline.root["arena_used_bytes"]) - int(outline.threads.records["quick_bytes"].sum())
    huge = sum(huge_used(outline, index) for index in np.flatnonzero(outline.segments.kinds == HUGE).tolist())
    return max(blocks, 0) + huge + int((outline.slabs.used * outline.slabs.sizes).sum())


def huge_used(snapshot: Outline, index: int) -> int:
    """Bytes of a huge block: from the user's address to the end of its segment."""
    base, length = int(snapshot.segments.bases[index]), int(snapshot.segments.lengths[index])
    data = int(snapshot.segments.headers[index]["data"])
    return base + length - data if base < data < base + length else length


def _summed(places: npt.NDArray[np.integer], numbers: Numbers, count: int) -> Numbers:
    """The sum of the numbers of each place, 0 to `count`."""
    return np.bincount(places, weights=numbers, minlength=count).astype(np.int64)


def _sizes_of(arena: Arena, cached: npt.NDArray[np.intp]) -> tuple[Numbers, Numbers, Numbers]:
    used = arena.used.copy()
    used[cached] = False
    sizes, counts = _counted(arena.granules[used])
    free_sizes, free_counts = _free_sizes(arena)
    nothing = np.zeros_like
    return (
        np.concatenate((sizes, free_sizes)),
        np.concatenate((counts, nothing(free_counts))),
        np.concatenate((nothing(counts), free_counts)),
    )


def _free_sizes(arena: Arena) -> tuple[Numbers, Numbers]:
    return _counted(arena.granules[~arena.used])


def _counted(granules: npt.NDArray[np.uint32]) -> tuple[Numbers, Numbers]:
    """Sizes in bytes that there are, and how many of each."""
    below = np.minimum(granules, layout.EXACT_BINS)
    counts = np.bincount(below, minlength=layout.EXACT_BINS + 1)
    large, large_counts = np.unique(granules[below == layout.EXACT_BINS], return_counts=True)
    small = np.flatnonzero(counts[:-1])
    sizes = np.concatenate((small, large.astype(np.int64))) * GRANULE
    return sizes, np.concatenate((counts[small], large_counts)).astype(np.int64)


def _rounded(bar: HeapCount) -> HeapCount:
    """From a power of two to the next."""
    smallest = 1 << (bar.smallest.bit_length() - 1)
    return replace(bar, smallest=smallest, largest=2 * smallest - 1)
