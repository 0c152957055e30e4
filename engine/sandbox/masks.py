"""`maskedPaths` and `readonlyPaths` of the spec (config-linux.md)."""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from engine.sandbox.kernel import AT, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE
from engine.sandbox.mounts import READ_ONLY
from engine.sandbox.plan import Plan, Ref
from engine.sandbox.tree import (
    ALL_BELOW,
    ATTACH,
    COPY,
    COPY_ALL,
    KERNEL_PATHS,
    Descriptor,
    Tree,
    clone_tree,
    mount_attr,
    new_filesystem,
)

COPY_HERE = COPY | OPEN_TREE.EMPTY_PATH
COPY_ALL_HERE = COPY_ALL | OPEN_TREE.EMPTY_PATH
NEVER_CHANGED = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC
ABSENT = 0  # the mode of what is not there
UNKNOWN = -1


def mask_paths(plan: Plan, tree: Tree, masked: list[str], readonly: list[str]) -> None:
    """Hide what says too much, and write-protect what would reach beyond the container.

    Kernel file systems look alike on the host: what is not there is left out. Elsewhere the launch itself finds out.
    """
    plan.part = "paths"
    masks = _Masks(plan, tree)
    for path in readonly:
        if _mode(path) != ABSENT:
            masks.protect(path)
    for path in masked:
        masks.hide(path, _mode(path))


def _mode(path: str) -> int:
    """Of the host's file, where that is one of the kernel's."""
    if not posixpath.normpath(path).startswith(tuple(f"{place}/" for place in KERNEL_PATHS)):
        return UNKNOWN
    try:
        return os.stat(path).st_mode
    except OSError:
        return ABSENT


class _Masks:
    """One empty tmpfs serves all directories that are known to be there: of one that is attached nowhere there are no
    copies before Linux 6.15."""

    def __init__(self, plan: Plan, tree: Tree) -> None:
        self.plan = plan
        self.tree = tree
        self._empty: Ref | None = None

    def protect(self, path: str) -> None:
        why = f"{path}: read-only"
        there = self.tree.look_up(path)
        copy = self.plan.call("open_tree", there, "", COPY_ALL_HERE, why=why, result=f"bind:{path}")
        self.plan.call("mount_setattr", copy, "", ALL_BELOW, mount_attr(READ_ONLY), 32, why=why)
        self.plan.call("move_mount", copy, "", there, "", ATTACH, why=why)

    def hide(self, path: str, mode: int) -> None:
        if mode == ABSENT:
            return
        if mode == UNKNOWN:
            directory = self.tree.look_up(path, directory=True)
            self._move(self._empty_directory(path), directory, "", f"{path}: an empty directory instead")
            self._cover_file(path, self.tree.look_up(path, if_failed=directory), "")
        else:
            parent, name = posixpath.split(path)
            cover = self._cover_directory if stat.S_ISDIR(mode) else self._cover_file
            cover(path, self.tree.look_up(parent) if parent not in KERNEL_PATHS else self.tree.directory(parent), name)

    def _cover_directory(self, path: str, above: Descriptor, name: str) -> None:
        why = f"{path}: an empty directory instead"
        if self._empty is None:
            cover = self._empty = self._empty_directory(path)
        else:
            cover = self.plan.call("open_tree", self._empty, "", COPY_HERE, why=why, result="empty")
        self._move(cover, above, name, why)

    def _empty_directory(self, path: str) -> Ref:
        return new_filesystem(self.plan, "tmpfs", "tmpfs", [("size", "0")], READ_ONLY, f"{path}: an empty directory")

    def _cover_file(self, path: str, above: Descriptor, name: str) -> None:
        why = f"{path}: /dev/null instead"
        null = clone_tree(self.plan, "/dev/null", why)
        # It is the host's: nobody inside shall change its mode or owner, which would be so for all.
        self.plan.call("mount_setattr", null, "", AT.EMPTY_PATH, mount_attr(NEVER_CHANGED), 32, why=f"{why}, as it is")
        self._move(null, above, name, why)

    def _move(self, cover: Ref, above: Descriptor, name: str, why: str) -> None:
        flags = MOVE_MOUNT.F_EMPTY_PATH if name else ATTACH
        allow = [errno.ENOENT, errno.ENOTDIR]
        self.plan.call("move_mount", cover, "", above, name, flags, why=why, allow=allow)
