"""What a container has changed of its image: a walk through its own layer, compared with the layers below.

Whoever wrote the layer may write it still, and is a stranger: every name is opened relative to a directory that is
open, and no link is followed. Blocks: call it in a thread. Imports the images' layers and the protocol.

Sources: Documentation/filesystems/overlayfs.rst (whiteouts, opaque directories, redirects); `docker diff` and its
archive.OverlayChanges for what is called added, changed and deleted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from engine.images import layers
from engine.protocol.processes import Change

DEEPEST = 128  # directories within each other; each is some open descriptors
_WHITEOUT = ("trusted.overlay.whiteout", "user.overlay.whiteout")
_REDIRECT = ("trusted.overlay.redirect", "user.overlay.redirect")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "char",
}


class Layer(NamedTuple):
    """What was written over `lower` (directories, topmost first), which lies at `place` inside: "" for the root."""

    upper: str
    lower: Sequence[str]
    place: str = ""


class Changed(NamedTuple):
    """What was found. `truncated`: there is more, beyond the limit or too deep."""

    changes: list[Change]
    truncated: bool


def changes(own: Sequence[Layer], *, limit: int, made: Collection[str] = ()) -> Changed:
    """The changes in the layers, by path. `made`: paths of mount points that were made for mounts, which are no changes
    while nothing is in them. Raises OSError when a layer can't be read at all."""
    found: list[Change] = []
    deep = False
    for layer in own:
        walk = _Walk(made)
        for change in walk.layer(layer):
            if len(found) >= limit:
                return Changed(_in_order(found), truncated=True)
            found.append(change)
        deep |= walk.deep
    return Changed(_in_order(found), truncated=deep)


def _in_order(found: list[Change]) -> list[Change]:
    return sorted(found, key=lambda change: change.path.split("/"))


class _Walk:
    """One walk through one layer."""

    def __init__(self, made: Collection[str]) -> None:
        self._made = made
        self._root: list[int] = []  # the lower directories
        self.deep = False

    def layer(self, layer: Layer) -> Iterator[Change]:
        with ExitStack() as opened:
            try:
                upper = os.open(layer.upper, _DIRECTORY)
            except FileNotFoundError:  # it never ran
                return
            opened.callback(os.close, upper)
            self._root = layers.open_all(layer.lower, opened)
            yield from self._directory(upper, self._root, layer.place, 0)

    def _directory(self, upper: int, lower: Sequence[int], path: str, depth: int) -> Iterator[Change]:
        """What is in one directory of the layer; `lower`: what it covers, topmost first."""
        names = sorted(os.listdir(upper))
        for name in names:
            try:
                yield from self._entry(upper, lower, name, f"{path}/{name}", depth)
            except (FileNotFoundError, NotADirectoryError):  # it goes while we look
                continue
        if lower and _is(upper, layers.OPAQUE):  # nothing below shows through
            for name in sorted(set(layers.entries(lower)) - set(names)):
                with ExitStack() as opened:
                    if below := layers.look_up(lower, name, opened):
                        yield _deleted(f"{path}/{name}", os.fstat(below[0]))

    def _entry(self, upper: int, lower: Sequence[int], name: str, path: str, depth: int) -> Iterator[Change]:
        status = os.stat(name, dir_fd=upper, follow_symlinks=False)
        with ExitStack() as opened:
            below = layers.look_up(lower, name, opened)
            before = os.fstat(below[0]) if below else None
            if _is_whiteout(upper, name, status):
                if before is not None:
                    yield _deleted(path, before)
                return
            if not stat.S_ISDIR(status.st_mode):
                if before is None and path in self._made and not status.st_size:
                    return
                yield _change(path, status, before, _target(upper, name, status))
                return
            directory = os.open(name, _DIRECTORY, dir_fd=upper)
            opened.callback(os.close, directory)
            covered = below if before is not None and stat.S_ISDIR(before.st_mode) else []
            if moved := self._moved_from(directory, opened):
                covered, before = moved, None
            inside = self._inside(directory, covered, path, depth)
            first = next(inside, None)
            a_mount_point = before is None and first is None and path in self._made
            if first is not None or not (a_mount_point or _same_directory(before, status)):
                yield _change(path, status, before)
            if first is not None:
                yield first
                yield from inside

    def _inside(self, directory: int, lower: Sequence[int], path: str, depth: int) -> Iterator[Change]:
        if depth >= DEEPEST:
            self.deep = True
            return
        yield from self._directory(directory, lower, path, depth + 1)

    def _moved_from(self, directory: int, opened: ExitStack) -> list[int]:
        """What it covers, if it was renamed: overlays may say where it was ("redirect_dir")."""
        where = _attribute(directory, _REDIRECT)
        if not where.startswith(b"/"):
            return []
        found = self._root
        for name in os.fsdecode(where).strip("/").split("/"):
            found = layers.look_up(found, name, opened) if found else []
        return found


def _change(path: str, now: os.stat_result, before: os.stat_result | None, target: str = "") -> Change:
    return Change(
        kind="A" if before is None else "C",
        path=_told(path),
        type=_TYPES.get(stat.S_IFMT(now.st_mode), "file"),
        size=0 if stat.S_ISDIR(now.st_mode) else now.st_size,
        mode=now.st_mode,
        before=None if before is None else 0 if stat.S_ISDIR(before.st_mode) else before.st_size,
        uid=now.st_uid,
        gid=now.st_gid,
        modified=now.st_mtime,
        target=_told(target),
    )


def _deleted(path: str, before: os.stat_result) -> Change:
    size = 0 if stat.S_ISDIR(before.st_mode) else before.st_size
    return Change(
        kind="D",
        path=_told(path),
        type=_TYPES.get(stat.S_IFMT(before.st_mode), "file"),
        size=size,
        mode=before.st_mode,
        before=size,
        uid=before.st_uid,
        gid=before.st_gid,
    )


def _told(name: str) -> str:
    """A name as text: bytes that are no UTF-8 are replaced."""
    return os.fsencode(name).decode(errors="replace")


def _target(directory: int, name: str, status: os.stat_result) -> str:
    return os.readlink(name, dir_fd=directory) if stat.S_ISLNK(status.st_mode) else ""


def _same_directory(before: os.stat_result | None, now: os.stat_result) -> bool:
    """An overlay copies a directory up to have a place for what is in it: that alone is no change."""
    return (
        before is not None
        and stat.S_ISDIR(before.st_mode)
        and (before.st_mode, before.st_uid, before.st_gid, before.st_mtime_ns)
        == (now.st_mode, now.st_uid, now.st_gid, now.st_mtime_ns)
    )


def _is_whiteout(directory: int, name: str, status: os.stat_result) -> bool:
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    if not stat.S_ISREG(status.st_mode) or status.st_size:
        return False
    file = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        return _has(file, _WHITEOUT)
    finally:
        os.close(file)


def _is(descriptor: int, names: Sequence[str]) -> bool:
    return _attribute(descriptor, names) == b"y"


def _has(descriptor: int, names: Sequence[str]) -> bool:
    for name in names:
        try:
            os.getxattr(f"/proc/self/fd/{descriptor}", name)
        except OSError:  # not set, or not ours to read
            continue
        return True
    return False


def _attribute(descriptor: int, names: Sequence[str]) -> bytes:
    """The first of the extended attributes that is there; empty for none."""
    for name in names:
        try:
            return os.getxattr(f"/proc/self/fd/{descriptor}", name)
        except OSError:  # not set, or not ours to read
            continue
    return b""
