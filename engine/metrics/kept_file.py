"""A kernel file whose descriptor may be kept open: pread(2) costs a fifth of open, read, close. Standard library only.

Each open one costs the kernel some 4 KiB and the process a number below RLIMIT_NOFILE. Linux gives out the lowest free
number, so the number tells how many the process has open: metrics keep none that is not in the lower half, and what
containers and clients need is left over. Measured: docs/metrics.md.
"""

from __future__ import annotations

import os
import resource

_CHUNK = 4096
_WHOLE = 3072  # a seq_file may give less than it was asked for at the end of a record, but not so much less


def lower_half() -> int:
    """The first descriptor number that is not to be kept."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2


class KeptFile:
    """A small file that is read again and again."""

    __slots__ = ("_below", "_descriptor", "_directory", "_name")

    def __init__(self, directory: str, name: str, below: int) -> None:
        """`below`: see `lower_half`. The path is put together when it is needed: there are many of these."""
        self._directory = directory
        self._name = name
        self._below = below
        self._descriptor = -1

    @property
    def path(self) -> str:
        return f"{self._directory}/{self._name}"

    def read(self, keep: bool) -> bytes | None:
        """All of its text; None when it can't be had: no such file, no such support in this kernel, or a cgroup that
        has gone. `keep` its descriptor for the next time if its number allows, or close it."""
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                keep = keep and self._descriptor < self._below
            text = os.pread(self._descriptor, _CHUNK, 0)
            if len(text) >= _WHOLE:
                text = self._rest(text)
        except OSError:
            text, keep = None, False
        if not keep:
            self.close()
        return text

    def _rest(self, text: bytes) -> bytes:
        while more := os.pread(self._descriptor, _CHUNK, len(text)):
            text += more
        return text

    def close(self) -> None:
        """Reading opens the file again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
