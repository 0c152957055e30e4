"""`--security-opt seccomp=…` → `linux.seccomp`. Imports the profile's format and the default one."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec

from engine.spec import seccomp_default
from engine.spec.seccomp_profile import Host, read, resolve
from engine.spec.structs import Seccomp, SeccompRule

PERMISSIVE = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
LOG = "SCMP_ACT_LOG"


def from_option(text: str | None, capabilities: Collection[str], privileged: bool) -> Seccomp | None:
    """The filter of a container with these capabilities (names of its bounding set, with CAP_); None is no filter.

    `text`: None or "builtin" is the default profile (None where `privileged`: no filter), "unconfined" no filter, "log"
    the default one that lets through and logs what it would refuse, else a profile in Docker's JSON format.
    EngineError(INVALID) names the JSON path that is wrong.
    """
    if text == "unconfined" or (text is None and privileged):
        return None
    if text is None or text == "builtin":
        return default(capabilities)
    if text == "log":
        return logging(default(capabilities))
    return resolve(read(text), capabilities, Host.here())


def default(capabilities: Collection[str]) -> Seccomp:
    """The default profile for these capabilities; the same object each time."""
    return _default(frozenset(capabilities))


@lru_cache(maxsize=64)
def _default(capabilities: frozenset[str]) -> Seccomp:
    return resolve(seccomp_default.PROFILE, capabilities, Host.here())


def logging(seccomp: Seccomp) -> Seccomp:
    """The same filter with nothing refused: what it would refuse is written to the kernel's log (SECCOMP_RET_LOG)."""
    if seccomp.default_action in PERMISSIVE:
        default_action, default_errno = seccomp.default_action, seccomp.default_errno_ret
    else:
        default_action, default_errno = LOG, None
    return msgspec.structs.replace(
        seccomp,
        default_action=default_action,
        default_errno_ret=default_errno,
        syscalls=[_logged(rule) for rule in seccomp.syscalls],
    )


def _logged(rule: SeccompRule) -> SeccompRule:
    if rule.action in PERMISSIVE:
        return rule
    return msgspec.structs.replace(rule, action=LOG, errno_ret=None)
