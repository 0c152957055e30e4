"""What is told of a container's processes, one by one. Imports isolation and value."""

from __future__ import annotations

from datetime import datetime

from engine.protocol.isolation import CapabilitySets, NamespaceView
from engine.protocol.value import Value

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible",
    "T": "stopped",
    "t": "traced",
    "Z": "zombie",
    "X": "dead",
    "I": "idle",
    "P": "parked",
    "W": "waking",
}
"""The letters of proc_pid_stat(5) in words."""

FIGURES = ("pid", "user", "state", "nice", "threads", "cpu", "memory", "time", "started", "files", "wait")
"""What `explain_process` explains."""


class ProcessRow(Value, frozen=True):
    """One process of `top`."""

    pid: int  # outside, as the engine numbers it
    inner_pid: int  # inside the container's PID namespace
    ppid: int
    user: str
    state: str  # one letter, as ps(1): a key of STATES
    cpu_seconds: float
    memory: int  # resident, bytes
    started_at: datetime
    command: list[str]
    cpu: float | None = None  # cores, over the interval that was asked for
    threads: int | None = None
    files: int | None = None  # open descriptors
    read: int | None = None  # bytes from block devices so far; None: we may not know
    written: int | None = None
    start: int = 0  # ticks after boot; with the pid it names the process, whatever pids are used for again
    nice: int = 0
    pgid: int = 0  # as the engine numbers it
    session: int = 0
    wait: str = ""  # the function of the kernel in which it sleeps (wchan); empty: in none, or we may not know


class ProcessDetail(Value, frozen=True):
    """All that is told of one process. What may not be known is empty."""

    process: ProcessRow
    executable: str
    directory: str  # as it is inside
    root: str
    cgroups: list[str]  # lines of /proc/PID/cgroup (cgroups(7))
    namespaces: list[NamespaceView]
    capabilities: CapabilitySets
    seccomp: str  # off, strict or filter
    no_new_privileges: bool
    ids: list[int]  # real, effective, saved and file system user id, then the same of groups
    oom_score: int
    oom_score_adj: int
    switches: list[int]  # context switches: voluntary, not voluntary
    open_files: list[str]  # "3 → /dev/null"; the first hundred


class Change(Value, frozen=True):
    """One file that differs from the image. `kind`: added, changed or deleted, as `docker diff` has it.

    `size` and `mode` (st_mode, stat(2)) are those it has now, of a deleted one those it had; `before`: the size that it
    had in the image.
    """

    kind: str  # A, C, D
    path: str  # absolute, as it is inside
    type: str  # file directory link fifo socket block char
    size: int  # bytes; of links the length of the target, of directories 0
    mode: int
    before: int | None = None
    uid: int = 0
    gid: int = 0
    modified: float = 0.0  # seconds since the epoch; 0 for a deleted one
    target: str = ""  # of a link
