"""What programs ask of an allocator, as text: one operation per line. Owns the format; standard library only.

    alloc 200            malloc; makes block #1: blocks are counted in the order in which they are asked for
    calloc 10 64         ten times 64 bytes, zeroed; makes #2
    memalign 4k 100      100 bytes at a multiple of 4096; makes #3
    realloc #1 1m        block #1 may move, and stays #1; a size of 0 frees it
    free #2

Sizes are bytes, or have one of the letters k, m, g (1k is 1024). `#` at the start of a line, or after a blank and not
followed by a digit, starts a comment. Empty lines mean nothing.

A playground knows four more, which no program's trace has; three of them are mistakes:

    free #1+16           a pointer into a block
    free 0x1000          a pointer to anywhere
    write #1 300         write 300 bytes from the start of block #1 on, however long it is
    trim                 malloc_trim: give back to the kernel what can be
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TextIO

Kind = Literal["alloc", "calloc", "memalign", "realloc", "free", "write", "trim"]

LARGEST = 2**64 - 1  # a size_t
LONGEST = 4096  # characters of a line
MOST_BLOCKS = 2**32 - 1
_MAKERS = ("alloc", "calloc", "memalign")
_USAGE = {
    "alloc": "alloc SIZE",
    "calloc": "calloc COUNT SIZE",
    "memalign": "memalign ALIGNMENT SIZE",
    "realloc": "realloc #BLOCK SIZE",
    "free": "free #BLOCK",
    "write": "write #BLOCK COUNT",
    "trim": "trim",
}
_NUMBER = re.compile(r"([0-9]{1,20})([kmgKMG]?)")
_BLOCK = re.compile(r"#([0-9]{1,10})(?:\+([0-9]{1,20}))?")
_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{1,16})")
_PLAIN = re.compile(r"alloc ([0-9]{1,18})|free #([0-9]{1,9})")  # nearly all lines of long traces
_COMMENT = re.compile(r"(?:^|\s)#(?![0-9])|^\s*#")
_RECORDED = re.compile(r"(?:f|a ([0-9]+)|m ([0-9]+) ([0-9]+)|r (0x[0-9a-f]+) ([0-9]+)) (0x[0-9a-f]+)\n")
_SHIFT = {"": 0, "k": 10, "m": 20, "g": 30}


class TraceError(ValueError):
    """A line that is no operation. The sentence says what is wrong with it."""


class Operation(NamedTuple):
    """One operation. Blocks are counted from 1.

    `factor`: calloc's COUNT, memalign's ALIGNMENT. `offset`: of a pointer into the block; with block 0, of `free`, the
    address itself.
    """

    kind: Kind
    block: int = 0
    size: int = 0
    factor: int = 0
    offset: int = 0

    @property
    def makes_block(self) -> bool:
        return self.kind in _MAKERS

    def __str__(self) -> str:
        """As it stands in a trace."""
        match self.kind:
            case "alloc":
                return f"alloc {self.size}"
            case "calloc" | "memalign":
                return f"{self.kind} {self.factor} {self.size}"
            case "realloc" | "write":
                return f"{self.kind} #{self.block} {self.size}"
            case "free" if not self.block:
                return f"free {self.offset:#x}"
            case "free":
                return f"free #{self.block}+{self.offset}" if self.offset else f"free #{self.block}"
            case _:
                return self.kind


def operation(line: str, made: int) -> Operation | None:
    """The operation of a line, after `made` blocks were made; None: an empty line or a comment. Raises TraceError."""
    if plain := _PLAIN.fullmatch(line):
        size, block = plain.groups()
        if size is not None:
            return Operation("alloc", 0, int(size))
        if 1 <= int(block) <= made:
            return Operation("free", int(block))
    if found := _COMMENT.search(line):
        line = line[: found.start()]
    words = line.split()
    if not words:
        return None
    kind = words[0]
    if kind not in _USAGE:
        raise TraceError(f'There is no operation "{_shown(kind)}"; the operations are {", ".join(_USAGE)}.')
    if len(words) != len(_USAGE[kind].split()):
        raise TraceError(f'"{_shown(" ".join(words))}" is not complete or says too much: it is written {_USAGE[kind]}.')
    match kind:
        case "alloc":
            return Operation("alloc", size=_size(words[1]))
        case "calloc":
            return Operation("calloc", factor=_size(words[1]), size=_size(words[2]))
        case "memalign":
            return Operation("memalign", factor=_alignment(words[1]), size=_size(words[2]))
        case "realloc":
            return Operation("realloc", block=_block(words, made), size=_size(words[2]))
        case "write":
            return Operation("write", block=_block(words, made), size=_size(words[2]))
        case "free":
            return _free(words, made)
    return Operation("trim")


def lines_of(file: TextIO) -> Iterator[str]:
    """Its lines, of which none is so long that it would fill the memory. Raises TraceError."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise TraceError(f"Line {number} has more than {LONGEST:,} characters: a trace has one operation per line.")
        yield line


