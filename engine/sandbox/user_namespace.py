"""A new user namespace as a descriptor, before anybody lives in it (user_namespaces(7)). Runs in the engine; blocks.

Id-mapped mounts need it while the container is in the making, so it is made first: by a process that does nothing else,
whose maps we write, and whose end it outlives because we hold it open.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox.kernel import CLONE
from engine.spec.structs import IdMapping

_MOST = "no more user namespaces may be made; allow more with `sysctl user.max_user_namespaces=15000`"
_WHY = {
    errno.ENOSPC: _MOST,
    errno.EUSERS: "user namespaces can't be nested deeper",
    errno.EPERM: "they are forbidden here; allow them with `sysctl kernel.unprivileged_userns_clone=1`",
    errno.EINVAL: "this kernel has none (CONFIG_USER_NS)",
}


# Goes into a user namespace, new or given by its descriptor; says the errno, and stays until its input ends. A program
# of its own, because the engine has threads: a fork of it may come to be while one of them holds a lock.
_INSIDE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
result = libc.setns(int(sys.argv[2]), int(sys.argv[1])) if sys.argv[2:] else libc.unshare(int(sys.argv[1]))
print(ctypes.get_errno() if result else 0, flush=True)
sys.stdin.read()
"""


def make(uids: Sequence[IdMapping], gids: Sequence[IdMapping]) -> int:
    """A descriptor of a user namespace with these maps, ours to close. EngineError(UNSUPPORTED) says why not."""
    with _inside() as (pid, error):
        if error:
            why = _WHY.get(error, os.strerror(error))
            raise EngineError(ErrorCode.UNSUPPORTED, f"A user namespace can't be made: {why}.")
        _write_map(pid, "uid", uids)
        _write_map(pid, "gid", gids)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)


def maps_of(namespace: int) -> tuple[list[IdMapping], list[IdMapping]]:
    """The maps (users, groups) of a user namespace by its descriptor, as seen from ours. EngineError(UNSUPPORTED) where
    we may not enter it: only who is in it has them."""
    with _inside(namespace) as (pid, error):
        if error:
            raise EngineError(ErrorCode.UNSUPPORTED, f"The user namespace can't be entered: {os.strerror(error)}.")
        return _read_map(pid, "uid"), _read_map(pid, "gid")


@contextmanager
def _inside(*namespace: int) -> Iterator[tuple[int, int]]:
    """A process in the user namespace, or in a new one: its pid, and the errno if it could not get there."""
    command = [sys.executable, "-I", "-S", "-c", _INSIDE, str(int(CLONE.NEWUSER)), *map(str, namespace)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=namespace)
    except OSError as error:
        why = f"A user namespace needs a process in it, which can't be made: {error.strerror}."
        raise EngineError(ErrorCode.LAUNCH_FAILED, why) from None
    with process:  # closes its input, and waits
        assert process.stdout is not None
        answer = process.stdout.readline()
        if not answer:
            raise EngineError(ErrorCode.LAUNCH_FAILED, "The process that goes into a user namespace was killed.")
        yield process.pid, int(answer)


def _read_map(pid: int, kind: str) -> list[IdMapping]:
    with open(f"/proc/{pid}/{kind}_map", encoding="ascii") as file:
        rows = [map(int, line.split()) for line in file]
    return [IdMapping(container_id=inside, host_id=outside, size=size) for inside, outside, size in rows]


def _write_map(pid: int, kind: str, mappings: Sequence[IdMapping]) -> None:
    """All lines in one write: there is only one (user_namespaces(7))."""
    text = "".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in mappings)
    file = os.open(f"/proc/{pid}/{kind}_map", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode())
    except OSError as error:
        lines = ", ".join(f"{m.container_id}:{m.host_id}:{m.size}" for m in mappings)
        raise EngineError(
            ErrorCode.UNSUPPORTED,
            f"The {kind} map {lines} is refused by the kernel ({error.strerror}): give ids that the engine has itself.",
        ) from None
    finally:
        os.close(file)
