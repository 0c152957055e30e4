"""Finds a cgroup hierarchy that we may make cgroups in. Standard library only.

cgroup2 is preferred, wherever it is mounted: on a hybrid host beside the v1 controllers, its freezing and killing need
none of them. Root works below the hierarchy's root; others below their own cgroup, if it was delegated to them
(Documentation/admin-guide/cgroup-v2.rst, "Delegation").
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.cgroups.hierarchy import Hierarchy

NAME = "heliostui"


def discover() -> Hierarchy:
    """The hierarchy for this process; `available` is false where there is none for it."""
    return choose(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text(), may_create)


@dataclass(frozen=True)
class Mounted:
    """One mount of a hierarchy that matters: cgroup2, or v1's freezer."""

    version: Literal[1, 2]
    root: str  # which of its cgroups is mounted
    point: str  # where


def choose(mountinfo: str, own: str, writable: Callable[[str], bool]) -> Hierarchy:
    """The decision. `mountinfo` and `own` are the texts of /proc/self/mountinfo and /proc/self/cgroup."""
    mounted = sorted(hierarchies(mountinfo), key=lambda mount: -mount.version)
    for mount in mounted:
        for directory in (mount.point, own_directory(mount, own)):
            if directory is not None and writable(directory):
                return Hierarchy(mount.version, os.path.join(directory, NAME))
    if not mounted:
        return Hierarchy(0, reason="No cgroup2 and no freezer hierarchy is mounted.")
    directory = own_directory(mounted[0], own) or mounted[0].point
    return Hierarchy(
        0,
        reason=f"The cgroup {directory} is not ours to write to: start heliostui by "
        "`systemd-run --user --scope -p Delegate=yes` to get one that is.",
    )


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
        elif kind == "cgroup" and "freezer" in options.split(","):
            yield Mounted(1, root, point)


def own_directory(mount: Mounted, own: str) -> str | None:
    """Where the process's own cgroup is below `mount`; None when it can't be seen there. `own` as in cgroups(7)."""
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if (controllers == "") if mount.version == 2 else ("freezer" in controllers.split(",")):
            below = os.path.relpath(path, mount.root)
            outside = below.startswith("..") or path.startswith("/..")  # of the mount, or of our cgroup namespace
            return None if outside else os.path.normpath(os.path.join(mount.point, below))
    return None


def _unescaped(field: str) -> str:
    """Space, tab, newline and backslash are written in octal there."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
