"""Promises of the sampler, in real time: who comes and goes, who is looked at, and at what pace."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
import pytest_asyncio

from engine.cgroups import Hierarchy, discover
from engine.metrics.sampler import FAST, SLOW, Sampler
from engine.metrics.watched import Program

from .conftest import Start, child, ours

PATIENCE = 30.0  # seconds


class Machine:
    """What runs, as an engine would tell."""

    def __init__(self) -> None:
        self.programs: dict[str, Program] = {}
        self.existing: set[str] = set()
        self.sampler = Sampler(self.running, self.existing.__contains__)

    def running(self) -> Iterator[Program]:
        yield from self.programs.values()

    def add(self, program: Program) -> None:
        self.programs[program.id] = program
        self.existing.add(program.id)

    def values(self, id: str, *, fast: bool = False) -> dict[str, float]:
        watched = self.sampler.running(id)
        assert watched is not None
        return watched.values(fast=fast)


@pytest.fixture
def hierarchy() -> Iterator[Hierarchy]:
    """Whichever there is: the pace is the same in both."""
    found = discover()
    if not found.available:
        pytest.skip(found.reason)
    yield from ours(found)


@pytest_asyncio.fixture
async def machine() -> AsyncIterator[Machine]:
    made = Machine()
    task = asyncio.create_task(made.sampler.run())
    await made.sampler.beat()
    yield made
    task.cancel()
    await asyncio.wait([task])
    assert not [path for path in descriptors() if "heliostui-metrics" in path]


def descriptors() -> list[str]:
    links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
    return [os.readlink(link) for link in links if os.path.lexists(link)]


async def test_what_starts_is_taken_up_and_what_ends_is_let_go_with_its_history(start: Start, machine: Machine) -> None:
    machine.add(start("c1"))
    await machine.sampler.beat()
    await machine.sampler.beat()
    assert machine.sampler.ids() == ["c1"]
    assert machine.values("c1")["cpu"] >= 0
    machine.programs.clear()
    await machine.sampler.beat()
    assert machine.sampler.ids() == []
    known = machine.sampler.known("c1")
    assert known is not None
    assert any(value is not None for value in known.history("cpu"))
    machine.existing.clear()
    await machine.sampler.beat()
    assert machine.sampler.known("c1") is None


async def test_a_new_name_is_told(start: Start, machine: Machine) -> None:
    machine.add(start("c1"))
    await machine.sampler.beat()
    machine.add(machine.programs["c1"]._replace(name="renamed"))
    await machine.sampler.beat()
    watched = machine.sampler.running("c1")
    assert watched is not None
    assert watched.program.name == "renamed"


async def test_ten_times_a_second_while_somebody_looks_and_then_no_more(start: Start, machine: Machine) -> None:
    loop = asyncio.get_running_loop()
    program = start("c1")
    machine.add(program)
    with machine.sampler.looking(["c1"], FAST):
        await machine.sampler.begin(["c1"])
        await machine.sampler.beat(FAST)
        apart = math.inf
        async with asyncio.timeout(PATIENCE):
            while apart > 3 * FAST:  # a busy machine misses some
                before = loop.time()
                await machine.sampler.beat(FAST)
                apart = loop.time() - before
        working = asyncio.create_task(asyncio.to_thread(child(program).do, "compute 0.4"))
        seen = []
        while not working.done():
            await machine.sampler.beat(FAST)
            seen.append(machine.values("c1", fast=True)["cpu"])
        assert max(seen) > 0
    with suppress(TimeoutError):  # one may be under way
        await asyncio.wait_for(machine.sampler.beat(FAST), 5 * FAST)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(machine.sampler.beat(FAST), 5 * FAST)


async def test_who_is_named_is_read_in_full_and_threads_only_then(start: Start, machine: Machine) -> None:
    machine.add(start("c1"))
    with machine.sampler.looking(None):
        await machine.sampler.begin(None)
        await machine.sampler.beat()
        assert "files" not in machine.values("c1")
    with machine.sampler.looking(["c1"]), machine.sampler.looking(["c1"]):
        await machine.sampler.begin(["c1"])
        await machine.sampler.beat()
        assert {"files", "switches"} <= set(machine.values("c1"))
    await machine.sampler.beat()
    assert "files" not in machine.values("c1")


async def test_as_long_as_one_of_two_looks_it_is_looked_at(start: Start, machine: Machine) -> None:
    machine.add(start("c1"))
    with machine.sampler.looking(["c1"]):
        with machine.sampler.looking(["c1"]):
            await machine.sampler.begin(["c1"])
        await machine.sampler.beat()
        assert "files" in machine.values("c1")


async def test_beats_are_a_second_apart(machine: Machine) -> None:
    loop = asyncio.get_running_loop()
    await machine.sampler.beat()
    apart, ticks = 0.0, 0
    async with asyncio.timeout(PATIENCE):
        while ticks != 1 or apart != pytest.approx(SLOW, abs=0.4):  # a busy machine is late now and then
            before, tick = loop.time(), machine.sampler.tick
            await machine.sampler.beat()
            apart, ticks = loop.time() - before, machine.sampler.tick - tick
