"""Connections of UDP that the kernel still translates as ports were published before. Imports netlink and the model.

A flow of UDP has no end: conntrack goes on with what was decided for its first packet for as long as somebody sends, to
a container that is gone or past one that is there. Deleted, its next packet is decided anew. TCP is left alone: what is
connected ends by itself. Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Collection, Iterable
from enum import IntEnum
from ipaddress import ip_address
from typing import NamedTuple

from engine.network.kernel import rtnetlink
from engine.network.kernel.netlink import Netlink, Request, attributes, nested
from engine.network.model import Address, Forward, Range

NETLINK_NETFILTER = 12
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET and _DELETE
_HEADER = struct.Struct("=BBH")  # struct nfgenmsg
_PORT = struct.Struct("!H")


class CTA(IntEnum):
    """Attributes of a connection, of its tuples, of their addresses and of their protocol."""

    TUPLE_ORIG = 1
    TUPLE_REPLY = 2
    TUPLE_IP = 1
    TUPLE_PROTO = 2
    IP_V4_SRC = 1
    IP_V4_DST = 2
    IP_V6_SRC = 3
    IP_V6_DST = 4
    PROTO_NUM = 1
    PROTO_SRC_PORT = 2
    PROTO_DST_PORT = 3


class End(NamedTuple):
    """An address and a port."""

    address: Address
    port: int


class Flow(NamedTuple):
    """One connection: who called whom, and who answers to whom; the same, turned round, where nothing is translated."""

    protocol: int
    source: End
    destination: End
    answerer: End
    answered: End
    key: bytes  # what the kernel knows it by


class Conntrack:
    """What is needed from the network namespace of the calling thread: made there, it may be used by any."""

    def __init__(self) -> None:
        """Raises EngineError."""
        with Netlink() as route:
            self._own = {address.address.ip for address in rtnetlink.addresses(route)}
        self._netlink = Netlink(NETLINK_NETFILTER)

    def forget_stale(self, forwards: Collection[Forward], ranges: Collection[Range]) -> int:
        """Delete the flows of UDP that go elsewhere than what is published says; how many. `ranges`: of our networks.

        The kernel looks through all of its table for it, which takes tens of milliseconds even when it is empty. To be
        called once. Raises EngineError.
        """
        lead = _leads(forwards, self._own)
        with self._netlink as netlink:
            requests = [
                Request(_DELETE, _HEADER.pack(family, 0, 0) + nested(CTA.TUPLE_ORIG, flow.key), "forget a connection")
                for family, flow in _flows(netlink)
                if is_stale(flow, lead, ranges)
            ]
            return sum(refused is None for refused in netlink.tried(requests))  # some have ended meanwhile


def is_stale(flow: Flow, lead: Callable[[End], End | None], ranges: Collection[Range]) -> bool:
    """Whether it goes elsewhere than `lead` says: to a container that is not published so, or past one that is."""
    if flow.protocol != socket.IPPROTO_UDP:
        return False
    wanted = lead(flow.destination)
    if flow.answerer != flow.destination:
        return flow.answerer != wanted and any(flow.answerer.address in range for range in ranges)
    return wanted is not None and flow.answered == flow.source


def _leads(forwards: Iterable[Forward], own: Collection[Address]) -> Callable[[End], End | None]:
    """Where a datagram to an address and port is sent on to; None: it stays."""
    at: dict[tuple[Address | int, int], End] = {}
    for forward in forwards:
        if forward.protocol == "udp":
            anywhere = forward.host is None or forward.host.is_unspecified
            place = forward.container.version if anywhere else forward.host
            assert place is not None
            at[place, forward.port] = End(forward.container, forward.container_port)

    def lead(to: End) -> End | None:
        found = at.get((to.address, to.port))
        if found is None and to.address in own:
            found = at.get((to.address.version, to.port))
        return found

    return lead


def _flows(netlink: Netlink) -> Iterable[tuple[int, Flow]]:
    """All, each with its family."""
    for message in netlink.dump(_GET, _HEADER.pack(socket.AF_UNSPEC, 0, 0), "list the connections"):
        found = attributes(message, _HEADER.size)
        there, back = _tuple(found.get(CTA.TUPLE_ORIG, b"")), _tuple(found.get(CTA.TUPLE_REPLY, b""))
        if there is not None and back is not None:
            yield message[0], Flow(there[0], there[1], there[2], back[1], back[2], found[CTA.TUPLE_ORIG])


def _tuple(data: bytes) -> tuple[int, End, End] | None:
    """Protocol, source and destination; None where it has no ports."""
    parts = attributes(data)
    addresses, proto = attributes(parts.get(CTA.TUPLE_IP, b"")), attributes(parts.get(CTA.TUPLE_PROTO, b""))
    if CTA.PROTO_SRC_PORT not in proto or CTA.PROTO_DST_PORT not in proto:
        return None
    v4 = CTA.IP_V4_SRC in addresses
    source = ip_address(addresses[CTA.IP_V4_SRC if v4 else CTA.IP_V6_SRC])
    destination = ip_address(addresses[CTA.IP_V4_DST if v4 else CTA.IP_V6_DST])
    (source_port,) = _PORT.unpack(proto[CTA.PROTO_SRC_PORT])
    (destination_port,) = _PORT.unpack(proto[CTA.PROTO_DST_PORT])
    return proto[CTA.PROTO_NUM][0], End(source, source_port), End(destination, destination_port)
