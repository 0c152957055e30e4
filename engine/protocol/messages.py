"""Every message of the wire, as frozen structs: this module is the protocol's documentation.

A frame is `[u32 big-endian length][JSON]` (see `framing`). The JSON is one object whose `"type"` names one of the
structs below (snake case of the class name). A connection carries requests in turn, each answered by exactly one reply;
a *stream* request (`StreamRequest`) takes its connection over: the engine answers with the stream's messages until it
ends, and only `StreamInput` messages may follow from the client. Unknown fields are ignored, because a newer peer may
send them. Times are UTC, RFC 3339. `bytes` travel as base64.

The values of limits, isolation, metrics, processes, networks and heaps have modules of their own beside this one, and
are sent as they are there. Imports these and msgspec.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from engine.protocol.heap import (
    HeapBlock,
    HeapField,
    HeapMap,
    HeapOptions,
    HeapProcess,
    HeapReport,
    HeapTarget,
    HeapView,
    Playground,
    PlaygroundOperation,
)
from engine.protocol.isolation import CapabilitySets, DeviceRule, IdMap, MountView, NamespaceView, SeccompRow
from engine.protocol.limits import LimitInForce, Limits, LimitWrite
from engine.protocol.metrics import Sample, Series, Source
from engine.protocol.network import (
    ContainerNetworks,
    DnsQuery,
    Health,
    HealthCheck,
    Interface,
    MapContainer,
    Neighbour,
    NetworkDetail,
    NetworkOption,
    PortMapping,
    PortOption,
    Route,
    RuleView,
    Socket,
)
from engine.protocol.presence import Person, Presentation, View
from engine.protocol.processes import Change, ProcessDetail, ProcessRow
from engine.protocol.receipts import Receipt, ReceiptStep
from engine.protocol.value import Value

VERSION = 1


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=False):
    """What all messages share: they are immutable and tagged by `"type"`."""


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


# --- values that messages are made of ---


class Status(StrEnum):
    """Where a container is in its life; `engine.containers.states` has the table of transitions."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"  # ended by itself; its restart policy will start it again after a delay
    STOPPED = "stopped"  # ended because somebody asked
    EXITED = "exited"  # ended by itself


class Role(StrEnum):
    """What a connection may do. An operator acts; a viewer reads."""

    OPERATOR = "operator"
    VIEWER = "viewer"


class ErrorCode(StrEnum):
    """Why a request was refused; the command line turns it into an exit status."""

    BAD_FRAME = "bad_frame"  # the frame is not what framing allows; the connection closes
    BAD_MESSAGE = "bad_message"  # the JSON is not a message we know
    INVALID = "invalid"  # a value that can't be accepted
    FORBIDDEN = "forbidden"  # the role does not allow it
    NO_SUCH_CONTAINER = "no_such_container"
    NO_SUCH_TERMINAL = "no_such_terminal"
    AMBIGUOUS = "ambiguous"
    NAME_IN_USE = "name_in_use"
    NO_SUCH_IMAGE = "no_such_image"
    NO_SUCH_VOLUME = "no_such_volume"
    NO_SUCH_NETWORK = "no_such_network"
    NO_SUCH_PROCESS = "no_such_process"
    NO_SUCH_PLAYGROUND = "no_such_playground"
    NO_SUCH_RECEIPT = "no_such_receipt"
    NO_HEAP = "no_heap"  # the process does not use our allocator, or another version of it
    WRONG_STATE = "wrong_state"
    COMMAND_NOT_FOUND = "command_not_found"  # exit status 127
    COMMAND_NOT_EXECUTABLE = "command_not_executable"  # exit status 126
    LAUNCH_FAILED = "launch_failed"  # a step of the set-up failed; exit status 125
    UNSUPPORTED = "unsupported"  # this kernel or this user can't
    STORAGE = "storage"  # state could not be written
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"  # a defect of ours


class RestartPolicy(Value, frozen=True):
    """`--restart no|on-failure[:n]|always|unless-stopped`; `maximum` 0 means no maximum."""

    name: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    maximum: int = 0


class MountOption(Value, frozen=True, forbid_unknown_fields=True):
    """A mount that was asked for: `-v`, `--mount`, `--tmpfs`.

    `source`: bind: an absolute path of the host; volume: its name, empty for a new one without a name; tmpfs: empty.
    `options`: those of mount(8) and of the OCI spec (ro, rro, noexec, rshared, idmap, size=64m …); of Docker's `z` and
    `Z` for SELinux labels, `nocopy` for volumes, `create` for a source that is made where it is missing.
    """

    type: Literal["bind", "volume", "tmpfs"]
    destination: str
    source: str = ""
    options: list[str] = []


class Scheduler(Value, frozen=True, forbid_unknown_fields=True):
    """`--scheduler`: policy and parameters of sched_setattr(2)."""

    policy: Literal["other", "batch", "idle", "fifo", "rr", "deadline", "iso"] = "other"
    nice: int = 0
    priority: int = 0
    runtime: int = 0  # ns, of deadline, as the next two
    deadline: int = 0
    period: int = 0
    flags: list[str] = []  # "reset-on-fork", "reclaim" …


