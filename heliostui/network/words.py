"""What the engine tells of networks, as the map and the Network pane show it.

Imports the protocol and widgets' values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec

from engine.protocol.messages import ContainerNetwork
from engine.protocol.messages import NetworkMap as MapReply
from engine.protocol.network import (
    ContainerNetworks,
    Counters,
    DnsQuery,
    EndpointDetail,
    Interface,
    MapContainer,
    NetworkDetail,
    PortMapping,
    PortOption,
    RuleView,
    Socket,
)
from engine.protocol.ports import bracketed
from engine.protocol.ports import text as port_text
from widgets.network import Flow, HostInterface, MapEndpoint, MapNetwork, MapPort, NetworkMap
from widgets.network import MapContainer as Box
from widgets.section_table import Section, SectionRow, column
from widgets.table import Cell
from widgets.text import per_second

ALL = ("0.0.0.0", "::")
MUTED, STRONG, GOOD, ODD, BAD, LINK, TICKED = (
    f"section--{name}" for name in ("muted", "strong", "good", "odd", "bad", "link", "ticked")
)
OTHERS_MODES = {
    "none": "loopback only",
    "host": "has the host's network",
    "path": "is in a namespace made elsewhere",
}
UNPUBLISHED = {
    "none": "it is in no network that one could be published from",
    "host": "its ports are this host's own",
    "container": "they are published by the container whose network it shares",
    "path": "it is in a namespace made elsewhere",
}
LISTENING = ("LISTEN", "UNCONN")
ALL_OF_THEM = 1_000_000
"""More containers than there are: what concerns few of them comes before what concerns all."""
T = TypeVar("T")


# --- ports ---


def ports(mappings: Iterable[PortMapping]) -> list[tuple[str, str]]:
    """Published ports as host's and container's, both families of one port as one: `:8080`, `80/tcp`."""
    found: dict[tuple[str, str], None] = {}
    for mapping in sorted(mappings, key=_worth):
        address = "" if mapping.address in ALL else bracketed(mapping.address)
        found[f"{address}:{mapping.port}", f"{mapping.container_port}/{mapping.protocol}"] = None
    return list(found)


def _worth(mapping: PortMapping) -> tuple[bool, int, str, int, str]:
    """Those that everybody reaches come first."""
    return mapping.address not in ALL, mapping.container_port, mapping.protocol, mapping.port, mapping.address


def ports_line(mappings: Sequence[PortMapping]) -> str:
    """All of them in few cells, as the table of containers shows them: `:8080→80 127.0.0.1:53→53/udp`."""
    return " ".join(f"{host}→{port.removesuffix('/tcp')}" for host, port in ports(mappings))


# --- the map ---


def network_map(reply: MapReply) -> NetworkMap:
    """The map as it is drawn."""
    names = {container.name: container.id for container in reply.containers}
    names |= {container.id: container.id for container in reply.containers}
    ids = {network.name: network.id for network in reply.networks}
    own = {network.bridge for network in reply.networks}
    return NetworkMap(
        interfaces=tuple(
            HostInterface(each.name, tuple(each.addresses), each.up) for each in reply.interfaces if _outward(each, own)
        ),
        networks=tuple(_network(network) for network in reply.networks),
        containers=tuple(_container(container, ids, names, reply) for container in reply.containers),
        way_out=_way_out(reply),
        reason=reply.reason,
        notes=tuple(reply.coexistence),
    )


def _outward(interface: Interface, own: set[str]) -> bool:
    """Whether it is the host's own: neither loopback nor made by us."""
    ours = interface.name in own or interface.master in own or interface.container or interface.network
    return interface.kind != "loopback" and not ours


def _network(network: NetworkDetail) -> MapNetwork:
    return MapNetwork(
        network.id,
        network.name,
        network.bridge,
        tuple(subnet.subnet for subnet in network.subnets),
        tuple(subnet.gateway for subnet in network.subnets),
        network.internal,
        network.mtu,
        network.default,
    )


