"""Containers from birth to removal, with a real keeper."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from engine.containers import bundle, launch, running
from engine.containers.attach import Session
from engine.containers.lifecycle import Containers
from engine.errors import EngineError
from engine.protocol.messages import (
    Attach,
    CloseInput,
    ContainerOptions,
    ContainerSummary,
    ErrorCode,
    Exec,
    Exited,
    Input,
    Output,
    Resize,
    Resized,
    RestartPolicy,
    Status,
    StreamEnd,
    StreamLogs,
)
from engine.sandbox import root
from engine.sandbox.plan import Plan, Step
from engine.sandbox.root import Plain, RootFilesystem
from engine.spec.structs import Spec

from .conftest import PATIENCE, Machine, alive, children, until

TERM_TRAP = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"


def shell(script: str, **options: object) -> ContainerOptions:
    return ContainerOptions(image="busybox", command=["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]


async def only(containers: Containers) -> ContainerSummary:
    (summary,) = await containers.list(all=True)
    return summary


async def ended(containers: Containers, ref: str) -> int:
    """The exit code of the present run."""
    return (await asyncio.wait_for(containers.wait(ref), PATIENCE)).exit_code


async def output(containers: Containers, ref: str) -> str:
    """All of the log."""
    records = [record async for record in containers.logs(StreamLogs(container=ref))]
    return b"".join(record.data for record in records if not isinstance(record, StreamEnd)).decode()


async def prints(containers: Containers, ref: str, text: str) -> None:
    """Wait until the container has printed `text`."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        async for record in containers.logs(StreamLogs(container=ref, follow=True)):
            assert not isinstance(record, StreamEnd), seen
            seen += record.data
            if text.encode() in seen:
                return


async def seen(session: Session, text: str) -> bytes:
    """What a session shows until `text` is in it."""
    data = b""
    async with asyncio.timeout(PATIENCE):
        async for message in session:
            assert not isinstance(message, Exited | StreamEnd), data
            if isinstance(message, Output):
                data += message.data
            if text.encode() in data:
                break
    return data


async def refused(work: object) -> EngineError:
    with pytest.raises(EngineError) as error:
        await work  # type: ignore[misc]
    return error.value


# From birth to removal


async def test_a_container_is_created_started_ends_by_itself_and_is_removed(machine: Machine) -> None:
    containers = machine.containers
    ref = await containers.create(shell("echo hello; exit 7", name="web"))
    assert (await only(containers)).status == Status.CREATED
    assert await containers.start("web") == ref
    assert await ended(containers, ref.id) == 7
    summary = await only(containers)
    assert (summary.status, summary.exit_code, summary.pid) == (Status.EXITED, 7, None)
    assert await output(containers, "web") == "hello\n"
    assert await containers.list() == []
    await containers.remove("web")
    assert await containers.list(all=True) == []
    assert not list((machine.places.state / "containers").iterdir())


async def test_ids_and_names_are_generated(machine: Machine) -> None:
    refs = [await machine.containers.create(shell("true")) for _ in range(3)]
    assert len({ref.id for ref in refs}) == len({ref.name for ref in refs}) == 3
    assert [summary.id for summary in await machine.containers.list(all=True)] == [ref.id for ref in reversed(refs)]


async def test_a_running_container_is_listed_with_its_processes(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("sleep 100 & wait", name="web"))
    summary = (await containers.list())[0]
    assert summary.status == Status.RUNNING
    assert summary.pid is not None
    rows = await containers.top("web")
    assert [row.inner_pid for row in rows if row.pid == summary.pid] == [1]
    assert {row.command[0] for row in rows} <= {"/bin/sh", "sleep"}


async def test_inspect_tells_everything_and_the_launch_receipt_ends_in_execve(machine: Machine) -> None:
    containers = machine.containers
    ref = await containers.run(shell("sleep 100", name="web", labels={"a": "b"}, env=["X=y"]))
    detail = await containers.inspect(ref.id[:6])
    assert (detail.name, detail.image, detail.state.status, detail.labels) == ("web", "busybox", "running", {"a": "b"})
    assert "X=y" in detail.spec["process"]["env"]
    assert any(mount.destination == "/proc" for mount in detail.mounts)
    launch = await containers.launch("web")
    assert [step.call for step in launch.steps if step.outcome == "done"][-1] == "execve"
    assert launch.total > 0


