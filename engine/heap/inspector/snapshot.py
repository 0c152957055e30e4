"""All of a heap at one moment: what its lock's sequence number says did not change while it was read.

Who holds the lock makes the sequence odd, and even again at the end. An arena has one of its own, so the next try, and
the next picture, read only those that have changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector import arenas, slabs, structures, threads
from engine.heap.inspector.arenas import Arena
from engine.heap.inspector.intervals import Numbers
from engine.heap.inspector.memory import Addresses, Bytes, Memory, Unreadable
from engine.heap.inspector.slabs import Slabs
from engine.heap.inspector.threads import Threads
from engine.protocol.messages import ErrorCode

MOST_SEGMENTS = 32_768
MOST_BLOCKS = 20_000_000
ADDRESS_END = 1 << 56
TRIES = 4
PATIENCE = 0.1  # seconds after which no further try begins

SLABS, ARENA, HUGE = (
    int(kind) for kind in (layout.SegmentKind.SLABS, layout.SegmentKind.ARENA, layout.SegmentKind.HUGE)
)
# Of the root, what changes when a heap does.
CHANGING = slice(layout.HeapRoot.sequence.offset, layout.HeapRoot.SIZE)


@dataclass(frozen=True)
class Segments:
    """In the order of their addresses."""

    bases: Addresses
    lengths: Numbers
    kinds: Numbers
    headers: npt.NDArray[np.void]  # of structures.SEGMENT

    def __len__(self) -> int:
        return len(self.bases)

    def index_at(self, address: int) -> int | None:
        """Of the segment that has this address."""
        if not 0 <= address < ADDRESS_END:
            return None
        index = int(np.searchsorted(self.bases, np.uint64(address), side="right")) - 1
        return index if index >= 0 and address - int(self.bases[index]) < int(self.lengths[index]) else None


@dataclass(frozen=True)
class Outline:
    """All but the blocks of arenas, of which the root has sums. `signs`: bytes that are other ones as soon as anything
    has happened. `faults`: what in it can't be."""

    root: np.void
    segments: Segments
    slabs: Slabs
    threads: Threads
    signs: bytes
    faults: list[str]

    @property
    def sequence(self) -> int:
        return int(self.root["sequence"])


@dataclass(frozen=True)
class Snapshot(Outline):
    """`arenas`: by index of segment. `cached`: per arena, the indexes of blocks in quick caches. `consistent`: nothing
    happened while it was read."""

    arenas: dict[int, Arena]
    cached: dict[int, npt.NDArray[np.intp]]
    consistent: bool


def take(memory: Memory, root: int, last: Snapshot | None) -> Snapshot:
    """Read it; of `last`, reuse what has not changed. Raises EngineError when what is there can't be a heap."""
    patient_until = time.monotonic() + PATIENCE
    seen = _whole(memory, root, _read(memory, root), last)
    for _ in range(TRIES - 1):
        if seen.consistent or time.monotonic() > patient_until:
            break
        seen = _whole(memory, root, _read(memory, root), seen)
    _refuse(memory, root, seen)
    return seen


def outline(memory: Memory, root: int) -> Outline:
    """The same without blocks."""
    for _ in range(TRIES):
        found = _read(memory, root)
        if not found.faults:
            break
    _refuse(memory, root, found)
    return found


def _refuse(memory: Memory, root: int, found: Outline) -> None:
    """What can't be is no wonder while the heap changes."""
    if found.faults and found.sequence == _sequence(memory, root):
        raise EngineError(
            ErrorCode.NO_HEAP,
            f"The heap of process {memory.pid} is damaged, or something else than it seems: {found.faults[0]}.",
        )


def _sequence(memory: Memory, root: int) -> int:
    return int.from_bytes(memory.read(root + layout.HeapRoot.sequence.offset, 8), "little")


def signs(memory: Memory, root: int) -> bytes:
    """What is compared with `Snapshot.signs`."""
    record, everything = _root(memory, root)
    known, _ = threads.read(memory, int(record["thread_caches"]))
    return _signs(everything, known)


def _root(memory: Memory, address: int) -> tuple[np.void, bytes]:
    data = memory.read(address, layout.HeapRoot.SIZE)
    return np.frombuffer(data, structures.ROOT)[0], data


def _signs(root: bytes, known: Threads) -> bytes:
    return root[CHANGING] + known.records.tobytes()


def _read(memory: Memory, address: int) -> Outline:
    """Once."""
    root, data = _root(memory, address)
    known, faults = threads.read(memory, int(root["thread_caches"]))
    segments, tables, more = _segments(memory, root)
    faults += more
    slab_segments = np.flatnonzero(segments.kinds == SLABS)
    found, more = slabs.read(memory, segments.bases[slab_segments], slab_segments, tables)
    return Outline(root, segments, found, known, _signs(data, known), faults + more)


def _whole(memory: Memory, root: int, found: Outline, last: Snapshot | None) -> Snapshot:
    """With blocks."""
    read, more = _arenas(memory, found.segments, _unchanged(found.root, last))
    faults = found.faults + more
    cached = _cached(read, found.threads)
    after = _sequence(memory, root)
    consistent = found.sequence == after and not after & 1 and not faults
    return Snapshot(
        found.root, found.segments, found.slabs, found.threads, found.signs, faults, read, cached, consistent
    )


