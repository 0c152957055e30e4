"""What the allocator did last: its ring of events, which is on while somebody asks for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from engine.heap import layout
from engine.heap.inspector import structures
from engine.heap.inspector.memory import Memory, Unreadable
from engine.heap.inspector.words import KINDS
from engine.protocol.heap import HeapEvent

LEASE = 5  # seconds for which a question keeps the ring on
MOST = 500  # events in one answer, the newest
KIND_SHIFT = 24


def watch(memory: Memory, root: int, clock_offset: float) -> None:
    """Have events written for a few seconds more."""
    until = int(time.clock_gettime(time.CLOCK_MONOTONIC) + clock_offset) + LEASE
    with suppress(Unreadable):
        memory.write(root + layout.HeapRoot.watch_until.offset, max(until, 1).to_bytes(8, "little"))


def newer(memory: Memory, root: int, ring: int, after: int) -> tuple[list[HeapEvent], int]:
    """Events with numbers above `after`, oldest first, and the number of the newest there is. An event counts if it has
    its number before and after it was copied: then nobody wrote in its place meanwhile."""
    if not ring:
        return [], 0
    size = layout.EVENTS * structures.EVENT.itemsize
    try:
        first = np.frombuffer(memory.read(ring, size), structures.EVENT)
        second = np.frombuffer(memory.read(ring, size), structures.EVENT)
        last = int.from_bytes(memory.read(root + layout.HeapRoot.event_count.offset, 8), "little")
    except Unreadable:
        return [], 0
    oldest = max(after, last - min(MOST, layout.EVENTS - 1), 0) + 1
    return list(_whole(first, second, oldest, last)), last


def _whole(first: npt.NDArray[np.void], second: npt.NDArray[np.void], oldest: int, last: int) -> Iterator[HeapEvent]:
    numbers = np.arange(oldest, last + 1, dtype=np.uint64)
    places = ((numbers - np.uint64(1)) % np.uint64(layout.EVENTS)).astype(np.int64)
    same = (first[places]["number"] == second[places]["number"]) & (
        second[places]["number"] == numbers.astype(np.uint32)
    )
    numbers, entries = numbers[same], second[places[same]]
    columns = (entries[name].tolist() for name in ("kind_and_thread", "time", "address", "size", "detail"))
    for number, both, at, address, size, detail in zip(numbers.tolist(), *columns, strict=True):
        if kind := KINDS.get(both >> KIND_SHIFT):
            yield HeapEvent(
                number=number, time=at / 1e9, thread=both & ((1 << KIND_SHIFT) - 1), kind=kind, address=f"{address:#x}",
                size=size, detail=detail,
            )  # fmt: skip
