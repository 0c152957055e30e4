"""Interfaces, routes and neighbours of the network namespace that the calling thread is in, as people are shown them.

One dump of each kind, however many there are. Imports rtnetlink and the protocol. Blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from engine.network.kernel import rtnetlink
from engine.network.kernel.netlink import Netlink
from engine.network.kernel.rtnetlink import RT_TABLE_MAIN, Link
from engine.network.model import Address
from engine.protocol.network import Counters, Interface, Neighbour, Route


class Paths(NamedTuple):
    """What is sent where."""

    interfaces: list[Interface]
    routes: list[Route]
    neighbours: list[Neighbour]


def interfaces() -> list[Interface]:
    """All of them, with counters, in the kernel's order."""
    with Netlink() as netlink:
        return _interfaces(netlink, rtnetlink.links(netlink))


def paths(name_at: Callable[[Address], str | None]) -> Paths:
    """Interfaces; the routes that `ip route` shows; neighbours, by name where `name_at` knows one."""
    with Netlink() as netlink:
        links = rtnetlink.links(netlink)
        names = {link.index: link.name for link in links}
        return Paths(
            _interfaces(netlink, links),
            [_route(route, names) for route in rtnetlink.routes(netlink) if route.table == RT_TABLE_MAIN],
            [_neighbour(one, names, name_at) for one in rtnetlink.neighbours(netlink) if one.state != "noarp"],
        )


def _interfaces(netlink: Netlink, links: list[Link]) -> list[Interface]:
    addresses: dict[int, list[str]] = {}
    for each in rtnetlink.addresses(netlink):
        addresses.setdefault(each.index, []).append(str(each.address))
    names = {link.index: link.name for link in links}
    return [
        Interface(
            name=link.name,
            kind=link.kind or ("loopback" if link.loopback else "physical"),
            up=link.up,
            mtu=link.mtu,
            mac=link.mac if not link.loopback else "",
            addresses=addresses.get(link.index, []),
            counters=Counters(
                received=link.counters.received,
                sent=link.counters.sent,
                received_packets=link.counters.received_packets,
                sent_packets=link.counters.sent_packets,
                dropped=link.counters.dropped,
            ),
            master=names.get(link.master, ""),
        )
        for link in links
    ]


def _route(route: rtnetlink.Route, names: Mapping[int, str]) -> Route:
    destination = "default" if route.destination is None else str(route.destination)
    return Route(
        destination=destination if route.type == "unicast" else f"{route.type} {destination}",
        interface=names.get(route.index, ""),
        gateway=str(route.gateway or ""),
        source=str(route.source or ""),
        scope=route.scope,
        protocol=route.protocol,
        metric=route.metric,
        family=4 if route.family == 4 else 6,
    )


def _neighbour(
    neighbour: rtnetlink.Neighbour, names: Mapping[int, str], name_at: Callable[[Address], str | None]
) -> Neighbour:
    return Neighbour(
        address=str(neighbour.address),
        interface=names.get(neighbour.index, ""),
        mac=neighbour.mac,
        state=neighbour.state,
        name=name_at(neighbour.address) or "",
    )


def belonging(interface: Interface, *, container: str = "", network: str = "") -> Interface:
    """The same, with whose it is."""
    return msgspec.structs.replace(interface, container=container, network=network)
