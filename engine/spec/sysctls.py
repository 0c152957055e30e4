"""`--sysctl`: kernel settings that belong to a namespace, and that the namespace is the container's own.

Imports the errors. Sources: sysctl(8), namespaces(7); runc `libcontainer/configs/validate`, the same list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

IPC = {
    f"kernel.{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
}
SWAPPED = str.maketrans("./", "/.")  # between the name in dots and the path below /proc/sys
_PART = re.compile(r"(?!\.\.?$)[A-Za-z0-9_.:@-]+")  # of the name, and of the path below /proc/sys


def check(name: str, value: str, own: Collection[str]) -> None:
    """Refuse what would change the host. `own`: the types of the container's new namespaces. Raises EngineError
    INVALID."""
    dotted = in_dots(name)
    if not all(_PART.fullmatch(part.replace("/", ".")) for part in dotted.split(".")):
        raise EngineError(ErrorCode.INVALID, f"{name!r} is no sysctl: write it as in net.ipv4.ip_forward=1.")
    if "\0" in value:
        raise EngineError(ErrorCode.INVALID, f"The value of the sysctl {name!r} holds a NUL byte.")
    if dotted == "kernel.hostname":
        raise EngineError(ErrorCode.INVALID, "The sysctl kernel.hostname is set by --hostname.")
    needed = namespace_of(dotted)
    if needed is None:
        raise EngineError(
            ErrorCode.INVALID,
            f"The sysctl {name!r} belongs to the whole machine: a container can set kernel.msg*, kernel.sem, "
            "kernel.shm*, fs.mqueue.*, kernel.domainname and net.*.",
        )
    if needed not in own:
        raise EngineError(
            ErrorCode.INVALID,
            f"The sysctl {name!r} can't be set: the container has no {needed} namespace of its own.",
        )


def in_dots(name: str) -> str:
    """`net/ipv4/conf/eth0.1/forwarding` as `net.ipv4.conf.eth0/1.forwarding`: the first separator tells which it is
    (sysctl.d(5))."""
    separator = re.search(r"[./]", name)
    return name.translate(SWAPPED) if separator and separator[0] == "/" else name


def checked(asked: Mapping[str, str], own: Collection[str]) -> dict[str, str]:
    """All of them, by their names in dots."""
    for name, value in asked.items():
        check(name, value, own)
    return {in_dots(name): value for name, value in asked.items()}


def namespace_of(dotted: str) -> str | None:
    """The type of the namespace that a setting belongs to."""
    if dotted in IPC or dotted.startswith("fs.mqueue."):
        return "ipc"
    if dotted == "kernel.domainname":
        return "uts"
    return "network" if dotted.startswith("net.") else None
