"""Whom the OOM killer killed, from the kernel's log (Documentation/ABI/testing/dev-kmsg). Standard library only.

It writes two lines, the first of which may be left out when there are many (mm/oom_kill.c):

    oom-kill:constraint=CONSTRAINT_MEMCG,…,task_memcg=/heliostui/3f2a…,task=python3,pid=4711,uid=0
    Memory cgroup out of memory: Killed process 4711 (python3) total-vm:…
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_WHERE = re.compile(r"oom-kill:.*,task_memcg=(?P<cgroup>.*),task=.*,pid=(?P<pid>\d+),uid=\d+")
_KILLED = re.compile(r"(?:Memory cgroup out|Out) of memory.*: Killed process (?P<pid>\d+) \((?P<command>.*?)\) ")
MOST_PLACES = 64  # lines of the first kind that wait for their second


@dataclass(frozen=True)
class Victim:
    """A process that was killed; `cgroup`: its path in the memory hierarchy, "" where that was not logged."""

    pid: int
    command: str
    cgroup: str = ""


class KernelLog:
    """The log from now on. Raises OSError for who may not read it (CAP_SYSLOG)."""

    def __init__(self) -> None:
        self.descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self.descriptor, 0, os.SEEK_END)
        self._places: dict[int, str] = {}

    def read(self) -> list[Victim]:
        """Those killed since the last time."""
        victims: list[Victim] = []
        while True:
            try:
                record = os.read(self.descriptor, 8192)
            except BlockingIOError:
                return victims
            except BrokenPipeError:  # records were overwritten before we came to them
                continue
            if (victim := self.take(record.decode(errors="replace"))) is not None:
                victims.append(victim)

    def take(self, record: str) -> Victim | None:
        """What one record tells."""
        if where := _WHERE.search(record):
            self._places[int(where["pid"])] = where["cgroup"]
            if len(self._places) > MOST_PLACES:
                del self._places[next(iter(self._places))]
        if killed := _KILLED.search(record):
            pid = int(killed["pid"])
            return Victim(pid, killed["command"], self._places.pop(pid, ""))
        return None

    def close(self) -> None:
        os.close(self.descriptor)
