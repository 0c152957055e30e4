"""Limits as people give them ↔ `linux.resources` of the spec, which knows them as cgroup v1 had them.

Looks at device nodes, and at which CPUs are there. Imports the errors, the protocol and the structs.
Sources: config-linux.md, "Control groups"; the conversions are those of runc (github.com/opencontainers/cgroups,
utils.go) and crun (crun.1, "CGROUP v2"); that of CPU shares is in `engine.protocol.quantities`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from engine.errors import EngineError
from engine.protocol.limits import MAX, DeviceLimit, Limits
from engine.protocol.messages import ErrorCode
from engine.protocol.quantities import cpu_shares, size_text
from engine.spec.structs import (
    BlockIO,
    Cpu,
    DeviceCgroup,
    HugepageLimit,
    Memory,
    Pids,
    Resources,
    ThrottleDevice,
)

S = TypeVar("S", bound=msgspec.Struct)
PERIOD = 100_000  # microseconds in which a container may use its share of the CPUs
LEAST_MEMORY = 6 << 20  # bytes, as Docker: less is no room for any program
HUGE_MAX = (1 << 64) - 1  # a huge page limit has no other way to say that there is none
THROTTLES = {
    "read_bps": "throttle_read_bps_device",
    "write_bps": "throttle_write_bps_device",
    "read_iops": "throttle_read_iops_device",
    "write_iops": "throttle_write_iops_device",
}


def to_resources(limits: Limits, rules: Sequence[DeviceCgroup] = ()) -> Resources:
    """What `limits` mean for a new container; `rules` are for its devices. Raises EngineError INVALID."""
    return merge(Resources(devices=list(rules)), limits)


def merge(old: Resources, limits: Limits) -> Resources:
    """`old` with what `limits` say in its place; what they don't say stays. Raises EngineError INVALID."""
    unified = {**old.unified, **{name: _checked_unified(name, text) for name, text in limits.unified.items()}}
    if limits.memory_high is not None:
        unified["memory.high"] = "max" if limits.memory_high == MAX else str(limits.memory_high)
    if limits.io_weight is not None:  # the spec's own weight is coarser, and no default of it is that of io.weight
        unified["io.weight"] = str(_weight("I/O", limits.io_weight))
    return msgspec.structs.replace(
        old,
        memory=_memory(old.memory, limits),
        cpu=_cpu(old.cpu, limits),
        pids=old.pids if limits.pids is None else Pids(limit=_count("pids", limits.pids)),
        block_io=_block_io(old.block_io, limits),
        hugepage_limits=_huge_pages(old.hugepage_limits, limits.hugetlb),
        unified=unified,
    )


def touched(merged: Resources, limits: Limits) -> Resources:
    """The parts of `merged` that `limits` speak of: what has to be written to a container that runs."""
    memory = (limits.memory, limits.memory_reservation, limits.memory_swap)
    cpu = (limits.cpus, limits.cpu_weight, limits.cpuset_cpus, limits.cpuset_mems)
    files = set(limits.unified)
    files |= {"memory.high"} if limits.memory_high is not None else set()
    files |= {"io.weight"} if limits.io_weight is not None else set()
    return Resources(
        memory=merged.memory if any(value is not None for value in memory) else None,
        cpu=merged.cpu if any(value is not None for value in cpu) else None,
        pids=merged.pids if limits.pids is not None else None,
        block_io=merged.block_io if limits.devices else None,
        hugepage_limits=[limit for limit in merged.hugepage_limits if limit.page_size in limits.hugetlb],
        unified={name: text for name, text in merged.unified.items() if name in files},
    )


def merge_limits(old: Limits, new: Limits) -> Limits:
    """The same for what people said: `new` where it says something, else `old`."""
    devices = {limit.device: limit for limit in old.devices}
    for limit in new.devices:
        devices[limit.device] = _said(devices.get(limit.device, limit), limit)
    merged = _said(old, new)
    return msgspec.structs.replace(
        merged,
        devices=list(devices.values()),
        hugetlb={**old.hugetlb, **new.hugetlb},
        unified={**old.unified, **new.unified},
    )


def any_given(resources: Resources) -> bool:
    """Does it limit anything? Rules for devices are no limit."""
    return msgspec.structs.replace(resources, devices=[]) != Resources()


def io_weight_of(weight: int) -> int:
    """`io.weight` (1-10000) for the spec's weight of block devices (10-1000)."""
    return 1 + (weight - 10) * 9999 // 990


def _said(old: S, new: S) -> S:
    said = {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) is not None}
    return msgspec.structs.replace(old, **said)


def _memory(old: Memory | None, limits: Limits) -> Memory | None:
    said = (limits.memory, limits.memory_reservation, limits.memory_swap)
    if said == (None, None, None):
        return old
    old = old or Memory()
    limit = old.limit if limits.memory is None else limits.memory
    if limits.memory is not None and 0 <= limits.memory < LEAST_MEMORY:
        raise _invalid(f"A memory limit of {size_text(limits.memory)} is too little: 6 MiB are the least.")
    reservation = old.reservation if limits.memory_reservation is None else limits.memory_reservation
    if reservation is not None and limit is not None and 0 <= limit < reservation:
        raise _invalid(
            f"The memory reservation ({size_text(reservation)}) can't be more than the memory limit "
            f"({size_text(limit)}): give less, or a larger limit."
        )
    return msgspec.structs.replace(old, limit=limit, reservation=reservation, swap=_swap(old, limit, limits))


