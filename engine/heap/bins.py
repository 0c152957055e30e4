"""Which free list a block of a size is in, and back; as in allocator/bins.h. Imports the layout only."""

from __future__ import annotations

from engine.heap import layout

_SHIFT = layout.BINS_PER_DOUBLING.bit_length() - 1


def bin_of(size: int) -> int:
    """The index of its bin; `size` in bytes, with the header."""
    if size < layout.EXACT_BINS_BELOW:
        return size // layout.GRANULE
    doubling = size.bit_length() - 1
    first = layout.EXACT_BINS + (doubling - layout.EXACT_BINS_SHIFT) * layout.BINS_PER_DOUBLING
    return min(layout.BINS - 1, first + (size >> doubling - _SHIFT & layout.BINS_PER_DOUBLING - 1))


def sizes_of(index: int) -> tuple[int, int]:
    """The smallest and the largest block that belong there, in bytes; the last bin has no largest one."""
    if index == layout.BINS - 1:
        return _smallest(index), layout.BLOCK_SIZE_MASK
    return _smallest(index), _smallest(index + 1) - layout.GRANULE


def _smallest(index: int) -> int:
    if index < layout.EXACT_BINS:
        return index * layout.GRANULE
    doubling, step = divmod(index - layout.EXACT_BINS, layout.BINS_PER_DOUBLING)
    return (layout.BINS_PER_DOUBLING + step) << (doubling + layout.EXACT_BINS_SHIFT - _SHIFT)
