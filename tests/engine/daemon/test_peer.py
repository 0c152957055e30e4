"""Promises about who may do what."""

from __future__ import annotations

import os
import socket

import pytest

from engine.daemon.peer import Credentials, credentials, role_of
from engine.protocol.messages import Role

OPERATORS_GID, OTHER_GID = 990, 100


@pytest.mark.parametrize(
    ("uid", "groups", "own_uid", "socket_gid", "socket_group", "role"),
    [
        (0, {0}, 0, 0, "root", Role.OPERATOR),  # root, of root's engine
        (0, {0}, 1000, 1000, "ada", Role.OPERATOR),  # root, of anybody's
        (1000, {1000}, 1000, 1000, "ada", Role.OPERATOR),  # the engine's own user
        (1001, {1001, OPERATORS_GID}, 0, OPERATORS_GID, "heliostui", Role.OPERATOR),  # a member of the operators
        (1001, {1001, OTHER_GID}, 0, OTHER_GID, "staff", Role.VIEWER),  # let in by another group
        (1001, {1001, OPERATORS_GID}, 0, OTHER_GID, "staff", Role.VIEWER),  # the socket is not the operators'
        (1001, {1001}, 0, OPERATORS_GID, "heliostui", Role.VIEWER),  # let in by a wider mode
        (1001, {65534}, 0, 65534, "nogroup", Role.VIEWER),  # a group that the user namespace does not know
        (1001, {65534}, 0, 65534, None, Role.VIEWER),
    ],
)
def test_the_role_follows_from_user_and_group(
    uid: int, groups: set[int], own_uid: int, socket_gid: int, socket_group: str | None, role: Role
) -> None:
    assert role_of(Credentials(uid, frozenset(groups)), own_uid, socket_gid, socket_group) is role


def test_the_kernel_tells_who_is_at_the_other_end_with_all_groups() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert credentials(here) == Credentials(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}), os.getpid())
