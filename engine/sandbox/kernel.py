"""Constants of the kernel's interface, in the kernel's spelling. Standard library only.

Flags are `IntFlag`s so that a plan can print them by name. Sources: the manual page of each call and the headers under
include/uapi/linux (sched.h, mount.h, openat2.h, prctl.h, seccomp.h, sockios.h).
"""

from __future__ import annotations

import os
from enum import IntEnum, IntFlag


class CLONE(IntFlag):
    """clone(2), setns(2)."""

    PARENT = 0x8000
    NEWTIME = 0x80
    NEWNS = 0x20000
    NEWCGROUP = 0x2000000
    NEWUTS = 0x4000000
    NEWIPC = 0x8000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000
    CLEAR_SIGHAND = 0x100000000
    INTO_CGROUP = 0x200000000


class MS(IntFlag):
    """mount(2)."""

    REC = 0x4000
    UNBINDABLE = 1 << 17
    PRIVATE = 1 << 18
    SLAVE = 1 << 19
    SHARED = 1 << 20


class MNT(IntFlag):
    """umount2(2)."""

    DETACH = 2


class O(IntFlag):  # noqa: E742 the kernel's own prefix
    """open(2)."""

    WRONLY = 1
    RDWR = 2
    CREAT = os.O_CREAT
    NOCTTY = os.O_NOCTTY
    NONBLOCK = os.O_NONBLOCK
    DIRECTORY = os.O_DIRECTORY
    CLOEXEC = os.O_CLOEXEC
    PATH = os.O_PATH


class RESOLVE(IntFlag):
    """openat2(2)."""

    NO_MAGICLINKS = 0x02
    NO_SYMLINKS = 0x04
    IN_ROOT = 0x10


class AT(IntFlag):
    """openat(2), execveat(2), mount_setattr(2)."""

    SYMLINK_NOFOLLOW = 0x100
    EMPTY_PATH = 0x1000
    RECURSIVE = 0x8000


class FD(IntEnum):
    """What may stand in the place of a directory's descriptor."""

    AT_FDCWD = -100


AT_FDCWD = FD.AT_FDCWD


class FSOPEN(IntFlag):
    CLOEXEC = 1


class FSCONFIG(IntEnum):
    """fsconfig(2)."""

    SET_FLAG = 0
    SET_STRING = 1
    CMD_CREATE = 6


class FSMOUNT(IntFlag):
    CLOEXEC = 1


class MOUNT_ATTR(IntFlag):
    """fsmount(2), mount_setattr(2)."""

    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    NOATIME = 0x10
    STRICTATIME = 0x20
    ATIME = 0x70  # the field of the two above
    NODIRATIME = 0x80
    IDMAP = 0x100000
    NOSYMFOLLOW = 0x200000


class OPEN_TREE(IntFlag):
    """open_tree(2); AT_ flags may be or-ed in."""

    CLONE = 1
    CLOEXEC = 0o2000000
    EMPTY_PATH = 0x1000
    RECURSIVE = 0x8000


class MOVE_MOUNT(IntFlag):
    """move_mount(2)."""

    F_EMPTY_PATH = 0x4
    T_EMPTY_PATH = 0x40


class PR(IntEnum):
    """prctl(2)."""

    SET_PDEATHSIG = 1
    SET_DUMPABLE = 4
    SET_KEEPCAPS = 8
    CAPBSET_DROP = 24
    SET_SECUREBITS = 28
    SET_NO_NEW_PRIVS = 38
    CAP_AMBIENT = 47


PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4


SECBIT_NO_SETUID_FIXUP = 4


class SECCOMP(IntEnum):
    """seccomp(2)."""

    SET_MODE_FILTER = 1


class CLOSE_RANGE(IntFlag):
    """close_range(2)."""

    CLOEXEC = 4


class TIO(IntEnum):
    """ioctl_tty(2)."""

    SCTTY = 0x540E
    CSWINSZ = 0x5414
    CSPTLCK = 0x40045431
    CGPTPEER = 0x5441


class SIOC(IntEnum):
    """netdevice(7)."""

    SIFFLAGS = 0x8914


class MSG(IntFlag):
    """send(2)."""

    NOSIGNAL = 0x4000


class S(IntFlag):
    """mknod(2): kinds of file."""

    IFREG = 0o100000
    IFCHR = 0o020000
    IFBLK = 0o060000
    IFIFO = 0o010000


AF_UNIX, AF_INET = 1, 2
SOCK_DGRAM, SOCK_CLOEXEC = 2, 0o2000000
IFF_UP = 1
SIGKILL = 9
SIG_SETMASK = 2
