"""Controllers of a delegated cgroup become those of containers, and nobody else's processes are touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from engine.cgroups import Cgroup, Hierarchy
from engine.cgroups.delegation import LEAF, enable, take_over

pytestmark = pytest.mark.cgroup2


@dataclass
class Delegated:
    """A cgroup with a process in it, as a scope of systemd."""

    path: str
    process: subprocess.Popen[bytes]
    controllers: set[str]

    def lists(self, name: str, below: str = "") -> set[str]:
        with open(os.path.join(self.path, below, name)) as file:
            return set(file.read().split())


@pytest.fixture
def delegated(limited: Cgroup) -> Iterator[Delegated]:
    if limited.core_version != 2:
        pytest.skip("no cgroup2 here")
    controllers = set(limited.read("cgroup.controllers").split())
    if not controllers:
        pytest.skip("cgroup2 has no controllers here")
    with subprocess.Popen(["sleep", "1000"]) as process:
        Cgroup.write(limited, "cgroup.procs", str(process.pid))
        yield Delegated(limited.path, process, controllers)
        process.kill()


def test_our_own_processes_go_to_a_leaf(delegated: Delegated) -> None:
    pid = delegated.process.pid
    assert take_over(delegated.path, [pid], top=False) == ""
    assert delegated.lists("cgroup.procs") == set()
    assert delegated.lists("cgroup.procs", LEAF) == {str(pid)}
    assert delegated.lists("cgroup.subtree_control") == delegated.controllers


def test_those_of_others_stay_and_the_reason_says_how_to_get_a_cgroup(delegated: Delegated) -> None:
    reason = take_over(delegated.path, [1], top=False)
    assert delegated.path in reason
    assert "Delegate=yes" in reason
    assert delegated.lists("cgroup.procs") == {str(delegated.process.pid)}
    assert not os.path.exists(f"{delegated.path}/{LEAF}")


@pytest.mark.parametrize("marked", [True, False], ids=["delegated as a whole", "all that can be seen"])
def test_all_go_to_a_leaf_where_everything_is_ours(delegated: Delegated, marked: bool) -> None:
    if marked:
        os.setxattr(delegated.path, "user.delegate", b"1")
    assert take_over(delegated.path, [], top=not marked) == ""
    assert delegated.lists("cgroup.procs", LEAF) == {str(delegated.process.pid)}


def test_without_processes_nothing_has_to_move(delegated: Delegated) -> None:
    delegated.process.kill()
    delegated.process.wait()
    assert take_over(delegated.path, [], top=False) == ""
    assert not os.path.exists(f"{delegated.path}/{LEAF}")


def test_only_controllers_that_are_there_are_enabled(machines: Hierarchy) -> None:
    cgroup = machines.create("c")
    if cgroup.core_version != 2:
        pytest.skip("no cgroup2 here")
    enable(cgroup.path, ["rubber"])
    assert cgroup.read("cgroup.subtree_control").split() == []
