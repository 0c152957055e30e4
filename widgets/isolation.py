"""What a container can and can't see and do, as values for widgets. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

SETS = ("effective", "permitted", "inheritable", "bounding", "ambient")


@dataclass(frozen=True)
class Namespace:
    """`kind`: pid, network, mount …; `others`: names of other containers in it."""

    kind: str
    inode: int
    host_inode: int
    shared: bool
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdRange:
    inside: int
    outside: int
    size: int


@dataclass(frozen=True)
class MountLine:
    destination: str
    type: str
    source: str
    options: tuple[str, ...]
    propagation: str = "private"
    what_for: str = ""


@dataclass(frozen=True)
class CallRule:
    """System calls that share an outcome. `condition`: "" is always."""

    calls: tuple[str, ...]
    action: str
    condition: str = ""


@dataclass(frozen=True)
class Verb:
    """What the engine may be asked. `changes`: not by a viewer."""

    name: str
    changes: bool


@dataclass(frozen=True)
class Isolation:
    """One container's fences. `capabilities`: set → names; `program`: the annotated filter, a line each."""

    pid: int
    namespaces: tuple[Namespace, ...]
    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]
    capabilities: dict[str, frozenset[str]]
    seccomp: str
    seccomp_default: str
    rules: tuple[CallRule, ...]
    no_new_privileges: bool
    label: str
    mounts: tuple[MountLine, ...]
    masked: tuple[str, ...]
    read_only: tuple[str, ...]
    devices: tuple[str, ...]
    cgroups: tuple[str, ...]
    architectures: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    verbs: tuple[Verb, ...] = field(default=())

    def held(self, name: str) -> frozenset[str]:
        """The names in one of the five sets."""
        return self.capabilities.get(name, frozenset())
