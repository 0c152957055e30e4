"""The fast executor: executor.c, when it could be built. Standard library only; runs in the keeper."""

from __future__ import annotations

import ctypes
import errno
import glob
import mmap
import os
from collections.abc import Sequence

from engine.sandbox import program

STACK = 16 * 1024  # bytes; two halves, see heliostui_launch in executor.c


def load() -> ctypes.CDLL | None:
    """The shared library, or None where there is none (no compiler at hand when heliostui was installed)."""
    for path in glob.glob(os.path.join(os.path.dirname(__file__), "_executor*.so")):
        try:
            library = ctypes.PyDLL(path)
        except OSError:
            continue
        launch = library.heliostui_launch
        launch.restype = ctypes.c_long
        launch.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint64,
            ctypes.c_int,
            ctypes.c_uint32,
            ctypes.c_void_p,
            ctypes.c_uint64,
            ctypes.POINTER(ctypes.c_int),
        ]
        return library
    return None


def launch(library: ctypes.CDLL, plan: program.Program, inputs: Sequence[int]) -> tuple[int, int, mmap.mmap]:
    """Start a child that walks the plan. Returns its pid, its pidfd, and the block, which the child writes until it has
    called execve or has exited: keep it until then. Raises OSError when clone3(2) fails, and `program.Stopped`."""
    at = (len(plan.image) + 4095) & ~4095
    block = mmap.mmap(-1, at + STACK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block[: len(plan.image)] = plan.image
    program.set_inputs(memoryview(block), inputs)
    pidfd = ctypes.c_int(-1)
    view = ctypes.c_char.from_buffer(block)
    base = ctypes.addressof(view)
    del view  # a block with exported views could not be closed
    cgroup = -1 if plan.cgroup is None else inputs[plan.cgroup]
    pid = library.heliostui_launch(base, plan.clone_flags, cgroup, plan.before, base + at, STACK, ctypes.byref(pidfd))
    if pid == -errno.ECANCELED and program.outcome(block).failed:
        raise program.Stopped(block)
    if pid < 0:
        block.close()
        raise program.no_process(-pid, plan)
    return pid, pidfd.value, block