def _container(container: MapContainer, ids: Mapping[str, str], names: Mapping[str, str], reply: MapReply) -> Box:
    note = OTHERS_MODES.get(container.mode, "")
    if container.mode == "container":
        note = f"shares {container.of}'s network"
    elif container.mode == "networks" and not container.endpoints:
        note = reply.reason or OTHERS_MODES["none"]
    return Box(
        container.id,
        container.name,
        tuple(_endpoint(each, ids) for each in container.endpoints),
        tuple(MapPort(host, port) for host, port in ports(container.ports)),
        note,
        names.get(container.of, "") if container.mode == "container" else "",
        container.mode == "host",
    )


def _endpoint(endpoint: EndpointDetail, ids: Mapping[str, str]) -> MapEndpoint:
    addresses = tuple(address for address in (endpoint.ip, endpoint.ip6) if address)
    return MapEndpoint(ids.get(endpoint.network, ""), endpoint.interface, endpoint.host_interface, addresses)


def _way_out(reply: MapReply) -> str:
    """How containers reach the world, in few words."""
    if reply.rootless == "none":
        return "no way out: nothing connects us to the world here"
    if reply.rootless:
        return f"{reply.rootless}: leaves with the host's address, without its rights"
    if not reply.networks:
        return ""
    families = [name for name, on in (("IPv4", reply.forwarding), ("IPv6", reply.forwarding6)) if on]
    forwards = " and ".join(families) or "nothing until a container needs it"
    return f"masquerade: leaves with the host's address · forwards {forwards}"


def flows(before: MapReply | None, after: MapReply) -> dict[str, Flow]:
    """Bytes a second between two maps, by the host's interface."""
    if before is None or after.time <= before.time:
        return {}
    earlier = {each.name: each.counters for each in before.interfaces}
    ours = {each.name for each in after.interfaces if each.container or each.network or each.master}
    ours |= {network.bridge for network in after.networks}
    return {
        each.name: _flow(earlier[each.name], each.counters, after.time - before.time, turned=each.name in ours)
        for each in after.interfaces
        if each.name in earlier
    }


def _flow(before: Counters, after: Counters, seconds: float, *, turned: bool) -> Flow:
    """What the host sent into a veth or bridge came down to the container. A counter that fell was begun anew."""
    received = max(0, after.received - before.received) / seconds
    sent = max(0, after.sent - before.sent) / seconds
    return Flow(sent, received) if turned else Flow(received, sent)


# --- the Network pane ---


@dataclass
class Seen:
    """What is known of one container's network: what is on record of it, what was seen before and last, the log of
    names, and the ports that it is to have when it starts."""

    asked: ContainerNetworks = field(default_factory=ContainerNetworks)
    before: ContainerNetwork | None = None
    now: ContainerNetwork | None = None
    queries: Sequence[DnsQuery] = ()
    wanted: Sequence[PortOption] = ()

    def rates(self) -> dict[str, Flow]:
        """By the container's own interfaces."""
        if self.now is None or self.before is None or self.now.time <= self.before.time:
            return {}
        earlier = {each.name: each.counters for each in self.before.interfaces}
        seconds = self.now.time - self.before.time
        return {
            each.name: _flow(earlier[each.name], each.counters, seconds, turned=False)
            for each in self.now.interfaces
            if each.name in earlier
        }


