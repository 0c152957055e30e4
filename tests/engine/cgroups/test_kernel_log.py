"""Whom the OOM killer killed is read from the kernel's log."""

from __future__ import annotations

import pytest

from engine.cgroups import Cgroup, limits
from engine.cgroups.kernel_log import KernelLog, Refused, Victim
from engine.protocol.limits import Limits
from engine.spec.limits import to_resources

from .conftest import needs, python_in

WHERE = (
    "6,1021,5005,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=a,mems_allowed=0,"
    "oom_memcg=/heliostui/a1,task_memcg=/heliostui/a1,task=x, y (z),pid=4711,uid=0"
)
KILLED = (
    "3,1022,5006,-;Memory cgroup out of memory: Killed process 4711 (x, y (z)) total-vm:9kB, anon-rss:1kB, "
    "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:9kB oom_score_adj:0"
)


@pytest.fixture
def log() -> KernelLog:
    try:
        return KernelLog()
    except OSError as error:
        pytest.skip(f"the kernel's log is not for us: {error.strerror}")


def test_two_lines_name_a_victim_and_its_cgroup(log: KernelLog) -> None:
    assert log.take(WHERE) is None
    assert log.take(KILLED) == Victim(4711, "x, y (z)", "/heliostui/a1")
    log.close()


def test_the_second_line_alone_names_a_victim(log: KernelLog) -> None:
    assert log.take(KILLED) == Victim(4711, "x, y (z)")
    assert log.take("6,1,2,-;usb 1-1: new device") is None
    log.close()


def test_the_first_fork_that_is_refused_is_told_of(log: KernelLog) -> None:
    record = "6,1,2,-;cgroup: fork rejected by pids controller in /heliostui/a1\n SUBSYSTEM=none"
    assert log.take(record) == Refused("/heliostui/a1")
    log.close()


@pytest.mark.cgroup2
def test_a_real_victim_is_found(log: KernelLog, limited: Cgroup) -> None:
    needs(limited, "memory")
    limits.apply(limited, to_resources(Limits(memory=32 << 20, memory_swap=32 << 20)))
    with python_in(limited, "hog = []\nwhile True: hog.append(bytearray(1 << 20))") as hog:
        assert hog.wait(60) == -9
    assert hog.pid in {told.pid for told in log.read() if isinstance(told, Victim)}
    log.close()
