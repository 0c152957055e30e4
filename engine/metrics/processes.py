"""What only /proc knows, thread by thread: context switches and open files. Standard library only.

Costs some 15 µs a thread, so it is read once a second at most, in a thread, and only of containers that somebody looks
at. Sources: proc_pid_status(5), proc_pid_fd(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from engine.metrics.formats import Counters, flat
from engine.metrics.formula import Level, Rate
from engine.metrics.source import Reading, Source

SOURCE = Source(
    (),
    {
        "switches": Rate("context switches", note="voluntary and not, of all threads since they are watched"),
        "files": Level("open files", "of all processes"),
    },
)
_switches = flat("voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")


def switches(status: bytes) -> int:
    """Of one thread so far, from its /proc/PID/task/TID/status."""
    return int(sum(_switches(status.replace(b"\t", b" ")).values()))


class Threads:
    """Counts the switches of threads that come and go: what each added since it was first seen.

    What a thread does between the last look and its end is missed.
    """

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}  # by thread id
        self._total = 0
        self._began = False

    def read(self, now: float, pids: Iterable[int]) -> Reading:
        """Look at these processes. Blocks."""
        seen: dict[int, int] = {}
        files, rows = 0, []
        for pid in pids:
            counts = dict(_of_threads(pid))
            opened = open_files(pid)
            files += opened
            seen |= counts
            rows.append(f"{pid}: {len(counts)} threads, {sum(counts.values())} switches, {opened} files\n")
        if self._began:
            self._total += sum(_grown(count, self._seen.get(tid, 0)) for tid, count in seen.items())
        self._seen, self._began = seen, True
        counters: Counters = {"context switches": self._total, "open files": files}
        return Reading(now, ("".join(rows).encode(),), counters)


def open_files(pid: int) -> int:
    """How many descriptors a process has; 0 when it has ended or may not be looked at."""
    directory = f"/proc/{pid}/fd"
    with suppress(OSError):
        return os.stat(directory).st_size or len(os.listdir(directory))  # the size is the number since Linux 6.2
    return 0


def _of_threads(pid: int) -> Iterable[tuple[int, int]]:
    with suppress(OSError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError, ValueError), open(f"/proc/{pid}/task/{tid}/status", "rb", buffering=0) as file:
                yield int(tid), switches(file.read(8192) or b"")


def _grown(count: int, before: int) -> int:
    """A smaller count is that of another thread, which got the number of one that ended."""
    return count - before if count >= before else count
