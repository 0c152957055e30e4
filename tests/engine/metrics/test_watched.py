"""Promises of what is measured, with real programs in real cgroups of both versions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from engine.metrics.kept_file import lower_half
from engine.metrics.source import RARELY
from engine.metrics.watched import Memory, Program, Watched

from .conftest import Start, cgroup, child

pytestmark = pytest.mark.cgroup2
MIB = 1 << 20
Watch = Callable[..., "Clock"]

PATIENCE = 30.0  # seconds
CPU_TIME = {"cpu.stat", "cpuacct.usage", "cpuacct.stat"}


class Clock:
    """Beats as fast as the test wants them."""

    def __init__(self, program: Program, remembered: Memory | None) -> None:
        self.watched = Watched(program, lower_half(), 0, remembered)
        self.tick = 0

    def beat(self, at_most: int = 1) -> dict[str, float]:
        self.tick += 1
        self.watched.read(self.tick, time.monotonic(), at_most)
        return self.watched.values(fast=False)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A clock for a program; closed at the end."""
    with ExitStack() as opened:

        def watch(program: Program, remembered: Memory | None = None) -> Clock:
            clock = Clock(program, remembered)
            opened.callback(clock.watched.close)
            return clock

        yield watch


def opened(program: Program) -> list[str]:
    """The names of the files of its cgroup that this process has open."""
    links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
    paths = [os.readlink(link) for link in links if os.path.lexists(link)]
    return [os.path.basename(path) for path in paths if f"/{program.id}/" in path]


def skip_without(program: Program, controller: str) -> None:
    if cgroup(program).directory(controller) is None:
        pytest.skip(f"no {controller} controller here")


def test_cpu_time_is_what_the_program_used(start: Start, watch: Watch) -> None:
    program = start("c1")
    clock = watch(program)
    clock.beat()
    began = time.monotonic()
    child(program).do("compute 0.3")
    values = clock.beat()
    cores = 0.3 / (time.monotonic() - began)
    assert values["cpu"] == pytest.approx(cores, rel=0.2, abs=0.05)
    assert values["cpu.user"] + values["cpu.system"] == pytest.approx(values["cpu"], abs=0.1)


def test_memory_is_what_the_program_took(start: Start, watch: Watch) -> None:
    program = start("c1")
    skip_without(program, "memory")
    clock = watch(program)
    before = clock.beat()
    child(program).do(f"allocate {32 * MIB}")
    after = clock.beat()
    for metric in ("memory", "memory.anon", "memory.working_set"):
        assert after[metric] - before[metric] == pytest.approx(32 * MIB, abs=4 * MIB)
    assert after["memory.kernel"] > 0
    assert "memory.limit" not in after


def test_processes_and_threads_are_counted(start: Start, watch: Watch) -> None:
    program = start("c1")
    skip_without(program, "pids")
    assert watch(program).beat()["pids"] == 1


def test_a_limit_is_seen_when_it_is_there(start: Start, watch: Watch) -> None:
    program = start("c1")
    skip_without(program, "memory")
    clock = watch(program)
    assert "memory.limit" not in clock.beat()
    name = "memory.max" if cgroup(program).version("memory") == 2 else "memory.limit_in_bytes"
    with open(f"{cgroup(program).directory('memory')}/{name}", "w") as file:
        file.write(str(64 * MIB))
    assert clock.beat()["memory.limit"] == 64 * MIB


def test_a_program_that_sleeps_is_left_alone_and_keeps_nothing_open_but_its_cpu_time(
    start: Start, watch: Watch
) -> None:
    program = start("c1")
    clock = watch(program)
    clock.beat(RARELY)
    assert len(opened(program)) > 1
    late = time.monotonic() + PATIENCE
    while len(set(opened(program)) - CPU_TIME) and time.monotonic() < late:  # on a busy machine it sleeps late
        clock.beat(RARELY)
    assert set(opened(program)) <= CPU_TIME
    clock.watched.close()
    assert opened(program) == []


