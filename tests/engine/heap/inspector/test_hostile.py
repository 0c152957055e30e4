"""A process may lie in every byte of its heap: it gets an answer or one sentence, in bounded time and memory."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector.inspection import Inspection
from engine.heap.inspector.memory import Memory
from engine.protocol.heap import HeapView
from engine.protocol.messages import ErrorCode
from tests.engine.heap.inspector.conftest import Puppet, inspecting, root_of

Puppets = Callable[..., Puppet]
Root = layout.HeapRoot

NASTY = [0, 1, 7, 0xFF, 0xFFFF, 1 << 22, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 47, 1 << 56, 1 << 63, (1 << 64) - 1]


@contextmanager
def lied(memory: Memory, address: int, data: bytes) -> Iterator[None]:
    """The program's memory says something else for a while; it stands still meanwhile."""
    truth = memory.read(address, len(data))
    memory.write(address, data)
    try:
        yield
    finally:
        memory.write(address, truth)


def number(memory: Memory, address: int) -> int:
    return int.from_bytes(memory.read(address, 8), "little")


def questions_of(inspection: Inspection, at: str) -> list[Callable[[], object]]:
    """All that can be asked."""
    return [
        inspection.process,
        inspection.report,
        lambda: inspection.picture(HeapView(cursor=at, events_after=0)),
        lambda: inspection.picture(HeapView(cell=16, at=at)),
        lambda: inspection.free_blocks(None, 0, 50),
        lambda: inspection.free_blocks(33, 0, 50),
        lambda: inspection.bytes(at, 512),
    ]


def refusals(inspection: Inspection, questions: list[Callable[[], object]]) -> list[str]:
    """The sentences of those that had no answer."""
    sentences = []
    for question in questions:
        try:
            msgspec.json.encode(inspection.answer(question))
        except EngineError as error:
            sentences.append(error.message)
    assert all(sentence.endswith(".") for sentence in sentences), sentences
    return sentences


def ask_everything(inspection: Inspection, at: str) -> list[str]:
    return refusals(inspection, questions_of(inspection, at))


def places(memory: Memory, root: int, held: list[int]) -> list[tuple[int, int]]:
    """Where a heap can lie: addresses and sizes."""
    table = number(memory, root + Root.segments.offset)
    count = number(memory, root + Root.lock.offset) >> 32
    found = [(root + 16, Root.SIZE - 16), (table, count * layout.SegmentEntry.SIZE)]
    for index in range(count):
        base, kind = struct.unpack("<QQ", memory.read(table + 16 * index, 16))
        found.append((base, layout.Segment.SIZE))
        if kind & 7 == layout.SegmentKind.SLABS:
            found += [(base + layout.SLABS_OFFSET, 4096), (base + layout.STATES_OFFSET + 6 * 1024, 8192)]
        if kind & 7 == layout.SegmentKind.ARENA:
            bitmap = (kind & ~7) // 512
            found += [(base + layout.ARENA_BITMAPS_OFFSET, 1024), (base + layout.ARENA_BITMAPS_OFFSET + bitmap, 1024)]
    found.append((number(memory, root + Root.thread_caches.offset), layout.ThreadCache.SIZE))
    found.append((number(memory, root + Root.bins.offset) + layout.HeapBins.lists.offset, 8 * 200))
    found += [(address - 16, 64) for address in held]
    if events := number(memory, root + Root.events.offset):
        found.append((events, 4096))
    return found


def a_puppet_with_everything(puppets: Puppets) -> tuple[Puppet, list[int]]:
    puppet = puppets("events")
    puppet.tell("b", 1500, 9000)
    held = [puppet.alloc(2000) for _ in range(20)]
    for address in held[::2]:
        puppet.free(address)
    puppet.alloc(3 << 20)
    puppet.tell("t")
    return puppet, held


def test_whatever_a_heap_says_there_is_an_answer_or_a_sentence(puppets: Puppets) -> None:
    """Numbers of its structures, one to four at a time, replaced by such as break things."""
    puppet, held = a_puppet_with_everything(puppets)
    memory, root, dice = Memory(puppet.pid), root_of(puppet), random.Random(6)
    where = places(memory, root, held)
    refused = 0
    for case in range(160):
        memory.new_question()
        start, size = dice.choice(where)
        address = start + dice.randrange(0, max(size - 8, 1), dice.choice([1, 2, 4, 8, 8, 8]))
        true = number(memory, address)
        near = [true ^ 1 << dice.randrange(64), true + 64, true - 16, dice.getrandbits(64), held[1] - 16]
        lie = ((dice.choice(NASTY + near) & (1 << 64) - 1).to_bytes(8, "little") * 4)[: 8 * dice.choice([1, 1, 1, 4])]
        with lied(memory, address, lie), inspecting(puppet) as inspection:
            if case % 2:
                inspection._root = root  # as if it had begun to lie only now
            questions = dice.sample(questions_of(inspection, hex(held[dice.randrange(20)])), 2)
            refused += bool(refusals(inspection, questions))
    assert 5 < refused < 155  # some lies don't matter, some do
    with inspecting(puppet) as inspection:
        assert ask_everything(inspection, hex(held[1])) == []


