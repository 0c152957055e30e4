"""Fills an empty volume with what the image has at its destination, as Docker does. Blocks: call it in a thread.

The image's layers come from strangers and are read by descriptor (see `engine.images.layers`). So is the volume
written: empty as it is, another container may have it, and put links in our way. Ownership, modes, times, extended
attributes, links and device nodes are kept.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field

from engine import trees
from engine.images.image import Image
from engine.images.layers import entries, look_up, open_directory

# What the overlay keeps for itself, and what is not to be had here: overlayfs.rst, xattr(7).
_NOT_COPIED = ("trusted.overlay.", "user.overlay.")
_CHUNK = 1 << 30


def copy_up(image: Image, destination: str, into: str) -> bool:
    """Copy what `image` has at `destination` into the directory `into`; False where it has no directory there.

    Raises OSError; then `into` is as empty as before.
    """
    layers, path = _source(image, destination)
    with ExitStack() as opened:
        found = open_directory(layers, path, opened)
        if not found:
            return False
        top = os.open(into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, top)
        try:
            _Copy(top, {masked.rstrip("/") for masked in image.masked}).directory(
                found, top, destination.rstrip("/"), ""
            )
        except BaseException as error:
            _empty(into)
            if isinstance(error, RecursionError):
                raise OSError(errno.ENAMETOOLONG, "directories are nested too deeply", destination) from None
            raise
    return True


def _source(image: Image, destination: str) -> tuple[tuple[str, ...], str]:
    """The layers that have the destination, and its path in them: a graft covers what lies below."""
    for graft in reversed(image.grafts):  # parents come first
        if destination == graft.destination or destination.startswith(graft.destination + "/"):
            return (graft.source,), destination.removeprefix(graft.destination) or "/"
    return image.layers, destination


def _empty(directory: str) -> None:
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            trees.remove(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)


@dataclass
class _Copy:
    """One copy. `top`: the volume; `masked`: paths inside that a container may not see, so they stay behind."""

    top: int
    masked: Collection[str]
    linked: dict[tuple[int, int], str] = field(default_factory=dict)  # files with several names → their first here

    def directory(self, found: list[int], into: int, path: str, relative: str) -> None:
        """A merged directory's entries, then what it is like itself."""
        for name in entries(found):
            with ExitStack() as opened:
                entry = look_up(found, name, opened)
                if entry and f"{path}/{name}" not in self.masked:
                    self._entry(entry, into, name, f"{path}/{name}", f"{relative}{name}")
        status = os.fstat(found[0])
        os.fchown(into, status.st_uid, status.st_gid)
        os.fchmod(into, stat.S_IMODE(status.st_mode))
        _copy_attributes(found[0], f"/proc/self/fd/{into}")
        os.utime(into, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _entry(self, entry: list[int], into: int, name: str, path: str, relative: str) -> None:
        status = os.fstat(entry[0])
        kind = stat.S_IFMT(status.st_mode)
        key = status.st_dev, status.st_ino
        if kind == stat.S_IFDIR:
            os.mkdir(name, 0o700, dir_fd=into)
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=into)
            try:
                self.directory(entry, child, path, f"{relative}/")
            finally:
                os.close(child)
        elif (first := self.linked.get(key)) is not None:
            self._link(first, into, name)
        elif kind != stat.S_IFSOCK:  # a socket is nothing without its owner
            if status.st_nlink > 1:
                self.linked[key] = relative
            _copy_file(entry[0], status, into, name)

    def _link(self, first: str, into: int, name: str) -> None:
        """Another name for a file that we made: `first`, from the top on, but through no link."""
        with ExitStack() as opened:
            here = self.top
            for part in first.split("/"):
                here = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
                opened.callback(os.close, here)
            os.link(f"/proc/self/fd/{here}", name, dst_dir_fd=into)


def _copy_file(source: int, status: os.stat_result, into: int, name: str) -> None:
    """Anything but a directory."""
    match stat.S_IFMT(status.st_mode):
        case stat.S_IFLNK:
            os.symlink(os.readlink("", dir_fd=source), name, dir_fd=into)
            os.chown(name, status.st_uid, status.st_gid, dir_fd=into, follow_symlinks=False)
        case stat.S_IFREG:
            _copy_content(source, status, into, name)
        case _:
            os.mknod(name, status.st_mode, status.st_rdev, dir_fd=into)
            os.chown(name, status.st_uid, status.st_gid, dir_fd=into, follow_symlinks=False)
            made = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=into)
            try:
                os.chmod(f"/proc/self/fd/{made}", stat.S_IMODE(status.st_mode))
            finally:
                os.close(made)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=into, follow_symlinks=False)


def _copy_content(source: int, status: os.stat_result, into: int, name: str) -> None:
    with ExitStack() as opened:
        reading = os.open(f"/proc/self/fd/{source}", os.O_RDONLY | os.O_CLOEXEC)
        opened.callback(os.close, reading)
        writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=into)
        opened.callback(os.close, writing)
        while os.sendfile(writing, reading, None, _CHUNK):
            pass
        os.fchown(writing, status.st_uid, status.st_gid)
        os.fchmod(writing, stat.S_IMODE(status.st_mode))  # after the owner, whose change takes set-user-ID away
        _copy_attributes(source, f"/proc/self/fd/{writing}")


def _copy_attributes(source: int, target: str) -> None:
    """xattr(7), with file capabilities and access control lists among them; as far as the file system has them."""
    place = f"/proc/self/fd/{source}"
    try:
        names = os.listxattr(place)
    except OSError:  # a file system without any
        return
    for name in names:
        if not name.startswith(_NOT_COPIED):
            try:
                os.setxattr(target, name, os.getxattr(place, name))
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENODATA):
                    raise
