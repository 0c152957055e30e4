"""What a playground says about each kind of operation."""

from __future__ import annotations

import re
from random import Random
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.heap import layout
from engine.heap.bins import bin_of, sizes_of
from engine.heap.playground.client import Playgrounds
from engine.protocol.heap import HeapOptions

DEFAULT = HeapOptions()
UNCACHED = HeapOptions(cache=False)
PLAIN = HeapOptions(slabs=False, cache=False)

# After "> ": an operation; then what is said about it. "...": a sentence goes on in the next line. Addresses are "…".
STORIES: dict[str, tuple[HeapOptions, str]] = {
    "slots": (
        DEFAULT,
        """
        > alloc 200
        A segment for slabs is mapped at …: 4,194,304 bytes.
        A new slab at …: 315 slots of 208 bytes.
        The thread's cache had no slots of 208 bytes: 39 at once come from the slab, the first for this request.
        Slot 1 of 315 in the slab at ….
        > calloc 10 20
        A slot of 208 bytes from the thread's cache; nothing else changes.
        Slot 2 of 315 in the slab at ….
        All its bytes are zero.
        > free #1
        Kept by the thread's cache of 208-byte slots; nothing else changes.
        > realloc #2 150
        Stays in its slot of 208 bytes.
        > realloc #2 10
        Its slot of 208 bytes is far too large for 10 bytes: it moves.
        A new slab at …: 4,096 slots of 16 bytes.
        The thread's cache had no slots of 16 bytes: 62 at once come from the slab, the first for this request.
        Slot 1 of 4,096 in the slab at ….
        10 bytes copied; then the old block is freed.
        Kept by the thread's cache of 208-byte slots; nothing else changes.
        > realloc #2 17
        Its slot of 16 bytes is too small for 17 bytes: it moves.
        A new slab at …: 2,048 slots of 32 bytes.
        The thread's cache had no slots of 32 bytes: 62 at once come from the slab, the first for this request.
        Slot 1 of 2,048 in the slab at ….
        10 bytes copied; then the old block is freed.
        Kept by the thread's cache of 16-byte slots; nothing else changes.
        > realloc #2 0
        A realloc to 0 bytes is a free.
        Kept by the thread's cache of 32-byte slots; nothing else changes.
        > memalign 256 100
        A new slab at …: 256 slots of 256 bytes.
        The thread's cache had no slots of 256 bytes: 32 at once come from the slab, the first for this request.
        Slot 1 of 256 in the slab at ….
        > alloc 0
        A slot of 16 bytes from the thread's cache; nothing else changes.
        Slot 1 of 4,096 in the slab at ….
        > alloc 100g
        No memory: the kernel does not give that much. The answer is NULL.
        """,
    ),
    "a quick cache that runs full": (
        DEFAULT,
        """
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 4,032 used, 4,173,568 stay free at ….
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,892 are empty, bin 16,893 has 4,173,568 ...
        bytes at ….
        Split: 4,032 used, 4,169,536 stay free at ….
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,891 are empty, bin 16,892 has 4,169,536 ...
        bytes at ….
        Split: 4,032 used, 4,165,504 stay free at ….
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,891 are empty, bin 16,892 has 4,165,504 ...
        bytes at ….
        Split: 4,032 used, 4,161,472 stay free at ….
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,890 are empty, bin 16,891 has 4,161,472 ...
        bytes at ….
        Split: 4,032 used, 4,157,440 stay free at ….
        > alloc 4000
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,890 are empty, bin 16,891 has 4,157,440 ...
        bytes at ….
        Split: 4,032 used, 4,153,408 stay free at ….
        > free #1
        Kept by the thread's cache of 4,032-byte blocks; nothing else changes.
        > free #2
        Kept by the thread's cache of 4,032-byte blocks; nothing else changes.
        > free #3
        Kept by the thread's cache of 4,032-byte blocks; nothing else changes.
        > free #4
        Kept by the thread's cache of 4,032-byte blocks; nothing else changes.
        > free #5
        Neither neighbour is free: 4,032 bytes at … become a free block of their own.
        It goes into bin 63 (4,032 bytes).
        > free #6
        Joined with the free block behind it (4,153,408 bytes): 4,157,440 bytes at ….
        Joined with the free block before it (4,032 bytes): 4,161,472 bytes at ….
        It goes into bin 16,891 (4,153,344 to 4,161,472 bytes).
        """,
    ),
    "slots without caches": (
        UNCACHED,
        """
        > alloc 1000
        A segment for slabs is mapped at …: 4,194,304 bytes.
        A new slab at …: 64 slots of 1,024 bytes.
        A slab of 1,024-byte slots has room; 63 of its slots stay free.
        Slot 1 of 64 in the slab at ….
        > alloc 1000
        A slab of 1,024-byte slots has room; 62 of its slots stay free.
        Slot 2 of 64 in the slab at ….
        > free #1
        Slot 1 of 64 in the slab at … is free again.
        The slab has 63 free slots now.
        > free #2
        Slot 2 of 64 in the slab at … is free again.
        The slab has 64 free slots now.
        > trim
        There is nothing to give back.
        > trim
        There is nothing to give back.
        """,
    ),
    "blocks with caches": (
        DEFAULT,
        """
        > alloc 3000
        Best fit for 3,000 bytes (with its header 3,072): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 3,072 used, 4,174,528 stay free at ….
        > alloc 3000
        Best fit for 3,000 bytes (with its header 3,072): bins 48 to 16,892 are empty, bin 16,893 has 4,174,528 ...
        bytes at ….
        Split: 3,072 used, 4,171,456 stay free at ….
        > free #1
        Kept by the thread's cache of 3,072-byte blocks; nothing else changes.
        > alloc 2950
        Best fit for 2,950 bytes (with its header 3,008): bins 47 to 16,892 are empty, bin 16,893 has 4,171,456 ...
        bytes at ….
        Split: 3,008 used, 4,168,448 stay free at ….
        > calloc 1 3000
        A block of 3,072 bytes from the thread's cache; nothing else changes.
        All its bytes are zero.
        > free #3
        Kept by the thread's cache of 3,008-byte blocks; nothing else changes.
        > free #2
        Kept by the thread's cache of 3,072-byte blocks; nothing else changes.
        > realloc #4 10000
        It can't grow where it is, as what lies behind it is used or too small: it moves.
        Best fit for 10,000 bytes (with its header 10,048): bins 157 to 16,891 are empty, bin 16,892 has ...
        4,168,448 bytes at ….
        Split: 10,048 used, 4,158,400 stay free at ….
        3,000 bytes copied; then the old block is freed.
        Kept by the thread's cache of 3,072-byte blocks; nothing else changes.
        > trim
        The thread's cache of blocks is emptied: its 3 become free.
        There is nothing to give back.
        """,
    ),
    "huge blocks": (
        DEFAULT,
        """
        > alloc 2m
        So large a block gets a mapping of its own: 2,101,248 bytes at ….
        > realloc #1 3m
        Its mapping has 3,149,824 bytes now, 2,101,248 before; it stays where it is.
        > alloc 2m
        So large a block gets a mapping of its own: 2,101,248 bytes at ….
        > realloc #1 8m
        Its mapping moves to …: the kernel moves the pages, nothing is copied.
        > realloc #1 1500000
        Its mapping has 1,503,232 bytes now, 8,392,704 before; it stays where it is.
        > free #1
        Its mapping of 1,503,232 bytes goes back to the kernel at once.
        > memalign 4m 4m
        So large a block gets a mapping of its own: 8,388,608 bytes at ….
        > alloc 2m
        So large a block gets a mapping of its own: 2,101,248 bytes at ….
        """,
    ),
    "blocks": (
        PLAIN,
        """
        > alloc 200
        Best fit for 200 bytes (with its header 256): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 256 used, 4,177,344 stay free at ….
        > alloc 3000
        Best fit for 3,000 bytes (with its header 3,072): bins 48 to 16,892 are empty, bin 16,893 has 4,177,344 ...
        bytes at ….
        Split: 3,072 used, 4,174,272 stay free at ….
        > alloc 1
        Best fit for 1 byte (with its header 64): bins 1 to 16,892 are empty, bin 16,893 has 4,174,272 bytes at ….
        Split: 64 used, 4,174,208 stay free at ….
        > free #1
        Neither neighbour is free: 256 bytes at … become a free block of their own.
        It goes into bin 4 (256 bytes).
        > alloc 170
        Best fit for 170 bytes (with its header 192): bin 3 is empty, bin 4 has 256 bytes at ….
        Split: 192 used, 64 stay free at ….
        > free #2
        Joined with the free block before it (64 bytes): 3,136 bytes at ….
        It goes into bin 49 (3,136 bytes).
        > alloc 3120
        Best fit for 3,120 bytes (with its header 3,136): bin 49 (3,136 bytes) has 3,136 bytes at ….
        Taken whole: what would be left of it is less than 64 bytes.
        > realloc #5 3100
        Stays as it is: its block of 3,136 bytes has room.
        > realloc #5 1000
        Split: it keeps 1,024, 2,112 bytes become free.
        > realloc #5 2000
        Grows in place: the free block behind it joins, 2,112 bytes.
        Split: it keeps 2,048, 1,088 bytes stay free.
        > realloc #5 1500
        Split: it keeps 1,536, 512 bytes become free.
        They join with the free block behind them: 1,600 bytes at ….
        > realloc #5 3120
        Grows in place: the free block behind it joins, 1,600 bytes.
        All of that block is needed.
        > realloc #4 4000
        It can't grow where it is, as what lies behind it is used or too small: it moves.
        Best fit for 4,000 bytes (with its header 4,032): bins 63 to 16,892 are empty, bin 16,893 has 4,174,208 ...
        bytes at ….
        Split: 4,032 used, 4,170,176 stay free at ….
        170 bytes copied; then the old block is freed.
        Neither neighbour is free: 192 bytes at … become a free block of their own.
        It goes into bin 3 (192 bytes).
        > free #5
        Joined with the free block before it (192 bytes): 3,328 bytes at ….
        It goes into bin 52 (3,328 bytes).
        > free #3
        Joined with the free block before it (3,328 bytes): 3,392 bytes at ….
        It goes into bin 53 (3,392 bytes).
        > free #4
        Joined with the free block behind it (4,170,176 bytes): 4,174,208 bytes at ….
        Joined with the free block before it (3,392 bytes): 4,177,600 bytes at ….
        It goes into bin 16,893 (4,169,728 to 4,177,856 bytes).
        > memalign 4k 100
        Best fit for 100 bytes (with its header and room to align 4,224): bins 66 to 16,892 are empty, bin ...
        16,893 has 4,177,600 bytes at ….
        Split before it, so that its data starts at a multiple of 4,096: 3,776 bytes stay free at ….
        Split: 128 used, 4,173,696 stay free at ….
        > free #6
        Joined with the free block behind it (4,173,696 bytes): 4,173,824 bytes at ….
        Joined with the free block before it (3,776 bytes): 4,177,600 bytes at ….
        It goes into bin 16,893 (4,169,728 to 4,177,856 bytes).
        > alloc 100g
        No memory: the kernel does not give that much. The answer is NULL.
        > free #7
        free(NULL) does nothing.
        > realloc #7 100
        realloc(NULL) is an alloc.
        Best fit for 100 bytes (with its header 128): bins 2 to 16,892 are empty, bin 16,893 has 4,177,600 bytes at ….
        Split: 128 used, 4,177,472 stay free at ….
        > alloc 900000
        Best fit for 900,000 bytes (with its header 900,032): bins 14,063 to 16,892 are empty, bin 16,893 has ...
        4,177,472 bytes at ….
        Split: 900,032 used, 3,277,440 stay free at ….
        > free #8
        Joined with the free block behind it (3,277,440 bytes): 4,177,472 bytes at ….
        It goes into bin 16,893 (4,169,728 to 4,177,856 bytes).
        > trim
        892,928 bytes of memory at … go back to the kernel; the addresses stay.
        """,
    ),
    "check mode": (
        HeapOptions(check=True),
        """
        > alloc 200
        A segment for slabs is mapped at …: 4,194,304 bytes.
        A new slab at …: 204 slots of 320 bytes.
        The thread's cache had no slots of 320 bytes: 25 at once come from the slab, the first for this request.
        Slot 1 of 204 in the slab at ….
        In it, before the bytes asked for, a record of who asked; redzones of 16 bytes and more around them.
        > realloc #1 300
        In check mode a realloc always moves: who keeps the old address is found out.
        A new slab at …: 157 slots of 416 bytes.
        The thread's cache had no slots of 416 bytes: 19 at once come from the slab, the first for this request.
        Slot 1 of 157 in the slab at ….
        In it, before the bytes asked for, a record of who asked; redzones of 16 bytes and more around them.
        200 bytes copied; then the old block is freed.
        Its bytes are poisoned (0xdd), and it waits in quarantine: who uses it now is found out.
        > free #1
        Its bytes are poisoned (0xdd), and it waits in quarantine: who uses it now is found out.
        > alloc 5000
        Best fit for 5,000 bytes (with its header, record and redzones 5,184): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 5,184 used, 4,172,416 stay free at ….
        In it, before the bytes asked for, a record of who asked; redzones of 16 bytes and more around them.
        > memalign 256 5000
        Best fit for 5,000 bytes (with its header, record and redzones and room to align 5,568): bins 87 to ...
        16,892 are empty, bin 16,893 has 4,172,416 bytes at ….
        Split before it, so that its data starts at a multiple of 256: 128 bytes stay free at ….
        Split: 5,312 used, 4,166,976 stay free at ….
        In it, before the bytes asked for, a record of who asked; redzones of 16 bytes and more around them.
        > free #2
        Its bytes are poisoned (0xdd), and it waits in quarantine: who uses it now is found out.
        """,
    ),
    "writing": (
        PLAIN,
        """
        > alloc 200
        Best fit for 200 bytes (with its header 256): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 256 used, 4,177,344 stay free at ….
        > write #1 200
        200 bytes written from … on; 200 were asked for.
        > write #1 230
        230 bytes written from … on; 200 were asked for.
        That is 30 bytes too many: they fit its rounding.
        > write #1 300
        300 bytes written from … on; 200 were asked for.
        That is 100 bytes too many: 60 bytes of it belong to somebody else.
        > alloc 100g
        No memory: the kernel does not give that much. The answer is NULL.
        > write #2 1
        There is nothing to write to: the block was never made.
        """,
    ),
    "first fit": (
        HeapOptions(policy="first", slabs=False, cache=False),
        """
        > alloc 2000
        First fit for 2,000 bytes (with its header 2,048): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 2,048 used, 4,175,552 stay free at ….
        > alloc 100
        First fit for 100 bytes (with its header 128): of all that suffice the one at the lowest address is ...
        4,175,552 bytes at … (bin 16,893).
        Split: 128 used, 4,175,424 stay free at ….
        > alloc 1000
        First fit for 1,000 bytes (with its header 1,024): of all that suffice the one at the lowest address is ...
        4,175,424 bytes at … (bin 16,893).
        Split: 1,024 used, 4,174,400 stay free at ….
        > alloc 100
        First fit for 100 bytes (with its header 128): of all that suffice the one at the lowest address is ...
        4,174,400 bytes at … (bin 16,893).
        Split: 128 used, 4,174,272 stay free at ….
        > free #1
        Neither neighbour is free: 2,048 bytes at … become a free block of their own.
        It goes into bin 32 (2,048 bytes).
        > free #3
        Neither neighbour is free: 1,024 bytes at … become a free block of their own.
        It goes into bin 16 (1,024 bytes).
        > alloc 900
        First fit for 900 bytes (with its header 960): of all that suffice the one at the lowest address is ...
        2,048 bytes at … (bin 32).
        Split: 960 used, 1,088 stay free at ….
        """,
    ),
    "next fit": (
        HeapOptions(policy="next", slabs=False, cache=False),
        """
        > alloc 2000
        Next fit for 2,000 bytes (with its header 2,048): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 2,048 used, 4,175,552 stay free at ….
        > alloc 100
        Next fit for 100 bytes (with its header 128): the first that suffices from where the last search ended ...
        is 4,175,552 bytes at … (bin 16,893).
        Split: 128 used, 4,175,424 stay free at ….
        > alloc 1000
        Next fit for 1,000 bytes (with its header 1,024): the first that suffices from where the last search ...
        ended is 4,175,424 bytes at … (bin 16,893).
        Split: 1,024 used, 4,174,400 stay free at ….
        > alloc 100
        Next fit for 100 bytes (with its header 128): the first that suffices from where the last search ended ...
        is 4,174,400 bytes at … (bin 16,893).
        Split: 128 used, 4,174,272 stay free at ….
        > free #1
        Neither neighbour is free: 2,048 bytes at … become a free block of their own.
        It goes into bin 32 (2,048 bytes).
        > free #3
        Neither neighbour is free: 1,024 bytes at … become a free block of their own.
        It goes into bin 16 (1,024 bytes).
        > alloc 900
        Next fit for 900 bytes (with its header 960): the first that suffices from where the last search ended ...
        is 4,174,272 bytes at … (bin 16,893).
        Split: 960 used, 4,173,312 stay free at ….
        """,
    ),
    "worst fit": (
        HeapOptions(policy="worst", slabs=False, cache=False),
        """
        > alloc 2000
        Worst fit for 2,000 bytes (with its header 2,048): no free block is large enough.
        A new arena is mapped at …: 4,194,304 bytes, one free block at first.
        Split: 2,048 used, 4,175,552 stay free at ….
        > alloc 100
        Worst fit for 100 bytes (with its header 128): the largest of all is 4,175,552 bytes at … (bin 16,893).
        Split: 128 used, 4,175,424 stay free at ….
        > alloc 1000
        Worst fit for 1,000 bytes (with its header 1,024): the largest of all is 4,175,424 bytes at … (bin 16,893).
        Split: 1,024 used, 4,174,400 stay free at ….
        > alloc 100
        Worst fit for 100 bytes (with its header 128): the largest of all is 4,174,400 bytes at … (bin 16,893).
        Split: 128 used, 4,174,272 stay free at ….
        > free #1
        Neither neighbour is free: 2,048 bytes at … become a free block of their own.
        It goes into bin 32 (2,048 bytes).
        > free #3
        Neither neighbour is free: 1,024 bytes at … become a free block of their own.
        It goes into bin 16 (1,024 bytes).
        > alloc 900
        Worst fit for 900 bytes (with its header 960): the largest of all is 4,174,272 bytes at … (bin 16,893).
        Split: 960 used, 4,173,312 stay free at ….
        """,
    ),
}


