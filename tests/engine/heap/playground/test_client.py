"""Playgrounds as the engine drives them: real processes with real heaps."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.errors import EngineError
from engine.heap import library
from engine.heap.playground import client
from engine.heap.playground.client import Playgrounds
from engine.protocol.heap import HeapOptions, Playground
from engine.protocol.messages import ErrorCode

PLAIN = HeapOptions(slabs=False, cache=False)


async def _refused(waiting: object, code: ErrorCode) -> str:
    with pytest.raises(EngineError) as refused:
        await waiting  # type: ignore[misc]
    assert refused.value.code == code
    return refused.value.message


def _blocks(shown: Playground) -> dict[int, tuple[str, int]]:
    return {block.number: (block.address, block.requested) for block in shown.blocks}


async def test_a_step_answers_the_same_address_whenever_and_however_it_is_done(playgrounds: Playgrounds) -> None:
    lines = ["alloc 200", "alloc 5000", "free #2", "alloc 3000", "memalign 4k 100", "realloc #3 90000", "calloc 3 5"]
    await playgrounds.open(HeapOptions())
    by_hand = [await playgrounds.play("p1", [line]) for line in lines]
    back = [await playgrounds.seek("p1", step) for step in range(len(lines), 0, -1)]
    await playgrounds.open(HeapOptions())
    at_once = await playgrounds.play("p2", lines)
    assert [_blocks(shown) for shown in by_hand] == [_blocks(shown) for shown in reversed(back)]
    assert [each.last and each.last.address for each in by_hand] == [
        each.last and each.last.address for each in back[::-1]
    ]
    assert _blocks(by_hand[-1]) == _blocks(at_once)
    await playgrounds.seek("p1", len(lines))
    results = [each.result for each in await playgrounds.operations("p1")]
    assert results == [each.result for each in await playgrounds.operations("p2")]
    assert [bool(result) for result in results] == [not line.startswith("free") for line in lines]


async def test_a_playground_begins_with_nothing(playgrounds: Playgrounds) -> None:
    options = HeapOptions(policy="worst")
    shown = await playgrounds.open(options)
    assert shown == Playground(id="p1", options=options, step=0, steps=0, next=None, last=None, blocks=[])
    assert playgrounds.list() == [shown]
    assert playgrounds.get("p1") == shown
    assert psutil.pid_exists(playgrounds.pid_of("p1"))


async def test_blocks_have_the_numbers_of_the_order_in_which_they_were_made(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    shown = await playgrounds.play("p1", ["alloc 1000", "calloc 10 7", "# a comment", "free #1", "alloc 500"])
    assert [(block.number, block.requested) for block in shown.blocks] == [(2, 70), (3, 500)]
    assert shown.last is not None
    assert (shown.last.number, shown.last.operation, shown.last.block) == (4, "alloc 500", 3)
    shown = await playgrounds.play("p1", ["realloc #3 700"])
    assert [(block.number, block.requested) for block in shown.blocks] == [(2, 70), (3, 700)]


async def test_going_back_makes_undone(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    before = await playgrounds.play("p1", ["alloc 1000", "alloc 2000", "free #1"])
    await playgrounds.play("p1", ["alloc 900", "realloc #2 5000", "free #2"])
    shown = await playgrounds.seek("p1", 3)
    assert _blocks(shown) == _blocks(before)
    assert (shown.step, shown.steps, shown.next) == (3, 6, "alloc 900")
    start = await playgrounds.seek("p1", 0)
    assert (start.step, start.blocks, start.last) == (0, [], None)


async def test_new_operations_take_the_place_of_those_that_were_to_come(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    await playgrounds.play("p1", ["alloc 1", "alloc 2", "alloc 3"])
    await playgrounds.seek("p1", 1)
    shown = await playgrounds.play("p1", ["alloc 20"], run=False)
    assert (shown.step, shown.steps, shown.next) == (1, 2, "alloc 20")
    shown = await playgrounds.play("p1", ["alloc 30"], run=False, append=True)
    assert (shown.step, shown.steps, shown.next) == (1, 3, "alloc 20")
    assert [each.operation for each in await playgrounds.operations("p1")] == ["alloc 1", "alloc 20", "alloc 30"]


async def test_operations_are_listed_around_a_step(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    await playgrounds.play("p1", [f"alloc {size}" for size in range(100)], run=False)
    await playgrounds.seek("p1", 50)
    listed = await playgrounds.operations("p1", first=50, limit=2)
    assert [(each.number, each.operation) for each in listed] == [(50, "alloc 49"), (51, "alloc 50")]
    assert listed[0].result.startswith("#50 = 0x60")
    assert listed[1].result == ""
    assert await playgrounds.operations("p1", first=101) == []


async def test_a_bad_operation_is_refused_and_nothing_has_changed(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    before = await playgrounds.play("p1", ["alloc 1", "alloc 2", "free #2"])
    before = await playgrounds.seek("p1", 2)
    sentence = await _refused(playgrounds.play("p1", ["free #9"]), ErrorCode.INVALID)
    assert sentence == "free #9: there is no block #9 yet; the blocks are #1 to #2."
    sentence = await _refused(playgrounds.play("p1", ["alloc 3", "alloc x"]), ErrorCode.INVALID)
    assert sentence == 'Line 2: "x" is no size: it is written as a number of bytes, or as 4k, 1m, 2g.'
    assert playgrounds.get("p1") == before
    assert [each.operation for each in await playgrounds.operations("p1")] == ["alloc 1", "alloc 2", "free #2"]


async def test_a_step_that_is_not_there_is_refused(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    await playgrounds.play("p1", ["alloc 1"])
    assert await _refused(playgrounds.seek("p1", 2), ErrorCode.INVALID) == "There is no step 2: the steps are 0 to 1."
    assert await _refused(playgrounds.seek("p1", -1), ErrorCode.INVALID) == "There is no step -1: the steps are 0 to 1."


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["alloc 2000", "free #1", "free #1"], "double free of 0x6"),
        (["alloc 200", "alloc 2000", "free #2+64"], "interior free of 0x6"),
        (["alloc 200", "free 0x1234"], "invalid free of 0x1234"),
        (["alloc 2000", "alloc 2000", "write #1 2040", "free #2"], "overwritten"),
        (["alloc 2000", "write #1 1000000000"], "The heap's process was ended by SIGSEGV."),
    ],
)
async def test_what_ends_a_program_ends_the_heap_and_a_step_back_goes_on(
    lines: list[str], line: str, playgrounds: Playgrounds
) -> None:
    await playgrounds.open(PLAIN)
    before = await playgrounds.play("p1", lines[:-1])
    peeked = await playgrounds.play("p1", lines[-1:], run=False) and await playgrounds.peek("p1")
    shown = await playgrounds.seek("p1", len(lines))
    assert line in shown.ended
    assert line in peeked.ended
    assert (shown.step, shown.next, shown.blocks) == (len(lines), None, before.blocks)
    assert shown.last is not None
    assert shown.last.operation == lines[-1]
    assert (await playgrounds.operations("p1"))[-1].result == shown.ended
    assert psutil.pid_exists(playgrounds.pid_of("p1"))

    sentence = await _refused(playgrounds.play("p1", ["alloc 1"]), ErrorCode.WRONG_STATE)
    assert sentence == f"The heap ended with step {len(lines)}: step back, then go on."
    await _refused(playgrounds.peek("p1"), ErrorCode.WRONG_STATE)

    shown = await playgrounds.seek("p1", len(lines) - 1)
    assert (shown.ended, shown.blocks, shown.last) != ("", [], None)
    assert _blocks(shown) == _blocks(before)
    shown = await playgrounds.play("p1", ["alloc 300"])
    assert shown.ended == ""
    assert shown.step == len(lines)


@pytest.mark.parametrize("at", [0, 1, 1000, 1023, 1024, 1025, 3000])
async def test_among_many_operations_it_is_found_which_one_ended_the_heap(at: int, playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    lines = [*["alloc 2000", "free #1"], *["alloc 100"] * at, "free #1+8", *["alloc 100"] * 2000]
    shown = await playgrounds.play("p1", lines)
    assert shown.step == at + 3
    assert "interior free" in shown.ended or "invalid free" in shown.ended
    assert len(await playgrounds.operations("p1", limit=10_000)) == len(lines)
    assert len(shown.blocks) == min(at, 1000)
    again = await playgrounds.seek("p1", len(lines))
    assert (again.step, again.ended) == (shown.step, shown.ended)


async def test_a_look_ahead_changes_nothing(playgrounds: Playgrounds) -> None:
    await playgrounds.open(HeapOptions())
    await playgrounds.play("p1", ["alloc 3000", "alloc 5000", "free #1"])
    await playgrounds.play("p1", ["realloc #2 80000", "alloc 100"], run=False)
    before, pid = playgrounds.get("p1"), playgrounds.pid_of("p1")
    peeked = [await playgrounds.peek("p1") for _ in range(3)]
    assert (playgrounds.get("p1"), playgrounds.pid_of("p1")) == (before, pid)
    shown = await playgrounds.seek("p1", 4)
    assert shown.last is not None
    assert {peek.address for peek in peeked} == {shown.last.address}
    assert peeked[0].words == shown.last.words
    assert _blocks(shown)[2][0] == shown.last.address


async def test_where_nothing_comes_next_there_is_nothing_to_look_at(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    sentence = await _refused(playgrounds.peek("p1"), ErrorCode.WRONG_STATE)
    assert sentence == "No operation comes next: put one there, then look ahead."


async def test_what_is_too_large_is_answered_with_no_memory_and_nothing_else(playgrounds: Playgrounds) -> None:
    await playgrounds.open(HeapOptions())
    shown = await playgrounds.play("p1", ["alloc 100g"])
    assert shown.last is not None
    assert (shown.last.address, shown.blocks, shown.ended) == (None, [], "")
    assert shown.last.words == ["No memory: the kernel does not give that much. The answer is NULL."]
    shown = await playgrounds.play("p1", ["alloc 18446744073709551615", "calloc 1g 100g", "free #1", "alloc 2000"])
    assert [block.number for block in shown.blocks] == [4]
    results = [each.result for each in await playgrounds.operations("p1", limit=4)]
    assert results == ["no memory", "no memory", "no memory", ""]


async def test_a_realloc_that_fails_leaves_the_block_as_it_was(playgrounds: Playgrounds) -> None:
    await playgrounds.open(HeapOptions())
    before = await playgrounds.play("p1", ["alloc 3000"])
    shown = await playgrounds.play("p1", ["realloc #1 100g"])
    assert shown.blocks == before.blocks


async def test_another_policy_is_compared_on_the_same_operations(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    holes = ["alloc 8000", "alloc 100", "alloc 2000", "alloc 100", "free #1", "free #3", "alloc 2000", "alloc 1"]
    await playgrounds.play("p1", holes)
    best = await playgrounds.seek("p1", 7)
    first = await playgrounds.open(HeapOptions(policy="first", slabs=False, cache=False), like="p1")
    assert (first.step, first.steps, first.next) == (7, 8, "alloc 1")
    assert first.last is not None
    assert best.last is not None
    taken = {block.number: block.address for block in best.blocks}
    assert int(best.last.address or "", 16) > int(taken[2], 16)  # the second hole fits best
    assert int(first.last.address or "", 16) < int(taken[2], 16)  # the first one is first


async def test_many_operations_are_done_at_once_and_undone(playgrounds: Playgrounds) -> None:
    await playgrounds.open(HeapOptions())
    for _ in range(4):
        await playgrounds.play("p1", ["alloc 100", "alloc 3000"] * 12_500, run=False, append=True)
    shown = await playgrounds.seek("p1", 100_000)
    assert (shown.step, len(shown.blocks)) == (100_000, 1000)
    back = await playgrounds.seek("p1", 99_999)
    assert (
        _blocks(back).items() > {number: block for number, block in _blocks(shown).items() if number < 100_000}.items()
    )


async def test_there_are_only_so_many(playgrounds: Playgrounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST", 1)
    await playgrounds.open(PLAIN)
    sentence = await _refused(playgrounds.open(PLAIN), ErrorCode.WRONG_STATE)
    assert sentence == "There are 1 playgrounds already: close one of them first."
    await playgrounds.close("p1")
    assert (await playgrounds.open(PLAIN)).id == "p2"


async def test_what_is_not_there_is_named(playgrounds: Playgrounds) -> None:
    for waiting in (playgrounds.seek("p7", 1), playgrounds.close("p7"), playgrounds.open(PLAIN, like="p7")):
        sentence = await _refused(waiting, ErrorCode.NO_SUCH_PLAYGROUND)
        assert sentence == "There is no playground 'p7'; there are: none."


async def test_a_playground_that_is_closed_leaves_no_process(playgrounds: Playgrounds) -> None:
    before = set(psutil.Process().children())
    await playgrounds.open(PLAIN)
    await playgrounds.play("p1", ["alloc 1"])
    heap = os.pidfd_open(playgrounds.pid_of("p1"))
    await playgrounds.close("p1")
    assert select.select([heap], [], [], 30)[0] == [heap]
    os.close(heap)
    assert set(psutil.Process().children()) <= before  # of other tests' one may have ended


async def test_a_playground_that_was_killed_is_said_to_be_gone(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    parent = psutil.Process(playgrounds.pid_of("p1")).ppid()
    os.kill(parent, signal.SIGKILL)
    sentence = await _refused(playgrounds.play("p1", ["alloc 1"]), ErrorCode.NO_SUCH_PLAYGROUND)
    assert sentence == "Playground p1 is gone: Its process has ended. Open another one."
    assert playgrounds.list() == []


async def test_a_heap_that_was_killed_is_made_anew(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    before = await playgrounds.play("p1", ["alloc 1"])
    os.kill(playgrounds.pid_of("p1"), signal.SIGKILL)
    shown = await playgrounds.play("p1", ["alloc 2"])
    assert shown.ended.startswith("The heap's process was killed")
    shown = await playgrounds.seek("p1", 1)
    assert _blocks(shown) == _blocks(before)
    shown = await playgrounds.seek("p1", 2)
    assert (shown.step, shown.ended) == (2, "")


async def test_who_gives_up_waiting_does_not_get_between_questions_and_answers(playgrounds: Playgrounds) -> None:
    await playgrounds.open(PLAIN)
    asked = asyncio.create_task(playgrounds.play("p1", ["alloc 1"] * 20_000))
    await asyncio.sleep(0)
    asked.cancel()
    listed = await playgrounds.operations("p1", first=20_000)
    assert [each.operation for each in listed] == ["alloc 1"]
    assert playgrounds.get("p1").step == 20_000


async def test_where_the_allocator_was_not_compiled_that_is_said(
    playgrounds: Playgrounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "path", lambda: None)
    sentence = await _refused(playgrounds.open(PLAIN), ErrorCode.UNSUPPORTED)
    assert sentence == f"There are no playgrounds: {library.why_missing()}"


_ENGINE = """
import asyncio, os
from engine.heap.playground.client import Playgrounds
from engine.protocol.heap import HeapOptions
async def main():
    playgrounds = Playgrounds()
    await playgrounds.open(HeapOptions())
    print(playgrounds.pid_of("p1"), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.skipif(library.path() is None, reason=library.why_missing())
def test_playgrounds_die_with_the_engine() -> None:
    root = Path(__file__).parents[4]
    with subprocess.Popen([sys.executable, "-c", _ENGINE], stdout=subprocess.PIPE, text=True, cwd=root) as started:
        assert started.stdout is not None
        heap = int(started.stdout.readline())
        watched = [os.pidfd_open(pid) for pid in (heap, psutil.Process(heap).ppid())]
        started.kill()
        for each in watched:
            assert select.select([each], [], [], 30)[0] == [each]
            os.close(each)


async def test_a_playground_that_can_not_be_opened_leaves_nothing(
    playgrounds: Playgrounds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = set(psutil.Process().children())
    monkeypatch.setattr(library, "path", lambda: str(tmp_path / "missing.so"))
    sentence = await _refused(playgrounds.open(PLAIN), ErrorCode.UNSUPPORTED)
    assert sentence == "A playground can't be opened: Its process has ended."
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    sentence = await _refused(playgrounds.open(PLAIN), ErrorCode.UNSUPPORTED)
    assert sentence.startswith("A playground can't be opened: [Errno 2]")
    assert playgrounds.list() == []
    assert set(psutil.Process().children()) <= before  # of other tests' one may have ended
