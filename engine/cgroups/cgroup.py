"""What the cgroups of both versions have in common. Standard library only. Source: cgroups(7)."""

from __future__ import annotations

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress

WAIT = 5.0  # seconds that the kernel gets to freeze or to end processes


class Cgroup(ABC):
    """One container's cgroup. `path` is its absolute directory; `clone_into`: a child can be born in it (clone3(2))."""

    clone_into: bool

    def __init__(self, path: str) -> None:
        self.path = path

    def open(self) -> int:
        """An O_PATH descriptor of the directory, for CLONE_INTO_CGROUP; the caller closes it. Raises OSError."""
        return os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def add(self, pid: int) -> None:
        """Move a process, with all of its threads, into it. Raises OSError."""
        self.write("cgroup.procs", str(pid))

    def processes(self) -> list[int]:
        """The ids of its processes, nested cgroups included, as this PID namespace numbers them."""
        found: list[int] = []
        for directory in self._directories():
            with suppress(OSError):  # just removed; or threaded, then its parent has the process
                found += map(int, self.read("cgroup.procs", directory).split())
        return [pid for pid in dict.fromkeys(found) if pid]  # 0: not of this PID namespace

    @property
    @abstractmethod
    def frozen(self) -> bool:
        """Do all of its processes stand still? Raises OSError."""

    @abstractmethod
    def freeze(self, timeout: float = WAIT) -> None:
        """Freeze all processes, and return when they are. Raises TimeoutError after thawing them again, OSError."""

    @abstractmethod
    def thaw(self) -> None:
        """Undo `freeze`. Raises OSError."""

    @abstractmethod
    def wait_empty(self, timeout: float) -> bool:
        """Wait until no process is left, at most `timeout` seconds; is it so? True when the cgroup is gone."""

    def kill(self, timeout: float = WAIT) -> None:
        """End every process with SIGKILL, frozen ones and those that are being forked too.

        Raises TimeoutError when some are left, OSError.
        """
        deadline = time.monotonic() + timeout
        while self.processes():
            with suppress(TimeoutError):  # what can't be frozen (in disk sleep) is signalled all the same
                self.freeze(min(1.0, timeout))
            with ExitStack() as opened:
                # Frozen processes can't end by themselves, so their numbers are still theirs.
                pidfds = open_pidfds(self.processes(), opened)
                for pidfd in pidfds:
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                self.thaw()
                wait_for_ends(pidfds, deadline)
            if time.monotonic() >= deadline and (left := self.processes()):
                raise TimeoutError(f"Processes {left} in {self.path} did not end within {timeout:g} s of SIGKILL.")

    def remove(self, timeout: float = WAIT) -> None:
        """Wait until it is empty, then remove it with all cgroups made below it. It may be gone already.

        Raises TimeoutError when processes are left, OSError.
        """
        if not self.wait_empty(timeout):
            raise TimeoutError(f"Processes {self.processes()} are still in {self.path}.")
        for directory in self._directories():
            with suppress(FileNotFoundError):
                os.rmdir(directory)
        with suppress(OSError):  # others live there, or it is gone
            os.rmdir(os.path.dirname(self.path))

    def read(self, name: str, directory: str | None = None) -> str:
        with open(os.path.join(directory or self.path, name)) as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        with open(os.path.join(self.path, name), "w") as file:
            file.write(text)

    def _directories(self) -> list[str]:
        """Its directory and those below, children first."""
        return [directory for directory, _, _ in os.walk(self.path, topdown=False)]


def open_pidfds(pids: list[int], opened: ExitStack) -> list[int]:
    pidfds = []
    for pid in pids:
        with suppress(ProcessLookupError):
            pidfds.append(os.pidfd_open(pid))
            opened.callback(os.close, pidfds[-1])
    return pidfds


def wait_for_ends(pidfds: list[int], deadline: float) -> None:
    """Wait until all of these processes have ended, or until `deadline` of the monotonic clock."""
    poller, waiting = select.poll(), set(pidfds)
    for pidfd in pidfds:
        poller.register(pidfd, select.POLLIN)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for pidfd, _ in poller.poll(left * 1000):
            poller.unregister(pidfd)
            waiting.discard(pidfd)
