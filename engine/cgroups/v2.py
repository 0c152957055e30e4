"""cgroup2. Source: Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files". Standard library only."""

from __future__ import annotations

import os
import select
import time

from engine.cgroups.cgroup import WAIT, Cgroup
from engine.receipts.steps import step

ALWAYS = ("", "freezer", "cpuacct", "devices", "perf")  # what every cgroup2 directory has, whatever was enabled


class Cgroup2(Cgroup):
    """The kernel tells of changes: `cgroup.events` becomes readable anew (POLLPRI)."""

    clone_into = True
    core_version = 2

    @property
    def frozen(self) -> bool:
        return _values(self.read("cgroup.events")).get("frozen") == "1"

    def freeze(self, timeout: float = WAIT) -> None:
        self.write("cgroup.freeze", "1")
        if not self._wait_for("frozen", "1", timeout):
            self.thaw()
            raise TimeoutError(f"The processes in {self.path} could not be frozen within {timeout:g} s.")

    def thaw(self) -> None:
        self.write("cgroup.freeze", "0")

    def wait_empty(self, timeout: float) -> bool:
        try:
            return self._wait_for("populated", "0", timeout)
        except OSError:  # ENOENT, or ENODEV when it is removed while we look
            if os.path.isdir(self.path):
                raise
            return True

    def kill(self, timeout: float = WAIT) -> None:
        try:
            self.write("cgroup.kill", "1")  # Linux 5.14
        except FileNotFoundError:
            super().kill(timeout)
        else:
            if not self.wait_empty(timeout):
                raise TimeoutError(f"Processes {self.processes()} in {self.path} outlived SIGKILL by {timeout:g} s.")

    def _serves(self, controller: str) -> bool:
        return controller in ALWAYS or controller in self.read("cgroup.controllers").split()

    def _wait_for(self, key: str, wanted: str, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        path = os.path.join(self.path, "cgroup.events")
        events = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            poller = select.poll()
            poller.register(events, select.POLLPRI)
            with step("poll", path, f"until {key} {wanted}"):
                while _values(os.pread(events, 4096, 0).decode()).get(key) != wanted:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return False
                    poller.poll(left * 1000)
            return True
        finally:
            os.close(events)


def _values(text: str) -> dict[str, str]:
    """A flat keyed file."""
    return dict(line.split(" ", 1) for line in text.splitlines())
