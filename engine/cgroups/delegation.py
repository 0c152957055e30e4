"""Enabling the controllers of cgroup2 for the cgroups of containers. Standard library only.

A controller has files in a directory when the directory above lists it in cgroup.subtree_control
(Documentation/admin-guide/cgroup-v2.rst, "Controlling Controllers").
"""

from __future__ import annotations

import os
from collections.abc import Iterable

MEASURED = ("cpu", "memory", "pids", "io")
"""Enabled for every container, since they also say what it uses. Others are, once a limit of theirs is asked for."""


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
