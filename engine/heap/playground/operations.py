"""The operations of a playground, packed in memory that its processes share: what was asked, and what was answered.

Standard library and `trace` only.
"""

from __future__ import annotations

import ctypes
import re
import struct
from array import array
from collections.abc import Iterable, Iterator
from mmap import mmap

from engine.heap.playground.trace import Kind, Operation, TraceError, operation

LIMIT = 5_000_000
"""Operations of one playground. Pages of memory are taken as operations come."""

KINDS: tuple[Kind, ...] = ("alloc", "calloc", "memalign", "realloc", "free", "write", "trim")
ALLOC, CALLOC, MEMALIGN, REALLOC, FREE, WRITE, TRIM, FREE_ELSEWHERE = range(8)
_CODES = {kind: code for code, kind in enumerate(KINDS)}
_ONE_BY_ONE = re.compile(bytes([ord("["), WRITE, TRIM, FREE_ELSEWHERE, ord("]")]))


_PACKED = struct.Struct("<IIQQ")
"""`struct heap_operation` of the allocator's replay.h: kind, block (also of those that make one), size, factor."""


class Operations:
    """Operations 0 to len - 1, of which a heap does the first so many.

    `answers[i]`: the address that operation i answered when it was done last; 0: none. `addresses[block]`: where a
    block is, or was before it was freed, in the heap that ran last.
    """

    def __init__(self) -> None:
        self._count = 0
        self._kinds = mmap(-1, LIMIT)
        self._packed = mmap(-1, _PACKED.size * LIMIT)
        self._packed_at = ctypes.addressof(ctypes.c_char.from_buffer(self._packed))
        self.answers = (ctypes.c_uint64 * LIMIT).from_buffer(mmap(-1, 8 * LIMIT))
        self.addresses = (ctypes.c_uint64 * (LIMIT + 1)).from_buffer(mmap(-1, 8 * (LIMIT + 1)))
        self._latest = array("I", [0])  # of each block, its last operation, counted from 1
        self._previous = array("I")  # of each operation, the one before it of the same block; 0: none

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Operation:
        code = self._kinds[index]
        _, block, size, factor = self._unpacked(index)
        if code == FREE_ELSEWHERE:
            return Operation("free", block=block, offset=size)
        return Operation(KINDS[code], block=block if code > MEMALIGN else 0, size=size, factor=factor)

    def _unpacked(self, index: int) -> tuple[int, int, int, int]:
        kind, block, size, factor = _PACKED.unpack_from(self._packed, index * _PACKED.size)
        return kind, block, size, factor

    def block(self, index: int) -> int:
        """Which block it is about, or makes; 0: none."""
        return self._unpacked(index)[1]

    def makes_block(self, index: int) -> bool:
        return self._kinds[index] <= MEMALIGN

    def ends_block(self, index: int) -> bool:
        code = self._kinds[index]
        return code == FREE or (code == REALLOC and not self._unpacked(index)[2])

    def made(self, step: int) -> int:
        """How many blocks the first `step` operations make."""
        kinds = self._kinds[:step]
        return sum(kinds.count(code) for code in (ALLOC, CALLOC, MEMALIGN))

    def together(self, start: int, end: int) -> int:
        """Up to where, from `start`, operations can be given to the allocator's replay in one piece."""
        found = _ONE_BY_ONE.search(self._kinds, start, end)
        return found.start() if found else end

    def at(self, index: int) -> tuple[int, int]:
        """Where in memory the replay finds it, and puts what it answers."""
        return self._packed_at + index * _PACKED.size, ctypes.addressof(self.answers) + index * 8

    def requested(self, block: int, step: int) -> int:
        """How many bytes were asked for it, after `step` operations."""
        at = self._latest[block]
        while at > step or not self._sizes(at - 1):
            at = self._previous[at - 1]
        _, _, size, factor = self._unpacked(at - 1)
        return size * factor if self._kinds[at - 1] == CALLOC else size

    def _sizes(self, index: int) -> bool:
        """Whether it decided of its block's size, as it was done."""
        return self.makes_block(index) or (self._kinds[index] == REALLOC and bool(self.answers[index]))

    def gives(self, index: int) -> bool:
        """Whether it answers an address, if there is memory."""
        return self._kinds[index] <= REALLOC and not self.ends_block(index)

    def was_ended(self, index: int) -> bool:
        """Whether the block of this operation had been freed before it."""
        before = self._previous[index]
        while before and self._kinds[before - 1] > FREE:
            before = self._previous[before - 1]
        return bool(before) and self.ends_block(before - 1)

    def extend(self, lines: Iterable[str]) -> None:
        """Add what these lines say, or nothing. Raises TraceError."""
        parsed = list(self._parsed(lines))
        if self._count + len(parsed) > LIMIT:
            raise TraceError(f"That makes {self._count + len(parsed):,} operations; a playground takes {LIMIT:,}.")
        for found in parsed:
            self._add(found)

    def truncate(self, step: int) -> None:
        """Forget all operations but the first `step`."""
        for index in reversed(range(step, self._count)):
            block = self.block(index)
            if self.makes_block(index):
                self._latest.pop()
            elif block:
                self._latest[block] = self._previous[index]
        del self._previous[step:]
        self._count = min(self._count, step)

    def _parsed(self, lines: Iterable[str]) -> Iterator[Operation]:
        made = len(self._latest) - 1
        for number, line in enumerate(lines, 1):
            try:
                found = operation(line, made)
            except TraceError as error:
                raise TraceError(f"Line {number}: {error}" if number > 1 else str(error)) from None
            if found:
                made += found.makes_block
                yield found

    def _add(self, found: Operation) -> None:
        index = self._count
        code = _CODES[found.kind]
        if code == FREE and (found.offset or not found.block):
            code = FREE_ELSEWHERE
        block = found.block
        if code <= MEMALIGN:
            block = len(self._latest)
            self._latest.append(0)
        self._kinds[index] = code
        size = found.offset if code == FREE_ELSEWHERE else found.size
        _PACKED.pack_into(self._packed, index * _PACKED.size, code, block, size, found.factor)
        self._previous.append(self._latest[block])
        if block:
            self._latest[block] = index + 1
        self._count += 1


class Living:
    """Which blocks the program has, as it goes through the operations, forward and back."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._alive = bytearray(1)  # by number; there is no block 0
        self.step = 0

    @property
    def made(self) -> int:
        return len(self._alive) - 1

    def go(self, step: int) -> None:
        """To after `step` operations."""
        operations, alive = self._operations, self._alive
        for index in range(self.step, step):
            if operations.makes_block(index):
                alive.append(1)
            elif operations.ends_block(index):
                alive[operations.block(index)] = 0
        for index in reversed(range(step, self.step)):
            if operations.makes_block(index):
                alive.pop()
            elif operations.ends_block(index):
                alive[operations.block(index)] = not operations.was_ended(index)
        self.step = step

    def newest(self, limit: int) -> list[int]:
        """The numbers of the last `limit` of them that were made, in order."""
        found: list[int] = []
        at = len(self._alive)
        while len(found) < limit and (at := self._alive.rfind(1, 0, at)) > 0:
            found.append(at)
        return found[::-1]