ADDRESSES = (
    column("NETWORK", 9, 0, weight=1),
    column("IN IT", 6, 1),
    column("ADDRESS", 20, 2, weight=1),
    column("IN", 10, 3, right=True),
    column("OUT", 10, 4, right=True),
    column("GATEWAY", 12, 5, rank=2, weight=1),
    column("ON THE HOST", 15, 6, rank=3),
    column("MAC", 17, 7, rank=4),
    column("MTU", 5, 8, rank=5, right=True),
)
PORTS = (
    column("THE HOST'S", 20, 0, weight=1),
    column("", 3, 1),
    column("ITS OWN", 10, 2),
    column("REACHED", 28, 3, weight=2, rank=1),
)
SOCKETS = (
    column("KIND", 5, 0),
    column("STATE", 11, 1),
    column("ITS OWN", 16, 2, weight=2),
    column("THE OTHER'S", 16, 3, weight=2),
    column("IN", 6, 4, rank=2, right=True),
    column("OUT", 6, 5, rank=3, right=True),
    column("PROGRAM", 12, 6, rank=1, weight=1),
)
UNIX = (column("STATE", 11, 0), column("PATH", 20, 1, weight=2), column("PROGRAM", 14, 2, weight=1))
RULES = (
    column("WHAT IT DOES", 48, 0, weight=3),
    column("PACKETS", 9, 1, right=True),
    column("BYTES", 10, 2, right=True),
    column("CHAIN", 12, 3, rank=2, weight=1),
)
DNS = (
    column("TIME", 8, 0),
    column("ASKED FOR", 18, 1, weight=2),
    column("TYPE", 5, 2),
    column("ANSWER", 16, 3, weight=2),
    column("MS", 6, 4, rank=1, right=True),
    column("FROM", 12, 5, rank=2, weight=1),
)
ROUTES = (
    column("TO", 18, 0, weight=1),
    column("BY", 16, 1, weight=1),
    column("OUT OF", 7, 2),
    column("AS", 14, 3, rank=1, weight=1),
    column("SCOPE", 7, 4, rank=2),
    column("MADE BY", 8, 5, rank=3),
    column("METRIC", 6, 6, rank=4, right=True),
)
NEIGHBOURS = (
    column("ADDRESS", 18, 0, weight=1),
    column("WHO", 12, 1, weight=1),
    column("STATE", 10, 2),
    column("MAC", 17, 3, rank=1),
    column("ON", 7, 4, rank=2),
)
LINES = (column("", 30, 0, weight=1),)


def sections(seen: Seen) -> list[Section]:
    """All there is to tell, in the order of interest."""
    if seen.now is None:
        return [_addresses(seen, {}), _ports(seen)]
    now, rates = seen.now, seen.rates()
    resolvers = [SectionRow(line, (Cell(line),)) for line in now.resolvers]
    hosts = [
        SectionRow(f"{n}", (Cell(line.expandtabs()),)) for n, line in enumerate(now.hosts.splitlines()) if line.strip()
    ]
    return [
        _addresses(seen, rates),
        _ports(seen),
        _sockets(now.sockets),
        _rules(seen),
        _dns(seen.queries),
        _routes(now),
        _neighbours(now),
        Section("resolvers", "Resolvers", LINES, tuple(resolvers), "of its resolv.conf", "it asks nobody for names"),
        Section("hosts", "Hosts", LINES, tuple(hosts), "of its /etc/hosts", "the file is empty"),
        _unix(now.sockets),
    ]


def _addresses(seen: Seen, rates: Mapping[str, Flow]) -> Section:
    """Its endpoints, and interfaces that belong to none."""
    interfaces = {each.name: each for each in seen.now.interfaces} if seen.now else {}
    made = []
    for endpoint in seen.asked.endpoints:
        interface = interfaces.pop(endpoint.interface, None)
        made += _endpoint_rows(endpoint, interface, rates)
    for interface in interfaces.values():
        made += _interface_rows(interface, rates)
    empty = seen.asked.reason or "loopback only: nothing connects it"
    return Section("addresses", "Addresses", ADDRESSES, tuple(made), seen.asked.reason, empty)


