"""Rootless: the keeper and all below it live in a user namespace in which the invoking user is root.

With newuidmap and newgidmap (and ranges in /etc/subuid, /etc/subgid) there are further users and groups; without, that
one user is all there is (user_namespaces(7), subuid(5)). Standard library only.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal

from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS

HOST_NAMESPACES = "HELIOSTUI_HOST_NAMESPACES"  # in the environment, for the engine: "user=4026531837 mount=4026531832"
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000

_FORBIDDEN = (
    "ordinary users may not make user namespaces; root allows it with `sysctl kernel.unprivileged_userns_clone=1` "
    "or, on Ubuntu, `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
)
_NONE = "this kernel has no user namespaces (CONFIG_USER_NS)"
_WHY = {
    errno.ENOSPC: "no more user namespaces may be made; root allows some with `sysctl user.max_user_namespaces=15000`",
    errno.EPERM: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.EINVAL: _NONE,
    errno.ENOSYS: _NONE,
}


class Refused(Exception):
    """This user gets no user namespace; `str()` says why and how to get one."""


def enter() -> None:
    """Put this process into a new user and mount namespace. Raises Refused. The environment keeps what it has left."""
    left = (("user", "user"), ("mount", "mnt"))  # by the names of the OCI's, for `engine.containers.isolation`
    os.environ[HOST_NAMESPACES] = " ".join(f"{kind}={os.stat(f'/proc/self/ns/{name}').st_ino}" for kind, name in left)
    uid, gid = os.getuid(), os.getgid()
    ranges = _ranges(uid, gid)
    go_read, go_write = os.pipe()
    done_read, done_write = os.pipe()
    mapper = os.fork() if ranges else 0
    if ranges and mapper == 0:
        # newuidmap must run outside, on a process that is already inside.
        os.close(go_write)
        os.close(done_read)
        os.read(go_read, 1)
        os._exit(_map_with_helpers(os.getppid(), uid, gid, ranges, done_write))
    result = system_call(NUMBERS["unshare"], CLONE_NEWUSER | CLONE_NEWNS)
    if result < 0:
        if ranges:
            os.kill(mapper, signal.SIGKILL)
            os.waitpid(mapper, 0)
        raise Refused(_WHY.get(-result, f"a user namespace can't be made ({os.strerror(-result)})"))
    mapped = False
    if ranges:
        os.close(done_write)
        os.write(go_write, b"g")
        mapped = os.read(done_read, 1) == b"y"
        os.waitpid(mapper, 0)
    if not mapped:
        _map_oneself(uid, gid)
    for fd in (go_read, go_write, done_read) if ranges else (go_read, go_write, done_read, done_write):
        os.close(fd)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _map_oneself(uid: int, gid: int) -> None:
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1\n")
        _write("/proc/self/gid_map", f"0 {gid} 1\n")
    except PermissionError:  # AppArmor lets namespaces be made, and then nothing be done in them
        raise Refused(_FORBIDDEN) from None


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _ranges(uid: int, gid: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """((first, count) of users, the same of groups), when there are some and the programs to map them."""
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        return None
    users, groups = _range("/etc/subuid", uid), _range("/etc/subgid", uid)
    return (users, groups) if users and groups else None


def _range(path: str, uid: int) -> tuple[int, int] | None:
    import pwd

    try:
        owners = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        owners = {str(uid)}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                owner, first, count = line.strip().split(":")
                if owner in owners:
                    return int(first), int(count)
    except (OSError, ValueError):
        return None
    return None


def _map_with_helpers(pid: int, uid: int, gid: int, ranges: tuple[tuple[int, int], tuple[int, int]], done: int) -> int:
    for program, own, (first, count) in (("newuidmap", uid, ranges[0]), ("newgidmap", gid, ranges[1])):
        path = shutil.which(program) or program
        arguments = [path, str(pid), "0", str(own), "1", "1", str(first), str(count)]
        child = os.posix_spawn(path, arguments, os.environ)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            return 1
    os.write(done, b"y")
    return 0
