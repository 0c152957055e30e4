"""Heaps for the tests of their widgets: made up with dice, and pictures of them as the engine would make them."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace

from widgets.heap import BlockState, FreeTrail, HeapBlock, HeapPicture, HeapRow, HeapSegment, HeapWish
from widgets.heap_layout import HeapLayout

KIB, MIB = 1024, 1024 * 1024
BASE = 0x7F00_DE80_0000
_LETTERS: dict[BlockState, str] = {"used": "u", "cached": "c", "free": "f", "meta": "m"}
_ORDER = "ucsfgm"  # which letter a cell has that is as much the one as the other


class Heap:
    """Segments that are covered by blocks. `given_back`: spans of free memory without pages."""

    def __init__(self, segments: Iterable[HeapSegment], blocks: Iterable[HeapBlock]) -> None:
        self.segments = tuple(segments)
        self.blocks = sorted(blocks, key=lambda block: block.start)
        self.given_back: list[tuple[int, int]] = []

    def at(self, address: int) -> int | None:
        """Which block has an address."""
        place = bisect_right(self.blocks, address, key=lambda block: block.start) - 1
        return place if place >= 0 and address in self.blocks[place] else None

    def free(self, address: int) -> HeapBlock:
        """Free a block, and join it with its free neighbours."""
        place = self.at(address)
        assert place is not None
        first, last = place, place
        while self._joins(first - 1, first):
            first -= 1
        while self._joins(last + 1, last):
            last += 1
        start, end = self.blocks[first].start, self.blocks[last].start + self.blocks[last].size
        joined = HeapBlock(start, end - start, start + 16, "free", bin=(end - start) // 64)
        self.blocks[first : last + 1] = [joined]
        return joined

    def _joins(self, other: int, place: int) -> bool:
        if not 0 <= other < len(self.blocks):
            return False
        one, two = self.blocks[min(other, place)], self.blocks[max(other, place)]
        touching = one.start + one.size == two.start and self.segment(one.start) == self.segment(two.start)
        return touching and self.blocks[other].state == "free" and self.blocks[other].kind == "block"

    def take(self, address: int, size: int) -> None:
        """Use the first `size` bytes of a free block."""
        place = self.at(address)
        assert place is not None
        block = self.blocks[place]
        rest = HeapBlock(block.start + size, block.size - size, block.start + size + 16, "free")
        self.blocks[place : place + 1] = [
            replace(block, size=size, state="used", bin=None, position=None),
            *([rest] if rest.size else []),
        ]

    def segment(self, address: int) -> int:
        return next(n for n, each in enumerate(self.segments) if each.address <= address < each.address + each.size)

    def trail(self, bin: int) -> FreeTrail:
        """The free blocks of a bin, in an order that is not the one of their addresses."""
        blocks = [block for block in self.blocks if block.bin == bin]
        random.Random(bin).shuffle(blocks)
        return FreeTrail(bin, tuple(replace(each, position=n) for n, each in enumerate(blocks)), len(blocks))

    # --- pictures ---

    def picture(self, wish: HeapWish) -> HeapPicture:
        """What the engine would answer."""
        cell = wish.cell or self._fitting(wish)
        layout = HeapLayout(self.segments, cell, wish.columns, wish.rows)
        numbers = range(wish.first_row, min(wish.first_row + wish.rows, layout.rows))
        place = None if wish.cursor is None else self.at(wish.cursor)
        near: list[HeapBlock | None] = [None, None, None]
        if place is not None:
            for n in range(3):
                if 0 <= place + n - 1 < len(self.blocks):
                    near[n] = self.blocks[place + n - 1]
            block = near[1]
            if block is not None and block.bin is not None:
                near[1] = next(each for each in self.trail(block.bin).blocks if each.start == block.start)
        return HeapPicture(
            wish.columns,
            cell,
            wish.first_row,
            tuple(self._row(layout, n) for n in numbers),
            self.segments,
            near[1],
            near[0],
            near[2],
        )

    def _fitting(self, wish: HeapWish) -> int:
        cell = 1
        while cell < 2**30 and sum(-(-each.size // (cell * wish.columns)) for each in self.segments) > wish.rows:
            if all(each.size <= cell * wish.columns for each in self.segments):
                break
            cell *= 2
        return cell

    def _row(self, layout: HeapLayout, number: int) -> HeapRow:
        address = layout.address(number)
        segment = self.segments[self.segment(address)]
        states, fills = "", ""
        for n in range(layout.columns):
            start = address + n * layout.cell
            letter, fill = self._cell(start, layout.cell) if start < segment.address + segment.size else (" ", 0)
            states, fills = states + letter, fills + str(fill)
        return HeapRow(self.segment(address), address, states, fills)

    def _cell(self, start: int, size: int) -> tuple[str, int]:
        end = start + size
        first = max(0, bisect_right(self.blocks, start, key=lambda block: block.start) - 1)
        last = bisect_left(self.blocks, end, key=lambda block: block.start)
        sums = dict.fromkeys(_ORDER, 0)
        begins = False
        for block in self.blocks[first:last]:
            part = min(end, block.start + block.size) - max(start, block.start)
            if part > 0:
                sums[self._letter(block, start, end)] += part
                begins |= block.start >= start and block.size >= size
        letter = max(_ORDER, key=lambda each: sums[each])
        fill = round(9 * sums["u"] / size)
        return letter.upper() if begins else letter, fill

    def _letter(self, block: HeapBlock, start: int, end: int) -> str:
        if block.state == "free" and any(low <= start and end <= high for low, high in self.given_back):
            return "g"
        return "s" if block.state == "free" and block.kind == "slot" else _LETTERS[block.state]


def small(seed: int = 7) -> Heap:
    """A heap for a lesson: 16 KiB of one arena, of which a dozen blocks are free."""
    dice = random.Random(seed)
    segment = HeapSegment(BASE, "arena", 16 * KIB, 11 * KIB, 0, 5 * KIB, 40)
    blocks = [HeapBlock(BASE, 256, BASE, "meta")]
    address, free = BASE + 256, False
    while address < BASE + segment.size:
        size = min(64 * dice.choice((1, 2, 3, 3, 4, 4, 5, 6, 8, 12)), BASE + segment.size - address)
        free = not free and dice.random() < 0.45
        state: BlockState = "free" if free else "cached" if dice.random() < 0.08 else "used"
        blocks.append(HeapBlock(address, size, address + 16, state, bin=size // 64 if free else None))
        address += size
    return Heap([segment], blocks)


def large(seed: int = 5) -> Heap:
    """A program's heap: slabs, two arenas and a huge block, 21 MiB."""
    dice = random.Random(seed)
    unit = 4 * MIB
    segments = [
        HeapSegment(BASE, "slabs", unit, 2 * MIB, 300 * KIB, 1300 * KIB, 30_122),
        HeapSegment(BASE + unit, "arena", unit, 3300 * KIB, 40 * KIB, 700 * KIB, 1_733),
        HeapSegment(BASE + 2 * unit, "arena", unit, 1100 * KIB, 0, 3 * MIB, 540),
        HeapSegment(BASE + 6 * unit, "huge", 9 * MIB, 9 * MIB, 0, 0, 1),
    ]
    blocks = [HeapBlock(BASE, 384 * KIB, BASE, "meta")]
    address = BASE + 384 * KIB
    while address < BASE + unit:
        size = dice.choice((64, 128, 208, 512, 1024))
        busy, kept = dice.choice(((0.98, 0.01), (0.9, 0.05), (0.55, 0.3), (0.1, 0.05), (0.0, 0.0)))
        for n in range(64 * KIB // size):
            luck = dice.random()
            state: BlockState = "used" if luck < busy else "cached" if luck < busy + kept else "free"
            blocks.append(HeapBlock(address + n * size, size, address + n * size, state, "slot"))
        rest = 64 * KIB % size
        if rest:
            blocks.append(HeapBlock(address + 64 * KIB - rest, rest, 0, "meta"))
        address += 64 * KIB
    for segment in segments[1:3]:
        blocks.append(HeapBlock(segment.address, 16 * KIB, segment.address, "meta"))
        address, end = segment.address + 16 * KIB, segment.address + segment.size
        if segment is segments[2]:
            end -= 2 * MIB
            blocks.append(HeapBlock(end, 2 * MIB, end + 16, "free", bin=16_384))
        free = False
        while address < end:
            size = min(64 * int(dice.lognormvariate(3, 1.2) + 17), end - address)
            free = not free and dice.random() < 0.3
            state = "free" if free else "cached" if dice.random() < 0.04 else "used"
            blocks.append(HeapBlock(address, size, address + 16, state, bin=size // 64 if free else None))
            address += size
    huge = segments[3]
    blocks.append(HeapBlock(huge.address, 4 * KIB, huge.address, "meta"))
    blocks.append(HeapBlock(huge.address + 4 * KIB, huge.size - 4 * KIB, huge.address + 4 * KIB, "used", "huge"))
    heap = Heap(segments, blocks)
    heap.given_back = [(segments[2].address + 2 * MIB + 64 * KIB, segments[2].address + unit)]
    return heap
