"""The text of our one nftables table: chains that never change, and sets and maps that say which networks and ports
there are. Pure: imports the model only. docs/network-rules.md explains it rule by rule.

A network or a published port is some elements of sets; adding it changes no rule, so that a packet meets as many rules
with a thousand containers as with one. Needs Linux 5.7 and nft 1.0.2, for intervals in
concatenations and counters of elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.network.model import Forward, Network, Transport

Content = dict[str, dict[str, str]]  # elements by set or map: key, and what a map has for it ("" in a set)
Element = tuple[str, str, str]  # set or map, key, and what a map has for it

# What each holds, and what for. Those whose elements count are named after what they count.
SETS = {
    "bridges": ("type ifname;", "the bridge of each network"),
    "internal": ("type ifname;", "bridges of networks without a way out"),
    "within": ("type ifname . ifname;", "from a bridge to the same bridge"),
    "homes4": ("type ifname . ipv4_addr; flags interval;", "whose addresses are behind which bridge"),
    "homes6": ("type ifname . ipv6_addr; flags interval;", "whose addresses are behind which bridge"),
    "ranges4": ("type ipv4_addr; flags interval;", "addresses of all networks"),
    "ranges6": ("type ipv6_addr; flags interval;", "addresses of all networks"),
    "subnets4": ("type ipv4_addr; flags interval;", "what leaves from these takes the host's address"),
    "subnets6": ("type ipv6_addr; flags interval;", "what leaves from these takes the host's address"),
    "sent": ("type ifname; counter;", "what came out of each network"),
    "received": ("type ifname; counter;", "what went into each network"),
    "dropped": ("type ifname; counter;", "what was not let through"),
    "traffic4": ("type ipv4_addr . inet_proto . inet_service; counter;", "what went through published ports"),
    "traffic6": ("type ipv6_addr . inet_proto . inet_service; counter;", "what went through published ports"),
    "switched_on": ("type nf_proto;", "families that were not forwarded before us"),
}

_PORT4 = "inet_proto . inet_service : ipv4_addr . inet_service;"
_PORT6 = "inet_proto . inet_service : ipv6_addr . inet_service;"
MAPS = {
    "ports4": (f"type {_PORT4}", "where ports go that are published at every address"),
    "ports6": (f"type {_PORT6}", "where ports go that are published at every address"),
    "ports_at4": (f"type ipv4_addr . {_PORT4}", "where ports go that are published at one address"),
    "ports_at6": (f"type ipv6_addr . {_PORT6}", "where ports go that are published at one address"),
}

# Parts of the kernel, and a chain that has each: to find out which one is missing.
NEEDED = {
    "nf_tables": "",
    "nf_conntrack": "ct state established accept",
    "nft_nat": "type nat hook prerouting priority -100\ndnat ip to 192.0.2.1",
    "nft_masq": "type nat hook postrouting priority 100\nmasquerade",
    "nft_fib_inet": "type filter hook prerouting priority 0\nfib daddr type local accept",
}

CHAINS = """
chain refuse {
    iifname @dropped drop comment "drop it, and count it for the network it came from"
    oifname @dropped drop comment "drop it, and count it for the network it was meant for"
    drop comment "drop it"
}
chain elsewhere {
    iifname lo accept comment "the host itself"
    ip saddr @ranges4 counter goto refuse comment "a container's IPv4 address as the source is forged elsewhere"
    ip6 saddr @ranges6 counter goto refuse comment "a container's IPv6 address as the source is forged elsewhere"
}
chain early {
    type filter hook prerouting priority -300; policy accept;
    iifname != @bridges goto elsewhere comment "only what containers send is looked at here"
    ip daddr 127.0.0.0/8 counter goto refuse comment "nobody reaches the host's loopback from a container"
    iifname . ip saddr @homes4 counter accept comment "a container's own IPv4 address as the source is right"
    ip6 saddr { ::, fe80::/10 } counter accept comment "neighbour discovery"
    iifname . ip6 saddr @homes6 counter accept comment "a container's own IPv6 address as the source is right"
    counter goto refuse comment "any other source is forged"
}
chain published {
    dnat ip to ip daddr . meta l4proto . th dport map @ports_at4 comment "ports published at one address"
    dnat ip to meta l4proto . th dport map @ports4 comment "ports published at every address"
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports_at6 comment "ports published at one address"
    dnat ip6 to meta l4proto . th dport map @ports6 comment "ports published at every address"
}
chain arriving {
    type nat hook prerouting priority -100; policy accept;
    ip daddr 127.0.0.0/8 counter accept comment "loopback addresses are for the host itself only"
    fib daddr type local counter jump published comment "new connections from elsewhere to an address of this host"
}
chain starting {
    type nat hook output priority -100; policy accept;
    fib daddr type local counter jump published comment "new connections from this host to itself"
}
chain through {
    type filter hook forward priority 0; policy accept;
    iifname != @bridges oifname != @bridges accept comment "traffic without containers is not our business"
    iifname . oifname @within counter accept comment "containers of one network see each other"
    iifname @sent comment "count what comes out of each network"
    oifname @received comment "count what goes into each network"
    ct state established,related counter accept comment "what has been let through goes on, with its answers"
    ct state invalid counter goto refuse comment "no connection that can be translated"
    iifname @internal counter goto refuse comment "nothing leaves an internal network"
    oifname @internal counter goto refuse comment "nothing enters an internal network"
    ct status dnat counter accept comment "published ports are open"
    oifname @bridges counter goto refuse comment "nothing else gets in, from other networks neither"
}
chain incoming {
    type filter hook input priority 0; policy accept;
    iifname != @internal accept comment "containers reach the host, as programs on it do"
    ct state established,related counter accept comment "answers to the host"
    ip6 daddr { fe80::/10, ff00::/8 } counter accept comment "neighbour discovery"
    iifname . ip daddr @homes4 counter accept comment "from an internal network to its own bridge"
    iifname . ip6 daddr @homes6 counter accept comment "from an internal network to its own bridge"
    counter goto refuse comment "not to the host's other addresses"
}
chain leaving {
    type nat hook postrouting priority 100; policy accept;
    oifname "lo" accept comment "the host speaks to itself, from a bridge's address, too"
    oifname . ip saddr @homes4 ct status dnat counter masquerade comment "published ports among neighbours"
    oifname . ip6 saddr @homes6 ct status dnat counter masquerade comment "published ports among neighbours"
    oifname . ip saddr @homes4 counter accept comment "within one network addresses stay as they are"
    oifname . ip6 saddr @homes6 counter accept comment "within one network addresses stay as they are"
    ip saddr @subnets4 counter masquerade comment "what leaves a network for elsewhere takes the host's address"
    ip6 saddr @subnets6 counter masquerade comment "what leaves a network for elsewhere takes the host's address"
    oifname @bridges ip saddr 127.0.0.0/8 counter masquerade comment "loopback of the host takes the bridge's address"
}
chain to_ports {
    type filter hook postrouting priority 0; policy accept;
    oifname != @bridges accept comment "only what goes to containers is counted here"
    ct status dnat ct direction original ip daddr . meta l4proto . th dport @traffic4 comment "count what ports get"
    ct status dnat ct direction original ip6 daddr . meta l4proto . th dport @traffic6 comment "count what ports get"
}
chain from_ports {
    type filter hook prerouting priority 0; policy accept;
    iifname != @bridges accept comment "only what comes from containers is counted here"
    ct status dnat ct direction reply ip saddr . meta l4proto . th sport @traffic4 comment "count their answers"
    ct status dnat ct direction reply ip6 saddr . meta l4proto . th sport @traffic6 comment "count their answers"
}
"""


def elements(forward: Forward) -> list[Element]:
    """Those that a published port is made of."""
    version = forward.container.version
    port = f"{forward.protocol} . {forward.port}"
    target = f"{forward.container} . {forward.container_port}"
    if forward.host is None or forward.host.is_unspecified:
        lookup = f"ports{version}", port, target
    else:
        lookup = f"ports_at{version}", f"{forward.host} . {port}", target
    return [lookup, (f"traffic{version}", f"{forward.container} . {forward.protocol} . {forward.container_port}", "")]


def content(
    networks: Iterable[Network],
    published: Iterable[Element],
    switched_on: Iterable[str] = (),
    loopback: Mapping[tuple[Transport, int], int] = {},
) -> Content:
    """What shall be in the sets and maps. `published`: elements of all ports; `switched_on`: "ipv4", "ipv6" where
    forwarding was off before us; `loopback`: where the engine listens for what is published at ::1."""
    made: Content = {name: {} for name in (*SETS, *MAPS)}
    made["switched_on"] = dict.fromkeys(switched_on, "")
    for network in networks:
        for name, key in _of_network(network):
            made[name][key] = ""
    for name, key, value in published:
        made[name][key] = value
    for (protocol, port), listening in loopback.items():
        made["ports_at6"][f"::1 . {protocol} . {port}"] = f"::1 . {listening}"
    return made


def whole(table: str, content: Content) -> str:
    """Commands that make the table exactly this, whatever was there: one transaction, no packet meets less than all."""
    parts = [f"add table inet {table}", f"delete table inet {table}", f"table inet {table} {{"]
    for kind, declarations in (("set", SETS), ("map", MAPS)):
        for name, (declaration, purpose) in declarations.items():
            elements = f"elements = {{ {_elements(content[name])} }}" if content[name] else ""
            parts.append(f'{kind} {name} {{ {declaration} comment "{purpose}"; {elements} }}')
    return "\n".join([*parts, CHAINS, "}"])


def probe(table: str, chain: str) -> str:
    """Commands that make a table with this chain alone."""
    return f"table inet {table} {{\nchain probe {{\n{chain}\n}}\n}}"


def change(table: str, before: Content, after: Content) -> str:
    """Commands that make the one of the other; empty where nothing is to do."""
    commands = []
    for name, elements in after.items():
        there = before[name]
        gone = [key for key, value in there.items() if elements.get(key) != value]
        new = {key: value for key, value in elements.items() if there.get(key) != value}
        if gone:
            commands.append(f"delete element inet {table} {name} {{ {', '.join(gone)} }}")
        if new:
            commands.append(f"add element inet {table} {name} {{ {_elements(new)} }}")
    return "\n".join(commands)


def _elements(elements: Mapping[str, str]) -> str:
    return ", ".join(f"{key} : {value}" if value else key for key, value in elements.items())


def _of_network(network: Network) -> Iterable[tuple[str, str]]:
    bridge = f'"{network.bridge}"'
    yield from ((name, bridge) for name in ("bridges", "sent", "received", "dropped"))
    yield "within", f"{bridge} . {bridge}"
    if network.internal:
        yield "internal", bridge
    for subnet in network.subnets:
        yield f"homes{subnet.range.version}", f"{bridge} . {subnet.range}"
        yield f"ranges{subnet.range.version}", str(subnet.range)
        if not network.internal:
            yield f"subnets{subnet.range.version}", str(subnet.range)
