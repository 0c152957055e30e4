"""Where each number of a process comes from: file, raw text, formula, and the formula with the numbers put in.

Reads /proc twice for what is measured over time. Blocks: call it in a thread. Imports the protocol. Sources:
proc_pid_stat(5), proc_pid_status(5), proc_pid_fd(5), proc_pid_wchan(5), sched(7).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Explanation
from engine.protocol.metrics import Reading, Source
from engine.protocol.processes import FIGURES, STATES

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MOST = 4096  # characters of a file that are told


class Look(NamedTuple):
    """What a file of /proc/PID said, at a time in seconds since the epoch."""

    time: float
    text: str

    @property
    def fields(self) -> list[str]:
        """Of `stat`: [13] is the field that proc_pid_stat(5) calls (14), and so on."""
        begin, _, rest = self.text.rpartition(")")
        return [begin.partition(" ")[0], begin, *rest.split()]

    def value(self, name: str) -> str:
        """Of `status`."""
        lines = (line.partition(":") for line in self.text.splitlines())
        return next((value.strip() for key, _, value in lines if key == name), "")


class Found(NamedTuple):
    """A figure: its unit, what it is, the formula, the arithmetic and the result."""

    unit: str
    what: str
    formula: str
    arithmetic: str
    value: float | None


def look(pid: int, file: str) -> Look:
    """Read one file of /proc/PID; of `fd` the names in it. EngineError(NO_SUCH_PROCESS) when it is gone, FORBIDDEN."""
    path = Path(f"/proc/{pid}/{file}")
    try:
        if file == "fd":
            return Look(time.time(), "\n".join(sorted(os.listdir(path), key=int)))
        return Look(time.time(), path.read_text(errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        raise EngineError(ErrorCode.NO_SUCH_PROCESS, f"Process {pid} has just ended.") from None
    except PermissionError:
        raise EngineError(ErrorCode.FORBIDDEN, f"We may not read {path}.") from None


def file_of(figure: str) -> str:
    """The file of /proc/PID that the figure comes from. EngineError(INVALID)."""
    if figure not in FIGURES:
        raise EngineError(ErrorCode.INVALID, f"{figure[:32]!r} is no figure of a process: {', '.join(FIGURES)} are.")
    return {"pid": "status", "user": "status", "files": "fd", "wait": "wchan"}.get(figure, "stat")


def explanation(pid: int, figure: str, before: Look, after: Look) -> Explanation:
    """The figure explained by two looks at its file."""
    found = _FOUND[figure](before, after)
    readings = [Reading(time=each.time, raw=each.text[:MOST]) for each in (before, after)]
    return Explanation(
        metric=figure,
        unit=found.unit,
        what=found.what,
        sources=[Source(path=f"/proc/{pid}/{file_of(figure)}", before=readings[0], after=readings[1])],
        formula=found.formula,
        arithmetic=found.arithmetic,
        value=found.value,
    )


def _pid(before: Look, after: Look) -> Found:
    numbers = after.value("NSpid").split()
    inner = int(numbers[-1]) if numbers else None
    what = "its number: one in each PID namespace that it is in, the engine's first, the container's last"
    return Found("", what, "the last number of NSpid", f"NSpid: {' '.join(numbers)}", inner)


def _user(before: Look, after: Look) -> Found:
    ids = after.value("Uid").split()
    what = "the user that it runs as, as the engine's user namespace numbers it; the name is of the host's /etc/passwd"
    effective = int(ids[1]) if len(ids) > 1 else None
    return Found("", what, "Uid: real effective saved filesystem", f"Uid: {' '.join(ids)}", effective)


def _state(before: Look, after: Look) -> Found:
    letter = after.fields[2]
    return Found("", "what it does this instant", "field (3) of stat", f"{letter}: {STATES.get(letter, '?')}", None)


def _nice(before: Look, after: Look) -> Found:
    nice = int(after.fields[18])
    what = "how modest it is: one step less is about 1.25 times the CPU of others that want it, too"
    return Found("", what, "field (19) of stat", f"{nice}, so priority {after.fields[17]} (18)", nice)


def _threads(before: Look, after: Look) -> Found:
    return Found("count", "its threads", "field (20) of stat", after.fields[19], int(after.fields[19]))


def _ticks(each: Look) -> int:
    return int(each.fields[13]) + int(each.fields[14])


def _cpu(before: Look, after: Look) -> Found:
    used, passed = (_ticks(after) - _ticks(before)) / TICKS, after.time - before.time
    value = used / passed if passed > 0 else None
    formula = "Δ(utime (14) + stime (15)) / CLK_TCK / Δt"
    arithmetic = f"({_ticks(after)} - {_ticks(before)}) / {TICKS} / {passed:.3f} s"
    return Found("cores", "CPU that it uses; 1 is one core, all of the time", formula, arithmetic, value)


def _memory(before: Look, after: Look) -> Found:
    pages = int(after.fields[23])
    what = "resident memory: its pages that are in RAM, shared ones too"
    return Found("bytes", what, "field (24) of stat · page size", f"{pages} · {PAGE} bytes", pages * PAGE)


def _time(before: Look, after: Look) -> Found:
    user, system = int(after.fields[13]), int(after.fields[14])
    arithmetic = f"({user} + {system}) / {TICKS}"
    what = "CPU time since it began, in programs and in the kernel"
    return Found("s", what, "(utime (14) + stime (15)) / CLK_TCK", arithmetic, (user + system) / TICKS)


def _started(before: Look, after: Look) -> Found:
    start, up = int(after.fields[21]), time.clock_gettime(time.CLOCK_BOOTTIME)
    what = "how long ago it began"
    arithmetic = f"{up:.2f} s - {start} / {TICKS}"
    return Found("s", what, "time since boot - starttime (22) / CLK_TCK", arithmetic, up - start / TICKS)


def _files(before: Look, after: Look) -> Found:
    count = len(after.text.split())
    return Found("count", "open descriptors", "entries of the directory", str(count), count)


def _wait(before: Look, after: Look) -> Found:
    name = after.text.strip()
    arithmetic = "0: in none, or we may not know" if name in ("", "0") else name
    return Found("", "the kernel's function in which it sleeps", "the file's text", arithmetic, None)


_FOUND: dict[str, Callable[[Look, Look], Found]] = {
    "pid": _pid,
    "user": _user,
    "state": _state,
    "nice": _nice,
    "threads": _threads,
    "cpu": _cpu,
    "memory": _memory,
    "time": _time,
    "started": _started,
    "files": _files,
    "wait": _wait,
}
