"""The screen of a terminal as it was at one place of its output, for the engine that comes after a killed one.

A program may have drawn its screen and set its modes long ago, and the log be rotated since. From a checkpoint on a few
pieces of the log bring the terminal core to where it was. A file is replaced by rename. Imports msgspec.

To draw a screen with its scrollback takes as long as to feed the core a megabyte. So a flood is interrupted seldom, and
for a few lines of scrollback only: what comes after them is in the log.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import msgspec

NEAR = 262_144  # bytes of output after which there may be another; replayed quickly, also for many containers at once
FAR = 4 * NEAR  # and must be: the smallest of our logs keeps more
HISTORY, LITTLE = 1_000, 100  # lines of scrollback
REST = 20  # times as long as a checkpoint took there is none, unless there must be


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
        self._place = 0  # of the last one
        self._rested = 0.0  # time.monotonic()

    def due(self, place: int) -> int:
        """How many lines of scrollback a snapshot at `place` should have; 0 when none is due."""
        behind = place - self._place
        if behind >= NEAR and time.monotonic() >= self._rested:
            return HISTORY
        return LITTLE if behind >= FAR else 0

    def save(self, snapshot: Snapshot, took: float = 0.0) -> None:
        """Replace the one before. `took`: seconds that the snapshot took."""
        self._place = snapshot.place
        self._rested = time.monotonic() + REST * took
        with suppress(OSError):
            self._new.write_bytes(msgspec.msgpack.encode(snapshot))
            self._new.rename(self.path)

    def load(self) -> Snapshot | None:
        """None when there is none that can be read."""
        try:
            snapshot = msgspec.msgpack.decode(self.path.read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError):
            return None
        self._place = snapshot.place
        return snapshot
