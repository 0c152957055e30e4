"""The job table: process groups, what became of their members, and who is in the foreground.

One job for each pipeline. Under job control (`set -m`, always when interactive) it has a process group of its own, and
the foreground job has the terminal. The kernel tells of every change by waitpid(2): `_take` is the only place that asks
for children of the table, so that none is ever left a zombie. Imports this package's lower parts only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from engine.shell import signals, spawn
from engine.shell.faults import Fault
from engine.shell.signals import Signals, blocked, describe
from engine.shell.spawn import Group, Move
from engine.shell.state import State
from engine.shell.tty import Modes, Terminal
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from engine.shell.report import Report

JobState: TypeAlias = 'Literal["running", "stopped", "done"]'

_RESUMES = (signal.SIGCONT, signal.SIGKILL)
_REMEMBERED = 1024  # statuses of children that are gone from the table (POSIX: at least CHILD_MAX)


class Process:
    """A member of a job. `status`: what waitpid(2) said last; None while nothing was said, and after a continue."""

    __slots__ = ("command", "pid", "status")

    def __init__(self, pid: int, command: str) -> None:
        self.pid = pid
        self.command = command
        self.status: int | None = None

    @property
    def state(self) -> JobState:
        """From `status`."""
        if self.status is None:
            return "running"
        return "stopped" if os.WIFSTOPPED(self.status) else "done"

    @property
    def signal(self) -> int:
        """What stopped or ended it; 0 if no signal did."""
        if self.status is None or os.WIFEXITED(self.status):
            return 0
        return os.WSTOPSIG(self.status) if os.WIFSTOPPED(self.status) else os.WTERMSIG(self.status)

    @property
    def exit_status(self) -> int:
        """0-255; 128+n for death or stop by signal n; 0 while it runs."""
        if self.status is None:
            return 0
        return 128 + self.signal if self.signal else os.WEXITSTATUS(self.status)

    def describe(self) -> str:
        """Running, Done, Exit 3, Terminated, Stopped, Stopped (tty input), Segmentation fault (core dumped) …"""
        if self.status is None:
            return "Running"
        if self.signal:
            dumped = self.state == "done" and os.WCOREDUMP(self.status)
            return describe(self.signal) + (" (core dumped)" if dumped else "")
        return f"Exit {self.exit_status}" if self.exit_status else "Done"


class Job:
    """What was started by one pipeline. `pgid` is 0 without job control: it is in the shell's own group then."""

    def __init__(self, number: int, command: str, *, pipefail: bool) -> None:
        self.number = number
        self.command = command
        self.pgid = 0
        self.processes: list[Process] = []
        self.modes: Modes | None = None  # as it left the terminal when it stopped
        self.hold_hup = False  # disown -h
        self.has_terminal = False
        self.inherited = False  # of the shell that this is a subshell of: to be seen, not to be waited for
        self.told: JobState = "running"  # what the user knows of it
        self._pipefail = pipefail

    @property
    def state(self) -> JobState:
        """Running while any of it runs; else stopped if any of it could be continued."""
        states = {process.state for process in self.processes}
        return "running" if "running" in states else "stopped" if "stopped" in states else "done"

    @property
    def decisive(self) -> Process:
        """The member whose status is the job's: the last; with pipefail the last that failed."""
        failed = [process for process in self.processes if process.exit_status] if self._pipefail else []
        return (failed or self.processes)[-1]

    @property
    def status(self) -> int:
        """0-255, as for a process."""
        return self.decisive.exit_status

    def describe(self) -> str:
        """The state in words, as `jobs` shows it."""
        state = self.state
        if state == "done":
            return self.decisive.describe()
        return next(process for process in self.processes if process.state == state).describe()


