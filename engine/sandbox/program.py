"""A plan in the form that executors walk: one block of bytes, whose layout executor.c shares. Standard library only.

    header   12 x u32/u64 as `HEADER` says
    steps    `count` x `STEP`
    relocs   `relocations` x u32: where in the block a u64 offset stands that has to become an address
    data     strings and structs that arguments point to
    values   (inputs + steps) x i64: descriptors handed in, then the result of every step
    times    (steps + 1) x u64: CLOCK_MONOTONIC in ns at the start of every step, and at the end

A step whose argument is a *reference* takes the value of an input or of an earlier step. If that value is negative (the
call failed and was allowed to, or the input does not exist), the step is skipped: what depends on nothing does nothing.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

MAGIC = 0x6E616C70  # "plan"
HEADER = struct.Struct("=IIIIIIIIQiI")  # magic count relocations inputs relocs data values times size failed current
STEP = struct.Struct("=iIQIi6q")  # nr flags allowed references guard args[6]
HEADER_SIZE, STEP_SIZE = HEADER.size, STEP.size
FIRST_ARGUMENT = HEADER_SIZE + STEP_SIZE - 6 * 8  # offset of the first step's
FAILED_AT = 40  # offset of `failed` in the header: 0, or the step (from 1) that ended the walk

STORE, STORE_NAME = -1, "store"  # no system call: the 32 bits at address args[0] + args[2] become args[1]
IF_FAILED = 1  # flag: do the step only if its guard's value is negative
ANY_ERROR = 0xFFFFFFFFFFFFFFFF

# Values that are no result of a call (results are >= -4095).
NOT_REACHED = -(1 << 62)
SKIPPED = -(1 << 61)
UNDERWAY = -(1 << 60)

# The inputs every program has; a caller's own follow. -1: not there.
CHANNEL, STDIN, STDOUT, STDERR = range(4)
STANDARD_INPUTS = 4


@dataclass(frozen=True)
class Program:
    """An assembled plan: position-independent bytes, and what clone3(2) needs to know.

    `cgroup` is an index into the inputs: a cgroup's directory to be born into. The first `before` steps are walked by a
    go-between, which then makes the process as its sister and is gone: for what only children come to have, and for
    what has to be done before the namespaces are made. `own_memory`: the child must not share the launcher's.
    """

    image: bytes
    clone_flags: int
    inputs: int
    steps: int
    cgroup: int | None = None
    before: int = 0
    own_memory: bool = False


class Stopped(Exception):
    """The go-between failed at one of its steps: there is no process, but `block` has a receipt."""

    def __init__(self, block: mmap.mmap) -> None:
        super().__init__()
        self.block = block


def no_process(number: int, plan: Program) -> OSError:
    """What to raise when clone3(2) fails with this errno."""
    text = f"clone3: {os.strerror(number)}"
    if number == errno.ENOMEM and plan.before:  # pid_namespaces(7), "The namespace init process"
        text += ", or the PID namespace that is joined belongs to a container that has ended"
    return OSError(number, text)


def step(nr: int, args: Sequence[int], references: int, allowed: int, guard: int) -> bytes:
    """One call: `references` has bit i set where args[i] is the index of a value; `guard` is such an index or -1.

    With a guard the call is made only if the value there is negative. `allowed` has a bit for each errno that is fine.
    """
    return STEP.pack(nr, 0 if guard < 0 else IF_FAILED, allowed, references, guard, *args, *(0,) * (6 - len(args)))


def assemble(steps: Sequence[bytes], data: bytes, relocations: Sequence[int], inputs: int) -> bytes:
    """Lay the block out. `relocations` are offsets within steps+data of u64s that hold offsets within steps+data."""
    count = len(steps)
    data_at = data_offset(count)
    relocs_at = _align(data_at + len(data))
    values_at = _align(relocs_at + 4 * len(relocations))
    times_at = values_at + 8 * (inputs + count)
    size = times_at + 8 * (count + 1)
    block = bytearray(size)
    HEADER.pack_into(
        block, 0, MAGIC, count, len(relocations), inputs, relocs_at, data_at, values_at, times_at, size, 0, 0
    )
    block[HEADER_SIZE:data_at] = b"".join(steps)
    block[data_at : data_at + len(data)] = data
    struct.pack_into(f"={len(relocations)}I", block, relocs_at, *relocations)
    values = struct.pack("=q", NOT_REACHED) * count
    block[values_at + 8 * inputs : values_at + 8 * (inputs + count)] = values
    return bytes(block)


def _align(offset: int) -> int:
    return (offset + 7) & ~7


def data_offset(steps: int) -> int:
    """Where the data of a program with so many steps begins."""
    return HEADER_SIZE + steps * STEP_SIZE


def relocate(block: memoryview, base: int) -> None:
    """Turn the block's offsets into addresses, for a block that lies at `base` in memory."""
    _, _, n, _, relocs_at, *_ = HEADER.unpack_from(block)
    u64 = struct.Struct("=Q")
    for at in struct.unpack_from(f"={n}I", block, relocs_at):
        u64.pack_into(block, at, u64.unpack_from(block, at)[0] + base)


def set_inputs(block: memoryview, inputs: Sequence[int]) -> None:
    """Write the descriptors in; the program must have been assembled for as many."""
    values_at: int = HEADER.unpack_from(block)[6]
    struct.pack_into(f"={len(inputs)}q", block, values_at, *inputs)


@dataclass(frozen=True)
class Outcome:
    """What the block says after the walk.

    `failed` is 0 or the step (from 1) that ended it; one past the last means that the program fell off its end.
    `values` has one result per step, `times` (ns) one more than there are steps.
    """

    failed: int
    current: int
    values: tuple[int, ...]
    times: tuple[int, ...]


def outcome(block: bytes | memoryview | mmap.mmap) -> Outcome:
    """Read the results out of a block."""
    _, count, _, inputs, _, _, values_at, times_at, _, failed, current = HEADER.unpack_from(block)
    return Outcome(
        failed,
        current,
        struct.unpack_from(f"={count}q", block, values_at + 8 * inputs),
        struct.unpack_from(f"={count + 1}Q", block, times_at),
    )


def under_way(block: memoryview) -> int:
    """The number of the system call that was begun last; -1 before the first one."""
    *_, current = HEADER.unpack_from(block)
    number: int = STEP.unpack_from(block, HEADER_SIZE + (current - 1) * STEP_SIZE)[0] if current else -1
    return number


def receipt(block: memoryview) -> bytes:
    """The part of a block that is worth keeping: `Outcome` packed, to be read by `read_receipt`."""
    _, count, _, inputs, _, _, values_at, _, size, failed, current = HEADER.unpack_from(block)
    return struct.pack("=iII", failed, current, count) + block[values_at + 8 * inputs : size]


def read_receipt(data: bytes) -> Outcome:
    """The inverse of `receipt`. Raises struct.error on anything else."""
    failed, current, count = struct.unpack_from("=iII", data)
    values = struct.unpack_from(f"={count}q", data, 12)
    return Outcome(failed, current, values, struct.unpack_from(f"={count + 1}Q", data, 12 + 8 * count))
