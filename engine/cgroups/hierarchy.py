"""The place below which the engine makes its cgroups. Standard library only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.delegation import MEASURED, enable
from engine.cgroups.v1 import Freezer
from engine.cgroups.v2 import Cgroup2

__all__ = ["Cgroup", "Hierarchy"]


@dataclass(frozen=True)
class Hierarchy:
    """Containers' cgroups are `base/<id>`; and `<directory>/<last part of base>/<id>` for each one of `v1`, where v1
    controllers are, by controller. `version` 0: there are no cgroups for us, and `reason` says why in one sentence."""

    version: Literal[0, 1, 2]
    base: str = ""
    reason: str = ""
    v1: Mapping[str, str] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.version != 0

    def create(self, id: str) -> Cgroup:
        """A new, empty cgroup. One of the same name that nobody lives in is replaced.

        Raises FileExistsError when somebody does, OSError.
        """
        cgroup = self.find(id)
        with suppress(TimeoutError):
            cgroup.remove(timeout=0)
        for _ in range(100):  # the last one to leave takes the bases away, maybe just now
            with suppress(FileNotFoundError):
                self._make_bases(cgroup)
                cgroup.make()
                return cgroup
        raise FileNotFoundError(2, os.strerror(2), self.base)

    def find(self, id: str) -> Cgroup:
        """The cgroup of that name, whether it is there or not. Raises ValueError for what can't be a name."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", id):
            raise ValueError(f"{id!r} can't be the name of a cgroup.")
        name = os.path.join(os.path.basename(self.base), id)
        parts = {controller: os.path.join(directory, name) for controller, directory in self.v1.items()}
        return (Cgroup2 if self.version == 2 else Freezer)(os.path.join(self.base, id), parts)

    def ids(self) -> list[str]:
        """The names of all that are there, left over ones too."""
        try:
            with os.scandir(self.base) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def _make_bases(self, cgroup: Cgroup) -> None:
        for directory in (cgroup.path, *cgroup.parts.values()):
            os.makedirs(os.path.dirname(directory), exist_ok=True)
        if self.version == 2:
            with suppress(PermissionError):  # then there are no limits, and asking for one says why
                enable(os.path.dirname(self.base), MEASURED)
                enable(self.base, MEASURED)
        for controller, directory in cgroup.parts.items():
            if controller == "cpuset":
                _inherit_cpus(os.path.dirname(directory))


def _inherit_cpus(base: str) -> None:
    """Let the cpusets below start with the CPUs and memory nodes of those above: without any, nobody may join
    (Documentation/admin-guide/cgroup-v1/cgroups.rst, "clone_children")."""
    with open(os.path.join(base, "cgroup.clone_children"), "r+") as file:
        if file.read().strip() == "1":
            return
        file.write("1")
    for name in ("cpuset.cpus", "cpuset.mems"):
        with open(os.path.join(os.path.dirname(base), name)) as above, open(os.path.join(base, name), "w") as file:
            file.write(above.read())
