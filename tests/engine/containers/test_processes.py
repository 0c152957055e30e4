"""One process of a container is signalled, reniced and explained, and never another one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable

import pytest

from engine.containers import one_process, top
from engine.errors import EngineError
from engine.protocol.messages import (
    ContainerOptions,
    ErrorCode,
    Exec,
    ExplainProcess,
    GetProcess,
    NiceProcess,
    SignalProcess,
    TopContainer,
)
from engine.protocol.processes import FIGURES, ProcessRow
from tests.engine.containers.conftest import PATIENCE, Machine, until

SCRIPT = "sleep 601 & sleep 602 & (sleep 0 & exec sleep 603) & echo up; wait"


async def running(machine: Machine, command: str = SCRIPT) -> None:
    await machine.containers.run(ContainerOptions(command=["sh", "-c", command], name="web"))


async def rows(machine: Machine) -> dict[str, ProcessRow]:
    told = await machine.containers.processes.list(TopContainer(container="web", interval=0.05))
    return {" ".join(row.command): row for row in told}


async def settled(machine: Machine, enough: Callable[[dict[str, ProcessRow]], object]) -> dict[str, ProcessRow]:
    """Its processes once they are as they are to be; /proc tells nobody when."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        found = await rows(machine)
        if enough(found):
            return found
    raise AssertionError(f"{found}")


async def refusal(asked: Awaitable[object]) -> EngineError:
    with pytest.raises(EngineError) as refused:
        await asked
    return refused.value


async def test_rows_tell_state_nice_group_and_session_and_zombies_are_among_them(machine: Machine) -> None:
    await running(machine)
    found = await settled(machine, lambda found: any(row.state == "Z" for row in found.values()) and len(found) == 5)
    one = found["sleep 601"]
    stat = top.stat(one.pid)
    assert (one.state, one.nice, one.inner_pid > 1) == ("S", int(stat[16]), True)
    assert (one.pgid, one.session, one.start) == (int(stat[2]), int(stat[3]), int(stat[19]))
    assert found["[sleep]"].ppid == found["sleep 603"].pid


async def test_one_process_gets_the_signal_and_the_others_go_on(machine: Machine) -> None:
    await running(machine)
    victim = (await settled(machine, lambda found: {"sleep 601", "sleep 602"} <= set(found)))["sleep 601"]
    with machine.containers.events() as events:
        request = SignalProcess(container="web", pid=victim.pid, signal="TERM", start=victim.start)
        await machine.containers.processes.signal(request)
        told = await until(events, "signal")
    assert (told.attributes["pid"], told.attributes["signal"]) == (str(victim.pid), "TERM")
    left = await settled(machine, lambda found: "sleep 601" not in found)
    assert "sleep 602" in left


async def test_a_process_is_found_by_its_pid_inside(machine: Machine) -> None:
    await running(machine)
    victim = (await settled(machine, lambda found: "sleep 602" in found))["sleep 602"]
    request = SignalProcess(container="web", pid=victim.inner_pid, signal="STOP", inside=True)
    await machine.containers.processes.signal(request)
    await settled(machine, lambda found: found["sleep 602"].state == "T")


