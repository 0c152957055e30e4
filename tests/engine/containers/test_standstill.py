"""Moments in which a container stands still: short, and never left behind."""

from __future__ import annotations

import asyncio

import pytest

from engine.containers.standstill import MARK, standstill
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Status

from .conftest import Machine
from .test_lifecycle import only, output, prints, shell

COUNTING = "while :; do echo x; sleep 0.01; done"


@pytest.fixture
async def counting(machine: Machine) -> str:
    """A container that prints all the time."""
    if not machine.cgroups.available:
        pytest.skip(machine.cgroups.reason)
    ref = await machine.containers.run(shell(COUNTING, name="web"))
    await prints(machine.containers, "web", "x")
    return str(ref.id)


async def goes_on(machine: Machine) -> None:
    assert (await only(machine.containers)).status == Status.RUNNING
    before = len(await output(machine.containers, "web"))
    await prints(machine.containers, "web", "x\n" * (before // 2 + 2))


@pytest.mark.cgroup2
async def test_all_of_it_stands_still_meanwhile_and_goes_on_afterwards(machine: Machine, counting: str) -> None:
    async with machine.containers.standstill("web", 5):
        assert machine.cgroups.find(counting).frozen
        assert (await only(machine.containers)).status == Status.RUNNING
    await goes_on(machine)


async def test_it_goes_on_when_what_was_done_fails(machine: Machine, counting: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with machine.containers.standstill("web", 5):
            raise ZeroDivisionError
    await goes_on(machine)


async def test_it_goes_on_when_whoever_asked_is_cancelled(machine: Machine, counting: str) -> None:
    async def look() -> None:
        async with machine.containers.standstill("web", 5):
            await asyncio.Event().wait()

    for moments in range(6):  # before, in and after the freezing
        looking = asyncio.create_task(look())
        for _ in range(moments):
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.wait([looking])
        assert looking.cancelled()
        await goes_on(machine)


async def test_a_paused_container_stays_paused(machine: Machine, counting: str) -> None:
    await machine.containers.pause("web")
    async with machine.containers.standstill("web", 5):
        assert machine.cgroups.find(counting).frozen
    assert machine.cgroups.find(counting).frozen
    await machine.restart_engine()
    assert (await only(machine.containers)).status == Status.PAUSED
    await machine.containers.unpause("web")


async def test_the_next_engine_lets_it_go_on_when_one_is_killed_meanwhile(machine: Machine, counting: str) -> None:
    spool = machine.places.runtime / "spool" / counting
    cgroup = machine.cgroups.find(counting)
    moment = standstill(cgroup, spool, 5)
    await moment.__aenter__()  # and never left, as of an engine that is gone
    assert cgroup.frozen
    await machine.restart_engine()
    assert not (spool / MARK).exists()
    await goes_on(machine)


async def test_a_container_that_does_not_run_is_refused(machine: Machine) -> None:
    await machine.containers.create(shell("true", name="web"))
    with pytest.raises(EngineError) as refusal:
        async with machine.containers.standstill("web", 5):
            raise AssertionError("it does not run")
    assert refusal.value.code == ErrorCode.WRONG_STATE
