"""The OCI runtime specification 1.2 for Linux (config.md, config-linux.md), whole, with what 1.3 added (memoryPolicy,
netDevices, intelRdt.schemata).

Field names are the specification's, in snake case here and camel case in JSON. None, "" and empty mean: not said.
Unknown fields are passed over, as the specification wants ("Extensibility"), and are not kept. The ranges of numbers
are checked where JSON is decoded; what the fields mean together `validate` checks.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

U16 = Annotated[int, Meta(ge=0, le=2**16 - 1)]
U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
U64 = Annotated[int, Meta(ge=0)]
I64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What all parts share: frozen, camel case on disk, defaults left out."""


class Root(Struct, frozen=True):
    """`root`: where the container's file tree is mounted, and whether it may be written."""

    path: str
    readonly: bool = False


class IdMapping(Struct, frozen=True):
    """`uidMappings[]`, `gidMappings[]` of a mount and of `linux`: `size` ids from these two on."""

    container_id: U32 = field(name="containerID")
    host_id: U32 = field(name="hostID")
    size: U32


class Mount(Struct, frozen=True):
    """`mounts[]`: `options` are those of mount(8) and of the specification's table."""

    destination: str
    type: str = "bind"
    source: str = ""
    options: list[str] = []
    uid_mappings: list[IdMapping] = []
    gid_mappings: list[IdMapping] = []


class ConsoleSize(Struct, frozen=True):
    """`process.consoleSize`, in character cells."""

    height: U32
    width: U32


class User(Struct, frozen=True):
    """`process.user`. The ids are those inside the container."""

    uid: U32 = field(default_factory=lambda: 0)  # required: a factory's value is always written
    gid: U32 = field(default_factory=lambda: 0)
    umask: U32 | None = None
    additional_gids: list[U32] = []


class Capabilities(Struct, frozen=True):
    """`process.capabilities`: names as in capabilities(7), e.g. `CAP_CHOWN`."""

    bounding: list[str] = []
    effective: list[str] = []
    inheritable: list[str] = []
    permitted: list[str] = []
    ambient: list[str] = []


# In the kernel's order: the place is the number (asm-generic/resource.h).
RLIMITS = tuple(
    f"RLIMIT_{name}"
    for name in """
CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME
""".split()
)


class Rlimit(Struct, frozen=True):
    """`process.rlimits[]`: `type` as in setrlimit(2), e.g. `RLIMIT_NOFILE`; 2**64-1 is RLIM_INFINITY."""

    type: str
    soft: U64
    hard: U64


class Scheduler(Struct, frozen=True):
    """`process.scheduler`, sched_setattr(2): `policy` SCHED_OTHER …, `flags` SCHED_FLAG_…; the last three in ns."""

    policy: str
    nice: int = 0
    priority: int = 0
    flags: list[str] = []
    runtime: U64 = 0
    deadline: U64 = 0
    period: U64 = 0


class IOPriority(Struct, frozen=True):
    """`process.ioPriority`, ioprio_set(2): `class` IOPRIO_CLASS_RT, _BE or _IDLE; `priority` 0 (first) to 7."""

    class_: str = field(name="class")
    priority: int = field(default_factory=lambda: 0)


class Process(Struct, frozen=True):
    """`process`: the program and what it may do."""

    args: list[str]
    cwd: str = field(default_factory=lambda: "/")
    env: list[str] = []
    terminal: bool = False
    console_size: ConsoleSize | None = None
    user: User = field(default_factory=User)
    capabilities: Capabilities | None = None
    rlimits: list[Rlimit] = []
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    selinux_label: str = ""
    oom_score_adj: int | None = None
    scheduler: Scheduler | None = None
    io_priority: IOPriority | None = None


class Hook(Struct, frozen=True):
    """One of `hooks`: `path` is absolute, on the host but for startContainer; `args` begin with argv[0]; `timeout` in
    seconds."""

    path: str
    args: list[str] = []
    env: list[str] = []
    timeout: int | None = None


