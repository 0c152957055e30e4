"""The way of a program's output from its pipe or terminal to the engine, safe against the engine's death.

The engine never reads the bytes: `splice(2)` moves them from the pipe to the end of a file, in the kernel, and a
process is never killed in the middle of a system call. So the file's size says at every instant how many bytes have
been consumed since the program started, and the log's last record says how many of them are logged; what lies between
is handed out again after a crash. A terminal can't be spliced into a file, so it goes through a *relay*, a pipe of
which the keeper holds both ends too: what is in it survives as well. What is logged is given back to the file system
(`FALLOC_FL_PUNCH_HOLE`); the file's size goes on counting.

Where the kernel or the file system refuses to splice (EINVAL), or the file system is full, bytes are read in the plain
way: they still arrive once and in order, but those read and not yet logged at the instant of a SIGKILL are lost, and
counted as missing. Terminals can be spliced since Linux 2.6 (`tty_fops.splice_read`), but for 5.10.

Imports the standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from pathlib import Path

CHUNK = 65_536
_PUNCH_EVERY = 131_072
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FALLOC_FL_KEEP_SIZE = 1
_FALLOC_FL_PUNCH_HOLE = 2
_libc = ctypes.CDLL(None, use_errno=True)
_fallocate = getattr(_libc, "fallocate64", _libc.fallocate)
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


class Spool:
    """One stream of one run of a program. `source` is a pipe's read end, or with `relay` (read end, write end) the
    master of a terminal; all descriptors are non-blocking and stay the caller's.

    `path` is the file, made if need be; None reads in the plain way. `logged` is how many bytes of the stream are in
    the log already. Raises OSError when the file can't be opened.
    """

    def __init__(self, path: Path | None, source: int, relay: tuple[int, int] | None = None, logged: int = 0) -> None:
        self.source = source
        self._relay = relay if path is not None else None
        self._file = -1 if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._splices = path is not None
        self._freed = 0
        self.final = False
        """The program has ended: a terminal is at its end when nobody has it open."""
        self.hung_up = False
        """Nobody has the terminal open; a program that runs may open it again."""
        self.ended = False
        """The stream has reached its end, and everything has been taken."""
        self.consumed = logged
        """Bytes of the stream that have left the pipe or terminal since the program started."""
        self.taken = logged
        """Bytes of the stream that `take` has handed out, or that were in the log before."""
        if path is not None:
            self._find_unlogged()

    def _find_unlogged(self) -> None:
        """Where to go on: after what is logged, and after what was given up because it could not be logged."""
        size = os.fstat(self._file).st_size
        if size < self.taken:  # it was removed after the stream's end
            os.ftruncate(self._file, self.taken)
        if size <= self.taken:
            return
        self.consumed = size
        try:
            self.taken = os.lseek(self._file, self.taken, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole
            self.taken = size

    @property
    def pending(self) -> int:
        """Bytes that are consumed and not taken."""
        return self.consumed - self.taken

    def take(self) -> bytes | None:
        """The next bytes of the stream, at most 64 KiB; empty at its end, None when there are none now."""
        if not self.pending and not self.ended:
            self.hung_up = False
            plain = self._fill()
            if plain:
                self.taken = self.consumed
                return plain
            if self.hung_up and self.final and not self.pending:
                self.ended = True
        if self.pending:
            data = os.pread(self._file, min(self.pending, CHUNK), self.taken)
            self.taken += len(data)
            return data
        return b"" if self.ended else None

    def free(self) -> None:
        """Give back the space of what has been taken. Only whole pages, and not for every chunk."""
        end = self.taken - self.taken % _PAGE
        if self._file >= 0 and end - self._freed >= _PUNCH_EVERY:
            mode = _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE
            _fallocate(self._file, mode, self._freed, end - self._freed)  # a file system without holes keeps it all
            self._freed = end

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _fill(self) -> bytes | None:
        """Move into the file what there is now; where that can't be, hand over what was read instead."""
        if not self._splices:
            return self._read(self.source)
        if self._relay is None:
            return self._splice(self.source)
        self._fill_relay(self._relay[1])
        return self._splice(self._relay[0])

    def _splice(self, pipe: int) -> bytes | None:
        try:
            moved = os.splice(pipe, self._file, CHUNK, offset_dst=self.consumed, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            return None
        except OSError:  # no space, or not with this file system
            return self._read(pipe)
        self.consumed += moved
        self.ended = moved == 0
        return None

    def _fill_relay(self, relay: int) -> None:
        """Move what the terminal has to the relay, until one of them can't any more."""
        room = CHUNK
        while room > 0 and not self.hung_up:
            try:
                moved = os.splice(self.source, relay, room, flags=os.SPLICE_F_NONBLOCK)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:
                    self._splices = False
                    return
                moved = 0
            self.hung_up = moved == 0
            room -= moved

    def _read(self, source: int) -> bytes | None:
        """The plain way; the file grows by a hole, so that its size is still what has been consumed."""
        try:
            data = os.read(source, CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.hung_up = True
            return None
        self.ended = not data
        self.consumed += len(data)
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self.consumed)
        return data
