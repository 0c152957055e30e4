"""Bytes of a heap, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from engine.heap import layout
from engine.heap.inspector.blocks import Piece, piece_at
from engine.heap.inspector.snapshot import ARENA, HUGE, SLABS, Snapshot
from engine.heap.inspector.words import bytes_of
from engine.protocol.heap import HeapField

MOST_BYTES = 4096
MASK = (1 << 64) - 1
_TITLES = {"next": "next free", "previous": "previous free", "stamp": "free since period"}
_ADDRESSES = {
    "first",
    "end",
    "starts",
    "used",
    "next",
    "previous",
    "data",
    "dirty_from",
    "dirty_to",
    "states",
    "free_slots",
}


def meanings(snapshot: Snapshot, address: int, data: bytes) -> list[HeapField]:
    """Of `data`, which is at `address`; fields that are only partly in it are told by their whole."""
    found = []
    end, at = address + len(data), address
    while at < end and (piece := piece_at(snapshot, at)) is not None:
        found += [
            HeapField(offset=start - address, size=size, name=name, value=value)
            for start, size, name, value in _fields(snapshot, piece, address, data)
            if start < end and start + size > address
        ]
        at = piece.end
    return found


_Field = tuple[int, int, str, str]  # address, size, name, value


def _fields(snapshot: Snapshot, piece: Piece, address: int, data: bytes) -> Iterator[_Field]:
    kind = int(snapshot.segments.kinds[piece.segment])
    base = int(snapshot.segments.bases[piece.segment])
    if piece.state == "meta" and piece.start == base:
        yield from _segment(snapshot, piece, kind, address, data)
    elif piece.state == "meta":
        name = "end mark" if kind == ARENA else "unused"
        yield piece.start, piece.size, name, f"{bytes_of(piece.size)} of the allocator's own"
    elif kind == ARENA:
        yield from _block(snapshot, piece, address, data)
    elif kind == SLABS:
        what = f"{piece.state} slot" if piece.slot_size else "a slab that is nobody's"
        yield piece.start, piece.size, "slot" if piece.slot_size else "slab", f"{what}, {bytes_of(piece.size)}"
    else:
        yield piece.start, piece.size, "data", bytes_of(piece.size)


def _block(snapshot: Snapshot, piece: Piece, address: int, data: bytes) -> Iterator[_Field]:
    start, free = piece.start, piece.state == "free"
    word, requested = _number(start, address, data), _number(start + 8, address, data)
    yield start, 6, "size and flags", f"{bytes_of(piece.size)}, {piece.state}"
    yield start + 6, 2, "checksum", _checksum(snapshot, start, word, requested)
    yield start + 8, 8, "requested", "?" if requested is None else "nothing" if free else bytes_of(requested)
    if not free:
        yield start + layout.BLOCK_HEADER, piece.size - layout.BLOCK_HEADER, "data", f"{piece.state}"
        return
    yield from _structure(layout.FreeBlock, start, address, data, skip=("word", "requested"))
    rest = start + layout.FreeBlock.SIZE
    yield rest, piece.end - 8 - rest, "data", "free"
    tag = _number(piece.end - 8, address, data)
    yield piece.end - 8, 8, "boundary tag", "?" if tag is None else bytes_of(tag)


def _segment(snapshot: Snapshot, piece: Piece, kind: int, address: int, data: bytes) -> Iterator[_Field]:
    base = piece.start
    yield from _structure(layout.Segment, base, address, data, skip=("reserved",))
    length = int(snapshot.segments.lengths[piece.segment])
    if kind == ARENA:
        bitmap, at = length // layout.GRANULE // 8, base + layout.ARENA_BITMAPS_OFFSET
        yield at, bitmap, "bitmap of starts", "a bit for each granule in which a block's header lies"
        yield at + bitmap, bitmap, "bitmap of used", "a bit for the first and the last granule of each used block"
        yield at + 2 * bitmap, piece.end - at - 2 * bitmap, "unused", "up to the first block"
    elif kind == SLABS:
        for slab in range(layout.FIRST_SLAB, layout.SLABS_PER_SEGMENT):
            at = base + layout.SLABS_OFFSET + slab * layout.Slab.SIZE
            if at < address + len(data) and at + layout.Slab.SIZE > address:
                yield from _structure(layout.Slab, at, address, data, prefix=f"slab {slab}: ", skip=("reserved",))
        bitmaps = base + layout.FREE_SLOTS_OFFSET
        size = layout.SLABS_PER_SEGMENT * layout.FREE_SLOTS_STRIDE
        yield bitmaps, size, "bitmaps of free slots", f"{layout.FREE_SLOTS_STRIDE} bytes a slab"
        yield base + layout.STATES_OFFSET, piece.end - base - layout.STATES_OFFSET, "states of slots", "a byte a slot"
    elif kind == HUGE:
        yield base + layout.Segment.SIZE, piece.size - layout.Segment.SIZE, "unused", "up to the aligned data"


def _structure(
    struct: type[layout.Struct], base: int, address: int, data: bytes, prefix: str = "", skip: tuple[str, ...] = ()
) -> Iterator[_Field]:
    for name, field in struct.fields().items():
        if name in skip:
            continue
        value = _number(base + field.offset, address, data, field.size)
        text = "?" if value is None else f"{value:#x}" if name in _ADDRESSES or name == "magic" else f"{value:,}"
        yield base + field.offset, field.size, prefix + _TITLES.get(name, name.replace("_", " ")), text


def _number(place: int, address: int, data: bytes, size: int = 8) -> int | None:
    """Of the bytes at `place`; None: not all of them are in `data`."""
    offset = place - address
    return int.from_bytes(data[offset : offset + size], "little") if 0 <= offset <= len(data) - size else None


def _checksum(snapshot: Snapshot, start: int, word: int | None, requested: int | None) -> str:
    if word is None or requested is None:
        return "?"
    stored, plain = word >> layout.CHECKSUM_SHIFT, word & ((1 << layout.CHECKSUM_SHIFT) - 1)
    right = checksum(int(snapshot.root["secret"]), start, plain, requested)
    return f"{stored:#06x}, right" if stored == right else f"{stored:#06x}, wrong: {right:#06x} would be right"


def checksum(secret: int, start: int, word: int, requested: int) -> int:
    """As in allocator/blocks.h."""
    total = (start ^ secret) + (word + (requested << 20)) * 0x9E3779B97F4A7C15
    return ((total + (requested >> 44)) * 0xD6E8FEB86659FD93 & MASK) >> layout.CHECKSUM_SHIFT
