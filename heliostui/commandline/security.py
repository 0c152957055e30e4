"""The options about what a container may do: capabilities, `--security-opt`, devices.

Only how they are written is checked here; the names, the engine knows.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from heliostui.commandline.failures import Failure, UsageError

_SECCOMP_WORDS = ("unconfined", "log", "builtin")
_TRUTH = {"": True, "true": True, "1": True, "false": False, "0": False}


def add_security_options(parser: argparse._ActionsContainer) -> None:
    """Capabilities and what protects the kernel."""
    for verb, what in (("add", "one more"), ("drop", "not this")):
        parser.add_argument(f"--cap-{verb}", action="append", metavar="CAPABILITY", help=f"{what} capability, or ALL")
    parser.add_argument(
        "--privileged", action="store_true", help="all capabilities and devices, and nothing masked or filtered"
    )
    parser.add_argument(
        "--security-opt",
        action="append",
        metavar="NAME=VALUE",
        help="seccomp=FILE|unconfined|log, apparmor=PROFILE, label=type:NAME|disable, no-new-privileges=false, "
        "systempaths=unconfined",
    )


def add_device_options(parser: argparse._ActionsContainer) -> None:
    """`--device` and `--device-cgroup-rule`."""
    parser.add_argument(
        "--device", action="append", metavar="PATH[:INSIDE][:rwm]", help="a device of the host, or a directory of them"
    )
    parser.add_argument(
        "--device-cgroup-rule", action="append", metavar="RULE", help="what else may be opened, as in 'c 13:* rwm'"
    )


def given_devices(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `ContainerOptions` that were given."""
    return {"devices": arguments.device or [], "device_rules": arguments.device_cgroup_rule or []}


def given_security(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `ContainerOptions` that were given. Raises UsageError, and Failure for a profile that can't be
    read."""
    fields: dict[str, Any] = {"cap_add": arguments.cap_add or [], "cap_drop": arguments.cap_drop or []}
    if arguments.privileged:
        fields["privileged"] = True
    for text in arguments.security_opt or ():
        name, value = _split(text)
        if name == "label":
            fields.setdefault("selinux", []).append(value)
        else:
            fields |= _field(text, name, value)
    return fields


def _split(text: str) -> tuple[str, str]:
    """Docker takes `name=value` and, from of old, `name:value`."""
    match = re.match(r"([^=:]*)[=:]?(.*)", text, re.DOTALL)
    assert match is not None
    return match[1], match[2]


def _field(text: str, name: str, value: str) -> dict[str, Any]:
    if name == "no-new-privileges" and value.lower() in _TRUTH:
        return {"no_new_privileges": _TRUTH[value.lower()]}
    if name == "systempaths" and value == "unconfined":
        return {"unmasked": True}
    if name == "apparmor" and value:
        return {"apparmor": value}
    if name == "seccomp" and value:
        return {"seccomp": value if value in _SECCOMP_WORDS else _profile(value)}
    raise UsageError(
        f"--security-opt '{text}' can't be: write seccomp=FILE, apparmor=PROFILE, label=…, no-new-privileges=false "
        "or systempaths=unconfined"
    )


def _profile(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except UnicodeDecodeError:
        raise Failure(f"the seccomp profile {path} is not UTF-8") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise Failure(f"the seccomp profile {path} can't be read: {reason}") from None
