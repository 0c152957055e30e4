"""What is at an address: a block, a slot, a huge block, or the allocator's own."""

from __future__ import annotations

from dataclasses import dataclass

from engine.heap import bins, layout
from engine.heap.inspector import sums
from engine.heap.inspector.arenas import Arena
from engine.heap.inspector.memory import Memory, Unreadable
from engine.heap.inspector.snapshot import ARENA, SLABS, Snapshot
from engine.protocol.heap import BlockState, HeapBlock

SLOT_STATES: tuple[BlockState, ...] = ("free", "cached", "used")


@dataclass(frozen=True)
class Piece:
    """`size` bytes from `start` on, of one segment (its index). `head`: how many of them are before the user's.
    `slot_size`: 0: no slot. `slab`: its address; 0: in none."""

    start: int
    size: int
    state: BlockState
    segment: int
    head: int = 0
    slot_size: int = 0
    slab: int = 0

    @property
    def end(self) -> int:
        return self.start + self.size


def piece_at(snapshot: Snapshot, address: int) -> Piece | None:
    """All of a segment belongs to one piece or another. None: it is in no segment."""
    segments = snapshot.segments
    index = segments.index_at(address)
    if index is None:
        return None
    base, length, kind = int(segments.bases[index]), int(segments.lengths[index]), int(segments.kinds[index])
    if kind == SLABS:
        return _in_slabs(snapshot, index, base, address)
    if kind == ARENA:
        arena = snapshot.arenas.get(index)
        return _in_arena(snapshot, index, arena, address) if arena else Piece(base, length, "meta", index)
    return _parts(index, base, base + length, base + length - sums.huge_used(snapshot, index), address)


def _parts(index: int, start: int, end: int, data: int, address: int) -> Piece:
    """The allocator's own before `data`, and what is used after it."""
    if address < data:
        return Piece(start, data - start, "meta", index)
    return Piece(data, end - data, "used", index)


def _in_slabs(snapshot: Snapshot, index: int, base: int, address: int) -> Piece:
    slabs, first = snapshot.slabs, base + layout.FIRST_SLAB * layout.SLAB_BYTES
    if address < first:
        return Piece(base, first - base, "meta", index)
    slab = slabs.index_at(address)
    if slab is None:
        nobodys = address - address % layout.SLAB_BYTES
        return Piece(nobodys, layout.SLAB_BYTES, "free", index, slab=nobodys)
    start, size = int(slabs.bases[slab]), int(slabs.sizes[slab])
    slot = (address - start) // size
    if slot >= int(slabs.slots[slab]):
        rest = start + int(slabs.slots[slab]) * size
        return Piece(rest, start + layout.SLAB_BYTES - rest, "meta", index, slab=start)
    state = SLOT_STATES[int(slabs.states_of(slab)[slot])]
    return Piece(start + slot * size, size, state, index, slot_size=size, slab=start)


def _in_arena(snapshot: Snapshot, index: int, arena: Arena, address: int) -> Piece:
    block = arena.index_at(address)
    if block is None:
        if address < arena.first:
            return Piece(arena.base, arena.first - arena.base, "meta", index)
        return Piece(arena.end, arena.base + arena.length - arena.end, "meta", index)
    return block_piece(snapshot, index, arena, block)


def block_piece(snapshot: Snapshot, index: int, arena: Arena, block: int) -> Piece:
    """Block number `block` of an arena."""
    state: BlockState = "free"
    if arena.used[block]:
        state = "cached" if block in snapshot.cached[index] else "used"
    size = int(arena.granules[block]) * layout.GRANULE
    return Piece(arena.address(block), size, state, index, head=layout.BLOCK_HEADER)


def described(snapshot: Snapshot, memory: Memory, piece: Piece) -> HeapBlock:
    """For the wire; where in its free list a free block is, `free_lists` knows."""
    base, kind = int(snapshot.segments.bases[piece.segment]), int(snapshot.segments.kinds[piece.segment])
    free_block = kind == ARENA and piece.state == "free"
    return HeapBlock(
        address=f"{piece.start + piece.head:#x}",
        start=f"{piece.start:#x}",
        size=piece.size,
        requested=_requested(snapshot, memory, piece, kind),
        state=piece.state,
        kind="slot" if kind == SLABS else "block" if kind == ARENA else "huge",
        segment=f"{base:#x}",
        bin=bins.bin_of(piece.size) if free_block else None,
        slab=f"{piece.slab:#x}" if piece.slab else None,
        size_class=piece.slot_size or None,
    )


def _requested(snapshot: Snapshot, memory: Memory, piece: Piece, kind: int) -> int | None:
    if piece.state != "used" or kind == SLABS:
        return None
    if kind != ARENA:
        return int(snapshot.segments.headers[piece.segment]["requested"])
    try:
        header = memory.read(piece.start, layout.BLOCK_HEADER)
    except Unreadable:
        return None
    requested = int.from_bytes(header[8:], "little")
    return requested if requested <= piece.size - layout.BLOCK_HEADER else None
