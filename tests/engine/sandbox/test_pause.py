"""A launch that waits on its way, and the go-between before it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from pathlib import Path

import pytest

from engine.containers.keeper import Keeper, Paused
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.sandbox.build import launch_plan
from engine.sandbox.pause import CREATED, POINTS, READY, pause
from engine.sandbox.plan import Plan, strings
from engine.sandbox.program import NOT_REACHED, read_receipt
from tests.engine.conftest import KeeperProcess
from tests.engine.sandbox.conftest import Bundle

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root")
NOTHING = strings([], "[]")


@needs_root
async def test_a_launch_waits_where_it_was_told_to_and_then_goes_on(keeper: Keeper, busybox: Bundle) -> None:
    seen: list[tuple[str, bool, bool]] = []

    async def attend(paused: Paused) -> None:
        at_home = os.path.samestat(os.stat(f"/proc/{paused.pid}/root"), os.stat("/"))
        own_tree = os.readlink(f"/proc/{paused.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
        seen.append((paused.at, at_home, own_tree))

    spec = busybox.spec(ContainerOptions(command=["true"], user="ada"))
    plan = launch_plan(spec, busybox.root(), pauses=POINTS)
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False, attend=attend)
    assert seen == [(CREATED, True, True), (READY, False, True)]
    assert launched.executor == "portable"  # a child that waits must not share the keeper's memory
    assert await keeper.ended("c") == 0


@needs_root
async def test_what_goes_wrong_during_a_pause_ends_the_launch(
    keeper: Keeper, keeper_process: KeeperProcess, busybox: Bundle
) -> None:
    pids: list[int] = []

    async def attend(paused: Paused) -> None:
        pids.append(paused.pid)
        raise EngineError(ErrorCode.LAUNCH_FAILED, "a hook failed")

    plan = launch_plan(busybox.spec(ContainerOptions(command=["true"])), busybox.root(), pauses=[CREATED])
    with pytest.raises(EngineError, match="a hook failed"):
        await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False, attend=attend)
    assert not Path(f"/proc/{pids[0]}").exists()
    assert keeper_process.children() == {keeper_process.engine_pid}


async def test_a_launch_that_waits_ends_with_its_engine(keeper_process: KeeperProcess) -> None:
    first = await keeper_process.connect()
    plan = Plan()
    pause(plan, READY, "for ever")
    plan.call("execve", "/bin/true", strings(["true"], ""), NOTHING, why="never")
    waits = asyncio.Event()

    async def attend(paused: Paused) -> None:
        waits.set()
        await asyncio.Event().wait()

    launching = asyncio.ensure_future(first.launch("c", plan.assemble(), [], tty=False, stdin=False, attend=attend))
    await waits.wait()
    os.kill(keeper_process.engine_pid, signal.SIGKILL)
    await first.lost.wait()
    launching.cancel()
    await asyncio.gather(launching, return_exceptions=True)
    first.close()
    second = await keeper_process.connect()
    assert second.held == {}
    assert keeper_process.children() == {keeper_process.engine_pid}
    await second.shutdown()
    second.close()


async def test_a_step_of_the_go_between_that_fails_is_in_the_receipt(
    keeper: Keeper, keeper_process: KeeperProcess
) -> None:
    plan = Plan()
    plan.call("getpid", why="fine")
    plan.call("chdir", "/no/such/place", why="fails")
    plan.born()
    plan.call("getpid", why="nobody is born")
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False)
    outcome = read_receipt(launched.receipt)
    assert launched.held is None
    assert (outcome.failed, outcome.values[1:]) == (2, (-errno.ENOENT, NOT_REACHED))
    assert keeper_process.children() == {keeper_process.engine_pid}


async def test_what_the_go_between_opened_reaches_the_process(keeper: Keeper) -> None:
    plan = Plan()
    here = plan.call("openat", -100, "/etc", os.O_RDONLY | os.O_DIRECTORY, 0, why="before", result="etc")
    plan.born()
    plan.call("fchdir", here, why="after")
    plan.call("execve", "/bin/test", strings(["test", "-e", "passwd"], ""), NOTHING, why="look")
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False)
    assert launched.held is not None
    assert await keeper.ended("c") == 0
