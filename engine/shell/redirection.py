"""Redirections: files are opened by the shell, then put in place for a program, or for a while in the shell itself.

The shell's own descriptors are close-on-exec and the user's are not, so that `<&5` can tell whether there is a 5.
Imports the standard library and this package's lower parts only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Sequence

from engine.shell.ast import Redirection, Span
from engine.shell.faults import Fault
from engine.shell.spawn import Move
from engine.shell.tty import INTERNAL, internal, owned
from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

FaultAt: TypeAlias = Callable[[str, Span], Fault]

_FLAGS = {
    "<": os.O_RDONLY,
    ">": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    ">|": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    ">>": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "<>": os.O_RDWR | os.O_CREAT,
}
_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class Target(NamedTuple):
    """A redirection whose words are expanded. `text` is a path, a descriptor (`3`, `3-`, `-`), or text to read."""

    fd: int
    operator: str  # one of _FLAGS, "&" (duplicate), "text" (here-documents and here-strings)
    text: str
    also: int | None  # &> and &>> mean this descriptor too
    span: Span


def target(redirection: Redirection, text: str) -> Target:
    """With its target (or the here-document) expanded to `text`."""
    fd, operator, _, span, _ = redirection
    if operator in ("<<", "<<-"):
        return Target(fd or 0, "text", text, None, span)
    if operator == "<<<":
        return Target(fd or 0, "text", text + "\n", None, span)
    if operator in ("&>", "&>>") or (operator == ">&" and fd is None and not _is_descriptor(text)):
        return Target(1, ">>" if operator == "&>>" else ">", text, 2, span)
    if operator in ("<&", ">&"):
        return Target((0 if operator == "<&" else 1) if fd is None else fd, "&", text, None, span)
    number = _STREAMS.get(text, -1)
    if text.startswith("/dev/fd/") and text[8:].isdecimal():
        number = int(text[8:])
    if fd is None:
        fd = 0 if operator in ("<", "<>") else 1
    return Target(fd, "&", str(number), None, span) if number >= 0 else Target(fd, operator, text, None, span)


def can_block(targets: Sequence[Target]) -> bool:
    """Whether opening one of these may take its time: a FIFO waits for its other end. Then not in the shell."""
    for each in targets:
        if each.operator in _FLAGS:
            try:
                if stat.S_ISFIFO(os.stat(each.text).st_mode):
                    return True
            except (OSError, ValueError):
                continue
    return False


class Opened:
    """Redirections carried out one after the other: `moves` say what a program's descriptors become.

    With `here`, they are made in this process at once, and `restore` undoes them.
    """

    def __init__(self, fault_at: FaultAt, *, noclobber: bool, here: bool) -> None:
        self.moves: list[Move] = []
        self._fault_at = fault_at
        self._noclobber = noclobber
        self._here = here
        self._own: list[int] = []  # opened by us, to be closed
        self._saved: list[tuple[int, int]] = []  # what stood there before (-1: nothing), and where

    def add(self, each: Target) -> None:
        """Open one. Raises Fault, with nothing undone yet."""
        if each.operator == "&":
            self._duplicate(each)
            return
        try:
            source = _reading(each.text) if each.operator == "text" else self._open(each)
        except OSError as error:
            raise self._fault_at(f"{each.text or '<<'}: {error.strerror}", each.span) from error
        except ValueError as error:
            raise self._fault_at(f"{each.text!r}: a NUL character can't be in a path", each.span) from error
        self._own.append(source)
        self._move(source, each.fd)
        if each.also is not None:
            self._move(each.fd, each.also)

    def _open(self, each: Target) -> int:
        flags = _FLAGS[each.operator] | os.O_CLOEXEC
        if each.operator == ">" and self._noclobber:
            return internal(self._open_new(each, flags))
        return internal(os.open(each.text, flags, 0o666))

    def _open_new(self, each: Target, flags: int) -> int:
        """Under noclobber: only what is no regular file yet (POSIX XCU 2.7.2); /dev/null is none."""
        try:
            return os.open(each.text, flags | os.O_EXCL, 0o666)
        except FileExistsError:
            fd = os.open(each.text, flags & ~(os.O_CREAT | os.O_TRUNC))
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return fd
            os.close(fd)
            fault = self._fault_at(f"{each.text}: cannot overwrite existing file", each.span)
            fault.hint = "noclobber is set; >| overwrites it all the same"
            raise fault from None

    def _duplicate(self, each: Target) -> None:
        if each.text == "-":
            self._move(-1, each.fd)
            return
        if not _is_descriptor(each.text):
            raise self._fault_at(f"{each.text}: ambiguous redirect", each.span)
        source = int(each.text.rstrip("-"))
        if not self._is_open(source):
            raise self._fault_at(f"{source}: Bad file descriptor", each.span)
        if source != each.fd:
            self._move(source, each.fd)
            if each.text.endswith("-"):
                self._move(-1, source)

    def _is_open(self, fd: int) -> bool:
        """Whether the user has such a descriptor by now."""
        if not self._here:
            for source, place in reversed(self.moves):
                if place == fd:
                    return source >= 0
        return is_user_descriptor(fd)

    def _move(self, source: int, place: int) -> None:
        self.moves.append((source, place))
        if self._here:
            self._saved.append((_saved_copy(place), place))
            try:
                put(source, place)
            except OSError as error:
                raise Fault(f"{place}: {error.strerror}") from error

    def enact(self) -> None:
        """Make here what was meant for a program: so that what is wrong is told where it would have written."""
        for source, place in self.moves:
            self._saved.append((_saved_copy(place), place))
            put(source, place)

    def close(self) -> None:
        """The shell needs the files no longer: the program has them, or they are in place."""
        for fd in self._own:
            os.close(fd)
        self._own.clear()

    def restore(self) -> None:
        """All as it was before."""
        self.close()
        for saved, place in reversed(self._saved):
            put(saved, place)
            if saved >= 0:
                os.close(saved)
        self._saved.clear()

    def keep(self) -> None:
        """It stays so (`exec >file`)."""
        self.close()
        for saved, _ in self._saved:
            if saved >= 0:
                os.close(saved)
        self._saved.clear()


def put(source: int, place: int) -> None:
    """Make `place` the same as `source`, -1 for closed. Raises OSError."""
    if source < 0:
        try:
            os.close(place)
        except OSError as error:
            if error.errno != errno.EBADF:  # closed already is closed
                raise
    elif source == place:
        os.set_inheritable(place, True)
    else:
        os.dup2(source, place)


def pipe() -> tuple[int, int]:
    """A pipe's reading and writing end, out of the user's way."""
    read, write = os.pipe()
    return internal(read), internal(write)


def is_user_descriptor(fd: int) -> bool:
    """Whether it is open, and not one of the shell's own."""
    try:
        return not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except (OSError, OverflowError):
        return False


def _saved_copy(fd: int) -> int:
    try:
        return owned(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, INTERNAL))
    except OSError as error:
        if error.errno == errno.EBADF:
            return -1
        if error.errno == errno.EINVAL:
            return owned(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3))
        raise


def _reading(text: str) -> int:
    """A descriptor that reads this text: a nameless file, so that it may be of any length."""
    fd = os.memfd_create("here-document", os.MFD_CLOEXEC)
    data = memoryview(text.encode("utf-8", "surrogateescape"))
    while data:
        data = data[os.write(fd, data) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return internal(fd)


def _is_descriptor(text: str) -> bool:
    return text == "-" or text.removesuffix("-").isdecimal()
