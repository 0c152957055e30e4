"""Ids and names of containers, and finding one by what a person typed. Imports the protocol.

A container answers to its id (12 hexadecimal digits), to any unique prefix of it and to its name, tried in that order:
full id, name, prefix; so a container named like the beginning of another's id stays reachable.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping

from engine.containers.words import ADJECTIVES, NOUNS
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

LONGEST_NAME = 128
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_ID = re.compile(r"[0-9a-f]{12}")


def new_id(existing: Collection[str]) -> str:
    """12 random hexadecimal digits that no other container has."""
    while (made := secrets.token_hex(6)) in existing:
        pass
    return made


def new_name(existing: Collection[str]) -> str:
    """A generated `adjective_noun`; with a number behind once those are rare."""
    for attempt in range(64):
        name = f"{secrets.choice(ADJECTIVES)}_{secrets.choice(NOUNS)}"
        if attempt >= 8:
            name += str(secrets.randbelow(10 ** (attempt // 4)))
        if name not in existing:
            return name
    raise EngineError(ErrorCode.INTERNAL, "No free container name could be generated; give one with --name.")


def is_id(text: str) -> bool:
    """Whether `text` is a full container id."""
    return _ID.fullmatch(text) is not None


def check_name(name: str, existing: Mapping[str, str]) -> None:
    """EngineError unless `name` is well formed (INVALID) and free (NAME_IN_USE). `existing`: id by name."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise EngineError(
            ErrorCode.INVALID,
            f"{_shortened(name)} is not a container name: 2 to {LONGEST_NAME} of letters, digits, '_', '.' and '-', "
            "beginning with a letter or digit.",
        )
    if (owner := existing.get(name)) is not None:
        raise EngineError(
            ErrorCode.NAME_IN_USE,
            f"The name {name!r} is taken by container {owner}: remove or rename that one, or choose another name.",
        )


def find(reference: str, existing: Mapping[str, str]) -> str:
    """The id that `reference` means. `existing`: id by name. EngineError NO_SUCH_CONTAINER or AMBIGUOUS."""
    ids = existing.values()
    if is_id(reference) and reference in ids:
        return reference
    if reference in existing:
        return existing[reference]
    found = {name: id for name, id in existing.items() if reference and id.startswith(reference)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        candidates = ", ".join(f"{id} ({name})" for name, id in sorted(found.items(), key=lambda item: item[1])[:8])
        more = ", …" if len(found) > 8 else ""
        raise EngineError(
            ErrorCode.AMBIGUOUS,
            f"{reference!r} begins the ids of {len(found)} containers: {candidates}{more}. Write more of the id.",
        )
    raise EngineError(ErrorCode.NO_SUCH_CONTAINER, f"There is no container with id or name {_shortened(reference)}.")


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 64 else text[:63] + "…")