def _told(text: str) -> list[tuple[str, list[str]]]:
    """Operations with their sentences."""
    found: list[tuple[str, list[str]]] = []
    for line in dedent(text).strip().replace(" ...\n", " ").splitlines():
        if line.startswith("> "):
            found.append((line.removeprefix("> "), []))
        else:
            found[-1][1].append(line)
    return found


@pytest.mark.parametrize("name", STORIES)
async def test_every_operation_is_explained_with_its_numbers(name: str, playgrounds: Playgrounds) -> None:
    options, text = STORIES[name]
    await playgrounds.open(options)
    for operation, sentences in _told(text):
        shown = await playgrounds.play("p1", [operation])
        assert shown.last is not None
        said = [re.sub(r"0x[0-9a-f]{3,}", "…", sentence) for sentence in shown.last.words]
        assert (operation, said) == (operation, sentences)


async def test_next_fit_goes_on_where_the_last_search_ended_and_begins_anew(playgrounds: Playgrounds) -> None:
    await playgrounds.open(HeapOptions(policy="next", slabs=False, cache=False))
    shown = await playgrounds.play("p1", ["alloc 2000", "alloc 1", "free #1", "alloc 1000000", "alloc 1000"])
    above = shown.blocks[-1].address
    shown = await playgrounds.play(
        "p1", ["alloc 1000000", "alloc 1000000", "alloc 900000", "alloc 200000", "alloc 72000", *["alloc 1000"] * 3]
    )
    assert shown.last is not None
    assert int(shown.last.address or "", 16) < int(above, 16)
    assert "from where the last search ended" in shown.last.words[0]


