"""Which capabilities a container has: Docker's fourteen, `--cap-add`, `--cap-drop`, `--privileged`.

Imports the errors and the structs. Sources: capabilities(7); moby `oci/caps/utils.go`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.structs import Capabilities, User

NAMES = tuple(
    f"CAP_{name}"
    for name in """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
""".split()
)
"""All of them, in the order of their numbers."""
DEFAULT = tuple(
    f"CAP_{name}"
    for name in """
CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
AUDIT_WRITE
""".split()
)


def granted(add: Sequence[str], drop: Sequence[str], *, privileged: bool, own_user_namespace: bool) -> list[str]:
    """The names that remain. With `add` ALL, all but `drop`; with `drop` ALL, only `add`; a privileged container has
    all. Raises EngineError INVALID for what is no capability."""
    added, dropped = _names(add), _names(drop)
    if privileged:
        return _all(own_user_namespace)
    if "ALL" in added:
        return [name for name in _all(own_user_namespace) if name not in dropped]
    base = () if "ALL" in dropped else [name for name in DEFAULT if name not in dropped]
    return list(dict.fromkeys([*base, *added]))


def sets(names: Collection[str], user: User) -> Capabilities:
    """The five sets for a program of `user`. Another one than root has them in the bounding set only, as execve(2)
    would have it."""
    listed = list(names)
    if user.uid:
        return Capabilities(bounding=listed)
    return Capabilities(bounding=listed, effective=listed, permitted=listed)


def _names(asked: Sequence[str]) -> list[str]:
    """With the prefix, in capitals."""
    return [_name(text) for text in asked]


def _name(text: str) -> str:
    name = text.strip().upper()
    if name == "ALL":
        return name
    name = name if name.startswith("CAP_") else f"CAP_{name}"
    if name not in NAMES:
        near = get_close_matches(name.removeprefix("CAP_"), [known.removeprefix("CAP_") for known in NAMES], 1)
        hint = f"did you mean {near[0]}?" if near else "capabilities(7) lists them."
        raise EngineError(ErrorCode.INVALID, f"{text!r} is no capability: {hint}")
    if NAMES.index(name) > _last():
        raise EngineError(ErrorCode.UNSUPPORTED, f"This kernel is too old for the capability {name}.")
    return name


def _all(own_user_namespace: bool) -> list[str]:
    """What can be had: in a new user namespace all that the kernel knows, else what we have ourselves."""
    can = (1 << _last() + 1) - 1 if own_user_namespace else _our_bounding_set()
    return [name for number, name in enumerate(NAMES) if can >> number & 1]


@cache
def _last() -> int:
    """The highest number that this kernel knows."""
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


@cache
def _our_bounding_set() -> int:
    """proc_pid_status(5), CapBnd."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapBnd:"))