async def test_no_process_is_touched_that_is_not_the_containers(machine: Machine) -> None:
    await running(machine)
    other = await asyncio.create_subprocess_exec("sleep", "600")
    try:
        for pid in (other.pid, os.getpid(), 2**31 - 2, 0, -1):
            refused = await refusal(machine.containers.processes.signal(SignalProcess(container="web", pid=pid)))
            assert refused.code == ErrorCode.NO_SUCH_PROCESS
            request = NiceProcess(container="web", pid=pid, nice=5)
            assert (await refusal(machine.containers.processes.renice(request))).code == ErrorCode.NO_SUCH_PROCESS
        assert other.returncode is None
        assert os.getpriority(os.PRIO_PROCESS, other.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    finally:
        other.kill()
        await other.wait()


async def test_a_later_process_of_the_same_number_is_not_meant(machine: Machine) -> None:
    await running(machine)
    one = (await settled(machine, lambda found: "sleep 601" in found))["sleep 601"]
    request = SignalProcess(container="web", pid=one.pid, signal="KILL", start=one.start - 1)
    assert (await refusal(machine.containers.processes.signal(request))).code == ErrorCode.NO_SUCH_PROCESS
    assert "sleep 601" in await rows(machine)


async def test_a_nice_value_is_that_of_all_threads(machine: Machine) -> None:
    threads = "import threading, time; [threading.Thread(target=time.sleep, args=(600,)).start() for _ in range(2)]"
    await machine.containers.run(ContainerOptions(command=["python3", "-c", threads], name="web"))
    found = await settled(machine, lambda found: all(row.threads == 3 for row in found.values()))
    (row,) = found.values()
    await machine.containers.processes.renice(NiceProcess(container="web", pid=row.pid, nice=7, start=row.start))
    tasks = os.listdir(f"/proc/{row.pid}/task")
    assert {os.getpriority(os.PRIO_PROCESS, int(task)) for task in tasks} == {7}
    refused = await refusal(machine.containers.processes.renice(NiceProcess(container="web", pid=row.pid, nice=20)))
    assert (refused.code, "-20" in refused.message) == (ErrorCode.INVALID, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming an ordinary user needs root")
def test_an_ordinary_user_can_only_be_more_modest() -> None:
    sleeper = subprocess.Popen(["sleep", "600"], user=65534)
    try:
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            one_process.renice(sleeper.pid, 5)
            try:
                one_process.renice(sleeper.pid, 0)
            except EngineError as error:
                os._exit(0 if error.code == ErrorCode.FORBIDDEN and "CAP_SYS_NICE" in error.message else 2)
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == 5
    finally:
        sleeper.kill()
        sleeper.wait()


async def test_all_figures_are_explained_by_what_the_kernel_said(machine: Machine) -> None:
    await running(machine, "while :; do :; done")
    (row,) = (await rows(machine)).values()
    for figure in FIGURES:
        told = await machine.containers.processes.explain(
            ExplainProcess(container="web", pid=row.pid, figure=figure, start=row.start)
        )
        while figure == "cpu" and told.value == 0:  # on a busy machine it may have had no tick of the clock yet
            told = await machine.containers.processes.explain(
                ExplainProcess(container="web", pid=row.pid, figure=figure, start=row.start)
            )
        (source,) = told.sources
        assert source.path.startswith(f"/proc/{row.pid}/")
        assert source.after is not None
        if figure == "cpu":
            assert source.before is not None
            used, before = (
                sum(map(int, each.raw.rpartition(")")[2].split()[11:13])) for each in (source.after, source.before)
            )
            ticks = (used - before) / os.sysconf("SC_CLK_TCK")
            assert told.value == pytest.approx(ticks / (source.after.time - source.before.time))
    refused = await refusal(
        machine.containers.processes.explain(ExplainProcess(container="web", pid=row.pid, figure="charm"))
    )
    assert (refused.code, "memory" in refused.message) == (ErrorCode.INVALID, True)


async def test_the_details_of_a_process_are_its_own(machine: Machine) -> None:
    await running(machine)
    row = (await settled(machine, lambda found: "sleep 601" in found))["sleep 601"]
    detail = await machine.containers.processes.detail(GetProcess(container="web", pid=row.pid, start=row.start))
    assert detail.process.pid == row.pid
    assert detail.executable.rpartition("/")[2] in ("sleep", "coreutils", "busybox")
    assert detail.directory == "/"
    assert {view.type for view in detail.namespaces if not view.shared} >= {"pid", "mount"}
    assert "CHOWN" in detail.capabilities.effective
    assert detail.ids == [0] * 8
    assert any(line.startswith("1 → ") for line in detail.open_files)


async def test_a_signal_that_is_none_and_a_container_that_does_not_run_are_told(machine: Machine) -> None:
    await machine.containers.create(ContainerOptions(command=["true"], name="web"))
    request = SignalProcess(container="web", pid=1, signal="TERM")
    assert (await refusal(machine.containers.processes.signal(request))).code == ErrorCode.WRONG_STATE
    refused = await refusal(machine.containers.processes.signal(SignalProcess(container="web", pid=1, signal="LOUD")))
    assert refused.code == ErrorCode.INVALID


def test_a_container_in_the_pid_namespace_of_the_host_has_none_of_the_hosts_processes() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as init:
        assert init.stdout is not None
        init.stdout.readline()
        found = top.in_namespace_of(init.pid)
        for pid in found[1:]:
            os.kill(pid, signal.SIGKILL)
    assert found[0] == init.pid
    assert len(found) == 2
    assert os.getpid() not in found
    assert top.in_namespace_of(init.pid) == []


async def test_containers_in_one_pid_namespace_have_their_own_processes_without_a_cgroup(machine: Machine) -> None:
    await running(machine)
    await settled(machine, lambda found: "sleep 603" in found)
    joined = ContainerOptions(
        command=["sh", "-c", "(sleep 604 &) ; sleep 605"], name="guest", namespaces={"pid": "container:web"}
    )
    await machine.containers.run(joined)
    await machine.containers.exec(Exec(container="web", command=["sleep", "606"], detach=True))
    await machine.containers.exec(Exec(container="guest", command=["sleep", "607"], detach=True))
    inits = {name: (await machine.containers.inspect(name)).state.pid or 0 for name in ("web", "guest")}

    def sleeping(name: str) -> set[str]:
        found = ({" ".join(row.command) for row in top.rows([pid], {})} for pid in top.in_namespace_of(inits[name]))
        return {command for commands in found for command in commands if command.startswith("sleep")}

    own = {"web": {"sleep 601", "sleep 602", "sleep 603", "sleep 606"}}
    own["guest"] = {"sleep 604", "sleep 605", "sleep 607"}  # the first has no parent left but the other's init
    await settled(machine, lambda _: sleeping("web") | sleeping("guest") == own["web"] | own["guest"])
    assert {name: sleeping(name) for name in own} == own
