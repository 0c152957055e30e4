"""A container's filter and its isolation as text for people. Imports the protocol."""

from __future__ import annotations

import shutil
import textwrap
from typing import get_args

from engine.protocol import messages as m
from engine.protocol.isolation import DeviceRule, IdMap, NamespaceView, SeccompRow
from heliostui.commandline.table import printable, table


def seccomp(name: str, told: m.SeccompFilter) -> str:
    """Both worlds: the calls that a container's programs may make, and what may be asked of the engine about it."""
    return "\n\n".join([_calls(name, told), _requests()])


def program(name: str, told: m.SeccompFilter) -> str:
    """The filter as the kernel has it, with a word on each instruction."""
    return "\n".join(told.program) if told.program else _unconfined(name)


def isolation(name: str, told: m.Isolation) -> str:
    """What a container can and can't see and do."""
    sections = [
        (f"Namespaces of {name} (init: process {told.pid})", _namespaces(told.namespaces)),
        ("Users and groups, inside and outside", _id_maps(told.uid_map, told.gid_map)),
        ("Capabilities", _capabilities(told)),
        ("System calls", _filter(told)),
        ("Devices", table(("", "TYPE", "NUMBERS", "ACCESS"), [_device(rule) for rule in told.devices])),
        ("Mounts", _mounts(told)),
        ("Hidden", _wrapped(told.masked)),
        ("To be read only", _wrapped(told.read_only)),
        ("Control groups", "\n".join(map(printable, told.cgroups)) or "none of its own"),
    ]
    return "\n\n".join(f"{heading}\n{textwrap.indent(text, '  ')}" for heading, text in sections)


def _calls(name: str, told: m.SeccompFilter) -> str:
    if told.mode == "unconfined":
        return _unconfined(name)
    head = f"System calls of {name}'s programs, on {', '.join(told.architectures)}"
    rest = f"Every other call: {told.default}"
    return "\n".join([head, *map(_rule, told.rules), rest])


def _unconfined(name: str) -> str:
    return f"{name} has no filter: its programs may make every system call."


def _rule(row: SeccompRow) -> str:
    condition = f", {row.condition}" if row.condition else ""
    count = f" ({len(row.calls)} calls)" if len(row.calls) > 1 else ""
    heading = textwrap.fill(f"{row.action}{count}{condition}", _width(), initial_indent="  ", subsequent_indent="    ")
    return f"{heading}\n{textwrap.indent(_wrapped(row.calls), '      ')}"


def _requests() -> str:
    """The narrow interface of the other side: from inside a container none of it can be reached."""
    rows = []
    for kind in get_args(m.AnyRequest):
        what = " ".join((kind.__doc__ or "").split()).partition("→")[0].partition(". ")[0].strip(". ")
        who = "viewer" if kind in m.VIEWER_REQUESTS else "operator"
        rows.append((kind.__struct_config__.tag, who, what))
    return "Requests to the engine, from outside\n" + textwrap.indent(table(("REQUEST", "WHO MAY", "WHAT"), rows), "  ")


def _namespaces(views: list[NamespaceView]) -> str:
    return table(
        ("TYPE", "INODE", "HOST'S", "SHARED WITH"),
        [
            (view.type, str(view.inode), str(view.host_inode or "?"), ", ".join(_sharers(view)) or "nobody")
            for view in views
        ],
    )


def _sharers(view: NamespaceView) -> list[str]:
    return ["the host", *view.containers] if view.shared else view.containers


def _id_maps(users: list[IdMap], groups: list[IdMap]) -> str:
    rows = [
        (kind, str(entry.inside), str(entry.outside), str(entry.size))
        for kind, entries in (("users", users), ("groups", groups))
        for entry in entries
    ]
    return table(("", "INSIDE", "OUTSIDE", "COUNT"), rows)


def _capabilities(told: m.Isolation) -> str:
    sets = told.capabilities
    rows = [
        (name, " ".join(held) or "none")
        for name, held in (
            ("effective", sets.effective),
            ("permitted", sets.permitted),
            ("inheritable", sets.inheritable),
            ("bounding", sets.bounding),
            ("ambient", sets.ambient),
        )
    ]
    return "\n".join(
        textwrap.fill(f"{name:<12} {held}", _width() - 2, subsequent_indent=" " * 13) for name, held in rows
    )


def _filter(told: m.Isolation) -> str:
    gain = "set-user-ID programs give nothing" if told.no_new_privileges else "set-user-ID programs work"
    allowed = sum(len(row.calls) for row in told.seccomp_rules if row.action == "allow")
    lines = [f"no new privileges: {'yes' if told.no_new_privileges else 'no'} ({gain})"]
    if told.seccomp == "filter" and told.seccomp_default:
        lines.append(f"seccomp: {allowed} calls are allowed, the rest: {told.seccomp_default}")
    else:
        lines.append(f"seccomp: {told.seccomp}")
    return "\n".join([*lines, *([f"label: {printable(told.label)}"] if told.label else [])])


def _device(rule: DeviceRule) -> tuple[str, ...]:
    def number(value: int | None) -> str:
        return "*" if value is None else str(value)

    kind = {"a": "all", "b": "block", "c": "character"}[rule.type]
    return ("allow" if rule.allow else "deny", kind, f"{number(rule.major)}:{number(rule.minor)}", rule.access)


def _mounts(told: m.Isolation) -> str:
    rows = [
        (mount.destination, mount.type, "ro" if "ro" in mount.options else "rw", mount.propagation, mount.what_for)
        for mount in told.mounts
    ]
    return table(("DESTINATION", "TYPE", "", "PROPAGATION", "WHAT FOR"), rows)


def _wrapped(words: list[str]) -> str:
    return textwrap.fill(" ".join(map(printable, words)) or "nothing", _width() - 8, break_on_hyphens=False)


def _width() -> int:
    return max(40, shutil.get_terminal_size((100, 24)).columns)
