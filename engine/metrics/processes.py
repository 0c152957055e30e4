"""What only /proc knows, process by process: context switches and open files; and CPU time, memory and threads of
containers without a cgroup. Standard library only.

Costs some 15 µs a thread, so it is read once a second at most, in a thread, and only of containers that somebody looks
at. Sources: proc_pid_status(5), proc_pid_fd(5), proc_pid_stat(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.metrics.formats import Counters, flat
from engine.metrics.formula import Level, Rate
from engine.metrics.source import Reading, Source

_FORMULAS = {
    "switches": Rate("context switches", note="voluntary and not, of all threads since they are watched"),
    "files": Level("open files", "of all processes"),
}
SOURCE = Source((), _FORMULAS)
NOTHING = Source((), {})
"""Of what is not looked at process by process."""
WITHOUT_CGROUP = Source(
    (),
    {
        **_FORMULAS,
        "cpu": Rate("ticks", os.sysconf("SC_CLK_TCK"), note="utime + stime of all processes since they are watched"),
        "memory": Level("resident bytes", "of all processes; pages that they share count for each"),
        "pids": Level("threads", "of all processes"),
    },
)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_switches = flat("voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")


def switches(status: bytes) -> int:
    """Of one thread so far, from its /proc/PID/task/TID/status."""
    return int(sum(_switches(status.replace(b"\t", b" ")).values()))


class Usage(NamedTuple):
    """Of one process, from its stat."""

    ticks: int
    threads: int
    resident: int  # bytes


def usage(stat: bytes) -> Usage:
    """From /proc/PID/stat; the name in it may have spaces and brackets."""
    fields = stat.rpartition(b")")[2].split()
    return Usage(int(fields[11]) + int(fields[12]), int(fields[17]), int(fields[21]) * _PAGE)


class Growth:
    """The sum of counters whose owners come and go: what each added since the sum was first taken.

    What an owner adds between the last look and its end is missed.
    """

    def __init__(self) -> None:
        self.total = 0
        self._seen: dict[int, int] | None = None

    def take(self, counts: dict[int, int]) -> int:
        """The counters of now, by owner; the sum so far, which begins with 0."""
        if self._seen is not None:
            self.total += sum(_grown(count, self._seen.get(owner, 0)) for owner, count in counts.items())
        self._seen = counts
        return self.total


class Processes:
    """Follows the processes of one container."""

    def __init__(self) -> None:
        self._switches = Growth()
        self._ticks = Growth()

    def read(self, now: float, pids: Iterable[int]) -> Reading:
        """Look at them. Blocks."""
        threads: dict[int, int] = {}
        used: dict[int, Usage] = {}
        files, rows = 0, []
        for pid in pids:
            try:
                used[pid] = usage(Path(f"/proc/{pid}/stat").read_bytes())
            except (OSError, ValueError, IndexError):
                continue  # it has ended
            counts = dict(_of_threads(pid))
            threads |= counts
            opened = open_files(pid)
            files += opened
            rows.append(
                f"{pid}: {used[pid].ticks} ticks, {used[pid].resident} resident bytes, {used[pid].threads} threads, "
                f"{sum(counts.values())} switches, {opened} files\n"
            )
        counters: Counters = {
            "context switches": self._switches.take(threads),
            "open files": files,
            "ticks": self._ticks.take({pid: one.ticks for pid, one in used.items()}),
            "threads": sum(one.threads for one in used.values()),
            "resident bytes": sum(one.resident for one in used.values()),
        }
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
