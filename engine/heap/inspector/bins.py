"""Which bins many free blocks are in, at once; `engine.heap.bins` says it of one."""

from __future__ import annotations

import numpy as np

from engine.heap import layout
from engine.heap.inspector.intervals import Numbers

_SHIFT = layout.BINS_PER_DOUBLING.bit_length() - 1


def bins_of(sizes: Numbers) -> Numbers:
    """The index of each block's bin; `sizes` in bytes."""
    exponents = np.frexp(sizes.astype(np.float64))[1].astype(np.int64) - 1
    steps = (sizes >> np.maximum(exponents - _SHIFT, 0)) & (layout.BINS_PER_DOUBLING - 1)
    ranges = layout.EXACT_BINS + (exponents - layout.EXACT_BINS_SHIFT) * layout.BINS_PER_DOUBLING + steps
    return np.where(sizes < layout.EXACT_BINS_BELOW, sizes // layout.GRANULE, np.minimum(ranges, layout.BINS - 1))
