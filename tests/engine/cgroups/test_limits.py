"""Limits of both versions hold, are all there or none, and can be read back."""

from __future__ import annotations

import os
import time

import pytest

from engine.cgroups import Cgroup, Hierarchy, limits
from engine.cgroups.counters import hits
from engine.cgroups.errors import LimitError
from engine.protocol.limits import MAX, DeviceLimit, LimitInForce, Limits
from engine.spec.limits import HUGE_MAX, to_resources
from engine.spec.structs import HugepageLimit, Memory, Pids, Rdma, Resources

from .conftest import needs, python_in

pytestmark = pytest.mark.cgroup2

MIB = 1 << 20


def apply(cgroup: Cgroup, **given: object) -> None:
    limits.apply(cgroup, to_resources(Limits(**given)))  # type: ignore[arg-type]


def in_force(cgroup: Cgroup, name: str) -> LimitInForce:
    (found,) = [limit for limit in limits.in_force(cgroup) if limit.name == name]
    return found


def test_a_fork_bomb_is_held_at_its_limit(limited: Cgroup) -> None:
    needs(limited, "pids")
    apply(limited, pids=20)
    script = """
import os, sys
made = 1
try:
    while made < 200:
        if os.fork() == 0:
            os.read(0, 1)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
print(made, flush=True)
os.read(0, 1)
"""
    with python_in(limited, script) as bomb:
        assert bomb.stdout is not None
        assert bomb.stdout.readline() == b"20\n"
        assert in_force(limited, "pids").usage == 20
        assert len(limited.processes()) == 20
        assert hits(limited).refused_forks >= 1
        limited.kill()


def test_a_memory_hog_is_held_at_its_limit(limited: Cgroup) -> None:
    needs(limited, "memory")
    apply(limited, memory=48 * MIB, memory_swap=48 * MIB)
    with python_in(limited, "hog = []\nwhile True: hog.append(bytearray(1 << 20))") as hog:
        assert hog.wait(60) == -9
    assert hits(limited).oom_kills >= 1
    peak = "memory.max_usage_in_bytes" if limited.version("memory") == 1 else "memory.peak"
    directory = limited.directory("memory")
    if os.path.exists(f"{directory}/{peak}"):  # Linux 5.19 in cgroup2
        assert 40 * MIB < int(limited.read(peak, directory)) <= 48 * MIB


def test_a_cpu_hog_is_held_at_its_limit(limited: Cgroup) -> None:
    needs(limited, "cpu")
    apply(limited, cpus=0.3)
    with python_in(limited, "import os\nos.fork()\nprint(flush=True)\nwhile True: pass") as hog:
        assert hog.stdout is not None
        hog.stdout.readline()
        begun, before = time.monotonic(), used_cpu(limited)
        while throttled(limited) < 5:
            assert hog.poll() is None
        used = used_cpu(limited) - before
        took = time.monotonic() - begun  # looked at last and first: whatever delays us between two looks is in it
        limited.kill()
    assert used <= 0.3 * took + 0.3 * 0.1 * 2  # what is left of a period at either end


def used_cpu(cgroup: Cgroup) -> float:
    """Seconds."""
    text = cgroup.read("cpu.stat", cgroup.path) if cgroup.core_version == 2 else ""
    values = dict(line.split() for line in text.splitlines())
    if "usage_usec" in values:
        return int(values["usage_usec"]) / 1e6
    return int(cgroup.read("cpuacct.usage", cgroup.directory("cpuacct"))) / 1e9


def throttled(cgroup: Cgroup) -> int:
    values = dict(line.split() for line in cgroup.read("cpu.stat", cgroup.directory("cpu")).splitlines())
    return int(values["nr_throttled"])


