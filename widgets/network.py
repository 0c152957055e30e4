"""The networks of a machine as values for the map. Standard library only.

`NetworkMap` is what seldom changes and decides where everything is drawn; `Flow` is what changes all the time, known by
the name of the host's interface that it was counted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Flow:
    """Bytes a second. `down`: towards the container, or to the host from the world; `up`: the other way."""

    down: float = 0.0
    up: float = 0.0

    def __add__(self, other: Flow) -> Flow:
        return Flow(self.down + other.down, self.up + other.up)


Flows: TypeAlias = Mapping[str, Flow]


@dataclass(frozen=True)
class HostInterface:
    """An interface of the host that is not one of ours."""

    name: str
    addresses: tuple[str, ...] = ()
    up: bool = True


@dataclass(frozen=True)
class MapNetwork:
    """A network and its bridge. `internal`: there is no way out of it."""

    key: str
    name: str
    bridge: str
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    internal: bool = False
    mtu: int = 1500
    default: bool = False


@dataclass(frozen=True)
class MapEndpoint:
    """A container's place in a network. `network`: its key; `link`: the host's end of the veth pair."""

    network: str
    interface: str
    link: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapPort:
    """A published port: `host` as in ":8080" or "127.0.0.1:8080", `container` as in "80/tcp"."""

    host: str
    container: str


@dataclass(frozen=True)
class MapContainer:
    """A running container. `note`: what is to be said of its network where it has no endpoint; `of`: the key of the
    container whose network it shares; `on_host`: it has the host's."""

    key: str
    name: str
    endpoints: tuple[MapEndpoint, ...] = ()
    ports: tuple[MapPort, ...] = ()
    note: str = ""
    of: str = ""
    on_host: bool = False


@dataclass(frozen=True)
class NetworkMap:
    """All of it. `way_out`: how containers reach the world, in few words; empty: they don't. `reason`: why there are
    no networks but loopback, in a sentence. `notes`: sentences about the host."""

    interfaces: tuple[HostInterface, ...] = ()
    networks: tuple[MapNetwork, ...] = ()
    containers: tuple[MapContainer, ...] = ()
    host: str = "this host"
    way_out: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
