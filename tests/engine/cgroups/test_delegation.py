"""Controllers of a delegated cgroup become those of containers, and nobody else's processes are touched."""

from __future__ import annotations

import os
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from engine import cgroups
from engine.cgroups import Cgroup, Hierarchy, limits
from engine.cgroups.delegation import LEAF, enable, take_over
from engine.protocol.limits import Limits
from engine.spec.limits import to_resources

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


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("given", [True, False], ids=["delegated", "not delegated"])
def test_an_ordinary_user_has_limits_where_they_were_delegated(limited: Cgroup, given: bool) -> None:
    if limited.core_version != 2 or not limited.read("cgroup.controllers"):
        pytest.skip("cgroup2 has no controllers here")
    if given:
        for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(os.path.join(limited.path, name), NOBODY, NOBODY)
    answer = as_nobody(limited.path)
    if given:
        assert answer == f"{limited.path}/heliostui/mine limited"
        assert os.listdir(f"{limited.path}/heliostui")
    else:
        assert answer.startswith(f"The cgroup {limited.path} is not ours to write to")


def as_nobody(directory: str) -> str:
    """What a process of an ordinary user in that cgroup says of its own one."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with open(f"{directory}/cgroup.procs", "w") as procs:
                procs.write("0")
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(write, limited_cgroup().encode())
        except BaseException:  # noqa: BLE001 - the parent shows it
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def limited_cgroup() -> str:
    hierarchy = cgroups.take_over(cgroups.discover(), [os.getpid()])
    if not hierarchy.available:
        return hierarchy.reason
    cgroup = hierarchy.create("mine")
    asked = Limits(pids=5) if "pids" in hierarchy.controllers() else Limits(hugetlb={"2MB": 2 << 20})
    wrote = limits.apply(cgroup, to_resources(asked))
    return f"{cgroup.path} {'limited' if wrote else hierarchy.reason}"
