"""Heaps and playgrounds in words, and their values as widgets take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.heap import (
    HeapBlock,
    HeapEvent,
    HeapMap,
    HeapMoment,
    HeapOptions,
    HeapProcess,
    HeapRow,
    HeapSegment,
    HeapTotals,
    Playground,
)
from heliostui.heap import values
from heliostui.heap.explain import explained
from heliostui.heap.words import (
    allocates,
    block_words,
    compared,
    cursor_words,
    event_words,
    growth_words,
    no_heap_words,
    operation_words,
    options_words,
    ordinal,
    playground_words,
    process_words,
    range_words,
    totals_rows,
    totals_words,
)
from widgets.heap import HeapWish

MIB = 1 << 20
TOTALS = HeapTotals(
    mapped=8 * MIB,
    resident=6 * MIB,
    requested=3_000_000,
    used=4_000_000,
    cached=64 << 10,
    free=2_000_000,
    free_blocks=1_600_000,
    largest_free=400_000,
    meta=200_000,
    internal_fragmentation=0.25,
    external_fragmentation=0.75,
    used_count=1234,
    free_count=56,
    counters={"allocations": 5000, "frees": 3766},
)
FREE = HeapBlock(
    address="0x7f0000001040",
    start="0x7f0000001030",
    size=256,
    requested=None,
    state="free",
    kind="block",
    segment="0x7f0000000000",
    bin=4,
    bin_position=2,
)
USED = HeapBlock(
    address="0x7f0000001140",
    start="0x7f0000001130",
    size=1280,
    requested=1200,
    state="used",
    kind="block",
    segment="0x7f0000000000",
    number=3,
)
SLOT = HeapBlock(
    address="0x7f0000400050",
    start="0x7f0000400050",
    size=80,
    requested=None,
    state="cached",
    kind="slot",
    segment="0x7f0000400000",
    slab="0x7f0000460000",
    size_class=80,
)
MAP = HeapMap(
    sequence=42,
    consistent=True,
    milliseconds=1.5,
    cell=64,
    first_row=0,
    all_rows=1,
    rows=[HeapRow(0, "0x7f0000000000", "mFuf", "9090")],
    segments=[HeapSegment("0x7f0000000000", "arena", 4 * MIB, 4_000_000, 0, 100, 3)],
    totals=TOTALS,
    cursor=FREE,
    before=None,
    after=USED,
)
SLEEP = HeapProcess(7, 4711, "sleep", "statically linked")


def test_a_container_without_a_heap_is_told_how_to_have_one() -> None:
    words = no_heap_words("web", False, [SLEEP])
    assert "started without --heap" in words
    assert "`heliostui run --heap" in words
    assert "(n)" in words


def test_where_a_heap_was_asked_for_each_process_says_why_it_has_none() -> None:
    words = no_heap_words("web", True, [SLEEP])
    assert "sleep (7)  statically linked" in words
    assert "no process" in no_heap_words("web", True, [])


def test_a_process_outside_of_the_containers_pids_is_named_by_the_hosts() -> None:
    assert process_words(HeapProcess(0, 4711, "init", mapped=2 * MIB, used=MIB)) == (
        "init (4711)  1.00 MiB used of 2.00 MiB"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (HeapOptions(), "best fit"),
        (HeapOptions(policy="worst", slabs=False, cache=False, check=True), "worst fit, no slabs, no caches, check"),
    ],
)
def test_options_are_read_as_people_say_them(options: HeapOptions, words: str) -> None:
    assert options_words(options) == words


def test_the_sums_are_one_line() -> None:
    assert totals_words(TOTALS) == (
        "8.00 MiB mapped · 3.81 MiB in use · 64.0 KiB cached · 1.91 MiB free (largest 391 KiB) · "
        "fragmentation 75 % outside, 25 % inside"
    )


def test_the_rows_of_sums_have_room_beside_a_map() -> None:
    assert max(len(value) for _, value in totals_rows(TOTALS, TOTALS, 1.0)) <= 36


def test_allocations_have_a_rate_once_there_was_a_reading_before() -> None:
    before = msgspec.structs.replace(TOTALS, counters={"allocations": 4000, "frees": 3766})
    assert dict(totals_rows(TOTALS, None, 0))["allocated"] == "5,000"
    assert dict(totals_rows(TOTALS, before, 2))["allocated"] == "5,000, 500 a second"
    assert dict(totals_rows(TOTALS, before, 2))["freed"] == "3,766, 0 a second"


def test_the_cursor_tells_block_place_in_its_list_and_neighbours() -> None:
    words = cursor_words(MAP, 0x7F0000001040)
    assert words.block == "0x7f0000001040 · block of 256 bytes · free · the 3rd in bin 4"
    assert words.around == "before: nothing · after: 1,280 bytes in use (#3)"


def test_a_block_of_a_playground_has_its_number_and_what_was_asked_for() -> None:
    assert block_words(USED) == "0x7f0000001140 · #3 · block of 1,280 bytes, 1,200 asked for · in use"


def test_a_slot_tells_its_slab() -> None:
    map = msgspec.structs.replace(MAP, cursor=SLOT, after=None)
    assert "slot of 80 bytes" in cursor_words(map, 0).block
    assert "slab at 0x7f0000460000" in cursor_words(map, 0).around


def test_a_slab_that_is_nobodys_is_no_slot() -> None:
    slab = msgspec.structs.replace(SLOT, size=65_536, state="free", slab=SLOT.start, size_class=None)
    map = msgspec.structs.replace(MAP, cursor=slab, before=None, after=None)
    words = cursor_words(map, 0)
    assert words.block.endswith("slab of 65,536 bytes · free")
    assert words.around.startswith("without slots as yet · ")
    assert "has no slots" in explained(map, slab, None).sentences[1]


def test_the_allocators_own_parts_are_explained_as_such() -> None:
    for changes, words in (
        ({"slab": None, "size_class": None}, "64 descriptors of slabs"),
        ({"size_class": None}, "at the end of the slab"),
        ({"kind": "block", "slab": None, "size_class": None}, "two bitmaps"),
        ({"kind": "huge", "slab": None, "size_class": None}, "huge block's segment"),
    ):
        block = msgspec.structs.replace(SLOT, state="meta", **changes)
        assert words in " ".join(explained(MAP, block, None).sentences)
    rest = msgspec.structs.replace(SLOT, state="meta", size_class=None)
    assert "what is over of the slab at" in cursor_words(msgspec.structs.replace(MAP, cursor=rest), 0).around


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    assert cursor_words(None, 0x1000) == ("0x1000", "")
    assert cursor_words(None, None) == ("", "")


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (113, "113th"), (121, "121st")],
)
def test_places_in_a_list_are_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


def test_ranges_of_sizes_are_short() -> None:
    assert range_words(208, 208) == "208"
    assert range_words(1 << 20, 2 << 20) == "1.00 MiB–2.00 MiB"


def test_fragmentation_is_explained_with_its_numbers() -> None:
    told = explained(MAP, FREE, HeapProcess(7, 4711, "python3"))
    words = "\n".join(told.sentences)
    assert "1 - 400,000 / 1,600,000 = 0.750" in words
    assert "1 - 3,000,000 / 4,000,000 = 0.250" in words
    assert "process_vm_readv(2) from process 4711" in words
    assert "/proc/4711/maps" in words
    assert any(command.startswith("xxd -s 0x7f0000001030 -l 16 /proc/4711/mem") for command in told.commands)


def test_an_inconsistent_picture_is_said_to_be_one() -> None:
    torn = msgspec.structs.replace(MAP, consistent=False)
    assert "different moments" in "\n".join(explained(torn, None, None).sentences)


def test_growth_is_told_against_the_first_moment() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [HeapMoment(now + timedelta(seconds=10 * n), n * MIB, 0, 0, 0.0) for n in (1, 3)]
    assert growth_words(moments) == "2.00 MiB larger than 20 s ago"
    assert growth_words(moments[:1]) == ""


def test_an_event_without_words_tells_its_numbers() -> None:
    event = HeapEvent(5, 1.0, 12, "slab_new", "0x7f0000460000", 80, 800)
    assert event_words(event) == "slab new 0x7f0000460000 80"
    assert event_words(msgspec.structs.replace(event, words="a new slab")) == "a new slab"


@pytest.mark.parametrize(
    ("operation", "takes", "words"),
    [
        ("alloc 2000", True, "2,000 bytes"),
        ("calloc 10 64", True, "10 times 64 zero bytes"),
        ("memalign 4096 100", True, "100 bytes at a multiple of 4,096"),
        ("realloc #2 500", True, "500 bytes for what is in #2"),
        ("free #3", False, "#3 back"),
        ("alloc 4k", True, "alloc 4k"),
    ],
)
def test_operations_are_words(operation: str, takes: bool, words: str) -> None:
    assert allocates(operation) is takes
    assert operation_words(operation) == words


def test_of_two_heaps_the_better_figure_is_known() -> None:
    other = msgspec.structs.replace(TOTALS, mapped=4 * MIB, largest_free=300_000, external_fragmentation=0.8)
    better = {name: side for name, _, _, side in compared(TOTALS, other)}
    assert better["mapped"] == 1
    assert better["largest"] == -1
    assert better["fragmentation"] == -1
    assert better["in use"] == 0


def test_a_playground_in_a_list_tells_where_it_is() -> None:
    playground = Playground("p1", HeapOptions(policy="first"), 3, 10, "free #1", None, [])
    assert playground_words(playground) == "p1 · first fit  step 3 of 10"
    assert playground_words(msgspec.structs.replace(playground, ended="helios-heap: …")).endswith("it has ended")


# --- values of the widgets ---


def test_a_picture_has_numbers_for_addresses() -> None:
    picture = values.picture(MAP, 4)
    assert picture.columns == 4
    assert picture.rows[0].address == 0x7F0000000000
    assert picture.cursor is not None
    assert (picture.cursor.bin, picture.cursor.position) == (4, 2)
    assert picture.before is None
    assert picture.after is not None
    assert picture.after.number == 3


@given(
    columns=st.integers(-5, 10_000),
    rows=st.integers(-5, 10_000),
    first=st.integers(-5, 10_000),
    cursor=st.none() | st.integers(0, 2**64 - 1),
)
def test_every_wish_is_a_question_that_can_be_asked(columns: int, rows: int, first: int, cursor: int | None) -> None:
    view = values.view(HeapWish(columns, rows, 64, first, cursor))
    assert 1 <= view.columns <= values.COLUMNS
    assert 1 <= view.rows <= values.ROWS
    assert view.first_row is not None
    assert view.first_row >= 0
    assert (None if view.cursor is None else int(view.cursor, 16)) == cursor
