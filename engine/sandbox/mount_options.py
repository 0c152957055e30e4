"""Options of a mount in the spec, sorted by who is told of them. Pure.

Source: runtime-spec config.md, "Linux mount options"; mount_setattr(2) for what an attribute and its field are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from engine.sandbox.kernel import MOUNT_ATTR, MS

NONE = MOUNT_ATTR(0)
_ATIME = MOUNT_ATTR.ATIME  # one field of three values: to set one is to clear the others; relatime is 0
# The option → attributes that it sets and clears.
ATTRIBUTES: dict[str, tuple[MOUNT_ATTR, MOUNT_ATTR]] = {
    "ro": (MOUNT_ATTR.RDONLY, NONE),
    "rw": (NONE, MOUNT_ATTR.RDONLY),
    "nosuid": (MOUNT_ATTR.NOSUID, NONE),
    "suid": (NONE, MOUNT_ATTR.NOSUID),
    "nodev": (MOUNT_ATTR.NODEV, NONE),
    "dev": (NONE, MOUNT_ATTR.NODEV),
    "noexec": (MOUNT_ATTR.NOEXEC, NONE),
    "exec": (NONE, MOUNT_ATTR.NOEXEC),
    "nodiratime": (MOUNT_ATTR.NODIRATIME, NONE),
    "diratime": (NONE, MOUNT_ATTR.NODIRATIME),
    "nosymfollow": (MOUNT_ATTR.NOSYMFOLLOW, NONE),
    "symfollow": (NONE, MOUNT_ATTR.NOSYMFOLLOW),
    "noatime": (MOUNT_ATTR.NOATIME, _ATIME),
    "strictatime": (MOUNT_ATTR.STRICTATIME, _ATIME),
    **dict.fromkeys(("relatime", "atime", "norelatime", "nostrictatime"), (NONE, _ATIME)),
}
PROPAGATION = {"private": MS.PRIVATE, "shared": MS.SHARED, "slave": MS.SLAVE, "unbindable": MS.UNBINDABLE}
# Said for people, for older kernels or for mount(8) only.
_IGNORED = frozenset(
    {"defaults", "async", "loud", "silent", "remount", "nomand", "noiversion", "iversion", "nolazytime"}
)


@dataclass(frozen=True)
class Attributes:
    """What mount_setattr(2) is to set and clear."""

    set: MOUNT_ATTR = NONE
    clear: MOUNT_ATTR = NONE

    def then(self, other: tuple[MOUNT_ATTR, MOUNT_ATTR]) -> Attributes:
        """The last word counts."""
        new, gone = other
        return Attributes(self.set & ~gone | new, self.clear & ~(new & ~_ATIME) | gone)

    def __bool__(self) -> bool:
        return bool(self.set or self.clear)


@dataclass(frozen=True)
class MountOptions:
    """`here` holds for the mount, `below` for all mounts below it, too; `data` is for the file system itself."""

    here: Attributes = Attributes()
    below: Attributes = Attributes()
    propagation: tuple[tuple[MS, bool], ...] = ()  # kind, and whether of all below
    data: tuple[tuple[str, str | None], ...] = ()
    bind: bool = False
    recursive: bool = False
    id_mapped: bool = False
    id_mapped_below: bool = False
    copy_up: bool = False


@dataclass
class _Sorting:
    here: Attributes = Attributes()
    below: Attributes = Attributes()
    propagation: list[tuple[MS, bool]] = field(default_factory=list)
    data: list[tuple[str, str | None]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def take(self, option: str) -> None:
        rest = option[1:]
        if option in ATTRIBUTES:
            self.here = self.here.then(ATTRIBUTES[option])
        elif option[:1] == "r" and rest in ATTRIBUTES:
            self.below = self.below.then(ATTRIBUTES[rest])
        elif option in PROPAGATION:
            self.propagation.append((PROPAGATION[option], False))
        elif option[:1] == "r" and rest in PROPAGATION:
            self.propagation.append((PROPAGATION[rest], True))
        elif option in ("bind", "rbind", "idmap", "ridmap", "tmpcopyup"):
            self.words.add(option)
        elif option not in _IGNORED:
            key, has_value, value = option.partition("=")
            self.data.append((key, value if has_value else None))


def sort_options(options: list[str]) -> MountOptions:
    """The options by what they are for."""
    return _sorted(tuple(options))


@lru_cache(maxsize=256)
def _sorted(options: tuple[str, ...]) -> MountOptions:
    """Most containers have the same mounts."""
    sorting = _Sorting()
    for option in options:
        sorting.take(option)
    words = sorting.words
    return MountOptions(
        here=sorting.here,
        below=sorting.below,
        propagation=tuple(sorting.propagation),
        data=tuple(sorting.data),
        bind=bool(words & {"bind", "rbind"}),
        recursive="rbind" in words,
        id_mapped=bool(words & {"idmap", "ridmap"}),
        id_mapped_below="ridmap" in words,
        copy_up="tmpcopyup" in words,
    )