@pytest.mark.parametrize(
    ("controller", "given", "name", "value"),
    [
        ("memory", {"memory": 64 * MIB}, "memory", 64 * MIB),
        ("memory", {"memory": MAX}, "memory", MAX),
        ("memory", {"memory_reservation": 16 * MIB}, "memory_reservation", 16 * MIB),
        ("cpu", {"cpus": 1.5}, "cpus", 1.5),
        ("cpu", {"cpus": MAX}, "cpus", MAX),
        ("cpu", {"cpu_weight": 250}, "cpu_weight", 250),
        ("cpuset", {"cpuset_cpus": "0"}, "cpuset_cpus", "0"),
        ("cpuset", {"cpuset_mems": "0"}, "cpuset_mems", "0"),
        ("pids", {"pids": 33}, "pids", 33),
        ("pids", {"pids": MAX}, "pids", MAX),
        ("hugetlb", {"hugetlb": {"2MB": 4 * MIB}}, "hugetlb.2MB", 4 * MIB),
        ("hugetlb", {"hugetlb": {"2MB": MAX}}, "hugetlb.2MB", MAX),
    ],
)
def test_what_was_set_is_in_force(
    limited: Cgroup, controller: str, given: dict[str, object], name: str, value: object
) -> None:
    needs(limited, controller)
    if given.get("cpus") == 1.5 and (os.cpu_count() or 1) < 2:
        pytest.skip("only one CPU here")
    apply(limited, **given)
    found = in_force(limited, name)
    assert found.value == value
    assert (limited.directory(controller) or "?") in found.path
    assert found.text
    assert not found.reason


def test_memory_and_swap_are_limited_together(limited: Cgroup) -> None:
    needs(limited, "memory")
    if (now := in_force(limited, "memory_swap")).reason:
        pytest.skip(now.reason)
    apply(limited, memory=64 * MIB, memory_swap=96 * MIB)
    assert in_force(limited, "memory_swap").value == 96 * MIB


def test_without_a_limit_of_swap_there_is_as_much_as_memory(limited: Cgroup) -> None:
    needs(limited, "memory")
    if (now := in_force(limited, "memory_swap")).reason:
        pytest.skip(now.reason)
    apply(limited, memory=64 * MIB)
    assert in_force(limited, "memory_swap").value == 128 * MIB


@pytest.mark.parametrize("sizes", [(64, 128, 32), (128, 32, MAX, 64)])
def test_memory_and_swap_grow_and_shrink_in_any_order(limited: Cgroup, sizes: tuple[int, ...]) -> None:
    needs(limited, "memory")
    for size in sizes:
        apply(limited, memory=size * MIB if size > 0 else MAX)
        assert in_force(limited, "memory").value == (size * MIB if size > 0 else MAX)


def test_a_disk_is_limited(limited: Cgroup) -> None:
    needs(limited, "io")
    disk = first_disk()
    apply(limited, devices=[DeviceLimit(device=disk, read_bps=MIB, write_iops=100)])
    assert in_force(limited, f"devices.{disk}.read_bps").value == MIB
    assert in_force(limited, f"devices.{disk}.write_iops").value == 100
    apply(limited, devices=[DeviceLimit(device=disk, read_bps=MAX)])
    assert [limit.name for limit in limits.in_force(limited) if limit.name.startswith("devices.")] == [
        f"devices.{disk}.write_iops"
    ]


def first_disk() -> str:
    """A real one, or one that lies in a file or in memory."""
    lesser = ("loop", "ram", "zram")
    for name in sorted(os.listdir("/sys/block"), key=lambda name: (name.startswith(lesser), name)):
        if not name.startswith(("fd", "sr")):
            with open(f"/sys/block/{name}/dev") as file:
                return file.read().strip()
    pytest.skip("no disk here")


def test_a_weight_is_given_or_refused_with_the_reason(limited: Cgroup) -> None:
    needs(limited, "io")
    if reason := in_force(limited, "io_weight").reason:
        with pytest.raises(LimitError, match="scheduler"):
            apply(limited, io_weight=50)
        assert "BFQ" in reason
        return
    apply(limited, io_weight=50)
    assert in_force(limited, "io_weight").value == 50


