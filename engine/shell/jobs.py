"""The job table: process groups, what became of their members, who is in the foreground."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

JobState: TypeAlias = Literal["running", "stopped", "done"]


class Process:
    """A member of a job. `status`: what waitpid(2) said last (None while nothing was said, or after a continue)."""

    __slots__ = ("command", "pid", "status")

    pid: int
    command: str
    status: int | None

    @property
    def state(self) -> JobState:
        raise NotImplementedError

    @property
    def exit_status(self) -> int:
        """0-255; 128+n for death or stop by signal n."""
        raise NotImplementedError

    def describe(self) -> str:
        """Running, Done, Exit 3, Terminated, Stopped, Stopped (tty input), Segmentation fault (core dumped) …"""
        raise NotImplementedError


class Job:
    """What was started by one pipeline. `pgid` is 0 when job control was off: it is in the shell's own group then."""

    number: int
    pgid: int
    processes: list[Process]
    command: str
    modes: list[Any] | None  # termios, as the job left the terminal when it stopped
    hold_hup: bool  # disown -h
    has_terminal: bool  # it is the foreground job

    @property
    def state(self) -> JobState:
        raise NotImplementedError

    @property
    def status(self) -> int:
        """The last process's exit status; with pipefail that was set at its start, the last that is not 0."""
        raise NotImplementedError

    def describe(self) -> str:
        """The state in words, as `jobs` shows it."""
        raise NotImplementedError


class Jobs:
    """All jobs of this shell."""

    def find(self, spec: str) -> Job:
        """`%1 %+ %% % %- %name %?text`, or the pid of a member. Raises Fault ("no such job", "ambiguous job spec")."""
        raise NotImplementedError

    @property
    def current(self) -> Job | None:
        raise NotImplementedError

    @property
    def previous(self) -> Job | None:
        raise NotImplementedError

    def mark(self, job: Job) -> Literal["+", "-", ""]:
        raise NotImplementedError

    def all(self) -> list[Job]:
        """By number."""
        raise NotImplementedError

    def foreground(self, job: Job) -> int:
        """Give it the terminal, continue it and wait until it stops or is done; its status."""
        raise NotImplementedError

    def background(self, job: Job) -> None:
        """Continue it without the terminal."""
        raise NotImplementedError

    def wait(self, job: Job) -> int:
        """Until it is done (or stops, under job control); its status, or 128+n when trapped signal n came before."""
        raise NotImplementedError

    def wait_any(self, jobs: Collection[Job] | None = None) -> tuple[Job | None, int]:
        """Until one of these (of all) is done; `(None, 127)` when there is none, `(None, 128+n)` at a signal."""
        raise NotImplementedError

    def ended(self, pid: int) -> int | None:
        """The status of a child that is gone from the table already, as POSIX wants it remembered; else None."""
        raise NotImplementedError

    def signal(self, target: Job | int, number: int) -> None:
        """Send a signal to all of a job, or to a pid (negative: a group). Raises OSError of kill(2)."""
        raise NotImplementedError

    def disown(self, job: Job, *, hold_hup: bool = False) -> None:
        """Forget it, or only spare it from the SIGHUP at a hang-up."""
        raise NotImplementedError

    def line(self, job: Job, *, long: bool = False) -> str:
        """The line that `jobs` (`jobs -l`) shows, without newline."""
        raise NotImplementedError

    def changed(self) -> list[str]:
        """Lines for what changed since the last look; jobs that are done leave the table."""
        raise NotImplementedError

    def reap(self) -> None:
        """Take notice of all children that have changed. Never blocks."""
        raise NotImplementedError
