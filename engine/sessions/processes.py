"""The processes of a session as /proc shows them, and signals to them. Imports the standard library.

See proc_pid_stat(5), setsid(2), setpgid(2). All of it blocks for as long as /proc takes: call it in a thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple


class Process(NamedTuple):
    """One process; `start` tells it from a later one with the same pid (clock ticks since boot)."""

    pid: int
    name: str  # comm: at most 15 characters
    state: str  # R S D T t Z X …
    ppid: int
    pgid: int
    session: int
    foreground: int  # the process group that has its terminal; -1: it has none
    start: int


def look(pid: int) -> Process | None:
    """The process that has `pid` now; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = file.read()
    except OSError:  # ESRCH, ENOENT
        return None
    end = stat.rindex(b")")  # the name may hold blanks and brackets
    state, ppid, pgid, session, _, foreground, *rest = stat[end + 2 :].split()
    name = stat[stat.index(b"(") + 1 : end].decode(errors="replace")
    return Process(pid, name, state.decode(), int(ppid), int(pgid), int(session), int(foreground), int(rest[13]))


def of_session(session: int) -> list[Process]:
    """All that belong to it, zombies included, by pid."""
    return [
        process
        for name in os.listdir("/proc")
        if name.isdigit() and (process := look(int(name))) is not None and process.session == session
    ]


def command(pid: int) -> str:
    """Its command line as one would type it; empty when there is none to be seen."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            words = file.read(4096).rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    return " ".join(word.decode(errors="replace") for word in words)


def signal_groups(processes: Iterable[Process], *numbers: int) -> None:
    """Each of the signals to each of their process groups."""
    for pgid in {process.pgid for process in processes}:
        for number in numbers:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pgid, number)


def signal_group(session: int, pgid: int, *numbers: int) -> bool:
    """The signals to a process group of the session; False when the session has no such group. PermissionError.

    As long as one member lives, or is a zombie, no other group can get the number; so it is looked at through a pidfd.
    """
    for process in of_session(session):
        if process.pgid != pgid:
            continue
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(process.pid)
            try:
                now = look(process.pid)
                if now is not None and (now.start, now.pgid, now.session) == (process.start, pgid, session):
                    for number in numbers:
                        os.killpg(pgid, number)
                    return True
            finally:
                os.close(pidfd)
    return False


def kill(processes: Iterable[Process]) -> None:
    """KILL to exactly these."""
    for process in processes:
        with suppress(OSError):
            pidfd = os.pidfd_open(process.pid)
            try:
                if (now := look(process.pid)) is not None and now.start == process.start:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            finally:
                os.close(pidfd)