def _swap(old: Memory, limit: int | None, limits: Limits) -> int | None:
    """Memory and swap together: what is said, or what was said before, or twice the memory."""
    if limits.memory_swap is not None:
        if limit is None:
            raise _invalid("A limit of memory and swap needs one of memory as well: add --memory.")
        if limits.memory_swap != MAX and not 0 <= limit <= limits.memory_swap:
            raise _invalid(
                f"Memory and swap together ({size_text(limits.memory_swap)}) can't be less than memory alone "
                f"({'no limit' if limit < 0 else size_text(limit)}): give more, or max."
            )
        return limits.memory_swap
    if limits.memory is None:
        return old.swap
    usual = old.swap is None or (old.limit is not None and old.swap == (MAX if old.limit < 0 else 2 * old.limit))
    if usual or old.swap is None or limit is None or limit < 0:
        return MAX if limit is None or limit < 0 else 2 * limit
    if 0 <= old.swap < limit:
        raise _invalid(
            f"The memory limit ({size_text(limit)}) can't be more than memory and swap together "
            f"({size_text(old.swap)}): give --memory-swap as well."
        )
    return old.swap


def _cpu(old: Cpu | None, limits: Limits) -> Cpu | None:
    changes: dict[str, object] = {}
    if limits.cpus is not None:
        changes = {"period": PERIOD, "quota": MAX if limits.cpus == MAX else _quota(limits.cpus)}
    if limits.cpu_weight is not None:
        changes["shares"] = cpu_shares(_weight("CPU", limits.cpu_weight))
    if limits.cpuset_cpus is not None:
        changes["cpus"] = _available("CPUs", limits.cpuset_cpus, "/sys/devices/system/cpu/online")
    if limits.cpuset_mems is not None:
        changes["mems"] = _available("memory nodes", limits.cpuset_mems, "/sys/devices/system/node/online")
    return msgspec.structs.replace(old or Cpu(), **changes) if changes else old


def _quota(cpus: float) -> int:
    most = os.cpu_count() or 1
    if not 0.01 <= cpus <= most:
        raise _invalid(f"{cpus:g} CPUs can't be had: this machine has {most}, and 0.01 is the least.")
    return round(cpus * PERIOD)


def _available(what: str, text: str, path: str) -> str:
    """A list of CPUs or nodes, checked against those that there are (cpuset(7), "List format")."""
    try:
        with open(path, encoding="ascii") as file:
            online = file.read().strip()
    except OSError:  # a machine without memory nodes has node 0
        online = "0"
    missing = numbers(what, text) - numbers(what, online)
    if missing:
        raise _invalid(f"The {what} {text} can't be had: this machine has {online}.")
    return text


def numbers(what: str, text: str) -> set[int]:
    """The numbers in a list like "0-2,4". Raises EngineError INVALID."""
    if not re.fullmatch(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*", text, re.ASCII):
        raise _invalid(f"{text!r} is no list of {what}: write it as in 0-2,4.")
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if int(last or first) < int(first):
            raise _invalid(f"{text!r} is no list of {what}: {part} runs backwards.")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _block_io(old: BlockIO | None, limits: Limits) -> BlockIO | None:
    if not limits.devices:
        return old
    new = old or BlockIO()
    for limit in limits.devices:
        major, minor = device_number(limit)
        for name, throttle in THROTTLES.items():
            if (rate := getattr(limit, name)) is not None:
                kept = [entry for entry in getattr(new, throttle) if (entry.major, entry.minor) != (major, minor)]
                what = f"{'bytes' if name.endswith('bps') else 'operations'} a second"
                kept.append(ThrottleDevice(major=major, minor=minor, rate=0 if rate == MAX else _count(what, rate)))
                new = msgspec.structs.replace(new, **{throttle: kept})
    return new


def device_number(limit: DeviceLimit) -> tuple[int, int]:
    """Major and minor of the block device that a limit is for. Raises EngineError INVALID."""
    if match := re.fullmatch(r"(\d{1,10}):(\d{1,10})", limit.device, re.ASCII):
        return int(match[1]), int(match[2])
    try:
        status = os.stat(limit.device)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte
        reason = getattr(error, "strerror", None) or error
        raise _invalid(f"The device {limit.device!r} can't be had: {reason}.") from None
    if not stat.S_ISBLK(status.st_mode):
        raise _invalid(f"{limit.device!r} is no block device: name one like /dev/sda.")
    return os.major(status.st_rdev), os.minor(status.st_rdev)


def _huge_pages(old: list[HugepageLimit], new: dict[str, int]) -> list[HugepageLimit]:
    sizes = {limit.page_size: limit for limit in old}
    for size, limit in new.items():
        if not re.fullmatch(r"[1-9]\d*[KMG]B", size, re.ASCII):
            raise _invalid(f"{size!r} is no size of a huge page: write it as in 2MB.")
        sizes[size] = HugepageLimit(page_size=size, limit=HUGE_MAX if limit == MAX else limit)
    return list(sizes.values())


def _checked_unified(name: str, text: str) -> str:
    if not re.fullmatch(r"[a-z_]+\.[A-Za-z0-9_.-]+", name, re.ASCII) or name.startswith("cgroup."):
        raise _invalid(f"{name!r} is no file of a cgroup v2 controller: write it as in memory.high=1G.")
    if not text or "\0" in text:
        raise _invalid(f"There is nothing to write to {name}: write it as in memory.high=1G.")
    return text


def _weight(what: str, weight: int) -> int:
    if not 1 <= weight <= 10_000:
        raise _invalid(f"A weight of {weight} for {what} can't be: from 1 to 10000, and 100 is what all have.")
    return weight


def _count(what: str, count: int) -> int:
    if count != MAX and count < 1:
        raise _invalid(f"A limit of {count} {what} can't be: give 1 or more, or max.")
    return count


def _invalid(sentence: str) -> EngineError:
    return EngineError(ErrorCode.INVALID, sentence)
