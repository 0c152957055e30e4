"""The portable executor: the same walk in Python, in a forked child, for where executor.c could not be built.

Slower, because a fork copies the keeper's page tables and Python makes each call through ctypes. Standard library only.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
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
    cgroup = -1 if plan.cgroup is None else inputs[plan.cgroup]
    if plan.pid_namespace is None:
        pid = _clone(plan.clone_flags, cgroup)
    else:
        pid = _clone_inside(plan, cgroup, inputs[plan.pid_namespace])
    if pid == 0:
        try:
            walk(view)
        finally:
            os._exit(125)
    view.release()
    if pid < 0:
        block.close()
        raise OSError(-pid, f"clone3: {os.strerror(-pid)}")
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


def _clone_inside(plan: program.Program, cgroup: int, namespace: int) -> int:
    """As launch_inside in executor.c: a child goes into the PID namespace and makes the real one, as its sister."""
    answer, tell = os.pipe()
    between = os.fork()
    if between == 0:
        pid = system_call(NUMBERS["setns"], namespace, CLONE.NEWPID)
        if pid == 0 and (pid := _clone(plan.clone_flags | CLONE.PARENT, cgroup)) == 0:
            return 0
        os.write(tell, struct.pack("=q", pid))
        os._exit(0)
    os.close(tell)
    (pid,) = struct.unpack("=q", os.read(answer, 8))
    os.close(answer)
    os.waitpid(between, 0)
    return int(pid)


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
