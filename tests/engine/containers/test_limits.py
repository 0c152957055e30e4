"""A container's limits: from its first instruction on, changed while it runs, and told of when they hit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.containers.lifecycle import Containers
from engine.errors import EngineError
from engine.protocol.limits import MAX, LimitInForce, Limits
from engine.protocol.messages import ContainerOptions, ErrorCode, Exec, Status, StreamEnd, StreamLogs

from .conftest import Machine, until

pytestmark = pytest.mark.cgroup2
MIB = 1 << 20
FORKS = "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; wait"
HOG = "echo begun; head -c 200000000 /dev/zero | tail; exit 3"  # tail keeps it all: it has no line end


@pytest.fixture
def containers(machine: Machine) -> Containers:
    missing = {"memory", "pids", "cpu"} - set(machine.cgroups.controllers())
    if missing:
        pytest.skip(f"no {missing} controller here: {machine.cgroups.reason}")
    return machine.containers


def shell(script: str, **limits: object) -> ContainerOptions:
    return ContainerOptions(
        image="busybox", command=["/bin/sh", "-c", script], limits=Limits(**limits)  # type: ignore[arg-type]
    )  # fmt: skip


async def output(containers: Containers, ref: str) -> str:
    records = [record async for record in containers.logs(StreamLogs(container=ref, follow=True))]
    return b"".join(record.data for record in records if not isinstance(record, StreamEnd)).decode()


async def in_force(containers: Containers, ref: str, name: str) -> LimitInForce:
    (found,) = [limit for limit in (await containers.limits(ref)).limits if limit.name == name]
    return found


async def test_limits_hold_before_the_first_instruction(containers: Containers) -> None:
    ref = await containers.run(shell("(:); echo forked", pids=1))
    assert (await containers.wait(ref.id)).exit_code != 0
    assert "forked" not in await output(containers, ref.id)


async def test_they_hold_for_further_programs_as_well(containers: Containers) -> None:
    ref = await containers.run(shell("sleep 1000", pids=2))
    session = await containers.exec(Exec(container=ref.id, command=["/bin/sh", "-c", "sleep 0 & exit 3"]))
    shown = b"".join([message.data async for message in session if hasattr(message, "data")])
    assert b"fork" in shown
    assert (await in_force(containers, ref.id, "pids")).value == 2


async def test_a_container_killed_for_memory_is_told_of_with_the_victim(containers: Containers) -> None:
    with containers.events() as events:
        ref = await containers.run(shell(HOG, memory=32 * MIB, memory_swap=32 * MIB))
        event = await until(events, "oom")
        assert (event.container, event.name) == (ref.id, ref.name)
        if os.access("/dev/kmsg", os.R_OK):
            assert event.attributes["command"] in ("tail", "head", "sh", "busybox")
            assert int(event.attributes["pid"]) > 1
        await until(events, "die")
    assert (await containers.inspect(ref.id)).state.oom_killed


async def test_an_init_killed_for_memory_ends_the_container(containers: Containers) -> None:
    with containers.events() as events:
        options = shell("", memory=32 * MIB, memory_swap=32 * MIB)
        command = ["/bin/busybox", "sort", "/dev/zero"]
        ref = await containers.run(ContainerOptions(image="busybox", command=command, limits=options.limits))
        told = await until(events, "oom")
        assert told.attributes.get("command") in ("sort", "busybox", command[0])
        died = await until(events, "die")
    assert died.attributes["exit_code"] == "137"
    assert (await containers.inspect(ref.id)).state.oom_killed


async def test_a_new_run_is_not_to_blame_for_the_last_one(containers: Containers) -> None:
    ref = await containers.create(shell("[ -e /hit ] && exec sleep 1000; touch /hit; " + HOG, memory=32 * MIB))
    await containers.update(ref.id, Limits(memory_swap=32 * MIB))
    await containers.start(ref.id)
    await containers.wait(ref.id)
    assert (await containers.inspect(ref.id)).state.oom_killed
    await containers.start(ref.id)
    assert not (await containers.inspect(ref.id)).state.oom_killed


async def test_refused_forks_are_told_of_with_who_had_forked(containers: Containers) -> None:
    with containers.events() as events:
        ref = await containers.run(shell(FORKS, pids=10))
        event = await until(events, "pids_limit")
    assert event.container == ref.id
    assert int(event.attributes["refused"]) >= 1
    assert event.attributes["limit"] == "10"


async def test_a_fork_bomb_tells_of_itself_once_a_second_at_most(containers: Containers) -> None:
    with containers.events() as events:
        await containers.run(shell(f"while :; do sh -c '{FORKS}'; done", pids=10))
        times = [(await until(events, "pids_limit")).time for _ in range(2)]
    assert (times[1] - times[0]).total_seconds() > 0.9


async def test_limits_are_changed_while_it_runs(containers: Containers) -> None:
    ref = await containers.run(shell("sleep 1000", memory=64 * MIB))
    with containers.events() as events:
        writes = await containers.update(ref.id, Limits(memory=128 * MIB, cpus=0.5, pids=50))
        event = await until(events, "update")
    assert {"pids.max"} <= {write.file for write in writes}
    assert event.attributes["pids.max"] == "50"
    for name, value in (("memory", 128 * MIB), ("cpus", 0.5), ("pids", 50)):
        assert (await in_force(containers, ref.id, name)).value == value
    await containers.update(ref.id, Limits(pids=MAX))
    assert (await in_force(containers, ref.id, "pids")).value == MAX
    assert (await in_force(containers, ref.id, "memory")).value == 128 * MIB


async def test_changed_limits_hold_after_the_next_start(containers: Containers) -> None:
    ref = await containers.create(shell("sleep 1000"))
    assert await containers.update(ref.id, Limits(pids=7)) == []
    await containers.start(ref.id)
    assert (await in_force(containers, ref.id, "pids")).value == 7
    detail = await containers.inspect(ref.id)
    assert detail.options.limits.pids == 7
    assert detail.spec["linux"]["resources"]["pids"] == {"limit": 7}


async def test_they_hold_when_another_engine_takes_over(machine: Machine, containers: Containers) -> None:
    ref = await containers.run(shell("sleep 1000"))
    await containers.update(ref.id, Limits(pids=9))
    await machine.restart_engine()
    assert (await in_force(machine.containers, ref.id, "pids")).value == 9
    assert (await machine.containers.inspect(ref.id)).options.limits.pids == 9
    with machine.containers.events() as events:
        session = machine.containers.exec(Exec(container=ref.id, command=["/bin/sh", "-c", FORKS], detach=True))
        await session
        assert (await until(events, "pids_limit")).container == ref.id


async def test_an_update_that_is_refused_changes_nothing(containers: Containers) -> None:
    ref = await containers.run(shell("sleep 1000", memory=64 * MIB, memory_swap=64 * MIB))
    before = await containers.inspect(ref.id), await containers.limits(ref.id)
    with pytest.raises(EngineError, match="memory-swap"):
        await containers.update(ref.id, Limits(memory=128 * MIB))
    with pytest.raises(EngineError, match="rubber"):
        await containers.update(ref.id, Limits(pids=5, unified={"rubber.max": "1"}))
    after = await containers.inspect(ref.id), await containers.limits(ref.id)
    assert after[0].spec == before[0].spec
    assert after[0].options == before[0].options
    assert [limit.value for limit in after[1].limits if limit.name != "memory"] == [
        limit.value for limit in before[1].limits if limit.name != "memory"
    ]


async def test_limits_of_what_does_not_run_can_not_be_read(containers: Containers) -> None:
    ref = await containers.create(shell("sleep 1000"))
    with pytest.raises(EngineError, match="not running"):
        await containers.limits(ref.id)


async def test_a_limit_that_can_not_be_leaves_nothing_behind(machine: Machine, containers: Containers) -> None:
    ref = await containers.create(shell("sleep 1000", unified={"rubber.max": "1"}))
    with pytest.raises(EngineError, match="rubber"):
        await containers.start(ref.id)
    assert machine.cgroups.ids() == []
    assert (await containers.inspect(ref.id)).state.status == Status.CREATED


async def test_without_cgroups_limits_are_refused_with_the_reason(machine: Machine) -> None:
    machine.containers._cgroups = type(machine.cgroups)(0, reason="It is not ours to write to.")
    with pytest.raises(EngineError, match="not ours") as refused:
        await machine.containers.create(shell("true", memory=64 * MIB))
    assert refused.value.code == ErrorCode.UNSUPPORTED
    with pytest.raises(EngineError, match="no cgroup to be below '/batch'"):
        await machine.containers.create(ContainerOptions(image="busybox", cgroup_parent="batch"))
    machine.containers._cgroups = machine.cgroups


async def test_a_container_goes_below_the_parent_that_was_asked_for(machine: Machine, containers: Containers) -> None:
    parent = f"{os.path.basename(machine.cgroups.base)}/batch"
    options = ContainerOptions(image="busybox", command=["sleep", "1000"], cgroup_parent=parent, limits=Limits(pids=8))
    ref = await containers.run(options)
    limit = await in_force(containers, ref.id, "pids")
    assert limit.path.endswith(f"/{parent}/{ref.id}/pids.max")
    await machine.restart_engine()
    await machine.containers.remove(ref.id, force=True)
    assert not Path(limit.path).parent.parent.exists()


async def test_every_directory_is_gone_when_a_container_has_ended(machine: Machine, containers: Containers) -> None:
    ref = await containers.run(shell("exit 0", memory=64 * MIB, pids=5))
    await containers.wait(ref.id)
    cgroup = machine.cgroups.find(ref.id)
    assert not [path for path in (cgroup.path, *cgroup.parts.values()) if os.path.exists(path)]
