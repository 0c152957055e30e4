"""Isolation as the engine tells it, as widgets show it. Imports the protocol and widgets' values."""

from __future__ import annotations

from typing import get_args

from engine.protocol.isolation import DeviceRule
from engine.protocol.messages import VIEWER_REQUESTS, AnyRequest, SeccompFilter
from engine.protocol.messages import Isolation as IsolationReply
from widgets.isolation import SETS, CallRule, IdRange, Isolation, MountLine, Namespace, Verb

# linux/Documentation/admin-guide/devices.txt
_NODES = {
    ("c", 1, 3): "/dev/null",
    ("c", 1, 5): "/dev/zero",
    ("c", 1, 7): "/dev/full",
    ("c", 1, 8): "/dev/random",
    ("c", 1, 9): "/dev/urandom",
    ("c", 5, 0): "/dev/tty",
    ("c", 5, 1): "/dev/console",
    ("c", 5, 2): "/dev/ptmx",
    ("c", 136, None): "/dev/pts/*",
    ("c", 10, 200): "/dev/net/tun",
    ("c", 10, 229): "/dev/fuse",
    ("c", 10, 232): "/dev/kvm",
}


def verbs() -> tuple[Verb, ...]:
    """Everything the engine can be asked."""
    return tuple(
        Verb(str(request.__struct_config__.tag), request not in VIEWER_REQUESTS) for request in get_args(AnyRequest)
    )


def device(rule: DeviceRule) -> str:
    """A rule in the words of cgroup v1's devices.allow, and what it is about."""
    numbers = ":".join("*" if number is None else str(number) for number in (rule.major, rule.minor))
    if rule.type == "a":
        about = "all devices"
    else:
        kinds = {"c": "all character devices", "b": "all block devices"}
        about = kinds[rule.type] if rule.major is None else _NODES.get((rule.type, rule.major, rule.minor), "")
    words = f"{'allow' if rule.allow else 'deny '} {rule.type} {numbers:<9} {rule.access:<3}"
    return f"{words}  {about}".rstrip()


def fences(reply: IsolationReply, filter: SeccompFilter | None) -> Isolation:
    """`filter`: with its program, where it is known."""
    rules = filter.rules if filter is not None and filter.rules else reply.seccomp_rules
    return Isolation(
        pid=reply.pid,
        namespaces=tuple(
            Namespace(each.type, each.inode, each.host_inode, each.shared, tuple(each.containers))
            for each in reply.namespaces
        ),
        uids=tuple(IdRange(each.inside, each.outside, each.size) for each in reply.uid_map),
        gids=tuple(IdRange(each.inside, each.outside, each.size) for each in reply.gid_map),
        capabilities={name: frozenset(getattr(reply.capabilities, name)) for name in SETS},
        seccomp=reply.seccomp,
        seccomp_default=reply.seccomp_default,
        rules=tuple(CallRule(tuple(rule.calls), rule.action, rule.condition) for rule in rules),
        no_new_privileges=reply.no_new_privileges,
        label=reply.label,
        mounts=tuple(
            MountLine(m.destination, m.type, m.source, tuple(m.options), m.propagation, m.what_for)
            for m in reply.mounts
        ),
        masked=tuple(reply.masked),
        read_only=tuple(reply.read_only),
        devices=tuple(device(rule) for rule in reply.devices),
        cgroups=tuple(reply.cgroups),
        architectures=tuple(filter.architectures) if filter else (),
        program=tuple(filter.program) if filter else (),
        verbs=verbs(),
    )
