"""Slabs: what their descriptors say, and the state of each slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.heap import layout
from engine.heap.inspector import structures
from engine.heap.inspector.intervals import Numbers
from engine.heap.inspector.memory import Addresses, Bytes, Memory

MOST_SLOTS = 128 << 20
CACHED, USED = int(layout.SlotState.CACHED), int(layout.SlotState.USED)


@dataclass(frozen=True)
class Slabs:
    """All that are somebody's, in the order of their addresses. `states` has a byte per slot, slab after slab;
    those of slab i begin at `offsets[i]`."""

    bases: Addresses
    segments: Numbers  # index of each slab's segment
    sizes: Numbers  # of its slots
    slots: Numbers
    offsets: Numbers
    states: Bytes
    used: Numbers
    cached: Numbers

    def __len__(self) -> int:
        return len(self.bases)

    @property
    def free(self) -> Numbers:
        return self.slots - self.used - self.cached

    def index_at(self, address: int) -> int | None:
        """Of the slab that has this address."""
        index = int(np.searchsorted(self.bases, np.uint64(address), side="right")) - 1
        return index if index >= 0 and address - int(self.bases[index]) < layout.SLAB_BYTES else None

    def states_of(self, index: int) -> Bytes:
        start = int(self.offsets[index])
        return self.states[start : start + int(self.slots[index])]


def read(memory: Memory, bases: Addresses, segments: Numbers, tables: Bytes) -> tuple[Slabs, list[str]]:
    """The slabs of the slab segments at `bases` (`segments`: their indexes), whose pages of descriptors are `tables`;
    and what in them can't be."""
    table = tables.view(structures.SLAB).reshape(len(bases), layout.SLABS_PER_SEGMENT)
    size, slots = table["slot_size"].astype(np.int64), table["slots"].astype(np.int64)
    present = size != 0
    present[:, : layout.FIRST_SLAB] = False
    possible = (size >= 16) & (size <= layout.LARGEST_SLOT) & (slots > 0) & (slots * size <= layout.SLAB_BYTES)
    faults = [
        f"the slab at {int(bases[row]) + column * layout.SLAB_BYTES:#x} claims {slots[row, column]} slots of "
        f"{size[row, column]} bytes"
        for row, column in np.argwhere(present & ~possible)[:1].tolist()
    ]
    row, column = np.nonzero(present & possible)
    size, slots = size[row, column], slots[row, column]
    if slots.sum() > MOST_SLOTS:
        faults.append(f"there are {slots.sum()} slots in slabs")
        row, column, size, slots = row[:0], column[:0], size[:0], slots[:0]
    base = bases[row]
    states, whole = memory.gather(_states_of(base, column, size), slots)
    if not whole.all():
        faults.append(f"the states of the slots at {int(base[np.argmin(whole)]):#x} can't be read")
    np.minimum(states, USED, out=states)
    offsets = np.cumsum(slots) - slots
    used, cached = _count(states == USED, offsets), _count(states == CACHED, offsets)
    addresses = base + column.astype(np.uint64) * np.uint64(layout.SLAB_BYTES)
    return Slabs(addresses, segments[row], size, slots, offsets, states, used, cached), faults


def _states_of(base: Addresses, slab: Numbers, size: Numbers) -> Addresses:
    """Where the states of a slab's slots are."""
    small = layout.SMALL_STATES_OFFSET + slab * layout.SMALL_STATES_STRIDE
    large = layout.STATES_OFFSET + slab * layout.STATES_STRIDE
    places: npt.NDArray[np.uint64] = np.where(size < layout.SMALL_STATES_BELOW, small, large).astype(np.uint64)
    return base + places


def _count(these: npt.NDArray[np.bool_], offsets: Numbers) -> Numbers:
    return np.add.reduceat(these, offsets, dtype=np.int64) if len(offsets) else np.zeros(0, np.int64)
