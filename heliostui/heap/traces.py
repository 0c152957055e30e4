"""Operations for the playground that show something, and those of a file. Imports the playground's traces.

The format is `engine.heap.playground.trace`'s.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.heap.playground import trace
from engine.heap.playground.examples import EXAMPLES, Example

MOST = 1_000_000  # operations of a file
_COMMENT = re.compile(r"(?:^|\s)#\s+(\S.*)")


class Trace(NamedTuple):
    """Operations with a name, and what to watch for. `notes`: what is said of single ones, by their numbers from 1."""

    name: str
    about: str
    operations: tuple[str, ...] = ()
    notes: Mapping[int, str] = {}


def _example(example: Example) -> Trace:
    """One of the playground's own; what it says at its head is what it is about."""
    first = example.lines[0]
    title = example.title[:1].upper() + example.title[1:]
    return _parsed(example.lines, title, first.removeprefix("#").strip() if first.startswith("#") else "")


def _policies() -> tuple[str, ...]:
    made = [f"alloc {size}" for size in (12000, 1500, 4000, 1500, 8000, 1500)]
    return (*made, "free #1", "free #3", "free #5", "alloc 3900", "alloc 7900", "alloc 11900")


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


def _parsed(lines: Iterable[str], name: str, about: str = "") -> Trace:
    """A trace with what its comments say: of the operation on their line, or of the one before. Raises ValueError."""
    operations: list[str] = []
    notes: dict[int, str] = {}
    made = 0
    for number, line in enumerate(lines, 1):
        try:
            operation = trace.operation(line, made)
        except trace.TraceError as error:
            raise ValueError(f"Line {number}: {error}") from None
        if operation is not None:
            made += operation.makes_block
            operations.append(str(operation))
            if len(operations) > MOST:
                raise ValueError(f"{name} has more than {MOST:,} operations: cut it, as with head -n {MOST}")
        comment = _COMMENT.search(line)
        if comment and operations:
            notes[len(operations)] = " ".join(filter(None, (notes.get(len(operations)), comment[1].strip())))
    return Trace(name, about, tuple(operations), {n: f"{note[:1].upper()}{note[1:]}" for n, note in notes.items()})


POLICIES = Trace(
    "Three holes, and requests that fit them", "Each policy takes another one; good to predict.", _policies()
)
PROGRAM = Trace(
    "A program of 500 operations", "Free memory is scattered with time; how much depends on the policy.", _program()
)
BUILT_IN = (POLICIES, *map(_example, EXAMPLES), PROGRAM)
"""What the playground offers."""


def read(path: Path) -> Trace:
    """What a file has. Raises OSError, and ValueError with one sentence."""
    path = path.expanduser()
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no file: a trace is a text file with one operation per line")
    try:
        with path.open(encoding="utf-8") as file:
            found = _parsed(trace.lines_of(file), str(path))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text: a trace has one operation per line, as in alloc 200") from None
    if not found.operations:
        raise ValueError(f"{path} has no operations: write one per line, as in alloc 200 or free #1")
    return found
