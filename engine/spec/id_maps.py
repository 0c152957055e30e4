"""Which ids a container has: `--uidmap`, `--gidmap`, the range for `--userns private`, and those of our own namespace.

Reads /proc/self/uid_map, /etc/subuid and their like. Imports the errors and the structs.
Sources: user_namespaces(7), subuid(5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.structs import IdMapping, User

WHOLE = (IdMapping(container_id=0, host_id=0, size=2**32 - 1),)
"""The map of a user namespace that is none: every id as it is."""
OWNERS = ("heliostui", "containers")
"""Whose ranges in /etc/subuid and /etc/subgid are used for containers of root, in this order."""
FALLBACK = IdMapping(container_id=0, host_id=2**30, size=2**16)
"""Where neither has one: ids that systemd leaves to containers (its UIDS-GIDS document) and hardly anybody uses."""
_TRIPLE = re.compile(r"(\d{1,10}):(\d{1,10}):(\d{1,10})", re.ASCII)
MAXIMUM = 340  # lines of a map, user_namespaces(7)


def id_maps(uids: Sequence[str], gids: Sequence[str]) -> tuple[list[IdMapping], list[IdMapping]]:
    """The maps of a new user namespace: `inside:outside:size` each. One kind serves for both; neither: the automatic
    range. Raises EngineError INVALID."""
    if not uids and not gids:
        return automatic("uid"), automatic("gid")
    uid_maps, gid_maps = _parsed("--uidmap", uids or gids), _parsed("--gidmap", gids or uids)
    for kind, maps in (("uid", uid_maps), ("gid", gid_maps)):
        if complaint := overlap(maps):
            raise EngineError(ErrorCode.INVALID, f"The {kind} maps are invalid: {complaint}.")
        if (ours := own(kind)) != WHOLE:
            _check_ours(kind, maps, ours)
    return uid_maps, gid_maps


def automatic(kind: str) -> list[IdMapping]:
    """The map for `kind` uid or gid where nobody says one. Root's containers share one range of ids that nobody else
    has; in a user namespace the container has the same ids as we."""
    if (ours := own(kind)) != WHOLE:
        return [IdMapping(container_id=line.container_id, host_id=line.container_id, size=line.size) for line in ours]
    try:
        lines = Path(f"/etc/sub{kind}").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for owner in OWNERS:
        for line in lines:
            name, *numbers = line.split(":")
            if name == owner and len(numbers) == 2 and all(n.isascii() and n.isdigit() for n in numbers):
                first, count = map(int, numbers)
                if count and first + count < 2**32:
                    return [IdMapping(container_id=0, host_id=first, size=min(count, 2**16))]
    return [FALLBACK]


@cache
def own(kind: str) -> tuple[IdMapping, ...]:
    """The map of the user namespace that we are in ourselves; it is written once."""
    rows = (map(int, line.split()) for line in Path(f"/proc/self/{kind}_map").read_text().splitlines())
    return tuple(IdMapping(container_id=inside, host_id=outside, size=size) for inside, outside, size in rows)


def contains(maps: Sequence[IdMapping], number: int) -> bool:
    """Does an id exist inside?"""
    return any(line.container_id <= number < line.container_id + line.size for line in maps)


def mapped_user(
    user: User, maps: tuple[Sequence[IdMapping], Sequence[IdMapping]] | None = None, groups: Sequence[int] = ()
) -> User:
    """`user` as far as the container's user namespace has its ids (`maps`: uids and gids; None: it is in ours);
    setuid(2) and setgroups(2) refuse others (EINVAL).

    A supplementary group too many is dropped: nobody asked for it. `groups` are those that were asked for. Raises
    EngineError INVALID for these, uid and gid.
    """
    uids, gids = maps or (own("uid"), own("gid"))
    for kind, number, ids in (
        ("uid", user.uid, uids),
        ("gid", user.gid, gids),
        *(("gid", gid, gids) for gid in groups),
    ):
        if not contains(ids, number):
            where = (
                "of the container's user namespace: give it a larger --uidmap and --gidmap."
                if maps
                else "that this user may use: add ranges to /etc/subuid and /etc/subgid, install newuidmap (package "
                "uidmap), and restart the engine."
            )
            raise EngineError(ErrorCode.INVALID, f"The {kind} {number} is not among the ids {where}")
    kept = [gid for gid in user.additional_gids if contains(gids, gid)]
    return msgspec.structs.replace(user, additional_gids=list(dict.fromkeys([*kept, *groups])))


def overlap(maps: Sequence[IdMapping]) -> str:
    """What the kernel would refuse in a map (EINVAL), or nothing."""
    if len(maps) > MAXIMUM:
        return f"{len(maps)} lines are more than the {MAXIMUM} that the kernel takes"
    for side in ("container_id", "host_id"):
        end = 0
        for line in sorted(maps, key=lambda line: getattr(line, side)):
            first = getattr(line, side)
            if not line.size or first + line.size > 2**32 - 1:
                return f"{line.size} ids from {first} on can't be"
            if first < end:
                return f"id {first} {'inside' if side == 'container_id' else 'outside'} stands in it twice"
            end = first + line.size
    return ""


def _parsed(option: str, texts: Sequence[str]) -> list[IdMapping]:
    maps = []
    for text in texts:
        match = _TRIPLE.fullmatch(text)
        if match is None or max(map(int, match.groups())) >= 2**32:
            raise EngineError(
                ErrorCode.INVALID, f"{option} {text!r} is no id map: write INSIDE:OUTSIDE:SIZE, as in 0:100000:65536."
            )
        inside, outside, size = map(int, match.groups())
        maps.append(IdMapping(container_id=inside, host_id=outside, size=size))
    return maps


def _check_ours(kind: str, maps: Sequence[IdMapping], ours: Sequence[IdMapping]) -> None:
    """In a user namespace only ids that it has can be handed on, each line out of one of its lines."""
    for line in maps:
        if not any(
            one.container_id <= line.host_id and line.host_id + line.size <= one.container_id + one.size for one in ours
        ):
            raise EngineError(
                ErrorCode.INVALID,
                f"The {kind}s {line.host_id} to {line.host_id + line.size - 1} are not among those that this user has "
                "here: " + ", ".join(f"{one.container_id}-{one.container_id + one.size - 1}" for one in ours) + ".",
            )
