"""What the kernel's log says of limits that hit (Documentation/ABI/testing/dev-kmsg). Standard library only.

The OOM killer writes two lines, the first of which may be left out when there are many (mm/oom_kill.c); the pids
controller one, when a cgroup's first fork is refused (kernel/cgroup/pids.c):

    oom-kill:constraint=CONSTRAINT_MEMCG,…,task_memcg=/heliostui/3f2a…,task=python3,pid=4711,uid=0
    Memory cgroup out of memory: Killed process 4711 (python3) total-vm:…
    cgroup: fork rejected by pids controller in /heliostui/3f2a…
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_WHERE = re.compile(r"oom-kill:.*,task_memcg=(?P<cgroup>.*),task=.*,pid=(?P<pid>\d+),uid=\d+")
_KILLED = re.compile(r"(?:Memory cgroup out|Out) of memory.*: Killed process (?P<pid>\d+) \((?P<command>.*?)\) ")
_REFUSED = re.compile(r"cgroup: fork rejected by pids controller in (?P<cgroup>.*)")
MOST_PLACES = 64  # lines of the first kind that wait for their second


@dataclass(frozen=True)
class Victim:
    """A process that was killed; `cgroup`: its path in the memory hierarchy, "" where that was not logged."""

    pid: int
    command: str
    cgroup: str = ""


@dataclass(frozen=True)
class Refused:
    """The first fork that was refused in a cgroup; its path in the hierarchy of pids."""

    cgroup: str


class KernelLog:
    """The log from now on. Raises OSError for who may not read it (CAP_SYSLOG)."""

    def __init__(self) -> None:
        self.descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self.descriptor, 0, os.SEEK_END)
        self._places: dict[int, str] = {}

    def read(self) -> list[Victim | Refused]:
        """What happened since the last time."""
        found: list[Victim | Refused] = []
        while True:
            try:
                record = os.read(self.descriptor, 8192)
            except BlockingIOError:
                return found
            except BrokenPipeError:  # records were overwritten before we came to them
                continue
            if (told := self.take(record.decode(errors="replace"))) is not None:
                found.append(told)

    def take(self, record: str) -> Victim | Refused | None:
        """What one record tells."""
        if where := _WHERE.search(record):
            self._places[int(where["pid"])] = where["cgroup"]
            if len(self._places) > MOST_PLACES:
                del self._places[next(iter(self._places))]
        if killed := _KILLED.search(record):
            pid = int(killed["pid"])
            return Victim(pid, killed["command"], self._places.pop(pid, ""))
        if refused := _REFUSED.search(record.partition("\n")[0]):
            return Refused(refused["cgroup"])
        return None

    def close(self) -> None:
        os.close(self.descriptor)