class ContainerOptions(Value, frozen=True, forbid_unknown_fields=True):
    """What a person may ask of a new container: the options of `run` and `create`, and the keys of `--config FILE`.

    Unknown fields are refused: a person typed them. Either `image` or `rootfs` (an absolute path of a directory, used
    read-only below a layer of the container's own); neither means the default image.
    """

    image: str | None = None
    rootfs: str | None = None
    # an absolute path of an OCI bundle: run its config.json, on its root; no other option but name, tty, interactive,
    # remove, restart, labels and the terminal's size goes with it
    bundle: str | None = None
    command: list[str] = []  # empty: the image's own command
    name: str | None = None  # None: a generated one
    tty: bool = False
    interactive: bool = False  # standard input stays open
    workdir: str | None = None
    env: list[str] = []  # "NAME=value"
    hostname: str | None = None  # None: the short id
    user: str | None = None  # name|uid[:group|gid]
    read_only: bool = False
    init: bool = False
    remove: bool = False  # --rm
    restart: RestartPolicy = RestartPolicy()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}  # go into the spec
    # OCI type (pid, network, ipc, uts, user, cgroup, time) → private, host, container:NAME or ns:PATH; those not named
    # are private but for user and time, which are the engine's own ("host"). A network that is named private has
    # loopback only; one that is not named at all is private, too, and its container is in `networks`
    namespaces: dict[str, str] = {}
    networks: list[NetworkOption] = []  # none: the default network
    ports: list[PortOption] = []
    publish_all: bool = False  # -P: what `expose` names, each at any port that is free
    expose: list[str] = []  # "80/tcp"
    dns: list[str] = []  # servers that our resolver asks for this container, in place of the host's
    dns_search: list[str] = []
    dns_options: list[str] = []  # of resolv.conf(5)
    hosts: list[str] = []  # --add-host "NAME:ADDRESS"; the address "host-gateway" is the host's
    health: HealthCheck | None = None
    uid_map: list[str] = []  # "inside:outside:size"; with any, the user namespace is a private one
    gid_map: list[str] = []
    time_offsets: dict[str, float] = {}  # monotonic, boottime → seconds; with any, the time namespace is a private one
    mounts: list[MountOption] = []
    devices: list[str] = []  # "/dev/x[:/dev/y][:rwm]"
    device_rules: list[str] = []  # --device-cgroup-rule: "c 13:* rwm"
    shm_size: int | None = None  # bytes; of /dev/shm
    cap_add: list[str] = []  # with or without CAP_, any case; ALL
    cap_drop: list[str] = []
    privileged: bool = False
    seccomp: str | None = None  # None: ours; "unconfined"; "log": ours, but what it refuses is logged and let through;
    # else a profile in Docker's JSON format
    apparmor: str | None = None  # a profile that is loaded, or "unconfined"
    selinux: list[str] = []  # --security-opt label=…: "type:svirt_lxc_net_t", "disable" …
    no_new_privileges: bool | None = None  # None: yes, unless it is privileged
    unmasked: bool = False  # --security-opt systempaths=unconfined
    ulimits: list[str] = []  # "nofile=1024:2048"
    sysctls: dict[str, str] = {}
    oom_score_adj: int | None = None
    umask: str | None = None  # octal
    groups: list[str] = []  # --group-add, names or numbers
    domainname: str | None = None
    scheduler: Scheduler | None = None
    io_priority: str | None = None  # "best-effort:4", "idle", "realtime:0" (ionice(1))
    personality: Literal["linux", "linux32"] | None = None
    heap: HeapOptions | None = None  # --heap: our allocator in place of the programs' own malloc
    limits: Limits = Limits()
    cgroup_parent: str | None = None  # a path below the cgroups' root, as Docker
    columns: int = 80  # first size of the terminal
    lines: int = 24


class TerminalSummary(Value, frozen=True):
    """A terminal that somebody opened: a session (setsid(2)) of its own that lives in the engine until it is closed."""

    id: str  # "t1", "t2" …; never used twice by one keeper
    command: list[str]
    pid: int
    created_at: datetime
    columns: int
    lines: int
    container: str | None = None  # the container it was opened in, by id; None: on the host
    title: str = ""  # as its program set it (OSC 2)
    directory: str | None = None  # as its program told it (OSC 7)
    clients: int = 0  # who take part now


class JobProcess(Value, frozen=True):
    """A process of a job. `status`: 0-255, 128+n for death by signal n; `signal`: what stopped or ended it ("TSTP")."""

    pid: int
    command: str
    state: Literal["running", "stopped", "done"]
    status: int | None = None
    signal: str | None = None


class Job(Value, frozen=True):
    """A process group. `number` and `mark` are the shell's; without a shell that tells them they are None and ""."""

    pgid: int
    command: str
    state: Literal["running", "stopped", "done"]
    processes: list[JobProcess]
    foreground: bool = False  # it has the terminal (tcgetpgrp(3))
    number: int | None = None
    mark: Literal["+", "-", ""] = ""


class JobEvent(Value, frozen=True):
    """Something that happened to a process. `time`: seconds since the epoch."""

    time: float
    kind: Literal["fork", "exec", "setpgid", "foreground", "stop", "continue", "exit"]
    pid: int  # for foreground: 0
    pgid: int
    text: str = ""  # exec: the command; stop and death: the signal; exit: the status


class ContainerSummary(Value, frozen=True):
    """One row of `ps`."""

    id: str  # 12 hexadecimal digits
    name: str
    image: str
    command: list[str]
    status: Status
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pid: int | None = None  # of the container's init, as the engine's PID namespace numbers it
    exit_code: int | None = None
    restarts: int = 0
    tty: bool = False
    labels: dict[str, str] = {}
    ports: list[PortMapping] = []  # published now
    networks: list[str] = []  # names
    health: Literal["", "starting", "healthy", "unhealthy"] = ""


