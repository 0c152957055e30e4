"""The options about namespaces but that of networks (see `networks`): which are the container's own, shared with the
host, or joined, and ids and clocks in them. What goes together, the engine knows."""

from __future__ import annotations

import argparse
import re
from functools import partial
from typing import Any

from heliostui.commandline.parser import checked

_OPTIONS = {  # type in the OCI spec → how it is written, its default, what it is about
    "pid": (("--pid",), "private", "processes"),
    "ipc": (("--ipc",), "private", "shared memory and message queues"),
    "uts": (("--uts",), "private", "host name and domain name"),
    "user": (("--userns",), "host", "user and group ids"),
    "cgroup": (("--cgroupns",), "private", "the view of cgroups"),
    "time": (("--time",), "host", "the monotonic and boot clocks"),
}
_PRIVATE = {
    "network": ("none", "private", "new"),
    "ipc": ("private", "shareable", "new"),
    "user": ("auto", "private", "new"),
}
_CLOCKS = ("monotonic", "boottime")


def add_namespace_options(parser: argparse._ActionsContainer) -> None:
    """One option for each type, `--uidmap`, `--gidmap`, and the clocks' offsets."""
    for type, (flags, default, what) in _OPTIONS.items():
        parser.add_argument(
            *flags,
            dest=f"{type}_namespace",
            metavar="NAMESPACE",
            type=checked(partial(way, type)),
            help=f"for {what}: {_private(type)[0]}, host, container:NAME or ns:PATH (default: {default})",
        )
    for kind in ("uid", "gid"):
        parser.add_argument(
            f"--{kind}map",
            action="append",
            metavar="INSIDE:OUTSIDE:SIZE",
            help=f"map {kind}s of a user namespace of its own",
        )
    for clock in _CLOCKS:
        parser.add_argument(
            f"--{clock}", metavar="SECONDS", type=checked(seconds), help=f"move its {clock} clock by so much"
        )


def given_namespaces(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `ContainerOptions` that were given."""
    ways = {type: getattr(arguments, f"{type}_namespace") for type in _OPTIONS}
    clocks = {clock: getattr(arguments, clock) for clock in _CLOCKS}
    return {
        "namespaces": {type: way for type, way in ways.items() if way is not None},
        "uid_map": arguments.uidmap or [],
        "gid_map": arguments.gidmap or [],
        "time_offsets": {clock: seconds for clock, seconds in clocks.items() if seconds is not None},
    }


def way(type: str, text: str) -> str:
    """`private`, `host`, `container:NAME` or `ns:PATH`. Raises ValueError."""
    if text in _private(type):
        return "private"
    kind, _, rest = text.partition(":")
    if text == "host" or (kind == "container" and rest) or (kind == "ns" and rest.startswith("/")):
        return text
    raise ValueError(f"'{text}' can't be: it is {_private(type)[0]}, host, container:NAME or ns:PATH")


def seconds(text: str) -> float:
    """A number that is one. Raises ValueError."""
    if not re.fullmatch(r"[+-]?\d{1,10}(\.\d{1,9})?", text, re.ASCII):
        raise ValueError(f"'{text}' is no number of seconds")
    return float(text)


def _private(type: str) -> tuple[str, ...]:
    """The words for a new one, the first one the best."""
    return _PRIVATE.get(type, ("private", "new"))
