"""Spec → plan: the order in which the parts are put together. Imports the parts; runs in the engine."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox import capabilities, devices, masks, mount_inputs, mounts, namespaces, process, stdio
from engine.sandbox.cgroup import join, new_namespace
from engine.sandbox.kernel import AT, CLONE, MOUNT_ATTR
from engine.sandbox.labels import Labels, open_labels, write_labels
from engine.sandbox.namespaces import Namespaces
from engine.sandbox.pause import CREATED, READY, pause
from engine.sandbox.plan import Plan, Ref
from engine.sandbox.root import Made, Plain, RootFilesystem, attach_root, change_root, make_root, pivot, propagation
from engine.sandbox.seccomp import compile_filter, filter_flags
from engine.sandbox.sysctls import write_sysctls
from engine.sandbox.tree import Tree, clone_tree, mount_attr
from engine.spec.structs import ConsoleSize, Process, Spec

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
    filesystem: RootFilesystem | Plain,
    *,
    init: str | None = None,
    network: bool = False,
    cgroup: bool = False,
    joins: Sequence[str] = (),
    pauses: Collection[str] = (),
) -> Plan:
    """The plan of a new container's first process.

    The launcher hands in, as inputs of its own: a descriptor for each of `namespaces.handed_in`; with `network` the
    container's new network namespace, made ready; one for each of `mount_inputs.handed_in`; with `cgroup` a directory
    of the cgroup to be born into; those of `joins`, see `cgroup.join`. `init`: path of the init program (see `init.c`)
    to put in front of the command. `pauses`: the points (see `pause`) at which the launch waits.
    """
    _check_known(spec)
    host = Host.here()
    plan = Plan()
    spaces = namespaces.declare(plan, spec.linux.namespaces, network=network)
    handed = mount_inputs.declare(plan, spec.mounts)
    if cgroup:
        plan.cgroup = plan.input("cgroup")
    made = _go_between(plan, spec, spaces, filesystem, host)
    process.begin(plan)
    process.new_keyring(plan)
    labels = open_labels(plan, spec.process)
    join(plan, joins)
    new_namespace(plan, joins)
    if spaces.user is not None:
        process.be_root_inside(plan, _denied(host), spec.linux)
    namespaces.enter_ready(plan, spaces)
    init_program = _open_init(plan, init) if init else None
    if spaces.is_own("mount"):
        given = mounts.Given(host.tty_group, spaces.user, handed, joins)
        slave = _own_tree(plan, spec, given, filesystem, made, host, wait=CREATED in pauses)
    else:
        slave = _other_tree(plan, spec, spaces, filesystem, wait=CREATED in pauses)
    process.name_host(plan, spec.hostname, spec.domainname)
    if spaces.is_own("network") and spaces.network is None:
        process.raise_loopback(plan)
    raised = spaces.user is not None
    _run(plan, spec, spec.process, slave, init_program, labels, host, raised=raised, ready=READY in pauses)
    if made is not None:
        plan.hoist(made.threshold)
    return plan


def _check_known(spec: Spec) -> None:
    """What the specification has and we do not do must not be passed over."""
    for path, wanted in (("intelRdt", spec.linux.intel_rdt), ("netDevices", spec.linux.net_devices)):
        if wanted:
            raise EngineError(
                ErrorCode.UNSUPPORTED, f"$.linux.{path}: heliostui does not do this as yet; leave it out."
            )


@dataclass(frozen=True)
class _Outside:
    """What the go-between made while it could reach the host's files, and from which of its steps on it could."""

    threshold: int
    root: Made


def _go_between(
    plan: Plan, spec: Spec, spaces: Namespaces, filesystem: RootFilesystem | Plain, host: Host
) -> _Outside | None:
    """What has to be done before the process is there, if anything."""
    outside = None
    score = spec.process.oom_score_adj
    if score is not None:
        process.set_oom_score(plan, score, rootless=host.in_user_namespace)
    if spaces.user is not None:
        process.raise_own(plan, spec.process)
    tried = namespaces.join_first(plan, spaces)
    if spaces.user is not None:
        if spaces.is_own("mount"):
            plan.call("unshare", CLONE.NEWNS, why="a place to prepare the root in")
            threshold = len(plan.steps)
            outside = _Outside(threshold, make_root(plan, filesystem, spec.linux, spaces.user, host.in_user_namespace))
        namespaces.enter_user(plan, spaces)
    namespaces.join_then(plan, spaces, tried)
    if spaces.is_own("time"):
        namespaces.make_time(plan, spec.linux.time_offsets, rootless=host.in_user_namespace)
    plan.born()
    return outside