def _endpoint_rows(
    endpoint: EndpointDetail, interface: Interface | None, rates: Mapping[str, Flow]
) -> list[SectionRow]:
    """A row for each address; the second one says no more than that."""
    flow = rates.get(endpoint.interface)
    mtu = str(interface.mtu) if interface else ""
    four = f"{endpoint.ip}/{endpoint.ip_prefix}" if endpoint.ip else ""
    six = f"{endpoint.ip6}/{endpoint.ip6_prefix}" if endpoint.ip6 else ""
    rows: list[SectionRow] = []
    for number, (address, gateway) in enumerate([(four, endpoint.gateway), (six, endpoint.gateway6)]):
        if not address and (number or six):
            continue
        first = not rows
        rows.append(
            _row(
                f"{endpoint.network} {number}",
                endpoint,
                (endpoint.network if first else "", STRONG),
                (endpoint.interface if first else "", LINK),
                (address or "when it runs", "" if address else MUTED),
                _rate(flow.down if flow else None) if first else ("", ""),
                _rate(flow.up if flow else None) if first else ("", ""),
                (gateway, MUTED),
                (endpoint.host_interface if first else "", MUTED),
                (endpoint.mac if first else "", MUTED),
                (mtu if first else "", MUTED),
                order=(endpoint.network, endpoint.interface, address, flow and flow.down, flow and flow.up),
            )
        )
    return rows


def _interface_rows(interface: Interface, rates: Mapping[str, Flow]) -> list[SectionRow]:
    flow = rates.get(interface.name)
    rows = []
    for number, address in enumerate(interface.addresses or [""]):
        rows.append(
            _row(
                f"if {interface.name} {number}",
                interface,
                ("" if number else interface.network or interface.kind, STRONG if interface.network else MUTED),
                ("" if number else interface.name, LINK if interface.up else MUTED),
                (address or ("no address" if interface.up else "down"), "" if address else MUTED),
                _rate(None if number or flow is None else flow.down),
                _rate(None if number or flow is None else flow.up),
                ("", ""),
                ("", ""),
                ("" if number else interface.mac, MUTED),
                ("" if number else str(interface.mtu), MUTED),
            )
        )
    return rows


def _rate(value: float | None) -> tuple[str, str]:
    return ("", "") if value is None else (per_second(value), STRONG if value >= 1 else MUTED)


def _ports(seen: Seen) -> Section:
    made = []
    mappings = {pair: each for each in reversed(seen.asked.ports) for pair in ports([each])}
    for host, port in ports(seen.asked.ports):
        address = host.rpartition(":")[0]
        reach = f"at {address} of this host only" if address else "at every address of this host"
        of = mappings[host, port]
        made.append(_row(f"{port} {host}", of, (host, STRONG), ("━━▶", TICKED), (port, LINK), (reach, MUTED)))
    for option in seen.wanted if seen.now is None else ():
        host, _, port = port_text(option).rpartition(":")
        where = "one that is free" if host in ("", ":") else host if ":" in host else f":{host}"
        cells = ((where, STRONG), ("━━▶", MUTED), (port, LINK))
        made.append(_row(f"wanted {port_text(option)}", option, *cells, ("from its next start on", MUTED)))
    empty = UNPUBLISHED.get(seen.asked.mode, "none is published: P publishes one")
    return Section(
        "ports", "Published ports", PORTS, tuple(made), "" if not made else "u takes one back", empty, "Ports"
    )


def _sockets(sockets: Sequence[Socket]) -> Section:
    """Listeners first, then connections, as ss(8) would be read; those that are over are only counted."""
    rows, counts = [], Counter[str]()
    over: dict[tuple[str, str, str], list[Socket]] = {}
    shown = [socket for socket in sockets if socket.protocol != "unix"]
    served = {socket.local.rpartition(":")[2] for socket in shown if socket.state in LISTENING}
    for socket in sorted(shown, key=lambda each: (each.state not in LISTENING, each.protocol, each.local, each.remote)):
        if socket.state == "TIME-WAIT":
            over.setdefault((socket.protocol, *_without_passing_port(socket, served)), []).append(socket)
            continue
        rows.append(_socket(socket, _unique(counts, f"{socket.protocol} {socket.local} {socket.remote}")))
    for (protocol, local, remote), alike in sorted(over.items()):  # a busy server has thousands
        one = msgspec.structs.replace(alike[0], local=local, remote=remote)
        rows.append(_socket(one, f"over {protocol} {local} {remote}", f"{len(alike):,} that are over"))
    return Section("sockets", "Sockets", SOCKETS, tuple(rows), "queues in bytes", "no program has one open")