class Mount(Value, frozen=True):
    """A mount inside a container as `inspect` shows it; of a named volume the type is `volume`."""

    destination: str
    type: str
    source: str
    options: list[str] = []
    volume: str = ""  # its name


class StateDetail(Value, frozen=True):
    """The `state` object of `inspect`."""

    status: Status
    pid: int | None
    exit_code: int | None
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None = None  # why the last start failed, in one sentence
    restarts: int = 0
    oom_killed: bool = False  # the OOM killer ended a process of its present or last run
    health: Health | None = None  # while it runs, if it has a check


class ContainerDetail(Value, frozen=True):
    """One object of `inspect`."""

    id: str
    name: str
    image: str
    created_at: datetime
    state: StateDetail
    options: ContainerOptions
    restart_policy: RestartPolicy
    mounts: list[Mount]
    spec: dict[str, Any]  # the OCI runtime spec it is run by
    log_path: str
    labels: dict[str, str] = {}
    network: ContainerNetworks = ContainerNetworks()


class LaunchStep(Value, frozen=True):
    """One call of the launch receipt. Times are nanoseconds since the launch began."""

    index: int  # from 1
    call: str  # the system call's name
    arguments: str  # as text, in strace's manner
    why: str
    group: str  # the part of the set-up that it belongs to: "namespaces", "root", "devices", …
    start: int
    end: int
    result: int  # the call's result; a negative errno where it failed
    outcome: Literal["done", "allowed", "skipped", "failed", "not reached"]  # allowed: failed, and that is fine


class ImageSummary(Value, frozen=True):
    """One built-in image."""

    name: str
    description: str
    command: list[str]
    available: bool
    reason: str = ""  # why it is not available


class VolumeDetail(Value, frozen=True):
    """A named volume: a directory that outlives the containers that use it."""

    name: str
    created_at: datetime
    path: str
    labels: dict[str, str] = {}
    anonymous: bool = False  # made for one container, without a name
    used_by: list[str] = []  # names of containers, running or not
    size: int | None = None  # bytes; only where it was asked for


class Finding(Value, frozen=True):
    """One line of `doctor`."""

    name: str
    status: Literal["ok", "limited", "missing"]
    text: str  # what was found, and what it costs where something is missing


# --- requests ---


class Request(Message, frozen=True, tag=_snake):
    """A question; one reply answers it."""


class GetEngine(Request, frozen=True):
    """Who is there. → EngineInfo

    `viewer`: whoever the client is, this connection only looks from now on, and nothing takes that back.
    """

    viewer: bool = False


class StopEngine(Request, frozen=True):
    """End engine and keeper. Refused (wrong_state) while containers run, unless `all` stops them first. → Done"""

    all: bool = False


class GetDoctor(Request, frozen=True):
    """What this machine can and can't do. → Doctor"""


class ListImages(Request, frozen=True):
    """→ Images"""


class CreateContainer(Request, frozen=True):
    """→ ContainerRef"""

    options: ContainerOptions


class MakeSpec(Request, frozen=True):
    """What `options` mean as an OCI spec, for a root at `root`, which may be relative to the bundle. Nothing is made of
    it. → MadeSpec"""

    options: ContainerOptions
    root: str = "rootfs"


class StartContainer(Request, frozen=True):
    """Start a created, stopped or exited container; answered once its program runs. → ContainerRef"""

    container: str  # everywhere: an id, a unique prefix of one, or a name


class RunContainer(Request, frozen=True):
    """Create and start in one go; nothing is left behind when either fails. → ContainerRef"""

    options: ContainerOptions


class StopContainer(Request, frozen=True):
    """TERM to the container's init, KILL after `timeout` seconds; answered when it has ended. → Done"""

    container: str
    timeout: float = 10.0


class KillContainer(Request, frozen=True):
    """A signal to the container's init. → Done"""

    container: str
    signal: str = "KILL"  # name with or without SIG, or number


class PauseContainer(Request, frozen=True):
    """Freeze all of its processes. → Done"""

    container: str


class UnpauseContainer(Request, frozen=True):
    """→ Done"""

    container: str


class RemoveContainer(Request, frozen=True):
    """Remove the container with its files and logs. A running one only with `force` (KILL first). → Done"""

    container: str
    force: bool = False
    volumes: bool = False  # with the volumes that were made for it, without a name


class WaitContainer(Request, frozen=True):
    """Answered when the container is not running: at once if it is not now. → ExitStatus"""

    container: str


class RenameContainer(Request, frozen=True):
    """→ Done"""

    container: str
    name: str


class ListContainers(Request, frozen=True):
    """→ Containers, newest first. All `filters` must hold: `status=running`, `name=web` (a substring), `id=prefix`,
    `image=busybox`, `label=key[=value]`."""

    all: bool = False  # not only the running, paused and restarting ones
    filters: list[str] = []


class InspectContainer(Request, frozen=True):
    """→ Inspected"""

    container: str


class GetLaunch(Request, frozen=True):
    """The receipt of the container's last launch. → Launch"""

    container: str


class TopContainer(Request, frozen=True):
    """Its processes, by pid. The answer takes `interval` seconds, over which the use of CPUs is measured. → Top"""

    container: str
    interval: float = 0.25  # 0.05 to 10


class GetProcess(Request, frozen=True):
    """All of one process of a running container. `pid` as the engine numbers it, or `inside` as the container does;
    `start`, of a ProcessRow, makes sure that it is that process and not a later one of its number. → ProcessShown"""

    container: str
    pid: int
    inside: bool = False
    start: int | None = None