@pytest.mark.parametrize(
    "options", [DEFAULT, PLAIN, UNCACHED, HeapOptions(check=True), HeapOptions(policy="worst", slabs=False)], ids=str
)
async def test_something_is_said_about_every_operation(options: HeapOptions, playgrounds: Playgrounds) -> None:
    random, alive = Random(7), [0]
    await playgrounds.open(options)
    for _ in range(150):
        kind = random.choice(
            ["alloc {size}", "calloc 3 {size}", "memalign 256 {size}", "free #{block}", "realloc #{block} {size}"]
        )
        block = random.choice(alive)
        if "#" in kind and not block:
            continue
        size = random.choice([random.randrange(1, 300), random.randrange(1, 5_000), random.randrange(1, 2_000_000)])
        shown = await playgrounds.play("p1", [kind.format(size=size, block=block)])
        alive = [0, *(each.number for each in shown.blocks)]
        assert shown.ended == ""
        assert shown.last is not None
        assert shown.last.words
        for sentence in shown.last.words:
            assert re.fullmatch(r"[A-Z1-9f][^\n]+\.", sentence)
            assert "None" not in sentence
            assert " -" not in sentence


@given(st.integers(1, layout.EXACT_BINS * 4096))
def test_a_block_belongs_into_the_bin_whose_sizes_have_its_own(granules: int) -> None:
    size = granules * layout.GRANULE
    smallest, largest = sizes_of(bin_of(size))
    assert smallest <= size <= largest
    assert bin_of(smallest) == bin_of(largest) == bin_of(size)
    assert bin_of(largest + layout.GRANULE) == bin_of(size) + 1
