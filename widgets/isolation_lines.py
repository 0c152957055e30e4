"""The fences of a container told in lines, section by section, for a given width. Imports isolation and text.

A line is pieces of text with component classes. Each section is a function from the values to its lines.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

from widgets.capabilities import CAPABILITIES
from widgets.isolation import SETS, CallRule, IdRange, Isolation, Namespace
from widgets.text import fit

Piece: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Piece, ...]

PLAIN, MUTED, STRONG, OPEN, SHUT, SHARED, TITLE = (
    "lines--text",
    "isolation--muted",
    "isolation--strong",
    "isolation--open",
    "isolation--shut",
    "isolation--shared",
    "isolation--title",
)
BESIDE = 110  # cells from which on verbs and calls stand side by side
_IDS = 2**32 - 1
_GAP = re.compile(r" {3,}")
OWN = {
    "pid": "sees only its own processes",
    "network": "its own interfaces and ports",
    "mount": "its own file tree",
    "ipc": "its own shared memory and queues",
    "uts": "its own host name",
    "user": "its ids are others on the host",
    "cgroup": "sees its own cgroup as the root",
    "time": "its own clocks since boot",
}
HOSTS = {
    "pid": "sees all processes of the host",
    "network": "the host's interfaces and ports",
    "mount": "the host's mounts",
    "ipc": "the host's shared memory and queues",
    "uts": "the host's name",
    "user": "ids are the host's: root is root",
    "cgroup": "sees the host's tree of cgroups",
    "time": "the host's clocks",
}
_PLAINLY = {
    "pid": "processes",
    "network": "network",
    "mount": "file tree",
    "ipc": "shared memory",
    "uts": "host name",
    "user": "user ids",
    "cgroup": "cgroups",
    "time": "clocks",
}


class Section(NamedTuple):
    """`name`: in the line of sections."""

    name: str
    lines: list[Line]


def sections(isolation: Isolation, width: int) -> list[Section]:
    """All of it, in lines of at most `width` cells but for what can't be cut."""
    makers: dict[str, Callable[[Isolation, int], list[Line]]] = {
        "Namespaces": _namespaces,
        "Ids": _ids,
        "Capabilities": _capabilities,
        "Calls": _calls,
        "Mounts": _mounts,
        "Paths": _paths,
        "Devices": _devices,
        "Filter": _program,
    }
    return [Section(name, make(isolation, width)) for name, make in makers.items()]


def _title(words: str, about: str = "") -> list[Line]:
    return [((f" {words.upper()}", TITLE), (f"  {about}" if about else "", MUTED))]


def _wrapped(words: Iterable[str], width: int, style: str, indent: int) -> list[Line]:
    lines = textwrap.wrap("  ".join(words), max(20, width - indent - 1), break_on_hyphens=False)
    return [((" " * indent, PLAIN), (line, style)) for line in lines]


# --- namespaces and ids ---


def _namespaces(isolation: Isolation, width: int) -> list[Line]:
    own = [each.kind for each in isolation.namespaces if not each.shared]
    shared = [each.kind for each in isolation.namespaces if each.shared]
    lines: list[Line] = [
        _told("own", own, OPEN),
        _told("host's", shared, SHARED),
        ((f" {'may':<7}", MUTED), *_powers(isolation)),
        (),
        *_title("namespaces", f"of process {isolation.pid}"),
        ((f"   {'':<9}{'the host':>12}       {'this container':<14}", MUTED),),
    ]
    for each in isolation.namespaces:
        lines += _namespace(each)
    return lines


def _told(label: str, kinds: Sequence[str], style: str) -> Line:
    words = ", ".join(_PLAINLY.get(kind, kind) for kind in kinds) or "nothing"
    return ((f" {label:<7}", MUTED), (words, style))


def _powers(isolation: Isolation) -> Line:
    """In one line: capabilities, calls, new privileges."""
    held = len(isolation.held("effective"))
    privileges = "gain no privileges" if isolation.no_new_privileges else "gain privileges"
    calls = len({call for rule in isolation.rules if rule.action == "allow" for call in rule.calls})
    filtered = f"{calls} system calls" if isolation.seccomp == "filter" else "all system calls"
    if isolation.seccomp == "filter" and isolation.seccomp_default == "allow":
        refused = len({call for rule in isolation.rules if rule.action != "allow" for call in rule.calls})
        filtered = f"all system calls but {refused}"
    return (
        (f"use {held} of {len(CAPABILITIES)} capabilities, ", PLAIN),
        (filtered, PLAIN if isolation.seccomp == "filter" else SHARED),
        (f", {privileges}", PLAIN if isolation.no_new_privileges else SHARED),
        (f", {isolation.label}" if isolation.label else "", PLAIN),
    )


