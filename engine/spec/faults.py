"""What in a spec can't be although its types are right: one function for each part, each telling all that it finds.

Imports the structs and what the parts beside it know. Sources: runtime-spec config.md and config-linux.md; the
sections of the manual named there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from engine.errors import EngineError
from engine.spec import capabilities, id_maps, namespaces, process, seccomp_profile, sysctls
from engine.spec.limits import LEAST_MEMORY
from engine.spec.structs import (
    RLIMITS,
    Capabilities,
    Device,
    Hooks,
    IdMapping,
    Linux,
    MemoryPolicy,
    Mount,
    Namespace,
    Process,
    Resources,
    Scheduler,
    Spec,
)

VERSIONS = re.compile(r"1\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
PROPAGATION = ("", "private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable")
POLICIES = tuple(f"SCHED_{name}" for name in ("OTHER", "BATCH", "IDLE", "FIFO", "RR", "DEADLINE", "ISO"))
IO_CLASSES = tuple(f"IOPRIO_CLASS_{name}" for name in ("RT", "BE", "IDLE"))
MEMORY_POLICIES = tuple(
    f"MPOL_{name}"
    for name in ("DEFAULT", "BIND", "INTERLEAVE", "WEIGHTED_INTERLEAVE", "PREFERRED", "PREFERRED_MANY", "LOCAL")
)
MEMORY_FLAGS = tuple(f"MPOL_F_{name}" for name in ("NUMA_BALANCING", "RELATIVE_NODES", "STATIC_NODES"))
LIST = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*", re.ASCII)  # cpuset(7), "List format"
MOST_NODES = 1024  # the largest MAX_NUMNODES
HOSTNAME_MAXIMUM = 64  # bytes, sethostname(2)


class Fault(NamedTuple):
    """`why` is a clause without a full stop."""

    path: str
    why: str


Faults = Iterator[Fault]


def of(spec: Spec) -> Faults:
    """All faults, in the order of the specification."""
    if not VERSIONS.fullmatch(spec.oci_version):
        yield Fault("$.ociVersion", f'"{spec.oci_version}" is no version that is known here: it is 1.0.0 to 1.x')
    if not spec.root.path:
        yield Fault("$.root.path", "the path is empty")
    for number, mount in enumerate(spec.mounts):
        yield from _mount(f"$.mounts[{number}]", mount)
    yield from _process("$.process", spec.process)
    types = {namespace.type for namespace in spec.linux.namespaces}
    for name, value in (("hostname", spec.hostname), ("domainname", spec.domainname)):
        if value and "uts" not in types:
            yield Fault(f"$.{name}", "without a uts namespace it would be the host's own name")
        if value and len(value.encode(errors="replace")) > HOSTNAME_MAXIMUM:
            yield Fault(f"$.{name}", f"{HOSTNAME_MAXIMUM} bytes are the most")
    if spec.hooks:
        yield from _hooks("$.hooks", spec.hooks)
    if "" in spec.annotations:
        yield Fault("$.annotations", "a name is empty")
    yield from _linux("$.linux", spec.linux)


def _mount(path: str, mount: Mount) -> Faults:
    if not mount.destination:  # a relative one is old, and means below the root
        yield Fault(f"{path}.destination", "the path is empty")
    bound = mount.type == "bind" or {"bind", "rbind"} & set(mount.options)
    if bound and not mount.source:
        yield Fault(f"{path}.source", "a bind mount needs one")
    if not mount.type and not bound:
        yield Fault(f"{path}.type", "it is empty")
    if bool(mount.uid_mappings) != bool(mount.gid_mappings):
        yield Fault(path, "uidMappings and gidMappings come together")
    yield from _maps(f"{path}.uidMappings", mount.uid_mappings)
    yield from _maps(f"{path}.gidMappings", mount.gid_mappings)


def _process(path: str, program: Process) -> Faults:
    if not program.args or not program.args[0]:
        yield Fault(f"{path}.args", "it names no program")
    yield from _absolute(f"{path}.cwd", program.cwd)
    for number, entry in enumerate(program.env):
        if not entry.partition("=")[0] or "=" not in entry:
            yield Fault(f"{path}.env[{number}]", f'"{entry}" is not of the form NAME=value')
    size = program.console_size
    if size and program.terminal and not (0 <= size.height < 1 << 16 and 0 <= size.width < 1 << 16):
        yield Fault(f"{path}.consoleSize", "no terminal is that large")
    yield from _between(f"{path}.user.umask", program.user.umask, 0, 0o777)
    yield from _between(f"{path}.oomScoreAdj", program.oom_score_adj, -1000, 1000)
    if program.capabilities:
        yield from _capabilities(f"{path}.capabilities", program.capabilities)
    yield from _rlimits(f"{path}.rlimits", program)
    if program.scheduler:
        yield from _scheduler(f"{path}.scheduler", program.scheduler)
    if program.io_priority:
        yield from _one_of(f"{path}.ioPriority.class", program.io_priority.class_, IO_CLASSES, "class of I/O")
        yield from _between(f"{path}.ioPriority.priority", program.io_priority.priority, 0, 7)


def _capabilities(path: str, sets: Capabilities) -> Faults:
    for name in Capabilities.__struct_fields__:
        for number, capability in enumerate(getattr(sets, name)):
            if capability not in capabilities.NAMES:
                yield Fault(f"{path}.{name}[{number}]", f'"{capability}" is no capability: see capabilities(7)')
    for number, capability in enumerate(sets.effective):  # capset(2); ambient ones that can't be are left out
        if capability not in sets.permitted:
            yield Fault(f"{path}.effective[{number}]", f"{capability} is not in the permitted set, and needs to be")


def _rlimits(path: str, program: Process) -> Faults:
    seen = set()
    for number, limit in enumerate(program.rlimits):
        yield from _one_of(f"{path}[{number}].type", limit.type, RLIMITS, "limit of setrlimit(2)")
        if limit.type in seen:
            yield Fault(f"{path}[{number}].type", f"{limit.type} is there twice")
        seen.add(limit.type)
        if limit.soft > limit.hard:
            yield Fault(f"{path}[{number}].soft", f"{limit.soft} is above the hard limit, {limit.hard}")
        if limit.hard > process.INFINITY:
            yield Fault(f"{path}[{number}].hard", f"{limit.hard} is more than 64 bits hold")


def _scheduler(path: str, scheduler: Scheduler) -> Faults:
    yield from _one_of(f"{path}.policy", scheduler.policy, POLICIES, "scheduling policy")
    yield from _between(f"{path}.nice", scheduler.nice, -20, 19)
    if scheduler.policy in ("SCHED_FIFO", "SCHED_RR"):
        yield from _between(f"{path}.priority", scheduler.priority, 1, 99)
    elif scheduler.priority:
        yield Fault(f"{path}.priority", f"{scheduler.policy} has no priority")
    known = [f"SCHED_FLAG_{name.upper().replace('-', '_')}" for name in process.SCHEDULER_FLAGS]
    for number, flag in enumerate(scheduler.flags):
        yield from _one_of(f"{path}.flags[{number}]", flag, known, "flag of sched_setattr(2)")
    if scheduler.policy == "SCHED_DEADLINE":
        if not 0 < scheduler.runtime <= scheduler.deadline <= (scheduler.period or scheduler.deadline):
            yield Fault(path, "SCHED_DEADLINE needs runtime <= deadline <= period")
    elif scheduler.runtime or scheduler.deadline or scheduler.period:
        yield Fault(path, "only SCHED_DEADLINE has runtime, deadline and period")


def _hooks(path: str, hooks: Hooks) -> Faults:
    for field, name in zip(Hooks.__struct_fields__, Hooks.__struct_encode_fields__, strict=True):
        for number, hook in enumerate(getattr(hooks, field)):
            place = f"{path}.{name}[{number}]"
            yield from _absolute(f"{place}.path", hook.path)
            if hook.timeout is not None and hook.timeout <= 0:
                yield Fault(f"{place}.timeout", f"{hook.timeout} seconds can't be: it is more than 0")
            for index, entry in enumerate(hook.env):
                if not entry.partition("=")[0] or "=" not in entry:
                    yield Fault(f"{place}.env[{index}]", f'"{entry}" is not of the form NAME=value')


def _linux(path: str, linux: Linux) -> Faults:
    types = {namespace.type for namespace in linux.namespaces}
    yield from _namespaces(f"{path}.namespaces", linux.namespaces)
    yield from _user_namespace(path, linux, types)
    yield from _clocks(f"{path}.timeOffsets", linux, types)
    for number, device in enumerate(linux.devices):
        yield from _device(f"{path}.devices[{number}]", device)
    if linux.net_devices and "network" not in namespaces.own(linux.namespaces):
        yield Fault(f"{path}.netDevices", "devices are moved into a new network namespace only")
    if linux.resources:
        yield from _resources(f"{path}.resources", linux.resources)
    for name, value in linux.sysctl.items():
        try:
            sysctls.check(name, value, types)
        except EngineError as error:
            yield Fault(f"{path}.sysctl", error.message.rstrip("."))
    yield from _one_of(f"{path}.rootfsPropagation", linux.rootfs_propagation, PROPAGATION, "propagation")
    if linux.seccomp:
        yield from (Fault(*fault) for fault in seccomp_profile.faults(linux.seccomp, f"{path}.seccomp"))
    for name, paths in (("maskedPaths", linux.masked_paths), ("readonlyPaths", linux.readonly_paths)):
        for number, entry in enumerate(paths):
            yield from _absolute(f"{path}.{name}[{number}]", entry)
    if linux.memory_policy:
        yield from _memory_policy(f"{path}.memoryPolicy", linux.memory_policy)
    if linux.personality:
        yield from _one_of(f"{path}.personality.domain", linux.personality.domain, ("LINUX", "LINUX32"), "personality")
        if linux.personality.flags:
            yield Fault(f"{path}.personality.flags", "none are defined")


def _memory_policy(path: str, policy: MemoryPolicy) -> Faults:
    yield from _one_of(f"{path}.mode", policy.mode, MEMORY_POLICIES, "policy of set_mempolicy(2)")
    if policy.nodes and not LIST.fullmatch(policy.nodes.strip()):
        yield Fault(f"{path}.nodes", f'"{policy.nodes}" is no list: it is written as in 0-2,4')
    elif any(len(number) > 4 or int(number) >= MOST_NODES for number in re.findall(r"\d+", policy.nodes)):
        yield Fault(f"{path}.nodes", f'"{policy.nodes}": no kernel has a node above {MOST_NODES - 1}')
    for number, flag in enumerate(policy.flags):
        yield from _one_of(f"{path}.flags[{number}]", flag, MEMORY_FLAGS, "flag of set_mempolicy(2)")


def _namespaces(path: str, listed: Sequence[Namespace]) -> Faults:
    seen = set()
    for number, namespace in enumerate(listed):
        yield from _one_of(f"{path}[{number}].type", namespace.type, namespaces.TYPES, "namespace")
        if namespace.type in seen:
            yield Fault(f"{path}[{number}].type", f"the {namespace.type} namespace is there twice")
        seen.add(namespace.type)
        if namespace.path is not None and not namespace.path.startswith(namespaces.CONTAINER):
            yield from _absolute(f"{path}[{number}].path", namespace.path)


def _user_namespace(path: str, linux: Linux, types: Collection[str]) -> Faults:
    for name, maps in (("uidMappings", linux.uid_mappings), ("gidMappings", linux.gid_mappings)):
        if maps and "user" not in types:
            yield Fault(f"{path}.{name}", "ids are mapped in a user namespace only: add one to namespaces")
        elif maps and "user" not in namespaces.own(linux.namespaces):
            yield Fault(f"{path}.{name}", "a user namespace that is joined has its maps already")
        elif not maps and "user" in namespaces.own(linux.namespaces):
            yield Fault(f"{path}.{name}", "a new user namespace needs them")
        yield from _maps(f"{path}.{name}", maps)


def _clocks(path: str, linux: Linux, types: Collection[str]) -> Faults:
    for clock, offset in linux.time_offsets.items():
        if clock not in namespaces.CLOCKS:
            yield Fault(path, f'"{clock}" is no clock with an offset: there are monotonic and boottime')
        if offset.nanosecs >= 10**9:
            yield Fault(f"{path}.{clock}.nanosecs", f"{offset.nanosecs} is a second or more")
    if linux.time_offsets and "time" not in types:
        yield Fault(path, "clocks are moved in a time namespace only: add one to namespaces")


def _maps(path: str, maps: Sequence[IdMapping]) -> Faults:
    if complaint := id_maps.overlap(maps):
        yield Fault(path, complaint)


def _device(path: str, device: Device) -> Faults:
    yield from _absolute(f"{path}.path", device.path)
    yield from _one_of(f"{path}.type", device.type, ("c", "b", "u", "p"), "type of device")
    for name, number, most in (("major", device.major, 2**12 - 1), ("minor", device.minor, 2**20 - 1)):
        if device.type != "p":
            yield from _between(f"{path}.{name}", number, 0, most)


def _resources(path: str, resources: Resources) -> Faults:
    for number, rule in enumerate(resources.devices):
        place = f"{path}.devices[{number}]"
        yield from _one_of(f"{place}.type", rule.type, ("", "a", "b", "c"), "type of device")
        if set(rule.access) - set("rwm"):
            yield Fault(f"{place}.access", f'"{rule.access}" has other letters than r, w and m')
    if memory := resources.memory:
        for name in ("limit", "reservation", "swap", "kernel"):
            yield from _between(f"{path}.memory.{name}", getattr(memory, name), -1, 2**63 - 1)
        yield from _between(f"{path}.memory.swappiness", memory.swappiness, 0, 100)
        if memory.swap and memory.swap > 0 and memory.limit and memory.limit > memory.swap:
            yield Fault(f"{path}.memory.swap", "memory and swap together are less than memory alone")
        if memory.limit and 0 < memory.limit < LEAST_MEMORY:
            yield Fault(f"{path}.memory.limit", f"{memory.limit} bytes are too little: {LEAST_MEMORY} are the least")
    if cpu := resources.cpu:
        # 0 is "not said" for the runtimes that write zeros
        yield from _between(f"{path}.cpu.shares", cpu.shares or None, 2, 2**18)
        yield from _between(f"{path}.cpu.period", cpu.period or None, 1000, 10**6)
        yield from _between(f"{path}.cpu.idle", cpu.idle, 0, 1)
        for name, text in (("cpus", cpu.cpus), ("mems", cpu.mems)):
            if text and not LIST.fullmatch(text.strip()):
                yield Fault(f"{path}.cpu.{name}", f'"{text}" is no list: it is written as in 0-2,4')
    if resources.block_io:
        for name, weight in (("weight", resources.block_io.weight), ("leafWeight", resources.block_io.leaf_weight)):
            yield from _between(f"{path}.blockIO.{name}", weight or None, 10, 1000)
    for number, page in enumerate(resources.hugepage_limits):
        if not re.fullmatch(r"[1-9]\d*[KMG]B", page.page_size):
            yield Fault(f"{path}.hugepageLimits[{number}].pageSize", f'"{page.page_size}" is not written as in 2MB')
    for name in resources.unified:
        if "/" in name or "." not in name:
            yield Fault(f"{path}.unified", f'"{name}" is no file of a cgroup')


def _absolute(path: str, value: str) -> Faults:
    if not value.startswith("/"):
        yield Fault(path, f'"{value}" is no absolute path')


def _one_of(path: str, value: str, known: Sequence[str], what: str) -> Faults:
    if value not in known:
        yield Fault(path, f'"{value}" is no {what}: there are {", ".join(filter(None, known))}')


def _between(path: str, value: int | None, least: int, most: int) -> Faults:
    if value is not None and not least <= value <= most:
        yield Fault(path, f"{value} can't be: it goes from {least} to {most}")
