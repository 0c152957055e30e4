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
MOST = 1000  # events in one answer, the newest
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
    for number in range(oldest, last + 1):
        place = (number - 1) % layout.EVENTS
        entry = second[place]
        if not int(first[place]["number"]) == int(entry["number"]) == number & 0xFFFFFFFF:
            continue
        kind, thread = divmod(int(entry["kind_and_thread"]), 1 << KIND_SHIFT)
        if kind not in KINDS:
            continue
        yield HeapEvent(
            number=number, time=int(entry["time"]) / 1e9, thread=thread, kind=KINDS[kind],
            address=f"{int(entry['address']):#x}", size=int(entry["size"]), detail=int(entry["detail"]),
        )  # fmt: skip
