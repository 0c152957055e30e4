"""The engine's side: a reader is started when needed, never waited for without end, and ended."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector.client import MOST_STUCK, Inspector
from engine.heap.inspector.memory import Memory
from engine.protocol.heap import HeapView
from engine.protocol.messages import ErrorCode
from tests.engine.heap.inspector.conftest import Puppet, root_of

Puppets = Callable[..., Puppet]


def readers() -> list[psutil.Process]:
    """The processes of this one that read heaps."""
    return [child for child in psutil.Process().children() if "engine.heap.inspector" in _command(child)]


def _command(process: psutil.Process) -> str:
    """Nothing for one that ended, and that another test has not waited for."""
    try:
        return " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""


async def test_every_question_is_answered(puppets: Puppets, inspector: Inspector) -> None:
    puppet, other = puppets("cache=off"), puppets(preload="")
    held = [puppet.alloc(5000) for _ in range(5)]
    puppet.free(held[1])
    puppet.free(held[3])
    first, second = await inspector.processes([puppet.pid, other.pid])
    assert (first.reason, second.reason) == ("", "it was started without --heap")
    report = await inspector.report(puppet.pid)
    assert report.totals.free_count == 3
    map = await inspector.picture(puppet.pid, HeapView(cursor=hex(held[0])))
    assert map.cursor is not None
    assert int(map.cursor.address, 16) == held[0]
    listed = await inspector.free_list(puppet.pid, None, 0, 2)
    assert (listed.count, [int(block.address, 16) for block in listed.blocks]) == (3, [held[3], held[1]])
    memory = await inspector.bytes(puppet.pid, hex(held[0] - 16), 24)
    assert len(memory.data) == 24
    assert [(field.offset, field.name) for field in memory.fields] == [
        (0, "size and flags"), (6, "checksum"), (8, "requested"), (16, "data")
    ]  # fmt: skip
    assert memory.fields[1].value.endswith("right")
    assert memory.data[16:] == b"\1" * 8


async def test_bytes_of_other_memory_are_not_told(puppets: Puppets, inspector: Inspector) -> None:
    puppet = puppets()
    puppet.alloc(5000)
    for address in (hex(root_of(puppet)), "0x0", "0x400000", "-1", "what"):
        with pytest.raises(EngineError) as refused:
            await inspector.bytes(puppet.pid, address, 16)
        assert refused.value.code is ErrorCode.INVALID


async def test_no_reader_is_there_before_somebody_asks(inspector: Inspector) -> None:
    assert readers() == []
    assert await inspector.processes([]) == []
    assert readers() == []


async def test_the_reader_ends_when_nobody_asks_any_more(puppets: Puppets) -> None:
    inspector = Inspector(idle=0.2)
    puppet = puppets()
    await inspector.report(puppet.pid)
    (reader,) = readers()
    await asyncio.to_thread(reader.wait, 30)
    assert not reader.is_running()
    await inspector.report(puppet.pid)
    await inspector.close()


async def test_close_waits_for_the_end_of_the_reader(puppets: Puppets) -> None:
    inspector = Inspector()
    puppet = puppets()
    await inspector.report(puppet.pid)
    assert len(readers()) == 1
    await inspector.close()
    assert readers() == []
    with pytest.raises(EngineError) as refused:
        await inspector.report(puppet.pid)
    assert refused.value.code is ErrorCode.SHUTTING_DOWN


async def test_a_reader_that_was_killed_is_started_anew(puppets: Puppets, inspector: Inspector) -> None:
    puppet = puppets()
    await inspector.report(puppet.pid)
    os.kill(readers()[0].pid, signal.SIGKILL)
    with pytest.raises(EngineError) as lost:
        await inspector.report(puppet.pid)
    assert lost.value.code is ErrorCode.NO_HEAP
    assert (await inspector.report(puppet.pid)).consistent


async def test_a_heap_that_can_not_be_read_to_its_end_is_given_up(puppets: Puppets) -> None:
    """Its table of segments lies in pages that a userfaultfd holds back for ever."""
    puppet, sound = puppets(), puppets()
    never = puppet.tell("u")
    if not never:
        pytest.skip("userfaultfd is not allowed here")
    puppet.alloc(5000)
    table = root_of(puppet) + layout.HeapRoot.segments.offset
    Memory(puppet.pid).write(table, never.to_bytes(8, "little"))
    inspector = Inspector()
    try:
        await inspector.report(sound.pid)
        inspector._timeout = 1.0
        stuck = readers()
        with pytest.raises(EngineError, match=r"could not be read in 1 s: its pages may be held back") as given_up:
            await inspector.report(puppet.pid)
        assert given_up.value.code is ErrorCode.WRONG_STATE
        assert not stuck[0].is_running()
        inspector._avoided.clear()
        inspector._timeout = 2.0  # now for both
        found = await inspector.processes([puppet.pid, sound.pid])
        assert ["could not be read" in each.reason for each in found] == [True, False]
        assert found[1].options is not None
        with pytest.raises(EngineError, match="for a while it is not tried again"):
            await inspector.report(puppet.pid)
    finally:
        await inspector.close()


async def test_those_that_are_known_to_be_stuck_hide_nobody(puppets: Puppets) -> None:
    """As many as a list waits for: the next list has their neighbour."""
    stuck, sound = [puppets() for _ in range(MOST_STUCK)], puppets()
    for puppet in stuck:
        never = puppet.tell("u")
        if not never:
            pytest.skip("userfaultfd is not allowed here")
        puppet.alloc(5000)
        Memory(puppet.pid).write(root_of(puppet) + layout.HeapRoot.segments.offset, never.to_bytes(8, "little"))
    inspector = Inspector(timeout=0.5)
    try:
        everybody = [puppet.pid for puppet in (*stuck, sound)]
        first = await inspector.processes(everybody)
        inspector._timeout = 30.0  # whoever can answer has the time for it
        second = await inspector.processes(everybody)
        assert first[-1].reason.startswith("Not looked at")
        assert second[-1].options is not None
    finally:
        await inspector.close()


async def test_who_asks_may_go_away_in_the_middle(puppets: Puppets, inspector: Inspector) -> None:
    puppet = puppets()
    await inspector.report(puppet.pid)
    for _ in range(3):
        question = asyncio.create_task(inspector.report(puppet.pid))
        await asyncio.sleep(0)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
    other = puppets("policy=worst")
    assert (await inspector.report(other.pid)).options.policy == "worst"
    assert len(readers()) == 1


async def test_questions_of_many_are_answered_in_turn(puppets: Puppets, inspector: Inspector) -> None:
    many = [puppets() for _ in range(6)]
    for number, puppet in enumerate(many, 1):
        for _ in range(number):
            puppet.alloc(2 << 20)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(inspector.report(puppet.pid)) for puppet in many * 3]
    assert [task.result().totals.used_count for task in asked] == [1, 2, 3, 4, 5, 6] * 3
    assert len(readers()) == 1


async def test_the_reader_takes_a_bounded_amount_of_memory(puppets: Puppets, inspector: Inspector) -> None:
    await inspector.report(puppets().pid)
    (reader,) = readers()
    soft, _ = resource.prlimit(reader.pid, resource.RLIMIT_AS)
    assert 0 < soft <= 3 << 30
    assert resource.prlimit(reader.pid, resource.RLIMIT_CORE)[0] == 0
    assert reader.memory_info().rss < 100 << 20


async def test_what_takes_too_much_memory_is_said_and_harms_nobody(puppets: Puppets, inspector: Inspector) -> None:
    puppet, small = puppets(), puppets()
    puppet.tell("b", 100_000, 3000)
    await inspector.report(small.pid)
    (reader,) = readers()
    most = reader.memory_info().vms
    resource.prlimit(reader.pid, resource.RLIMIT_AS, (most, most))
    with pytest.raises(EngineError, match="takes more memory than we have for that"):
        await inspector.report(puppet.pid)
    assert reader.is_running()
    assert (await inspector.report(small.pid)).consistent


def test_the_reader_ends_with_the_engine(puppets: Puppets, tmp_path: Path) -> None:
    """However the engine ends."""
    puppet = puppets()
    engine = f"""
import asyncio, os, signal
from engine.heap.inspector.client import Inspector
async def main():
    inspector = Inspector()
    await inspector.report({puppet.pid})
    print(inspector._reader._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""

    said = subprocess.run([sys.executable, "-c", engine], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    try:
        psutil.Process(int(said.stdout)).wait(10)
    except psutil.NoSuchProcess:
        return
