"""What the modules of this package tell each other: networks, endpoints, forwards. Plain values; imports msgspec only.

Addresses are `ipaddress` objects in memory and text on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Literal

import msgspec

Address = IPv4Address | IPv6Address
Prefixed = IPv4Interface | IPv6Interface  # an address with the length of its prefix
Range = IPv4Network | IPv6Network
Transport = Literal["tcp", "udp"]


class Subnet(msgspec.Struct, frozen=True):
    """A range of addresses, and the bridge's own address in it."""

    range: Range
    gateway: Address

    @property
    def bridge_address(self) -> Prefixed:
        """The bridge's address with the prefix length."""
        return prefixed(self.gateway, self.range.prefixlen)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network as it is on disk. `id`: 12 hexadecimal digits, of which the bridge's name is made."""

    id: str
    name: str
    subnets: tuple[Subnet, ...]  # IPv4 first, at most one of each family
    created_at: datetime
    internal: bool = False
    mtu: int = 1500
    labels: dict[str, str] = {}

    @property
    def bridge(self) -> str:
        """The name of its interface: 15 characters, the most that there can be (IFNAMSIZ)."""
        return f"hb-{self.id}"


@dataclass(frozen=True)
class Endpoint:
    """A container's place in one network: a veth pair, one end on the bridge, the other one in the container.

    `addresses`: the container's, with their prefixes; `gateways`: its default routes, empty where there is no way out.
    """

    container: str  # id
    network: str  # id
    bridge: str
    host_interface: str
    interface: str  # "eth0"
    mac: str
    mtu: int
    addresses: tuple[Prefixed, ...]
    gateways: tuple[Address, ...] = ()
    aliases: tuple[str, ...] = ()
    label: str = ""  # what `ip link` shows people at its host's end: "heliostui web eth0 in backend"


@dataclass(frozen=True)
class Forward:
    """A published port: what comes to `host` (None: every address of the host) and `port` goes to the container."""

    protocol: Transport
    host: Address | None
    port: int
    container: Address
    container_port: int


def host_interface(container: str, index: int) -> str:
    """The name of the host's end of a container's `index`th veth, 0 to 35: its id makes it unique, 15 characters.

    It is the same at every start, so one that is left over is found, and whose it is can be read."""
    return f"h{container}.{'0123456789abcdefghijklmnopqrstuvwxyz'[index]}"


def prefixed(address: Address, length: int) -> Prefixed:
    """An address with the length of its prefix."""
    if isinstance(address, IPv4Address):
        return IPv4Interface((address, length))
    return IPv6Interface((address, length))
