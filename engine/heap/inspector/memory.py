"""Reads another process's memory: many ranges in one system call, and never more than a question may take.

process_vm_readv(2). What it may read is decided by the kernel (ptrace(2), "Ptrace access mode checking").
"""

from __future__ import annotations

import ctypes
import errno
import os

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

Addresses = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MOST_BYTES = 512 << 20  # that are read for one question
MOST_HOLES = 4096  # ranges of one call that can't be read, before we give up
IOV_MAX = 1024
HIGHEST = 1 << 56  # more than any user's address

_libc = ctypes.CDLL(None, use_errno=True)
for _name in ("process_vm_readv", "process_vm_writev"):
    _call = getattr(_libc, _name)
    _call.restype = ctypes.c_ssize_t
    _call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]


class Unreadable(Exception):
    """There is no readable memory at `address`."""

    def __init__(self, address: int, size: int) -> None:
        super().__init__(f"the {size} bytes at {address:#x} can't be read")
        self.address = address


class Memory:
    """The memory of process `pid`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._left = MOST_BYTES

    def new_question(self) -> None:
        self._left = MOST_BYTES

    def read(self, address: int, size: int) -> bytes:
        """Raises Unreadable, and EngineError when it is over with the process, or we may not."""
        if not 0 <= address < HIGHEST:
            raise Unreadable(address, size)
        data, whole = self.gather(np.array([address], np.uint64), np.array([size], np.int64))
        if not whole.all():
            raise Unreadable(address, size)
        return data.tobytes()

    def gather(self, addresses: Addresses, sizes: Sizes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """`sizes` bytes from each of `addresses`, end to end, and which of these ranges could be read; the others are
        zeros. Raises EngineError."""
        total = int(sizes.sum())
        if total > self._left or (len(sizes) and int(sizes.min()) < 0):
            raise EngineError(
                ErrorCode.NO_HEAP,
                f"The heap of process {self.pid} can't be read: more than {MOST_BYTES >> 20} MiB describe it.",
            )
        self._left -= total
        data = np.zeros(total, np.uint8)
        whole = np.ones(len(addresses), np.bool_)
        ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        remote = np.stack((addresses, sizes.astype(np.uint64)), axis=1)
        beyond = (addresses >= HIGHEST) & (sizes > 0)
        remote[beyond, 0] = 0  # nothing is ever mapped there
        holes, at = 0, 0
        while at < len(addresses):
            until = min(at + IOV_MAX, len(addresses))
            got = self._read(data[ends[at] : ends[until]], remote[at:until])
            if got == ends[until] - ends[at]:
                at = until
                continue
            at = int(np.searchsorted(ends, ends[at] + got, side="right")) - 1  # the first that isn't whole
            whole[at] = False
            data[ends[at] : ends[at + 1]] = 0
            at += 1
            holes += 1
            if holes > MOST_HOLES:
                raise Unreadable(int(addresses[at - 1]), int(sizes[at - 1]))
        return data, whole

    def _read(self, local: Bytes, remote: Addresses) -> int:
        """How many bytes there were before the first hole."""
        if not len(local):
            return 0
        into = np.array([local.ctypes.data, len(local)], np.uint64)
        remote = np.ascontiguousarray(remote)
        got = _libc.process_vm_readv(self.pid, into.ctypes.data, 1, remote.ctypes.data, len(remote), 0)
        return int(got) if got >= 0 else self._failed()

    def write(self, address: int, data: bytes) -> None:
        """Raises Unreadable and EngineError."""
        from_ = np.frombuffer(data, np.uint8)
        local = np.array([from_.ctypes.data, len(data)], np.uint64)
        remote = np.array([address, len(data)], np.uint64)
        written = _libc.process_vm_writev(self.pid, local.ctypes.data, 1, remote.ctypes.data, 1, 0)
        if written != len(data):
            if written < 0:
                self._failed()
            raise Unreadable(address, len(data))

    def _failed(self) -> int:
        number = ctypes.get_errno()
        if number == errno.EFAULT:
            return 0
        if number == errno.ESRCH:
            raise EngineError(ErrorCode.WRONG_STATE, f"Process {self.pid} has ended.")
        if number == errno.EPERM:
            raise EngineError(ErrorCode.UNSUPPORTED, f"The memory of process {self.pid} may not be read: {refusal()}.")
        raise EngineError(ErrorCode.NO_HEAP, f"The memory of process {self.pid} can't be read: {os.strerror(number)}.")


def refusal() -> str:
    """Why the kernel says EPERM."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as file:
            scope = int(file.read())
    except (OSError, ValueError):
        scope = 0
    if scope >= 2:
        return f"this kernel allows it to administrators only (kernel.yama.ptrace_scope is {scope})"
    if scope == 1 and os.geteuid() != 0:
        return (
            "this kernel allows it for a process's own children and for containers with a user namespace of ours only "
            "(kernel.yama.ptrace_scope is 1)"
        )
    return "it is not a process of this user, or has been closed to others (PR_SET_DUMPABLE)"
