"""Heaps of the protocol as values of the widgets, whose addresses are numbers. Imports both, and words."""

from __future__ import annotations

from collections.abc import Sequence

from engine.protocol import heap as wire
from engine.protocol.messages import FreeList, HeapBytes
from engine.protocol.quantities import size_text
from heliostui.heap.words import event_words, range_words
from widgets.heap import (
    FreeTrail,
    HeapBar,
    HeapBlock,
    HeapDump,
    HeapField,
    HeapHappening,
    HeapPicture,
    HeapRow,
    HeapSegment,
    HeapWish,
)

COLUMNS, ROWS = 1024, 1024
"""No screen is larger, and no picture."""


def number(address: str) -> int:
    """An address as the wire writes it."""
    return int(address, 16)


def view(wish: HeapWish) -> wire.HeapView:
    """The question for what a map would show."""
    return wire.HeapView(
        columns=min(max(1, wish.columns), COLUMNS),
        rows=min(max(1, wish.rows), ROWS),
        cell=wish.cell,
        first_row=max(0, wish.first_row),
        cursor=None if wish.cursor is None else hex(wish.cursor),
    )


def picture(map: wire.HeapMap, columns: int) -> HeapPicture:
    """A picture, as it was asked for with so many columns."""
    return HeapPicture(
        columns=columns,
        cell=map.cell,
        first_row=map.first_row,
        rows=tuple(HeapRow(row.segment, number(row.address), row.states, row.fills) for row in map.rows),
        segments=tuple(map_segment(each) for each in map.segments),
        cursor=block(map.cursor) if map.cursor else None,
        before=block(map.before) if map.before else None,
        after=block(map.after) if map.after else None,
    )


def map_segment(of: wire.HeapSegment) -> HeapSegment:
    return HeapSegment(number(of.address), of.kind, of.size, of.used, of.cached, of.free, of.blocks)


def block(of: wire.HeapBlock) -> HeapBlock:
    return HeapBlock(
        start=number(of.start),
        size=of.size,
        address=number(of.address),
        state=of.state,
        kind=of.kind,
        bin=of.bin,
        position=of.bin_position,
        number=of.number,
    )


def trail(bin: int, skip: int, reply: FreeList) -> FreeTrail:
    """A free list, or the part of it that was asked for."""
    return FreeTrail(bin, tuple(block(each) for each in reply.blocks), reply.count, skip)


def dump(reply: HeapBytes) -> HeapDump:
    fields = tuple(HeapField(each.offset, each.size, each.name, each.value) for each in reply.fields)
    return HeapDump(number(reply.address), reply.data, fields)


# --- figures ---


def histogram(counts: Sequence[wire.HeapCount]) -> list[HeapBar]:
    """Bytes in use and free ones, by the size of their blocks."""
    return [
        HeapBar(
            range_words(each.smallest, each.largest),
            used=each.used_bytes,
            free=each.free_bytes,
            told=f"{each.used:,} in use, {each.free:,} free",
        )
        for each in counts
    ]


def occupancy(classes: Sequence[wire.HeapClass]) -> list[HeapBar]:
    """How full the slabs of each class are."""
    return [
        HeapBar(
            f"{each.size:,}",
            used=each.used,
            cached=each.cached,
            free=each.free,
            told=f"{each.used:,} of {each.slots:,} in {each.slabs:,} slab{'' if each.slabs == 1 else 's'}",
        )
        for each in classes
        if each.slabs
    ]


def free_lists(bins: Sequence[wire.HeapBin]) -> list[HeapBar]:
    """The free lists by how many blocks they have: of bytes, the last one mostly has nearly all."""
    return [
        HeapBar(
            range_words(each.smallest, each.largest),
            free=each.count,
            told=f"{each.count:,} in bin {each.index:,}, {size_text(each.bytes)}",
        )
        for each in bins
    ]


def happenings(events: Sequence[wire.HeapEvent], since: float) -> list[HeapHappening]:
    """Events as a log has them, their times since one moment of CLOCK_MONOTONIC."""
    return [
        HeapHappening(
            each.number, each.time - since, each.kind.replace("_", " "), event_words(each), number(each.address)
        )
        for each in events
    ]