def _without_passing_port(socket: Socket, served: Collection[str]) -> tuple[str, str]:
    """Both ends of a connection, without the port of whoever asked for it: the next time it is another one."""
    host, _, port = socket.local.rpartition(":")
    if port in served:
        return socket.local, f"{socket.remote.rpartition(':')[0]}:*"
    return f"{host}:*", socket.remote


def _socket(socket: Socket, key: str, program: str = "–") -> SectionRow:
    if socket.pid is not None:
        program = f"{socket.command} {socket.pid}"
    state = MUTED if socket.state == "TIME-WAIT" else GOOD if socket.state in (*LISTENING, "ESTAB") else ODD
    return _row(
        key,
        socket,
        (socket.protocol, MUTED),
        (socket.state, state),
        (socket.local, STRONG if socket.state in LISTENING else ""),
        (socket.remote, ""),
        (str(socket.received), STRONG if socket.received else MUTED),
        (str(socket.sent), STRONG if socket.sent and socket.state != "LISTEN" else MUTED),
        (program, "" if socket.pid is not None else MUTED),
        order=(socket.protocol, socket.state, socket.local, socket.remote, socket.received, socket.sent),
    )


def _unix(sockets: Sequence[Socket]) -> Section:
    rows, counts = [], Counter[str]()
    for socket in sockets:
        if socket.protocol == "unix":
            program = f"{socket.command} {socket.pid}" if socket.pid is not None else "–"
            key = _unique(counts, f"{socket.local} {socket.remote} {socket.pid}")
            rows.append(_row(key, socket, (socket.state, MUTED), (socket.local or "without a name", ""), (program, "")))
    return Section("unix", "Unix sockets", UNIX, tuple(rows), name="Unix")


def _rules(seen: Seen) -> Section:
    """With counters that stand out where they have moved since the last look."""
    assert seen.now is not None
    earlier = {(rule.chain, rule.text): rule.packets for rule in (seen.before.rules if seen.before else ())}
    rows, counts = [], Counter[str]()
    for rule in sorted(seen.now.rules, key=lambda each: len(each.containers) or ALL_OF_THEM):
        moved = earlier.get((rule.chain, rule.text), rule.packets) != rule.packets
        rows.append(_rule(rule, _unique(counts, f"{rule.chain} {rule.text}"), moved))
    return Section("rules", "Rules", RULES, tuple(rows), "of the kernel's nftables that concern it", "none concerns it")


def _rule(rule: RuleView, key: str, moved: bool) -> SectionRow:
    look = TICKED if moved else STRONG if rule.packets else MUTED
    return _row(
        key,
        rule,
        (rule.words, "" if rule.containers else MUTED),
        ("–" if rule.packets is None else f"{rule.packets:,}", look),
        ("–" if rule.bytes is None else f"{rule.bytes:,}", look),
        (rule.chain, MUTED),
        order=(rule.words, rule.packets, rule.bytes, rule.chain),
    )


def _dns(queries: Sequence[DnsQuery]) -> Section:
    """The newest first."""
    rows, counts = [], Counter[str]()
    for query in reversed(queries):
        key = _unique(counts, f"{query.time} {query.name} {query.type}")
        rows.append(
            _row(
                key,
                query,
                (f"{datetime.fromtimestamp(query.time).astimezone():%H:%M:%S}", MUTED),
                (query.name, STRONG),
                (query.type, MUTED),
                (query.answer or "nothing", outcome(query)),
                (f"{query.milliseconds:.1f}", MUTED if query.milliseconds < 200 else ODD),
                (query.source, MUTED),
                order=(query.time, query.name, query.type, query.answer, query.milliseconds, query.source),
            )
        )
    empty = "it has asked for no name yet"
    return Section("dns", "Names asked for", DNS, tuple(rows), "of our resolver, the newest first", empty, "Names")


