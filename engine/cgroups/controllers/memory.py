"""Memory and swap.

    v2  memory.max, memory.low (reservation), memory.high, memory.swap.max: swap alone
    v1  memory.limit_in_bytes, memory.soft_limit_in_bytes, memory.memsw.limit_in_bytes: memory and swap together

`kernel` of the spec has no effect since Linux 5.16 and is passed over (cgroup-v1/memory.rst, 2.7).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write, bytes_of, directory, missing, read
from engine.cgroups.controllers.write import in_force as one
from engine.cgroups.errors import LimitError
from engine.protocol.limits import MAX, LimitInForce
from engine.protocol.quantities import size_text
from engine.spec.structs import Memory, Resources


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    if (memory := resources.memory) is None:
        return
    yield from _v1(memory, cgroup) if cgroup.version("memory") == 1 else _v2(memory, cgroup)


def _v2(memory: Memory, cgroup: Cgroup) -> Iterator[Write]:
    if memory.disable_oom_killer:
        raise LimitError("Nobody can switch the OOM killer off in cgroup v2 (disableOOMKiller).", unsupported=True)
    if memory.swappiness is not None:
        raise LimitError("cgroup v2 has no swappiness of its own: leave it out.", unsupported=True)
    if memory.limit is not None:
        _make_room(directory(cgroup, "memory"), memory.limit)
        yield Write("memory", "memory.max", _v2_text(memory.limit))
    if memory.swap is not None:
        swap = memory.swap if memory.swap < 0 else memory.swap - max(memory.limit or 0, 0)
        yield Write("memory", "memory.swap.max", _v2_text(swap), optional=_is_usual_swap(memory))
    if memory.reservation is not None:
        yield Write("memory", "memory.low", _v2_text(memory.reservation))


def _make_room(found: str, limit: int) -> None:
    """What v1 does: give memory back until the limit holds, and refuse it where that can't be; v2 would kill."""
    if limit < 0 or (used := int(read(os.path.join(found, "memory.current")) or 0)) <= limit:
        return
    with suppress(OSError), open(os.path.join(found, "memory.reclaim"), "w") as file:  # Linux 5.19; EAGAIN: not all
        file.write(str(used - limit))
    used = int(read(os.path.join(found, "memory.current")) or 0)
    if used > limit:
        raise _too_much(used, limit)


def _v1(memory: Memory, cgroup: Cgroup) -> Iterator[Write]:
    limit, swap = (
        Write("memory", f"memory.{name}", str(value), optional=optional)
        for name, value, optional in (
            ("limit_in_bytes", memory.limit, False),
            ("memsw.limit_in_bytes", memory.swap, _is_usual_swap(memory)),
        )
    )
    both = [limit] * (memory.limit is not None) + [swap] * (memory.swap is not None)
    # The limit of both may never be less than that of memory alone: the larger one first when they grow.
    now = read(os.path.join(directory(cgroup, "memory"), "memory.memsw.limit_in_bytes"))
    if now is not None and memory.swap is not None and _more(memory.swap, bytes_of(now)):
        both.reverse()
    yield from both
    if memory.reservation is not None:
        yield Write("memory", "memory.soft_limit_in_bytes", str(memory.reservation))
    if memory.swappiness is not None:
        yield Write("memory", "memory.swappiness", str(memory.swappiness))
    if memory.kernel_tcp is not None:
        yield Write("memory", "memory.kmem.tcp.limit_in_bytes", str(memory.kernel_tcp))
    if memory.disable_oom_killer is not None:
        yield Write("memory", "memory.oom_control", str(int(memory.disable_oom_killer)), undo="0")


def explain(cgroup: Cgroup, write: Write) -> LimitError | None:
    """What EBUSY of v1 means: more is in use, and can't be given back."""
    used = read(os.path.join(directory(cgroup, "memory"), "memory.usage_in_bytes"))
    return None if used is None else _too_much(int(used), int(write.text))


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    if cgroup.version("memory") == 1:
        yield one(cgroup, "memory", "memory", "memory.limit_in_bytes", usage="memory.usage_in_bytes")
        yield one(cgroup, "memory", "memory_reservation", "memory.soft_limit_in_bytes")
        yield LimitInForce(
            name="memory_high", value=None, reason="Only cgroup v2 can slow a container down by memory.high."
        )
        yield one(cgroup, "memory", "memory_swap", "memory.memsw.limit_in_bytes", usage="memory.memsw.usage_in_bytes")
        return
    yield one(cgroup, "memory", "memory", "memory.max", usage="memory.current")
    yield one(cgroup, "memory", "memory_reservation", "memory.low")
    yield one(cgroup, "memory", "memory_high", "memory.high", usage="memory.current")
    yield _v2_swap(cgroup)


def _v2_swap(cgroup: Cgroup) -> LimitInForce:
    """Memory and swap together, as `memory_swap` is meant, of the file that has swap alone."""
    found = cgroup.directory("memory")
    if found is None:
        return LimitInForce(name="memory_swap", value=None, reason=missing(cgroup, "memory"))
    path = os.path.join(found, "memory.swap.max")
    text, memory = read(path), read(os.path.join(found, "memory.max"))
    if text is None or memory is None:
        return LimitInForce(name="memory_swap", value=None, reason="This kernel does not count swap.")
    swap, limit = bytes_of(text), bytes_of(memory)
    used = [int(read(os.path.join(found, name)) or 0) for name in ("memory.current", "memory.swap.current")]
    value = MAX if MAX in (swap, limit) else swap + limit
    return LimitInForce(name="memory_swap", value=value, text=text, path=path, usage=sum(used))


def _is_usual_swap(memory: Memory) -> bool:
    """As much swap as memory: nobody asked for that, so it may be missing where the kernel does not count swap."""
    return memory.limit is None or memory.swap == (MAX if memory.limit < 0 else 2 * memory.limit)


def _more(new: int, now: int) -> bool:
    return now >= 0 and (new < 0 or new > now)


def _v2_text(value: int) -> str:
    return "max" if value < 0 else str(value)


def _too_much(used: int, limit: int) -> LimitError:
    return LimitError(
        f"The container uses {size_text(used)} that can't be taken from it, so {size_text(limit)} can't be its limit: "
        "give more, or make it use less."
    )
