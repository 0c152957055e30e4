"""Finds the cgroup hierarchies that we may make cgroups in. Standard library only.

cgroup2 is preferred as the core, wherever it is mounted: its freezing and killing need no controllers. Those that a
hybrid host has in v1 are found beside it. Root works below the hierarchy's root; others below their own cgroup, if it
was delegated to them (Documentation/admin-guide/cgroup-v2.rst, "Delegation").
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.cgroups import delegation, device_filter
from engine.cgroups.hierarchy import Hierarchy

NAME = "heliostui"


def discover() -> Hierarchy:
    """The hierarchy for this process; `available` is false where there is none for it."""
    mountinfo, own = Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text()
    return choose(mountinfo, own, may_create, filters=device_filter.available())


def take_over(hierarchy: Hierarchy, pids: Iterable[int]) -> Hierarchy:
    """Enable the controllers of cgroup2, once, by the engine: `reason` of what is returned says what keeps it from it.

    In a cgroup that was delegated to it the processes `pids` are moved to a leaf, see `delegation`."""
    if hierarchy.version != 2:
        return hierarchy
    directory = os.path.dirname(hierarchy.base)
    own = Path("/proc/self/cgroup").read_text()
    top = any(line in ("0::/", f"0::/{delegation.LEAF}") for line in own.splitlines())
    reason = delegation.take_over(directory, pids, top=top)
    if not reason and os.path.isdir(hierarchy.base):  # an earlier version's, perhaps
        delegation.enable(hierarchy.base, delegation.CONTROLLERS)
    return replace(hierarchy, reason=reason)


@dataclass(frozen=True)
class Mounted:
    """One mount of a hierarchy: cgroup2, or one of v1 with its controllers."""

    version: Literal[1, 2]
    root: str  # which of its cgroups is mounted
    point: str  # where
    controllers: tuple[str, ...] = ()


LIMITING = ("cpu", "memory", "pids", "cpuset", "blkio", "hugetlb")
"""The v1 controllers that a container joins. What it used of the CPUs and the device rules are cgroup2's ..."""
WITHOUT_CGROUP2 = (*LIMITING, "cpuacct", "devices")
"""... where there is one."""
NAMES = {"blkio": "io"}  # what cgroup2 calls them


def choose(mountinfo: str, own: str, writable: Callable[[str], bool], *, filters: bool = True) -> Hierarchy:
    """The decision. `mountinfo` and `own` are the texts of /proc/self/mountinfo and /proc/self/cgroup; `filters`: can
    devices be fenced off in cgroup2?"""
    mounts = list(hierarchies(mountinfo))
    cores = [mount for mount in mounts if mount.version == 2 or "freezer" in mount.controllers]
    cores.sort(key=lambda mount: -mount.version)
    for mount in cores:
        if (directory := _ours(mount, own, writable)) is not None:
            wanted: tuple[str, ...] = WITHOUT_CGROUP2
            if mount.version == 2:
                wanted = LIMITING if filters else (*LIMITING, "devices")
            v1 = _controllers([other for other in mounts if other != mount], wanted, own, writable)
            return Hierarchy(mount.version, os.path.join(directory, NAME), v1=v1)
    if not cores:
        return Hierarchy(0, reason="No cgroup2 and no freezer hierarchy is mounted.")
    directory = own_directory(cores[0], own) or cores[0].point
    return Hierarchy(
        0,
        reason=f"The cgroup {directory} is not ours to write to: start heliostui by "
        "`systemd-run --user --scope -p Delegate=yes` to get one that is.",
    )


def _ours(mount: Mounted, own: str, writable: Callable[[str], bool]) -> str | None:
    """The cgroup in which ours go: the topmost that we may write to."""
    candidates = (mount.point, own_directory(mount, own))
    return next((directory for directory in candidates if directory is not None and writable(directory)), None)


def _controllers(
    mounts: list[Mounted], wanted: tuple[str, ...], own: str, writable: Callable[[str], bool]
) -> dict[str, str]:
    """Where the v1 controllers are that we may use. Those that share a hierarchy come together."""
    found: dict[str, str] = {}
    for mount in mounts:
        if set(wanted).isdisjoint(mount.controllers) or (directory := _ours(mount, own, writable)) is None:
            continue
        for controller in set(mount.controllers) - {"freezer"}:
            found.setdefault(NAMES.get(controller, controller), directory)
    return found


def may_create(directory: str) -> bool:
    """May this process make cgroups in `directory`, and move processes there?"""
    return os.access(directory, os.W_OK | os.X_OK) and os.access(os.path.join(directory, "cgroup.procs"), os.W_OK)


def hierarchies(mountinfo: str) -> Iterator[Mounted]:
    """The hierarchies in a text of proc_pid_mountinfo(5)."""
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        root, point = (_unescaped(field) for field in fields.split(" ")[3:5])
        if kind == "cgroup2":
            yield Mounted(2, root, point)
        elif kind == "cgroup":
            known = set(options.split(",")).intersection((*WITHOUT_CGROUP2, "freezer"))
            if known:
                yield Mounted(1, root, point, tuple(sorted(known)))


def own_directory(mount: Mounted, own: str) -> str | None:
    """Where the process's own cgroup is below `mount`; None when it can't be seen there. `own` as in cgroups(7)."""
    wanted = set(mount.controllers or [""])
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if wanted.intersection(controllers.split(",")):
            below = os.path.relpath(path, mount.root)
            outside = below.startswith("..") or path.startswith("/..")  # of the mount, or of our cgroup namespace
            if outside:
                return None
            directory = os.path.normpath(os.path.join(mount.point, below))
            return os.path.dirname(directory) if os.path.basename(directory) == delegation.LEAF else directory
    return None


def _unescaped(field: str) -> str:
    """Space, tab, newline and backslash are written in octal there."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
