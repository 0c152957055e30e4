"""Drives the allocator for tests, in a process of its own: `python driver.py LIBRARY`, with HELIOS_HEAP as wished.

Each line of stdin is an operation as JSON; the answer is a line with the address and what the heap is like then.
`fresh` begins with a heap of which nothing was used: every heap is a fork. The blocks are filled with a pattern of
their own, and looked at after each operation.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from itertools import compress
from typing import Any

from engine.heap import layout
from engine.heap.layout import FreeBlock, HeapBins, HeapRoot, Segment, SegmentKind
from engine.heap.playground.allocator import Allocator

EDGE = 4096  # bytes at both ends of a large block that are looked at


class Driver:
    def __init__(self, path: str, allocator: Allocator) -> None:
        self._allocator = allocator
        self._check = ctypes.CDLL(path, mode=os.RTLD_LOCAL | os.RTLD_DEEPBIND).helios_check  # the same, loaded already
        self._blocks: dict[int, tuple[int, int]] = {}  # size, pattern
        self._made = 0

    def do(self, asked: list[Any]) -> dict[str, Any]:
        """Operation and its arguments."""
        allocator, address = self._allocator, 0
        match asked:
            case ["alloc", size]:
                address = self._new(allocator.malloc(size), size)
            case ["calloc", count, size]:
                address = allocator.calloc(count, size) or 0
                dirty = any(ctypes.string_at(address, count * size))
                assert not dirty, "calloc gave bytes that are not zero"
                self._new(address, count * size)
            case ["memalign", alignment, size]:
                address = self._new(allocator.memalign(alignment, size), size)
            case ["free", block]:
                del self._blocks[block]
                allocator.free(block)
            case ["realloc", block, size]:
                address = self._moved(block, allocator.realloc(block, size) or 0, size)
            case ["trim"]:
                allocator.trim(0)
        return {"address": address, "damaged": self._damaged(), "unsound": self._unsound(), **self._state()}

    def _new(self, address: int | None, size: int) -> int:
        if address:
            self._made += 1
            self._blocks[address] = size, self._made % 255 + 1
            ctypes.memset(address, self._blocks[address][1], size)
        return address or 0

    def _moved(self, old: int, new: int, size: int) -> int:
        before, pattern = self._blocks[old]
        if new or not size:
            del self._blocks[old]
        if new:
            assert _has(new, min(size, before), pattern), "realloc lost the content"
            self._new(new, size)
        return new

    def _damaged(self) -> list[int]:
        return [address for address, (size, pattern) in self._blocks.items() if not _has(address, size, pattern)]

    def _unsound(self) -> str:
        text = ctypes.create_string_buffer(1000)
        return text.value.decode() if self._check(text, ctypes.c_size_t(len(text))) else ""

    def _free(self) -> dict[int, int]:
        """From the lists, which must have each block once."""
        free: dict[int, int] = {}
        bins = _word(self._allocator.root + HeapRoot.bins.offset)
        lists = struct.unpack(f"<{layout.BINS}Q", ctypes.string_at(bins + HeapBins.lists.offset, HeapBins.lists.size))
        for block in compress(lists, lists):
            while block:
                assert block not in free
                free[block] = _word(block) & layout.BLOCK_SIZE_MASK
                block = _word(block + FreeBlock.next.offset)
        return free

    def _state(self) -> dict[str, Any]:
        arenas = [
            [_word(base + Segment.first.offset), _word(base + Segment.end.offset)]
            for base, _, kind in self._allocator.segments()
            if kind == SegmentKind.ARENA
        ]
        return {
            "free": self._free(),
            "arenas": arenas,
            "used_bytes": _word(self._allocator.root + HeapRoot.arena_used_bytes.offset),
            "free_bytes": _word(self._allocator.root + HeapRoot.arena_free_bytes.offset),
        }


def _has(address: int, size: int, pattern: int) -> bool:
    if size <= 2 * EDGE:
        return ctypes.string_at(address, size) == bytes([pattern]) * size
    return _has(address, EDGE, pattern) and _has(address + size - EDGE, EDGE, pattern)


def _word(address: int) -> int:
    (word,) = struct.unpack("<Q", ctypes.string_at(address, 8))
    return int(word)


FRESH, OVER = 10, 11


def _serve(driver: Driver) -> None:
    for line in iter(sys.stdin.readline, ""):
        if line == "fresh\n":
            print("{}", flush=True)
            os._exit(FRESH)
        print(json.dumps(driver.do(json.loads(line))), flush=True)
    os._exit(OVER)


def main(path: str) -> None:
    allocator = Allocator(path)
    allocator.forget_time()
    while True:
        child = os.fork()
        if not child:
            _serve(Driver(path, allocator))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == OVER:
            return
        if status != FRESH:
            print(json.dumps({"ended": status}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