def _namespace(each: Namespace) -> list[Line]:
    """A line from the host's to the container's where it is the same; else two ends."""
    link, style = ("●━━━━━━━●", SHARED) if each.shared else ("○       ●", OPEN)
    words = (HOSTS if each.shared else OWN).get(each.kind, "")
    lines: list[Line] = [
        (
            (f"   {each.kind:<9}", STRONG),
            (f"{each.host_inode:>10} ", MUTED if not each.shared else SHARED),
            (link, style),
            (f" {each.inode:<11}", style),
            (words, PLAIN if not each.shared else SHARED),
        )
    ]
    if each.others and not each.shared:  # else all that share it with the host would be named
        lines.append(((" " * 31, PLAIN), ("╰━ ", SHARED), ("with " + ", ".join(each.others), SHARED)))
    return lines


def _ids(isolation: Isolation, width: int) -> list[Line]:
    lines = [(), *_title("ids", "of users and groups, inside and on the host")]
    for label, ranges in (("users", isolation.uids), ("groups", isolation.gids)):
        for number, each in enumerate(ranges):
            lines.append(((f"   {label if not number else '':<9}", STRONG), *_range(each)))
        if not ranges:
            lines.append(((f"   {label:<9}", STRONG), ("none is known inside: all are nobody", MUTED)))
    return lines


def _range(each: IdRange) -> Line:
    if each.inside == each.outside:
        whole = each.size >= _IDS
        words = "all are the same on the host" if whole else "are the same on the host"
        span = "" if whole else f"{_span(each.inside, each.size)} "
        return ((span, PLAIN), (words, SHARED))
    return (
        (f"{_span(each.inside, each.size):<15}", PLAIN),
        (" ━━▶ ", OPEN),
        (_span(each.outside, each.size), OPEN),
        (" on the host", MUTED),
    )


def _span(first: int, size: int) -> str:
    return str(first) if size == 1 else f"{first} – {first + size - 1}"


# --- capabilities ---


def _capabilities(isolation: Isolation, width: int) -> list[Line]:
    """Those it has first, then those it may get, then those it can't have."""
    held, bounding = isolation.held("effective"), isolation.held("bounding")
    about = f"{len(held)} of {len(CAPABILITIES)}: Effective, Permitted, Inheritable, Bounding, Ambient"
    lines = [(), *_title("capabilities", about), ((" " * 22 + " ".join(each[0].upper() for each in SETS), TITLE),)]
    unknown = frozenset().union(*isolation.capabilities.values()) - CAPABILITIES.keys()
    names = sorted([*CAPABILITIES, *sorted(unknown)], key=lambda name: (name not in held, name not in bounding))
    for name in names:
        marks = tuple(("● " if name in isolation.held(each) else "· ", _mark(name, each, isolation)) for each in SETS)
        style = STRONG if name in held else MUTED
        words = CAPABILITIES.get(name, "")
        lines.append(((f"   {name:<19}", style), *marks, (f" {words}", PLAIN if name in held else MUTED)))
    return lines


def _mark(name: str, each: str, isolation: Isolation) -> str:
    if name not in isolation.held(each):
        return MUTED
    return OPEN if each == "effective" else PLAIN


# --- calls: the engine's verbs, and what the filter lets through ---


def _calls(isolation: Isolation, width: int) -> list[Line]:
    if not isolation.verbs:
        return [(), *_rules(isolation, width)]
    if width < BESIDE:
        return [(), *_rules(isolation, width), (), *_verbs(isolation, width)]
    left = 40
    lines: list[Line] = [()]
    for verb, rule in zip_longest(_verbs(isolation, left), _rules(isolation, width - left), fillvalue=()):
        taken = sum(cell_len(text) for text, _ in verb)
        lines.append((*verb, (" " * (left - taken), PLAIN), *rule))
    return lines


