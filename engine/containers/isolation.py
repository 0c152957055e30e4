"""What a container can and can't see and do, as the kernel has it: namespaces, ids, capabilities, filter, mounts.

Reads /proc of the container's init. What is here blocks: call it in a thread. Imports the protocol and the sandbox's
views. Sources: namespaces(7), proc_pid_status(5), proc_pid_mountinfo(5), proc_pid_attr(5).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from engine.cgroups import Cgroup
from engine.containers.namespaces import FILES
from engine.errors import EngineError
from engine.heap import library
from engine.keeper.namespace import HOST_NAMESPACES
from engine.protocol.isolation import CapabilitySets, DeviceRule, IdMap, MountView, NamespaceView
from engine.protocol.messages import ErrorCode, Isolation, SeccompFilter
from engine.sandbox import seccomp_view
from engine.sandbox.capabilities import NAMES
from engine.sandbox.conventions import in_force
from engine.sandbox.seccomp import default_action
from engine.spec.structs import DeviceCgroup, Seccomp, Spec

CONTROLLERS = ("", "cpu", "cpuacct", "memory", "pids", "cpuset", "io", "hugetlb", "devices", "perf", "freezer")
SECCOMP = ("off", "strict", "filter")
Propagation = Literal["private", "shared", "slave", "unbindable"]
WHAT_FOR = {
    "/": "its root: the image's layers, and its own above them",
    "/proc": "the processes of its PID namespace",
    "/sys": "devices and the kernel; of networks those that it sees",
    "/sys/fs/cgroup": "its own limits and figures",
    "/dev": "the device nodes that it was given, and terminals",
    "/dev/pts": "its own terminals",
    "/dev/shm": "POSIX shared memory, its own",
    "/dev/mqueue": "POSIX message queues, its own",
    "/dev/console": "its terminal",
    "/etc/hosts": "names of itself and of hosts that were added",
    "/etc/resolv.conf": "who is asked for all other names",
    "/etc/hostname": "its own name",
}


def isolation(
    spec: Spec, pid: int, cgroup: Cgroup | None, host: Mapping[str, int], others: Mapping[str, int]
) -> Isolation:
    """The view of the container whose init is `pid`. `host`: inodes by OCI type; `others`: running containers' inits.

    EngineError(WRONG_STATE) when it ends meanwhile.
    """
    try:
        status = status_of(pid)
        seccomp = spec.linux.seccomp
        return Isolation(
            pid=pid,
            namespaces=namespaces_of(pid, host, others),
            uid_map=_id_map(pid, "uid"),
            gid_map=_id_map(pid, "gid"),
            capabilities=capabilities_of(status),
            seccomp=SECCOMP[int(status.get("Seccomp", "0"))],
            seccomp_default=seccomp_view.action_words(default_action(seccomp)) if seccomp else "",
            seccomp_rules=seccomp_view.rows(seccomp) if seccomp else [],
            no_new_privileges=status.get("NoNewPrivs") == "1",
            label=_label(pid),
            mounts=_mounts(pid, spec),
            masked=spec.linux.masked_paths,
            read_only=spec.linux.readonly_paths,
            devices=_devices(spec),
            cgroups=sorted({d for c in CONTROLLERS if (d := cgroup.directory(c)) is not None}) if cgroup else [],
        )
    except (FileNotFoundError, ProcessLookupError):
        raise EngineError(ErrorCode.WRONG_STATE, "The container has just ended: there is nothing to see.") from None


def seccomp_filter(profile: Seccomp | None) -> SeccompFilter:
    """The filter of a container's programs."""
    if profile is None:
        return SeccompFilter(mode="unconfined", default="", rules=[], architectures=[], program=[])
    return SeccompFilter(
        mode="filter",
        default=seccomp_view.action_words(default_action(profile)),
        rules=seccomp_view.rows(profile),
        architectures=[convention.short for convention in in_force(profile.architectures)],
        program=seccomp_view.program(profile),
    )


def host_namespaces() -> dict[str, int]:
    """The inodes of the host's namespaces by OCI type.

    A rootless engine lives in a user and a mount namespace of its own: its keeper, which went in, left word of those
    outside.
    """
    inodes = _inodes(os.getpid())
    for entry in os.environ.get(HOST_NAMESPACES, "").split():
        kind, _, inode = entry.partition("=")
        inodes[kind] = int(inode)
    return inodes


