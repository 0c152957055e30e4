"""Health checks: the rules, and real programs that are run in real containers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.containers import health
from engine.containers.events import Subscription
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, Event, MountOption
from engine.protocol.network import Health, HealthCheck, HealthProbe

from .conftest import PATIENCE, Machine, until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = {"interval": 0.05, "timeout": 20.0, "start_interval": 0.05}


def probe(code: int) -> HealthProbe:
    return HealthProbe(started_at=NOW, finished_at=NOW, exit_code=code)


def judged(check: HealthCheck, *probes: tuple[float, int]) -> Health:
    """What is known after probes at these ages, with these exit codes."""
    known = Health(status="starting")
    for age, code in probes:
        known = health.after(known, check, probe(code), age)
    return known


CHECK = HealthCheck(command=["true"], retries=3, start_period=10.0, start_interval=1.0, interval=30.0)


def test_one_success_is_health() -> None:
    assert judged(CHECK, (1, 1), (2, 0)).status == "healthy"


def test_failures_in_the_start_period_do_not_count() -> None:
    assert judged(CHECK, *[(1, 1)] * 9) == Health(status="starting", probes=[probe(1)] * 5)
    assert judged(CHECK, (1, 1), (11, 1), (12, 1)).status == "starting"
    assert judged(CHECK, (1, 1), (11, 1), (12, 1), (13, 1)).status == "unhealthy"


def test_after_the_first_success_they_do() -> None:
    assert judged(CHECK, (1, 0), (2, 1), (3, 1), (4, 1)).status == "unhealthy"


def test_only_failures_in_a_row_count() -> None:
    known = judged(CHECK, (11, 0), (12, 1), (13, 1), (14, 0), (15, 1))
    assert (known.status, known.failures) == ("healthy", 1)


def test_who_was_unhealthy_is_healthy_again_after_one_success() -> None:
    assert judged(CHECK, *[(11, 1)] * 5, (12, 0)) == Health(
        status="healthy", probes=[*[probe(1)] * 4, probe(0)], failures=0
    )


def test_the_start_interval_holds_until_the_first_success_or_the_end_of_the_period() -> None:
    starting, well = Health(status="starting"), Health(status="healthy")
    assert health.pause(starting, CHECK, 5.0) == 1.0
    assert health.pause(starting, CHECK, 10.0) == health.pause(well, CHECK, 5.0) == 30.0


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-1, 255)), max_size=30), st.integers(1, 5))
def test_the_last_probe_and_the_streak_decide(probes: list[tuple[float, int]], retries: int) -> None:
    check = msgspec.structs.replace(CHECK, retries=retries)
    known = judged(check, *probes)
    assert len(known.probes) == min(len(probes), health.REMEMBERED)
    assert (known.status == "unhealthy") == (known.failures >= retries)
    if probes and probes[-1][1] == 0:
        assert (known.status, known.failures) == ("healthy", 0)


@pytest.mark.parametrize(
    "change",
    [{"command": []}, {"command": [""]}, {"interval": 0.0}, {"timeout": float("nan")}, {"start_period": -1.0},
     {"start_interval": 1e12}, {"retries": 0}],
)  # fmt: skip
async def test_a_check_that_can_not_be_made_is_refused_at_create(machine: Machine, change: dict[str, object]) -> None:
    check = msgspec.structs.replace(HealthCheck(command=["true"]), **change)
    with pytest.raises(EngineError, match="A health check"):
        await machine.containers.create(ContainerOptions(image="busybox", health=check))


def sleeper(script: str, directory: Path | None = None, **check: object) -> ContainerOptions:
    """A container that sleeps, and a shell's script to check it by; `directory` is at /shared."""
    mounts = [MountOption(type="bind", source=str(directory), destination="/shared")] if directory else []
    return ContainerOptions(
        image="busybox",
        command=["sleep", "1000"],
        name="checked",
        mounts=mounts,
        health=HealthCheck(command=["sh", "-c", script], **{**QUICK, **check}),  # type: ignore[arg-type]
    )


async def state(machine: Machine) -> Health:
    known: Health | None = (await machine.containers.inspect("checked")).state.health
    assert known is not None
    return known


async def turns(events: Subscription, status: str) -> None:
    """Wait until the health is that."""
    async with asyncio.timeout(PATIENCE):
        while (await until(events, "health_status")).attributes["status"] != status:
            pass


