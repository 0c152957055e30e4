"""The texts of a container's /etc/hosts and /etc/resolv.conf, hosts(5) and resolv.conf(5). Pure; imports model and the
protocol's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from engine.network.model import Address, Network
from engine.protocol import names

HOST_GATEWAY = "host-gateway"  # in place of an address in --add-host: the host's, as the container reaches it
MOST_SERVERS = 3  # that resolvers look at (MAXNS, resolv.conf(5))
ALWAYS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def hosts(
    own: Sequence[str],
    addresses: Iterable[Address],
    added: Sequence[str] = (),
    gateways: Sequence[Address] = (),
    base: str = ALWAYS,
) -> str:
    """/etc/hosts. `own`: hostname and name; `addresses`: the container's; none: its names are loopback's, so that they
    have an address. `added`: those of --add-host; `gateways`: what host-gateway stands for. `base`: the host's own file
    for a container in the host's network. Raises ValueError where host-gateway is asked for and there is none."""
    lines = [
        _line(address, [name]) for name, text in map(names.added_host, added) for address in _which(text, gateways)
    ]
    own = list(dict.fromkeys(filter(None, own)))
    if base == ALWAYS and own:
        # 127.0.1.1 as in Debian, so that 127.0.0.1 is called localhost when it is looked up
        lines += [_line(address, own) for address in tuple(addresses) or (IPv4Address("127.0.1.1"),)]
    return "".join([base if not base or base.endswith("\n") else f"{base}\n", *lines])


def resolv_conf(servers: Sequence[Address], search: Sequence[str] = (), options: Sequence[str] = ()) -> str:
    """/etc/resolv.conf. `servers`: of these the first three; `search`: domains; `options` as they were asked for. Names
    without a dot are looked up as they are first (ndots:0), as in Docker: else each name of a container would be asked
    for with every search domain behind it before."""
    lines = [f"nameserver {server}" for server in servers[:MOST_SERVERS]]
    if search:
        lines.append(f"search {' '.join(search)}")
    if not any(option.startswith("ndots:") for option in options):
        options = [*options, "ndots:0"]
    return "\n".join(["# Made by heliostui.", *lines]) + (f"\noptions {' '.join(options)}\n")


def servers(networks: Iterable[Network]) -> list[Address]:
    """Where our resolver is for a container in these networks: one address of each, IPv4 where there is one. Each of
    them knows all names; the others serve when the container leaves the first network."""
    return [network.subnets[0].gateway for network in networks if network.subnets]


def search(asked: Sequence[str], hosts_own: Sequence[str]) -> list[str]:
    """The search domains: those asked for, else the host's; `.` alone means none."""
    return [domain for domain in asked or hosts_own if domain != "."]


def _which(address: str, gateways: Sequence[Address]) -> Sequence[object]:
    if address != HOST_GATEWAY:
        return [address]
    if not gateways:
        raise ValueError("host-gateway has no address without a network: name one with --network, or write an address")
    return gateways


def _line(address: object, called: Sequence[str]) -> str:
    return f"{address}\t{' '.join(called)}\n"
