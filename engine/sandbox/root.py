"""The root file system: read-only layers below, a writable one above, and pivot_root into it."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from engine.sandbox.kernel import AT, AT_FDCWD, MNT, MOUNT_ATTR, MS, O
from engine.sandbox.plan import Plan, Ref
from engine.sandbox.tree import ATTACH, Tree, mount_attr, new_filesystem

FSCONFIG_LIMIT = 255  # bytes of a value, fsconfig(2)


@dataclass(frozen=True)
class Layered:
    """One overlay: `layers` topmost first; `upper` and `work` are directories on one file system."""

    layers: tuple[str, ...]
    upper: str
    work: str


@dataclass(frozen=True)
class RootFilesystem:
    """What a container's root is made of.

    `mount_point` is an empty directory of the host; it shows the tree in the container's own mount namespace only.
    `grafts` are further overlays by the path inside at which they lie.
    """

    mount_point: str
    root: Layered
    grafts: tuple[tuple[str, Layered], ...] = ()


def mount_root(plan: Plan, filesystem: RootFilesystem, in_user_namespace: bool) -> Tree:
    """Mount the overlays; nothing of it is visible outside of the new mount namespace."""
    plan.part = "root"
    plan.call("mount", None, "/", None, MS.REC | MS.PRIVATE, None, why="keep our mounts to ourselves")
    root = _overlay(plan, filesystem.root, "the container's root", in_user_namespace)
    point = plan.call(
        "openat", AT_FDCWD, filesystem.mount_point, O.PATH | O.DIRECTORY | O.CLOEXEC, why="where it goes", result="here"
    )
    plan.call("move_mount", root, "", point, "", ATTACH, why="attach the root")
    tree = Tree(plan, root)
    for path, layered in filesystem.grafts:
        tree.attach(_overlay(plan, layered, f"{path} of the host, copied on write", in_user_namespace), path, path)
    return tree


def _overlay(plan: Plan, layered: Layered, why: str, in_user_namespace: bool) -> Ref:
    lower = ":".join(layered.layers)
    options: list[tuple[str, str | None]]
    if len(lower) <= FSCONFIG_LIMIT:
        options = [("lowerdir", lower)]
    else:
        options = [("lowerdir+", layer) for layer in layered.layers]  # Linux 6.5
    options += [("upperdir", layered.upper), ("workdir", layered.work)]
    # Unmounting does not wait for the disk: what a crash of the machine may cost is a container's scratch files.
    options.append(("volatile", None))
    if in_user_namespace:
        options.append(("userxattr", None))
    return new_filesystem(plan, "overlay", "overlay", options, MOUNT_ATTR(0), why)


def pivot(plan: Plan, tree: Tree, readonly: bool) -> None:
    """Make the tree the root of the mount namespace and let go of the host's (pivot_root(2), "." twice)."""
    plan.part = "pivot"
    if readonly:
        plan.call("mount_setattr", tree.root, "", AT.EMPTY_PATH, mount_attr(MOUNT_ATTR.RDONLY), 32, why="--read-only")
    plan.call("fchdir", tree.root, why="stand in the new root")
    plan.call("pivot_root", ".", ".", why="swap roots; the old one now covers the new one")
    plan.call("umount2", ".", MNT.DETACH, why="let the host's tree go")
    plan.call("chdir", "/", why="nothing of it is left, not even as the working directory", allow=[errno.EACCES])
