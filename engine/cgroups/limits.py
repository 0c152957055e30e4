"""Limits put into force, and read back: the order of the controllers, all or nothing. Imports the controllers.

Everything blocks for as long as the kernel takes (call it in a thread).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers import cpu, cpuset, hugetlb, io, memory, pids
from engine.cgroups.controllers.write import Write, directory, missing, read
from engine.cgroups.errors import LimitError
from engine.protocol.limits import LimitInForce, LimitWrite
from engine.receipts.steps import step
from engine.spec.structs import Resources

CONTROLLERS = (memory, cpu, cpuset, pids, io, hugetlb)
NOT_OURS = {"rdma": "RDMA", "network": "network class and priorities"}


def apply(cgroup: Cgroup, resources: Resources) -> list[LimitWrite]:
    """Let all limits of `resources` hold (devices apart). What was written, in order.

    When one is refused, those before it are taken back. Raises LimitError.
    """
    for name, what in NOT_OURS.items():
        if getattr(resources, name):
            raise LimitError(f"Limits of {what} (resources.{name}) are not supported.", unsupported=True)
    done: list[tuple[str, str]] = []  # path, what was there
    written: list[LimitWrite] = []
    try:
        for controller in CONTROLLERS:
            for write in controller.writes(resources, cgroup):
                _perform(cgroup, write, done, written)
        for write in _unified(resources, cgroup):
            _perform(cgroup, write, done, written)
    except BaseException:
        for path, text in reversed(done):
            with suppress(OSError):
                _write(path, text)
        raise
    return written


def in_force(cgroup: Cgroup) -> list[LimitInForce]:
    """Every limit as the kernel has it now. Raises OSError when the cgroup is gone."""
    return [limit for controller in CONTROLLERS for limit in controller.in_force(cgroup)]


def _perform(cgroup: Cgroup, write: Write, done: list[tuple[str, str]], written: list[LimitWrite]) -> None:
    path = os.path.join(directory(cgroup, write.controller), write.file)
    before = read(path)
    if before is None:
        if write.optional:
            return
        raise LimitError(f"This kernel has no {write.file}, so it can't be set.", unsupported=True)
    if write.text in (before, write.undo):
        return
    try:
        _write(path, write.text)
    except OSError as error:
        raise _explained(cgroup, write, error) from error
    done.append((path, before if write.undo is None else write.undo))
    written.append(LimitWrite(path=path, text=write.text))


def _explained(cgroup: Cgroup, write: Write, error: OSError) -> LimitError:
    if error.errno == errno.EBUSY and write.controller == "memory" and (known := memory.explain(cgroup, write)):
        return known
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LimitError(missing(cgroup, write.controller), unsupported=True)
    why = {errno.ENODEV: "there is no such disk", errno.EINVAL: "that is no value for it"}
    reason = why.get(error.errno or 0, os.strerror(error.errno or 0))
    return LimitError(f"{write.text!r} can't be written to {write.file}: {reason}.")


def _unified(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    for file, text in resources.unified.items():
        controller = file.partition(".")[0]
        if "/" in file or controller == "cgroup":
            raise LimitError(f"{file!r} is no file of a controller.")
        if file == io.WEIGHT:
            continue
        if cgroup.version(controller) == 1:
            raise LimitError(
                f"{file} is a file of cgroup v2, and this machine has the {controller} controller in v1.",
                unsupported=True,
            )
        yield Write(controller, file, text)


def _write(path: str, text: str) -> None:
    with step("write", path, text.encode()):
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
