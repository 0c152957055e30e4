"""The place below which the engine makes its cgroups. Standard library only."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from engine.cgroups.cgroup import Cgroup, is_ours, make_ours
from engine.cgroups.delegation import CONTROLLERS, enable
from engine.cgroups.v1 import Freezer, lacks_cpus, pass_cpus_on, take_cpus_over
from engine.cgroups.v2 import Cgroup2

__all__ = ["Cgroup", "Hierarchy"]

_making = threading.Lock()  # one thread at a time: what is above a cgroup is whole before the next one is made in it


@dataclass(frozen=True)
class Hierarchy:
    """Containers' cgroups are `base/<id>`; and `<directory>/<last part of base>/<id>` for each one of `v1`, where v1
    controllers are, by controller. `version` 0: there are no cgroups for us, and `reason` says why in one sentence.
    With cgroups, `reason` says why some controllers are not among them."""

    version: Literal[0, 1, 2]
    base: str = ""
    reason: str = ""
    v1: Mapping[str, str] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.version != 0

    def create(self, id: str, parent: str | None = None) -> Cgroup:
        """A new, empty cgroup. One of the same name that nobody lives in is replaced.

        `parent`: a path, below the directory in which `base` is, to make it in. Raises FileExistsError when somebody
        lives in it, ValueError for what can't be a path, OSError.
        """
        with _making:
            return self._create(self.find(id, parent), parent)

    def _create(self, cgroup: Cgroup, parent: str | None) -> Cgroup:
        for _ in range(100):  # the last one to leave takes the directories above away, maybe just now
            try:
                cgroup.make()
            except FileNotFoundError:
                with suppress(FileNotFoundError):
                    self._make_above(self._names(parent))
            except FileExistsError:
                if not cgroup.wait_empty(0):
                    raise
                cgroup.remove()
            else:
                if lacks_cpus(cpuset := cgroup.parts.get("cpuset", "")):  # or those above had none as yet
                    self._pass_cpus_on(self._names(parent))
                    take_cpus_over(cpuset)
                return cgroup
        raise FileNotFoundError(2, os.strerror(2), os.path.dirname(cgroup.path))

    def find(self, id: str, parent: str | None = None) -> Cgroup:
        """The cgroup of that name, whether it is there or not. Raises ValueError for what can't be a path."""
        names = self._names(parent)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", id):
            raise ValueError(f"{id!r} can't be the name of a cgroup.")
        parts = {name: os.path.join(directory, *names, id) for name, directory in self.v1.items()}
        kind = Cgroup2 if self.version == 2 else Freezer
        path = os.path.join(os.path.dirname(self.base), *names, id)
        return kind(path, parts, reason=self.reason, levels=len(names))

    def ids(self) -> list[str]:
        """The names of all that are in `base`, left over ones too."""
        try:
            with os.scandir(self.base) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def controllers(self) -> dict[str, int]:
        """Which controllers containers have, and of which version of cgroups."""
        found = dict.fromkeys(self.v1, 1)
        if self.version == 2 and not self.reason:
            with suppress(OSError), open(os.path.join(os.path.dirname(self.base), "cgroup.controllers")) as file:
                found |= dict.fromkeys((name for name in file.read().split() if name in CONTROLLERS), 2)
        return found

    def _names(self, parent: str | None) -> list[str]:
        """What leads to the cgroups, from the directory in which `base` is."""
        if parent is None:
            return [os.path.basename(self.base)]
        names = parent.strip("/").split("/") if parent.strip("/") else []
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*", name):
                raise ValueError(f"{name!r} can't be the name of a cgroup.")
        return names

    def _make_above(self, names: list[str]) -> None:
        for top in dict.fromkeys((os.path.dirname(self.base), *self.v1.values())):
            directory = top
            for name in names:
                directory = os.path.join(directory, name)
                make_ours(directory)
        directory = os.path.dirname(self.base)
        if self.version == 2:
            with suppress(OSError):  # then some limits can't be had, and asking for one says why
                for name in ("", *names):
                    directory = os.path.join(directory, name)
                    enable(directory, CONTROLLERS)
        self._pass_cpus_on(names)

    def _pass_cpus_on(self, names: list[str]) -> None:
        if (directory := self.v1.get("cpuset", "")) != "":
            for name in names:
                directory = os.path.join(directory, name)
                if is_ours(directory):
                    take_cpus_over(directory)
                    pass_cpus_on(directory)
