"""`mounts` of the spec (config.md): each becomes a detached mount, which is then attached inside of the root.

Whatever a mount needs of the host's mount namespace is opened before that namespace is left: `open_sources`. What the
process can't make by itself it is handed: see `mount_inputs`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox import cgroup_mounts
from engine.sandbox.id_map import map_ids
from engine.sandbox.kernel import AT, MOUNT_ATTR, MS
from engine.sandbox.mount_inputs import is_filled
from engine.sandbox.mount_options import Attributes, MountOptions, sort_options
from engine.sandbox.plan import Input, Plan
from engine.sandbox.tree import (
    ALL_BELOW,
    ATTACH,
    FSCONFIG_LIMIT,
    Descriptor,
    Tree,
    clone_tree,
    mount_attr,
    new_filesystem,
)
from engine.spec.structs import IdMapping, Mount, Spec

TTY_GROUP = 5
WHAT_FOR = {
    "/proc": "processes of this PID namespace",
    "/dev": "an empty /dev of its own",
    "/dev/pts": "its own terminals",
    "/dev/shm": "POSIX shared memory",
    "/dev/mqueue": "POSIX message queues of this IPC namespace",
    "/sys": "the kernel's objects, as this network namespace sees them",
    "/sys/fs/cgroup": "its own cgroup as the root of all",
}
# File systems that show a namespace: a user namespace that does not own it may not mount them, but has the host's.
OF_NAMESPACES = {"sysfs": "/sys", "proc": "/proc", "mqueue": "/dev/mqueue"}
UNLABELLED = {"proc", "sysfs", "mqueue", "cgroup", "cgroup2"}  # SELinux has labels of its own for these
READ_ONLY = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC


@dataclass(frozen=True)
class Given:
    """What a launch has for its mounts.

    `tty_group`: whether gid 5 exists in the engine's user namespace; `user`: the container's own user namespace;
    `handed`: what `mount_inputs` asked for, by the mount's number; `joined`: the v1 controllers whose cgroups it is in.
    """

    tty_group: bool
    user: Input | None
    handed: Mapping[int, Input]
    joined: Collection[str]
    same_ids: bool = False  # the container's user namespace has the ids of ours: there is nothing to map


@dataclass(frozen=True)
class _Mount:
    """One mount on its way: the spec's words, sorted, and why it is there."""

    mount: Mount
    options: MountOptions
    why: str
    is_bind: bool

    @property
    def path(self) -> str:
        return self.mount.destination


def open_sources(plan: Plan, mounts: Iterable[Mount]) -> dict[int, Descriptor]:
    """Before our mounts are made private: copy those that shall go on hearing of the host's (mount_namespaces(7),
    "Shared subtrees"). Returns them by their number in the spec."""
    plan.part = "mounts"
    opened: dict[int, Descriptor] = {}
    for number, mount in enumerate(mounts):
        wanted = _wanted(mount)
        options = wanted.options
        if wanted.is_bind and any(kind in (MS.SHARED, MS.SLAVE) for kind, _ in options.propagation):
            why = f"{wanted.why}, while mounts of the host still reach it"
            opened[number] = clone_tree(plan, mount.source, why, recursive=options.recursive)
    return opened


def mount_all(plan: Plan, tree: Tree, spec: Spec, given: Given, opened: Mapping[int, Descriptor]) -> None:
    """Attach the spec's mounts in their order. `opened`: copies that `open_sources` made, by the mount's number."""
    plan.part = "mounts"
    if all(mapping.container_id == mapping.host_id for mapping in spec.linux.uid_mappings + spec.linux.gid_mappings):
        given = replace(given, same_ids=True)
    gid_5 = given.tty_group and _has_id(spec.linux.gid_mappings, TTY_GROUP)
    for number, mount in enumerate(spec.mounts):
        wanted = _wanted(mount)
        if wanted.is_bind:
            _bind(plan, tree, wanted, opened.get(number), _id_map(number, wanted, given))
        elif is_filled(mount):
            _filled(plan, tree, wanted, given.handed[number], None if given.same_ids else given.user)
        elif mount.type in ("cgroup", "cgroup2"):
            cgroup_mounts.mount(plan, tree, mount.destination, wanted.options.here.set, wanted.why, given.joined)
        elif mount.type == "sysfs" or (given.user and mount.type in OF_NAMESPACES):
            _of_namespace(plan, tree, wanted)
        else:
            _filesystem(plan, tree, wanted, gid_5, spec.linux.mount_label)


def _wanted(mount: Mount) -> _Mount:
    options = sort_options(mount.options)
    of_host = mount.type == "bind" or options.bind
    what = f"{mount.source} of the host" if of_host else WHAT_FOR.get(mount.destination, mount.type)
    return _Mount(mount, options, f"{mount.destination}: {what}", of_host)


def _has_id(mappings: list[IdMapping], number: int) -> bool:
    return not mappings or any(m.container_id <= number < m.container_id + m.size for m in mappings)


