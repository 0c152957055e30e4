"""What is said of a heap is what the program has."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from engine.errors import EngineError
from engine.heap import bins, library
from engine.heap.inspector.bins import bins_of
from engine.heap.inspector.client import Inspector
from engine.heap.inspector.growth import Growth
from engine.protocol.heap import HeapReport
from engine.protocol.messages import ErrorCode
from tests.engine.heap.inspector.conftest import Puppet, inspecting

Puppets = Callable[..., Puppet]


def report_of(puppet: Puppet) -> HeapReport:
    with inspecting(puppet) as inspection:
        return inspection.answer(inspection.report)


@pytest.mark.cgroup2
def test_totals_are_what_the_program_asked_for(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    before = report_of(puppet).totals
    sizes = [random.Random(1).randrange(1025, 100_000) for _ in range(300)]
    held = [puppet.alloc(size) for size in sizes]
    for address in held[::3]:
        puppet.free(address)
    left = [size for index, size in enumerate(sizes) if index % 3]
    after = report_of(puppet).totals
    assert after.requested - before.requested == sum(left)
    assert after.used_count - before.used_count == len(left)
    assert after.used - before.used == sum(-(-(size + 16) // 64) * 64 for size in left)
    assert after.counters["arena_allocations"] - before.counters["arena_allocations"] == 300


def test_all_of_the_address_space_is_something(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 3000, 5000)
    huge = puppet.alloc(3 << 20)
    report = report_of(puppet)
    totals = report.totals
    assert totals.mapped == totals.used + totals.cached + totals.free + totals.meta
    assert totals.mapped == sum(segment.size for segment in report.segments)
    assert totals.used == sum(segment.used for segment in report.segments)
    assert 3 << 20 < totals.resident <= totals.mapped
    assert report.consistent
    assert {segment.kind for segment in report.segments} == {"slabs", "arena", "huge"}
    assert huge - 256 in {int(segment.address, 16) for segment in report.segments if segment.kind == "huge"}


def test_what_the_allocator_counts_is_what_the_map_shows(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    puppet.tell("b", 5000, 9000)
    with inspecting(puppet) as inspection:
        report = inspection.answer(inspection.report)
        process = inspection.answer(inspection.process)
    assert (process.mapped, process.used) == (report.totals.mapped, report.totals.used)
    assert report.totals.free_blocks == sum(each.bytes for each in report.bins)
    assert report.totals.free_count == sum(each.count for each in report.bins)
    assert report.totals.used_count == sum(each.used for each in report.histogram)
    assert report.totals.used == sum(each.used_bytes for each in report.histogram)


def test_what_threads_keep_is_cached_and_not_free(puppets: Puppets) -> None:
    puppet = puppets()
    slots, blocks = [puppet.alloc(100) for _ in range(10)], [puppet.alloc(2000) for _ in range(3)]
    before = report_of(puppet)
    for address in slots + blocks:
        puppet.free(address)
    after = report_of(puppet)
    (thread,) = after.threads
    assert thread.tid == puppet.pid
    assert thread.slots - before.threads[0].slots == 10
    assert (thread.blocks, thread.block_bytes) == (3, 3 * 2048)
    assert after.totals.cached - before.totals.cached == 10 * 112 + 3 * 2048
    assert after.totals.used_count == before.totals.used_count - 13


def test_slots_are_counted_by_class(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    for _ in range(700):
        puppet.alloc(1000)
    (found,) = (each for each in report_of(puppet).classes if each.size == 1024)
    assert found.used == 700
    assert found.slabs == -(-700 // 64)
    assert found.slots == found.slabs * 64 == found.used + found.free


def test_sizes_that_take_most_come_first(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    for _ in range(50):
        puppet.alloc(5000)
    for _ in range(400):
        puppet.alloc(64)
    top = report_of(puppet).top_sizes
    assert (top[0].smallest, top[0].used, top[0].used_bytes) == (5056, 50, 50 * 5056)
    assert next(each for each in top if each.smallest == 64).used >= 400


def test_fragmentation_is_what_can_not_be_had_in_one_piece(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    held = [puppet.alloc(100_000) for _ in range(40)]
    for address in held[::2]:
        puppet.free(address)
    totals = report_of(puppet).totals
    assert totals.external_fragmentation == pytest.approx(1 - totals.largest_free / totals.free_blocks)
    assert totals.internal_fragmentation == pytest.approx(1 - totals.requested / totals.used)
    assert totals.external_fragmentation > 0.2


def test_a_report_says_how_the_allocator_works(puppets: Puppets) -> None:
    options = report_of(puppets("policy=first,check")).options
    assert (options.policy, options.check, options.slabs, options.cache) == ("first", True, True, True)


async def test_the_heap_of_a_python_program_is_read_while_it_works(inspector: Inspector) -> None:
    work = "import os; print(flush=True)\nwhile True: [bytearray(n) for n in range(0, 60000, 7)]"
    variables = {**os.environ, "LD_PRELOAD": library.needed(), "PYTHONMALLOC": "malloc"}
    command = [sys.executable, "-c", work]
    program = await asyncio.create_subprocess_exec(*command, env=variables, stdout=subprocess.PIPE)
    assert program.stdout is not None
    await program.stdout.readline()
    for _ in range(5):
        report = await inspector.report(program.pid)
        assert report.totals.used_count > 10_000
        assert report.totals.mapped == sum(each.size for each in report.segments)
    program.kill()
    await program.wait()


@pytest.mark.parametrize("policy", ["best", "first", "next", "worst"])
def test_a_free_list_is_told_in_its_order(puppets: Puppets, policy: str) -> None:
    puppet = puppets(f"policy={policy},cache=off")
    held = [puppet.alloc(2000) for _ in range(21)]
    for address in held[1::2]:
        puppet.free(address)
    with inspecting(puppet) as inspection:
        listed = inspection.answer(lambda: inspection.free_blocks(2048 // 64, 0, 100))
        some = inspection.answer(lambda: inspection.free_blocks(2048 // 64, 3, 2))
    addresses = [int(block.address, 16) for block in listed.blocks]
    assert addresses == list(reversed(held[1::2]))  # a list is a stack
    assert [block.bin_position for block in listed.blocks] == list(range(10))
    assert listed.count == some.count == 10
    assert [int(block.address, 16) for block in some.blocks] == addresses[3:5]


def test_all_free_lists_come_smallest_first(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    puppet.tell("b", 2000, 20_000)
    with inspecting(puppet) as inspection:
        count = inspection.answer(inspection.report).totals.free_count
        listed = inspection.answer(lambda: inspection.free_blocks(None, 0, 1000))
        rest = inspection.answer(lambda: inspection.free_blocks(None, count - 5, 1000))
    assert listed.count == count
    found = [block.bin or 0 for block in listed.blocks]
    assert found == sorted(found)
    assert len(listed.blocks) == min(count, 1000)
    assert len(rest.blocks) == 5
    assert all(block.bin == bins.bin_of(block.size) for block in listed.blocks)


def test_blocks_beyond_what_a_list_has_are_refused_or_none(puppets: Puppets) -> None:
    puppet = puppets("cache=off")
    with inspecting(puppet) as inspection:
        assert inspection.answer(lambda: inspection.free_blocks(3, 0, 10)).blocks == []
        assert inspection.answer(lambda: inspection.free_blocks(-5, 0, 10)).blocks == []
        with pytest.raises(EngineError) as refused:
            inspection.answer(lambda: inspection.free_blocks(3, 0, 5000))
    assert refused.value.code is ErrorCode.INVALID


def test_every_size_is_in_the_bin_that_says_so() -> None:
    for index in (1, 2, 16383, 16384, 16385, 16639, 16640, 20000, 21503):
        smallest, largest = bins.sizes_of(index)
        assert bins.bin_of(smallest) == index
        assert bins.bin_of(largest) == index
        assert bins.bin_of(smallest - 64) == index - 1
        assert bins_of(np.array([smallest - 64, smallest, largest])).tolist() == [index - 1, index, index]


def test_growth_is_kept_for_ten_minutes_a_moment_a_second(puppets: Puppets) -> None:
    growth, totals = Growth(), report_of(puppets()).totals
    for fifth in range(5 * 700):
        growth.note(fifth / 5, replace(totals, used=fifth // 5))
    used = [moment.used for moment in growth.moments()]
    assert used == list(range(99, 700))


def test_a_report_says_how_the_heap_has_grown_since_somebody_looks(puppets: Puppets) -> None:
    puppet = puppets()
    with inspecting(puppet) as inspection:
        report = inspection.answer(inspection.report)
    assert [moment.used for moment in report.history] == [report.totals.used]
