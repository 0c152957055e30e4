"""The keeper keeps: processes, descriptors and exit statuses outlive the engine."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from pathlib import Path

import pytest

from engine.containers.keeper import Keeper
from engine.errors import EngineError
from engine.sandbox.plan import CHANNEL, STDIO, Plan, strings
from tests.engine.conftest import KeeperProcess


def plan_of(*argv: str) -> Plan:
    """A bare process with pipes: no namespaces, so it works for any user."""
    plan = Plan()
    plan.call("sendto", CHANNEL, "S", 1, 0, None, 0, why="begin")
    for number, pipe in enumerate(STDIO):
        plan.call("dup3", pipe, number, 0, why="stdio")
    plan.call("execve", argv[0], strings(argv, "argv"), strings(["PATH=/bin:/usr/bin"], "env"), why="go")
    return plan


async def start(keeper: Keeper, key: str, *argv: str) -> int:
    """Launch; returns the read end of standard output, blocking."""
    launched = await keeper.launch(key, plan_of(*argv).assemble(), [], tty=False, stdin=True)
    assert launched.held is not None
    out = launched.held.descriptors.stdout
    assert out is not None
    return out


async def read_line(fd: int) -> bytes:
    os.set_blocking(fd, True)
    data = b""
    while not data.endswith(b"\n"):
        piece = await asyncio.to_thread(os.read, fd, 1)
        assert piece, data
        data += piece
    return data


async def test_a_process_and_its_pipes_survive_the_engine(keeper_process: KeeperProcess) -> None:
    first = await keeper_process.connect()
    out = await start(first, "a", "/bin/sh", "-c", "echo before; read line; echo got $line")
    assert await read_line(out) == b"before\n"
    keeper_process.kill_engine(first)
    second = await keeper_process.connect()
    held = second.held["a"]
    assert held.wait_status is None
    assert held.descriptors.stdin is not None
    assert held.descriptors.stdout is not None
    os.write(held.descriptors.stdin, b"word\n")
    assert await read_line(held.descriptors.stdout) == b"got word\n"
    assert await second.ended("a") == 0
    await second.forget("a")
    await second.shutdown()
    second.close()


async def test_an_exit_status_waits_for_the_next_engine_until_it_is_forgotten(keeper_process: KeeperProcess) -> None:
    keeper = await keeper_process.connect()
    out = await start(keeper, "a", "/bin/sh", "-c", "echo up; read line; exit 42")
    assert await read_line(out) == b"up\n"
    stdin = keeper.held["a"].descriptors.stdin
    assert stdin is not None
    os.write(stdin, b"now\n")
    keeper_process.kill_engine(keeper)
    for _ in range(2):  # seen twice: only forgetting drops it
        keeper = await keeper_process.connect()
        assert await keeper.ended("a") == 42 << 8
        keeper_process.kill_engine(keeper)
    keeper = await keeper_process.connect()
    await keeper.forget("a")
    keeper_process.kill_engine(keeper)
    keeper = await keeper_process.connect()
    assert keeper.held == {}
    await keeper.shutdown()
    keeper.close()


async def test_output_written_while_no_engine_is_there_waits_in_the_pipe(keeper_process: KeeperProcess) -> None:
    keeper = await keeper_process.connect()
    await start(keeper, "a", "/bin/sh", "-c", "read line; echo out; echo err >&2")
    stdin = keeper.held["a"].descriptors.stdin
    assert stdin is not None
    os.write(stdin, b"go\n")
    keeper_process.kill_engine(keeper)
    keeper = await keeper_process.connect()
    await keeper.ended("a")
    descriptors = keeper.held["a"].descriptors
    assert descriptors.stdout is not None
    assert descriptors.stderr is not None
    assert os.read(descriptors.stdout, 100) == b"out\n"
    assert os.read(descriptors.stderr, 100) == b"err\n"
    await keeper.forget("a")
    await keeper.shutdown()
    keeper.close()


async def test_five_hundred_processes_are_handed_over_whole(keeper_process: KeeperProcess) -> None:
    keeper = await keeper_process.connect()
    program = plan_of("/bin/sleep", "1000").assemble()
    for i in range(500):
        await keeper.launch(str(i), program, [], tty=False, stdin=False)
    keeper_process.kill_engine(keeper)
    keeper = await keeper_process.connect()
    assert len(keeper.held) == 500
    pids = {held.pid for held in keeper.held.values()}
    assert len(pids) == 500
    for held in keeper.held.values():
        assert os.readlink(f"/proc/{held.pid}/exe").endswith("sleep")
        signal.pidfd_send_signal(held.pidfd, signal.SIGKILL)
    for key in list(keeper.held):
        assert await keeper.ended(key) == signal.SIGKILL
        await keeper.forget(key)
    await keeper.shutdown()
    keeper.close()


async def test_the_same_key_twice_is_refused(keeper: Keeper) -> None:
    await start(keeper, "a", "/bin/sleep", "1000")
    with pytest.raises(EngineError, match="already"):
        await keeper.launch("a", plan_of("/bin/true").assemble(), [], tty=False, stdin=False)


async def test_a_kernel_that_refuses_the_process_is_reported(keeper: Keeper) -> None:
    plan = plan_of("/bin/true")
    plan.clone_flags = 0x100 | 0x800  # CLONE_SIGHAND wants no CLONE_CLEAR_SIGHAND
    with pytest.raises(EngineError, match="Invalid argument"):
        await keeper.launch("a", plan.assemble(), [], tty=False, stdin=False)
    assert keeper.held == {}


async def test_closing_stdin_in_both_places_is_end_of_file(keeper: Keeper) -> None:
    out = await start(keeper, "a", "/bin/sh", "-c", "cat; echo end")
    descriptors = keeper.held["a"].descriptors
    assert descriptors.stdin is not None
    os.close(descriptors.stdin)
    descriptors.stdin = None
    await keeper.close_stdin("a")
    assert await read_line(out) == b"end\n"


async def test_no_zombie_is_left_by_a_failed_launch(keeper: Keeper, keeper_process: KeeperProcess) -> None:
    launched = await keeper.launch("a", plan_of("/no/such").assemble(), [], tty=False, stdin=False)
    assert launched.held is None
    assert keeper_process.children() == {keeper_process.engine_pid}


async def test_the_keeper_ends_when_an_engine_with_nothing_to_keep_ends_well(keeper_process: KeeperProcess) -> None:
    keeper = await keeper_process.connect()
    await keeper.shutdown()
    keeper.close()
    assert keeper_process.engine is not None
    keeper_process.engine.close()
    assert await asyncio.to_thread(keeper_process.process.wait, 20) == 0


async def test_a_launch_under_way_dies_with_the_keeper(keeper_process: KeeperProcess) -> None:
    """H6: the child watches its parent until it becomes the program."""
    keeper = await keeper_process.connect()
    plan = Plan()
    plan.call("prctl", 1, signal.SIGKILL, 0, 0, 0, why="die with the keeper")
    read, write = os.pipe()
    told = plan.input("told")
    plan.call("write", told, "x", 1, why="under way")
    plan.call("pause", why="for ever")
    launching = asyncio.ensure_future(keeper.launch("a", plan.assemble(), [write], tty=False, stdin=False))
    assert await asyncio.to_thread(os.read, read, 1) == b"x"
    os.close(write)
    keeper_process.process.kill()
    assert await asyncio.to_thread(os.read, read, 1) == b""  # the last writer, the child, is gone
    os.close(read)
    with pytest.raises(EngineError, match="keeper is gone"):
        await launching
    keeper.close()


async def test_a_child_that_is_killed_during_its_set_up_was_never_started(keeper_process: KeeperProcess) -> None:
    keeper = await keeper_process.connect()
    plan = Plan()
    read, write = os.pipe()
    plan.call("write", plan.input("told"), "x", 1, why="under way")
    plan.call("pause", why="until it is killed")
    launching = asyncio.ensure_future(keeper.launch("a", plan.assemble(), [write], tty=False, stdin=False))
    assert await asyncio.to_thread(os.read, read, 1) == b"x"
    os.close(read)
    os.close(write)
    (child,) = keeper_process.children() - {keeper_process.engine_pid}
    os.kill(child, signal.SIGKILL)
    assert (await launching).held is None
    assert keeper_process.children() == {keeper_process.engine_pid}
    keeper_process.kill_engine(keeper)
    keeper = await keeper_process.connect()
    assert keeper.held == {}
    await keeper.shutdown()
    keeper.close()


async def test_a_launch_for_which_descriptors_run_out_leaves_none_behind(
    keeper: Keeper, keeper_process: KeeperProcess
) -> None:
    descriptors = Path(f"/proc/{keeper_process.process.pid}/fd")
    program = plan_of("/bin/true").assemble()
    before = sorted(os.listdir(descriptors))
    limits = resource.prlimit(keeper_process.process.pid, resource.RLIMIT_NOFILE)
    for more in range(1, 9):  # a socket pair, three times two ends of pipes
        limit = max(map(int, before)) + more
        resource.prlimit(keeper_process.process.pid, resource.RLIMIT_NOFILE, (limit, limits[1]))
        with pytest.raises(EngineError, match="Too many open files"):
            await keeper.launch("a", program, [], tty=False, stdin=True)
        assert sorted(os.listdir(descriptors)) == before
    resource.prlimit(keeper_process.process.pid, resource.RLIMIT_NOFILE, limits)
    await start(keeper, "a", "/bin/true")


async def test_a_signal_that_our_starter_ignores_is_not_ignored_in_containers(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    process = KeeperProcess(tmp_path)
    signal.signal(signal.SIGUSR1, before)
    keeper = await process.connect()
    out = await start(keeper, "a", "/bin/grep", "SigIgn", "/proc/self/status")
    assert await read_line(out) == b"SigIgn:\t0000000000000000\n"
    await keeper.ended("a")
    await keeper.forget("a")
    await keeper.shutdown()
    keeper.close()
    process.close()
