"""Where containers' cgroups go, on hosts of every kind."""

from __future__ import annotations

import pytest

from engine.cgroups import Hierarchy, discover
from engine.cgroups.discover import Mounted, choose, hierarchies, own_directory

UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
FREEZER = "31 23 0:27 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
MEMORY = "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
HYBRID = FREEZER + MEMORY + UNIFIED.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
OTHER = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro\n"
OWN = "6:freezer:/session\n0::/user.slice/user@1000.service/app.slice\n"


@pytest.mark.parametrize(
    ("mountinfo", "writable", "version", "base"),
    [
        (OTHER + UNIFIED, "", 2, "/sys/fs/cgroup/heliostui"),
        (HYBRID, "", 2, "/sys/fs/cgroup/unified/heliostui"),
        (HYBRID, "freezer", 1, "/sys/fs/cgroup/freezer/heliostui"),
        (FREEZER, "", 1, "/sys/fs/cgroup/freezer/heliostui"),
        (UNIFIED, "app.slice", 2, "/sys/fs/cgroup/user.slice/user@1000.service/app.slice/heliostui"),
        (HYBRID, "session", 1, "/sys/fs/cgroup/freezer/session/heliostui"),
    ],
)
def test_the_best_writable_hierarchy_is_chosen(mountinfo: str, writable: str, version: int, base: str) -> None:
    chosen = choose(mountinfo, OWN, lambda directory: directory.endswith(writable))
    assert (chosen.available, chosen.version, chosen.base) == (True, version, base)


def test_without_delegation_there_is_none_and_the_reason_says_how_to_get_one() -> None:
    chosen = choose(UNIFIED, OWN, lambda directory: False)
    assert not chosen.available
    assert "/sys/fs/cgroup/user.slice/user@1000.service/app.slice is not ours" in chosen.reason
    assert "Delegate=yes" in chosen.reason


def test_without_any_hierarchy_the_reason_says_so() -> None:
    assert "mounted" in choose(OTHER + MEMORY, OWN, lambda directory: True).reason


def test_a_mount_point_with_spaces_is_understood() -> None:
    [found] = hierarchies(r"30 23 0:26 / /a\040b rw - cgroup2 none rw")
    assert found == Mounted(2, "/", "/a b")


@pytest.mark.parametrize(
    ("root", "own", "directory"),
    [
        ("/", "0::/a/b", "/mnt/a/b"),
        ("/", "0::/", "/mnt"),
        ("/a", "0::/a/b", "/mnt/b"),
        ("/a", "0::/other", None),
        ("/", "0::/../above", None),
        ("/", "1:freezer:/a", None),
    ],
)
def test_the_own_cgroup_is_found_below_the_mount(root: str, own: str, directory: str | None) -> None:
    assert own_directory(Mounted(2, root, "/mnt"), own) == directory


def test_this_machine_gives_an_answer() -> None:
    found = discover()
    assert isinstance(found, Hierarchy)
    assert found.available != bool(found.reason)
