"""Limits as people give them become resources of the spec, and the other way round nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.limits import MAX, DeviceLimit, Limits
from engine.protocol.messages import ErrorCode
from engine.protocol.quantities import cpu_shares, cpu_weight
from engine.spec.limits import HUGE_MAX, any_given, io_weight_of, merge, merge_limits, to_resources, touched
from engine.spec.structs import Cpu, DeviceCgroup, HugepageLimit, Memory, Pids, Resources, ThrottleDevice

MIB = 1 << 20


@given(st.integers(1, 10_000))
def test_a_cpu_weight_survives_being_shares(weight: int) -> None:
    assert cpu_weight(cpu_shares(weight)) == weight


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 100), (262_144, 10_000), (1, 1), (1 << 20, 10_000)])
def test_shares_and_weights_meet_at_least_most_and_default(shares: int, weight: int) -> None:
    assert cpu_weight(shares) == weight


@pytest.mark.parametrize(("weight", "io_weight"), [(10, 1), (1000, 10_000), (500, 4950)])
def test_io_weights_meet_at_least_and_most(weight: int, io_weight: int) -> None:
    assert io_weight_of(weight) == io_weight


@pytest.mark.parametrize(
    ("limits", "resources"),
    [
        (Limits(), Resources()),
        (Limits(memory=64 * MIB), Resources(memory=Memory(limit=64 * MIB, swap=128 * MIB))),
        (Limits(memory=MAX), Resources(memory=Memory(limit=MAX, swap=MAX))),
        (
            Limits(memory=64 * MIB, memory_swap=MAX, memory_reservation=32 * MIB),
            Resources(memory=Memory(limit=64 * MIB, swap=MAX, reservation=32 * MIB)),
        ),
        (Limits(cpus=0.5), Resources(cpu=Cpu(period=100_000, quota=50_000))),
        (Limits(cpus=MAX), Resources(cpu=Cpu(period=100_000, quota=MAX))),
        (Limits(cpu_weight=100, cpuset_cpus="0"), Resources(cpu=Cpu(shares=1024, cpus="0"))),
        (Limits(pids=MAX), Resources(pids=Pids(limit=MAX))),
        (Limits(io_weight=7), Resources(unified={"io.weight": "7"})),
        (
            Limits(memory_high=MAX, unified={"pids.max": "5"}),
            Resources(unified={"pids.max": "5", "memory.high": "max"}),
        ),
        (Limits(hugetlb={"2MB": MAX}), Resources(hugepage_limits=[HugepageLimit(page_size="2MB", limit=HUGE_MAX)])),
    ],
)
def test_what_is_said_is_in_the_spec(limits: Limits, resources: Resources) -> None:
    assert to_resources(limits) == resources


def test_device_rules_are_no_limit() -> None:
    rules = [DeviceCgroup(allow=False)]
    assert to_resources(Limits(), rules).devices == rules
    assert not any_given(to_resources(Limits(), rules))
    assert any_given(to_resources(Limits(pids=1), rules))


def test_a_disk_is_named_by_its_number_or_its_node() -> None:
    limit = DeviceLimit(device="8:16", read_bps=MIB, write_iops=MAX)
    block = to_resources(Limits(devices=[limit])).block_io
    assert block is not None
    assert block.throttle_read_bps_device == [ThrottleDevice(major=8, minor=16, rate=MIB)]
    assert block.throttle_write_iops_device == [ThrottleDevice(major=8, minor=16, rate=0)]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(memory=5 * MIB), "6 MiB are the least"),
        (Limits(memory=0), "6 MiB are the least"),
        (Limits(memory_swap=64 * MIB), "add --memory"),
        (Limits(memory=64 * MIB, memory_swap=32 * MIB), "can't be less than memory alone"),
        (Limits(memory=64 * MIB, memory_reservation=65 * MIB), "reservation"),
        (Limits(cpus=0.001), "0.01 is the least"),
        (Limits(cpus=100_000.0), "this machine has"),
        (Limits(cpu_weight=0), "from 1 to 10000"),
        (Limits(io_weight=10_001), "from 1 to 10000"),
        (Limits(pids=0), "1 or more"),
        (Limits(cpuset_cpus="0-"), "no list of CPUs"),
        (Limits(cpuset_cpus="3-1"), "backwards"),
        (Limits(cpuset_cpus="99999"), "this machine has 0"),
        (Limits(cpuset_mems="99999"), "this machine has 0"),
        (Limits(devices=[DeviceLimit(device="/dev/null", read_bps=1)]), "no block device"),
        (Limits(devices=[DeviceLimit(device="/dev/not there", read_bps=1)]), "No such file"),
        (Limits(devices=[DeviceLimit(device="8:0", read_bps=0)]), "1 or more"),
        (Limits(hugetlb={"2mb": 1}), "2MB"),
        (Limits(unified={"../memory.max": "1"}), "no file of a cgroup v2 controller"),
        (Limits(unified={"cgroup.procs": "1"}), "no file of a cgroup v2 controller"),
        (Limits(unified={"memory.max": ""}), "nothing to write"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(limits: Limits, says: str) -> None:
    with pytest.raises(EngineError, match=says) as refused:
        to_resources(limits)
    assert refused.value.code == ErrorCode.INVALID
    assert refused.value.message.endswith(".")


@given(st.sets(st.integers(0, (os.cpu_count() or 1) - 1), min_size=1))
def test_every_list_of_this_machines_cpus_is_taken(cpus: set[int]) -> None:
    if Path("/sys/devices/system/cpu/online").read_text().strip() != f"0-{(os.cpu_count() or 1) - 1}":
        pytest.skip("some CPUs are offline")
    text = ",".join(map(str, sorted(cpus)))
    cpu = to_resources(Limits(cpuset_cpus=text)).cpu
    assert cpu is not None
    assert cpu.cpus == text


LIMITS = st.builds(
    Limits,
    memory=st.none() | st.just(MAX) | st.integers(6 * MIB, 1 << 40),
    cpus=st.none() | st.just(float(MAX)) | st.just(0.25),
    cpu_weight=st.none() | st.integers(1, 10_000),
    pids=st.none() | st.just(MAX) | st.integers(1, 1 << 20),
    io_weight=st.none() | st.integers(1, 10_000),
    hugetlb=st.dictionaries(st.sampled_from(["2MB", "1GB"]), st.integers(0, 1 << 40)),
    unified=st.dictionaries(st.sampled_from(["memory.high", "pids.max"]), st.sampled_from(["max", "100"])),
)


@given(LIMITS, LIMITS)
def test_a_later_limit_replaces_an_earlier_one_and_nothing_else(first: Limits, second: Limits) -> None:
    assert merge(to_resources(first), second) == to_resources(merge_limits(first, second))


@given(LIMITS)
def test_what_was_not_said_stays(limits: Limits) -> None:
    resources = to_resources(limits)
    assert merge(resources, Limits()) == resources
    assert merge_limits(limits, Limits()) == limits
    assert touched(resources, Limits()) == Resources()


@pytest.mark.parametrize(
    ("first", "second", "swap"),
    [
        (Limits(memory=64 * MIB), Limits(memory=32 * MIB), 64 * MIB),  # as usual, twice
        (Limits(memory=64 * MIB, memory_swap=MAX), Limits(memory=32 * MIB), MAX),
        (Limits(memory=64 * MIB, memory_swap=100 * MIB), Limits(memory=80 * MIB), 100 * MIB),
        (Limits(memory=64 * MIB), Limits(memory=MAX), MAX),
        (Limits(memory=64 * MIB), Limits(memory_swap=64 * MIB), 64 * MIB),
    ],
)
def test_swap_stays_as_it_was_asked_for(first: Limits, second: Limits, swap: int) -> None:
    memory = merge(to_resources(first), second).memory
    assert memory is not None
    assert memory.swap == swap


def test_memory_can_not_outgrow_swap_that_was_asked_for() -> None:
    with pytest.raises(EngineError, match="--memory-swap as well"):
        merge(to_resources(Limits(memory=64 * MIB, memory_swap=64 * MIB)), Limits(memory=65 * MIB))


def test_only_what_was_asked_for_is_written_to_a_container_that_runs() -> None:
    old = to_resources(Limits(memory=64 * MIB, cpus=0.5, pids=5, unified={"memory.high": "max"}))
    asked = Limits(pids=6)
    assert touched(merge(old, asked), asked) == Resources(pids=Pids(limit=6))


def test_limits_of_disks_are_put_together_by_disk() -> None:
    first = Limits(devices=[DeviceLimit(device="8:0", read_bps=1), DeviceLimit(device="8:1", read_bps=2)])
    second = Limits(devices=[DeviceLimit(device="8:0", write_bps=3)])
    assert merge_limits(first, second).devices == [
        DeviceLimit(device="8:0", read_bps=1, write_bps=3),
        DeviceLimit(device="8:1", read_bps=2),
    ]
