"""The messages of rtnetlink(7): links, addresses, routes, neighbours, as requests and as plain values. Imports netlink.

Names and numbers are those of include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour,veth}.h. The functions that list
take a socket, whose network namespace it is about.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from ipaddress import ip_address, ip_network
from struct import Struct

from engine.network.kernel.netlink import NLM_F, NUMBER, Netlink, Request, attribute, attributes, nested, number, text
from engine.network.model import Address, Prefixed, Range, prefixed

IFINFO = Struct("=BxHiII")  # struct ifinfomsg: family, hardware type, index, flags, which flags change
IFADDR = Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
RTMSG = Struct("=BBBBBBBBI")  # struct rtmsg: family, dst and src length, tos, table, protocol, scope, type, flags
NEXTHOP = Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index
NDMSG = Struct("=BxxxiHBB")  # struct ndmsg: family, index, state, flags, type
STATS64 = Struct("=8Q")  # the start of struct rtnl_link_stats64

_NEW = NLM_F.CREATE | NLM_F.EXCL
_IFALIAS = 255  # bytes, IFALIASZ without the zero


class RTM(IntEnum):
    """Types of messages."""

    NEWLINK = 16
    DELLINK = 17
    GETLINK = 18
    SETLINK = 19
    NEWADDR = 20
    DELADDR = 21
    GETADDR = 22
    NEWROUTE = 24
    GETROUTE = 26
    GETNEIGH = 30


class IFLA(IntEnum):
    """Attributes of a link."""

    ADDRESS = 1
    IFNAME = 3
    MTU = 4
    LINK = 5
    MASTER = 10
    LINKINFO = 18
    IFALIAS = 20
    STATS64 = 23
    GROUP = 27
    NET_NS_FD = 28
    EXT_MASK = 29
    LINK_NETNSID = 37


IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_BRPORT_MODE = 4  # hairpin
IFLA_BR_FORWARD_DELAY, IFLA_BR_STP_STATE = 1, 5
VETH_INFO_PEER = 1
RTEXT_FILTER_SKIP_STATS = 1 << 3  # those of IPv6, which are long; the link's own come all the same


class IFF(IntFlag):
    """Flags of a link, netdevice(7)."""

    UP = 0x1
    LOOPBACK = 0x8
    LOWER_UP = 0x10000


class IFA(IntEnum):
    """Attributes of an address."""

    ADDRESS = 1
    LOCAL = 2
    BROADCAST = 4
    FLAGS = 8


IFA_F_NODAD = 0x02


class RTA(IntEnum):
    """Attributes of a route."""

    DST = 1
    OIF = 4
    GATEWAY = 5
    PRIORITY = 6
    PREFSRC = 7
    MULTIPATH = 9
    TABLE = 15
    VIA = 18  # a gateway of another family


class NDA(IntEnum):
    """Attributes of a neighbour."""

    DST = 1
    LLADDR = 2


RT_TABLE_MAIN = 254
RTPROT_STATIC = 4
RTN_UNICAST = 1
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
PROTOCOLS = {0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 16: "dhcp"}
ROUTE_TYPES = {
    1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast",
    6: "blackhole", 7: "unreachable", 8: "prohibit", 9: "throw", 10: "nat",
}  # fmt: skip
NEIGHBOUR_STATES = {
    0x00: "none", 0x01: "incomplete", 0x02: "reachable", 0x04: "stale", 0x08: "delay",
    0x10: "probe", 0x20: "failed", 0x40: "noarp", 0x80: "permanent",
}  # fmt: skip


@dataclass(frozen=True)
class Counters:
    """Of a link (rtnl_link_stats64): bytes, packets, and those of both ways that were dropped."""

    received: int = 0
    sent: int = 0
    received_packets: int = 0
    sent_packets: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Link:
    """A network interface. `kind`: bridge, veth, …; empty for a device and for loopback. `master`, `peer`: indexes, 0
    for none; the peer (of a veth) is in another namespace if `peer_namespace` (an id of netns ids) is not None."""

    index: int
    name: str
    kind: str = ""
    up: bool = False
    carrier: bool = False
    loopback: bool = False
    mtu: int = 0
    mac: str = ""
    master: int = 0
    peer: int = 0
    peer_namespace: int | None = None
    alias: str = ""
    counters: Counters = Counters()


@dataclass(frozen=True)
class LinkAddress:
    """An address of the link with this index. `scope`: global, link, host, …"""

    index: int
    address: Prefixed
    scope: str = "global"
    flags: int = 0


@dataclass(frozen=True)
class Route:
    """One way to a destination (None: to all, the default). `index`: the link's, 0 where there is none."""

    destination: Range | None
    index: int
    family: int  # 4 or 6
    gateway: Address | None = None
    source: Address | None = None
    table: int = RT_TABLE_MAIN
    type: str = "unicast"
    scope: str = "global"
    protocol: str = "static"
    metric: int = 0