class ExplainProcess(Request, frozen=True):
    """Where a number of a process comes from: one of `processes.FIGURES`. Takes a quarter of a second. → Explanation"""

    container: str
    pid: int
    figure: str
    inside: bool = False
    start: int | None = None


class SignalProcess(Request, frozen=True):
    """A signal to one process of a running container, through a pidfd (pidfd_send_signal(2)). → Done"""

    container: str
    pid: int
    signal: str = "TERM"  # name with or without SIG, or number
    inside: bool = False
    start: int | None = None


class NiceProcess(Request, frozen=True):
    """Another nice value for all threads of one process of a running container (setpriority(2)). → Done"""

    container: str
    pid: int
    nice: int  # -20 to 19; for less than it has the engine needs CAP_SYS_NICE
    inside: bool = False
    start: int | None = None


class ListChanges(Request, frozen=True):
    """What differs from the image in the container's own layer, running or not. → Changes"""

    container: str
    limit: int = 100_000  # of changes


class UpdateContainer(Request, frozen=True):
    """Change limits of a container, at once if it runs, else from its next start. All or nothing. → Updated"""

    container: str
    limits: Limits


class GetLimits(Request, frozen=True):
    """The limits in force, read from the kernel. The container must run. → LimitsInForce"""

    container: str


class GetIsolation(Request, frozen=True):
    """What the container can and can't see and do. It must run. → Isolation"""

    container: str


class GetSeccomp(Request, frozen=True):
    """The filter that its programs run under. → SeccompFilter"""

    container: str


class GetStats(Request, frozen=True):
    """One sample of each: with rates, so it may take up to a second. Empty: all containers that run; "" among them is
    the machine. `metrics`: only these; empty: all. → Stats"""

    containers: list[str] = []
    metrics: list[str] = []


class GetHistory(Request, frozen=True):
    """What is remembered of some metrics of a container or the machine (""), ten minutes at most. → History"""

    container: str
    metrics: list[str]


class ExplainMetric(Request, frozen=True):
    """Where a number comes from. → Explanation"""

    container: str  # or "": the machine
    metric: str


class CreateVolume(Request, frozen=True):
    """→ Volumes (one). Without a name it gets a generated one. One that is there already is answered as it is."""

    name: str | None = None
    labels: dict[str, str] = {}


class ListVolumes(Request, frozen=True):
    """→ Volumes, by name. `filters`: `name=`, `label=key[=value]`, `dangling=true|false`."""

    filters: list[str] = []


class InspectVolume(Request, frozen=True):
    """→ Volumes (one, with its size)"""

    name: str


class RemoveVolume(Request, frozen=True):
    """Refused (wrong_state) while a container uses it. → Done"""

    name: str


class PruneVolumes(Request, frozen=True):
    """Remove those that no container uses: without `all` only those without a name. → Volumes: what is gone"""

    all: bool = False


class CreateNetwork(Request, frozen=True):
    """Make a network. Without subnets one of each family is chosen, clear of every route of the host. → Networks"""

    name: str
    subnets: list[str] = []  # at most one of each family
    gateways: list[str] = []  # in them; elsewhere the first address of a subnet
    ipv6: bool = True  # also where no subnet of it is given
    internal: bool = False
    mtu: int | None = None  # None: that of the host's default route
    labels: dict[str, str] = {}


class ListNetworks(Request, frozen=True):
    """→ Networks"""

    filters: list[str] = []  # "name=x", "label=x", "internal=true"


class InspectNetwork(Request, frozen=True):
    """→ Networks"""

    network: str  # name, id, or a unique prefix of one


class RemoveNetwork(Request, frozen=True):
    """Refused while containers ask for it. → Done"""

    network: str


class PruneNetworks(Request, frozen=True):
    """Remove those that no container asks for. → Networks, the removed ones"""


class ConnectNetwork(Request, frozen=True):
    """Put a container into one more network; at once, if it runs. → Done"""

    network: NetworkOption
    container: str


class DisconnectNetwork(Request, frozen=True):
    """Take a container out of a network. → Done"""

    network: str
    container: str


class PublishPort(Request, frozen=True):
    """Publish one more port of a container; at once, if it runs, and at every start. → Ports, those that are new"""

    container: str
    port: PortOption


class UnpublishPort(Request, frozen=True):
    """Take back what `PublishPort` or `-p` published at this port of the container. → Ports, those that are gone"""

    container: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"


class GetNetworkMap(Request, frozen=True):
    """→ NetworkMap"""


class GetContainerNetwork(Request, frozen=True):
    """Addresses, routes, neighbours, sockets and rules of a running container. → ContainerNetwork"""

    container: str


class ListHeaps(Request, frozen=True):
    """The processes of a running container, and which of them have a heap of ours. → Heaps"""

    container: str


class GetHeap(Request, frozen=True):
    """Its figures. `exact`: should it change all the time, freeze its container for a moment. → HeapFigures"""

    target: HeapTarget
    exact: bool = False


class GetHeapMap(Request, frozen=True):
    """A picture of it. → HeapPicture"""

    target: HeapTarget
    view: HeapView = HeapView()
    exact: bool = False


class GetFreeList(Request, frozen=True):
    """Free blocks in list order: those of one bin, or of all of them, smallest first. → FreeList"""

    target: HeapTarget
    bin: int | None = None
    skip: int = 0
    limit: int = 200  # at most 1,000


class GetHeapBytes(Request, frozen=True):
    """Bytes of the heap's memory, at most 4,096, and what they mean. → HeapBytes"""

    target: HeapTarget
    address: str
    size: int = 256


