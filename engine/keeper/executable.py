"""The keeper runs from a read-only mount of its interpreter, so that no container can write to the file.

A container's program may be called /proc/self/exe (or be a script that names it as its interpreter): until execve(2)
has happened that is the launcher's own executable, and the file it leads to lies on a mount of the host
(CVE-2019-5736). Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from contextlib import suppress

from engine.sandbox.kernel import AT, AT_FDCWD, MOUNT_ATTR, OPEN_TREE
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS

MARK = ("--executable", "read-only")  # arguments of the second start


def protect(further: list[str]) -> None:
    """Become this program again, with `MARK` and `further` arguments, from a mount of its own that is read-only.

    Returns where the file is on a read-only file system already, and where the kernel allows no such mount.
    """
    if os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY:
        return
    path = os.path.realpath(sys.executable).encode()
    mount = system_call(NUMBERS["open_tree"], AT_FDCWD, _address(path), OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC)
    if mount < 0:
        return
    attributes = struct.pack("=4Q", MOUNT_ATTR.RDONLY, 0, 0, 0)  # struct mount_attr
    arguments = (mount, _address(b""), AT.EMPTY_PATH, _address(attributes), len(attributes))
    if system_call(NUMBERS["mount_setattr"], *arguments) == 0:
        with suppress(OSError):
            os.execve(mount, [*sys.orig_argv, *MARK, *further], os.environ)
    os.close(mount)


def _address(data: bytes) -> int:
    """Of the bytes, which must be kept until the call is over."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
