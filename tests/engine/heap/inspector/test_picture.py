"""The map: every byte of a heap is in a cell of the right kind, at every size of cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector import blocks
from engine.heap.inspector.inspection import Inspection
from engine.protocol.heap import HeapMap, HeapView
from engine.protocol.messages import ErrorCode
from tests.engine.heap.inspector.conftest import Puppet, inspecting

Puppets = Callable[..., Puppet]


def picture_of(puppet: Puppet, **view: object) -> HeapMap:
    with inspecting(puppet) as inspection:
        return inspection.answer(lambda: inspection.picture(HeapView(**view)))  # type: ignore[arg-type]


def letter_at(map: HeapMap, address: int) -> str:
    for row in map.rows:
        start = int(row.address, 16)
        if start <= address < start + len(row.states) * map.cell:
            return row.states[(address - start) // map.cell]
    raise AssertionError(f"{address:#x} is not shown")


def shown(inspection: Inspection, address: int, cell: int = 64) -> str:
    view = HeapView(columns=64, rows=4, cell=cell, at=f"{address:#x}")
    return letter_at(inspection.answer(lambda: inspection.picture(view)), address)


def test_all_of_the_heap_fits_unless_asked_otherwise(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 3000, 9000)
    map = picture_of(puppet, columns=64, rows=20)
    assert map.all_rows == len(map.rows) <= 20
    assert sum(len(row.states) for row in map.rows) * map.cell >= map.totals.mapped
    smaller = picture_of(puppet, columns=64, rows=20, cell=map.cell // 2)
    assert smaller.all_rows > 20
    assert len(smaller.rows) == 20


def test_with_more_segments_than_rows_each_has_a_row(puppets: Puppets) -> None:
    puppet = puppets()
    for _ in range(13):
        puppet.alloc(2 << 20)
    map = picture_of(puppet, columns=40, rows=5)
    assert len(map.rows) == 5
    assert map.all_rows == len(map.segments) > 12
    assert [row.segment for row in map.rows] == [0, 1, 2, 3, 4]


def test_every_state_has_its_letter(puppets: Puppets) -> None:
    puppet = puppets()
    used, cached, wall, freed, slot = (puppet.alloc(size) for size in (5000, 6000, 5000, 400_000, 1000))
    last = puppet.alloc(5000)
    for address in (cached, freed):
        puppet.free(address)
    with inspecting(puppet) as inspection:
        assert shown(inspection, used) == "U"
        assert shown(inspection, used + 64) == "u"
        assert shown(inspection, cached) == "C"
        assert shown(inspection, cached + 64) == "c"
        assert shown(inspection, wall) == "U"
        assert shown(inspection, freed) == "F"
        assert shown(inspection, freed + 64) == "f"
        assert shown(inspection, last + (1 << 20)) == "g"  # never touched
        assert shown(inspection, slot) == "U"
        slab = slot & ~(layout.SLAB_BYTES - 1)
        assert shown(inspection, slab + layout.SLAB_BYTES - 1024) == "S"
        segment = slot & ~(layout.SEGMENT_UNIT - 1)
        assert shown(inspection, segment) == "m"
        assert shown(inspection, segment + layout.SEGMENT_UNIT - 1) == "g"


def test_a_header_is_seen_byte_by_byte(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    address = puppet.alloc(2000)
    with inspecting(puppet) as inspection:
        map = inspection.answer(lambda: inspection.picture(HeapView(columns=64, cell=1, at=f"{address:#x}")))
        assert [letter_at(map, address + offset) for offset in (-17, -16, -15, -1, 0, 1)] == list("mMmmuu")
        puppet.free(address)
        map = inspection.answer(lambda: inspection.picture(HeapView(columns=64, cell=1, at=f"{address:#x}")))
        assert [letter_at(map, address + offset) for offset in (-16, 0, 39, 40, 41)] == list("Mmmff")


def test_rows_of_a_segment_begin_at_its_start_and_end_blank(puppets: Puppets) -> None:
    puppet = puppets()
    huge = puppet.alloc((1 << 20) + 5000)
    map = picture_of(puppet, columns=48, rows=1000, cell=4096)
    rows = [row for row in map.rows if int(map.segments[row.segment].address, 16) == huge - 256]
    assert int(rows[0].address, 16) == huge - 256
    assert "".join(row.states for row in rows).strip(" ").upper() == "U" * -(-((1 << 20) + 5000 + 256) // 4096)
    assert rows[-1].states.endswith("   ")
    assert all(len(row.states) == len(row.fills) == 48 for row in map.rows)


def test_fills_say_how_much_of_a_cell_is_in_use(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    held = [puppet.alloc(4096 - 16) for _ in range(64)]
    for address in held[::2]:
        puppet.free(address)
    map = picture_of(puppet, columns=64, rows=100, cell=8192)
    (row,) = (row for row in map.rows if 0 <= held[20] - int(row.address, 16) < 64 * 8192)
    at = (held[20] - int(row.address, 16)) // 8192
    assert set(row.fills[at : at + 10]) <= {"4", "5"}
    assert row.fills[-1] == "0"


def test_a_view_shows_the_address_that_is_asked_for(puppets: Puppets) -> None:
    puppet = puppets()
    address = puppet.alloc(70_000)
    for cell in (1, 16, 64, 4096, 1 << 20, 1 << 30):
        map = picture_of(puppet, columns=30, rows=7, cell=cell, at=f"{address:#x}")
        assert letter_at(map, address) != " "
        assert 0 <= map.first_row <= max(map.all_rows - 7, 0)


def test_rows_can_be_scrolled_past_no_end(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.alloc(5000)
    all = picture_of(puppet, columns=16, rows=4000, cell=4096)
    some = picture_of(puppet, columns=16, rows=5, cell=4096, first_row=40)
    end = picture_of(puppet, columns=16, rows=5, cell=4096, first_row=10**9)
    assert some.rows == all.rows[40:45]
    assert end.rows == all.rows[-5:]


@pytest.mark.parametrize(
    "view",
    [
        {"columns": 0}, {"rows": -1}, {"columns": 5000, "rows": 5000}, {"cell": 3}, {"cell": -4}, {"cell": 1 << 60},
        {"cursor": "there"}, {"at": "0x"},
    ],
)  # fmt: skip
def test_a_view_that_can_not_be_is_refused_in_a_sentence(puppets: Puppets, view: dict[str, object]) -> None:
    with pytest.raises(EngineError) as refused:
        picture_of(puppets(), **view)
    assert refused.value.code is ErrorCode.INVALID
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize("cell_shift", range(3, 19, 3))
def test_cells_are_what_most_of_their_bytes_are(puppets: Puppets, cell_shift: int) -> None:
    """Against a walk from piece to piece."""
    puppet = puppets()
    puppet.tell("b", 700, 4000)
    cell, columns = 1 << cell_shift, 50
    with inspecting(puppet) as inspection:
        for kind in ("slabs", "arena"):
            first = inspection.answer(lambda: inspection.picture(HeapView(columns=columns, rows=9, cell=cell)))
            (segment,) = (each for each in first.segments if each.kind == kind)
            start = int(segment.address, 16) + 1_000_000
            map = inspection.answer(
                lambda at=start: inspection.picture(HeapView(columns=columns, rows=9, cell=cell, at=f"{at:#x}"))  # type: ignore[misc]
            )
            for row in map.rows:
                for column in range(0, columns, 7):
                    place = int(row.address, 16) + column * cell
                    if row.states[column] not in " mM":
                        assert row.states[column].lower() in likely(inspection, place, cell), (row.address, column)


def likely(inspection: Inspection, place: int, cell: int) -> set[str]:
    """The letters that take most bytes of a cell; several if it is nearly a draw."""
    snapshot, sums = inspection._last, Counter[str]()
    assert snapshot is not None
    shift = 0 if cell < 64 else 16
    at = place
    while at < place + cell and (piece := blocks.piece_at(snapshot, at)) is not None:
        letter = {"used": "u", "cached": "c", "meta": "m", "free": "s" if piece.slot_size else "f"}[piece.state]
        end = min(piece.end, place + cell)
        sums[letter] += end - at
        at = end
    most = max(sums.values())
    return {letter for letter, count in sums.items() if count + 2 * shift >= most} | ({"g"} if sums["f"] else set())


@given(start=st.integers(0, 5 << 20))
def test_every_address_belongs_to_one_piece(puppet_program: object, start: int) -> None:
    """Checked on one puppet for all examples."""
    inspection = one_puppet(puppet_program)
    snapshot = inspection._last
    assert snapshot is not None
    address = int(snapshot.segments.bases[0]) + start
    piece = blocks.piece_at(snapshot, address)
    if piece is None:
        assert snapshot.segments.index_at(address) is None
        return
    assert piece.start <= address < piece.end
    assert blocks.piece_at(snapshot, piece.end - 1) == blocks.piece_at(snapshot, piece.start) == piece


_kept: list[tuple[Puppet, Inspection]] = []


def one_puppet(program: object) -> Inspection:
    if not _kept:
        puppet = Puppet(program)  # type: ignore[arg-type]
        puppet.tell("b", 700, 4000)
        inspection = Inspection(puppet.pid)
        inspection.answer(inspection.report)
        _kept.append((puppet, inspection))
    return _kept[0][1]


@pytest.fixture(scope="module", autouse=True)
def ended() -> object:
    yield
    for puppet, inspection in _kept:
        inspection.close()
        puppet.end()
    _kept.clear()


def test_the_cursor_names_the_block_and_its_neighbours(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    before, here, after = (puppet.alloc(size) for size in (2000, 3000, 4000))
    with inspecting(puppet) as inspection:
        map = inspection.answer(lambda: inspection.picture(HeapView(cursor=f"{here + 17:#x}")))
    assert map.before is not None
    assert map.cursor is not None
    assert map.after is not None
    assert [int(block.address, 16) for block in (map.before, map.cursor, map.after)] == [before, here, after]
    assert (map.cursor.requested, map.cursor.size, map.cursor.state, map.cursor.kind) == (3000, 3072, "used", "block")
    assert int(map.before.start, 16) + map.before.size == int(map.cursor.start, 16)
    assert int(map.cursor.start, 16) + map.cursor.size == int(map.after.start, 16)


def test_a_free_block_says_where_in_which_list_it_is(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    held = [puppet.alloc(2000) for _ in range(9)]
    for address in held[1::2]:
        puppet.free(address)
    with inspecting(puppet) as inspection:
        map = inspection.answer(lambda: inspection.picture(HeapView(cursor=f"{held[3]:#x}")))
    assert map.cursor is not None
    assert (map.cursor.state, map.cursor.bin, map.cursor.bin_position) == ("free", 32, 2)


def test_a_slot_says_whose_slab_it_is_in(puppets: Puppets) -> None:
    puppet = puppets()
    slot = puppet.alloc(100)
    with inspecting(puppet) as inspection:
        map = inspection.answer(lambda: inspection.picture(HeapView(cursor=f"{slot + 111:#x}")))
    block = map.cursor
    assert block is not None
    assert (int(block.address, 16), block.size, block.kind, block.state) == (slot, 112, "slot", "used")
    assert (block.size_class, int(block.slab or "", 16)) == (112, slot & ~(layout.SLAB_BYTES - 1))


def test_a_huge_block_is_one_of_its_own(puppets: Puppets) -> None:
    puppet = puppets()
    huge, aligned = puppet.alloc(5 << 20), puppet.tell("m", 8 << 20, 2 << 20)
    for address, size in ((huge, 5 << 20), (aligned, 2 << 20)):
        with inspecting(puppet) as inspection:
            block = inspection.answer(lambda at=address: inspection.picture(HeapView(cursor=f"{at:#x}"))).cursor  # type: ignore[misc]
        assert block is not None
        assert (int(block.address, 16), block.requested, block.kind, block.state) == (address, size, "huge", "used")


def test_an_address_elsewhere_is_no_block(puppets: Puppets) -> None:
    map = picture_of(puppets(), cursor="0x1000", at="0xffffffffffffffffffff")
    assert map.cursor is map.before is map.after is None


def test_a_still_picture_is_the_one_before(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.alloc(2000)
    with inspecting(puppet) as inspection:
        before = inspection.answer(lambda: inspection.picture(HeapView(rows=8)))
        puppet.tell("b", 2000, 4000)
        still = inspection.answer(lambda: inspection.picture(HeapView(rows=8, still=True)))
        now = inspection.answer(lambda: inspection.picture(HeapView(rows=8)))
    assert still.rows == before.rows
    assert still.sequence == before.sequence < now.sequence


def test_nothing_is_read_anew_while_nothing_happens(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 2000, 4000)
    with inspecting(puppet) as inspection:
        inspection.answer(lambda: inspection.picture(HeapView()))
        first = inspection._last
        inspection.answer(lambda: inspection.picture(HeapView()))
        assert inspection._last is first
        puppet.free(puppet.alloc(10))  # without the lock, within the thread's own cache
        inspection.answer(lambda: inspection.picture(HeapView()))
        assert inspection._last is not first


def test_for_a_still_picture_nothing_is_written_to_the_program(puppets: Puppets) -> None:
    """Another program may be there by now."""
    puppet = puppets()
    with inspecting(puppet) as inspection:
        inspection.answer(lambda: inspection.picture(HeapView()))
        inspection.answer(lambda: inspection.picture(HeapView(still=True, events_after=0)))
        until = inspection._memory.read(inspection._root + layout.HeapRoot.watch_until.offset, 8)
    assert until == bytes(8)
