"""Signals: their names, and which disposition the shell and its programs have. Imports signal and os only.

A signal that was ignored when the shell was started stays ignored in all programs (POSIX XCU 2.12). What the shell
ignores only for itself is default in them. (Python ignores SIGPIPE and SIGXFSZ before anybody can look, so for
these two the inheritance is lost: programs get the default.)
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

_REAL_TIME = {f"RTMIN+{n}": signal.SIGRTMIN + n for n in range(1, 16)} | {
    f"RTMAX-{n}": signal.SIGRTMAX - n for n in range(1, 15)
}
NUMBERS: dict[str, int] = {
    name[3:]: int(value)
    for name, value in signal.Signals.__members__.items()
    if name not in ("SIGIOT", "SIGPOLL", "SIGCLD")
} | _REAL_TIME
NAMES = {number: name for name, number in NUMBERS.items()}

JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)
_ALL = signal.valid_signals()


def number(name: str) -> int | None:
    """The number of TERM, SIGTERM, term or 15; None if there is no such signal."""
    if name.isdecimal():
        return int(name) if int(name) in NAMES or name == "0" else None
    return NUMBERS.get(name.upper().removeprefix("SIG"))


def describe(number: int) -> str:
    """As strsignal(3) says it: "Terminated", "Stopped (tty input)"."""
    return signal.strsignal(number) or f"Unknown signal {number}"


def die(number: int) -> NoReturn:
    """End this process by a signal, so that the parent sees what happened."""
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)


@contextmanager
def blocked(*numbers: int) -> Iterator[None]:
    """Have these signals (all, if none is named) wait until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers or _ALL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class HangUp(SystemExit):
    """The terminal is gone, or somebody asks the shell to end: it is raised wherever the shell waits.

    A SystemExit, because event loops let no other exception out of a callback.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class Signals:
    """The shell's own dispositions.

    `pending`: trapped signals that have come, in their order. `interrupted`: ctrl+c came while something ran that must
    not be torn apart. `interruptible`: it may be, by KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.interrupted = False
        self.interruptible = False
        self.ignored_at_start = frozenset(
            n for n in _ALL if n not in _PYTHON_IGNORES and signal.getsignal(n) is signal.SIG_IGN
        )
        self._interactive = False
        self._trapped: set[int] = set()
        self._own: dict[int, object] = {}  # what the shell itself does at a signal that isn't trapped
        self._ignored: set[int] = set(_PYTHON_IGNORES)  # by the shell for itself; programs get the default
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # were it ignored, the kernel would reap in our place
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        self._arrange(signal.SIGINT, self._interrupt)
        self._arrange(signal.SIGPIPE, signal.SIG_DFL)

    def be_interactive(self) -> None:
        """What the keyboard and `kill 0` send is not for the shell; a hang-up ends it in good order."""
        self._arrange(signal.SIGHUP, self._hang_up)
        self._interactive = True
        for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE):
            self._arrange(number, signal.SIG_IGN)
        self._arrange(signal.SIGINT, self._interrupt)

    def end_in_order(self) -> None:
        """Have the signals that end a script end it through `HangUp`, so that its EXIT trap is run."""
        for number in (signal.SIGHUP, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_DFL:
                self._arrange(number, self._hang_up)

    def control_jobs(self, on: bool) -> None:
        """Under job control an interactive shell can't be stopped, and its programs can, even where whoever started it
        (tmux) had these signals ignored."""
        self.ignored_at_start = self.ignored_at_start.difference(JOB_CONTROL)
        for number in JOB_CONTROL:
            self._arrange(number, signal.SIG_IGN if on else signal.SIG_DFL)

    def defaults(self, controlled: bool) -> list[int]:
        """What the shell ignores and a program must not. One without a job of its own can't be stopped by the keyboard
        either where the shell can't: nobody could continue it."""
        kept = self.ignored_at_start if controlled else self.ignored_at_start.union(JOB_CONTROL)
        return [number for number in self._ignored if number not in kept]

    def trap(self, number: int) -> None:
        """Note when it comes."""
        self._trapped.add(number)
        self._ignored.discard(number)
        signal.signal(number, self._note)

    def ignore(self, number: int) -> None:
        """Ignore it, and programs with the shell."""
        self._trapped.discard(number)
        self._ignored.discard(number)
        signal.signal(number, signal.SIG_IGN)

    def trapped(self, number: int) -> bool:
        """Whether there is an action for it, or it is ignored by the user."""
        return signal.getsignal(number) in (self._note, signal.SIG_IGN)

    def all_trapped(self) -> list[int]:
        """All that have an action."""
        return list(self._trapped)

    def untrap(self, number: int) -> None:
        """Back to what the shell does by itself."""
        self._trapped.discard(number)
        self._arrange(number, self._own.get(number, signal.SIG_DFL))

    def enter_subshell(self, *, background: bool, controlled: bool) -> None:
        """In a forked child: nothing of what the parent did for itself.

        `controlled`: it is a job of its own; else it shares the parent's group, and must not be stopped where nobody
        could continue it. `background` without control: ctrl+c is not meant for it (POSIX XCU 2.11).
        """
        self.pending.clear()
        self.interrupted = self.interruptible = False
        for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP):
            self._arrange(number, signal.SIG_DFL)
        if controlled:
            self.control_jobs(False)
        if background and not controlled:
            self.ignore(signal.SIGINT)
            self.ignore(signal.SIGQUIT)
        else:
            self._arrange(signal.SIGINT, self._interrupt)

    @contextmanager
    def for_program(self, controlled: bool) -> Iterator[None]:
        """Dispositions for what this process becomes by execve(2); the shell's again if it doesn't.

        Caught signals would get the default by themselves, but one that has just been caught would be lost.
        """
        numbers = self.defaults(controlled)
        if not self.trapped(signal.SIGINT):
            numbers.append(signal.SIGINT)
        before = [(number, signal.signal(number, signal.SIG_DFL)) for number in numbers]
        try:
            self.check()
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def forget(self) -> None:
        """At a prompt: no ctrl+c is left over from what was run before."""
        self.interrupted = self.interruptible = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if ctrl+c came: a process that is started now would not hear of it."""
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt

    def may_interrupt(self, may: bool = True) -> AbstractContextManager[None]:
        """Ctrl+c raises KeyboardInterrupt in this block; at once, if it came before."""
        return _Interruptible(self, may)

    def uninterruptible(self) -> AbstractContextManager[None]:
        """Ctrl+c is only noted in this block."""
        return self.may_interrupt(False)

    @contextmanager
    def interrupts_ignored(self) -> Iterator[None]:
        """For what is spawned in the background without job control; a signal that comes meanwhile is kept."""
        both = (signal.SIGINT, signal.SIGQUIT)
        with blocked(*both):
            before = [(number, signal.signal(number, signal.SIG_IGN)) for number in both]
            try:
                yield
            finally:
                for number, handler in before:
                    signal.signal(number, handler)

    def _arrange(self, number: int, action: object) -> None:
        self._own[number] = action
        self._ignored.discard(number)
        if number in self.ignored_at_start and (action is signal.SIG_DFL or not self._interactive):
            action = signal.SIG_IGN
        if action is signal.SIG_IGN:
            self._ignored.add(number)
        signal.signal(number, action)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.pending.append(number)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interruptible:
            raise KeyboardInterrupt
        self.interrupted = True

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        raise HangUp(number)


class _Interruptible(AbstractContextManager[None]):
    """A block that ctrl+c may end, or may not. No generator, for each command has some."""

    __slots__ = ("_before", "_may", "_signals")

    def __init__(self, signals: Signals, may: bool) -> None:
        self._signals = signals
        self._may = may
        self._before = signals.interruptible

    def __enter__(self) -> None:
        self._before = self._signals.interruptible
        try:
            self._signals.interruptible = self._may
            if self._may:
                self._signals.check()
        except KeyboardInterrupt:
            self._signals.interruptible = self._before
            raise

    def __exit__(self, *_: object) -> None:
        self._signals.interruptible = self._before
