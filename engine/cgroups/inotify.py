"""inotify(7), as little of it as is needed to hear that a file of a cgroup changed. Standard library only."""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress

_MODIFY, _IGNORED = 0x2, 0x8000
_EVENT = struct.Struct("=iIII")  # watch, mask, cookie, length of the name behind it
_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """One descriptor, readable when a watched file was modified."""

    def __init__(self) -> None:
        self.descriptor = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify")

    def add(self, path: str) -> int:
        """The number of the new watch. Raises OSError."""
        return _checked(_libc.inotify_add_watch(self.descriptor, os.fsencode(path), _MODIFY), path)

    def remove(self, watch: int) -> None:
        """It may be gone already, with the file."""
        with suppress(OSError):
            _checked(_libc.inotify_rm_watch(self.descriptor, watch), "inotify")

    def read(self) -> set[int]:
        """The watches of what was modified since the last time."""
        modified: set[int] = set()
        with suppress(BlockingIOError):
            while True:
                data, at = os.read(self.descriptor, 64 * 1024), 0
                while at < len(data):
                    watch, mask, _, length = _EVENT.unpack_from(data, at)
                    at += _EVENT.size + length
                    if not mask & _IGNORED:
                        modified.add(watch)
        return modified

    def close(self) -> None:
        os.close(self.descriptor)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
    return result