def _filesystem(plan: Plan, tree: Tree, wanted: _Mount, gid_5: bool, label: str | None) -> None:
    mount, options = wanted.mount, wanted.options
    data = [entry for entry in options.data if gid_5 or mount.type != "devpts" or entry[0] != "gid"]
    if mount.type == "overlay":
        data = list(_overlay(data))
    if label and mount.type not in UNLABELLED:
        data.append(("context", label))
    made = new_filesystem(plan, mount.type, mount.source or mount.type, data, options.here.set, wanted.why)
    _propagate(plan, made, wanted)
    tree.attach(made, wanted.path, wanted.why)


def _overlay(data: Iterable[tuple[str, str | None]]) -> Iterable[tuple[str, str | None]]:
    """Many layers are too long for one option: they are given one by one (Linux 6.5)."""
    for key, value in data:
        if key == "lowerdir" and value is not None and len(value) > FSCONFIG_LIMIT:
            yield from (("lowerdir+", layer) for layer in re.split(r"(?<!\\):", value))
        else:
            yield key, value


def _id_map(number: int, wanted: _Mount, given: Given) -> Input | None:
    """The user namespace by which the mount's ids are mapped, if they are. EngineError for a mount that lacks one."""
    if not wanted.options.id_mapped:
        return None
    user_namespace = given.handed.get(number, given.user)
    if user_namespace is given.user is not None and given.same_ids:
        return None
    if user_namespace is None:
        raise EngineError(
            ErrorCode.INVALID,
            f"$.mounts[{number}]: {wanted.path!r} is to be id-mapped, but there are no maps: give the container a user "
            "namespace, or the mount maps of its own, as in idmap=uids=0-1000-1;gids=0-1000-1.",
        )
    return user_namespace


def _filled(plan: Plan, tree: Tree, wanted: _Mount, made: Input, user: Input | None) -> None:
    """A tmpfs that has been filled with what lies at its destination."""
    if user is not None:
        map_ids(plan, made, user, f"{wanted.path}: owned by the container's ids")
    _set(plan, made, wanted.options.here, AT.EMPTY_PATH, wanted.path)
    _propagate(plan, made, wanted)
    tree.attach(made, wanted.path, wanted.why)


def _bind(plan: Plan, tree: Tree, wanted: _Mount, opened: Descriptor | None, id_map: Input | None) -> None:
    mount, options, why = wanted.mount, wanted.options, wanted.why
    copy = clone_tree(plan, mount.source, why, recursive=options.recursive) if opened is None else opened
    if id_map is not None:
        map_ids(plan, copy, id_map, f"{wanted.path}: ids as inside", below=options.id_mapped_below)
    _set(plan, copy, options.here, AT.EMPTY_PATH, wanted.path)
    _set(plan, copy, options.below, ALL_BELOW, f"{wanted.path} and all below")
    _propagate(plan, copy, wanted)
    tree.attach(copy, wanted.path, why, file=_is_file(mount.source))


def _set(plan: Plan, mount: Descriptor, attributes: Attributes, flags: AT, what: str) -> None:
    if attributes:
        value = mount_attr(attributes.set, attributes.clear)
        plan.call("mount_setattr", mount, "", flags, value, 32, why=f"{what}: options")


def _propagate(plan: Plan, mount: Descriptor, wanted: _Mount) -> None:
    """Whether mounts made later, here or where this is a copy of, reach the other side (mount_setattr(2))."""
    for kind, below in wanted.options.propagation:
        flags = ALL_BELOW if below else AT.EMPTY_PATH
        value = mount_attr(MOUNT_ATTR(0), propagation=kind)
        plan.call("mount_setattr", mount, "", flags, value, 32, why=f"{wanted.path}: how mounts spread")


def _is_file(source: str) -> bool:
    """Whether the source is anything but a directory; one that is not there, the kernel will complain of."""
    try:
        return not stat.S_ISDIR(os.stat(source).st_mode)
    except OSError:
        return False


def _of_namespace(plan: Plan, tree: Tree, wanted: _Mount) -> None:
    """A file system of its own; where the kernel refuses, because the user namespace does not own what it would show or
    does not see all of it, the host's, read-only."""
    mount, options, why = wanted.mount, wanted.options, wanted.why
    made = new_filesystem(plan, mount.type, mount.type, list(options.data), options.here.set, why, optional=True)
    target = tree.directory(wanted.path)
    plan.call("move_mount", made, "", target, "", ATTACH, why=why)
    place = OF_NAMESPACES[mount.type]
    host = clone_tree(plan, place, f"{wanted.path}: the host's instead", recursive=True, if_failed=made)
    plan.call("mount_setattr", host, "", ALL_BELOW, mount_attr(READ_ONLY), 32, why="read-only")
    plan.call("move_mount", host, "", target, "", ATTACH, why=why)
    # One of the two is attached; which one, only the kernel knows, so look the path up again.
    tree.forget(wanted.path)
