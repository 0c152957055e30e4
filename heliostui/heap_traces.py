"""Operations for the playground that show something, and those of a file. Standard library only.

One operation per line: `alloc SIZE` makes #1, #2 … in order; `calloc COUNT SIZE`, `memalign ALIGN SIZE`, `free #K`,
`realloc #K SIZE`. What follows a `#` at the beginning of a line, or after a blank and before another, is a comment.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

MOST = 1_000_000  # operations of a file
LARGEST = 64 << 20  # bytes of a file


class Trace(NamedTuple):
    """Operations with a name, and what to watch for."""

    name: str
    about: str
    operations: tuple[str, ...]


def _joining() -> tuple[str, ...]:
    made = [f"alloc {size}" for size in (2000, 3000, 4000, 5000)]
    return (*made, "free #2", "free #4", "free #3", "alloc 6000", "free #1")


def _holes() -> tuple[str, ...]:
    """Every second block freed: much is free, and nothing large fits."""
    made = [f"alloc {4000 + 64 * n}" for n in range(24)]
    freed = [f"free #{n}" for n in range(1, 24, 2)]
    return (*made, *freed, "alloc 40000", "alloc 4400", "alloc 4100")


def _policies() -> tuple[str, ...]:
    """Holes of 12, 4 and 8 thousand bytes, then requests that fit one of them exactly: each policy takes another."""
    made = [f"alloc {size}" for size in (12000, 1500, 4000, 1500, 8000, 1500)]
    return (*made, "free #1", "free #3", "free #5", "alloc 3900", "alloc 7900", "alloc 11900")


def _slabs() -> tuple[str, ...]:
    made = [f"alloc {size}" for size in (24, 24, 30, 100, 100, 500, 24)]
    return (*made, "free #2", "alloc 20", "free #6", "alloc 400", "alloc 2000")


def _growing() -> tuple[str, ...]:
    """A list that grows by half each time, with something in its way once."""
    operations, size = ["alloc 2000"], 2000
    for step in range(8):
        size += size // 2
        operations.append(f"realloc #1 {size}")
        if step == 3:
            operations.append("alloc 1200")
    return (*operations, "free #1")


def _program(count: int = 500, most: int = 60) -> tuple[str, ...]:
    """As a program does it: it takes more and more, of all sizes, and frees some of it at any time. Always the same."""
    chance = random.Random(3)
    operations: list[str] = []
    held: list[int] = []
    made = 0
    for step in range(count):
        frees = chance.random() < (0.3 if step < count // 3 else 0.5)
        if len(held) > 3 and (frees or len(held) >= most):
            operations.append(f"free #{held.pop(chance.randrange(len(held)))}")
        else:
            made += 1
            held.append(made)
            operations.append(f"alloc {min(int(chance.lognormvariate(8.5, 1.0)) + 1030, 60_000)}")
    return tuple(operations)


def _twice() -> tuple[str, ...]:
    return ("alloc 200", "alloc 3000", "free #2", "free #2")


BUILT_IN = (
    Trace("Splitting and joining", "A freed block joins its free neighbours; a large one is split.", _joining()),
    Trace("Holes", "Every second block is freed: much is free, and nothing large finds room in it.", _holes()),
    Trace("The policies", "Three holes, and requests that fit one of them: each policy takes another.", _policies()),
    Trace("Slabs", "Small sizes come from slabs: arrays of slots of one size.", _slabs()),
    Trace("A list that grows", "realloc grows in place while what follows is free, and else moves.", _growing()),
    Trace("A program", "500 operations as programs do them: free memory is scattered with time.", _program()),
    Trace("A double free", "The heap ends with a line that says which block; a step back mends it.", _twice()),
)
"""What the playground offers."""


def read(path: Path) -> list[str]:
    """The operations of a file. Raises OSError, and ValueError with one sentence."""
    path = path.expanduser()
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST >> 20} MiB: cut it, as with head -n {MOST}")
    try:
        operations = [line for line in map(_operation, path.read_text("utf-8").splitlines()) if line]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text: a trace has one operation per line, as in alloc 200") from None
    if not operations:
        raise ValueError(f"{path} has no operations: write one per line, as in alloc 200 or free #1")
    if len(operations) > MOST:
        raise ValueError(f"{path} has {len(operations):,} operations: {MOST:,} are the most; cut it with head")
    return operations


def _operation(line: str) -> str:
    """What a line asks for; nothing of a comment."""
    line = line.strip()
    return "" if line.startswith("#") else line.split(" # ")[0].rstrip()