@dataclass(frozen=True)
class Neighbour:
    """Who has an address on a link. `state`: reachable, stale, failed, …"""

    address: Address
    index: int
    mac: str = ""
    state: str = ""


# --- requests ---


def _family(address: Address | Prefixed) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _ifinfo(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return IFINFO.pack(socket.AF_UNSPEC, 0, index, flags, change)


def mac_bytes(mac: str) -> bytes:
    """The six bytes of "02:42:0a:58:00:02"."""
    return bytes.fromhex(mac.replace(":", ""))


def new_bridge(name: str, *, mac: str, mtu: int) -> Request:
    """A bridge that forwards at once: no spanning tree, no delay. It is down."""
    data = nested(IFLA_INFO_DATA, number(IFLA_BR_FORWARD_DELAY, 0), number(IFLA_BR_STP_STATE, 0))
    body = _ifinfo() + text(IFLA.IFNAME, name) + number(IFLA.MTU, mtu) + attribute(IFLA.ADDRESS, mac_bytes(mac))
    body += nested(IFLA.LINKINFO, text(IFLA_INFO_KIND, "bridge"), data)
    return Request(RTM.NEWLINK, body, f"make the bridge {name}", _NEW)


def new_veth(name: str, peer: str, *, namespace: int, master: int, mac: str, mtu: int) -> Request:
    """A pair: one end up and on the bridge `master` (index), the other one down in another namespace with this MAC."""
    other = [_ifinfo(), text(IFLA.IFNAME, peer), number(IFLA.MTU, mtu), attribute(IFLA.ADDRESS, mac_bytes(mac))]
    other.append(number(IFLA.NET_NS_FD, namespace))
    data = nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, *other))
    body = _ifinfo(0, IFF.UP, IFF.UP) + text(IFLA.IFNAME, name) + number(IFLA.MTU, mtu) + number(IFLA.MASTER, master)
    body += nested(IFLA.LINKINFO, text(IFLA_INFO_KIND, "veth"), data)
    return Request(RTM.NEWLINK, body, f"make the veth pair {name}, {peer}", _NEW)


def set_port(name: str, alias: str) -> Request:
    """Describe a bridge's port for people, and let it send back what came in by it: a container that asks for its own
    published port needs it where the packet filter sees bridged packets (br_netfilter)."""
    slave = nested(IFLA_INFO_SLAVE_DATA, attribute(IFLA_BRPORT_MODE, b"\1"))
    body = _ifinfo() + text(IFLA.IFNAME, name) + ifalias(alias)
    body += nested(IFLA.LINKINFO, text(IFLA_INFO_SLAVE_KIND, "bridge"), slave)
    return Request(RTM.NEWLINK, body, f"set up the interface {name} on its bridge")


def ifalias(words: str) -> bytes:
    """IFLA_IFALIAS: what `ip link` shows people, cut at a whole character."""
    return attribute(IFLA.IFALIAS, words.encode()[:_IFALIAS].decode("utf-8", "ignore").encode())


def set_link(link: int | str, *changes: bytes, up: bool | None = None, what: str = "") -> Request:
    """Change a link, by index or name."""
    flags, change = (IFF.UP if up else 0), (0 if up is None else IFF.UP)
    by_name = b"" if isinstance(link, int) else text(IFLA.IFNAME, link)
    body = _ifinfo(link if isinstance(link, int) else 0, flags, change) + by_name + b"".join(changes)
    return Request(RTM.SETLINK, body, what or f"set up the interface {link}")


