"""A container's cgroup: one directory that makes it one thing (the core), and one for each v1 controller beside it.

The core is a cgroup2 directory, or one of v1's freezer where there is no cgroup2: in it the container is born, frozen,
killed and counted. Standard library only, but for the steps of receipts. Source: cgroups(7).
"""

from __future__ import annotations

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Literal

from engine.receipts.steps import step

WAIT = 5.0  # seconds that the kernel gets to freeze or to end processes


MARKS = ("trusted.heliostui", "user.heliostui")  # extended attributes, xattr(7)


class Cgroup(ABC):
    """One container's cgroup. `path` is the core's absolute directory, `parts` those of v1 controllers, by controller.

    `clone_into`: a child can be born in the core (clone3(2)). The parts it joins itself, see `joins`.
    """

    clone_into: bool
    core_version: Literal[1, 2]

    def __init__(self, path: str, parts: Mapping[str, str] | None = None, *, reason: str = "", levels: int = 1) -> None:
        """`reason`: why controllers that the kernel has are not ours, in one sentence. `levels`: how many directories
        above are removed with the last cgroup below them, if we have made them (see `mark`)."""
        self.path = path
        self.parts = dict(parts or {})
        self.reason = reason
        self._levels = levels

    def directory(self, controller: str) -> str | None:
        """Where the files of a controller are: cpu, cpuacct, memory, pids, cpuset, io, hugetlb, devices, perf, freezer.

        "" is the core. None: the controller is not to be had. In cgroup2 `cpuacct` (the core's cpu.stat) and `devices`
        (a program attached to the core) always are. Reads one file at most.
        """
        return self.parts.get(controller) or (self.path if self._serves(controller) else None)

    def version(self, controller: str) -> Literal[1, 2]:
        """Which version's files are in `directory(controller)`."""
        return 1 if controller in self.parts else self.core_version

    @property
    def joins(self) -> tuple[str, ...]:
        """The controllers that a new process has to join by itself, one for each directory."""
        first = dict.fromkeys(self.parts.values())
        return tuple(next(name for name, path in self.parts.items() if path == wanted) for wanted in first)

    def open(self) -> int:
        """An O_PATH descriptor of the core, for CLONE_INTO_CGROUP; the caller closes it. Raises OSError."""
        return os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def open_joins(self, opened: ExitStack) -> list[int]:
        """Descriptors, closed by `opened`, into which a process writes "0" to join, one for each of `joins`.

        A thread that moves itself by `tasks` waits for nobody; whoever writes cgroup.procs waits until no process of
        the machine is about to fork (cgroup_threadgroup_rwsem): 0.03 ms against 14 ms measured. Raises OSError.
        """
        descriptors = []
        for controller in self.joins:
            directory = self.path if controller == "freezer" else self.parts[controller]
            descriptors.append(os.open(os.path.join(directory, "tasks"), os.O_WRONLY | os.O_CLOEXEC))
            opened.callback(os.close, descriptors[-1])
        return descriptors

    def make(self) -> None:
        """Make its directories; those above them are there. Raises FileExistsError, OSError, with nothing made."""
        made: list[str] = []
        try:
            for directory in self._roots():
                with step("mkdir", directory):
                    os.mkdir(directory)
                made.append(directory)
        except OSError:
            for directory in reversed(made):
                os.rmdir(directory)
            raise

    def add(self, pid: int) -> None:
        """Move a process, with all of its threads, into it. Raises OSError."""
        for directory in self._roots():
            self.write("cgroup.procs", str(pid), directory)

    def processes(self) -> list[int]:
        """The ids of its processes, nested cgroups included, as this PID namespace numbers them."""
        found: list[int] = []
        for directory, _, _ in os.walk(self.path):
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
                    with (
                        suppress(ProcessLookupError),
                        step("pidfd_send_signal", f"a process of {self.path}", "SIGKILL"),
                    ):
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
        for directory in reversed(self._roots()):  # the core last: it is what tells others that the cgroup is there
            _remove_tree(directory)
        for directory in self._roots():
            with suppress(OSError):  # others live there, or it is gone
                for _ in range(self._levels):
                    directory = os.path.dirname(directory)
                    if is_ours(directory):
                        os.rmdir(directory)

    def read(self, name: str, directory: str | None = None) -> str:
        with open(os.path.join(directory or self.path, name)) as file:
            return file.read()

    def write(self, name: str, text: str, directory: str | None = None) -> None:
        path = os.path.join(directory or self.path, name)
        with step("write", path, text.encode()), open(path, "w") as file:
            file.write(text)

    @abstractmethod
    def _serves(self, controller: str) -> bool:
        """Is that controller in the core?"""

    def _roots(self) -> list[str]:
        """Its directories, the core first, without what is below them."""
        return list(dict.fromkeys([self.path, *self.parts.values()]))


def make_ours(directory: str) -> None:
    """Make a directory for cgroups below it, and mark it: so we know after any crash that it is ours to remove.

    One that is there already stays as it is. Raises OSError.
    """
    try:
        os.mkdir(directory)
    except FileExistsError:
        return
    for name in MARKS:
        with suppress(OSError):  # the one is for root only, the other one not in v1
            os.setxattr(directory, name, b"made")
            return


def is_ours(directory: str) -> bool:
    """Was it made by `make_ours`?"""
    for name in MARKS:
        with suppress(OSError):
            os.getxattr(directory, name)
            return True
    return False


def _remove_tree(directory: str) -> None:
    """Remove a cgroup without processes, with all cgroups below it."""
    try:
        with step("rmdir", directory):
            os.rmdir(directory)
    except FileNotFoundError:
        return
    except OSError:  # EBUSY: there are some below
        for below, _, _ in os.walk(directory, topdown=False):
            with suppress(FileNotFoundError):
                os.rmdir(below)


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