class Jobs:
    """All jobs of this shell. The shell sets the hooks: `died` (a foreground job was ended by a signal), `stopped` (it
    stopped), `waited` (one that was waited for is done), `notify` (under `set -b`: a background job has changed)."""

    def __init__(self, state: State, dispositions: Signals) -> None:
        self.controlled = False  # each job gets a process group
        self.terminal: Terminal | None = None
        self.report: Report | None = None
        self.died: Callable[[Job], None] = _ignore
        self.stopped: Callable[[Job], None] = _ignore
        self.waited: Callable[[Job], None] = _ignore
        self.notify: Callable[[], None] | None = None
        self._state = state
        self._signals = dispositions
        self._jobs: list[Job] = []  # by number
        self._recent: list[Job] = []  # in the order in which they were stopped or sent to the background
        self._members: dict[int, tuple[Job, Process]] = {}
        self._ended: dict[int, int] = {}
        self._foreground: Job | None = None
        self._asked = self._reaping = False

    # --- the table ---

    def find(self, spec: str) -> Job:
        """`%1 %+ %% % %- %name %?text`, or the pid of a member. Raises Fault ("no such job", "ambiguous job spec")."""
        if not spec.startswith("%"):
            found = self._members.get(int(spec)) if spec.isdecimal() else None
            job = found[0] if found else next((j for j in self._jobs if spec in _pids(j)), None)
        elif spec[1:] in ("", "+", "%"):
            job = self.current
        elif spec[1:] == "-":
            job = self.previous
        elif spec[1:].isdecimal():
            job = next((job for job in self._jobs if job.number == int(spec[1:])), None)
        else:
            job = self._named(spec)
        if job is None:
            raise Fault(f"{spec}: no such job", hint="`jobs` lists them" if self._jobs else "")
        return job

    def _named(self, spec: str) -> Job | None:
        if spec[1] == "?":
            matching = [job for job in self._jobs if spec[2:] in job.command]
        else:
            matching = [job for job in self._jobs if job.command.startswith(spec[1:])]
        if len(matching) > 1:
            numbers = ", ".join(f"%{job.number}" for job in matching)
            raise Fault(f"{spec[1:]}: ambiguous job spec", hint=f"it can be {numbers}")
        return matching[0] if matching else None

    @property
    def current(self) -> Job | None:
        """`%+`: what stopped last, else what went to the background last."""
        return self._marked()[0]

    @property
    def previous(self) -> Job | None:
        """`%-`: the next after it; the same one if there is no other."""
        return self._marked()[1]

    def mark(self, job: Job) -> Literal["+", "-", ""]:
        """As `jobs` shows it."""
        current, previous = self._marked()
        return "+" if job is current else "-" if job is previous else ""

    def _marked(self) -> tuple[Job | None, Job | None]:
        ranked = [job for state in ("done", "running", "stopped") for job in self._recent if job.state == state]
        return (ranked[-1] if ranked else None), (ranked[-2] if len(ranked) > 1 else ranked[-1] if ranked else None)

    def all(self) -> list[Job]:
        """By number, but for the one in the foreground."""
        return [job for job in self._jobs if job is not self._foreground]

    def ended(self, pid: int) -> int | None:
        """The status of a child that is gone from the table already, as POSIX wants it remembered; else None."""
        return self._ended.get(pid)

    def owner(self) -> int:
        """The group that has the terminal; 0 without one."""
        return self.terminal.owner() if self.terminal else 0

    def line(self, job: Job, *, long: bool = False) -> str:
        """The line that `jobs` shows, without newline; with `long` a line for each process."""
        head = f"[{job.number}]{self.mark(job) or ' '} "
        tail = " &" if job.state == "running" else ""
        if not long:
            return f"{head} {job.describe():<23} {job.command}{tail}"
        lines: list[str] = []
        for process in job.processes:
            words = process.describe() if not lines or process.state != job.processes[0].state else ""
            bar = "| " if lines else ""
            indent = " " * len(head) if lines else head
            lines.append(f"{indent}{process.pid:>5} {words:<{23 - len(bar)}} {bar}{process.command}")
        return "\n".join(lines) + tail

    def changed(self) -> list[str]:
        """Lines for what changed since the last look; jobs that are done leave the table."""
        lines = []
        for job in self.all():
            state = job.state
            if state != job.told:
                job.told = state
                if state != "running":
                    lines.append(self.line(job))
        for job in self.all():
            if job.state == "done" and not job.inherited:
                self._remove(job)
        return lines

    def _remove(self, job: Job) -> None:
        self.tell()
        self._jobs.remove(job)
        if job in self._recent:
            self._recent.remove(job)
        for process in job.processes:
            self._members.pop(process.pid, None)
            if process.state == "done":
                self._remember(process.pid, process.exit_status)
        self.tell()

    def _remember(self, pid: int, status: int) -> None:
        self._ended[pid] = status
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _touch(self, job: Job) -> None:
        if job in self._recent:
            self._recent.remove(job)
        self._recent.append(job)

    # --- starting ---

    def new(self, command: str, *, foreground: bool) -> Job:
        """A job without processes yet; it gets into the table with the first. Background jobs are not waited for."""
        self._forget_inherited()
        job = Job(self._jobs[-1].number + 1 if self._jobs else 1, command, pipefail="pipefail" in self._state.options)
        if foreground:
            self._foreground = job
            terminal = self.terminal
            job.has_terminal = terminal is not None and self.controlled and terminal.owner() == os.getpgrp()
        return job

    def spawn(
        self, job: Job, command: str, path: str, words: list[str], environment: Mapping[str, str],
        moves: Sequence[Move],
    ) -> None:  # fmt: skip
        """Start a program as the next member. Raises OSError, and the terminal is the shell's again if it had it."""
        self._signals.check()
        first = not job.processes
        hand_over = self.terminal.fd if self.terminal and job.has_terminal and first else None
        group = Group(job.pgid if self.controlled else None, hand_over)
        defaults = self._signals.defaults(self.controlled)
        try:
            if self.controlled or job is self._foreground:
                pid = spawn.spawn(path, words, environment, moves, group, defaults)
            else:
                with self._signals.interrupts_ignored():
                    pid = spawn.spawn(path, words, environment, moves, group, defaults)
        except OSError:
            if hand_over is not None and self.terminal:
                self.terminal.give(os.getpgrp())
            raise
        self._add(job, Process(pid, command))
        if self.report:
            self.report.event("exec", pid, job.pgid, " ".join(words))

    def fork(self, job: Job, command: str) -> int:
        """Fork the next member: its pid, and 0 in the child, which is in its group and has the terminal then.

        Parent and child both set group and terminal: whoever is first, the other finds it done.
        """
        self._signals.check()
        background = job is not self._foreground
        with blocked():
            pid = os.fork()
            if self.controlled:
                group = job.pgid or pid or os.getpid()
                with suppress(OSError):  # the other one was faster: the child has become a program, or is gone
                    os.setpgid(pid, group)
                if self.terminal and job.has_terminal:
                    self.terminal.give(group)
            if pid == 0:
                self._signals.enter_subshell(background=background, controlled=self.controlled)
                return 0
        self._add(job, Process(pid, command))
        return pid

    def abandon(self, job: Job) -> None:
        """Not all of its members could be started: end those that were."""
        if job.processes:
            with suppress(OSError):
                self.signal(job, signal.SIGTERM)
            self._foreground = job
            self.wait_foreground(job)
        self._foreground = None

    def can_spawn(self, job: Job) -> bool:
        """Whether a program can get the terminal before it runs without a fork."""
        return not job.has_terminal or bool(job.processes) or spawn.can_hand_over()

    def _add(self, job: Job, process: Process) -> None:
        first = not job.processes
        job.processes.append(process)
        self._members[process.pid] = (job, process)
        if first:
            self._jobs.append(job)
            job.pgid = process.pid if self.controlled else 0
        if self.report:
            self.report.event("fork", process.pid, os.getpgrp(), process.command)
            if self.controlled:
                self.report.event("setpgid", process.pid, job.pgid)
            if first and job.has_terminal:
                self.report.event("foreground", 0, job.pgid)

    def started(self, job: Job) -> None:
        """All members of a background job run."""
        self._touch(job)
        self._state.last_background = job.processes[-1].pid
        self.tell()

    # --- waiting ---

    def wait_foreground(self, job: Job) -> int:
        """Until it stops or is done; its status. The terminal is the shell's again, in the shell's modes.

        Raises KeyboardInterrupt when ctrl+c ended it: then nothing that stands behind it is run either.
        """
        self.tell()
        self._pass_on_interrupt(job)
        with self._signals.uninterruptible():
            while job.state == "running" and self._take(block=True):
                pass
        self._foreground = None
        self._reclaim(job)
        if job.state == "stopped":
            self._touch(job)
            job.told = "stopped"
            self.stopped(job)
        elif job in self._jobs:
            self._remove(job)
        self.tell()
        self._look_at_signals(job)
        return job.status

    def _pass_on_interrupt(self, job: Job) -> None:
        """A ctrl+c that was typed while the job was being started came here: the terminal was still the shell's."""
        if self._signals.interrupted and job.has_terminal:
            self._signals.interrupted = False
            with suppress(ProcessLookupError):  # it has ended already
                os.killpg(job.pgid, signal.SIGINT)

    def _reclaim(self, job: Job) -> None:
        """Take the terminal back. A job that ended well may have changed its modes (`stty`); others get undone."""
        terminal = self.terminal
        if terminal is None or not job.has_terminal:
            return
        job.has_terminal = False
        terminal.give(os.getpgrp())
        if self.report:
            self.report.event("foreground", 0, os.getpgrp())
        if job.state == "stopped":
            job.modes = terminal.modes()
        if job.state == "done" and job.status == 0:
            self.modes = terminal.modes()
        else:
            terminal.set_modes(self.modes)

    def _look_at_signals(self, job: Job) -> None:
        """Wait and cooperative exit: ctrl+c breaks a list off only if the program died of it."""
        interrupted, self._signals.interrupted = self._signals.interrupted, False
        number = job.decisive.signal if job.state == "done" else 0
        if number and number != signal.SIGPIPE:
            self.died(job)
        if number == signal.SIGINT and (interrupted or self.controlled) and not self._signals.trapped(signal.SIGINT):
            raise KeyboardInterrupt

    def foreground(self, job: Job) -> int:
        """Give it the terminal, continue it and wait until it stops or is done; its status.

        Raises Fault for a job without a group, KeyboardInterrupt as above.
        """
        self._foreground = job
        terminal = self.terminal
        if terminal is not None and terminal.owner() == os.getpgrp():
            job.has_terminal = True
            if job.state == "stopped":
                terminal.set_modes(job.modes)
            terminal.give(self._group(job))
            if self.report:
                self.report.event("foreground", 0, job.pgid)
        self._continue(job)
        return self.wait_foreground(job)

    def restore_modes(self) -> None:
        """Before a prompt: a stopped program that was killed may have changed the modes from the background."""
        if self.terminal is not None:
            self.terminal.set_modes(self.modes)

    def background(self, job: Job) -> None:
        """Continue it without the terminal. Raises Fault for a job without a group."""
        self._touch(job)
        self._continue(job)
        self.tell()

    def _continue(self, job: Job) -> None:
        group = self._group(job)
        for process in job.processes:
            _resume(process)
        job.told = "running"
        try:
            os.killpg(group, signal.SIGCONT)
        except ProcessLookupError:
            return  # all dead: waitpid(2) will say so

    def _group(self, job: Job) -> int:
        if not job.pgid or job.inherited:
            raise Fault(f"job {job.number} started without job control", hint="`set -m` turns it on for later ones")
        return job.pgid

    def wait(self, job: Job, *, to_end: bool = False) -> int:
        """Until it is done (or stops, under job control, but for `to_end`); its status, or 128+n when trapped signal n
        came before."""
        if job.inherited:
            return 127
        number = self._until(lambda: job.state == "done" or (job.state == "stopped" and not to_end), stopped=to_end)
        return 128 + number if number else self._waited(job)

    def wait_any(self, jobs: Collection[Job] | None = None) -> tuple[Job | None, int]:
        """Until one of these (of all) is done; `(None, 127)` when there is none, `(None, 128+n)` at a signal."""
        candidates = [job for job in (self._jobs if jobs is None else jobs) if not job.inherited]
        if not candidates:
            return None, 127
        number = self._until(lambda: any(job.state == "done" for job in candidates))
        done = next((job for job in candidates if job.state == "done"), None)
        if done is None:
            return None, 128 + number if number else 127
        return done, self._waited(done)

    def _waited(self, job: Job) -> int:
        """What is waited for is told of at once, not before the next prompt."""
        if job.state == "done" and job in self._jobs:
            self.waited(job)
            job.told = "done"
            self._remove(job)
        return job.status

    def _until(self, ready: Callable[[], bool], *, stopped: bool = False) -> int:
        """Block until `ready`, or until a trapped signal but CHLD comes: its number then; 0 also when no job is left
        that runs (or is `stopped`). Ctrl+c raises KeyboardInterrupt."""
        caught = {signal.SIGCHLD, signal.SIGINT, *self._signals.all_trapped()}
        with blocked(*caught):
            while True:
                self.reap()
                if others := [number for number in self._signals.pending if number != signal.SIGCHLD]:
                    return others[0]
                if ready() or not self._left(stopped):
                    return 0
                number = signal.sigwaitinfo(caught).si_signo
                if number == signal.SIGINT and not self._signals.trapped(number):
                    raise KeyboardInterrupt
                if number in self._signals.all_trapped():
                    self._signals.pending.append(number)

    def _left(self, stopped: bool) -> bool:
        states = ("running", "stopped") if stopped else ("running",)
        return any(job.state in states and not job.inherited for job in self._jobs)

    def reap(self) -> None:
        """Take notice of all children that have changed. Never blocks. May be called in a signal handler."""
        self._asked = True
        while self._asked and not self._reaping:
            self._asked, self._reaping = False, True
            try:
                while self._take(block=False):
                    pass
            finally:
                self._reaping = False

    def _take(self, *, block: bool) -> bool:
        """One change of one child, known or not; False when there is nothing to take."""
        flags = (0 if block else os.WNOHANG) | (os.WUNTRACED | os.WCONTINUED if self.controlled else 0)
        try:
            pid, status = os.waitpid(-1, flags)
        except ChildProcessError:
            self._lost()
            return False
        if pid == 0:
            return False
        if pid in self._members:
            self._note(*self._members[pid], status)
        return True

    def _note(self, job: Job, process: Process, status: int) -> None:
        process.status = None if os.WIFCONTINUED(status) else status
        if self.report:
            kind = {"running": "continue", "stopped": "stop", "done": "exit"}[process.state]
            text = signals.NAMES.get(process.signal, "") or (str(process.exit_status) if kind == "exit" else "")
            self.report.event(kind, process.pid, job.pgid, text)
        if process.state == "done":
            del self._members[process.pid]
        if job is self._foreground:
            return
        if process.state == "stopped":
            self._touch(job)
        if "notify" in self._state.options and self.notify and job.state != "running":
            self.notify()
        self.tell()

    def _lost(self) -> None:
        """There are no children: whoever is thought to run was reaped by somebody else."""
        for job, process in self._members.values():
            if not job.inherited:
                process.status = 127 << 8

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While the shell reads a command (or a builtin input): take notice of children as they change."""

        def note(number: int, frame: FrameType | None) -> None:
            self.reap()
            if callable(before):
                before(number, frame)  # there is a trap

        before = signal.signal(signal.SIGCHLD, note)
        try:
            self.reap()
            yield
        finally:
            signal.signal(signal.SIGCHLD, before)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Within `watched`, for commands that are run in between: who starts a child sees its end."""
        before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            yield
        finally:
            signal.signal(signal.SIGCHLD, before)
            if before is not signal.SIG_DFL:
                self.reap()

    # --- signals, the end, subshells ---

    def signal(self, target: Job | int, number: int) -> None:
        """Send a signal to all of a job, or to a pid (negative: a group). Raises OSError of kill(2).

        What is to end a stopped job continues it too, as in bash: it could not act on the signal else.
        """
        if not isinstance(target, Job):
            os.kill(target, number)
            if target in self._members and number in _RESUMES:
                _resume(self._members[target][1])
            return
        numbers = [number]
        if target.state == "stopped" and number in (signal.SIGTERM, signal.SIGHUP):
            numbers.append(signal.SIGCONT)
        for each in numbers:
            if target.pgid:
                os.killpg(target.pgid, each)
            else:
                for process in target.processes:
                    if process.state != "done":
                        os.kill(process.pid, each)
        if number in _RESUMES or len(numbers) > 1:
            for process in target.processes:
                _resume(process)
            target.told = "running"

    def disown(self, job: Job, *, hold_hup: bool = False) -> None:
        """Forget it, or only spare it from the SIGHUP at a hang-up."""
        if hold_hup:
            job.hold_hup = True
        else:
            self._remove(job)

    def hang_up(self, *, stopped_only: bool = False) -> None:
        """SIGHUP to all jobs that nobody disowned, and SIGCONT to the stopped ones, so that they can die of it."""
        for job in self._jobs:
            if job.hold_hup or job.inherited or job.state == "done" or (stopped_only and job.state != "stopped"):
                continue
            try:
                self.signal(job, signal.SIGHUP)
            except OSError:
                continue  # gone, or another user's by now

    def enter_subshell(self) -> None:
        """In a forked child: the parent's jobs can be listed until this shell has one, no more."""
        for job in self._jobs:
            job.inherited = True
        self._members.clear()
        self._foreground = None
        self.controlled = False
        self.terminal = None
        self.report = None
        self.died = self.stopped = self.waited = _ignore
        self.notify = None

    def _forget_inherited(self) -> None:
        if self._jobs and self._jobs[0].inherited:
            self._jobs = []
            self._recent = []

    modes: Modes | None = None  # the shell's own, for when a job leaves others behind

    def tell(self) -> None:
        """Report the table to whoever draws the terminal."""
        if self.report:
            self.report.send(self, self._jobs)


def _resume(process: Process) -> None:
    """It has been sent what continues it; if it dies of the next signal at once, the kernel won't say that it did."""
    if process.state == "stopped":
        process.status = None


def _pids(job: Job) -> list[str]:
    return [str(process.pid) for process in job.processes]


def _ignore(job: Job) -> None:
    """Nobody wants to know."""
