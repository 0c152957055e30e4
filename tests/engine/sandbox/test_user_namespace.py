"""User namespaces are made beside the engine, and nothing is left of their making."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil  # type: ignore[import-untyped]
import pytest

from engine.errors import EngineError
from engine.sandbox import user_namespace
from engine.spec.structs import IdMapping

SOME = [IdMapping(container_id=0, host_id=100_000, size=1000)]
TWICE = [IdMapping(container_id=0, host_id=100_000, size=1000), IdMapping(container_id=5, host_id=300_000, size=1)]
STAYS = """
from engine.sandbox import user_namespace
with user_namespace._inside() as (pid, error):
    print(pid, error, flush=True)
    input()
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root maps ids that it has not itself")


def left() -> tuple[int, list[int]]:
    """Open descriptors and children."""
    return len(os.listdir("/proc/self/fd")), [child.pid for child in psutil.Process().children()]


def test_it_has_the_maps_that_were_asked_for_and_nothing_else_is_left() -> None:
    before = left()
    made = user_namespace.make(SOME, SOME)
    assert user_namespace.maps_of(made) == (SOME, SOME)
    os.close(made)
    assert left() == before


def test_maps_that_the_kernel_refuses_leave_nothing() -> None:
    before = left()
    with pytest.raises(EngineError, match="The gid map 0:100000:1000, 5:300000:1 is refused by the kernel"):
        user_namespace.make(SOME, TWICE)
    assert left() == before


def test_what_is_no_user_namespace_is_not_entered() -> None:
    before = left()
    with (
        open("/proc/self/ns/uts", "rb") as other,
        pytest.raises(EngineError, match="can't be entered: Invalid argument"),
    ):
        user_namespace.maps_of(other.fileno())
    assert left() == before


def test_many_threads_make_them_at_once() -> None:
    before = left()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: user_namespace.make(SOME, SOME), range(16)))
    assert len({os.fstat(descriptor).st_ino for descriptor in made}) == 16
    for descriptor in made:
        os.close(descriptor)
    assert left() == before


def test_a_killed_engine_leaves_no_process_in_one() -> None:
    with subprocess.Popen([sys.executable, "-c", STAYS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        pid, error = map(int, engine.stdout.readline().split())
        assert error == 0
        inside = os.pidfd_open(pid)
        engine.kill()
    ended = select.poll()
    ended.register(inside, select.POLLIN)
    assert ended.poll(20_000)
    os.close(inside)
