"""The portable executor: the same walk in Python, in a forked child, for where executor.c could not be built.

Slower, because a fork copies the keeper's page tables and Python makes each call through ctypes. Standard library only.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import time
from collections.abc import Sequence

from engine.sandbox import program
from engine.sandbox.kernel import CLONE
from engine.sandbox.syscalls import NUMBERS

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def system_call(number: int, *args: int) -> int:
    """The call's result, or -errno."""
    result: int = _libc.syscall(ctypes.c_long(number), *(ctypes.c_uint64(a & 0xFFFFFFFFFFFFFFFF) for a in args))
    return -ctypes.get_errno() if result == -1 else result


def launch(plan: program.Program, inputs: Sequence[int]) -> tuple[int, int, mmap.mmap]:
    """As `fast.launch`; the block is shared with the child, which has its own memory otherwise."""
    block = mmap.mmap(-1, len(plan.image), flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    block[: len(plan.image)] = plan.image
    view = memoryview(block)
    program.set_inputs(view, inputs)
    anchor = ctypes.c_char.from_buffer(block)
    program.relocate(view, ctypes.addressof(anchor))
    del anchor
    pidfd = ctypes.c_int(-1)
    flags = plan.clone_flags | CLONE.PIDFD | CLONE.CLEAR_SIGHAND
    cgroup = 0
    if plan.cgroup is not None:
        flags |= CLONE.INTO_CGROUP
        cgroup = inputs[plan.cgroup]
    # struct clone_args of clone3(2): flags, pidfd, two tids, exit_signal (SIGCHLD), …, cgroup
    arguments = struct.pack("=11Q", flags, ctypes.addressof(pidfd), 0, 0, 17, 0, 0, 0, 0, 0, cgroup)
    buffer = ctypes.create_string_buffer(arguments, len(arguments))
    pid = system_call(NUMBERS["clone3"], ctypes.addressof(buffer), len(arguments))
    if pid == 0:
        try:
            walk(view)
        finally:
            os._exit(125)
    view.release()
    if pid < 0:
        block.close()
        raise OSError(-pid, f"clone3: {os.strerror(-pid)}")
    return pid, pidfd.value, block


def walk(block: memoryview) -> None:
    """Perform the steps one by one; returns only when one fails or the program ends without execve."""
    _, count, _, inputs, _, _, values_at, times_at, _, _, _ = program.HEADER.unpack_from(block)
    values = list(struct.unpack_from(f"={inputs}q", block, values_at))
    put = struct.pack_into
    for i in range(count):
        nr, flags, allowed, references, guard, *args = program.STEP.unpack_from(
            block, program.HEADER_SIZE + i * program.STEP_SIZE
        )
        put("=Q", block, times_at + 8 * i, time.monotonic_ns())
        put("=iI", block, program.FAILED_AT, 0, i + 1)
        at = values_at + 8 * (inputs + i)
        put("=q", block, at, program.UNDERWAY)
        result = _perform(nr, flags, references, guard, args, values)
        values.append(result)
        put("=q", block, at, result)
        if -4095 <= result < 0 and not _is_allowed(allowed, -result):
            put("=i", block, program.FAILED_AT, i + 1)
            put("=Q", block, times_at + 8 * (i + 1), time.monotonic_ns())
            return
    put("=Q", block, times_at + 8 * count, time.monotonic_ns())
    put("=i", block, program.FAILED_AT, count + 1)


def _perform(nr: int, flags: int, references: int, guard: int, args: list[int], values: list[int]) -> int:
    if guard >= 0 and (values[guard] < 0) != bool(flags & program.IF_FAILED):
        return program.SKIPPED
    for i in range(6):
        if references >> i & 1:
            args[i] = values[args[i]]
            if args[i] < 0:
                return program.SKIPPED
    return system_call(nr, *args)


def _is_allowed(allowed: int, error: int) -> bool:
    return allowed == program.ANY_ERROR or (error < 64 and bool(allowed >> error & 1))