def _segments(memory: Memory, root: np.void) -> tuple[Segments, Bytes, list[str]]:
    """The segments, the pages of descriptors of those with slabs, and what can't be."""
    count = int(root["segment_count"])
    if count > MOST_SEGMENTS:
        return _no_segments(f"it claims {count} segments, and more than {MOST_SEGMENTS} are not read")
    try:
        table = np.frombuffer(memory.read(int(root["segments"]), count * structures.ENTRY.itemsize), structures.ENTRY)
    except Unreadable as error:
        return _no_segments(f"its table of segments is not there: {error}")
    bases, lengths, kinds, faults = _entries(table)
    addresses = np.concatenate((bases, bases[kinds == SLABS] + np.uint64(layout.SLABS_OFFSET)))
    sizes = np.full(len(addresses), structures.SEGMENT.itemsize, np.int64)
    sizes[len(bases) :] = layout.SLABS_PER_SEGMENT * structures.SLAB.itemsize
    data, whole = memory.gather(addresses, sizes)
    headers = data[: len(bases) * structures.SEGMENT.itemsize].view(structures.SEGMENT)
    good = whole[: len(bases)] & (headers["magic"] == layout.SEGMENT_MAGIC)
    good &= (headers["kind"] == kinds) & (headers["length"] == lengths.astype(np.uint64))
    if not good.all():
        faults.append(f"the segment at {int(bases[np.argmin(good)]):#x} does not begin as one")
    tables = data[headers.nbytes :].reshape(-1, layout.SLABS_PER_SEGMENT * structures.SLAB.itemsize)
    tables = tables[good[kinds == SLABS]].reshape(-1)
    return Segments(bases[good], lengths[good], kinds[good], headers[good]), tables, faults


def _no_segments(fault: str) -> tuple[Segments, Bytes, list[str]]:
    nothing = np.zeros(0, np.int64)
    empty = Segments(nothing.astype(np.uint64), nothing, nothing, np.zeros(0, structures.SEGMENT))
    return empty, np.zeros(0, np.uint8), [fault]


def _entries(table: npt.NDArray[np.void]) -> tuple[Addresses, Numbers, Numbers, list[str]]:
    """Bases, lengths and kinds in the order of addresses, of the entries that can be, and what can't."""
    taken = table[table["length_and_kind"] != 0]
    taken = taken[np.argsort(taken["base"], kind="stable")]
    bases = taken["base"]
    kinds = (taken["length_and_kind"] & np.uint64(7)).astype(np.int64)
    lengths = taken["length_and_kind"] & ~np.uint64(7)
    good = (bases % np.uint64(layout.SEGMENT_UNIT) == 0) & (bases > 0) & (bases < ADDRESS_END)
    good &= (lengths >= layout.Segment.SIZE) & (lengths < ADDRESS_END) & (kinds >= SLABS) & (kinds <= HUGE)
    good &= (kinds != SLABS) | (lengths == layout.SEGMENT_UNIT)
    good[:-1] &= (bases + lengths)[:-1] <= bases[1:]
    faults = []
    if not good.all():
        at = int(np.argmin(good))
        faults.append(f"its table has a segment of {int(lengths[at])} bytes at {int(bases[at]):#x}")
    return bases[good], lengths[good].astype(np.int64), kinds[good], faults


def _unchanged(root: np.void, last: Snapshot | None) -> dict[int, Arena]:
    """By address, the arenas of `last` that can be compared with those of now: one that has taken the place of
    another has a sequence that says nothing."""
    if last is None or root["unmaps"] != last.root["unmaps"]:
        return {}
    return {arena.base: arena for arena in last.arenas.values() if arena.whole}


def _arenas(memory: Memory, segments: Segments, known: dict[int, Arena]) -> tuple[dict[int, Arena], list[str]]:
    found: dict[int, Arena] = {}
    faults, blocks = [], 0
    for index in np.flatnonzero(segments.kinds == ARENA).tolist():
        base, header = int(segments.bases[index]), segments.headers[index]
        arena: Arena | str | None = known.get(base)
        if not isinstance(arena, Arena) or (arena.length, arena.sequence) != (header["length"], header["sequence"]):
            arena = arenas.read(memory, base, header)
        if isinstance(arena, str):
            faults.append(f"the arena at {base:#x} {arena}")
            continue
        blocks += len(arena.used)
        if blocks > MOST_BLOCKS:
            faults.append(f"it has more than {MOST_BLOCKS} blocks")
            break
        found[index] = arena
    return found, faults


def _cached(read: dict[int, Arena], known: Threads) -> dict[int, npt.NDArray[np.intp]]:
    """Which blocks are in quick caches; addresses there at which no used block begins are not believed."""
    blocks = known.quick_blocks()
    cached = {}
    for index, arena in read.items():
        low, high = np.searchsorted(blocks, np.array([arena.first, arena.end], np.uint64)).tolist()
        here = (blocks[low:high] - np.uint64(arena.base)).astype(np.int64) - layout.BLOCK_HEADER
        places = here // layout.GRANULE
        at = np.searchsorted(arena.places[:-1], places)
        right = (at < len(arena.used)) & (here % layout.GRANULE == arenas.HEADER_AT)
        at, places = at[right], places[right]
        at = at[arena.places[at] == places]
        cached[index] = at[arena.used[at]]
    return cached
