"""`mounts` of the spec from what a person asked for. Pure. Imports the protocol and the structs.

Sources: runtime-spec config.md, "Mounts" (the table of options); Docker's `volume/mounts/linux_parser.go` and its
documentation of bind mounts, volumes and tmpfs (what goes without saying).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from engine.errors import EngineError
from engine.protocol import quantities
from engine.protocol.messages import ErrorCode, MountOption
from engine.spec.structs import IdMapping, Mount

PROPAGATION = "private shared slave unbindable rprivate rshared rslave runbindable".split()
_SWITCHES = (
    "ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime norelatime strictatime "
    "nostrictatime symfollow nosymfollow"
).split()
ATTRIBUTES = [*_SWITCHES, *(f"r{word}" for word in _SWITCHES)]
OF_BINDS = {*ATTRIBUTES, *PROPAGATION, "bind", "rbind", "idmap", "ridmap"}
OF_TMPFS = {*ATTRIBUTES, *PROPAGATION, "tmpcopyup", "notmpcopyup", "sync", "dirsync", "noswap"}
# tmpfs(5); what a value may be
TMPFS_VALUES = {
    "size": r"\d+(\.\d+)?[kKmMgGtT]?|\d+%",
    "nr_blocks": r"\d+[kKmMgG]?",
    "nr_inodes": r"\d+[kKmMgG]?",
    "mode": "[0-7]{1,5}",
    "uid": r"\d+",
    "gid": r"\d+",
    "huge": "never|always|within_size|advise",
    "mpol": r"[a-z]+(=\w+)?(:[\d,-]+)?",
}
# Words for us, which no runtime needs to read.
OURS = {"bind": {"create", "z", "Z"}, "volume": {"nocopy", "copy", "z", "Z"}, "tmpfs": set[str]()}
# What may lie over files of /proc: runc's list, which lxcfs lives by.
IN_PROC = """
/proc/cpuinfo /proc/diskstats /proc/meminfo /proc/stat /proc/swaps /proc/uptime /proc/loadavg /proc/slabinfo
/proc/sys/kernel/ns_last_pid /proc/sys/crypto/fips_enabled
""".split()
EXCLUSIVE = [{"ro", "rw"}, {"z", "Z"}, set(PROPAGATION), {"bind", "rbind"}, {"copy", "nocopy"}]
_MAP = re.compile(r"(?:uids=(?P<uids>[\d#-]+))?;?(?:gids=(?P<gids>[\d#-]+))?")


def from_options(options: Iterable[MountOption], volumes: Mapping[str, str], *, id_mapped: bool = False) -> list[Mount]:
    """What was asked for, in the order in which it is to be mounted: parents first. `volumes`: name → directory.
    `id_mapped`: the container has a user namespace of its own, and volumes look in it as in any other.

    Raises EngineError INVALID, naming the mount.
    """
    found: dict[str, Mount] = {}
    for option in options:
        check(option)
        destination = posixpath.normpath(option.destination)
        if destination in found:
            raise EngineError(ErrorCode.INVALID, f"There are two mounts at {destination!r}: leave one of them out.")
        if option.type == "tmpfs":
            found[destination] = _tmpfs(option, destination)
        elif option.type == "volume":
            found[destination] = _bind(option, destination, volumes[option.source], id_mapped=id_mapped)
        else:
            found[destination] = _bind(option, destination, option.source)
    return sorted(found.values(), key=lambda mount: mount.destination.count("/"))


def merged(defaults: Iterable[Mount], own: Iterable[Mount]) -> list[Mount]:
    """The container's own mounts in place of the default ones at the same destinations, and after the others; but
    before those that lie inside of them, which would be covered else."""
    waiting = {mount.destination: mount for mount in own}
    taken = set(waiting)
    result: list[Mount] = []
    for default in defaults:
        above = [place for place in waiting if default.destination.startswith(f"{place}/")]
        result += [waiting.pop(place) for place in above]
        if default.destination not in taken:
            result.append(default)
    return [*result, *waiting.values()]


def propagation(mounts: Iterable[Mount]) -> str | None:
    """`linux.rootfsPropagation` that these mounts need, if any: they can only receive what reaches the root."""
    words = {word.removeprefix("r") for mount in mounts for word in mount.options if word in PROPAGATION}
    return "rshared" if "shared" in words else "rslave" if "slave" in words else None


def check(option: MountOption) -> None:
    """EngineError INVALID for a mount that can't be."""
    where = f"The mount at {option.destination!r}"
    if not option.destination.startswith("/") or "\0" in option.destination:
        raise EngineError(ErrorCode.INVALID, f"{where} is invalid: it needs an absolute path inside of the container.")
    if posixpath.normpath(option.destination) in ("/", "//"):
        raise EngineError(ErrorCode.INVALID, f"{where} would cover the whole root: mount it at a directory below.")
    if option.type == "bind" and (not option.source.startswith("/") or "\0" in option.source):
        raise EngineError(ErrorCode.INVALID, f"{where} needs a source, the absolute path of something on the host.")
    if posixpath.normpath(option.destination).startswith("/proc/") and option.destination not in IN_PROC:
        raise EngineError(ErrorCode.INVALID, f"{where} is refused: nothing may pose as one of the kernel's own files.")
    if posixpath.normpath(option.destination) == "/proc" and option.type != "bind":
        raise EngineError(ErrorCode.INVALID, f"{where} is refused: programs trust what /proc says.")
    for word in option.options:
        if not _is_known(option.type, word):
            raise EngineError(ErrorCode.INVALID, f"{where}: {word!r} is no option of a {_KIND[option.type]}.")
    for group in EXCLUSIVE:
        if len(chosen := [word for word in dict.fromkeys(option.options) if word in group]) > 1:
            raise EngineError(ErrorCode.INVALID, f"{where}: {' and '.join(chosen)} exclude each other: choose one.")


