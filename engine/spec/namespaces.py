"""Which namespaces a container has of its own, shares with the host, or joins: `--pid`, `--network`, `--userns` …

Imports the errors, the structs and the id maps. Source: config-linux.md, "Namespaces".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec.structs import Namespace, TimeOffset

TYPES = ("user", "pid", "network", "ipc", "uts", "mount", "cgroup", "time")
PRIVATE = ("pid", "network", "ipc", "uts", "mount", "cgroup")
"""Those that are a container's own where nobody says anything."""
CONTAINER = "container:"
"""What the `path` of a namespace begins with, before a container's id or name, until the engine knows its process: at
each start. Only in specs that the engine keeps for itself."""
CLOCKS = ("monotonic", "boottime")


def namespaces(options: ContainerOptions) -> list[Namespace]:
    """As `options` ask. Raises EngineError INVALID for unknown types and ways, and what excludes each other."""
    for type, way in options.namespaces.items():
        if type not in TYPES:
            raise EngineError(ErrorCode.INVALID, f"{type!r} is no namespace: there are {', '.join(TYPES)}.")
        _check(type, way)
    _check_network(options)
    asked = {**dict.fromkeys(PRIVATE, "private"), **options.namespaces}
    if options.uid_map or options.gid_map:
        _implied(asked, "user", "id maps")
    if options.time_offsets:
        _implied(asked, "time", "clock offsets")
    return [_namespace(type, asked[type]) for type in TYPES if asked.get(type, "host") != "host"]


def own(namespaces: Sequence[Namespace]) -> frozenset[str]:
    """The types of those that are made new."""
    return frozenset(namespace.type for namespace in namespaces if namespace.path is None)


def time_offsets(asked: Mapping[str, float]) -> dict[str, TimeOffset]:
    """Seconds by clock → as timens_offsets takes them. Raises EngineError INVALID."""
    found = {}
    for clock, seconds in asked.items():
        if clock not in CLOCKS:
            raise EngineError(
                ErrorCode.INVALID, f"{clock!r} is no clock with an offset: there are monotonic and boottime."
            )
        if not abs(seconds) < 2**31:  # nan is refused, too
            raise EngineError(ErrorCode.INVALID, f"The {clock} clock can't be moved by {seconds} seconds.")
        whole, rest = divmod(round(seconds * 10**9), 10**9)
        found[clock] = TimeOffset(secs=whole, nanosecs=rest)
    return found


def _check(type: str, way: str) -> None:
    place = way.partition(":")[2]
    if way.startswith("ns:") and not place.startswith("/"):
        raise EngineError(
            ErrorCode.INVALID, f"The {type} namespace {way!r} is invalid: write ns: and an absolute path after it."
        )
    if way not in ("private", "host") and not (way.startswith(("ns:", CONTAINER)) and place and "\0" not in place):
        raise EngineError(
            ErrorCode.INVALID,
            f"A {type} namespace can't be {way!r}: it is private, host, container:NAME or ns:PATH.",
        )
    if type == "mount" and way != "private":
        raise EngineError(
            ErrorCode.INVALID, "The mount namespace is always a container's own: its root is mounted there."
        )


def _check_network(options: ContainerOptions) -> None:
    """Only who has networks can be told which; and who shares another container's has its names, too."""
    way = options.namespaces.get("network")
    if way is None:
        return
    whose = {"private": "has loopback only", "host": "uses the host's network"}.get(way, "uses another one's network")
    asked: dict[str, object] = {
        f"be in network {options.networks[0].name!r}" if options.networks else "": options.networks,
        "publish ports": options.ports or options.publish_all,
    }
    if way.startswith(CONTAINER):
        asked["have name servers of its own"] = options.dns or options.dns_search or options.dns_options
        asked["have hosts of its own"] = options.hosts
    for what, wanted in asked.items():
        if wanted:
            raise EngineError(
                ErrorCode.INVALID,
                f"A container that {whose} (--network {_as_option(way)}) can't {what}: leave one of the two out.",
            )


def _as_option(way: str) -> str:
    return "none" if way == "private" else way


def _implied(asked: dict[str, str], type: str, by: str) -> None:
    if asked.setdefault(type, "private") != "private":
        raise EngineError(
            ErrorCode.INVALID,
            f"With {by} the {type} namespace is a new one; {asked[type]!r} can't be had with them.",
        )


def _namespace(type: str, way: str) -> Namespace:
    if way == "private":
        return Namespace(type=type)
    return Namespace(type=type, path=way.removeprefix("ns:"))