def test_no_field_of_the_root_is_trusted(puppets: Puppets) -> None:
    puppet, held = a_puppet_with_everything(puppets)
    memory, root, at = Memory(puppet.pid), root_of(puppet), hex(held[1])
    for field in Root.fields().values():
        for value in (0, 1 << 47, (1 << 64) - 1):
            memory.new_question()
            size = min(field.size, 8)
            lie = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            with lied(memory, root + field.offset, lie), inspecting(puppet) as inspection:
                inspection._root = root
                refusals(inspection, questions_of(inspection, at)[1:5])


def sentence_of(puppet: Puppet, address: int, lie: bytes) -> str:
    with lied(Memory(puppet.pid), address, lie), inspecting(puppet) as inspection, pytest.raises(EngineError) as caught:
        inspection.answer(inspection.report)
    assert caught.value.code is ErrorCode.NO_HEAP
    return caught.value.message


def test_lies_are_told_in_a_sentence_that_says_which(puppets: Puppets) -> None:
    puppet, _ = a_puppet_with_everything(puppets)
    memory, root = Memory(puppet.pid), root_of(puppet)
    table = number(memory, root + Root.segments.offset)
    count = (1_000_000).to_bytes(4, "little")
    assert "claims 1000000 segments" in sentence_of(puppet, root + Root.segment_count.offset, count)
    assert "its table of segments is not there" in sentence_of(puppet, root + Root.segments.offset, bytes(8))
    odd = (0x1234567).to_bytes(8, "little")
    assert "its table has a segment of" in sentence_of(puppet, table, odd)
    segment = number(memory, table)
    assert "does not begin as one" in sentence_of(puppet, segment, odd)


def test_a_list_of_threads_that_runs_in_a_circle_is_no_danger(puppets: Puppets) -> None:
    puppet, _ = a_puppet_with_everything(puppets)
    cache = number(Memory(puppet.pid), root_of(puppet) + Root.thread_caches.offset)
    assert "comes back to" in sentence_of(puppet, cache, cache.to_bytes(8, "little"))


def test_a_free_list_that_runs_in_a_circle_is_no_danger(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    held = [puppet.alloc(2000) for _ in range(9)]
    for address in held[1::2]:
        puppet.free(address)
    memory, links = Memory(puppet.pid), held[3] - 16 + layout.FreeBlock.next.offset
    for lie, word in (
        (held[7] - 16, "comes back"),
        (held[2] - 16, "no free block"),
        (0, "lacks"),
        (1 << 60, "no free"),
    ):
        with lied(memory, links, lie.to_bytes(8, "little")), inspecting(puppet) as inspection:
            with pytest.raises(EngineError, match=word):
                inspection.answer(lambda: inspection.free_blocks(32, 0, 10))
            map = inspection.answer(lambda: inspection.picture(HeapView(cursor=hex(held[3]))))
        assert map.cursor is not None
        assert map.cursor.bin_position is None


def test_pages_that_can_not_be_read_are_said(puppets: Puppets) -> None:
    puppet, held = a_puppet_with_everything(puppets)
    segment = held[0] & ~(layout.SEGMENT_UNIT - 1)
    with lied(Memory(puppet.pid), segment + layout.Segment.length.offset, bytes(8)), inspecting(puppet) as inspection:
        assert len(ask_everything(inspection, hex(held[0]))) >= 5


def test_nothing_is_written_to_a_heap_but_until_when_it_is_watched(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 500, 5000)
    memory, root = Memory(puppet.pid), root_of(puppet)
    before = memory.read(root, Root.SIZE)
    with inspecting(puppet) as inspection:
        ask_everything(inspection, "0x1")
    after = memory.read(root, Root.SIZE)
    differing = {offset for offset in range(Root.SIZE) if before[offset] != after[offset]}
    assert differing
    assert differing <= set(range(Root.watch_until.offset, Root.watch_until.offset + 8))


def test_a_question_reads_a_bounded_amount(puppets: Puppets, monkeypatch: pytest.MonkeyPatch) -> None:
    puppet = puppets()
    puppet.tell("b", 2000, 9000)
    monkeypatch.setattr("engine.heap.inspector.memory.MOST_BYTES", 1 << 16)
    with inspecting(puppet) as inspection, pytest.raises(EngineError, match="MiB describe it"):
        inspection.answer(inspection.report)