_KIND = {"bind": "bind mount", "volume": "volume", "tmpfs": "tmpfs"}


def _is_known(kind: str, word: str) -> bool:
    if word in OURS[kind]:
        return True
    key, has_value, value = word.partition("=")
    if kind == "tmpfs":
        if has_value:
            return key in TMPFS_VALUES and re.fullmatch(TMPFS_VALUES[key], value) is not None
        return word in OF_TMPFS
    if key in ("idmap", "ridmap") and has_value:
        return id_maps(word) is not None
    return word in OF_BINDS


def _bind(option: MountOption, destination: str, source: str, *, id_mapped: bool = False) -> Mount:
    words = [word for word in option.options if word not in OURS[option.type] and word != "rw"]
    if id_mapped and not any(word.startswith(("idmap", "ridmap")) for word in words):
        words.append("idmap")
    if not {"bind", "rbind"} & set(words):
        # As Docker: all that lies below, too; and then read-only means all of it.
        words.insert(0, "rbind")
        if "ro" in words:
            words.append("rro")
    if not set(PROPAGATION) & set(words):
        words.append("rprivate")
    uids: list[IdMapping] = []
    gids: list[IdMapping] = []
    for i, word in enumerate(words):
        if word.startswith(("idmap=", "ridmap=")) and (maps := id_maps(word)):
            words[i], (uids, gids) = word.partition("=")[0], maps
    return Mount(
        destination=destination, type="bind", source=source, options=words, uid_mappings=uids, gid_mappings=gids
    )


def _tmpfs(option: MountOption, destination: str) -> Mount:
    words = [word for word in option.options if word != "notmpcopyup"]
    names = {word.partition("=")[0] for word in words}
    given = [word for word in ("nosuid", "nodev", "noexec") if not {word, word.removeprefix("no")} & names]
    words = [*given, *(_whole_bytes(word) for word in words)]
    if "mode" not in names:
        words.append("mode=1777")
    return Mount(destination=destination, type="tmpfs", source="tmpfs", options=words)


def _whole_bytes(word: str) -> str:
    """`size=1.5g` in bytes, which is all that the kernel reads."""
    key, _, value = word.partition("=")
    return f"size={quantities.size(value)}" if key == "size" and not value.endswith("%") else word


def id_maps(word: str) -> tuple[list[IdMapping], list[IdMapping]] | None:
    """`idmap=uids=0-1000-1#1-2000-10;gids=…` as Podman has it: ids on the file system, ids outside, how many. None
    where it is not of that form; the one that is not given is like the other."""
    match = _MAP.fullmatch(word.partition("=")[2])
    if match is None or not match[0]:
        return None
    uids, gids = (_ranges(match[name] or match[other]) for name, other in (("uids", "gids"), ("gids", "uids")))
    return None if uids is None or gids is None else (uids, gids)


def _ranges(text: str) -> list[IdMapping] | None:
    found = []
    for entry in text.split("#"):
        numbers = entry.split("-")
        if len(numbers) != 3 or not all(numbers):
            return None
        container, host, size = map(int, numbers)
        if not size or max(container, host) + size > 1 << 32:
            return None
        found.append(IdMapping(container_id=container, host_id=host, size=size))
    return found
