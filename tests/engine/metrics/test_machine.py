"""Promises of the machine's own metrics: every device counts once, and the numbers are those that psutil has."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from engine.containers.container import Container, Run
from engine.errors import EngineError
from engine.metrics import machine
from engine.metrics.kept_file import lower_half
from engine.metrics.machine import Countable
from engine.metrics.metrics import Metrics
from engine.metrics.watched import Program, Watched
from engine.protocol.messages import ExplainMetric, GetHistory, GetStats, Stats, StreamStats
from engine.protocol.metrics import MACHINE

STAT = b"cpu  10 1 20 500 7 2 3 9 0 0\ncpu0 5 0 10 250 3 1 1 4 0 0\ncpu1 5 1 10 250 4 1 2 5 0 0\nintr 5 1\nctxt 99\n"
DISKSTATS = b"""\
 254  0 vda 10 0 100 0 20 0 200 0 0 0 0 0 0 0 0 0 0
 254  1 vda1 10 0 100 0 20 0 200 0 0 0 0 0 0 0 0 0 0
 253  0 dm-0 10 0 100 0 20 0 200 0 0 0 0 0 0 0 0 0 0
"""
NET_DEV = b"""\
Inter-|   Receive  |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 900       1    0    0    0     0          0         0 900   1    0    0    0     0       0          0
  eth0: 100       2    0    3    0     0          0         0 200   4    0    5    0     0       0          0
 veth7: 700       7    0    0    0     0          0         0 700   7    0    0    0     0       0          0
"""


class NoContainers:
    """A machine on which nothing runs."""

    def find(self, ref: str) -> Container:
        raise LookupError(ref)

    def exists(self, id: str) -> bool:
        return False

    def programs(self) -> list[tuple[Container, Run]]:
        return []


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched(Program(MACHINE, "host", object(), 1, None, list, machine=True), lower_half(), 0, None)
    yield made
    made.close()


@pytest_asyncio.fixture
async def metrics() -> AsyncIterator[Metrics]:
    made = Metrics(NoContainers())
    made.start()
    yield made
    await made.close()


def test_ticks_are_summed_by_what_they_were_used_for() -> None:
    found = machine.stat(STAT)
    assert found["(user + nice)"] == 11
    assert found["(system + irq + softirq)"] == 25
    assert found["iowait"] == 7
    assert found["CPUs"] == 2
    assert found["ctxt"] == 99


def test_only_disks_that_count_are_summed() -> None:
    found = machine.diskstats(Countable({"vda": True}.__contains__))(DISKSTATS)
    assert found == {"reads": 10, "read sectors": 100, "writes": 20, "written sectors": 200}


def test_a_partition_is_no_disk_and_a_loop_device_neither() -> None:
    assert not machine.is_disk("vda1")
    assert not machine.is_disk("loop0")
    assert not any(
        machine.is_disk(name) for name in os.listdir("/sys/block") if os.listdir(f"/sys/block/{name}/slaves")
    )


def test_only_links_that_count_are_summed() -> None:
    found = machine.net_dev(Countable("eth0".__eq__))(NET_DEV)
    assert (found["receive bytes"], found["transmit bytes"], found["drops"]) == (100, 200, 8)


def test_where_no_link_has_hardware_all_but_lo_count() -> None:
    assert machine.net_dev(Countable(lambda name: False))(NET_DEV)["receive bytes"] == 800


def test_a_device_is_looked_up_once_until_it_goes() -> None:
    asked: list[str] = []

    def counts(name: str) -> bool:
        asked.append(name)
        return True

    devices = Countable(counts)
    devices.among([b"a", b"b"])
    assert devices.among([b"a", b"b"]) == {b"a", b"b"}
    assert asked == ["a", "b"]
    devices.among([b"b"])
    devices.among([b"a", b"b"])
    assert asked == ["a", "b", "a"]


def test_the_numbers_are_those_of_psutil(watched: Watched) -> None:
    watched.read(0, time.monotonic(), at_most=1)
    memory = psutil.virtual_memory()
    values = watched.values(fast=False)
    assert values["memory.limit"] == memory.total
    assert values["memory"] == pytest.approx(memory.total - memory.available, abs=memory.total / 20)
    assert values["cpu.limit"] == psutil.cpu_count()
    assert values["load.1"] == pytest.approx(psutil.getloadavg()[0], abs=1)
    assert values["pids"] > len(psutil.pids()) / 2


def test_what_the_kernel_does_not_tell_here_is_left_out(watched: Watched) -> None:
    watched.read(0, time.monotonic(), at_most=1)
    assert ("pressure.cpu" in watched.values(fast=False)) == os.path.exists("/proc/pressure/cpu")


def test_its_processes_are_not_walked_through(watched: Watched) -> None:
    assert watched.processes.view.source.formulas == {}


async def test_it_has_a_history_before_anybody_asks(metrics: Metrics) -> None:
    async with aclosing(metrics.stream(StreamStats(containers=[MACHINE], metrics=["cpu"]))) as stream:
        async for message in stream:
            assert isinstance(message, Stats)
            (sample,) = message.samples
            assert (sample.container, sample.name) == ("", "host")
            assert sample.values.keys() <= {"cpu"}
            if sample.values:
                break
    (series,) = (await metrics.history(GetHistory(container=MACHINE, metrics=["memory"] * 20_000))).series
    assert [value for value in series.values if value is not None]


async def test_all_that_run_does_not_mean_the_machine(metrics: Metrics) -> None:
    assert (await metrics.stats(GetStats())).samples == []


async def test_where_its_numbers_come_from_can_be_told(metrics: Metrics) -> None:
    told = await metrics.explain(ExplainMetric(container=MACHINE, metric="io.read"))
    assert [source.path for source in told.sources] == ["/proc/diskstats"]
    assert told.formula.startswith("512 × Δread sectors / Δt")


async def test_an_unknown_metric_of_a_stream_is_refused_in_a_sentence(metrics: Metrics) -> None:
    with pytest.raises(EngineError, match="There is no metric 'cpus'"):
        await asyncio.wait_for(anext(metrics.stream(StreamStats(containers=[MACHINE], metrics=["cpus"]))), 5)