class OpenPlayground(Request, frozen=True):
    """A heap of one's own in the engine's care. → PlaygroundShown"""

    options: HeapOptions = HeapOptions()
    like: str | None = None  # with the operations of this one, at its step: the same with another policy


class ListPlaygrounds(Request, frozen=True):
    """→ Playgrounds"""


class GetPlayground(Request, frozen=True):
    """→ PlaygroundShown"""

    playground: str


class Play(Request, frozen=True):
    """Put operations after the present step, in place of those that were to come, and do them if `run`. Text as in a
    trace, one per line: `alloc 200`, `free #3`, `realloc #2 500`, `memalign 64 100`. → PlaygroundShown"""

    playground: str
    operations: list[str]
    run: bool = True
    append: bool = False  # after all that are to come


class SeekPlayground(Request, frozen=True):
    """Go to a step, forward or back. → PlaygroundShown"""

    playground: str
    step: int


class PeekPlayground(Request, frozen=True):
    """What the next operation would answer, without doing it. → Peeked"""

    playground: str


class ListPlay(Request, frozen=True):
    """Its operations around a step. → Operations"""

    playground: str
    first: int = 1
    limit: int = 200  # at most 10,000


class ClosePlayground(Request, frozen=True):
    """→ Done"""

    playground: str


class ListReceipts(Request, frozen=True):
    """Of requests that changed something, the last 500; those after number `since`. → Receipts, the oldest first"""

    since: int = 0


class GetReceipt(Request, frozen=True):
    """One, with what it made the kernel do. → ReceiptShown

    `engine`: as the receipt has it, so that another engine's of that number is not taken for it. None: of this one.
    """

    number: int
    engine: datetime | None = None


class ResizeTerminal(Request, frozen=True):
    """Resize the container's terminal. → Done"""

    container: str
    columns: int
    lines: int


class OpenTerminal(Request, frozen=True):
    """Start a shell or another program on a terminal of its own, which stays when its clients leave. → TerminalRef

    With `container` (running) inside of it, as exec does; else on the host, as the engine's own user, outside of any
    namespace. Empty `command`: heliosh on the host, the best shell there is in a container.
    """

    container: str | None = None
    command: list[str] = []
    workdir: str | None = None
    env: list[str] = []  # "NAME=value"; on the host all there is, in a container added to its own
    columns: int = 80
    lines: int = 24


class ListTerminals(Request, frozen=True):
    """→ Terminals, oldest first."""


class CloseTerminal(Request, frozen=True):
    """Hang up (HUP and CONT to all of the session), KILL what is left after two seconds. → Done, when it has ended."""

    terminal: str


class ActOnJob(Request, frozen=True):
    """Do something to a process group of a terminal. → Done

    `foreground` needs a shell that waits for a command: it is made to run `fg`. `background` stops a foreground job and
    lets it go on without the terminal. The others are signals to the whole group.
    """

    pgid: int
    action: Literal["foreground", "background", "stop", "continue", "signal"]
    terminal: str | None = None  # one of these two
    container: str | None = None
    signal: str = "TERM"  # for `signal`


class GetPresence(Request, frozen=True):
    """Who has a console open, who presents and who follows. → PresenceTold"""


class EndPresentation(Request, frozen=True):
    """End the presentation, whoever presents. → Done"""


class StreamRequest(Message, frozen=True, tag=_snake):
    """A request that takes its connection over."""


