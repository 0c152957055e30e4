"""Telling a process from a later one with the same pid. Imports the standard library.

See proc_pid_stat(5), pidfd_open(2).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from engine.containers.record import Identity


@cache
def boot_id() -> str:
    """Names this boot of the machine; start times and pids of another boot mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """The process that has `pid` now; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # the name may be any bytes
    except (FileNotFoundError, ProcessLookupError):
        return None
    after_name = stat[stat.rindex(")") + 2 :].split()  # the name may hold blanks and brackets
    return Identity(pid=pid, start=int(after_name[19]), boot=boot_id())


def open_process(identity: Identity) -> int | None:
    """A pidfd of exactly that process; None when it is gone. The caller closes it."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    # The pidfd holds whatever has the pid now; if that is the one we mean, it can't change any more.
    if identify(identity.pid) == identity:
        return pidfd
    os.close(pidfd)
    return None
