"""Volumes on disk. Blocks: call it in a thread. Raises OSError.

    volumes/<name>/volume.json   when it was made, its labels, whether it was made without a name
                   data/         what containers see
    volumes/.new-<name>          in the making
    volumes/.gone-<name>         being deleted

A volume is made under another name and renamed, so what is there is whole; it is removed the other way round.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

from engine import trees
from engine.receipts.steps import step

_NEW, _GONE = ".new-", ".gone-"


class Description(msgspec.Struct, frozen=True):
    """What is remembered of a volume: the contents of its `volume.json`."""

    created_at: datetime
    labels: dict[str, str] = {}
    anonymous: bool = False


class Store:
    """The `volumes` directory below `state`."""

    def __init__(self, state: Path) -> None:
        self.directory = state / "volumes"

    def data(self, name: str) -> Path:
        """The volume's directory, as containers see it."""
        return self.directory / name / "data"

    def make(self, name: str, description: Description) -> None:
        """Make an empty volume; nothing is left of it when that fails."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.directory / f"{_NEW}{name}"
        trees.remove(new, ignore_errors=True)
        try:
            with step("mkdir", new):
                new.mkdir(mode=0o700)
            data = new / "data"
            data.mkdir()
            data.chmod(0o755)
            path = new / "volume.json"
            path.write_bytes(msgspec.json.encode(description))
            _sync(path)
            with step("rename", new, self.directory / name):
                new.rename(self.directory / name)
        except BaseException:
            trees.remove(new, ignore_errors=True)
            raise
        _sync(self.directory)

    def describe(self, name: str) -> Description | None:
        """None where there is no such volume. What can't be read any more is described as well as possible."""
        place = self.directory / name
        try:
            return msgspec.json.decode((place / "volume.json").read_bytes(), type=Description)
        except (OSError, msgspec.MsgspecError):
            if not self.data(name).is_dir():
                return None
            return Description(created_at=datetime.fromtimestamp(place.stat().st_mtime).astimezone())

    def names(self) -> list[str]:
        """All volumes, by name."""
        if not self.directory.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self.directory) if entry.is_dir() and entry.name[0] != ".")

    def remove(self, name: str) -> None:
        """Make the volume vanish at once, then delete it."""
        gone = self.directory / f"{_GONE}{name}"
        trees.remove(gone, ignore_errors=True)
        with step("rename", self.directory / name, gone):
            (self.directory / name).rename(gone)
        _sync(self.directory)
        with step("rmtree", gone, "openat, unlinkat, rmdir of all that is in it"):
            trees.remove(gone)

    def tidy(self) -> None:
        """Delete what a crash left half made or half deleted."""
        if not self.directory.is_dir():
            return
        for entry in os.scandir(self.directory):
            if entry.name.startswith((_NEW, _GONE)):
                trees.remove(entry.path, ignore_errors=True)

    def size(self, name: str) -> int | None:
        """Bytes on the disk, files with several names counted once; None when it is nested too deeply to tell."""
        try:
            return self._size(name)
        except RecursionError:
            return None

    def _size(self, name: str) -> int:
        seen: set[tuple[int, int]] = set()
        total = 0
        for _, _, files, directory in os.fwalk(self.data(name)):
            for entry in (".", *files):
                try:
                    found = os.stat(entry, dir_fd=directory, follow_symlinks=False)
                except FileNotFoundError:  # a container removed it meanwhile
                    continue
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_blocks * 512
        return total


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with step("fsync", path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
