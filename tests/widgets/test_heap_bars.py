"""The bars, the log and the dump beside the map of a heap."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.containers import Vertical
from textual.geometry import Region
from textual.widget import Widget

from widgets.heap import HeapBar, HeapDump, HeapField, HeapHappening
from widgets.heap_bars import HeapBars, bar_ends
from widgets.heap_bytes import DumpLine, HeapBytesView, dump_lines
from widgets.heap_log import SIGNS, HeapLog

SIZES = [
    HeapBar("16–31", 40_000, 0, 8_000, "2,000 in use, 400 free"),
    HeapBar("1,024–2,047", 90_000, 0, 900, "66 in use, 1 free"),
    HeapBar("65,536–131,071", 0, 0, 70_000, "none in use, 1 free"),
    HeapBar("262,144–524,287", 10, 0, 0, "1 in use, none free"),
]
CLASSES = [
    HeapBar("16", 3_000, 96, 1_000, "3,000 of 4,096 in 1 slab"),
    HeapBar("208", 20, 0, 295, "20 of 315 in 1 slab"),
    HeapBar("1,024", 30, 30, 4, "30 of 64 in 1 slab"),
]
LOG = [
    HeapHappening(n, n * 0.0137, kind, words)
    for n, (kind, words) in enumerate(
        [
            ("alloc", "200 bytes asked for, 0x7f00dec02040 answered"),
            ("search", "256 bytes needed: bin 4 is empty, bin 5 has 320 at 0x7f00dec02030"),
            ("split", "64 bytes are left over at 0x7f00dec02130"),
            ("free", "0x7f00dec02040 given back"),
            ("coalesce", "320 bytes at 0x7f00dec02030, 64 of them joined"),
            ("map", "an arena of 4 MiB at 0x7f00df000000"),
            ("cache hit", "0x7f00dec05040 from the thread's quick cache"),
        ]
    )
]


def dump() -> HeapDump:
    """A used block of 192 bytes, and the beginning of a free one of 256."""
    used = struct.pack("<QQ", 0x8AD1_0000_0000_00C1, 180) + b"struct point { int x, y; };\n" + bytes(148)
    free = struct.pack("<QQQQ", 0x11D1_0000_0000_0100, 0, 0x7F00_DEC0_1030, 0x7F00_DEC0_4470) + bytes(32)
    fields = (
        HeapField(0, 6, "size and flags", "192 bytes, used"),
        HeapField(6, 2, "checksum", "0x8ad1, right"),
        HeapField(8, 8, "requested", "180 bytes"),
        HeapField(16, 176, "data", "used"),
        HeapField(192, 6, "size and flags", "256 bytes, free"),
        HeapField(198, 2, "checksum", "0x11d1, wrong: 0x8812 would be right"),
        HeapField(200, 8, "requested", "nothing"),
        HeapField(208, 8, "next free", "0x7f00dec01030"),
        HeapField(216, 8, "previous free", "0x7f00dec04470"),
        HeapField(224, 216, "data", "free"),
    )
    return HeapDump(0x7F00_DEC0_2030, used + free, fields)


def lines(view: Widget) -> list[str]:
    return [view.render_line(y).text for y in range(view.size.height)]


# --- bars ---


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=3), st.integers(1, 100))
def test_parts_of_a_bar_follow_one_another_and_none_that_is_there_is_left_out(amounts: list[int], length: int) -> None:
    ends = bar_ends(amounts, sum(amounts), length)
    assert ends == sorted(ends)
    assert ends[-1] == (length * 8 if any(amounts) else 0)
    if length > 2:
        for amount, start, end in zip(amounts, [0, *ends], ends, strict=False):
            assert (end > start) == (amount > 0) or start == length * 8


async def test_the_longest_bar_fills_its_room_and_the_others_are_in_proportion(stage: Any) -> None:
    bars = HeapBars()
    async with stage(bars, prepare=lambda: bars.show(SIZES)).run_test(size=(80, 6)):
        first, second, third, last = (line[16:-23] for line in lines(bars)[:4])
        assert set(second) <= set(" ·▏▎▍▌▋▊▉")
        assert third.count("·") > 20  # free
        assert last.strip() in "▏"  # next to nothing, and yet to be seen
        assert lines(bars)[1].startswith("    1,024–2,047 ")
        assert lines(bars)[1].rstrip().endswith("66 in use, 1 free")
        assert first.rstrip()[-1] in "·▏▎▍▌▋▊▉"


async def test_shares_have_bars_of_one_length(stage: Any) -> None:
    bars = HeapBars(shares=True)
    async with stage(bars, prepare=lambda: bars.show(CLASSES)).run_test(size=(80, 6)):
        drawn = [line[6:54] for line in lines(bars)[:3]]
        assert all(line[-1] in "·" for line in drawn)
        assert drawn[2].count("╱") in range(20, 24)  # as many are cached as are in use


@pytest.mark.parametrize("width", [30, 44, 100])
async def test_bars_keep_their_room_and_words_go_first(stage: Any, width: int) -> None:
    bars = HeapBars()
    async with stage(bars, prepare=lambda: bars.show(SIZES)).run_test(size=(width, 6)):
        assert {cell_len(line) for line in lines(bars)} == {width}
        assert ("in use" in lines(bars)[0]) == (width > 50)
        assert max(len(line[12:].strip()) for line in lines(bars)) >= 12


async def test_only_bars_that_changed_are_drawn(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = HeapBars()
    async with stage(bars, prepare=lambda: bars.show(SIZES)).run_test(size=(80, 6)):
        drawn: list[Region] = []
        monkeypatch.setattr(bars, "refresh", lambda *regions, **_: drawn.extend(regions or [bars.region]))
        bars.show(list(SIZES))
        assert drawn == []
        bars.show([replace(SIZES[0], used=39_000), *SIZES[1:]])
        assert drawn == [Region(0, 0, 80, 1)]


# --- the log ---


async def test_the_log_follows_what_happens_with_a_sign_for_each_kind(stage: Any) -> None:
    log = HeapLog()
    async with stage(log, prepare=lambda: log.show(LOG)).run_test(size=(100, 4)) as pilot:
        await pilot.pause()
        assert lines(log)[-1].startswith("    0.082 s ∗ 0x7f00dec05040 from the thread's quick cache")
        log.show([*LOG, HeapHappening(7, 0.5, "unmap", "the arena is gone")])
        await pilot.pause()
        assert "▼ the arena is gone" in lines(log)[-1]
        assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)


async def test_where_there_is_no_room_for_times_sentences_have_it_and_are_wrapped(stage: Any) -> None:
    log = HeapLog()
    async with stage(log, prepare=lambda: log.show(LOG)).run_test(size=(30, 20)) as pilot:
        await pilot.pause()
        drawn = [line.rstrip() for line in lines(log)]
        place = drawn.index("÷ 64 bytes are left over at")
        assert drawn[place + 1] == "  0x7f00dec02130"


@pytest.mark.parametrize("width", [30, 48])
async def test_no_sentence_is_cut_off_by_the_scroll_bar(stage: Any, width: int) -> None:
    log = HeapLog()
    log.styles.overflow_y = "scroll"
    async with stage(log, prepare=lambda: log.show(LOG)).run_test(size=(width, 40)) as pilot:
        await pilot.pause()
        assert log.scrollable_size.width < width
        assert " ".join(" ".join(lines(log)).split()).count("0x7f00dec02130") == 1
        assert max(log.line_styled(place).cell_len for place in range(log.line_count())) <= log.scrollable_size.width


async def test_a_log_whose_oldest_lines_are_forgotten_shows_the_newest(stage: Any) -> None:
    log = HeapLog()
    async with stage(log, prepare=lambda: log.show(LOG)).run_test(size=(70, 3)) as pilot:
        log.show([*LOG[3:], HeapHappening(7, 0.5, "purge", "128 KiB given back")])
        await pilot.pause()
        assert log.line_count() == 5
        assert "▽ 128 KiB given back" in lines(log)[-1]


# --- the dump ---


@given(
    st.sampled_from([4, 8, 16]), st.integers(0, 40), st.binary(max_size=300), st.integers(-20, 50), st.integers(1, 400)
)
def test_a_dump_shows_each_byte_once_in_order(per: int, room: int, data: bytes, start: int, size: int) -> None:
    field = HeapField(start, size, "data", "used")
    place = 0
    for line in dump_lines(HeapDump(0, data, (field, field)), per, room):
        if line.raw:
            assert line.place is not None
            assert line.raw == data[line.place : line.place + len(line.raw)]
            assert line.place == place
            place += len(line.raw)
        elif line.words.startswith("⋮"):
            place += int(line.words.split()[1].replace(",", ""))
    assert place == len(data)


def test_fields_are_told_with_what_they_say() -> None:
    told = list(dump_lines(dump(), 8, 30))
    assert DumpLine("heap--field-link", "next free", 208, bytes.fromhex("3010c0de007f0000"), "0x7f00dec01030") in told
    assert told[0] == DumpLine("heap--field-header", "size and flags", 0, b"\xc1\0\0\0\0\0", "192 bytes, used")
    assert "struct p" in [line.words for line in told]
    assert any(line.words == "⋮ 136 bytes more of the same" for line in told)


def test_what_has_no_room_beside_the_bytes_has_a_line_of_its_own() -> None:
    told = list(dump_lines(dump(), 8, 30))
    place = next(n for n, line in enumerate(told) if line.words.startswith("0x11d1, wrong"))
    assert told[place].raw == b""
    assert told[place + 1].raw == b"\xd1\x11"


@pytest.mark.parametrize(("width", "per"), [(30, 4), (60, 8), (100, 16)])
async def test_a_dump_has_as_many_bytes_a_line_as_there_is_room_for(stage: Any, width: int, per: int) -> None:
    view = HeapBytesView()
    async with stage(view, prepare=lambda: view.show(dump())).run_test(size=(width, 50)) as pilot:
        await pilot.pause()
        assert view.per_line == per
        drawn = "\n".join(line.rstrip() for line in lines(view))
        for words in ("size and flags", "192 bytes, used", "0x7f00dec01030", "next free", "stru"):
            assert words in drawn


@pytest.mark.parametrize(("width", "theme"), [(120, "helios-dark"), (40, "helios-light")])
def test_how_it_looks(snap_compare: Any, stage: Any, width: int, theme: str) -> None:
    sizes, classes, log, view = HeapBars(), HeapBars(shares=True), HeapLog(), HeapBytesView()

    def prepare() -> None:
        sizes.show(SIZES)
        classes.show(CLASSES)
        log.show(LOG)
        view.show(dump())
        for each in (sizes, classes):
            each.styles.height = 5
        log.styles.height = 8

    app = stage(Vertical(sizes, classes, log, view), prepare=prepare, theme=theme)
    assert snap_compare(app, terminal_size=(width, 44))
