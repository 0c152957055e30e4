"""When the program runs, and where its memory lies: scheduler, I/O priority, memory policy, personality.

Sources: sched_setattr(2), ioprio_set(2), set_mempolicy(2), personality(2).
"""

from __future__ import annotations

import struct

from engine.sandbox.plan import Buffer, Plan
from engine.spec.structs import IOPriority, MemoryPolicy, Personality, Scheduler

POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
IOPRIO_WHO_PROCESS, IOPRIO_CLASS_SHIFT = 1, 13
DOMAINS = {"LINUX": 0, "LINUX32": 8}
MEMORY_MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS = {"MPOL_F_NUMA_BALANCING": 1 << 13, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_STATIC_NODES": 1 << 15}


def schedule(plan: Plan, wanted: Scheduler) -> None:
    """struct sched_attr; as long as the capability for it (CAP_SYS_NICE) is there."""
    flags = sum({FLAGS[flag] for flag in wanted.flags})
    times = wanted.runtime, wanted.deadline, wanted.period
    attributes = struct.pack("=IIQiIQQQ", 48, POLICIES[wanted.policy], flags, wanted.nice, wanted.priority, *times)
    text = f"{{{wanted.policy}, nice={wanted.nice}, priority={wanted.priority}}}"
    plan.call("sched_setattr", 0, Buffer(attributes, text), 0, why=f"scheduled by {wanted.policy}")


def prioritize_io(plan: Plan, wanted: IOPriority) -> None:
    """For the schedulers of block devices that look at it."""
    value = IO_CLASSES[wanted.class_] << IOPRIO_CLASS_SHIFT | wanted.priority
    plan.call("ioprio_set", IOPRIO_WHO_PROCESS, 0, value, why=f"I/O priority {wanted.class_} {wanted.priority}")


def place_memory(plan: Plan, wanted: MemoryPolicy) -> None:
    """From which NUMA nodes memory comes."""
    nodes = 0
    for part in filter(None, wanted.nodes.split(",")):
        first, _, last = part.partition("-")
        for node in range(int(first), int(last or first) + 1):
            nodes |= 1 << node
    length = (nodes.bit_length() + 63) // 64 * 8
    mask = Buffer(nodes.to_bytes(length, "little"), f"[{wanted.nodes}]") if nodes else None
    mode = MEMORY_MODES[wanted.mode] | sum({MEMORY_FLAGS[flag] for flag in wanted.flags})
    # The kernel looks at one bit less than it is told of.
    plan.call("set_mempolicy", mode, mask, length * 8 + 1 if nodes else 0, why=f"memory by {wanted.mode}")


def pretend(plan: Plan, wanted: Personality) -> None:
    """What uname -m says, and the like."""
    plan.call("personality", DOMAINS[wanted.domain], why=f"as on {wanted.domain}")