class JoinPresence(StreamRequest, frozen=True):
    """Be one of those who have a console open, for as long as the connection lasts.

    → `PresenceTold` at once and whenever it changed, `ViewShown` of the presenter's view to who follows; of either only
    the latest, to who is slow; `PresenceRefused`. The client may send `Present`, `PublishView`, `FollowPresenter`,
    `HandOver`, `TakeBack`, `StopPresenting`. `key`: any text that nobody else knows; who lost his line while he
    presented and comes back with the same one goes on.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    key: Annotated[str, msgspec.Meta(max_length=80)] = ""


class JoinTerminal(StreamRequest, frozen=True):
    """Take part in a terminal that was opened. → as `Attach`"""

    terminal: str
    input: bool = True
    columns: int | None = None
    lines: int | None = None


class StreamJobs(StreamRequest, frozen=True):
    """→ `JobTable` at once and whenever something changed; `StreamEnd` when the terminal or the container's program
    ends. Of a container: the jobs of its own terminal."""

    terminal: str | None = None  # one of these two
    container: str | None = None


class StreamEvents(StreamRequest, frozen=True):
    """→ Events of everything, as they happen: first a `Ready`, then `Event`…"""


class StreamLogs(StreamRequest, frozen=True):
    """→ `LogRecord`…, then `StreamEnd`: when not following, when the container ends, or, `onward`, is removed."""

    container: str
    tail: int | None = None  # lines; None: all
    follow: bool = False  # what its present run still writes, too
    onward: bool = False  # with `follow`: and what its next ones write
    since: datetime | None = None


class StreamStats(StreamRequest, frozen=True):
    """→ `Stats` every `period` seconds: 1, or 0.1 for containers that are named. Empty: all that run, as they come and
    go; "" among them is the machine. `metrics`: only these are sent; empty: all. Ends with `StreamEnd` when none of
    the named is left."""

    containers: list[str] = []
    period: float = 1.0
    metrics: list[str] = []


class StreamReceipts(StreamRequest, frozen=True):
    """Those after number `since`, then each as it is opened, and once more when it has changed. Stream of Receipts"""

    since: int = 0


class StreamNetworkMap(StreamRequest, frozen=True):
    """The map, at once and then every `interval` seconds. Stream of NetworkMap"""

    interval: float = 1.0  # 0.1 to 60


class StreamDns(StreamRequest, frozen=True):
    """What containers asked our resolver: the last `backlog` questions, then each one answered. Stream of DnsLog"""

    container: str | None = None  # None: all
    backlog: int = 100


class StreamCapture(StreamRequest, frozen=True):
    """The frames of a running container's interfaces as a pcap file (LINKTYPE_LINUX_SLL2 or ETHERNET). Stream of
    CaptureChunk, whose data make up the file; ends when the container does, or at the limit"""

    container: str
    interface: str | None = None  # None: the first one that is not loopback
    snaplen: int = 262_144  # bytes of a frame that are kept
    limit: int = 100_000_000  # bytes of the file


class Attach(StreamRequest, frozen=True):
    """Take part in the container's terminal or pipes, as one of any number of clients.

    → `Attached`; for a terminal that is not blank one `Output` that draws it; `Output`…; `Exited` when the program
    ends. The client may send `Input`, `CloseInput`, `Resize`; it detaches by closing the connection. `start` starts
    the container once the client is attached, so that nothing of its output is missed; a container that is not
    running is refused without it.
    """

    container: str
    input: bool = True
    start: bool = False
    columns: int | None = None  # the client's size; None leaves the terminal as it is
    lines: int | None = None


class Exec(StreamRequest, frozen=True):
    """Run another program in a running container. → as `Attach`; the program is killed when the client goes away
    without `detach`."""

    container: str
    command: list[str]
    tty: bool = False
    interactive: bool = False
    detach: bool = False  # answered by Attached and StreamEnd at once
    workdir: str | None = None
    env: list[str] = []
    user: str | None = None
    namespaces: list[str] = []  # OCI types; empty: all of the container's, else only these, and the host's for the rest
    privileged: bool = False  # all capabilities that the container's namespaces know
    columns: int = 80
    lines: int = 24


# --- what a client sends on a stream ---


class StreamInput(Message, frozen=True, tag=_snake):
    """A message from the client within a stream."""


class Input(StreamInput, frozen=True):
    """Bytes for standard input or the terminal; at most 64 KiB."""

    data: bytes


class CloseInput(StreamInput, frozen=True):
    """End of standard input (pipes only)."""


class Resize(StreamInput, frozen=True):
    """The client's terminal has this size now."""

    columns: int
    lines: int


class Present(StreamInput, frozen=True):
    """Begin to present, or go on with what one began and lost. Operators only; refused while somebody else presents."""


class PublishView(StreamInput, frozen=True):
    """What the presenter looks at now. Who does not present is not heard. Some twenty a second are taken."""

    view: View


class FollowPresenter(StreamInput, frozen=True):
    """Whether this console moves with the presenter's from now on."""

    following: bool = True


class HandOver(StreamInput, frozen=True):
    """Let somebody else present, by id. By who presents, or who began it."""

    to: str


class TakeBack(StreamInput, frozen=True):
    """Present again what one has begun and handed over."""


class StopPresenting(StreamInput, frozen=True):
    """By who began it: end it. By who was handed it: give it back."""


# --- replies ---


class Reply(Message, frozen=True, tag=_snake):
    """An answer."""


class Error(Reply, frozen=True):
    """The request was refused or failed. `message` is one sentence for a person."""

    code: ErrorCode
    message: str


class Done(Reply, frozen=True):
    """It is done; there is nothing to tell."""


class EngineInfo(Reply, frozen=True):
    pid: int
    keeper_pid: int
    socket: str
    version: str
    protocol: int
    role: Role
    rootless: bool
    running: int
    containers: int


class Doctor(Reply, frozen=True):
    findings: list[Finding]


class Images(Reply, frozen=True):
    images: list[ImageSummary]


class ContainerRef(Reply, frozen=True):
    id: str
    name: str
    warnings: list[str] = []  # sentences: what was asked for by nobody, and could not be had


class TerminalRef(Reply, frozen=True):
    terminal: str


class Terminals(Reply, frozen=True):
    terminals: list[TerminalSummary]


class ExitStatus(Reply, frozen=True):
    """`exit_code`: 0-255, 128+n for death by signal n; `error`: why it never started."""

    exit_code: int
    error: str | None = None


class Containers(Reply, frozen=True):
    containers: list[ContainerSummary]


class Inspected(Reply, frozen=True):
    container: ContainerDetail


class MadeSpec(Reply, frozen=True):
    """`spec`: as config.json has it."""

    spec: dict[str, Any]


class Launch(Reply, frozen=True):
    """The launch receipt. `executor`: fast (C) or portable (Python); `total`: nanoseconds from first call to execve."""

    id: str
    name: str
    executor: Literal["fast", "portable"]
    started_at: datetime
    total: int
    steps: list[LaunchStep]


class Top(Reply, frozen=True):
    processes: list[ProcessRow]


class ProcessShown(Reply, frozen=True):
    detail: ProcessDetail


class Changes(Reply, frozen=True):
    """By path. `truncated`: there are more than were asked for, or directories too deep to be looked into; `notes`:
    sentences about what is not part of the layer."""

    changes: list[Change]
    truncated: bool = False
    notes: list[str] = []


class Updated(Reply, frozen=True):
    """What was written, in order; empty where the container does not run."""

    writes: list[LimitWrite]


class LimitsInForce(Reply, frozen=True):
    """`version`: of the cgroups they come from."""

    version: Literal[1, 2]
    limits: list[LimitInForce]


