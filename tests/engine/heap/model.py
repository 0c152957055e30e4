"""What an arena's blocks must be, in a hundred lines: the promises of docs/heap.md as a second implementation.

It is told what the allocator answered, and says whether that is the policy's choice; from there on it knows by itself
which blocks are used and free. Addresses of blocks are those of their headers.
"""

from __future__ import annotations

GRANULE = 64
HEADER = 16


def bytes_for(size: int) -> int:
    """What a block for `size` bytes takes."""
    return -(-(size + HEADER) // GRANULE) * GRANULE


class Model:
    """The blocks of all arenas. `used` has what was asked for, too."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.free: dict[int, int] = {}
        self.used: dict[int, tuple[int, int]] = {}
        self.rover = 0

    @property
    def free_bytes(self) -> int:
        return sum(self.free.values())

    @property
    def used_bytes(self) -> int:
        return sum(size for size, _ in self.used.values())

    def suffice(self, size: int, alignment: int) -> list[int]:
        """The free blocks that a request can be served from."""
        return [start for start, whole in self.free.items() if whole >= _sought(size, alignment)]

    def choice(self, size: int, alignment: int) -> list[int]:
        """Those of them that the policy may take."""
        fit = self.suffice(size, alignment)
        match self.policy:
            case "best":
                smallest = min(self.free[start] for start in fit)
                return [start for start in fit if self.free[start] == smallest]
            case "first":
                return [min(fit)]
            case "next":
                return [min(fit, key=lambda start: (start < self.rover, start))]
            case _:
                return [min(fit, key=lambda start: (-self.free[start], start))]

    def take(self, size: int, alignment: int, address: int) -> None:
        """`address` was answered."""
        start = max(start for start in self.free if start < address)
        assert start in self.choice(size, alignment), f"{start:#x} is not the {self.policy} fit"
        self.rover = start + _sought(size, alignment)
        whole, aligned = self.free.pop(start), -(-(start + HEADER) // alignment) * alignment - HEADER
        assert address == aligned + HEADER, f"{address:#x} is not the first place in its block"
        self._place(aligned, bytes_for(size), start + whole, size)
        if aligned > start:
            self.free[start] = aligned - start

    def release(self, address: int) -> None:
        start = address - HEADER
        size, _ = self.used.pop(start)
        self._add_free(start, size)

    def resize(self, address: int, size: int) -> bool:
        """In place, if the block and a free one behind it have room."""
        start = address - HEADER
        whole, _ = self.used[start]
        behind = self.free.get(start + whole, 0) if bytes_for(size) > whole else 0
        if bytes_for(size) > whole + behind:
            return False
        if behind:
            del self.free[start + whole]
        self._place(start, bytes_for(size), start + whole + behind, size)
        return True

    def _place(self, start: int, size: int, end: int, requested: int) -> None:
        """A used block at `start`; the rest up to `end` becomes free."""
        self.used[start] = size, requested
        if start + size < end:
            self._add_free(start + size, end - start - size)

    def _add_free(self, start: int, size: int) -> None:
        """Joined with its free neighbours."""
        size += self.free.pop(start + size, 0)
        for before, length in self.free.items():
            if before + length == start:
                self.free[before] += size
                return
        self.free[start] = size

    def add_arena(self, start: int, end: int) -> None:
        self.free[start] = end - start


def _sought(size: int, alignment: int) -> int:
    """To reach an alignment beyond the granule, a block is needed that surely has such a place."""
    return bytes_for(size) + (alignment if alignment > GRANULE else 0)
