"""The freezer of cgroup v1, for hosts without cgroup2. Standard library only.

Source: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from engine.cgroups.cgroup import WAIT, Cgroup, open_pidfds, wait_for_ends
from engine.receipts.steps import step

POLL = 0.002  # seconds; v1 tells nobody when it is done, and gets on with freezing when the state is read


class Freezer(Cgroup):
    """Nobody can be born in it: a new process joins it first of all."""

    clone_into = False
    core_version = 1

    @property
    def joins(self) -> tuple[str, ...]:
        return ("freezer", *super().joins)

    @property
    def frozen(self) -> bool:
        return self.read("freezer.state").strip() == "FROZEN"

    def freeze(self, timeout: float = WAIT) -> None:
        deadline = time.monotonic() + timeout
        self.write("freezer.state", "FROZEN")
        with step("read", os.path.join(self.path, "freezer.state"), "until FROZEN"):
            while not self.frozen:
                if time.monotonic() >= deadline:
                    self.thaw()
                    raise TimeoutError(f"The processes in {self.path} could not be frozen within {timeout:g} s.")
                time.sleep(POLL)

    def thaw(self) -> None:
        self.write("freezer.state", "THAWED")

    def wait_empty(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while pids := self.processes():
            if time.monotonic() >= deadline:
                return False
            with ExitStack() as opened:
                wait_for_ends(open_pidfds(pids, opened), deadline)
        return True

    def _serves(self, controller: str) -> bool:
        return controller in ("", "freezer")


def pass_cpus_on(directory: str) -> None:
    """Let new cpusets below a directory have what it has: without any CPU or memory node, nobody may join
    (Documentation/admin-guide/cgroup-v1/cgroups.rst, "clone_children"). Raises OSError."""
    with open(os.path.join(directory, "cgroup.clone_children"), "r+") as file:
        if file.read().strip() != "1":
            file.write("1")


def lacks_cpus(directory: str) -> bool:
    """Whether nobody can join the cpuset, for want of CPUs or memory nodes. False where there is no cpuset ("")."""
    if not directory:
        return False
    for name in ("cpuset.cpus", "cpuset.mems"):
        with open(os.path.join(directory, name)) as file:
            if not file.read().strip():
                return True
    return False


def take_cpus_over(directory: str) -> None:
    """Give a cpuset that has none the CPUs and memory nodes of the one above. Raises OSError."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        with open(os.path.join(directory, name), "r+") as file:
            if not file.read().strip():
                with open(os.path.join(os.path.dirname(directory), name)) as above:
                    file.write(above.read())
