"""Terminals on disk, in the runtime directory: what a new engine must know of what the keeper holds.

    terminals/numbers        the keeper by which numbers were last given out, and the last number
              <id>/record    its `Record`, before it is started
                   log/      the end of its output, and the checkpoint of its screen
                   spool/    output on its way there

A file is replaced by rename, so a killed engine leaves the old or the new. Nothing is synced: after a crash of the
machine there are no terminals either. Blocks for moments only; OSError when the disk fails.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path

import msgspec

_ID = re.compile(r"t[1-9][0-9]{0,9}")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a terminal was opened for."""

    id: str
    command: list[str]
    created_at: datetime
    container: str | None  # by id


class _Numbers(msgspec.Struct, frozen=True):
    keeper: str
    last: int


class Records:
    """The records below `directory`. `keeper` tells one keeper from another: each counts from 1."""

    def __init__(self, directory: Path, keeper: str) -> None:
        self._directory = directory
        self._keeper = keeper

    def directory(self, id: str) -> Path:
        """Where the files of the terminal are."""
        return self._directory / id

    def next_id(self) -> str:
        """An id that no terminal of this keeper ever had, also when the engine is killed at once. Not for two at
        once."""
        path = self._directory / "numbers"
        try:
            numbers = msgspec.json.decode(path.read_bytes(), type=_Numbers)
        except (FileNotFoundError, msgspec.MsgspecError):
            numbers = _Numbers(self._keeper, 0)
        last = numbers.last + 1 if numbers.keeper == self._keeper else 1
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, msgspec.json.encode(_Numbers(self._keeper, last)))
        return f"t{last}"

    def save(self, record: Record) -> None:
        """Make the terminal's directory with its record."""
        directory = self.directory(record.id)
        shutil.rmtree(directory, ignore_errors=True)  # an earlier keeper's
        (directory / "log").mkdir(mode=0o700, parents=True)
        _replace(directory / "record", msgspec.json.encode(record))

    def load(self, id: str) -> Record | None:
        """None when there is none that can be read."""
        try:
            return msgspec.json.decode((self.directory(id) / "record").read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def remove(self, id: str) -> None:
        """Remove all of the terminal's files."""
        shutil.rmtree(self.directory(id), ignore_errors=True)

    def ids(self) -> list[str]:
        """Of every terminal that has left something."""
        if not self._directory.is_dir():
            return []
        return [path.name for path in self._directory.iterdir() if _ID.fullmatch(path.name)]


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.rename(path)
