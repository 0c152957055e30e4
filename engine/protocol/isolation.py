"""What a container can and can't see and do, as the console shows it. Imports value."""

from __future__ import annotations

from typing import Literal

from engine.protocol.value import Value


class NamespaceView(Value, frozen=True):
    """One namespace of the container's init beside the host's. `inode` as in /proc/PID/ns (namespaces(7))."""

    type: str  # as in the OCI spec: pid, network, mount, ipc, uts, user, cgroup, time
    inode: int
    host_inode: int
    shared: bool  # with the host
    containers: list[str] = []  # names of other running containers in it


class IdMap(Value, frozen=True):
    """One line of a uid_map or gid_map (user_namespaces(7)): `size` ids from `inside` are those from `outside`."""

    inside: int
    outside: int
    size: int


class CapabilitySets(Value, frozen=True):
    """The five sets of the init (capabilities(7)), names without CAP_."""

    effective: list[str] = []
    permitted: list[str] = []
    inheritable: list[str] = []
    bounding: list[str] = []
    ambient: list[str] = []


class MountView(Value, frozen=True):
    """One line of the container's mount table (proc_pid_mountinfo(5))."""

    destination: str
    type: str
    source: str
    options: list[str]
    propagation: Literal["private", "shared", "slave", "unbindable"] = "private"
    what_for: str = ""  # in a few words, where we know it


class SeccompRow(Value, frozen=True):
    """One line of the rule table: calls that share an outcome. `action`: allow, errno EPERM, log, kill …"""

    calls: list[str]
    action: str
    condition: str = ""  # "if arg0 & 0x7e020000 == 0"; empty: always


class DeviceRule(Value, frozen=True):
    """What the device cgroup says (config-linux.md, "Allowed Device list"); `major`/`minor` None: any."""

    allow: bool
    type: Literal["a", "b", "c"]
    major: int | None
    minor: int | None
    access: str  # letters of r, w, m
