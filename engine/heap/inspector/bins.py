"""Which bin a free block of a size is in, and back. As in allocator/bins.c."""

from __future__ import annotations

import numpy as np

from engine.heap import layout
from engine.heap.inspector.intervals import Numbers
from engine.heap.inspector.words import smallest_of

_SHIFT = layout.BINS_PER_DOUBLING.bit_length() - 1


def bin_of(size: int) -> int:
    """The index of its bin."""
    return int(bins_of(np.array([size], np.int64))[0])


def bins_of(sizes: Numbers) -> Numbers:
    """The same for many sizes."""
    exponents = np.frexp(sizes.astype(np.float64))[1].astype(np.int64) - 1
    steps = (sizes >> np.maximum(exponents - _SHIFT, 0)) & (layout.BINS_PER_DOUBLING - 1)
    ranges = layout.EXACT_BINS + (exponents - layout.EXACT_BINS_SHIFT) * layout.BINS_PER_DOUBLING + steps
    return np.where(sizes < layout.EXACT_BINS_BELOW, sizes // layout.GRANULE, np.minimum(ranges, layout.BINS - 1))


def sizes_of(index: int) -> tuple[int, int]:
    """The smallest and the largest block that belong there, in bytes; the last bin has no largest one."""
    if index == layout.BINS - 1:
        return smallest_of(index), layout.BLOCK_SIZE_MASK
    return smallest_of(index), smallest_of(index + 1) - layout.GRANULE
