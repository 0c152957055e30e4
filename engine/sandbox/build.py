"""Spec → plan: the order in which the parts are put together. Imports the parts; runs in the engine."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from engine.sandbox import capabilities, devices, masks, mounts, process, stdio
from engine.sandbox.cgroup import join, new_namespace
from engine.sandbox.kernel import AT, CLONE, MOUNT_ATTR
from engine.sandbox.pause import CREATED, READY, pause
from engine.sandbox.plan import Plan, Ref
from engine.sandbox.root import RootFilesystem, mount_root, pivot
from engine.sandbox.seccomp import compile_filter
from engine.sandbox.tree import Tree, clone_tree, mount_attr
from engine.spec.structs import ConsoleSize, Process, Spec

NAMESPACES = {
    "pid": CLONE.NEWPID,
    "network": CLONE.NEWNET,
    "mount": CLONE.NEWNS,
    "ipc": CLONE.NEWIPC,
    "uts": CLONE.NEWUTS,
    "cgroup": CLONE.NEWCGROUP,
}
DEFAULT_SIZE = ConsoleSize(height=24, width=80)


@dataclass(frozen=True)
class Host:
    """What of this machine, and of the namespace the engine lives in, decides about a plan."""

    in_user_namespace: bool
    tty_group: bool  # whether gid 5 exists here
    last_capability: int

    @classmethod
    @cache
    def here(cls) -> Host:
        """Read it from /proc (user_namespaces(7))."""
        with open("/proc/self/uid_map", encoding="ascii") as file:
            whole = file.read().split() == ["0", "0", "4294967295"]
        with open("/proc/self/gid_map", encoding="ascii") as file:
            ranges = [tuple(map(int, line.split())) for line in file]
        tty_group = any(first <= 5 < first + count for first, _, count in ranges)
        return cls(not whole, tty_group, capabilities.last_capability())


def launch_plan(
    spec: Spec,
    filesystem: RootFilesystem,
    *,
    init: str | None = None,
    cgroup: bool = False,
    joins: Sequence[str] = (),
    pauses: Collection[str] = (),
) -> Plan:
    """The plan of a new container's first process.

    `init`: path of the init program (see `init.c`) to put in front of the command. `cgroup`: the launcher hands in a
    directory of the cgroup to be born into, as the first input of its own; for `joins` see `cgroup.join`.
    `pauses`: the points (see `pause`) at which the launch waits.
    """
    host = Host.here()
    plan = Plan()
    if cgroup:
        plan.cgroup = plan.input("cgroup")
    for namespace in spec.linux.namespaces:
        plan.clone_flags |= NAMESPACES[namespace.type]
    process.begin(plan)
    join(plan, joins)
    new_namespace(plan, joins)
    init_program = _open_init(plan, init) if init else None
    opened = mounts.open_sources(plan, spec.mounts)
    tree = mount_root(plan, filesystem, host.in_user_namespace)
    mounts.mount_all(plan, tree, spec, tty_group=host.tty_group, opened=opened)
    devices.make_devices(plan, tree, spec.linux.devices, host.in_user_namespace)
    slave = _standard_streams(plan, spec.process, tree)
    masks.mask_paths(plan, tree, spec.linux.masked_paths, spec.linux.readonly_paths)
    if CREATED in pauses:
        pause(plan, CREATED, "wait for the hooks that see the host")
    pivot(plan, tree, spec.root.readonly)
    process.name_host(plan, spec.hostname, spec.domainname)
    if plan.clone_flags & CLONE.NEWNET:
        process.raise_loopback(plan)
    _run(plan, spec, spec.process, slave, init_program, host, ready=READY in pauses)
    return plan


def exec_plan(spec: Spec, program: Process, *, cgroup: bool = False, joins: Sequence[str] = ()) -> Plan:
    """The plan of one more process in a running container, whose init's pidfd is the launcher's first own input (the
    second, with `cgroup`, is the cgroup's directory; then come those of `joins`)."""
    host = Host.here()
    plan = Plan()
    init = plan.input("init")
    if cgroup:
        plan.cgroup = plan.input("cgroup")
    plan.part = "namespaces"
    plan.call("setns", init, CLONE.NEWPID, why="be born into the container's PID namespace")
    plan.born()
    process.begin(plan)
    join(plan, joins)
    plan.part = "namespaces"
    flags = CLONE(0)
    for namespace in spec.linux.namespaces:
        if namespace.type != "pid":  # the go-between saw to that: only a child can be born into it
            flags |= NAMESPACES[namespace.type]
    plan.call("setns", init, flags, why="enter the container's namespaces")
    slave = _standard_streams(plan, program, None)
    _run(plan, spec, program, slave, None, host)
    return plan


def _standard_streams(plan: Plan, program: Process, tree: Tree | None) -> Ref | None:
    if not program.terminal:
        return None
    return stdio.open_terminal(plan, tree, program.console_size or DEFAULT_SIZE)


def _run(
    plan: Plan,
    spec: Spec,
    program: Process,
    slave: Ref | None,
    init: Ref | None,
    host: Host,
    *,
    ready: bool = False,
) -> None:
    if slave is not None:
        stdio.take_terminal(plan, slave, program.user.uid)
    else:
        stdio.take_pipes(plan, program.user.uid)
    process.become(plan, program, host.last_capability, host.in_user_namespace)
    if ready:
        pause(plan, READY, "wait for the hooks of the container")
    init = process.close_descriptors(plan, init)
    seccomp_filter = compile_filter(spec.linux.seccomp) if spec.linux.seccomp else None
    process.lock_in(plan, program, seccomp_filter)
    process.execute(plan, program, init)


def _open_init(plan: Plan, path: str) -> Ref:
    """The init program on a read-only mount of its own, so that not even root inside can write to it."""
    plan.part = "start"
    mount = clone_tree(plan, os.path.realpath(path), "the tiny init, from the host")
    plan.call("mount_setattr", mount, "", AT.EMPTY_PATH, mount_attr(MOUNT_ATTR.RDONLY), 32, why="never to be written")
    return mount