def parse(lines: Iterable[str]) -> Iterator[Operation]:
    """The operations of a trace, one by one. Raises TraceError, whose sentence names the line."""
    made = 0
    for number, line in enumerate(lines, 1):
        try:
            found = operation(line, made)
        except TraceError as error:
            raise TraceError(f"Line {number}: {error}") from None
        if found:
            made += found.makes_block
            yield found


def from_recording(lines: Iterable[str]) -> Iterator[Operation]:
    """The operations of a program that ran with HELIOS_HEAP=trace=PATH, one by one, from the allocator's own lines
    (`a SIZE ADDRESS`, `m ALIGNMENT SIZE ADDRESS`, `r OLD SIZE NEW`, `f ADDRESS`).

    Blocks from before the recording are made at their first realloc, and their frees left out. So is a last line that
    was cut off when the program ended, and what is behind it.
    """
    numbers: dict[str, int] = {}
    made = 0
    for line in lines:
        if not (found := _RECORDED.fullmatch(line)):
            continue
        plain, alignment, aligned, old, moved, address = found.groups()
        number = numbers.pop(old, 0) if old else 0
        if freed := numbers.pop(address, 0):  # what is given anew was freed, even if nobody wrote that down
            yield Operation("free", block=freed)
        if line[0] == "f":
            continue
        if number:
            yield Operation("realloc", block=number, size=int(moved))
        else:
            number = made = made + 1
            yield _maker(alignment, int(plain or aligned or moved))
        numbers[address] = number


def _maker(alignment: str | None, size: int) -> Operation:
    """memalign takes any alignment, and rounds it up."""
    if not alignment:
        return Operation("alloc", size=size)
    return Operation("memalign", size=size, factor=1 << max(0, int(alignment) - 1).bit_length())


def _free(words: list[str], made: int) -> Operation:
    if found := _ADDRESS.fullmatch(words[1]):
        return Operation("free", offset=int(found[1], 16))
    return Operation("free", block=_block(words, made), offset=_offset(words[1]))


def _offset(word: str) -> int:
    _, _, offset = word.partition("+")
    return min(int(offset or 0), LARGEST)


def _block(words: list[str], made: int) -> int:
    found = _BLOCK.fullmatch(words[1])
    if not found or (found[2] and words[0] != "free"):
        raise TraceError(f'"{_shown(words[1])}" is no block: {words[0]} takes its number, as in "{words[0]} #3".')
    number = int(found[1])
    if not 1 <= number <= made:
        there = "there are no blocks yet" if not made else "the only block is #1" if made == 1 else _range(made)
        raise TraceError(f"{words[0]} {words[1]}: there is no block #{number} yet; {there}.")
    return number


def _range(made: int) -> str:
    return f"the blocks are #1 to #{made}"


def _size(word: str) -> int:
    found = _NUMBER.fullmatch(word)
    if not found:
        raise TraceError(f'"{_shown(word)}" is no size: it is written as a number of bytes, or as 4k, 1m, 2g.')
    size = int(found[1]) << _SHIFT[found[2].lower()]
    if size > LARGEST:
        raise TraceError(f"{word} is more than a size can be: the largest is {LARGEST}.")
    return size


def _alignment(word: str) -> int:
    alignment = _size(word)
    if alignment & (alignment - 1) or not alignment:
        raise TraceError(f"{word} is no alignment: it is a power of two, as 64 or 4k.")
    return alignment


def _shown(text: str) -> str:
    """A word of somebody's, fit for a sentence."""
    text = "".join(each if " " <= each <= "~" else each.encode("unicode_escape").decode() for each in text[:41])
    return text if len(text) <= 40 else text[:40] + "…"
