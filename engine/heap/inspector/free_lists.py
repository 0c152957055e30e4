"""The free blocks of arenas in the order of their lists, which run through the blocks themselves.

All links of a list are read at once, at the places where the arenas' bitmaps say that free blocks are; then they are
followed here. So a list that runs in circles, or out of the heap, is no danger.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector.memory import Memory, Unreadable
from engine.heap.inspector.sums import Sums
from engine.protocol.messages import ErrorCode

MOST_BLOCKS = 200_000  # of one list that are put in order


class Torn(Exception):
    """The list and the bitmaps contradict each other: `str` says how."""


def in_bin(memory: Memory, sums: Sums, index: int) -> list[int]:
    """The addresses of the headers of its blocks, in list order. Raises Torn."""
    of_bins, headers = sums.free_by_bin
    low, high = np.searchsorted(of_bins, np.array([index, index + 1])).tolist()
    members = headers[low:high]
    if len(members) > MOST_BLOCKS:
        raise EngineError(
            ErrorCode.INVALID,
            f"The free list of bin {index} has {len(members)} blocks: only of {MOST_BLOCKS} the order is read.",
        )
    lists = int(sums.snapshot.root["bins"]) + layout.HeapBins.lists.offset
    try:
        at = int.from_bytes(memory.read(lists + 8 * index, 8), "little")
    except Unreadable as error:
        raise Torn(f"the table of bins is not there: {error}") from None
    links, _ = memory.gather(members + np.uint64(layout.FreeBlock.next.offset), np.full(len(members), 8, np.int64))
    next_of = dict(zip(members.tolist(), links.view("<u8").tolist(), strict=True))
    order = []
    while at:
        if at not in next_of:
            raise Torn(
                f"the list of bin {index} leads to {at:#x}, where no free block of its size is, or comes back there"
            )
        order.append(at)
        at = next_of.pop(at)
    if next_of:
        raise Torn(f"the list of bin {index} lacks {len(next_of)} of its {len(members)} blocks")
    return order


def all_bins(memory: Memory, sums: Sums, skip: int, limit: int) -> Iterator[tuple[int, int]]:
    """`limit` blocks after the first `skip` of all lists, smallest bin first: their addresses, and where in their list
    they are. Raises Torn."""
    for each in sums.bins:
        if skip >= each.count:
            skip -= each.count
            continue
        some = in_bin(memory, sums, each.index)[skip : skip + limit]
        yield from ((address, position) for position, address in enumerate(some, skip))
        skip, limit = 0, limit - len(some)
        if not limit:
            return
