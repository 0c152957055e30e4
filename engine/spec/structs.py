"""The OCI runtime specification 1.2 (config.md, config-linux.md), as far as heliostui carries it out today.

Field names are the specification's, in snake case here and camel case in JSON.
"""

from __future__ import annotations

import msgspec


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What all parts share: frozen, camel case on disk, defaults left out."""


class Root(Struct, frozen=True):
    """`root`: where the container's file tree is mounted, and whether it may be written."""

    path: str
    readonly: bool = False


class Mount(Struct, frozen=True):
    """`mounts[]`: `options` are those of mount(8)."""

    destination: str
    type: str = "bind"
    source: str = ""
    options: list[str] = []


class ConsoleSize(Struct, frozen=True):
    """`process.consoleSize`, in character cells."""

    height: int
    width: int


class User(Struct, frozen=True):
    """`process.user`."""

    uid: int = 0
    gid: int = 0
    umask: int | None = None
    additional_gids: list[int] = []


class Capabilities(Struct, frozen=True):
    """`process.capabilities`: names as in capabilities(7), e.g. `CAP_CHOWN`."""

    bounding: list[str] = []
    effective: list[str] = []
    inheritable: list[str] = []
    permitted: list[str] = []
    ambient: list[str] = []


class Rlimit(Struct, frozen=True):
    """`process.rlimits[]`: `type` as in setrlimit(2), e.g. `RLIMIT_NOFILE`."""

    type: str
    soft: int
    hard: int


class Process(Struct, frozen=True):
    """`process`: the program and what it may do."""

    args: list[str]
    cwd: str = "/"
    env: list[str] = []
    terminal: bool = False
    console_size: ConsoleSize | None = None
    user: User = User()
    capabilities: Capabilities | None = None
    rlimits: list[Rlimit] = []
    no_new_privileges: bool = False
    oom_score_adj: int | None = None


class Namespace(Struct, frozen=True):
    """`linux.namespaces[]`: `type` is pid, network, mount, ipc, uts, user, cgroup or time; `path` joins one."""

    type: str
    path: str | None = None


class Device(Struct, frozen=True):
    """`linux.devices[]`: type c, b, u or p as mknod(1)."""

    path: str
    type: str
    major: int = 0
    minor: int = 0
    file_mode: int = 0o666
    uid: int = 0
    gid: int = 0


class SeccompArgument(Struct, frozen=True):
    """`linux.seccomp.syscalls[].args[]`: `op` is `SCMP_CMP_EQ`, `SCMP_CMP_NE` or `SCMP_CMP_MASKED_EQ` (with the mask in
    `value` and what must remain in `value_two`)."""

    index: int
    value: int
    op: str
    value_two: int = 0


class SeccompRule(Struct, frozen=True):
    """`linux.seccomp.syscalls[]`: all of `args` must hold for the action to be taken."""

    names: list[str]
    action: str
    errno_ret: int | None = None
    args: list[SeccompArgument] = []


class Seccomp(Struct, frozen=True):
    """`linux.seccomp`: actions are `SCMP_ACT_ALLOW`, `SCMP_ACT_ERRNO`, …"""

    default_action: str
    default_errno_ret: int | None = None
    architectures: list[str] = []
    syscalls: list[SeccompRule] = []


class Linux(Struct, frozen=True):
    """`linux`."""

    namespaces: list[Namespace] = []
    devices: list[Device] = []
    cgroups_path: str | None = None
    rootfs_propagation: str = "private"
    seccomp: Seccomp | None = None
    masked_paths: list[str] = []
    readonly_paths: list[str] = []


class Spec(Struct, frozen=True):
    """The whole `config.json`."""

    root: Root
    process: Process
    oci_version: str = "1.2.0"
    hostname: str | None = None
    domainname: str | None = None
    mounts: list[Mount] = []
    linux: Linux = Linux()
    annotations: dict[str, str] = {}
