"""The new root's directories, reached by descriptor: nothing in an image can lead a mount outside of it.

Every path below the root is resolved with openat2(RESOLVE_IN_ROOT), and mounts are attached to the descriptor that came
out of it (move_mount(2)), never to a path.
"""

from __future__ import annotations

import errno
import posixpath
import struct
from functools import cache, lru_cache

from engine.sandbox.kernel import (
    AT,
    AT_FDCWD,
    FSCONFIG,
    FSMOUNT,
    FSOPEN,
    MOUNT_ATTR,
    MOVE_MOUNT,
    OPEN_TREE,
    RESOLVE,
    O,
)
from engine.sandbox.plan import ANY, Buffer, Mode, Plan, Ref

# Where a link in the image would let it choose what we mask later.
KERNEL_PATHS = ("/proc", "/sys", "/dev")


@cache
def open_how(flags: O, resolve: RESOLVE) -> Buffer:
    """struct open_how of openat2(2)."""
    return Buffer(struct.pack("=QQQ", flags, 0, resolve), f"{{{flags.name}, {resolve.name}}}")


_DIRECTORY = open_how(O.PATH | O.DIRECTORY | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS)
_PLAIN_DIRECTORY = open_how(O.PATH | O.DIRECTORY | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS)


class Tree:
    """The container's tree while it is built up from `root`, a descriptor of its top directory."""

    def __init__(self, plan: Plan, root: Ref) -> None:
        self.plan = plan
        self.root = root
        self._open: dict[str, Ref] = {"/": root}

    def directory(self, path: str) -> Ref:
        """A descriptor of the directory, which is made where it is missing."""
        path = _inside(path)
        if (known := self._open.get(path)) is not None:
            return known
        parent, name = posixpath.split(path)
        above = self.directory(parent)
        self.plan.call("mkdirat", above, name, Mode(0o755), why=f"{path}, if the image has none", allow=[errno.EEXIST])
        how = _PLAIN_DIRECTORY if path in KERNEL_PATHS else _DIRECTORY
        # From the root, so that a link like /var/run -> /run means what it means inside.
        start, relative = (self.root, path[1:]) if parent not in KERNEL_PATHS else (above, name)
        opened = self.plan.call(
            "openat2", start, relative, how, 24, why=f"find {path} without leaving the root", result=path
        )
        self._open[path] = opened
        return opened

    def attach(self, mount: Ref, path: str, why: str) -> None:
        """Attach a detached mount at the directory."""
        self.plan.call("move_mount", mount, "", self.directory(path), "", ATTACH, why=why)
        self.cover(path, mount)

    def cover(self, path: str, mount: Ref) -> None:
        """From now on the path means the mount that covers it."""
        self.forget(path)
        self._open[_inside(path)] = mount

    def forget(self, path: str) -> None:
        """What lay at or below the path may have been covered: look it up again when needed."""
        path = _inside(path)
        self._open = {p: ref for p, ref in self._open.items() if p != path and not p.startswith(path + "/")}


@lru_cache(maxsize=256)
def _inside(path: str) -> str:
    """Absolute, with neither doubled slashes nor dots."""
    return posixpath.normpath("/" + path.lstrip("/"))


# Flags are put together once: Python takes microseconds for it, and a plan has hundreds.
ATTACH = MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH
COPY = OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC
COPY_ALL = COPY | OPEN_TREE.RECURSIVE
ALL_BELOW = AT.EMPTY_PATH | AT.RECURSIVE


def new_filesystem(
    plan: Plan,
    kind: str,
    source: str,
    options: list[tuple[str, str | None]],
    attributes: MOUNT_ATTR,
    why: str,
    *,
    optional: bool = False,
) -> Ref:
    """Create a file system (fsopen(2), fsconfig(2), fsmount(2)); the result is a mount that is attached nowhere yet."""
    allow = ANY if optional else ()
    context = plan.call("fsopen", kind, FSOPEN.CLOEXEC, why=why, result=f"fs:{kind}", allow=allow)
    settings = [("source", source), *options] if source else options
    for key, value in settings:
        command = FSCONFIG.SET_FLAG if value is None else FSCONFIG.SET_STRING
        text = f"{kind}: {key}" if value is None else f"{kind}: {key}={value}"
        plan.call("fsconfig", context, command, key, value, 0, why=text, allow=allow)
    plan.call("fsconfig", context, FSCONFIG.CMD_CREATE, None, None, 0, why=f"{kind}: make its superblock", allow=allow)
    return plan.call(
        "fsmount",
        context,
        FSMOUNT.CLOEXEC,
        attributes,
        why=f"{kind}: a mount of it, not attached yet",
        result=f"mnt:{kind}",
        allow=allow,
    )


def clone_tree(plan: Plan, path: str, why: str, *, recursive: bool = False, if_failed: Ref | None = None) -> Ref:
    """A detached copy of the mount at a path of the host: what a bind mount is made of."""
    flags = COPY_ALL if recursive else COPY
    return plan.call("open_tree", AT_FDCWD, path, flags, why=why, result=f"bind:{path}", if_failed=if_failed)


@cache
def mount_attr(attributes: MOUNT_ATTR) -> Buffer:
    """struct mount_attr of mount_setattr(2), with attributes to set."""
    return Buffer(struct.pack("=QQQQ", attributes, 0, 0, 0), f"{{{attributes.name}}}")