async def test_run_with_rm_removes_the_container_before_wait_returns(machine: Machine) -> None:
    ref = await machine.containers.run(shell("sleep 0.2; exit 3", remove=True))
    assert await ended(machine.containers, ref.id) == 3
    assert await machine.containers.list(all=True) == []


async def test_a_root_directory_of_the_machine_is_used_and_not_written_to(machine: Machine, tmp_path: Path) -> None:
    image = await machine.images.prepare("busybox")
    rootfs = tmp_path / "root"
    await asyncio.to_thread(os.symlink, image.layers[0], rootfs)
    options = ContainerOptions(rootfs=str(rootfs), command=["/bin/sh", "-c", "echo new > /file; cat /file"], name="web")
    await machine.containers.run(options)
    assert await ended(machine.containers, "web") == 0
    assert await output(machine.containers, "web") == "new\n"
    assert not (rootfs / "file").exists()


async def test_the_host_image_runs_the_machines_own_programs(machine: Machine) -> None:
    await machine.containers.run(
        ContainerOptions(command=["/bin/sh", "-c", "echo $((6*7)) > /usr/x; cat /usr/x"], name="web")
    )
    assert await ended(machine.containers, "web") == 0
    assert await output(machine.containers, "web") == "42\n"
    assert not Path("/usr/x").exists()


# Exit codes and starting again


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 255", 255), ("kill -9 $$; sleep 9", 137)])
async def test_the_exit_code_is_the_shells(machine: Machine, script: str, code: int) -> None:
    # A process can't kill itself as PID 1 of its namespace, so the shell does it as a child's status.
    ref = await machine.containers.run(shell(f"/bin/sh -c '{script}'; exit $?"))
    assert await ended(machine.containers, ref.id) == code


async def test_a_command_that_is_not_there_is_127_and_run_leaves_nothing(machine: Machine) -> None:
    error = await refused(machine.containers.run(ContainerOptions(image="busybox", command=["nonesuch"])))
    assert error.code == ErrorCode.COMMAND_NOT_FOUND
    assert '"nonesuch"' in error.message
    assert await machine.containers.list(all=True) == []


async def test_a_command_that_can_not_be_executed_is_126(machine: Machine) -> None:
    error = await refused(machine.containers.run(ContainerOptions(image="busybox", command=["/etc"])))
    assert error.code == ErrorCode.COMMAND_NOT_EXECUTABLE
    assert await machine.containers.list(all=True) == []


async def test_a_failed_start_leaves_the_container_as_it_was_with_the_reason(machine: Machine) -> None:
    containers = machine.containers
    ref = await containers.create(ContainerOptions(image="busybox", command=["nonesuch"], name="web"))
    with containers.events() as events:
        error = await refused(containers.start("web"))
        assert (await until(events, "launch_failed")).attributes["error"] == error.message
    detail = await containers.inspect("web")
    assert (detail.state.status, detail.state.error) == (Status.CREATED, error.message)
    assert (await containers.launch("web")).steps[-1].outcome != "not reached"
    assert machine.cgroups.find(ref.id).processes() == []
    assert ref.id not in machine.cgroups.ids()
    assert machine.keeper.held == {}


async def test_a_missing_working_directory_is_said(machine: Machine) -> None:
    error = await refused(machine.containers.run(shell("true", workdir="/nonesuch")))
    assert error.code == ErrorCode.LAUNCH_FAILED
    assert "/nonesuch" in error.message


