"""The process that has the heap, without a session around it; and real programs in a playground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.heap import library
from engine.heap.playground.allocator import Allocator
from engine.heap.playground.client import Playgrounds
from engine.heap.playground.heap import SACRIFICE, Died, Heap
from engine.heap.playground.operations import Operations
from engine.heap.playground.trace import from_recording, parse
from engine.protocol.heap import HeapOptions


@pytest.fixture(scope="module")
def allocator() -> Allocator:
    if (path := library.path()) is None:
        pytest.skip(library.why_missing())
    return Allocator(path)


@pytest.fixture
def operations() -> Operations:
    return Operations()


@pytest.fixture
def heap(allocator: Allocator, operations: Operations) -> Iterator[Heap]:
    made = Heap(allocator, operations)
    yield made
    made.end()


def test_it_stops_when_its_time_is_over_and_can_go_on(heap: Heap, operations: Operations) -> None:
    operations.extend(["alloc 100"] * 10_000)
    outcome = heap.run(10_000, seconds=0)
    assert outcome.step == heap.step == 0
    outcome = heap.run(10_000, seconds=60)
    assert outcome.step == heap.step == 10_000
    assert outcome.last is not None
    assert outcome.last.index == 9_999


def test_what_ends_it_is_told_with_how_far_it_came(heap: Heap, operations: Operations) -> None:
    operations.extend(["alloc 2000", "free #1", "alloc 1"])
    heap.run(2, seconds=60)
    os.kill(heap.pid, signal.SIGKILL)
    with pytest.raises(Died, match=r"^The heap's process was killed") as died:
        heap.run(3, seconds=60)
    assert died.value.step == 2
    assert not heap.pid


def test_it_takes_no_more_memory_than_it_may(heap: Heap, operations: Operations) -> None:
    operations.extend(["alloc 1g", "alloc 1g", "alloc 100m"])
    heap.run(3, seconds=60)
    assert [bool(answer) for answer in operations.answers[:3]] == [True, False, True]
    assert psutil.Process(heap.pid).memory_info().rss < 1 << 30


def test_it_ends_sooner_than_others_when_memory_is_short(heap: Heap, operations: Operations) -> None:
    operations.extend(["alloc 1"])
    heap.run(1, seconds=60)
    assert Path(f"/proc/{heap.pid}/oom_score_adj").read_text() == f"{SACRIFICE}\n"


def test_it_has_nothing_open_that_it_needs_not(heap: Heap, operations: Operations) -> None:
    operations.extend(["alloc 1"])
    heap.run(1, seconds=60)
    assert os.readlink(f"/proc/{heap.pid}/fd/0") == os.devnull
    assert os.readlink(f"/proc/{heap.pid}/fd/1") == os.devnull


@pytest.fixture
def recorded(tmp_path: Path, allocator: Allocator) -> list[str]:
    """The trace of a program that really ran."""
    recording = tmp_path / "recording"
    asked = {"PYTHONMALLOC": "malloc", "LD_PRELOAD": library.path() or "", "HELIOS_HEAP": f"trace={recording}"}
    command = [sys.executable, "-S", "-c", "print(sum(map(len, map(str, range(1000)))))"]
    subprocess.run(command, env={**os.environ, **asked}, check=True)
    with recording.open(errors="replace") as lines:
        return list(map(str, from_recording(lines)))


async def test_what_a_real_program_did_can_be_played(recorded: list[str], playgrounds: Playgrounds) -> None:
    assert len(recorded) > 5_000
    assert sum(1 for _ in parse(recorded)) == len(recorded)
    await playgrounds.open(HeapOptions())
    shown = await playgrounds.play("p1", recorded)
    assert (shown.step, shown.ended) == (len(recorded), "")
    assert not [each for each in await playgrounds.operations("p1", limit=10_000) if each.result == "no memory"]