def test_all_or_nothing_is_applied(limited: Cgroup) -> None:
    needs(limited, "memory", "pids", "cpu")
    apply(limited, memory=64 * MIB, pids=50, cpus=0.5)
    before = limits.in_force(limited)
    with pytest.raises(LimitError, match=r"pids\.max"):
        limits.apply(
            limited,
            Resources(memory=Memory(limit=32 * MIB, swap=64 * MIB), pids=Pids(limit=1 << 60)),
        )
    assert [limit.value for limit in limits.in_force(limited)] == [limit.value for limit in before]


def test_what_is_in_use_can_not_be_taken_away(limited: Cgroup) -> None:
    needs(limited, "memory")
    with python_in(limited, "hog = b'x' * (60 << 20)\nprint(flush=True)\ninput()") as hog:
        assert hog.stdout is not None
        hog.stdout.readline()
        with pytest.raises(LimitError, match=r"uses .* MiB .* can't be its limit"):
            apply(limited, memory=16 * MIB, memory_swap=16 * MIB)
        assert hog.poll() is None
        assert in_force(limited, "memory").value == MAX
        limited.kill()


def test_every_write_is_told_and_none_is_repeated(limited: Cgroup) -> None:
    needs(limited, "pids")
    asked = to_resources(Limits(pids=12))
    (write,) = limits.apply(limited, asked)
    assert (write.file, write.text) == ("pids.max", "12")
    assert limits.apply(limited, asked) == []


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        (Resources(hugepage_limits=[HugepageLimit(page_size="3MB", limit=HUGE_MAX)]), "no huge pages of 3MB"),
        (Resources(unified={"rubber.max": "1"}), "rubber"),
        (Resources(unified={"cgroup.procs": "1"}), "no file of a controller"),
        (Resources(rdma={"mlx5": Rdma(hca_handles=1)}), "RDMA"),
    ],
)
def test_what_can_not_be_is_refused_with_the_reason(limited: Cgroup, resources: Resources, says: str) -> None:
    if resources.hugepage_limits:
        needs(limited, "hugetlb")
    with pytest.raises(LimitError, match=says):
        limits.apply(limited, resources)


def test_a_file_of_version_2_is_written_as_it_is_or_refused(limited: Cgroup) -> None:
    needs(limited, "memory")
    asked = Resources(unified={"memory.high": "1G"})
    if limited.version("memory") == 1:
        with pytest.raises(LimitError, match="controller in v1"):
            limits.apply(limited, asked)
    else:
        limits.apply(limited, asked)
        assert in_force(limited, "memory_high").value == 1 << 30


def test_limits_that_were_not_asked_for_are_none(limited: Cgroup) -> None:
    for limit in limits.in_force(limited):
        if not limit.reason and limit.name in ("memory", "cpus", "pids", "memory_swap"):
            assert limit.value == MAX


def test_a_cgroup_below_a_given_parent_is_limited_too(machines: Hierarchy) -> None:
    above = f"{os.path.basename(machines.base)}/batch/jobs"
    cgroup = machines.create("deep", above)
    try:
        needs(cgroup, "pids")
        apply(cgroup, pids=5)
        assert in_force(cgroup, "pids").value == 5
        assert cgroup.path.endswith("/batch/jobs/deep")
    finally:
        cgroup.remove()


def test_a_parent_that_others_made_stays(machines: Hierarchy) -> None:
    theirs = machines.base  # not marked as ours
    os.mkdir(theirs)
    cgroup = machines.create("one", f"{os.path.basename(theirs)}/ours")
    cgroup.remove()
    assert os.listdir(theirs)
    assert not os.path.exists(f"{theirs}/ours")
    os.rmdir(theirs)


@pytest.mark.parametrize("parent", ["/a/../b", "/.", "a//b", "/-x", "slice/a b"])
def test_a_parent_that_leads_elsewhere_is_refused(machines: Hierarchy, parent: str) -> None:
    with pytest.raises(ValueError, match="name of a cgroup"):
        machines.create("x", parent)
