"""Traces worth seeing, each with what to look at. Standard library only."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """`title`: a few words; `text`: the trace, with comments that say what to look at."""

    name: str
    title: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def _lines(*parts: str | list[str]) -> str:
    return "\n".join(line for part in parts for line in ([part] if isinstance(part, str) else part)) + "\n"


COALESCING = Example(
    "coalescing",
    "three neighbours become one free block",
    """# With cache=off, as all of these, so that each free is seen at once.
alloc 2000      # #1
alloc 3000      # #2
alloc 4000      # #3
alloc 1500      # #4 keeps #3 apart from the rest of the arena
free #1         # alone
free #3         # alone: #2 lies between
free #2         # joined with both sides at once
alloc 9000      # fits into what the three were
""",
)

ALTERNATING = Example(
    "alternating",
    "half of it is free, and nothing larger fits",
    _lines(
        "# Fragmentation outside of blocks: every other block is freed, and no two holes are neighbours.",
        ["alloc 3000"] * 40,
        [f"free #{block}" for block in range(1, 40, 2)],
        "alloc 6000      # 60,000 bytes are free in 20 holes, and this one has to go behind them",
        [f"free #{block}" for block in range(2, 40, 2)],
        "# Now all of it is one hole again.",
    ),
)

FIRST_BEATS_BEST = Example(
    "first-beats-best",
    "where first fit does better than best fit",
    _lines(
        "# Play it with policy=best and policy=first, and look at the last three lines.",
        "alloc 6000      # #1 will be a hole of 6,016 bytes",
        "alloc 1100      # #2 keeps the holes apart, as does #4",
        "alloc 4960      # #3 will be a hole of 4,992 bytes",
        "alloc 1100",
        ["alloc 1000000"] * 4,
        "alloc 162900    # nearly all of the rest of the arena",
        "free #1",
        "free #3",
        "alloc 3900      # best takes the smaller hole and leaves 1,024, first the larger one and leaves 2,048",
        "alloc 4900      # best takes the larger hole and leaves 1,088, first the smaller one",
        "alloc 2000      # first has a hole left of just that size; best needs a new arena",
    ),
)

BEST_BEATS_FIRST = Example(
    "best-beats-first",
    "where best fit does better than first fit",
    _lines(
        "# Play it with policy=first and policy=best, and look at the last two lines.",
        "alloc 6000      # #1 will be a hole of 6,016 bytes",
        "alloc 1100      # #2 keeps the holes apart, as does #4",
        "alloc 2000      # #3 will be a hole of 2,048 bytes",
        "alloc 1100",
        ["alloc 1000000"] * 4,
        "alloc 165900    # nearly all of the rest of the arena",
        "free #1",
        "free #3",
        "alloc 2000      # best takes the small hole, first the large one",
        "alloc 6000      # best has kept the large hole whole; first needs a new arena",
    ),
)

SAWTOOTH = Example(
    "sawtooth",
    "a program that grows and gives all back, again and again",
    _lines(
        "# Three times the same: from the second time on nothing has to be asked of the kernel.",
        [
            line
            for tooth in range(3)
            for line in (
                *(f"alloc {1500 + 700 * (step % 5)}" for step in range(20)),
                *(f"free #{20 * tooth + step}" for step in range(20, 0, -1)),
            )
        ],
    ),
)

SLABS = Example(
    "slabs",
    "a slab fills up, slot by slot",
    _lines(
        "# A slab has 64 slots of 1,024 bytes; the 65th needs another slab.",
        ["alloc 1000"] * 65,
        "free #30        # one slot in the middle",
        "alloc 980       # of the same class: that slot",
        [f"free #{block}" for block in (*range(1, 30), *range(31, 65), 66)],
        "# Nothing of the first slab is used any more, so any size can have it next.",
    ),
)

GROWING = Example(
    "growing",
    "realloc: in place while there is room, else it moves",
    """alloc 1500      # #1
realloc #1 3000 # the rest of the arena lies behind it: it grows in place
alloc 1500      # #2 lies behind it now
realloc #1 6000 # so it moves
realloc #1 2000 # shrinks in place; the rest is free
alloc 1500      # #3
realloc #1 5000 # grows into what it gave up, if that is still free
free #2
free #3
free #1
""",
)

DOUBLE_FREE = Example(
    "double-free",
    "the same block freed twice",
    """alloc 2000      # #1
alloc 2000      # #2
free #1
free #1         # ends the program: step back
""",
)

STALE_POINTER = Example(
    "stale-pointer",
    "a second free that hits somebody else",
    """alloc 2000      # #1
free #1
alloc 2000      # #2 is where #1 was
free #1         # nobody can tell: it frees #2 (check mode can, its quarantine keeps the place empty)
write #2 100    # who owns that memory now?
free #2         # now it is noticed
""",
)

OVERFLOW = Example(
    "overflow",
    "writing beyond the end of a block",
    """alloc 2000      # #1; its block has room for 2,032
alloc 2000      # #2 lies behind it
write #1 2020   # too far, but into what rounding gave: only check mode sees that, when #1 is freed
write #1 2040   # into the header of #2
free #2         # its checksum is wrong: the program ends (in check mode redzones lie between)
free #1         # its redzone is overwritten: the program ends in check mode, too
""",
)

EXAMPLES = (
    COALESCING, ALTERNATING, FIRST_BEATS_BEST, BEST_BEATS_FIRST, SAWTOOTH, SLABS, GROWING, DOUBLE_FREE, STALE_POINTER,
    OVERFLOW,
)  # fmt: skip