def delete_link(link: int | str) -> Request:
    """Remove a link, by index or name."""
    by_name = b"" if isinstance(link, int) else text(IFLA.IFNAME, link)
    return Request(RTM.DELLINK, _ifinfo(link if isinstance(link, int) else 0) + by_name, f"remove the interface {link}")


def delete_group(group: int) -> Request:
    """Remove all links of a group at once: the kernel waits only once until nobody uses them any more."""
    return Request(RTM.DELLINK, _ifinfo() + number(IFLA.GROUP, group), "remove interfaces")


def _address_body(index: int, address: Prefixed) -> bytes:
    body = IFADDR.pack(_family(address), address.network.prefixlen, 0, 0, index)
    return body + attribute(IFA.LOCAL, address.packed) + attribute(IFA.ADDRESS, address.packed)


def new_address(index: int, address: Prefixed) -> Request:
    """Give a link an address, which works at once: nobody asks whether somebody else has it (IFA_F_NODAD)."""
    body = _address_body(index, address) + number(IFA.FLAGS, IFA_F_NODAD)
    if address.version == 4 and address.network.prefixlen < 31:
        body += attribute(IFA.BROADCAST, address.network.broadcast_address.packed)
    return Request(RTM.NEWADDR, body, f"give the address {address}", NLM_F.CREATE | NLM_F.REPLACE)


def delete_address(index: int, address: Prefixed) -> Request:
    """Take it away."""
    return Request(RTM.DELADDR, _address_body(index, address), f"take the address {address} away")


def new_default_route(index: int, gateway: Address, metric: int) -> Request:
    """The way out by `gateway`. Among several the one with the lowest metric is taken."""
    body = RTMSG.pack(_family(gateway), 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST, 0)
    body += attribute(RTA.GATEWAY, gateway.packed) + number(RTA.OIF, index) + number(RTA.PRIORITY, metric)
    return Request(RTM.NEWROUTE, body, f"route by {gateway}", _NEW)


def announce(index: int, mac: str) -> Request:
    """Let a link tell its neighbours its addresses, if `arp_notify` and `ndisc_notify` are set: whoever gets a MAC, be
    it the one that he has, does so."""
    return Request(RTM.SETLINK, _ifinfo(index) + attribute(IFLA.ADDRESS, mac_bytes(mac)), f"set the MAC {mac}")


def get_link(name: str) -> Request:
    """Ask for one link. As a side effect (Linux 6.8, `linkwatch_sync_dev`) it can carry packets when the answer comes,
    if it can at all: the kernel has seen its carrier, for which it takes up to a second otherwise."""
    body = _ifinfo() + text(IFLA.IFNAME, name) + number(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return Request(RTM.GETLINK, body, f"find the interface {name}")


# --- answers ---


def index_of(answer: bytes) -> int:
    """The index of the link that an answer is about."""
    index: int = IFINFO.unpack_from(answer)[2]
    return index


def links(netlink: Netlink) -> list[Link]:
    """All links of the namespace."""
    body = _ifinfo() + number(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return [read_link(message) for message in netlink.dump(RTM.GETLINK, body, "list the network interfaces")]


def addresses(netlink: Netlink) -> list[LinkAddress]:
    """All addresses of the namespace."""
    messages = netlink.dump(RTM.GETADDR, IFADDR.pack(socket.AF_UNSPEC, 0, 0, 0, 0), "list the addresses")
    return [address for message in messages if (address := read_address(message)) is not None]


def routes(netlink: Netlink) -> list[Route]:
    """All routes of the namespace, of all tables; one that has several ways is several."""
    body = RTMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0)
    messages = netlink.dump(RTM.GETROUTE, body, "list the routes")
    return [route for message in messages for route in read_routes(message)]


def neighbours(netlink: Netlink) -> list[Neighbour]:
    """Who was asked for on the links of the namespace (ARP and neighbour discovery)."""
    messages = netlink.dump(RTM.GETNEIGH, NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0), "list the neighbours")
    return [neighbour for message in messages if (neighbour := read_neighbour(message)) is not None]


