"""Enabling the controllers of cgroup2 for the cgroups of containers. Standard library only.

A controller has files in a directory when the directory above lists it in cgroup.subtree_control; and but for the root
only a directory without processes may list any (Documentation/admin-guide/cgroup-v2.rst, "Controlling Controllers",
"No Internal Process Constraint"). So where a cgroup with processes was delegated to us, they go to a leaf in it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress

CONTROLLERS = ("cpu", "memory", "pids", "io", "cpuset", "hugetlb")
"""All that limits can be set on, so that any can be while a container runs; one costs 0.02 ms of a start."""


def enable(directory: str, controllers: Iterable[str]) -> None:
    """Give the cgroups below `directory` those of `controllers` that `directory` has itself. Raises OSError."""
    with open(os.path.join(directory, "cgroup.controllers")) as file:
        there = set(file.read().split())
    control = os.path.join(directory, "cgroup.subtree_control")
    if not (wanted := there.intersection(controllers)):
        return
    with open(control) as file:
        missing = wanted - set(file.read().split())
    if missing:
        with open(control, "w") as file:
            file.write(" ".join(f"+{name}" for name in sorted(missing)))


LEAF = "heliostui-engine"  # where keeper and engine are when the cgroup that they were in got cgroups of containers
ROUNDS = 100  # of moving processes that fork meanwhile
HOW = "start it by `systemd-run --user --scope -p Delegate=yes heliostui engine start`"


def take_over(directory: str, pids: Iterable[int], *, top: bool) -> str:
    """Make a delegated cgroup one that can have limits below: why that can't be, in one sentence, or "".

    `pids`: processes that may be moved to a leaf within it. All may be where the whole cgroup was delegated, or is the
    `top` of what can be seen (the root of our cgroup namespace).
    """
    try:
        enable(directory, CONTROLLERS)
        return ""
    except OSError as error:
        if error.errno != errno.EBUSY:
            return f"The controllers of the cgroup {directory} are not ours to enable ({error.strerror}): {HOW}."
    if not (top or _delegated(directory) or set(_processes(directory)) <= set(pids)):
        return f"There are processes of others in the cgroup {directory}: {HOW}."
    leaf = os.path.join(directory, LEAF)
    try:
        os.makedirs(leaf, exist_ok=True)
        for _ in range(ROUNDS):
            if not (left := _processes(directory)):
                break
            for pid in left:
                with suppress(ProcessLookupError), open(os.path.join(leaf, "cgroup.procs"), "w") as file:
                    file.write(str(pid))
        enable(directory, CONTROLLERS)
    except OSError as error:
        return f"The processes in the cgroup {directory} can't be moved to {LEAF} ({error.strerror}): {HOW}."
    return ""


def _processes(directory: str) -> list[int]:
    with open(os.path.join(directory, "cgroup.procs")) as file:
        return [int(line) for line in file]


def _delegated(directory: str) -> bool:
    """Has systemd marked it so (systemd.resource-control(5), "Delegate=")?"""
    for name in ("user.delegate", "trusted.delegate"):
        with suppress(OSError):
            return os.getxattr(directory, name) == b"1"
    return False
