"""Sources of bind mounts on the host: that they are there, and that mounts can spread as asked. Blocks.

Imports the standard library, the protocol and `engine.spec.mounts`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, MountOption


def ready(mounts: Iterable[MountOption]) -> list[str]:
    """Make the sources that are to be made, and check all. Returns the directories that were made, parents first.

    Raises EngineError INVALID, naming the source; then none is left.
    """
    made: list[str] = []
    try:
        for mount in mounts:
            if mount.type == "bind":
                if "create" in mount.options and not os.path.lexists(mount.source):
                    _make(mount.source, made)
                _check(mount)
    except BaseException:
        take_back(made)
        raise
    return made


def take_back(made: Iterable[str]) -> None:
    """Remove directories that were made, as far as nobody has put anything there."""
    for directory in reversed(list(made)):
        with suppress(OSError):
            os.rmdir(directory)


def _make(path: str, made: list[str]) -> None:
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for directory in reversed(missing):
        try:
            os.mkdir(directory, 0o755)
        except OSError as error:
            raise EngineError(
                ErrorCode.INVALID, f"The source {missing[0]!r} is missing and can't be made: {error.strerror}."
            ) from error
        made.append(directory)


def _check(mount: MountOption) -> None:
    try:
        os.stat(mount.source)
    except OSError as error:
        raise EngineError(
            ErrorCode.INVALID,
            f"The source of the mount at {mount.destination!r} can't be used: {mount.source!r}: {error.strerror}.",
        ) from error
    words = {word.removeprefix("r") for word in mount.options}
    if not words & {"shared", "slave"}:
        return
    place, spreads = _mount_of(mount.source)
    if "shared" in words and "shared" not in spreads:
        raise EngineError(
            ErrorCode.INVALID,
            f"The mount at {mount.destination!r} can't be shared: {mount.source!r} is on the mount {place!r}, which "
            f"is private. Make that one shared first: mount --make-shared {place}",
        )
    if "slave" in words and not spreads:
        raise EngineError(
            ErrorCode.INVALID,
            f"The mount at {mount.destination!r} can't be a slave: {mount.source!r} is on the mount {place!r}, which "
            f"is neither shared nor a slave. Make that one shared first: mount --make-shared {place}",
        )


def _mount_of(path: str) -> tuple[str, set[str]]:
    """Where the mount that the path is on lies, and how it spreads: shared, master (proc_pid_mountinfo(5))."""
    path = os.path.realpath(path)
    best: tuple[str, set[str]] = "/", set()
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.partition(" - ")[0].split()
            place = fields[4].encode().decode("unicode_escape") if "\\" in fields[4] else fields[4]
            inside = path == place or path.startswith(place.rstrip("/") + "/")
            if inside and len(place) >= len(best[0]):  # of several at one place the last is on top
                best = place, {field.partition(":")[0] for field in fields[6:]} & {"shared", "master"}
    return best
