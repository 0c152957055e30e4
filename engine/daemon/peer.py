"""Who is at the other end of a unix socket, and what that lets them do."""

from __future__ import annotations

import grp
import socket
import struct
from dataclasses import dataclass

from engine.places import OPERATORS
from engine.protocol.messages import Role

_UCRED = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid
_SO_PEERGROUPS = 59  # asm-generic/socket.h; Python has no name for it
_MOST_GROUPS = 256  # what Python's getsockopt can take


@dataclass(frozen=True)
class Credentials:
    """The peer as it was when it connected."""

    uid: int
    groups: frozenset[int]  # primary and supplementary
    pid: int = 0  # 0: of a PID namespace that is not ours


def credentials(connection: socket.socket) -> Credentials:
    """SO_PEERCRED of unix(7), and SO_PEERGROUPS. Somebody in more groups than fit counts by the primary one alone."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * 4)
    except OSError:  # ERANGE
        groups = b""
    return Credentials(uid, frozenset({gid, *memoryview(groups).cast("I")}), pid)


def role_of(peer: Credentials, own_uid: int, socket_gid: int, socket_group: str | None) -> Role:
    """Root, the engine's own user and members of the group `heliostui`, when the socket is that group's, operate.

    Everybody else whom the file's permissions let in watches. `socket_group`: the name of `socket_gid`, if it has one.
    """
    if peer.uid in (0, own_uid):
        return Role.OPERATOR
    if socket_group == OPERATORS and socket_gid in peer.groups:
        return Role.OPERATOR
    return Role.VIEWER


def group_name(gid: int) -> str | None:
    """The group's name; None where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None
