"""The controlling terminal: which process group has it, and its modes. Imports os, signal and termios only."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import termios

from engine.shell.faults import Fault
from engine.shell.signals import blocked
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TypeAlias

Modes: TypeAlias = "list[Any]"  # as termios.tcgetattr gives them

INTERNAL = 200  # the shell's own descriptors are from here on, out of the way of `3>file`
_internal: set[int] = set()


def internal(fd: int) -> int:
    """Move a descriptor where no redirection of a user's stands in its way; programs don't get it."""
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, INTERNAL)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a small RLIMIT_NOFILE
            raise
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)
    return owned(moved)


def owned(fd: int) -> int:
    """Note that this is the shell's own."""
    _internal.add(fd)
    return fd


def close_internal() -> None:
    """In a forked child: it must not hold what the parent holds, such as the other ends of pipes."""
    for fd in _internal:
        try:
            if fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
                os.close(fd)
        except OSError:
            continue  # closed long ago
    _internal.clear()


class Terminal:
    """The terminal of this session, in the hands of one process group at a time."""

    def __init__(self) -> None:
        """Raises Fault without a controlling terminal."""
        try:
            self.fd = internal(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            raise Fault("there is no controlling terminal") from error
        self.owner_before = self.owner()
        self._group_before = os.getpgrp()

    def owner(self) -> int:
        """The group in the foreground (tcgetpgrp(3)); 0 when it is gone."""
        try:
            return os.tcgetpgrp(self.fd)
        except OSError:
            return 0

    def give(self, pgid: int) -> bool:
        """Put a group in the foreground; False when that group is gone, or the terminal."""
        with blocked(signal.SIGTTOU):  # else a shell that is in the background would be stopped for asking
            try:
                os.tcsetpgrp(self.fd, pgid)
            except OSError:
                return False
        return True

    def acquire(self) -> None:
        """Become the foreground group, alone. Started in the background, wait as any reader would: stopped.

        Raises Fault when the terminal stays with another group: an orphaned one can't be stopped (POSIX XBD 3.256).
        """
        signal.signal(signal.SIGTTIN, signal.SIG_DFL)
        for _ in range(16):
            self._group_before = os.getpgrp()
            self.owner_before = self.owner()
            if self.owner_before in (0, self._group_before):
                break
            os.killpg(self._group_before, signal.SIGTTIN)
        else:
            raise Fault(f"the terminal belongs to process group {self.owner_before}")
        if self._group_before != os.getpid():
            os.setpgid(0, 0)
        if not self.give(os.getpid()):
            os.setpgid(0, self._group_before)
            raise Fault("the terminal can't be had")

    def give_back(self) -> None:
        """As it was before `acquire`, for whoever started the shell."""
        if self._group_before != os.getpgrp():
            self.give(self._group_before)
            try:
                os.setpgid(0, self._group_before)
            except OSError:
                return  # that group is gone

    def modes(self) -> Modes | None:
        """termios(3), or None when the terminal is gone."""
        try:
            return termios.tcgetattr(self.fd)
        except termios.error:
            return None

    def set_modes(self, modes: Modes | None) -> None:
        """Set what `modes` has told, after what is written has been sent."""
        if modes is not None and modes != self.modes():
            with blocked(signal.SIGTTOU):
                try:
                    termios.tcsetattr(self.fd, termios.TCSADRAIN, modes)
                except termios.error:
                    return  # gone