def test_what_wakes_up_is_seen_at_once(start: Start, watch: Watch) -> None:
    program = start("c1")
    skip_without(program, "memory")
    clock = watch(program)
    for _ in range(RARELY + 3):
        before = clock.beat(RARELY)
    child(program).do(f"allocate {32 * MIB}")
    after = clock.beat(RARELY)
    assert after["cpu"] > 0
    assert after["memory"] - before["memory"] == pytest.approx(32 * MIB, abs=4 * MIB)


def test_rates_come_to_rest_when_the_program_does(start: Start, watch: Watch) -> None:
    program = start("c1")
    clock = watch(program)
    clock.beat(RARELY)
    child(program).do("compute 0.05")
    assert clock.beat(RARELY)["cpu"] > 0
    values, late = clock.beat(RARELY), time.monotonic() + PATIENCE
    while values["cpu"] and time.monotonic() < late:  # it has said that it is done before it sleeps
        values = clock.beat(RARELY)
    assert values["cpu"] == values["cpu.user"] == 0


def test_what_others_do_to_a_sleeping_program_is_seen_too(start: Start, watch: Watch) -> None:
    program = start("c1")
    skip_without(program, "pids")
    clock = watch(program)
    for _ in range(2 * RARELY):
        before = clock.beat(RARELY)
    visitor = os.posix_spawnp("sleep", ["sleep", "1000"], os.environ)
    cgroup(program).add(visitor)
    for _ in range(RARELY):
        after = clock.beat(RARELY)
    assert after["pids"] == before["pids"] + 1
    os.kill(visitor, signal.SIGKILL)
    os.waitpid(visitor, 0)


def test_a_network_of_its_own_is_measured_and_the_hosts_is_not(start: Start, watch: Watch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace here")
    shared, own = watch(start("c1")), watch(start("c2", "unshare", "--net"))
    for clock in (shared, own):
        clock.beat()
    assert "network.in" not in shared.beat()
    assert own.beat()["network.in"] == 0


def test_pressure_is_read_where_the_kernel_has_it(start: Start, watch: Watch) -> None:
    program = start("c1")
    if not os.path.exists(f"{cgroup(program).directory('')}/cpu.pressure"):
        pytest.skip("this kernel or this version measures no pressure")
    assert {"pressure.cpu", "pressure.memory_full", "pressure.io"} <= set(watch(program).beat())


def test_threads_are_looked_at_by_demand(start: Start, watch: Watch) -> None:
    program = start("c1")
    clock = watch(program)
    assert not {"files", "switches"} & set(clock.beat())
    for _ in range(2):
        clock.watched.take(clock.tick, clock.watched.look(time.monotonic()))
    values = clock.beat()
    assert values["files"] >= 3
    assert values["switches"] >= 0
    clock.watched.look_away()
    assert not {"files", "switches"} & set(clock.beat())


def test_a_cgroup_that_has_gone_has_no_values(start: Start, watch: Watch) -> None:
    program = start("c1")
    clock = watch(program)
    assert clock.beat()
    cgroup(program).kill()
    child(program).process.wait()
    cgroup(program).remove()
    clock.beat()
    assert clock.beat() == {}


def test_history_has_a_number_for_each_beat_and_none_where_there_was_none(start: Start, watch: Watch) -> None:
    program = start("c1")
    clock = watch(program)
    clock.beat()
    clock.beat()
    clock.tick += 3  # the machine was asleep
    clock.beat()
    assert [value is None for value in clock.watched.history("cpu")] == [True, False, True, True, True, False]
    assert clock.watched.remembered == range(1, 7)


def test_another_run_goes_on_with_the_history(start: Start, watch: Watch) -> None:
    first = watch(start("c1"))
    first.beat()
    first.beat()
    first.watched.close()
    second = watch(start("c2"), first.watched.memory)
    second.tick = 4
    second.beat()
    second.beat()
    assert [value is None for value in second.watched.history("cpu")] == [True, False, True, True, True, False]
