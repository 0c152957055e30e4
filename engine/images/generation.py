"""Makes directories that appear whole or not at all, named by a digest. Imports the standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path


def generation(directory: Path, digest: str, build: Callable[[Path], None]) -> Path:
    """The directory `directory/digest`; when it is missing, `build` fills an empty one that then takes its place.

    One builder per `directory` at a time; what an interrupted one left is removed. Raises OSError, leaving nothing.
    """
    place = directory / digest
    if place.is_dir():
        return place
    building = directory / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        build(building)
        building.rename(place)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return place


def digest(recipe: str, paths: Iterable[str]) -> str:
    """16 hexadecimal digits that change with `recipe` and with the stat of `paths` and of all that lies below them."""
    seen = hashlib.sha256(recipe.encode())
    for path in paths:
        for line in _described(path):
            seen.update(line)
    return seen.hexdigest()[:16]


def stamp(paths: Iterable[str]) -> tuple[object, ...]:
    """The cheap sibling of `digest`: equal as long as none of `paths` themselves was changed."""
    return tuple(_status(path) for path in paths)


def _described(path: str) -> Iterable[bytes]:
    status = _status(path)
    yield os.fsencode(f"{path}\0{status}\0")
    if os.path.isdir(path) and not os.path.islink(path):
        try:
            names = sorted(os.listdir(path))
        except PermissionError:
            return
        for name in names:
            yield from _described(os.path.join(path, name))


def _status(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mode, status.st_size, status.st_mtime_ns
