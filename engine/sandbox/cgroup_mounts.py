"""/sys/fs/cgroup: its own cgroup as the root of all, read-only. Standard library and the plan.

With cgroup2 alone it is one file system. Where there are v1 hierarchies it is what Docker shows there: a tmpfs with a
directory for each, a link for each controller of several in one, and cgroup2 as `unified`. Both begin at the root of
the cgroup namespace (cgroup_namespaces(7)).
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from engine.sandbox.kernel import AT, MOUNT_ATTR, MOVE_MOUNT
from engine.sandbox.plan import Mode, Plan, Ref
from engine.sandbox.tree import Tree, mount_attr, new_filesystem

PLACE = "/sys/fs/cgroup"
# Options of a v1 hierarchy that name no controller.
_GENERAL = {"rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "favordynmods", "nofavordynmods"}


@dataclass(frozen=True)
class Hierarchy:
    """One v1 hierarchy of the host: where it lies below /sys/fs/cgroup, and the options that mean it."""

    name: str
    options: tuple[str, ...]


@cache
def hierarchies() -> tuple[Hierarchy, ...]:
    """The host's v1 hierarchies; none on a host with cgroup2 alone."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return tuple(_parse(file.read()))


def _parse(mountinfo: str) -> Iterator[Hierarchy]:
    """proc_pid_mountinfo(5)."""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ")[:3]
        place = left.split(" ")[4]
        if kind == "cgroup" and posixpath.dirname(place) == PLACE:
            meant = tuple(o for o in options.split(",") if o not in _GENERAL and not o.startswith("release_agent="))
            yield Hierarchy(posixpath.basename(place), meant)


def mount(
    plan: Plan, tree: Tree, destination: str, attributes: MOUNT_ATTR, why: str, joined: Collection[str] = ()
) -> None:
    """Mount what there is at `destination`. A host without any cgroups, or that lets nobody mount them, has none.

    Of the v1 hierarchies only those of the controllers that are `joined`: of the others it would show the host's.
    """
    found = hierarchies()
    if not found:
        made = new_filesystem(plan, "cgroup2", "cgroup", [], attributes, why, optional=True)
        tree.attach(made, destination, why)
        return
    writable = attributes & ~MOUNT_ATTR.RDONLY
    top = new_filesystem(plan, "tmpfs", "cgroup", [("mode", "755"), ("size", "64k")], writable, why)
    tree.attach(top, destination, why)
    options: list[tuple[str, str | None]]
    for hierarchy in found:
        if not set(joined) & set(hierarchy.options):
            continue
        options = [(key, value or None) for key, _, value in (o.partition("=") for o in hierarchy.options)]
        _below(plan, top, hierarchy.name, "cgroup", options, attributes)
        for controller in hierarchy.name.split(",") if "," in hierarchy.name else ():
            plan.call("symlinkat", hierarchy.name, top, controller, why=f"{controller} by its own name")
    _below(plan, top, "unified", "cgroup2", [], attributes)
    if attributes & MOUNT_ATTR.RDONLY:
        plan.call("mount_setattr", top, "", AT.EMPTY_PATH, mount_attr(MOUNT_ATTR.RDONLY), 32, why="no more directories")


def _below(
    plan: Plan, top: Ref, name: str, kind: str, options: list[tuple[str, str | None]], attributes: MOUNT_ATTR
) -> None:
    why = f"the {name} hierarchy"
    made = new_filesystem(plan, kind, "cgroup", options, attributes, why, optional=True)
    plan.call("mkdirat", top, name, Mode(0o755), why=f"a place for {why}")
    plan.call("move_mount", made, "", top, name, MOVE_MOUNT.F_EMPTY_PATH, why=why)
