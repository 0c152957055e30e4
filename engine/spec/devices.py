"""/dev inside: the default nodes, `--device`, all of the host's for `--privileged`; and what the device cgroup allows.

Looks at device nodes of the host. Imports the errors and the structs.
Sources: config-linux.md, "Default Devices" and "Allowed Device list"; moby `oci/devices_linux.go`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.structs import Device, DeviceCgroup

DEFAULT = tuple(
    Device(path=f"/dev/{name}", type="c", major=major, minor=minor)
    for name, major, minor in (
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    )
)
_RULE = re.compile(r"([abc]) (\d{1,10}|\*):(\d{1,10}|\*) ([rwm]{1,3})", re.ASCII)
_ACCESS = re.compile(r"(?!.*(.).*\1)[rwm]{1,3}")
_NOTHING = DeviceCgroup(allow=False, type="a", access="rwm")
_NOT_OURS = ("pts", "shm", "fd", "mqueue", ".udev", ".lxc", ".lxd-mounts")  # runc's: directories that are made anew
_TERMINALS = ("console", "ptmx", "tty")  # these, too


def devices(asked: Sequence[str], *, privileged: bool) -> tuple[list[Device], list[DeviceCgroup]]:
    """The nodes to be made, and a rule for each that is not there by default. `asked`:
    `/dev/x[:/dev/y][:rwm]`, a directory for all that is in it. Raises EngineError INVALID."""
    nodes = {device.path: device for device in DEFAULT}
    rules = []
    if privileged:
        nodes |= {device.path: device for device in _host()}
    for text in asked:
        source, destination, access = _parts(text)
        for device in _found(text, source, destination):
            nodes[device.path] = device
            rules.append(
                DeviceCgroup(allow=True, type=device.type, major=device.major, minor=device.minor, access=access)
            )
    return list(nodes.values()), rules


def allowed(rules: Sequence[DeviceCgroup], texts: Sequence[str], *, privileged: bool) -> list[DeviceCgroup]:
    """The device cgroup's list: everything for a privileged container, else nothing but the default nodes, terminals,
    mknod (a node that may not be opened is harmless), the rules of `--device` and those of `texts`
    (`--device-cgroup-rule`). Raises EngineError INVALID."""
    if privileged:
        return [DeviceCgroup(allow=True, type="a", access="rwm")]
    mknod = [DeviceCgroup(allow=True, type=type, access="m") for type in "cb"]
    return [*with_default_nodes([_NOTHING, *mknod]), *rules, *map(rule, texts)]


def with_default_nodes(rules: Sequence[DeviceCgroup]) -> list[DeviceCgroup]:
    """The list of a spec, nothing where it has none, and what every container may open: the default nodes and
    terminals."""
    return [
        *(rules or [_NOTHING]),
        *(_character(device.major, device.minor) for device in DEFAULT),
        _character(5, 1),  # /dev/console
        _character(5, 2),  # /dev/ptmx
        _character(136, None),  # /dev/pts
    ]


def rule(text: str) -> DeviceCgroup:
    """`c 13:* rwm`, as the device cgroup of v1 takes it. Raises EngineError INVALID."""
    match = _RULE.fullmatch(text)
    if match is None or (match[1] == "a" and match.group(2, 3) != ("*", "*")):  # the kernel reads no numbers after an a
        raise EngineError(
            ErrorCode.INVALID,
            f"{text!r} is no device rule: write type (b or c), numbers and access, as in 'c 13:* rwm', or 'a *:* rwm'.",
        )
    major, minor = (None if number == "*" else int(number) for number in match.group(2, 3))
    return DeviceCgroup(allow=True, type=match[1], major=major, minor=minor, access="".join(dict.fromkeys(match[4])))


def _character(major: int, minor: int | None) -> DeviceCgroup:
    return DeviceCgroup(allow=True, type="c", major=major, minor=minor, access="rwm")


def _parts(text: str) -> tuple[str, str, str]:
    """Source, destination, access."""
    source, *rest = text.split(":")
    access = rest.pop() if rest and not rest[-1].startswith("/") else "rwm"
    destination = rest.pop() if rest else source
    if rest or not source.startswith("/") or not destination.startswith("/") or not _ACCESS.fullmatch(access):
        raise EngineError(
            ErrorCode.INVALID,
            f"{text!r} is no device: write its absolute path, where else it is to be inside, and the access, as in "
            "/dev/fuse:/dev/fuse:rwm.",
        )
    return source, os.path.normpath(destination), access


def _found(text: str, source: str, destination: str) -> Iterator[Device]:
    try:
        if os.path.isdir(source):
            inside = [(path, destination + path[len(source.rstrip("/")) :]) for path in _nodes_below(source)]
        else:
            inside = [(source, destination)]
        found = [_device(path, name) for path, name in inside]
    except (OSError, ValueError) as error:  # ValueError: a NUL byte
        reason = getattr(error, "strerror", None) or error
        raise EngineError(ErrorCode.INVALID, f"The device {text!r} can't be had: {reason}.") from None
    if None in found or not found:
        raise EngineError(ErrorCode.INVALID, f"{source!r} is no device node.")
    yield from (device for device in found if device is not None)


def _host() -> Iterator[Device]:
    """All device nodes of the host but terminals and such as are made anew; those that can't be seen are not there."""
    for path in _nodes_below("/dev"):
        first = path.split("/")[2]
        if first not in _NOT_OURS and path not in (f"/dev/{name}" for name in _TERMINALS):
            try:
                device = _device(path, path)
            except OSError:
                continue
            if device is not None:
                yield device


def _nodes_below(directory: str) -> Iterator[str]:
    """Paths of the device nodes in and below a directory, in order."""
    with os.scandir(directory) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _NOT_OURS:
                try:
                    yield from _nodes_below(entry.path)
                except PermissionError:
                    continue
        elif stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) in (stat.S_IFCHR, stat.S_IFBLK):
            yield entry.path


def _device(path: str, inside: str) -> Device | None:
    """The node at `path` (a link is followed), or None."""
    status = os.stat(path)
    kind = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return None
    return Device(
        path=inside,
        type=kind,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        file_mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )
