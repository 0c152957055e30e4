"""Programs that go on while they are read: nothing is mixed up without being said, and nobody is kept waiting."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest

from engine.heap import layout
from engine.heap.inspector import events
from engine.heap.inspector.arenas import GRANULE
from engine.heap.inspector.inspection import Inspection
from engine.heap.inspector.snapshot import Snapshot
from engine.heap.inspector.words import KINDS
from engine.protocol.heap import HeapMap, HeapView
from tests.engine.heap.inspector.conftest import Puppet, inspecting

Puppets = Callable[..., Puppet]


def look(inspection: Inspection, after: int | None = None) -> HeapMap:
    return inspection.answer(lambda: inspection.picture(HeapView(events_after=after)))


def is_sound(seen: Snapshot) -> None:
    """What holds in every heap at every moment that nobody changes it."""
    used = sum(arena.used_bytes for arena in seen.arenas.values())
    free = sum(arena.free_bytes for arena in seen.arenas.values())
    assert (used, free) == (int(seen.root["arena_used_bytes"]), int(seen.root["arena_free_bytes"]))
    assert len(seen.slabs) == int(seen.root["live_slabs"])
    for arena in seen.arenas.values():
        assert arena.whole
        assert (np.diff(arena.places.astype(np.int64)) > 0).all()
        assert not (~arena.used[1:] & ~arena.used[:-1]).any()  # free neighbours are joined at once
        assert int(arena.granules.sum()) * GRANULE == arena.end - arena.first


def test_a_raging_program_is_read_in_bounded_time(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 5000, 30_000)
    puppet.tell("s", 4)
    with inspecting(puppet) as inspection:
        for _ in range(15):
            begun = time.monotonic()
            map = look(inspection)
            assert time.monotonic() - begun < 15
            assert map.totals.mapped == sum(segment.size for segment in map.segments)
            assert map.totals.used + map.totals.cached + map.totals.free + map.totals.meta == map.totals.mapped
            seen = inspection._last
            assert seen is not None
            if map.consistent:
                is_sound(seen)


def test_what_is_called_consistent_is(puppets: Puppets) -> None:
    """Stopped for moments, a program is read at places that it would not choose, but within the lock nobody says so."""
    puppet = puppets()
    puppet.tell("b", 3000, 30_000)
    puppet.tell("s", 2)
    found = 0
    with inspecting(puppet) as inspection:
        while found < 3:  # nearly always somebody has the lock
            puppet.stop()
            map = look(inspection)
            seen = inspection._last
            assert seen is not None
            assert map.consistent == (seen.sequence % 2 == 0)
            if map.consistent:
                is_sound(seen)
                found += 1
            os.kill(puppet.pid, signal.SIGCONT)
            while look(inspection).sequence == map.sequence:
                pass  # it has not gone on yet


def test_only_arenas_that_have_changed_are_read_again(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    for _ in range(10):
        puppet.alloc(900_000)
    with inspecting(puppet) as inspection:
        look(inspection)
        before = inspection._last
        puppet.alloc(5000)
        look(inspection)
        after = inspection._last
    assert before is not None
    assert after is not None
    kept = {id(arena) for arena in before.arenas.values()} & {id(arena) for arena in after.arenas.values()}
    assert len(kept) == len(before.arenas) - 1 >= 2
    is_sound(after)


def test_an_arena_in_the_place_of_another_is_not_taken_for_it(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    with inspecting(puppet) as inspection:
        for size in (900_000, 500_000, 700_000):
            held = [puppet.alloc(size) for _ in range(12)]
            look(inspection)
            for address in held:
                puppet.free(address)
            puppet.tell("t")
            puppet.tell("t")
            look(inspection)
            seen = inspection._last
            assert seen is not None
            is_sound(seen)


# Events


def test_events_are_written_only_while_somebody_asks(puppets: Puppets, monkeypatch: pytest.MonkeyPatch) -> None:
    puppet = puppets("cache=off")
    monkeypatch.setattr(events, "LEASE", 600)
    with inspecting(puppet) as inspection:
        puppet.alloc(5000)
        first = look(inspection, 0)
        assert (first.events, first.last_event) == ([], 0)
        address = puppet.alloc(5000)
        monkeypatch.setattr(events, "LEASE", 1)
        second = look(inspection, first.last_event)
        assert [event.kind for event in second.events][-1] == "alloc"
        assert int(second.events[-1].address, 16) == address
        deadline = time.clock_gettime(time.CLOCK_MONOTONIC) + 2.1  # the lease of whole seconds, and its rounding
        while time.clock_gettime(time.CLOCK_MONOTONIC) < deadline:
            os.sched_yield()
        puppet.alloc(5000)  # finds that it is over
        count = inspection.answer(lambda: inspection._memory.read(inspection._root, layout.HeapRoot.SIZE))
    at = layout.HeapRoot.event_count.offset
    assert int.from_bytes(count[at : at + 8], "little") == second.last_event
    until = layout.HeapRoot.watch_until.offset
    assert int.from_bytes(count[until : until + 8], "little") == 0


def test_events_say_in_words_what_was_done(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    with inspecting(puppet) as inspection:
        last = look(inspection, 0).last_event
        held = [puppet.alloc(size) for size in (5000, 6000, 7000, 8000)]
        puppet.free(held[1])
        puppet.free(held[2])
        again = puppet.alloc(2500)
        said = [event.words for event in look(inspection, last).events]
    assert again == held[1]
    assert any(words.startswith("got 4 MiB from the kernel") for words in said), said
    assert f"asked for 5,000 bytes: gets {held[0]:#x}" in said
    assert f"gave {held[1]:#x} back, room for 6,000 bytes" in said
    assert any("joined with the free block before it of 6,016 bytes" in words for words in said), said
    assert any(words.startswith("best fit for 2,560 bytes: bins 40 to ") for words in said), said
    assert any(words.startswith("split: 2,560 bytes taken and ") for words in said), said


@pytest.mark.parametrize("policy", ["best", "first", "next", "worst"])
def test_every_event_has_its_sentence(puppets: Puppets, policy: str) -> None:
    puppet = puppets(f"policy={policy}")
    seen: set[str] = set()
    with inspecting(puppet) as inspection:
        last = look(inspection, 0).last_event
        steps: list[tuple[str, tuple[int, ...]]] = [
            ("b", (90, 900)), ("b", (90, 9000)), ("a", (3 << 20,)), ("m", (4096, 5000)), ("t", ()), ("t", ()),
        ]  # fmt: skip
        for command, numbers in steps:
            address = puppet.tell(command, *numbers)
            if command == "m":
                puppet.free(puppet.tell("r", address, 50_000))
            map = look(inspection, last)
            last = map.last_event
            assert all(event.words and event.thread == puppet.pid for event in map.events)
            assert [event.number for event in map.events] == sorted(event.number for event in map.events)
            seen |= {event.kind for event in map.events}
    assert seen >= {"alloc", "free", "realloc", "search", "split", "coalesce", "map", "slab_new", "refill", "cache_hit"}
    assert seen <= set(KINDS.values())


def test_events_of_many_threads_are_never_mixed_up(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("s", 4)
    with inspecting(puppet) as inspection:
        last, times = look(inspection, 0).last_event, 0
        while times < 100:  # most are written over before they are read
            map = look(inspection, last)
            assert all(event.number > last for event in map.events)
            for event in map.events:
                if event.kind in ("alloc", "free"):
                    assert int(event.address, 16) % 16 == 0
                    assert event.size < 200_000
                    times += 1
            last = map.last_event
    assert times
