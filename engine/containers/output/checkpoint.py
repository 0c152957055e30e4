"""The screen of a terminal as it was at one place of its output, for the engine that comes after a killed one.

A program may have drawn its screen and set its modes long ago, and the log be rotated since. From a checkpoint on a few
pieces of the log bring the terminal core to where it was. A file is replaced by rename. Imports msgspec.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen shows before the byte `place` of the stream."""

    place: int
    columns: int
    lines: int
    blank: bool
    drawn: bytes  # a stream that draws it on a fresh terminal of that size
    report: bytes  # the last one of its shell's jobs, if there was one


class Checkpoint:
    """The file at `path`. A disk that is full must stop nobody: then the last one stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(path.name + ".new")

    def save(self, snapshot: Snapshot) -> None:
        """Replace the one before."""
        with suppress(OSError):
            self._new.write_bytes(msgspec.msgpack.encode(snapshot))
            self._new.rename(self.path)

    def load(self) -> Snapshot | None:
        """None when there is none that can be read."""
        try:
            return msgspec.msgpack.decode(self.path.read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError):
            return None
