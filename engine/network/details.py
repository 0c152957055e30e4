"""Networks and endpoints as `inspect` tells them. Pure; imports the model and the protocol."""

from __future__ import annotations

from collections.abc import Iterable

from engine.network.asked import DEFAULT
from engine.network.model import Endpoint, Network, Prefixed
from engine.protocol.network import EndpointDetail, Member, NetworkDetail, Subnet


def network_detail(network: Network, members: Iterable[tuple[str, Endpoint]], used_by: list[str]) -> NetworkDetail:
    """`members`: endpoints with the names of their containers."""
    return NetworkDetail(
        id=network.id,
        name=network.name,
        bridge=network.bridge,
        subnets=[Subnet(subnet=str(one.range), gateway=str(one.gateway)) for one in network.subnets],
        created_at=network.created_at,
        internal=network.internal,
        mtu=network.mtu,
        labels=network.labels,
        default=network.name == DEFAULT,
        members=sorted((_member(endpoint, name) for name, endpoint in members), key=lambda member: member.container),
        used_by=used_by,
    )


def endpoint_detail(endpoint: Endpoint, network: Network) -> EndpointDetail:
    """What a running container has in a network."""
    ip, ip6 = _of(endpoint, 4), _of(endpoint, 6)
    gateways = {subnet.range.version: str(subnet.gateway) for subnet in network.subnets}
    return EndpointDetail(
        network=network.name,
        interface=endpoint.interface,
        host_interface=endpoint.host_interface,
        bridge=endpoint.bridge,
        mac=endpoint.mac,
        ip=str(ip.ip) if ip else "",
        ip_prefix=ip.network.prefixlen if ip else 0,
        gateway=gateways.get(4, ""),
        ip6=str(ip6.ip) if ip6 else "",
        ip6_prefix=ip6.network.prefixlen if ip6 else 0,
        gateway6=gateways.get(6, ""),
        aliases=list(endpoint.aliases),
    )


def _member(endpoint: Endpoint, name: str) -> Member:
    ip, ip6 = _of(endpoint, 4), _of(endpoint, 6)
    return Member(
        container=name,
        id=endpoint.container,
        interface=endpoint.interface,
        host_interface=endpoint.host_interface,
        mac=endpoint.mac,
        ip=str(ip.ip) if ip else None,
        ip6=str(ip6.ip) if ip6 else None,
        aliases=list(endpoint.aliases),
    )


def _of(endpoint: Endpoint, version: int) -> Prefixed | None:
    return next((address for address in endpoint.addresses if address.version == version), None)
