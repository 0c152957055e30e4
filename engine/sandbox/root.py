"""The root file system: read-only layers below, a writable one above, or a directory as it is; and pivot_root into it.

`make_root` makes it as a mount that is attached nowhere, `attach_root` attaches it. In a user namespace a go-between
does the first before it enters: there it may still open the host's directories, and id-map the layers (id_map), so that
what root owns on disk is owned by the container's root. The layers are attached in a mount namespace that nobody else
sees, because before Linux 6.15 an overlay takes attached layers only. A map that changes no id needs none of that; it
is what an ordinary user can have, since mapping a file system's ids takes power over it (mount_setattr(2)).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox.id_map import map_ids, root_of
from engine.sandbox.kernel import AT, AT_FDCWD, MNT, MOUNT_ATTR, MOVE_MOUNT, MS, PR, SECBIT_NO_SETUID_FIXUP
from engine.sandbox.plan import Input, Mode, Plan, Ref
from engine.sandbox.tree import ALL_BELOW, FSCONFIG_LIMIT, Tree, clone_tree, mount_attr, new_filesystem
from engine.spec.structs import Linux


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


@dataclass(frozen=True)
class Plain:
    """A bundle's root: a directory of the host that is used and written as it is. It need be no mount point."""

    path: str


@dataclass(frozen=True)
class Made:
    """Mounts that are attached nowhere yet: the root, and what lies in it by path."""

    root: Ref
    grafts: tuple[tuple[str, Ref], ...] = ()


PROPAGATION = {"private": MS.PRIVATE, "slave": MS.SLAVE, "shared": MS.SHARED, "unbindable": MS.UNBINDABLE}


def propagation(name: str) -> MS:
    """Of `rootfsPropagation`, which is written with and without the r of recursive, or is "". Raises KeyError."""
    return PROPAGATION[name[1:] if name[1:] in PROPAGATION else name or "private"]


def make_root(
    plan: Plan, filesystem: RootFilesystem | Plain, linux: Linux, user: Input | None, in_user_namespace: bool
) -> Made:
    """Make the root's mounts, and stand where the root goes. `user`: the user namespace that the ids are mapped for;
    `in_user_namespace`: whether the engine itself is in one."""
    plan.part = "root"
    if isinstance(filesystem, Plain):
        return Made(_plain(plan, filesystem, propagation(linux.rootfs_propagation)))
    _keep_to_ourselves(plan)
    plan.call("chdir", filesystem.mount_point, why="stand where the root goes")
    options: list[tuple[str, str | None]] = [("userxattr", None)] if in_user_namespace else []
    if linux.mount_label:
        options.append(("context", linux.mount_label))
    plain = partial(_overlay, plan, options=options)
    same = all(mapping.container_id == mapping.host_id for mapping in linux.uid_mappings + linux.gid_mappings)
    overlay: Callable[..., Ref] = plain if user is None or same else _IdMapped(plan, user, linux, options).overlay
    root = overlay(filesystem.root, why="the container's root")
    grafts = [(path, overlay(each, why=f"{path} of the host, copied on write")) for path, each in filesystem.grafts]
    return Made(root, tuple(grafts))


def attach_root(plan: Plan, made: Made) -> Tree:
    """Attach them where we stand; nothing of it is visible outside of the new mount namespace."""
    plan.part = "root"
    plan.call("move_mount", made.root, "", AT_FDCWD, ".", MOVE_MOUNT.F_EMPTY_PATH, why="attach the root")
    tree = Tree(plan, made.root)
    for path, graft in made.grafts:
        tree.attach(graft, path, path)
    return tree


def _keep_to_ourselves(plan: Plan) -> None:
    plan.call("mount", None, "/", None, MS.REC | MS.PRIVATE, None, why="keep our mounts to ourselves")


def _plain(plan: Plan, root: Plain, spread: MS) -> Ref:
    """The directory on a mount of its own. pivot_root(2) refuses one that is shared: that comes afterwards."""
    copy = clone_tree(plan, root.path, f"{root.path}: the container's root", recursive=True)
    _keep_to_ourselves(plan)
    before = MS.SLAVE if spread in (MS.SLAVE, MS.SHARED) else MS.PRIVATE
    value = mount_attr(MOUNT_ATTR(0), propagation=before)
    plan.call("mount_setattr", copy, "", ALL_BELOW, value, 32, why=f"what the host mounts there: {before.name}")
    plan.call("chdir", root.path, why="stand where the root goes")
    return copy


def _overlay(plan: Plan, layered: Layered, *, options: list[tuple[str, str | None]], why: str) -> Ref:
    lower = ":".join(layered.layers)
    settings: list[tuple[str, str | None]]
    if len(lower) <= FSCONFIG_LIMIT:
        settings = [("lowerdir", lower)]
    else:
        settings = [("lowerdir+", layer) for layer in layered.layers]  # Linux 6.5
    settings += [("upperdir", layered.upper), ("workdir", layered.work)]
    # Unmounting does not wait for the disk: what a crash of the machine may cost is a container's scratch files.
    settings.append(("volatile", None))
    return new_filesystem(plan, "overlay", "overlay", [*settings, *options], MOUNT_ATTR(0), why)