def _own_tree(
    plan: Plan,
    spec: Spec,
    given: mounts.Given,
    filesystem: RootFilesystem | Plain,
    outside: _Outside | None,
    host: Host,
    *,
    wait: bool,
) -> Ref | None:
    """Mount all that the process shall see, and nothing else. The terminal, if it has one."""
    opened = mounts.open_sources(plan, spec.mounts)
    made = outside.root if outside else make_root(plan, filesystem, spec.linux, None, host.in_user_namespace)
    tree = attach_root(plan, made)
    in_user_namespace = given.user is not None or host.in_user_namespace
    mounts.mount_all(plan, tree, spec, given, opened)
    devices.make_devices(plan, tree, spec.linux.devices, in_user_namespace)
    slave = _standard_streams(plan, spec.process, tree)
    own_proc = any(mount.destination == "/proc" for mount in spec.mounts)
    write_sysctls(plan, tree if own_proc else None, spec.linux.sysctl)
    masks.mask_paths(plan, tree, spec.linux.masked_paths, spec.linux.readonly_paths)
    if wait:
        pause(plan, CREATED, "wait for the hooks that see the host")
    pivot(plan, tree, spec.root.readonly, propagation(spec.linux.rootfs_propagation))
    return slave


def _other_tree(
    plan: Plan, spec: Spec, spaces: Namespaces, filesystem: RootFilesystem | Plain, *, wait: bool
) -> Ref | None:
    """In a mount namespace that is not the container's own nothing is mounted: its tree is taken as it is, the host's
    from the root directory of the spec on."""
    if "mount" not in spaces.joined and not isinstance(filesystem, Plain):
        why = "without a mount namespace a container has no layers: give it one, or a bundle with a root of its own."
        raise EngineError(ErrorCode.INVALID, f"$.linux.namespaces: {why}")
    changes = {
        "$.mounts": spec.mounts,
        "$.linux.maskedPaths": spec.linux.masked_paths,
        "$.linux.readonlyPaths": spec.linux.readonly_paths,
        "$.root.readonly": spec.root.readonly,
    }
    for path, change in changes.items():
        if change:
            why = "without a new mount namespace this would change the host, or another container: leave it out."
            raise EngineError(ErrorCode.INVALID, f"{path}: {why}")
    write_sysctls(plan, None, spec.linux.sysctl)
    if wait:
        pause(plan, CREATED, "wait for the hooks that see the host")
    if isinstance(filesystem, Plain) and "mount" not in spaces.joined:
        change_root(plan, filesystem)
    return _standard_streams(plan, spec.process, None)


def exec_plan(
    spec: Spec,
    program: Process,
    *,
    cgroup: bool = False,
    joins: Sequence[str] = (),
    types: Collection[str] | None = None,
    path: str | None = None,
) -> Plan:
    """The plan of one more process in a running container, whose init's pidfd is the launcher's first own input (the
    second, with `cgroup`, is the cgroup's directory; then come those of `joins`). `types`: the namespaces to enter; all
    of the spec when None. `path`: of the program, if its first argument is something else."""
    host = Host.here()
    plan = Plan()
    init = plan.input("init")
    if cgroup:
        plan.cgroup = plan.input("cgroup")
    if types is None:
        types = {namespace.type for namespace in spec.linux.namespaces}
    if program.oom_score_adj is not None:
        process.set_oom_score(plan, program.oom_score_adj, rootless=host.in_user_namespace)
    if "user" in types:
        process.raise_own(plan, program)
    labelled = bool(
        program.apparmor_profile or program.selinux_label
    )  # by the host's /proc, not by what is there inside
    left = namespaces.enter_first(plan, init, types, mounts=not labelled)
    process.begin(plan)
    process.new_keyring(plan)
    labels = open_labels(plan, program)
    join(plan, joins)
    namespaces.enter_then(plan, init, left)
    if "user" in types:
        process.be_root_inside(plan, _denied(host), spec.linux)
    slave = _standard_streams(plan, program, None)
    _run(plan, spec, program, slave, None, labels, host, raised="user" in types, path=path)
    return plan


def _denied(host: Host) -> list[int]:
    """What setgroups(2) may answer: a user namespace with a single group denies it (user_namespaces(7))."""
    return [errno.EPERM] if host.in_user_namespace else []


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
    labels: Labels,
    host: Host,
    *,
    raised: bool,
    ready: bool = False,
    path: str | None = None,
) -> None:
    if slave is not None:
        stdio.take_terminal(plan, slave, program.user.uid)
    else:
        stdio.take_pipes(plan, program.user.uid)
    process.become(plan, program, spec.linux, host.last_capability, denied=_denied(host), raised=raised)
    write_labels(plan, labels)
    if ready:
        pause(plan, READY, "wait for the hooks of the container")
    init = process.close_descriptors(plan, init)
    profile = spec.linux.seccomp
    seccomp_filter, flags = (compile_filter(profile), filter_flags(profile)) if profile else (None, 0)
    process.lock_in(plan, program, seccomp_filter, flags)
    process.execute(plan, program, init, path)


def _open_init(plan: Plan, path: str) -> Ref:
    """The init program on a read-only mount of its own, so that not even root inside can write to it."""
    plan.part = "start"
    mount = clone_tree(plan, os.path.realpath(path), "the tiny init, from the host")
    plan.call("mount_setattr", mount, "", AT.EMPTY_PATH, mount_attr(MOUNT_ATTR.RDONLY), 32, why="never to be written")
    return mount
