"""What the controllers have in common: a write to one of their files, and how a value is read back."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.errors import LimitError
from engine.protocol.limits import MAX, LimitInForce

UNLIMITED = 1 << 62  # bytes; what v1 says where there is no limit is a little less than 2**63


@dataclass(frozen=True)
class Write:
    """`text` into `file` of the controller's directory. `undo`: what takes it back, where that is not the file's
    content. `optional`: nothing is lost where the file is not there."""

    controller: str
    file: str
    text: str
    undo: str | None = None
    optional: bool = False


def missing(cgroup: Cgroup, controller: str) -> str:
    """Why a controller is not there, in one sentence."""
    if cgroup.reason:
        return f"The {controller} controller is not ours. {cgroup.reason}"
    return f"This kernel has no {controller} controller, or nobody may use it."


def directory(cgroup: Cgroup, controller: str) -> str:
    """Raises LimitError where the controller is not there."""
    found = cgroup.directory(controller)
    if found is None:
        raise LimitError(missing(cgroup, controller), unsupported=True)
    return found


def read(path: str) -> str | None:
    """A file's content, stripped; None where it is not there."""
    with suppress(FileNotFoundError), open(path) as file:
        return file.read().strip()
    return None


def bytes_of(text: str) -> int:
    """A number of bytes of either version, `MAX` where there is no limit."""
    return MAX if text in ("max", "-1") or int(text) >= UNLIMITED else int(text)


def number(text: str) -> float | None:
    """A value that is a whole number."""
    return float(text) if text.lstrip("-").isdigit() else None


def in_force(cgroup: Cgroup, controller: str, name: str, file: str, *, usage: str = "") -> LimitInForce:
    """A limit in bytes or pieces that has a file of its own; `usage`: that of what is used."""
    found = cgroup.directory(controller)
    if found is None:
        return LimitInForce(name=name, value=None, reason=missing(cgroup, controller))
    path = os.path.join(found, file)
    text = read(path)
    if text is None:
        return LimitInForce(name=name, value=None, reason=f"This kernel has no {file}.")
    used = read(os.path.join(found, usage)) if usage else None
    return LimitInForce(
        name=name, value=bytes_of(text), text=text, path=path, usage=None if used is None else number(used)
    )