async def test_a_kernel_without_overlay_is_said_and_nothing_is_left(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Asked for a file system that it has not, the kernel answers as it would for an overlay.
    new_filesystem = root.new_filesystem
    monkeypatch.setattr(root, "new_filesystem", lambda plan, _type, *rest: new_filesystem(plan, "ovrelay", *rest))
    mounts = Path("/proc/self/mountinfo").read_text()
    error = await refused(machine.containers.run(shell("true")))
    assert error.code == ErrorCode.LAUNCH_FAILED
    assert error.message.endswith("No such device; this kernel has no ovrelay file system, load its module.")
    assert await machine.containers.list(all=True) == []
    assert machine.cgroups.ids() == []
    assert machine.keeper.held == {}
    assert Path("/proc/self/mountinfo").read_text() == mounts


async def test_stopped_and_exited_containers_start_again_with_their_files(machine: Machine) -> None:
    containers = machine.containers
    await containers.create(shell("echo x >> /file; wc -l < /file; exit 4", name="web"))
    for _ in range(3):
        await containers.start("web")
        assert await ended(containers, "web") == 4
    assert (await output(containers, "web")).split() == ["1", "2", "3"]


async def test_starting_a_running_container_changes_nothing_as_with_docker(machine: Machine) -> None:
    await machine.containers.run(shell("sleep 100", name="web"))
    before = await only(machine.containers)
    await machine.containers.start("web")
    assert await only(machine.containers) == before


# Stopping, killing, pausing


async def test_stop_asks_the_init_to_end(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell(TERM_TRAP, name="web"))
    await prints(containers, "web", "ready")
    await containers.stop("web", 600)
    summary = await only(containers)
    assert (summary.status, summary.exit_code) == (Status.STOPPED, 3)
    await containers.stop("web", 600)  # nothing happens


async def test_an_impatient_stop_does_not_wait_for_a_patient_one(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", name="web"))
    await prints(containers, "web", "ready")
    async with asyncio.TaskGroup() as patient:
        patient.create_task(containers.stop("web", 600))
        await asyncio.sleep(0)
        await asyncio.wait_for(containers.stop("web", 0), PATIENCE)
    assert (await only(containers)).exit_code == 137


async def test_stop_kills_what_does_not_end_and_all_below_it(machine: Machine) -> None:
    containers = machine.containers
    ref = await containers.run(shell("trap '' TERM; setsid sleep 100 & echo ready; wait; sleep 100", name="web"))
    await prints(containers, "web", "ready")
    pids = [row.pid for row in await containers.top("web")]
    assert len(pids) >= 2
    await containers.stop("web", 0.1)
    summary = await only(containers)
    assert (summary.status, summary.exit_code) == (Status.STOPPED, 137)
    assert not any(alive(pid) for pid in pids)
    assert ref.id not in machine.cgroups.ids()


async def test_kill_sends_the_signal_that_was_asked_for(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.05; done", name="web"))
    await prints(containers, "web", "ready")
    await containers.kill("web", "SIGUSR1")
    assert await ended(containers, "web") == 5
    assert (await only(containers)).status == Status.EXITED
    assert (await refused(containers.kill("web"))).code == ErrorCode.WRONG_STATE


async def test_kill_works_while_stop_waits(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", name="web"))
    await prints(containers, "web", "ready")
    stopping = asyncio.create_task(containers.stop("web", 60))
    with containers.events() as events:
        await containers.kill("web")
        await until(events, "die")
    await asyncio.wait_for(stopping, 30)  # before its patience ends
    assert (await only(containers)).exit_code == 137


@pytest.mark.parametrize("signal", ["NONESUCH", "0", "65", "-9", "", "9" * 50])
async def test_a_signal_that_is_none_is_refused(machine: Machine, signal: str) -> None:
    await machine.containers.run(shell("sleep 100", name="web"))
    assert (await refused(machine.containers.kill("web", signal))).code == ErrorCode.INVALID


async def test_a_paused_container_stands_still_until_it_is_unpaused(machine: Machine) -> None:
    if not machine.cgroups.available:
        pytest.skip(machine.cgroups.reason)
    containers = machine.containers
    ref = await containers.run(shell("while :; do echo x; sleep 0.01; done", name="web"))
    await prints(containers, "web", "x")
    await containers.pause("web")
    assert (await only(containers)).status == Status.PAUSED
    assert machine.cgroups.find(ref.id).frozen
    assert (await refused(containers.pause("web"))).code == ErrorCode.WRONG_STATE
    assert (await refused(containers.exec(Exec(container="web", command=["true"])))).code == ErrorCode.WRONG_STATE
    await containers.unpause("web")
    assert (await only(containers)).status == Status.RUNNING
    before = len(await output(containers, "web"))
    await prints(containers, "web", "x\n" * (before // 2 + 2))
    assert (await refused(containers.unpause("web"))).code == ErrorCode.WRONG_STATE


@pytest.mark.parametrize("how", ["stop", "kill", "remove"])
async def test_a_paused_container_can_be_stopped_killed_and_removed(machine: Machine, how: str) -> None:
    if not machine.cgroups.available:
        pytest.skip(machine.cgroups.reason)
    containers = machine.containers
    await containers.run(shell(TERM_TRAP, name="web"))
    await prints(containers, "web", "ready")
    await containers.pause("web")
    match how:
        case "stop":
            await asyncio.wait_for(containers.stop("web", 600), PATIENCE)
            assert (await only(containers)).exit_code == 3
        case "kill":
            await containers.kill("web")
            assert await ended(containers, "web") == 137
        case "remove":
            await asyncio.wait_for(containers.remove("web", force=True), PATIENCE)


async def test_a_running_container_is_removed_by_force_only(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("sleep 100", name="web"))
    error = await refused(containers.remove("web"))
    assert error.code == ErrorCode.WRONG_STATE
    assert "--force" in error.message
    await containers.remove("web", force=True)
    assert await containers.list(all=True) == []


async def test_stop_all_stops_everything_at_once(machine: Machine) -> None:
    containers = machine.containers
    for _ in range(3):
        ref = await containers.run(shell(TERM_TRAP, restart=RestartPolicy(name="always")))
        await prints(containers, ref.id, "ready")
    await containers.stop_all()
    assert {summary.status for summary in await containers.list(all=True)} == {Status.STOPPED}


# Names


async def test_a_duplicate_name_is_refused_while_the_other_is_still_being_made(machine: Machine) -> None:
    made = await asyncio.gather(
        *(machine.containers.create(shell("true", name="web")) for _ in range(2)), return_exceptions=True
    )
    assert [error.code for error in made if isinstance(error, EngineError)] == [ErrorCode.NAME_IN_USE]
    assert len(await machine.containers.list(all=True)) == 1


async def test_a_renamed_container_answers_to_its_new_name_only(machine: Machine) -> None:
    containers = machine.containers
    ref = await containers.create(shell("true", name="web"))
    await containers.create(shell("true", name="db"))
    assert (await refused(containers.rename("web", "db"))).code == ErrorCode.NAME_IN_USE
    assert (await refused(containers.rename("web", "no/good"))).code == ErrorCode.INVALID
    assert "is called 'web' already" in (await refused(containers.rename("web", "web"))).message
    await containers.rename("web", "site")
    assert (await containers.inspect("site")).id == ref.id
    assert (await refused(containers.inspect("web"))).code == ErrorCode.NO_SUCH_CONTAINER
    await containers.create(shell("true", name="web"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (ContainerOptions(image="nonesuch"), ErrorCode.NO_SUCH_IMAGE),
        (ContainerOptions(image="busybox", rootfs="/"), ErrorCode.INVALID),
        (ContainerOptions(rootfs="/nonesuch", command=["true"]), ErrorCode.INVALID),
        (ContainerOptions(rootfs="/etc/passwd", command=["true"]), ErrorCode.INVALID),
        (ContainerOptions(rootfs="relative", command=["true"]), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", name="no/good"), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", user="nobody_here"), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", env=["novalue"]), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", workdir="relative"), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", remove=True, restart=RestartPolicy(name="always")), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", restart=RestartPolicy(name="always", maximum=3)), ErrorCode.INVALID),
        (ContainerOptions(image="busybox", columns=0), ErrorCode.INVALID),
    ],
)
async def test_bad_options_are_refused_and_leave_nothing(
    machine: Machine, options: ContainerOptions, code: ErrorCode
) -> None:
    assert (await refused(machine.containers.create(options))).code == code
    assert await machine.containers.list(all=True) == []
    assert not (machine.places.state / "containers").exists()


async def test_filters_choose_what_is_listed(machine: Machine) -> None:
    containers = machine.containers
    web = await containers.create(shell("true", name="web-1", labels={"tier": "front"}))
    await containers.create(shell("true", name="db-1"))
    await containers.run(shell("sleep 100", name="web-2", labels={"tier": "back"}))

    async def chosen(*filters: str) -> list[str]:
        return [summary.name for summary in await containers.list(True, filters)]

    assert await chosen("name=web") == ["web-2", "web-1"]
    assert await chosen("name=web-1", "name=db") == ["db-1", "web-1"]
    assert await chosen("status=created", "label=tier") == ["web-1"]
    assert await chosen("label=tier=back") == ["web-2"]
    assert await chosen(f"id={web.id[:5]}", "image=busybox") == ["web-1"]
    assert [summary.name for summary in await containers.list(False, ["status=created"])] == ["db-1", "web-1"]
    for bad in ("status=nonesuch", "colour=red", "name"):
        assert (await refused(chosen(bad))).code == ErrorCode.INVALID


# Restart policies


async def test_on_failure_restarts_so_many_times_and_no_more(machine: Machine) -> None:
    containers = machine.containers
    with containers.events() as events:
        await containers.run(shell("echo x; exit 1", name="web", restart=RestartPolicy(name="on-failure", maximum=2)))
        for expected in ("1", "2"):
            assert (await until(events, "restart")).attributes["restarts"] == expected
        await until(events, "die")
    summary = await only(containers)
    assert (summary.status, summary.restarts, summary.exit_code) == (Status.EXITED, 2, 1)
    assert await output(containers, "web") == "x\n" * 3
    await containers.start("web")
    assert (await only(containers)).restarts == 0


async def test_a_container_that_is_stopped_does_not_restart(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell(TERM_TRAP, name="web", restart=RestartPolicy(name="always")))
    await prints(containers, "web", "ready")
    await containers.stop("web", 10)
    assert (await only(containers)).status == Status.STOPPED


@pytest.mark.parametrize("how", ["stop", "remove", "start"])
async def test_a_restart_that_waits_can_be_called_off_or_hurried(
    machine: Machine, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.restart, "FIRST_DELAY", 3600.0)
    containers = machine.containers
    with containers.events() as events:
        await containers.run(
            shell("test -e /again && sleep 100; touch /again", name="web", restart=RestartPolicy(name="always"))
        )
        await until(events, "die")
    assert (await only(containers)).status == Status.RESTARTING
    match how:
        case "stop":
            await containers.stop("web")
            assert (await only(containers)).status == Status.STOPPED
        case "remove":
            assert "stop it first" in (await refused(containers.remove("web"))).message
            await containers.remove("web", force=True)
        case "start":
            await containers.start("web")
            assert (await only(containers)).status == Status.RUNNING


# Sessions


async def test_attach_with_start_misses_nothing_and_tells_the_exit_code(machine: Machine) -> None:
    containers = machine.containers
    await containers.create(shell("echo first; cat; exit 9", name="web", interactive=True))
    session = await containers.attach(Attach(container="web", start=True))
    await session.send(Input(data=b"second\n"))
    await session.send(CloseInput())
    messages = [message async for message in session]
    data = b"".join(message.data for message in messages if isinstance(message, Output))
    assert data == b"first\nsecond\n"
    assert messages[-1] == Exited(exit_code=9)
    await session.close()


async def test_a_terminal_is_shared_resized_and_left(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("stty size; cat", name="web", tty=True, interactive=True, columns=90, lines=30))
    first = await containers.attach(Attach(container="web"))
    assert (first.attached.tty, first.attached.columns, first.attached.lines) == (True, 90, 30)
    await seen(first, "30 90")
    second = await containers.attach(Attach(container="web", columns=100, lines=40))
    await second.send(Input(data=b"hello\r"))
    assert b"hello" in await seen(first, "hello")
    await first.close()
    onlooker = await containers.attach(Attach(container="web", input=False))
    await second.send(Resize(columns=70, lines=20))
    async with asyncio.timeout(PATIENCE):
        assert [message async for message in _resizes(onlooker)] == [Resized(columns=70, lines=20)]
    assert (await refused(onlooker.send(Input(data=b"x")))).code == ErrorCode.FORBIDDEN
    await second.close()
    await onlooker.close()
    assert (await only(containers)).status == Status.RUNNING
    await containers.resize("web", 50, 10)
    assert (await refused(containers.resize("web", 0, 10))).code == ErrorCode.INVALID


async def _resizes(session: Session) -> AsyncIterator[Resized]:
    async for message in session:
        if isinstance(message, Resized):
            yield message
            return


async def test_attaching_to_what_does_not_run_is_refused(machine: Machine) -> None:
    await machine.containers.create(shell("true", name="web"))
    assert (await refused(machine.containers.attach(Attach(container="web")))).code == ErrorCode.WRONG_STATE


async def test_exec_runs_another_program_in_the_container(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("echo inside > /file; sleep 100", name="web", env=["A=1"]))
    request = Exec(
        container="web",
        command=["/bin/sh", "-c", "sleep 0.1; cat /file; echo $A$B $PWD; exit 6"],
        env=["B=2"],
        workdir="/tmp",
    )
    session = await containers.exec(request)
    messages = [message async for message in session]
    data = b"".join(message.data for message in messages if isinstance(message, Output))
    assert data == b"inside\n12 /tmp\n"
    assert messages[-1] == Exited(exit_code=6)
    await session.close()
    assert list(machine.keeper.held) == [(await only(containers)).id]


async def test_a_program_may_close_its_terminal_and_open_it_again(machine: Machine) -> None:
    containers = machine.containers
    script = "exec </dev/null >/dev/null 2>&1; sleep 0.2; exec </dev/tty >/dev/tty; read word; echo $word back; exit 3"
    ref = await containers.run(shell(script, name="web", tty=True, interactive=True))
    session = await containers.attach(Attach(container="web"))
    await session.send(Input(data=b"and\r"))
    assert b"and back" in await seen(session, "and back")
    assert await ended(containers, ref.id) == 3
    await session.close()


async def test_exec_in_a_terminal_ends_with_its_session(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("sleep 100", name="web"))
    session = await containers.exec(Exec(container="web", command=["sh"], tty=True, interactive=True, columns=60))
    assert session.attached.columns == 60
    await session.send(Input(data=b"echo $((6*7))\r"))
    await seen(session, "42")
    assert len(await containers.top("web")) >= 2
    (program,) = (key for key in machine.keeper.held if "/" in key)
    await session.close()
    assert await asyncio.wait_for(machine.keeper.ended(program), 10) == 9
    assert len(await containers.top("web")) == 1


async def test_a_detached_exec_goes_on(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(shell("until test -e /done; do sleep 0.01; done", name="web"))
    session = await containers.exec(Exec(container="web", command=["sh", "-c", "sleep 0.1; touch /done"], detach=True))
    assert [message async for message in session] == [StreamEnd()]
    await session.close()
    assert await ended(containers, "web") == 0


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["nonesuch"], ErrorCode.COMMAND_NOT_FOUND),
        (["/etc"], ErrorCode.COMMAND_NOT_EXECUTABLE),
        ([], ErrorCode.INVALID),
    ],
)
async def test_exec_says_why_it_can_not(machine: Machine, command: list[str], code: ErrorCode) -> None:
    await machine.containers.run(shell("sleep 100", name="web"))
    assert (await refused(machine.containers.exec(Exec(container="web", command=command)))).code == code
    assert len(machine.keeper.held) == 1


async def test_events_tell_a_containers_life(machine: Machine) -> None:
    containers = machine.containers
    with containers.events() as events:
        await containers.run(shell("exit 3", name="web"))
        await ended(containers, "web")
        await containers.remove("web")
        actions = []
        async for event in events:
            assert not isinstance(event, StreamEnd)
            actions.append(event.action)
            if event.action == "remove":
                break
    assert actions == ["create", "start", "die", "remove"]


async def test_a_request_whose_asker_goes_away_is_done_all_the_same(machine: Machine) -> None:
    containers = machine.containers
    with containers.events() as events:
        asking = asyncio.create_task(containers.run(shell("sleep 100", name="web")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await until(events, "start")
    assert (await only(containers)).status == Status.RUNNING


# What goes wrong


async def test_whichever_step_of_a_launch_fails_nothing_is_left_of_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers = machine.containers
    ref = await containers.create(shell("sleep 100", name="web", tty=True))
    before = await inventory(machine, ref.id)
    build = launch.launch_plan
    for step in range(len(build(*await planned(machine, ref.id)).steps)):
        with monkeypatch.context() as patched:
            patched.setattr(launch, "launch_plan", lambda *a, step=step, **k: broken(build(*a, **k), step))
            error = await refused(containers.start("web"))
        assert error.code in (ErrorCode.LAUNCH_FAILED, ErrorCode.COMMAND_NOT_FOUND, ErrorCode.COMMAND_NOT_EXECUTABLE)
        assert error.message.startswith("Container 'web': ")
        assert await inventory(machine, ref.id) == before, f"step {step + 1}"
    assert (await only(containers)).status == Status.CREATED
    await containers.start("web")


def broken(plan: Plan, number: int) -> Plan:
    """The plan with one step that can only fail."""
    step = plan.steps[number]
    plan.steps[number] = Step("close", (-1,), step.why, step.part)
    del plan.steps[number + 1 :]  # none may make up for it, as another place on the PATH does
    return plan


async def planned(machine: Machine, id: str) -> tuple[Spec, RootFilesystem | Plain]:
    """What the launcher would plan for."""
    directory = machine.places.state / "containers" / id
    spec = msgspec.json.decode((directory / "config.json").read_bytes(), type=Spec)
    return spec, bundle.filesystem(directory, await machine.images.prepare("busybox"), spec)


async def inventory(machine: Machine, id: str) -> tuple[object, ...]:
    """All that a failed launch could leave."""
    directory = machine.places.state / "containers" / id
    kept = {"launch.json", "launch.json.new", "log.jsonl", "upper", "work", "merged", "network"}
    files = {path.name for path in directory.iterdir()} - kept
    spools = list((machine.places.runtime / "spool").iterdir()) if (machine.places.runtime / "spool").exists() else []
    mounts = Path("/proc/self/mountinfo").read_text()
    links = [link for _, link in socket.if_nameindex() if not link.startswith("hb-")]  # bridges stay
    given = list((machine.places.runtime / "networks").glob("*.json"))
    return files, spools, mounts, machine.cgroups.ids(), dict(machine.keeper.held), children(), links, given


@pytest.fixture
def full(machine: Machine) -> Iterator[Callable[[bool], None]]:
    """Fills the disk that the state is on, and empties it again."""
    state = machine.places.state
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "heliostui-test", str(state)], check=True)

    def fill(wanted: bool) -> None:
        filler = state / "filler"
        if not wanted:
            filler.unlink()
            return
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    yield fill
    subprocess.run(["umount", "-l", str(state)], check=True)


async def test_a_full_disk_is_said_and_nothing_is_half_made(machine: Machine, full: Callable[[bool], None]) -> None:
    containers = machine.containers
    await containers.create(shell("sleep 100", name="web"))
    full(True)
    for work in (containers.run(shell("true")), containers.start("web"), containers.rename("web", "site")):
        error = await refused(work)
        assert error.code in (ErrorCode.STORAGE, ErrorCode.LAUNCH_FAILED)
        assert "disk is full" in error.message or "No space left" in error.message
    summary = await only(containers)
    assert (summary.name, summary.status) == ("web", Status.CREATED)
    assert (machine.keeper.held, machine.cgroups.ids()) == ({}, [])
    full(False)
    await containers.start("web")


async def test_an_exit_that_can_not_be_stored_is_kept_by_the_keeper(
    machine: Machine, full: Callable[[bool], None]
) -> None:
    containers = machine.containers
    ref = await containers.run(shell("until test -e /proc/1/root/run/x; do sleep 0.01; done", name="web"))
    full(True)
    await containers.stop("web", 0)
    assert (await only(containers)).status == Status.STOPPED
    assert machine.keeper.held[ref.id].wait_status == 9
    assert "disk is full" in (await refused(containers.start("web"))).message
    full(False)
    await machine.restart_engine()
    assert await ended(machine.containers, "web") == 137
    assert machine.keeper.held == {}
    await machine.containers.start("web")
