"""Lets a group of viewers come to the engine's socket, who are not in the group that owns it (acl(5)).

The role is not decided here: the kernel still tells who comes (`peer`). Imports the standard library only.
"""

from __future__ import annotations

import grp
import logging
import os
import struct
from pathlib import Path

from engine.places import VIEWERS

log = logging.getLogger(__name__)

# An access control list as an extended attribute: linux/posix_acl_xattr.h and posix_acl.h.
_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id
_USER_OBJ, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF


def viewers_gid() -> int | None:
    """The group of those who may look at root's engine; None where there is none, or the engine is not root's."""
    if os.geteuid() != 0:
        return None
    try:
        return grp.getgrnam(VIEWERS).gr_gid
    except KeyError:
        return None


def admit(directory: Path, socket: Path, gid: int) -> None:
    """Members may go through the directory, without seeing what is in it, and connect to the socket."""
    for path, owner, group, viewers in ((directory, 7, 5, 1), (socket, 6, 6, 6)):
        try:
            os.setxattr(path, _ATTRIBUTE, access_list(owner, group, gid, viewers))
        except OSError as error:
            log.warning("viewers can't be let in: %s takes no access control list (%s)", path, error.strerror)
            return


def access_list(owner: int, group: int, gid: int, members: int) -> bytes:
    """As the kernel takes it; permissions as in a mode, nothing for others."""
    entries = (
        (_USER_OBJ, owner, _NOBODY),
        (_GROUP_OBJ, group, _NOBODY),
        (_GROUP, members, gid),
        (_MASK, group | members, _NOBODY),
        (_OTHER, 0, _NOBODY),
    )
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)