class Hooks(Struct, frozen=True):
    """`hooks`: what is run at which moment of a container's life, in order."""

    prestart: list[Hook] = []
    create_runtime: list[Hook] = []
    create_container: list[Hook] = []
    start_container: list[Hook] = []
    poststart: list[Hook] = []
    poststop: list[Hook] = []


class Namespace(Struct, frozen=True):
    """`linux.namespaces[]`: `type` is pid, network, mount, ipc, uts, user, cgroup or time; `path` joins one."""

    type: str
    path: str | None = None


class TimeOffset(Struct, frozen=True):
    """One of `linux.timeOffsets`, whose keys are `monotonic` and `boottime` (time_namespaces(7))."""

    secs: I64 = 0
    nanosecs: U32 = 0


class Device(Struct, frozen=True):
    """`linux.devices[]`: type c, b, u or p as mknod(1). `file_mode`: its permission bits count."""

    path: str
    type: str
    major: I64 = 0
    minor: I64 = 0
    file_mode: U32 = 0o666
    uid: U32 = 0
    gid: U32 = 0


class NetDevice(Struct, frozen=True):
    """One of `linux.netDevices`, whose keys are the host's names: the name inside, "" for the same."""

    name: str = ""


class DeviceCgroup(Struct, frozen=True):
    """`linux.resources.devices[]`, the later ones count: `type` a, b or c ("" is a); None is every number; `access` of
    the letters rwm ("" is all of them)."""

    allow: bool
    type: str = ""
    major: I64 | None = None
    minor: I64 | None = None
    access: str = ""


class Memory(Struct, frozen=True):
    """`linux.resources.memory`, in bytes, -1 for no limit. `swap` is memory and swap together, as in v1."""

    limit: I64 | None = None
    reservation: I64 | None = None
    swap: I64 | None = None
    kernel: I64 | None = None
    kernel_tcp: I64 | None = field(name="kernelTCP", default=None)
    swappiness: U64 | None = None
    disable_oom_killer: bool | None = field(name="disableOOMKiller", default=None)
    use_hierarchy: bool | None = None
    check_before_update: bool | None = None


class Cpu(Struct, frozen=True):
    """`linux.resources.cpu`: times in microseconds, `shares` as v1 has them (2-262144), `quota` -1 for no limit."""

    shares: U64 | None = None
    quota: I64 | None = None
    burst: U64 | None = None
    period: U64 | None = None
    realtime_runtime: I64 | None = None
    realtime_period: U64 | None = None
    cpus: str = ""
    mems: str = ""
    idle: I64 | None = None


class Pids(Struct, frozen=True):
    """`linux.resources.pids`: 0 or less is no limit."""

    limit: I64


class WeightDevice(Struct, frozen=True):
    """`linux.resources.blockIO.weightDevice[]`."""

    major: I64
    minor: I64
    weight: U16 | None = None
    leaf_weight: U16 | None = None


class ThrottleDevice(Struct, frozen=True):
    """`linux.resources.blockIO.throttle…Device[]`: bytes or operations a second."""

    major: I64
    minor: I64
    rate: U64


class BlockIO(Struct, frozen=True):
    """`linux.resources.blockIO`: weights as v1 has them (10-1000)."""

    weight: U16 | None = None
    leaf_weight: U16 | None = None
    weight_device: list[WeightDevice] = []
    throttle_read_bps_device: list[ThrottleDevice] = []
    throttle_write_bps_device: list[ThrottleDevice] = []
    throttle_read_iops_device: list[ThrottleDevice] = field(name="throttleReadIOPSDevice", default_factory=list)
    throttle_write_iops_device: list[ThrottleDevice] = field(name="throttleWriteIOPSDevice", default_factory=list)


class HugepageLimit(Struct, frozen=True):
    """`linux.resources.hugepageLimits[]`: `page_size` as in "2MB"; bytes."""

    page_size: str
    limit: U64


class InterfacePriority(Struct, frozen=True):
    """`linux.resources.network.priorities[]`."""

    name: str
    priority: U32