def namespaces_of(pid: int, host: Mapping[str, int], others: Mapping[str, int]) -> list[NamespaceView]:
    theirs: dict[str, dict[str, int]] = {}
    for name, init in others.items():
        try:
            theirs[name] = _inodes(init)
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
    return [
        NamespaceView(
            type=kind,
            inode=inode,
            host_inode=host.get(kind, 0),
            shared=inode == host.get(kind),
            containers=sorted(name for name, inodes in theirs.items() if inodes.get(kind) == inode),
        )
        for kind, inode in _inodes(pid).items()
    ]


def _inodes(pid: int) -> dict[str, int]:
    """Of each kind of namespace that this kernel has."""
    return {
        kind: os.stat(path).st_ino for kind, name in FILES.items() if os.path.lexists(path := f"/proc/{pid}/ns/{name}")
    }


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _id_map(pid: int, kind: str) -> list[IdMap]:
    lines = Path(f"/proc/{pid}/{kind}_map").read_text().splitlines()
    return [IdMap(*map(int, line.split())) for line in lines]


def capabilities_of(status: Mapping[str, str]) -> CapabilitySets:
    def names(field: str) -> list[str]:
        mask = int(status.get(field, "0"), 16)
        return [name for number, name in enumerate(NAMES) if mask >> number & 1]

    return CapabilitySets(
        effective=names("CapEff"),
        permitted=names("CapPrm"),
        inheritable=names("CapInh"),
        bounding=names("CapBnd"),
        ambient=names("CapAmb"),
    )


def _label(pid: int) -> str:
    """Of AppArmor or SELinux; empty where there is neither."""
    try:
        return Path(f"/proc/{pid}/attr/current").read_text().strip("\0\n ")
    except (FileNotFoundError, ProcessLookupError):
        raise
    except OSError:  # EINVAL: no security module has this
        return ""


def _mounts(pid: int, spec: Spec) -> list[MountView]:
    lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    return [_mount(line, spec) for line in lines]


def _mount(line: str, spec: Spec) -> MountView:
    """`36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`."""
    own, _, other = line.partition(" - ")
    _, _, _, root, destination, flags, *tags = own.split(" ")
    kind, source, super_options = other.split(" ")[:3]
    destination, root, source = map(_plain, (destination, root, source))
    options = flags.split(",")
    further = super_options.split(",")
    if "ro" in further:
        options[0] = "ro"
    kinds = {tag.partition(":")[0] for tag in tags}
    found = next((name for name in ("shared", "master", "unbindable") if name in kinds), "private")
    return MountView(
        destination=destination,
        type=kind,
        source=source if root == "/" else f"{source}[{root}]",
        options=[*options, *(option for option in further if option not in (*options, "rw", "ro"))],
        propagation=cast(Propagation, {"master": "slave"}.get(found, found)),
        what_for=_what_for(destination, options, spec),
    )


def _what_for(destination: str, options: list[str], spec: Spec) -> str:
    if destination in spec.linux.masked_paths:
        return "masked: empty, whatever is below"
    if destination in spec.linux.readonly_paths:
        return "to be read, not written"
    if destination in WHAT_FOR:
        return WHAT_FOR[destination]
    if destination == library.PLACE:
        return "our allocator, which programs preload"
    if destination.startswith("/sys/fs/cgroup/"):
        return WHAT_FOR["/sys/fs/cgroup"]
    for mount in spec.mounts:
        if mount.destination == destination:
            return f"{mount.source} of the host" if mount.source.startswith("/") else mount.type
    if destination.startswith("/dev/"):
        return "a device of the host"
    return ""


def _plain(text: str) -> str:
    """Undo the kernel's octal escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text).encode(errors="replace").decode()


def _devices(spec: Spec) -> list[DeviceRule]:
    return [_device(rule) for rule in spec.linux.resources.devices] if spec.linux.resources else []


def _device(rule: DeviceCgroup) -> DeviceRule:
    kind = rule.type if rule.type in ("a", "b", "c") else "a"
    return DeviceRule(
        allow=rule.allow,
        type=cast(Literal["a", "b", "c"], kind),
        major=None if rule.major == -1 else rule.major,
        minor=None if rule.minor == -1 else rule.minor,
        access=rule.access or "rwm",
    )