def outcome(query: DnsQuery) -> str:
    """The colour of an answer."""
    if query.answer in ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP") or query.source == "refused":
        return BAD
    return ODD if query.answer in ("", "NXDOMAIN", "NODATA") else GOOD


def _routes(now: ContainerNetwork) -> Section:
    rows, counts = [], Counter[str]()
    for route in now.routes:
        key = _unique(counts, f"{route.family} {route.destination} {route.interface} {route.gateway}")
        rows.append(
            _row(
                key,
                route,
                (route.destination, STRONG),
                (route.gateway or "directly", "" if route.gateway else MUTED),
                (route.interface, LINK),
                (route.source, MUTED),
                (route.scope, MUTED),
                (route.protocol, MUTED),
                (str(route.metric or ""), MUTED),
                order=(route.destination, route.gateway, route.interface, route.source, route.scope, "", route.metric),
            )
        )
    return Section("routes", "Routes", ROUTES, tuple(rows), "where its packets go", "it can send nothing to anywhere")


def _neighbours(now: ContainerNetwork) -> Section:
    rows = []
    for each in now.neighbours:
        state = each.state.lower()
        look = GOOD if state in ("reachable", "permanent") else BAD if state in ("failed", "incomplete") else MUTED
        cells = ((each.address, STRONG), (each.name, LINK), (state, look), (each.mac, MUTED), (each.interface, MUTED))
        rows.append(_row(f"{each.interface} {each.address}", each, *cells))
    return Section("neighbours", "Neighbours", NEIGHBOURS, tuple(rows), "whom it has met", "it has met nobody yet")


def _row(key: str, of: object, *cells: tuple[str, str], order: tuple[object, ...] = ()) -> SectionRow:
    return SectionRow(key, tuple(Cell(text, style) for text, style in cells), order, of)


def _unique(counts: Counter[str], key: str) -> str:
    """A key that no other row has, where several are alike."""
    counts[key] += 1
    return key if counts[key] == 1 else f"{key} #{counts[key]}"


# --- what is said of a box of the map ---


def about(selected: MapNetwork | Box | None, networks: NetworkMap) -> tuple[str, str]:
    """Two lines about what is selected; None: the host."""
    names = {network.key: network.name for network in networks.networks}
    match selected:
        case MapNetwork():
            members = [box.name for box in networks.containers if any(e.network == selected.key for e in box.endpoints)]
            kind = (
                "internal: its containers reach each other and this host only" if selected.internal else "has a way out"
            )
            pairs = zip(selected.subnets, selected.gateways, strict=False)
            ranges = "  ".join(f"{subnet} by {gateway}" for subnet, gateway in pairs)
            whose = "default network, " if selected.default else ""
            return (
                f"{selected.name}  {ranges}",
                f"{whose}bridge {selected.bridge}, MTU {selected.mtu}, {kind} · {_counted(members)}",
            )
        case Box():
            places = "  ".join(
                f"{names.get(each.network, '')} {each.interface} {' '.join(each.addresses)}"
                for each in selected.endpoints
            )
            published = "  ".join(f"{port.host} ━━▶ {port.container}" for port in selected.ports)
            none = "no port is published: P publishes one" if selected.endpoints else ""
            return f"{selected.name}  {places or selected.note}", published or none
    interfaces = "  ".join(" ".join((each.name, *each.addresses[:1])) for each in networks.interfaces)
    told = networks.way_out or networks.reason or "its containers have loopback only"
    return f"{networks.host}  {interfaces}", "  ".join((*networks.notes, told))


def _counted(members: Sequence[str]) -> str:
    if not members:
        return "no container in it runs"
    return f"{len(members)} container{'s' if len(members) > 1 else ''}: {', '.join(members)}"
