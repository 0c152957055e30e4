"""The place below which the engine makes its cgroups. Standard library only."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.v1 import Freezer
from engine.cgroups.v2 import Cgroup2

__all__ = ["Cgroup", "Hierarchy"]


@dataclass(frozen=True)
class Hierarchy:
    """Containers' cgroups are `base/<id>`. `version` 0: there is none, and `reason` says why in one sentence."""

    version: Literal[0, 1, 2]
    base: str = ""
    reason: str = ""

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
        for _ in range(100):  # the last one to leave takes `base` away, maybe just now
            os.makedirs(self.base, exist_ok=True)
            with suppress(FileNotFoundError):
                os.mkdir(cgroup.path)
                return cgroup
        raise FileNotFoundError(2, os.strerror(2), self.base)

    def find(self, id: str) -> Cgroup:
        """The cgroup of that name, whether it is there or not. Raises ValueError for what can't be a name."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", id):
            raise ValueError(f"{id!r} can't be the name of a cgroup.")
        path = os.path.join(self.base, id)
        return Cgroup2(path) if self.version == 2 else Freezer(path)

    def ids(self) -> list[str]:
        """The names of all that are there, left over ones too."""
        try:
            with os.scandir(self.base) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []
