"""The portable executor: the same walk in Python, in a forked child, for where executor.c could not be built.

Slower, because a fork copies the keeper's page tables and Python makes each call through ctypes. Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import struct
import sys
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
    cgroup = -1 if plan.cgroup is None else inputs[plan.cgroup]
    pid = _launch_between(view, plan, cgroup) if plan.before else _clone(plan.clone_flags, cgroup)
    if pid == 0:
        try:
            if walk(view, plan.before, plan.steps):
                struct.pack_into("=i", view, program.FAILED_AT, plan.steps + 1)
        finally:
            os._exit(125)
    view.release()
    if pid == -errno.ECANCELED and program.outcome(block).failed:
        raise program.Stopped(block)
    if pid < 0:
        block.close()
        raise program.no_process(-pid, plan)
    return pid, os.pidfd_open(pid), block


def _clone(flags: int, cgroup: int) -> int:
    """clone3(2) as fork: 0 in the child, in us its pid or -errno."""
    flags |= CLONE.CLEAR_SIGHAND
    if cgroup >= 0:
        flags |= CLONE.INTO_CGROUP
    exit_signal = 0 if flags & CLONE.PARENT else signal.SIGCHLD  # a sister inherits ours
    # struct clone_args: flags, pidfd, two tids, exit_signal, stack and its size, tls, set_tid and its size, cgroup
    arguments = struct.pack("=11Q", flags, 0, 0, 0, exit_signal, 0, 0, 0, 0, 0, max(cgroup, 0))
    buffer = ctypes.create_string_buffer(arguments, len(arguments))
    return system_call(NUMBERS["clone3"], ctypes.addressof(buffer), len(arguments))


def _launch_between(view: memoryview, plan: program.Program, cgroup: int) -> int:
    """As launch_between in executor.c: a go-between walks the first steps and makes the real child, as its sister."""
    answer, tell = os.pipe()
    between = os.fork()
    if between == 0:
        pid = -errno.ECANCELED
        try:
            if walk(view, 0, plan.before) and (pid := _clone(plan.clone_flags | CLONE.PARENT, cgroup)) == 0:
                return 0
        finally:
            if pid:
                os.write(tell, struct.pack("=q", pid))
                os._exit(0)
    os.close(tell)
    said = os.read(answer, 8)
    os.close(answer)
    os.waitpid(between, 0)
    return int.from_bytes(said, sys.byteorder, signed=True) if said else -errno.ECANCELED  # nothing: it was killed


def walk(block: memoryview, first: int, end: int) -> bool:
    """Perform the steps from `first` to before `end`, one by one. Whether all of them went well."""
    _, count, _, inputs, _, _, values_at, times_at, _, _, _ = program.HEADER.unpack_from(block)
    values = block[values_at : values_at + 8 * (inputs + count)].cast("q")
    times = block[times_at : times_at + 8 * (count + 1)].cast("Q")
    for i in range(first, end):
        nr, flags, allowed, references, guard, *args = program.STEP.unpack_from(
            block, program.HEADER_SIZE + i * program.STEP_SIZE
        )
        times[i] = time.monotonic_ns()
        struct.pack_into("=iI", block, program.FAILED_AT, 0, i + 1)
        values[inputs + i] = program.UNDERWAY
        result = values[inputs + i] = _perform(nr, flags, references, guard, args, values)
        if -4095 <= result < 0 and not _is_allowed(allowed, -result):
            struct.pack_into("=i", block, program.FAILED_AT, i + 1)
            times[i + 1] = time.monotonic_ns()
            return False
    times[end] = time.monotonic_ns()
    return True


def _perform(nr: int, flags: int, references: int, guard: int, args: list[int], values: memoryview) -> int:
    if guard >= 0 and (values[guard] < 0) != bool(flags & program.IF_FAILED):
        return program.SKIPPED
    for i in range(6):
        if references >> i & 1:
            args[i] = values[args[i]]
            if args[i] < 0:
                return program.SKIPPED
    if nr == program.STORE:
        ctypes.c_int32.from_address(args[0] + args[2]).value = args[1]
        return 0
    return system_call(nr, *args)


def _is_allowed(allowed: int, error: int) -> bool:
    return allowed == program.ANY_ERROR or (error < 64 and bool(allowed >> error & 1))