class _IdMapped:
    """Overlays of id-mapped layers. These are attached in a small tmpfs, under numbers, which keeps their paths short;
    it covers the place where the root goes, and goes with the host's tree."""

    def __init__(self, plan: Plan, user: Input, linux: Linux, options: list[tuple[str, str | None]]) -> None:
        self._plan = plan
        self._user = user
        self._options = options
        for kind, mappings in (("uid", linux.uid_mappings), ("gid", linux.gid_mappings)):
            if root_of(mappings).container_id != 0:
                why = f"the files of an image belong to root, whose {kind} 0 this map has not: map it, too."
                raise EngineError(ErrorCode.INVALID, f"$.linux.{kind}Mappings: {why}")
        self._root = root_of(linux.uid_mappings).host_id, root_of(linux.gid_mappings).host_id
        self._count = 0
        scratch = new_filesystem(
            plan, "tmpfs", "tmpfs", [("mode", "0755"), ("size", "1m")], MOUNT_ATTR(0), "a place for layers"
        )
        plan.call("move_mount", scratch, "", AT_FDCWD, ".", MOVE_MOUNT.F_EMPTY_PATH, why="here")
        plan.call("fchdir", scratch, why="stand on it")

    def overlay(self, layered: Layered, *, why: str) -> Ref:
        """As `_overlay`. What is new comes to lie on disk with the ids that it has inside."""
        layers = tuple(self._attach(layer) for layer in layered.layers)
        own = os.path.commonpath([layered.upper, layered.work])  # the two must be on one mount
        place = self._attach(own)
        upper, work = (os.path.join(place, os.path.relpath(path, own)) for path in (layered.upper, layered.work))
        self._act_as(*self._root, SECBIT_NO_SETUID_FIXUP, "an overlay works as who mounts it: as the container's root")
        made = _overlay(self._plan, Layered(layers, upper, work), options=self._options, why=why)
        self._act_as(0, 0, 0, "back to our own user")
        return made

    def _act_as(self, uid: int, gid: int, securebits: int, why: str) -> None:
        """Own files as this user, without giving up capabilities (setfsuid(2), capabilities(7)): an id-mapped layer
        takes new files only from ids that are mapped."""
        if securebits:
            self._plan.call("prctl", PR.SET_SECUREBITS, securebits, 0, 0, 0, why="keep capabilities when ids change")
        self._plan.call("setfsgid", gid, why=why)
        self._plan.call("setfsuid", uid, why=why)
        if not securebits:
            self._plan.call("prctl", PR.SET_SECUREBITS, 0, 0, 0, 0, why="as usual again")

    def _attach(self, directory: str) -> str:
        name = str(self._count)
        self._count += 1
        copy = clone_tree(self._plan, directory, f"layer {name}")
        map_ids(self._plan, copy, self._user, f"layer {name}: owned by the container's ids")
        self._plan.call("mkdirat", AT_FDCWD, name, Mode(0o700), why=f"a place for layer {name}")
        self._plan.call("move_mount", copy, "", AT_FDCWD, name, MOVE_MOUNT.F_EMPTY_PATH, why=f"attach layer {name}")
        return name


def pivot(plan: Plan, tree: Tree, readonly: bool, spread: MS) -> None:
    """Make the tree the root of the mount namespace and let go of the host's (pivot_root(2), "." twice). `spread`: how
    mounts made on the root itself shall propagate."""
    plan.part = "pivot"
    if readonly:
        plan.call("mount_setattr", tree.root, "", AT.EMPTY_PATH, mount_attr(MOUNT_ATTR.RDONLY), 32, why="--read-only")
    plan.call("fchdir", tree.root, why="stand in the new root")
    plan.call("pivot_root", ".", ".", why="swap roots; the old one now covers the new one")
    plan.call("umount2", ".", MNT.DETACH, why="let the host's tree go")
    plan.call("chdir", "/", why="nothing of it is left, not even as the working directory", allow=[errno.EACCES])
    if spread in (MS.SHARED, MS.UNBINDABLE):
        value = mount_attr(MOUNT_ATTR(0), propagation=spread)
        plan.call("mount_setattr", AT_FDCWD, "/", 0, value, 32, why=f"rootfsPropagation: {spread.name}")


def change_root(plan: Plan, root: Plain) -> None:
    """Without a mount namespace there is no tree of one's own: only another directory as the root (chroot(2))."""
    plan.part = "root"
    if root.path != "/":
        plan.call("chroot", root.path, why="see nothing but this directory")
        plan.call("chdir", "/", why="and stand in it")
