"""A new user namespace as a descriptor, before anybody lives in it (user_namespaces(7)). Runs in the engine; blocks.

Id-mapped mounts need it while the container is in the making, so it is made first: by a child that does nothing else,
whose maps we write, and whose end it outlives because we hold it open.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Sequence

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox.kernel import CLONE
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS
from engine.spec.structs import IdMapping

_MOST = "no more user namespaces may be made; allow more with `sysctl user.max_user_namespaces=15000`"
_WHY = {
    errno.ENOSPC: _MOST,
    errno.EUSERS: "user namespaces can't be nested deeper",
    errno.EPERM: "they are forbidden here; allow them with `sysctl kernel.unprivileged_userns_clone=1`",
    errno.EINVAL: "this kernel has none (CONFIG_USER_NS)",
}


def make(uids: Sequence[IdMapping], gids: Sequence[IdMapping]) -> int:
    """A descriptor of a user namespace with these maps, ours to close. EngineError(UNSUPPORTED) says why not."""
    ready, tell = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _wait_inside(tell)
    try:
        os.close(tell)
        answer = os.read(ready, 16)
        if answer != b"0":
            error = int(answer or b"0")
            why = _WHY.get(error, os.strerror(error))
            raise EngineError(ErrorCode.UNSUPPORTED, f"A user namespace can't be made: {why}.")
        _write_map(child, "uid", uids)
        _write_map(child, "gid", gids)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def maps_of(namespace: int) -> tuple[list[IdMapping], list[IdMapping]]:
    """The maps (users, groups) of a user namespace by its descriptor, as seen from ours if that is its parent: only who
    is in it may ask. EngineError(UNSUPPORTED) where we may not enter it."""
    hear, tell = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _tell_maps(namespace, tell)
    os.close(tell)
    with open(hear, encoding="ascii") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    users, _, groups = text.partition("-")
    if not groups:
        raise EngineError(ErrorCode.UNSUPPORTED, f"The user namespace can't be entered: {text}.")
    return _read_map(users), _read_map(groups)


def _tell_maps(namespace: int, tell: int) -> None:
    try:
        result = system_call(NUMBERS["setns"], namespace, CLONE.NEWUSER)
        text = f"{os.strerror(-result)}"
        if result == 0:
            with (
                open("/proc/self/uid_map", encoding="ascii") as users,
                open("/proc/self/gid_map", encoding="ascii") as groups,
            ):
                text = f"{users.read()}-{groups.read()}"
        os.write(tell, text.encode())
    finally:
        os._exit(0)


def _read_map(text: str) -> list[IdMapping]:
    rows = (map(int, line.split()) for line in text.splitlines())
    return [IdMapping(container_id=inside, host_id=outside, size=size) for inside, outside, size in rows]


def _wait_inside(tell: int) -> None:
    """The child's life: it ends by our signal, or with us."""
    try:
        system_call(NUMBERS["prctl"], 1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        result = system_call(NUMBERS["unshare"], CLONE.NEWUSER)
        os.write(tell, str(-result).encode())
        while result == 0:
            signal.pause()
    finally:
        os._exit(0)


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
