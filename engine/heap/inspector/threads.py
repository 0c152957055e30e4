"""What threads keep for themselves: magazines of slots, quick caches of blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.heap import layout
from engine.heap.inspector import structures
from engine.heap.inspector.memory import Addresses, Memory, Unreadable

MOST_THREADS = 4096


@dataclass(frozen=True)
class Threads:
    """`records`: of structures.THREAD, one per thread."""

    records: npt.NDArray[np.void]

    @property
    def magazine_counts(self) -> npt.NDArray[np.int64]:
        """Per thread and class."""
        counts = self.records["magazines"]["count"].astype(np.int64)
        return np.minimum(counts, layout.MAGAZINE_SLOTS)

    def quick_blocks(self) -> Addresses:
        """The addresses of all blocks in quick caches, as users know them, in rising order."""
        count = np.minimum(self.records["quick_count"], layout.QUICK_WAYS)
        ways = self.records["quick"].reshape(len(self.records), layout.QUICK_CLASSES, layout.QUICK_WAYS)
        return np.unique(ways[np.arange(layout.QUICK_WAYS) < count[:, :, None]])


def read(memory: Memory, first: int) -> tuple[Threads, list[str]]:
    """Those of the list that begins at `first`, and what in it can't be."""
    records: list[npt.NDArray[np.void]] = []
    faults: list[str] = []
    seen: set[int] = set()
    at = first
    while at and not faults:
        if at in seen:
            faults.append(f"the list of threads comes back to {at:#x}")
        elif len(records) == MOST_THREADS:
            faults.append(f"there are more than {MOST_THREADS} threads")
        else:
            seen.add(at)
            try:
                record = np.frombuffer(memory.read(at, structures.THREAD.itemsize), structures.THREAD)
            except Unreadable:
                faults.append(f"the cache of a thread at {at:#x} can't be read")
            else:
                records.append(record)
                at = int(record["next"][0])
    found = np.concatenate(records) if records else np.zeros(0, structures.THREAD)
    return Threads(found), faults