def read_link(message: bytes) -> Link:
    """An RTM_NEWLINK."""
    _, _, index, flags, _ = IFINFO.unpack_from(message)
    found = attributes(message, IFINFO.size)
    info = attributes(found.get(IFLA.LINKINFO, b""))
    return Link(
        index=index,
        name=_text(found.get(IFLA.IFNAME)),
        kind=_text(info.get(IFLA_INFO_KIND)),
        up=bool(flags & IFF.UP),
        carrier=bool(flags & IFF.LOWER_UP),
        loopback=bool(flags & IFF.LOOPBACK),
        mtu=_number(found.get(IFLA.MTU)),
        mac=found.get(IFLA.ADDRESS, b"").hex(":"),
        master=_number(found.get(IFLA.MASTER)),
        peer=_number(found.get(IFLA.LINK)),
        peer_namespace=_number(found[IFLA.LINK_NETNSID]) if IFLA.LINK_NETNSID in found else None,
        alias=_text(found.get(IFLA.IFALIAS)),
        counters=_counters(found.get(IFLA.STATS64)),
    )


def read_address(message: bytes) -> LinkAddress | None:
    """An RTM_NEWADDR; None if it is of another family than IP."""
    _, length, flags, scope, index = IFADDR.unpack_from(message)
    found = attributes(message, IFADDR.size)
    address = _address(found.get(IFA.LOCAL) or found.get(IFA.ADDRESS))
    if address is None:
        return None
    flags = _number(found[IFA.FLAGS]) if IFA.FLAGS in found else flags
    return LinkAddress(index, prefixed(address, length), SCOPES.get(scope, str(scope)), flags)


def read_routes(message: bytes) -> list[Route]:
    """An RTM_NEWROUTE, by each of its ways; empty if it is of another family than IP (multicast routing)."""
    family, length, _, _, table, protocol, scope, type, _ = RTMSG.unpack_from(message)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return []
    found = attributes(message, RTMSG.size)
    destination = _address(found.get(RTA.DST))
    route = Route(
        destination=ip_network((destination, length)) if destination is not None else None,
        index=_number(found.get(RTA.OIF)),
        family=4 if family == socket.AF_INET else 6,
        gateway=_gateway(found),
        source=_address(found.get(RTA.PREFSRC)),
        table=_number(found[RTA.TABLE]) if RTA.TABLE in found else table,
        type=ROUTE_TYPES.get(type, str(type)),
        scope=SCOPES.get(scope, str(scope)),
        protocol=PROTOCOLS.get(protocol, str(protocol)),
        metric=_number(found.get(RTA.PRIORITY)),
    )
    if RTA.MULTIPATH not in found:
        return [route]
    return [replace(route, index=index, gateway=gateway) for index, gateway in _ways(found[RTA.MULTIPATH])]


def _ways(value: bytes) -> Iterator[tuple[int, Address | None]]:
    """RTA_MULTIPATH: index and gateway of each."""
    at = 0
    while at + NEXTHOP.size <= len(value):
        length, _, _, index = NEXTHOP.unpack_from(value, at)
        if length < NEXTHOP.size:
            break
        yield index, _gateway(attributes(value[at : at + length], NEXTHOP.size))
        at += (length + 3) & ~3


def _gateway(found: Mapping[int, bytes]) -> Address | None:
    return _address(found[RTA.VIA][2:]) if RTA.VIA in found else _address(found.get(RTA.GATEWAY))


def read_neighbour(message: bytes) -> Neighbour | None:
    """An RTM_NEWNEIGH; None if it is of another family than IP (a bridge's table)."""
    family, index, state, _, _ = NDMSG.unpack_from(message)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = attributes(message, NDMSG.size)
    address = _address(found.get(NDA.DST))
    if address is None:
        return None
    return Neighbour(address, index, found.get(NDA.LLADDR, b"").hex(":"), NEIGHBOUR_STATES.get(state, str(state)))


def _text(value: bytes | None) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace") if value else ""


def _number(value: bytes | None) -> int:
    return int(NUMBER.unpack_from(value)[0]) if value and len(value) >= 4 else 0


def _address(value: bytes | None) -> Address | None:
    return ip_address(value) if value is not None and len(value) in (4, 16) else None


def _counters(value: bytes | None) -> Counters:
    if value is None or len(value) < STATS64.size:
        return Counters()
    received_packets, sent_packets, received, sent, _, _, dropped_in, dropped_out = STATS64.unpack_from(value)
    return Counters(received, sent, received_packets, sent_packets, dropped_in + dropped_out)