class Isolation(Reply, frozen=True):
    """Of the container's init, as the kernel has it now; `masked` and `read_only` paths as its spec has them.

    `seccomp`: "off", "filter" or "strict" (proc_pid_status(5)); `label`: of AppArmor or SELinux.
    """

    pid: int
    namespaces: list[NamespaceView]
    uid_map: list[IdMap]
    gid_map: list[IdMap]
    capabilities: CapabilitySets
    seccomp: str
    seccomp_default: str  # the action for calls without a rule; "" when there is no filter
    seccomp_rules: list[SeccompRow]
    no_new_privileges: bool
    label: str
    mounts: list[MountView]
    masked: list[str]
    read_only: list[str]
    devices: list[DeviceRule]
    cgroups: list[str]  # its cgroup directories


class SeccompFilter(Reply, frozen=True):
    """`program`: annotated BPF, one instruction a line, empty without a filter."""

    mode: Literal["unconfined", "filter"]
    default: str
    rules: list[SeccompRow]
    architectures: list[str]
    program: list[str]


class Stats(Reply, frozen=True):
    samples: list[Sample]


class History(Reply, frozen=True):
    series: list[Series]


class Explanation(Reply, frozen=True):
    """`formula` with names, `arithmetic` with the numbers of the last two readings put in, `value` what comes out."""

    metric: str
    unit: str
    what: str
    sources: list[Source]
    formula: str
    arithmetic: str
    value: float | None


class Volumes(Reply, frozen=True):
    volumes: list[VolumeDetail]


class Heaps(Reply, frozen=True):
    processes: list[HeapProcess]


class HeapFigures(Reply, frozen=True):
    heap: HeapReport


class HeapPicture(Reply, frozen=True):
    map: HeapMap


class FreeList(Reply, frozen=True):
    blocks: list[HeapBlock]
    count: int  # of all there are


class HeapBytes(Reply, frozen=True):
    address: str
    data: bytes
    fields: list[HeapField]


class PlaygroundShown(Reply, frozen=True):
    playground: Playground


class Playgrounds(Reply, frozen=True):
    playgrounds: list[Playground]


class Peeked(Reply, frozen=True):
    """`address`: the block that the next operation would answer; None: none, or it would end the program: `ended`."""

    address: str | None
    words: list[str] = []
    ended: str = ""


class Operations(Reply, frozen=True):
    operations: list[PlaygroundOperation]


class Receipts(Reply, frozen=True):
    """Receipts without their steps. `you`, of a stream: the pid by which this client is known, 0 where it is not;
    `engine`: when the engine began."""

    receipts: list[Receipt]
    you: int = 0
    engine: datetime | None = None


class ReceiptShown(Reply, frozen=True):
    """`steps` in the order in which they began."""

    receipt: Receipt
    steps: list[ReceiptStep]


# --- what the engine sends on a stream ---


class Networks(Reply, frozen=True):
    networks: list[NetworkDetail]


class Ports(Reply, frozen=True):
    ports: list[PortMapping]


class PresenceTold(Reply, frozen=True):
    """`you`: the id of whom it is told. `people`: to who presents or began it, and to who asked; they can be many."""

    you: str = ""
    presentation: Presentation | None = None
    people: list[Person] = []


class ViewShown(Reply, frozen=True):
    """What the presenter looks at."""

    view: View


class PresenceRefused(Reply, frozen=True):
    """What was asked for last within the stream is not done; one sentence. The stream goes on."""

    message: str


class NetworkMap(Reply, frozen=True):
    """Host, bridges, containers and published ports, as they are now. Who asks twice makes rates of the counters."""

    time: float  # seconds since the epoch
    interfaces: list[Interface]  # of the host: its own, our bridges, our veths
    networks: list[NetworkDetail]
    containers: list[MapContainer]
    forwarding: bool = False  # ip_forward, IPv4
    forwarding6: bool = False
    coexistence: list[str] = []  # a sentence for each other firewall that we get along with, or name server
    rootless: str = ""  # what connects us to the world where we are not root: "pasta", "slirp4netns"; "none": nothing
    reason: str = ""  # why there are no networks but loopback


class ContainerNetwork(Reply, frozen=True):
    """One container's network as its own tools would show it."""

    time: float
    interfaces: list[Interface]
    routes: list[Route]
    neighbours: list[Neighbour]
    sockets: list[Socket]
    rules: list[RuleView]
    resolvers: list[str] = []  # of its resolv.conf, and behind our own resolver: "10.88.0.1 (heliostui) → 192.0.2.53"
    hosts: str = ""  # its /etc/hosts


class DnsLog(Reply, frozen=True):
    queries: list[DnsQuery]
    lost: int = 0  # questions since the last message that are not told: there were too many


class CaptureChunk(Reply, frozen=True):
    """More of the file. `packets` so far, `dropped` by the kernel so far; `full`: the limit was reached."""

    data: bytes
    packets: int
    dropped: int = 0
    full: bool = False


class Ready(Reply, frozen=True):
    """The stream is set up; what happens from now on will be told."""


class Event(Reply, frozen=True):
    """Something happened. `action`: create start exec die stop kill pause unpause restart rename remove resize attach
    detach launch_failed update oom pids_limit hook health_status network_connect network_disconnect port_publish
    port_unpublish, signal renice of one process; of terminals terminal_open terminal_change terminal_close, with the
    terminal's id as `name` and its container, or "", as `container`."""

    time: datetime
    action: str
    container: str  # id
    name: str
    attributes: dict[str, str] = {}  # exit_code, signal, error, status (of health) …


