"""Reads a stack of layer directories as the overlay of them would show it, without mounting anything.

Layers come from strangers: no link in one can lead outside. Every name is opened on its own, relative to a directory
already open and with O_NOFOLLOW; links are followed by hand within the merged view. Standard library only.
Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack

LIMIT = 1 << 20  # bytes; what a file such as /etc/passwd may have
LINKS = 40  # as path_resolution(7)
OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


def read_file(layers: Sequence[str], path: str) -> bytes | None:
    """The content of the regular file `path`, topmost layer first; None where there is none.

    Raises OSError: ELOOP, EFBIG (more than 1 MiB), and what open(2) says.
    """
    with ExitStack() as opened:
        found = _resolve(layers, path, opened)
        if found is None or not stat.S_ISREG(os.fstat(found).st_mode):
            return None
        with open(f"/proc/self/fd/{found}", "rb") as file:
            content = file.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return content


def open_directory(layers: Sequence[str], path: str, opened: ExitStack) -> list[int]:
    """O_PATH descriptors of the directories that make up `path`, topmost first; empty where it is no directory.

    `opened` closes them. Raises OSError: ELOOP, and what open(2) says.
    """
    found = _find(layers, path, opened)
    return found if found and stat.S_ISDIR(os.fstat(found[0]).st_mode) else []


def open_all(layers: Sequence[str], opened: ExitStack) -> list[int]:
    """O_PATH descriptors of whole layers, topmost first, for `look_up`; `opened` closes them. Raises OSError."""
    return [_open(layer, opened) for layer in layers]


def entries(directories: Sequence[int]) -> list[str]:
    """The names in a merged directory, whiteouts among them: `look_up` knows those."""
    names: dict[str, None] = {}
    for directory in directories:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            names |= dict.fromkeys(os.listdir(readable))
        finally:
            os.close(readable)
    return list(names)


def _resolve(layers: Sequence[str], path: str, opened: ExitStack) -> int | None:
    """The O_PATH descriptor of what `path` is in the merged view."""
    found = _find(layers, path, opened)
    return found[0] if found else None


def _find(layers: Sequence[str], path: str, opened: ExitStack) -> list[int]:
    """What `path` is in the merged view: descriptors of merged directories, or of one other file; or nothing."""
    top = open_all(layers, opened)
    parents = [top]  # the directories on the way; each is a stack of descriptors, topmost first
    ahead = path.split("/")[::-1]
    links = 0
    while ahead:
        name = ahead.pop()
        if name in ("", "."):
            continue
        if name == "..":
            parents = parents[:-1] or [top]
            continue
        entry = look_up(parents[-1], name, opened)
        if not entry:
            return []
        kind = os.fstat(entry[0]).st_mode
        if stat.S_ISLNK(kind):
            links += 1
            if links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink("", dir_fd=entry[0])
            parents = [top] if target.startswith("/") else parents
            ahead += target.split("/")[::-1]
        elif stat.S_ISDIR(kind):
            parents = [*parents, entry]
        else:
            return [] if any(ahead) else entry
    return parents[-1]


def look_up(directories: Sequence[int], name: str, opened: ExitStack) -> list[int]:
    """What `name` is in a merged directory: descriptors of merged directories, or of one other file; or nothing."""
    found: list[int] = []
    for directory in directories:
        try:
            entry = _open(name, opened, directory)
        except FileNotFoundError:
            continue
        status = os.fstat(entry)
        if stat.S_ISDIR(status.st_mode):
            found.append(entry)
            if _is_opaque(entry):
                break
        else:
            whiteout = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
            return found or ([] if whiteout else [entry])
    return found


def _open(path: str, opened: ExitStack, directory: int | None = None) -> int:
    flags = os.O_PATH | os.O_CLOEXEC | (0 if directory is None else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=directory)
    opened.callback(os.close, descriptor)
    return descriptor


def _is_opaque(descriptor: int) -> bool:
    for name in OPAQUE:
        try:
            if os.getxattr(f"/proc/self/fd/{descriptor}", name) == b"y":
                return True
        except OSError:  # not set, or not ours to read
            continue
    return False
