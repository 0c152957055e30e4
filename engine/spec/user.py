"""`--user`, `--group-add` and the image's /etc/passwd and /etc/group → who the process is.

Pure; imports the structs and the errors.

The rules are Docker's (moby/sys/user, `GetExecUser`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.structs import User

MAXIMUM = 2**31 - 1


@dataclass(frozen=True)
class Account:
    """Who the process is, where its home is (`/` where nobody says), and which further groups were asked for."""

    user: User
    home: str = "/"
    asked_groups: tuple[int, ...] = ()


def resolve_user(asked: str | None, passwd: str, group: str, further: Sequence[str] = ()) -> Account:
    """`asked` is `name|uid[:group|gid]`, None or empty for root; `passwd` and `group` are the texts of the two files;
    `further` groups are names or numbers.

    A number is always an id, and needs no entry. Without a group the entry's own and its supplementary groups hold;
    with one, only that. Raises EngineError INVALID.
    """
    user_part, _, group_part = (asked or "").partition(":")
    if any("\0" in text for text in (asked or "", *further)):
        raise EngineError(ErrorCode.INVALID, f"The user {asked!r} holds a NUL byte, or a group does.")
    name, uid, gid, home = _find_user(user_part or "0", passwd)
    added = tuple(dict.fromkeys(_find_group(one, group) for one in further))
    if group_part:
        return Account(User(uid=uid, gid=_find_group(group_part, group)), home, added)
    others = [number for _, number, members in _groups(group) if name and name in members]
    return Account(User(uid=uid, gid=gid, additional_gids=list(dict.fromkeys(others))), home, added)


def _find_user(asked: str, passwd: str) -> tuple[str, int, int, str]:
    """Name (empty: no entry), uid, gid, home."""
    wanted = _number(asked)
    for name, uid, gid, home in _users(passwd):
        if uid == wanted if wanted is not None else name == asked:
            return name, uid, gid, home or "/"
    if wanted is None:
        raise EngineError(
            ErrorCode.INVALID,
            f"unable to find user {asked}: no matching entries in passwd file of the image. Give a number instead.",
        )
    return "", _in_range(wanted), 0, "/"


def _find_group(asked: str, group: str) -> int:
    wanted = _number(asked)
    for name, gid, _ in _groups(group):
        if gid == wanted if wanted is not None else name == asked:
            return gid
    if wanted is None:
        raise EngineError(
            ErrorCode.INVALID,
            f"unable to find group {asked}: no matching entries in group file of the image. Give a number instead.",
        )
    return _in_range(wanted)


def _users(text: str) -> Iterator[tuple[str, int, int, str]]:
    for fields in _entries(text, at_least=4):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None and max(uid, gid) <= MAXIMUM:
            yield fields[0], uid, gid, fields[5] if len(fields) > 5 else ""


def _groups(text: str) -> Iterator[tuple[str, int, list[str]]]:
    for fields in _entries(text, at_least=3):
        gid = _number(fields[2])
        if gid is not None and gid <= MAXIMUM:
            yield fields[0], gid, fields[3].split(",") if len(fields) > 3 else []


def _entries(text: str, at_least: int) -> Iterator[list[str]]:
    """The fields of each line of passwd(5) or group(5) that is one; comments and broken lines are passed over."""
    for line in text.split("\n"):
        fields = line.strip().split(":")
        if fields[0] and not fields[0].startswith("#") and len(fields) >= at_least:
            yield fields


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _in_range(number: int) -> int:
    if number > MAXIMUM:
        raise EngineError(ErrorCode.INVALID, f"uids and gids must be in range 0-{MAXIMUM}, not {number}.")
    return number