async def test_it_turns_with_what_the_check_finds(machine: Machine, tmp_path: Path) -> None:
    with machine.containers.events() as events:
        options = sleeper("echo looked; test -e /shared/ready", tmp_path, start_period=1000.0)
        await machine.containers.run(options)
        assert (await state(machine)).status == "starting"
        (tmp_path / "ready").touch()
        await turns(events, "healthy")
        known = await state(machine)
        assert (known.probes[-1].exit_code, known.probes[-1].output) == (0, "looked\n")
        (tmp_path / "ready").unlink()
        await turns(events, "unhealthy")
        known = await state(machine)
        assert known.failures >= 3  # further ones may have come meanwhile
        assert [each.exit_code for each in known.probes[-3:]] == [1, 1, 1]
        (row,) = await machine.containers.list()
        assert row.health == "unhealthy"
        (tmp_path / "ready").touch()
        await turns(events, "healthy")
        assert (await state(machine)).failures == 0


async def test_without_a_check_there_is_no_health_and_no_task(machine: Machine) -> None:
    await machine.containers.run(ContainerOptions(image="busybox", command=["sleep", "1000"], name="plain"))
    assert (await machine.containers.inspect("plain")).state.health is None
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("health")]


async def test_a_check_that_takes_too_long_is_killed_and_has_failed(machine: Machine) -> None:
    with machine.containers.events() as events:
        await machine.containers.run(sleeper("echo begun; exec sleep 1000", timeout=0.3, retries=1))
        await turns(events, "unhealthy")
    last = (await state(machine)).probes[-1]
    assert last.exit_code == -1
    assert last.output.startswith("The check took more than 0.3 s.\n")
    processes = await machine.containers.top("checked")
    assert len([each for each in processes if each.command[:1] == ["sleep"]]) <= 2  # its program, and the next check


async def test_only_the_beginning_of_what_it_writes_is_kept(machine: Machine) -> None:
    with machine.containers.events() as events:
        await machine.containers.run(sleeper("yes | head -c 1000000; echo >&2 end"))
        await turns(events, "healthy")
    assert (await state(machine)).probes[-1].output == "y\n" * 2048


async def test_a_check_that_is_no_program_is_a_failure_in_words(machine: Machine) -> None:
    options = msgspec.structs.replace(sleeper(""), health=HealthCheck(command=["/none"], retries=1, **QUICK))
    with machine.containers.events() as events:
        await machine.containers.run(options)
        await turns(events, "unhealthy")
    last = (await state(machine)).probes[-1]
    assert last.exit_code == 127
    assert "/none" in last.output


async def test_the_paused_are_not_probed(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    with machine.containers.events() as events:
        await machine.containers.run(sleeper("test -e /shared/ready", tmp_path))
        await turns(events, "healthy")
        await machine.containers.pause("checked")
        (tmp_path / "ready").unlink()
        await asyncio.sleep(0.5)  # ten times as long as the interval: no failure may come of it
        now = await state(machine)
        assert (now.status, now.failures) == ("healthy", 0)
        await machine.containers.unpause("checked")
        await turns(events, "unhealthy")


async def test_health_ends_with_the_run_and_begins_anew_with_the_next(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    with machine.containers.events() as events:
        await machine.containers.run(sleeper("test -e /shared/ready", tmp_path, start_period=1000.0))
        await turns(events, "healthy")
        await machine.containers.stop("checked", 0)
        assert (await machine.containers.inspect("checked")).state.health is None
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("health")]
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        (tmp_path / "ready").unlink()
        await machine.containers.start("checked")
        assert (await state(machine)).status == "starting"
        (tmp_path / "ready").touch()
        await turns(events, "healthy")


async def test_a_container_that_ends_over_its_check_was_not_unhealthy(machine: Machine, tmp_path: Path) -> None:
    """The kernel kills what runs in a container whose init ends: that says nothing of its health."""
    options = sleeper("touch /shared/looking; exec sleep 1000", tmp_path, retries=1)
    script = "until test -e /shared/looking; do sleep 0.01; done"
    seen = []
    with machine.containers.events() as events:
        await machine.containers.run(msgspec.structs.replace(options, command=["sh", "-c", script]))
        async with asyncio.timeout(PATIENCE):
            while "die" not in seen:
                event = await anext(events)
                assert isinstance(event, Event)
                seen.append(event.action)
    assert "health_status" not in seen


async def test_a_new_engine_looks_again_at_once(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    with machine.containers.events() as events:
        options = sleeper("test -e /shared/ready", tmp_path, interval=1000.0, start_period=1000.0)
        await machine.containers.run(options)
        await turns(events, "healthy")
    (tmp_path / "ready").unlink()
    await machine.restart_engine()
    with machine.containers.events() as events:
        assert (await state(machine)).status == "starting"
        (tmp_path / "ready").touch()
        await turns(events, "healthy")
        assert list(machine.keeper.held) == [(await machine.containers.inspect("checked")).id]