class JobTable(Reply, frozen=True):
    """The jobs of one terminal. `events`: what happened since the last JobTable; in the first one, in the last minute.

    `source`: told by the shell itself, or derived from /proc. `shell`: the one that tells (of several, one within the
    other, the last to speak), else the session's leader. `foreground`: the process group that has the terminal; the
    shell's own while it waits for a command.
    """

    source: Literal["heliosh", "proc"]
    shell: int
    shell_pgid: int
    foreground: int
    jobs: list[Job]
    events: list[JobEvent] = []


class LogRecord(Reply, frozen=True):
    """A piece of output as it was read; not necessarily a line, nor whole characters."""

    stream: Literal["stdout", "stderr"]
    time: datetime
    data: bytes


class Attached(Reply, frozen=True):
    """`columns` and `lines` are the terminal's size now; 0 where there is none."""

    id: str
    name: str
    tty: bool
    columns: int
    lines: int


class Output(Reply, frozen=True):
    """Bytes of the program. `redraw` marks bytes that draw a whole screen anew: clear first."""

    data: bytes
    stream: Literal["stdout", "stderr"] = "stdout"
    redraw: bool = False


class Resized(Reply, frozen=True):
    """Somebody resized the terminal."""

    columns: int
    lines: int


class Exited(Reply, frozen=True):
    """The program ended; the stream ends after this."""

    exit_code: int


class StreamEnd(Reply, frozen=True):
    """Nothing more will come."""


AnyRequest = (
    GetEngine
    | StopEngine
    | GetDoctor
    | ListImages
    | CreateContainer
    | MakeSpec
    | StartContainer
    | RunContainer
    | StopContainer
    | KillContainer
    | PauseContainer
    | UnpauseContainer
    | RemoveContainer
    | WaitContainer
    | RenameContainer
    | ListContainers
    | InspectContainer
    | GetLaunch
    | TopContainer
    | GetProcess
    | ExplainProcess
    | SignalProcess
    | NiceProcess
    | ListChanges
    | UpdateContainer
    | GetLimits
    | GetIsolation
    | GetSeccomp
    | GetStats
    | GetHistory
    | ExplainMetric
    | CreateVolume
    | ListVolumes
    | InspectVolume
    | RemoveVolume
    | PruneVolumes
    | CreateNetwork
    | ListNetworks
    | InspectNetwork
    | RemoveNetwork
    | PruneNetworks
    | ConnectNetwork
    | DisconnectNetwork
    | PublishPort
    | UnpublishPort
    | GetNetworkMap
    | GetContainerNetwork
    | ListHeaps
    | GetHeap
    | GetHeapMap
    | GetFreeList
    | GetHeapBytes
    | OpenPlayground
    | ListPlaygrounds
    | GetPlayground
    | Play
    | SeekPlayground
    | PeekPlayground
    | ListPlay
    | ClosePlayground
    | ListReceipts
    | GetReceipt
    | ResizeTerminal
    | OpenTerminal
    | ListTerminals
    | CloseTerminal
    | ActOnJob
    | GetPresence
    | EndPresentation
    | JoinPresence
    | JoinTerminal
    | StreamJobs
    | StreamEvents
    | StreamLogs
    | StreamStats
    | StreamNetworkMap
    | StreamDns
    | StreamCapture
    | StreamReceipts
    | Attach
    | Exec
)
AnyStreamInput = (
    Input | CloseInput | Resize | Present | PublishView | FollowPresenter | HandOver | TakeBack | StopPresenting
)
AnyReply = (
    Error
    | Done
    | EngineInfo
    | Doctor
    | Images
    | ContainerRef
    | TerminalRef
    | Terminals
    | JobTable
    | ExitStatus
    | Containers
    | Inspected
    | MadeSpec
    | Launch
    | Top
    | ProcessShown
    | Changes
    | Updated
    | LimitsInForce
    | Isolation
    | SeccompFilter
    | Stats
    | History
    | Explanation
    | Volumes
    | Networks
    | Ports
    | NetworkMap
    | ContainerNetwork
    | Heaps
    | HeapFigures
    | HeapPicture
    | FreeList
    | HeapBytes
    | PlaygroundShown
    | Playgrounds
    | Peeked
    | Operations
    | Receipts
    | ReceiptShown
    | DnsLog
    | CaptureChunk
    | PresenceTold
    | ViewShown
    | PresenceRefused
    | Ready
    | Event
    | LogRecord
    | Attached
    | Output
    | Resized
    | Exited
    | StreamEnd
)

# What a viewer may ask; everything else needs an operator.
VIEWER_REQUESTS: tuple[type, ...] = (
    GetEngine,
    GetDoctor,
    ListImages,
    WaitContainer,
    ListContainers,
    InspectContainer,
    GetLaunch,
    TopContainer,
    GetProcess,
    ExplainProcess,
    ListChanges,
    GetLimits,
    GetIsolation,
    GetSeccomp,
    GetStats,
    GetHistory,
    ExplainMetric,
    ListVolumes,
    InspectVolume,
    ListNetworks,
    InspectNetwork,
    GetNetworkMap,
    GetContainerNetwork,
    ListHeaps,
    GetHeap,
    GetHeapMap,
    GetFreeList,
    ListPlaygrounds,
    GetPlayground,
    ListPlay,
    ListReceipts,
    GetReceipt,
    ListTerminals,
    GetPresence,
    JoinPresence,  # to present is an operator's, unless one hands it over
    StreamEvents,
    StreamLogs,
    StreamJobs,
    StreamStats,
    StreamReceipts,
    StreamNetworkMap,
    Attach,  # without input
    JoinTerminal,  # without input
)
