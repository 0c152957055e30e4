"""inotify(7) on one directory: waits until a file is moved in, or one that was open for writing is closed."""

from __future__ import annotations

import ctypes
import os
import select
from pathlib import Path
from types import TracebackType

IN_CLOSE_WRITE = 0x00000008
IN_MOVED_TO = 0x00000080


class Watch:
    """Events from the moment it is made. Raises OSError when the kernel has no watch to give (EMFILE, ENOSPC)."""

    def __init__(self, directory: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            raise _failure("inotify_init1", directory)
        if libc.inotify_add_watch(self._descriptor, os.fsencode(directory), IN_CLOSE_WRITE | IN_MOVED_TO) < 0:
            error = _failure("inotify_add_watch", directory)
            os.close(self._descriptor)
            raise error

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def wait(self, seconds: float) -> bool:
        """Whether anything happened since the last call, or does within `seconds`."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(max(0, seconds) * 1000):
            return False
        os.read(self._descriptor, 65536)  # what happened does not matter: the caller looks again
        return True


def _failure(call: str, directory: Path) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}", str(directory))