class Network(Struct, frozen=True):
    """`linux.resources.network` (net_cls and net_prio, v1 only)."""

    class_id: U32 | None = field(name="classID", default=None)
    priorities: list[InterfacePriority] = []


class Rdma(Struct, frozen=True):
    """One of `linux.resources.rdma`, whose keys are devices."""

    hca_handles: U32 | None = None
    hca_objects: U32 | None = None


class Resources(Struct, frozen=True):
    """`linux.resources`: what the container's cgroup allows. `unified`: file of cgroup v2 → its text."""

    devices: list[DeviceCgroup] = []
    memory: Memory | None = None
    cpu: Cpu | None = None
    pids: Pids | None = None
    block_io: BlockIO | None = field(name="blockIO", default=None)
    hugepage_limits: list[HugepageLimit] = []
    network: Network | None = None
    rdma: dict[str, Rdma] = {}
    unified: dict[str, str] = {}


class SeccompArgument(Struct, frozen=True):
    """`linux.seccomp.syscalls[].args[]`: `op` is `SCMP_CMP_EQ`, NE, LT, LE, GT, GE or `SCMP_CMP_MASKED_EQ` (with the
    mask in `value` and what must remain in `value_two`)."""

    index: U32
    value: U64
    op: str
    value_two: U64 = 0


class SeccompRule(Struct, frozen=True):
    """`linux.seccomp.syscalls[]`: all of `args` must hold for the action to be taken."""

    names: list[str]
    action: str
    errno_ret: U32 | None = None
    args: list[SeccompArgument] = []


class Seccomp(Struct, frozen=True):
    """`linux.seccomp`: actions are `SCMP_ACT_ALLOW`, `SCMP_ACT_ERRNO`, …"""

    default_action: str
    default_errno_ret: U32 | None = None
    architectures: list[str] = []
    flags: list[str] = []
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: list[SeccompRule] = []


class Personality(Struct, frozen=True):
    """`linux.personality`, personality(2): `domain` is LINUX or LINUX32; no flags exist as yet."""

    domain: str
    flags: list[str] = []


class IntelRdt(Struct, frozen=True):
    """`linux.intelRdt`: a group of the resctrl file system."""

    clos_id: str = field(name="closID", default="")
    schemata: list[str] = []
    l3_cache_schema: str = field(name="l3CacheSchema", default="")
    mem_bw_schema: str = field(name="memBwSchema", default="")
    enable_cmt: bool = field(name="enableCMT", default=False)
    enable_mbm: bool = field(name="enableMBM", default=False)
    enable_monitoring: bool = False


class MemoryPolicy(Struct, frozen=True):
    """`linux.memoryPolicy`, set_mempolicy(2): `mode` MPOL_…, `nodes` "0-1,3", `flags` MPOL_F_…"""

    mode: str
    nodes: str = ""
    flags: list[str] = []


class Linux(Struct, frozen=True):
    """`linux`."""

    namespaces: list[Namespace] = []
    uid_mappings: list[IdMapping] = []
    gid_mappings: list[IdMapping] = []
    time_offsets: dict[str, TimeOffset] = {}
    devices: list[Device] = []
    net_devices: dict[str, NetDevice] = {}
    cgroups_path: str | None = None
    resources: Resources | None = None
    sysctl: dict[str, str] = {}
    rootfs_propagation: str = "private"
    seccomp: Seccomp | None = None
    masked_paths: list[str] = []
    readonly_paths: list[str] = []
    mount_label: str = ""
    personality: Personality | None = None
    intel_rdt: IntelRdt | None = None
    memory_policy: MemoryPolicy | None = None


class Spec(Struct, frozen=True, kw_only=True):
    """The whole `config.json`."""

    # The oldest that has what is nearly always used: older runtimes refuse newer numbers, and pass over newer fields.
    oci_version: str = field(default_factory=lambda: "1.0.2")
    root: Root
    process: Process
    hostname: str | None = None
    domainname: str | None = None
    mounts: list[Mount] = []
    hooks: Hooks | None = None
    linux: Linux = Linux()
    annotations: dict[str, str] = {}
