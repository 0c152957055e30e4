"""`mounts`, `maskedPaths` and `readonlyPaths` of the spec (config.md, config-linux.md)."""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from engine.sandbox.kernel import AT, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE
from engine.sandbox.plan import Plan, Ref
from engine.sandbox.tree import ALL_BELOW, ATTACH, COPY, COPY_ALL, Tree, clone_tree, mount_attr, new_filesystem
from engine.spec.structs import Mount

ATTRIBUTES = {
    "ro": MOUNT_ATTR.RDONLY,
    "nosuid": MOUNT_ATTR.NOSUID,
    "nodev": MOUNT_ATTR.NODEV,
    "noexec": MOUNT_ATTR.NOEXEC,
    "noatime": MOUNT_ATTR.NOATIME,
    "strictatime": MOUNT_ATTR.STRICTATIME,
    "nodiratime": MOUNT_ATTR.NODIRATIME,
    "nosymfollow": MOUNT_ATTR.NOSYMFOLLOW,
}
DEFAULTS = frozenset({"rw", "suid", "dev", "exec", "relatime", "bind", "rbind", "private", "rprivate"})
WHAT_FOR = {
    "/proc": "processes of this PID namespace",
    "/dev": "an empty /dev of its own",
    "/dev/pts": "its own terminals",
    "/dev/shm": "POSIX shared memory",
    "/dev/mqueue": "POSIX message queues of this IPC namespace",
    "/sys": "the kernel's objects, as this network namespace sees them",
    "/sys/fs/cgroup": "its own cgroup as the root of all",
}
COPY_HERE = COPY | OPEN_TREE.EMPTY_PATH
READ_ONLY = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC


def mount_all(plan: Plan, tree: Tree, mounts: list[Mount], gid_5: bool) -> None:
    """Attach the spec's mounts in their order. `gid_5`: whether the tty group exists in this user namespace."""
    plan.part = "mounts"
    for mount in mounts:
        attributes, data = split_options(mount.options)
        why = f"{mount.destination}: {WHAT_FOR.get(mount.destination, mount.type)}"
        if mount.type == "bind" or "bind" in mount.options or "rbind" in mount.options:
            _bind(plan, tree, mount, attributes, why)
        elif mount.type == "sysfs":
            _sysfs(plan, tree, mount.destination, attributes, why)
        elif mount.type in ("cgroup", "cgroup2"):
            made = new_filesystem(plan, "cgroup2", "cgroup", [], attributes, why, optional=True)
            tree.attach(made, mount.destination, why)
        else:
            if mount.type == "devpts" and not gid_5:
                data = [(key, value) for key, value in data if key != "gid"]
            made = new_filesystem(plan, mount.type, mount.source or mount.type, data, attributes, why)
            tree.attach(made, mount.destination, why)


def split_options(options: list[str]) -> tuple[MOUNT_ATTR, list[tuple[str, str | None]]]:
    """Options of mount(8) as attributes of the mount, and what the file system itself is told."""
    attributes = MOUNT_ATTR(0)
    data: list[tuple[str, str | None]] = []
    for option in options:
        if option in ATTRIBUTES:
            attributes |= ATTRIBUTES[option]
        elif option not in DEFAULTS:
            key, has_value, value = option.partition("=")
            data.append((key, value if has_value else None))
    return attributes, data


def _bind(plan: Plan, tree: Tree, mount: Mount, attributes: MOUNT_ATTR, why: str) -> None:
    recursive = "rbind" in mount.options
    tree_copy = clone_tree(plan, mount.source, why, recursive=recursive)
    flags = ALL_BELOW if recursive else AT.EMPTY_PATH
    if attributes:
        plan.call(
            "mount_setattr", tree_copy, "", flags, mount_attr(attributes), 32, why=f"{mount.destination}: options"
        )
    tree.attach(tree_copy, mount.destination, why)


def _sysfs(plan: Plan, tree: Tree, destination: str, attributes: MOUNT_ATTR, why: str) -> None:
    """A sysfs of its own; where the kernel refuses (a user namespace that does not see all of it), the host's."""
    made = new_filesystem(plan, "sysfs", "sysfs", [], attributes, why, optional=True)
    target = tree.directory(destination)
    plan.call("move_mount", made, "", target, "", ATTACH, why=why)
    host = clone_tree(plan, "/sys", f"{destination}: the host's instead", recursive=True, if_failed=made)
    plan.call("mount_setattr", host, "", ALL_BELOW, mount_attr(READ_ONLY), 32, why="read-only")
    plan.call("move_mount", host, "", target, "", ATTACH, why=why)
    # One of the two is attached; which one, only the kernel knows, so look the path up again.
    tree.forget(destination)


def mask_paths(plan: Plan, tree: Tree, masked: list[str], readonly: list[str]) -> None:
    """Hide what says too much, and write-protect what would reach beyond the container.

    The paths lie in kernel file systems, which look alike on the host: one that is not there is left out.
    """
    plan.part = "paths"
    empty: Ref | None = None
    for path in readonly:
        if os.path.exists(path):
            _protect(plan, tree, path)
    for path in masked:
        mode = _mode(path)
        if stat.S_ISDIR(mode):
            empty = _cover_directory(plan, tree, path, empty)
        elif mode:
            _cover_file(plan, tree, path)


def _mode(path: str) -> int:
    """Of the host's file; 0 where there is none."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _protect(plan: Plan, tree: Tree, path: str) -> None:
    parent, name = posixpath.split(path)
    above = tree.directory(parent)
    why = f"{path}: read-only"
    copy = plan.call("open_tree", above, name, COPY_ALL, why=why, result=f"bind:{path}", allow=[errno.ENOENT])
    plan.call("mount_setattr", copy, "", ALL_BELOW, mount_attr(READ_ONLY), 32, why=why)
    plan.call("move_mount", copy, "", above, name, MOVE_MOUNT.F_EMPTY_PATH, why=why)


def _cover_directory(plan: Plan, tree: Tree, path: str, empty: Ref | None) -> Ref:
    """One empty tmpfs serves all masked directories."""
    parent, name = posixpath.split(path)
    why = f"{path}: an empty directory instead"
    if empty is None:
        cover = empty = new_filesystem(plan, "tmpfs", "tmpfs", [("size", "0")], READ_ONLY, why)
    else:
        cover = plan.call("open_tree", empty, "", COPY_HERE, why=why, result="empty")
    above = tree.directory(parent)
    plan.call("move_mount", cover, "", above, name, MOVE_MOUNT.F_EMPTY_PATH, why=why, allow=[errno.ENOENT])
    return empty


def _cover_file(plan: Plan, tree: Tree, path: str) -> None:
    parent, name = posixpath.split(path)
    why = f"{path}: /dev/null instead"
    null = clone_tree(plan, "/dev/null", why)
    above = tree.directory(parent)
    plan.call("move_mount", null, "", above, name, MOVE_MOUNT.F_EMPTY_PATH, why=why, allow=[errno.ENOENT])