def _verbs(isolation: Isolation, width: int) -> list[Line]:
    """The other world's table: what the engine can be asked from outside; nothing of it is to be had inside."""
    lines = _title("engine verbs", "from outside")
    for changes, label in ((True, "change something"), (False, "look only")):
        names = [verb.name for verb in isolation.verbs if verb.changes == changes]
        if names:
            lines += [((f"   {label}", STRONG),), *_wrapped(names, width, PLAIN, 5)]
    return lines


def _rules(isolation: Isolation, width: int) -> list[Line]:
    if isolation.seccomp != "filter":
        return [*_title("system calls"), (("   no filter: every call reaches the kernel", SHARED),)]
    lines = _title("system calls", f"others: {isolation.seccomp_default}")
    if isolation.architectures:
        lines.append(((f"   {', '.join(isolation.architectures)}", MUTED),))
    for rule in sorted(isolation.rules, key=lambda rule: (bool(rule.condition), rule.action != "allow")):
        lines += _rule(rule, width)
    return lines


def _rule(rule: CallRule, width: int) -> list[Line]:
    style = OPEN if rule.action == "allow" else SHUT
    head: list[Piece] = [(f"   {rule.action}", style)]
    if rule.condition:
        head.append((f"  {rule.condition}", MUTED))
    elif len(rule.calls) > 1:
        head.append((f"  {len(rule.calls)} calls", MUTED))
    return [tuple(head), *_wrapped(sorted(rule.calls), width, PLAIN, 5)]


def _program(isolation: Isolation, width: int) -> list[Line]:
    if not isolation.program:
        return []
    title = _title("the filter's program", f"{len(isolation.program)} instructions of BPF")
    parts = [_GAP.split(line.rstrip()) for line in isolation.program]
    heads = [("   ".join(part[:-1]), part[-1]) if len(part) > 1 else (part[0], "") for part in parts]
    room = max(cell_len(head) for head, words in heads if words or head) + 2
    return [(), *title, *(((f"   {head:<{room}}", MUTED), (words, PLAIN)) for head, words in heads)]


# --- files ---


def _mounts(isolation: Isolation, width: int) -> list[Line]:
    lines = [(), *_title("mounts", f"{len(isolation.mounts)}, as its own table has them")]
    where = min(max((cell_len(each.destination) for each in isolation.mounts), default=0), 28)
    kind = max((cell_len(each.type) for each in isolation.mounts), default=0)
    for each in isolation.mounts:
        mode = "rw" if "rw" in each.options else "ro"
        covered = each.what_for.startswith("masked")
        look = MUTED if covered else SHARED if mode == "rw" else OPEN
        propagation = "" if each.propagation == "private" else f"{each.propagation} "
        head: Line = (
            (f"   {fit(each.destination, where)} ", STRONG),
            (f"{mode} ", look),
            (f"{fit(each.type, kind)} ", MUTED),
            (f"{each.what_for}  " if each.what_for else "", PLAIN),
            (propagation, SHARED),
        )
        source = [] if each.source in (each.type, "none") else [each.source]
        options = [option for option in each.options if option not in ("rw", "ro", "relatime")]
        lines += _with_options(head, [*source, *options], width)
    return lines


def _with_options(head: Line, options: Sequence[str], width: int) -> list[Line]:
    """Options behind the head, or below it as far as they have no room beside it."""
    text = ",".join(options)
    room = width - sum(cell_len(piece) for piece, _ in head) - 1
    if cell_len(text) <= room:
        return [(*head, (text, MUTED))]
    return [head, *_wrapped([text.replace(",", ", ")], width, MUTED, 5)]


def _paths(isolation: Isolation, width: int) -> list[Line]:
    lines: list[Line] = [(), *_title("paths", "that are covered or can't be written")]
    for label, paths in (("masked", isolation.masked), ("read-only", isolation.read_only)):
        if paths:
            lines += [((f"   {label}", STRONG),), *_wrapped(paths, width, PLAIN, 5)]
        else:
            lines.append(((f"   {label}", STRONG), ("  none", SHARED)))
    lines.append(((f"   {'cgroups'}", STRONG),))
    return lines + [((f"     {path}", PLAIN),) for path in isolation.cgroups]


def _devices(isolation: Isolation, width: int) -> list[Line]:
    lines: list[Line] = [(), *_title("devices", "the rules of its device cgroup, the last that fits counts")]
    if not isolation.devices:
        return [*lines, (("   no rules: every device that has a node can be opened", SHARED),)]
    return lines + [((f"   {rule}", OPEN if rule.startswith("allow") else SHUT),) for rule in isolation.devices]
