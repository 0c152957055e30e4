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
    MS,
    OPEN_TREE,
    RESOLVE,
    O,
)
from engine.sandbox.plan import ANY, Buffer, Input, Mode, Plan, Ref

Descriptor = Ref | Input  # of a mount, a directory …

# Where a link in the image would let it choose what we mask later.
KERNEL_PATHS = ("/proc", "/sys", "/dev")


@cache
def open_how(flags: O, resolve: RESOLVE, mode: int = 0) -> Buffer:
    """struct open_how of openat2(2)."""
    text = f"{{{flags.name}, 0{mode:o}, {resolve.name}}}" if mode else f"{{{flags.name}, {resolve.name}}}"
    return Buffer(struct.pack("=QQQ", flags, mode, resolve), text)


_INSIDE = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS
_ANYTHING = open_how(O.PATH | O.CLOEXEC, _INSIDE)
# Without waiting: in a shared volume another container may put a FIFO there at this moment.
_NEW_FILE = open_how(O.WRONLY | O.CREAT | O.NONBLOCK | O.NOCTTY | O.CLOEXEC, _INSIDE, 0o644)
_DIRECTORY = open_how(O.PATH | O.DIRECTORY | O.CLOEXEC, _INSIDE)
_PLAIN_DIRECTORY = open_how(O.PATH | O.DIRECTORY | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS)


class Tree:
    """The container's tree while it is built up from `root`, a descriptor of its top directory."""

    def __init__(self, plan: Plan, root: Descriptor) -> None:
        self.plan = plan
        self.root = root
        self._open: dict[str, Descriptor] = {"/": root}

    def directory(self, path: str) -> Descriptor:
        """A descriptor of the directory, which is made where it is missing."""
        path = _inside(path)
        if (known := self._open.get(path)) is not None:
            return known
        parent, name = posixpath.split(path)
        above = self.directory(parent)
        self.plan.call("mkdirat", above, name, Mode(0o755), why=f"{path}, if the image has none", allow=[errno.EEXIST])
        how = _PLAIN_DIRECTORY if path in KERNEL_PATHS else _DIRECTORY
        start, relative = self._way(path)
        opened = self.plan.call(
            "openat2", start, relative, how, 24, why=f"find {path} without leaving the root", result=path
        )
        self._open[path] = opened
        return opened

    def file(self, path: str) -> tuple[Descriptor, Descriptor]:
        """Descriptors of the file that is there, and of the one that is made where there is none: of the two, one step
        is skipped, and with it what uses its result."""
        self.directory(posixpath.dirname(_inside(path)))
        start, relative = self._way(_inside(path))
        found = self.look_up(path)
        why = f"{path}, if the image has none"
        made = self.plan.call("openat2", start, relative, _NEW_FILE, 24, why=why, result=path, if_failed=found)
        return found, made

    def look_up(self, path: str, *, directory: bool = False, if_failed: Ref | None = None) -> Ref:
        """A descriptor of whatever is there, or of a directory; where there is nothing, what uses it is skipped."""
        start, relative = self._way(_inside(path))
        why = f"find {path} without leaving the root"
        nothing = [errno.ENOENT, errno.ENOTDIR]
        how = _DIRECTORY if directory else _ANYTHING
        return self.plan.call(
            "openat2", start, relative, how, 24, why=why, result=path, allow=nothing, if_failed=if_failed
        )

    def _way(self, path: str) -> tuple[Descriptor, str]:
        """Where to look from: the root, so that a link like /var/run → /run means what it means inside."""
        parent, name = posixpath.split(path)
        if parent in KERNEL_PATHS and parent in self._open:
            return self._open[parent], name
        return self.root, path[1:]

    def attach(self, mount: Descriptor, path: str, why: str, *, file: bool = False) -> None:
        """Attach a detached mount at the directory, or at the file."""
        for target in self.file(path) if file else (self.directory(path),):
            self.plan.call("move_mount", mount, "", target, "", ATTACH, why=why)
        self.cover(path, mount)

    def cover(self, path: str, mount: Descriptor) -> None:
        """From now on the path means the mount that covers it."""
        self.forget(path)
        self._open[_inside(path)] = mount

    def forget(self, path: str) -> None:
        """What lay at or below the path may have been covered: look it up again when needed. Outside of the kernel's
        own directories the path may have led through links, to anywhere inside."""
        path = _inside(path)
        if f"/{path.split('/')[1]}" in KERNEL_PATHS:
            self._open = {p: ref for p, ref in self._open.items() if p != path and not p.startswith(path + "/")}
        else:
            self._open = {"/": self.root}


@lru_cache(maxsize=256)
def _inside(path: str) -> str:
    """Absolute, with neither doubled slashes nor dots."""
    return posixpath.normpath("/" + path.lstrip("/"))


FSCONFIG_LIMIT = 255  # bytes of a value, fsconfig(2)
NOTHING = MOUNT_ATTR(0)
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
    outside = if_failed is None  # what came before must be known
    name = f"bind:{path}"
    return plan.call("open_tree", AT_FDCWD, path, flags, why=why, result=name, if_failed=if_failed, outside=outside)


@cache
def mount_attr(attributes: MOUNT_ATTR, clear: MOUNT_ATTR = NOTHING, propagation: MS | None = None) -> Buffer:
    """struct mount_attr of mount_setattr(2): attributes to set and to clear, and how mounts propagate."""
    words = [attributes.name] if attributes else []
    words += [f"clear {clear.name}"] if clear else []
    words += [str(propagation.name)] if propagation else []
    return Buffer(struct.pack("=QQQQ", attributes, clear, propagation or 0, 0), f"{{{', '.join(map(str, words))}}}")
