"""What a new engine makes of what it finds. The engine is killed in every test here, often the keeper too."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from engine.containers.identity import boot_id
from engine.containers.record import Identity, Record
from engine.protocol.messages import Attach, Exec, Exited, Input, RestartPolicy, Status

from .conftest import PATIENCE, Machine, alive, end_of, until
from .test_lifecycle import TERM_TRAP, ended, only, output, prints, seen, shell

UNTIL_GO = "until test -e /go; do sleep 0.01; done"


async def end_without_an_engine(machine: Machine) -> None:
    """Kill the engine, let the one container end that waits for that, and start another engine."""
    pid = (await only(machine.containers)).pid
    assert pid is not None
    pidfd = os.pidfd_open(pid)
    await machine.end_engine(signal.SIGKILL)
    Path(f"/proc/{pid}/root/go").touch()
    await end_of(pidfd)
    await machine.connect()


def on_disk(machine: Machine, id: str) -> Path:
    return machine.places.state / "containers" / id / "state.json"


def change(machine: Machine, id: str, **fields: object) -> None:
    """Make the disk say something else, as if the engine had been killed at another moment."""
    path = on_disk(machine, id)
    record = msgspec.json.decode(path.read_bytes(), type=Record)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(record, **fields)))


async def test_a_running_container_goes_on_and_can_be_attached_to(machine: Machine) -> None:
    ref = await machine.containers.run(shell("echo one; cat", name="web", tty=True, interactive=True))
    session = await machine.containers.attach(Attach(container="web"))
    await seen(session, "one")
    before = await only(machine.containers)
    await machine.restart_engine()
    assert await only(machine.containers) == before
    session = await machine.containers.attach(Attach(container=ref.id))
    assert b"one" in await seen(session, "one")
    await session.send(Input(data=b"two\r"))
    await seen(session, "two")
    await session.send(Input(data=b"\x04"))
    assert [message async for message in session][-1] == Exited(exit_code=0)


async def test_what_was_printed_without_an_engine_is_in_the_log_once(machine: Machine) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.05; done; exit 6"
    await machine.containers.run(shell(script, name="web"))
    await prints(machine.containers, "web", "2")
    for _ in range(2):
        await machine.restart_engine()
    assert await ended(machine.containers, "web") == 6
    assert (await output(machine.containers, "web")).split() == list("123456789")


async def test_an_exit_that_no_engine_saw_is_not_lost(machine: Machine) -> None:
    await machine.containers.run(shell(f"{UNTIL_GO}; echo bye; exit 44", name="web"))
    await end_without_an_engine(machine)
    assert await ended(machine.containers, "web") == 44
    summary = await only(machine.containers)
    assert (summary.status, summary.exit_code) == (Status.EXITED, 44)
    assert await output(machine.containers, "web") == "bye\n"
    assert machine.keeper.held == {}


async def test_an_exit_on_record_that_the_keeper_was_not_told_of_is_counted_once(machine: Machine) -> None:
    ref = await machine.containers.run(shell(f"test -e /again && {{ {UNTIL_GO}; }}; touch /again; exit 3", name="web"))
    await ended(machine.containers, "web")
    # As if the engine had been killed before it told the keeper to forget.
    record = on_disk(machine, ref.id).read_bytes()
    await machine.containers.start("web")
    pid = machine.keeper.held[ref.id].pid
    Path(f"/proc/{pid}/root/go").touch()
    assert await asyncio.wait_for(machine.keeper.ended(ref.id), PATIENCE) == 3 << 8
    await machine.end_engine(signal.SIGKILL)
    if machine.cgroups.available:
        machine.cgroups.create(ref.id)
    (machine.places.runtime / "spool" / ref.id).mkdir(parents=True, exist_ok=True)
    on_disk(machine, ref.id).write_bytes(record)
    change(machine, ref.id, init=Identity(pid=pid, start=1, boot=boot_id()))
    await machine.connect()
    assert (machine.keeper.held, machine.cgroups.ids()) == ({}, [])
    assert not (machine.places.runtime / "spool" / ref.id).exists()
    with machine.containers.events() as events:
        await machine.containers.start("web")
        assert (await until(events, "die")).attributes["exit_code"] == "3"
    assert await ended(machine.containers, "web") == 3


async def test_a_launch_that_was_not_recorded_is_taken_over(machine: Machine) -> None:
    ref = await machine.containers.run(shell(TERM_TRAP, name="web"))
    await prints(machine.containers, "web", "ready")
    pid = (await only(machine.containers)).pid
    change(machine, ref.id, status=Status.CREATED, init=None, started_at=None)
    await machine.restart_engine()
    summary = await only(machine.containers)
    assert (summary.status, summary.pid) == (Status.RUNNING, pid)
    assert summary.started_at is not None
    await machine.containers.stop("web")
    assert (await only(machine.containers)).exit_code == 3


async def test_a_paused_container_stays_paused(machine: Machine) -> None:
    if not machine.cgroups.available:
        pytest.skip(machine.cgroups.reason)
    ref = await machine.containers.run(shell(TERM_TRAP, name="web"))
    await machine.containers.pause("web")
    change(machine, ref.id, status=Status.RUNNING)
    await machine.restart_engine()
    assert (await only(machine.containers)).status == Status.PAUSED
    await machine.containers.unpause("web")
    await machine.containers.stop("web", 0)


async def test_a_stop_that_was_under_way_counts_as_one(machine: Machine) -> None:
    ref = await machine.containers.run(shell(TERM_TRAP, name="web", restart=RestartPolicy(name="always")))
    await prints(machine.containers, "web", "ready")
    asking = asyncio.create_task(machine.containers.stop("web", 600))
    async with asyncio.timeout(PATIENCE):
        await machine.keeper.ended(ref.id)  # the first to know; the record has still to be written
    await machine.end_engine(signal.SIGKILL)
    await asyncio.gather(asking, return_exceptions=True)
    await machine.connect()
    assert await ended(machine.containers, "web") == 3
    assert (await only(machine.containers)).status == Status.STOPPED


async def test_programs_started_by_exec_end_with_their_engine(machine: Machine) -> None:
    await machine.containers.run(shell("sleep 100", name="web"))
    await machine.containers.exec(Exec(container="web", command=["sleep", "99"], detach=True))
    assert len(machine.keeper.held) == 2
    await machine.restart_engine()
    assert list(machine.keeper.held) == [(await only(machine.containers)).id]
    assert len(await machine.containers.top("web")) == 1


async def test_a_waiting_restart_still_happens(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    containers = machine.containers
    with monkeypatch.context() as patched:
        patched.setattr("engine.containers.restart.FIRST_DELAY", 3600.0)
        with containers.events() as events:
            await containers.run(
                shell("test -e /again && sleep 100; touch /again", name="web", restart=RestartPolicy(name="always"))
            )
            await until(events, "die")
    await machine.end_engine(signal.SIGKILL)
    await machine.connect()
    with machine.containers.events() as events:
        await until(events, "restart")
    assert (await only(machine.containers)).status == Status.RUNNING


async def test_when_the_keeper_is_lost_its_containers_are_ended_and_said_to_be_lost(machine: Machine) -> None:
    ref = await machine.containers.run(shell("sleep 100", name="web"))
    gone = await machine.containers.run(shell("sleep 100", remove=True))
    pid = (await machine.containers.inspect("web")).state.pid
    await machine.kill_keeper()
    await machine.start_keeper()
    detail = await machine.containers.inspect("web")
    assert (detail.state.status, detail.state.exit_code) == (Status.EXITED, 255)
    assert detail.state.error == "The keeper was lost while it ran."
    assert not alive(pid)
    assert {ref.id, gone.id}.isdisjoint(machine.cgroups.ids())
    assert [summary.id for summary in await machine.containers.list(all=True)] == [ref.id]
    await machine.containers.start("web")


async def test_a_process_that_only_has_the_same_pid_is_left_alone(machine: Machine) -> None:
    ref = await machine.containers.run(shell("exec sleep 1000", name="web"))
    await machine.containers.kill("web", "KILL")
    await ended(machine.containers, "web")
    mine = await asyncio.create_subprocess_exec("sleep", "100")
    await machine.kill_keeper()
    record = msgspec.json.decode(on_disk(machine, ref.id).read_bytes(), type=Record)
    assert record.init is not None
    # A second earlier: both may have started within one of the kernel's ticks, which no pid is used in twice.
    identity = msgspec.structs.replace(record.init, pid=mine.pid, start=record.init.start - 100)
    change(machine, ref.id, status=Status.RUNNING, init=identity)
    await machine.start_keeper()
    assert (await only(machine.containers)).exit_code == 255
    assert mine.returncode is None
    os.kill(mine.pid, 0)
    mine.kill()
    await mine.wait()


async def test_after_a_reboot_restart_policies_are_asked(machine: Machine) -> None:
    containers = machine.containers
    ids = {}
    for name, policy in (
        ("a", "always"),
        ("u", "unless-stopped"),
        ("n", "no"),
        ("s", "unless-stopped"),
        ("b", "always"),
    ):
        options = shell("sleep 100", name=f"web-{name}", restart=RestartPolicy(name=policy))  # type: ignore[arg-type]
        ids[name] = (await containers.run(options)).id
    await containers.stop("web-s", 0)
    await containers.stop("web-b", 0)
    await containers.create(shell("sleep 100", name="web-c", restart=RestartPolicy(name="always")))
    await machine.kill_keeper()
    for name in ("a", "u", "n"):
        record = msgspec.json.decode(on_disk(machine, ids[name]).read_bytes(), type=Record)
        assert record.init is not None
        os.kill(record.init.pid, signal.SIGKILL)
        change(machine, ids[name], init=msgspec.structs.replace(record.init, boot="another"))
    await machine.start_keeper()
    async with asyncio.timeout(PATIENCE):
        with machine.containers.events() as events:
            while sum(summary.status == "running" for summary in await machine.containers.list()) < 3:
                await until(events, "restart")
    status = {summary.name[-1]: summary.status for summary in await machine.containers.list(all=True)}
    assert status == {"a": "running", "u": "running", "b": "running", "n": "exited", "s": "stopped", "c": "created"}
    assert (await machine.containers.inspect("web-n")).state.error == "The machine was restarted while it ran."
    assert record.init.boot == boot_id()


async def test_stopped_by_the_engines_end_is_not_stopped_by_a_person(machine: Machine) -> None:
    await machine.containers.run(shell("sleep 100", name="web", restart=RestartPolicy(name="unless-stopped")))
    await machine.containers.stop_all(0)
    await machine.restart_engine()
    assert (await only(machine.containers)).status == Status.STOPPED
    await machine.kill_keeper()
    await machine.start_keeper()
    with machine.containers.events() as events:
        if (await only(machine.containers)).status != Status.RUNNING:
            await until(events, "restart")


async def test_what_the_disk_does_not_know_is_ended(machine: Machine) -> None:
    ref = await machine.containers.run(shell("sleep 100", name="web"))
    pid = (await only(machine.containers)).pid
    on_disk(machine, ref.id).write_text("{")
    await machine.restart_engine()
    assert await machine.containers.list(all=True) == []
    assert machine.keeper.held == {}
    assert not alive(pid)
    assert ref.id not in machine.cgroups.ids()
    assert ref.id in machine.containers.findings[0].text


async def test_a_container_with_rm_that_ended_unseen_is_removed(machine: Machine) -> None:
    ref = await machine.containers.run(shell(UNTIL_GO, remove=True))
    await end_without_an_engine(machine)
    assert await ended(machine.containers, ref.id) == 0
    assert await machine.containers.list(all=True) == []
