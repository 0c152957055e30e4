"""Descriptors that are kept open, because pread(2) on one costs a fifth of open, read and close; within bounds.

Standard library only. Measured: docs/metrics.md.
"""

from __future__ import annotations

import os
import resource

SHARE = 4  # a quarter of RLIMIT_NOFILE is for metrics; the rest is for containers' terminals and pipes, and clients
_CHUNK = 4096
_WHOLE = 3072  # a seq_file may give less than it was asked for at the end of a record, but not so much less


class Descriptors:
    """How many may be kept. Who gets none opens its file for each reading."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: a share of the process's limit when not given."""
        self.most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // SHARE if most is None else most
        self.kept = 0

    def take(self) -> bool:
        """May one more be kept? Then it counts."""
        if self.kept >= self.most:
            return False
        self.kept += 1
        return True

    def give_back(self) -> None:
        self.kept -= 1


class KeptFile:
    """A small file of the kernel's that is read again and again."""

    __slots__ = ("_descriptor", "_descriptors", "path")

    def __init__(self, path: str, descriptors: Descriptors) -> None:
        self.path = path
        self._descriptors = descriptors
        self._descriptor = -1

    def read(self, keep: bool) -> bytes | None:
        """All of its text; None when it can't be had: no such file, no such support in this kernel, or a cgroup that
        has gone. `keep` its descriptor for the next time if there is room."""
        try:
            if self._descriptor < 0:
                return self._first(keep)
            text = os.pread(self._descriptor, _CHUNK, 0)
            return text if len(text) < _WHOLE else _rest(self._descriptor, text)
        except OSError:
            return None

    def _first(self, keep: bool) -> bytes:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = _rest(descriptor, b"")
            if keep and self._descriptors.take():
                self._descriptor = descriptor
            return text
        finally:
            if self._descriptor < 0:
                os.close(descriptor)

    def close(self) -> None:
        """Keep no descriptor; reading opens the file again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._descriptors.give_back()


def _rest(descriptor: int, text: bytes) -> bytes:
    """The whole text of a file that begins with `text`."""
    while more := os.pread(descriptor, _CHUNK, len(text)):
        text += more
        if len(more) < _WHOLE:
            break
    return text
