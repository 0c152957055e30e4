"""Bridges, veth pairs, addresses and routes as our networks need them. Imports netlink's messages and the model.

All of it is about the network namespace that the calling thread is in, the *home*: call it in the thread of `Home`. An
EngineError (`Refused`, with the errno) says what could not be done; nothing half-made is left then.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_network

from engine.errors import EngineError
from engine.network.kernel import rtnetlink as rt
from engine.network.kernel import sysctls
from engine.network.kernel.namespaces import inside
from engine.network.kernel.netlink import Netlink, Refused, attribute, number, text
from engine.network.kernel.rtnetlink import IFLA, Link
from engine.network.model import Address, Endpoint, Network, Range
from engine.protocol.messages import ErrorCode


@dataclass(frozen=True)
class Forwarding:
    """Whether this namespace passes on what is not for itself."""

    ipv4: bool
    ipv6: bool


# --- bridges ---


def ensure_bridge(network: Network) -> None:
    """The bridge of a network is there, is up and has exactly these addresses and this MTU; it is made if need be."""
    with Netlink() as netlink:
        found = _find(netlink, network.bridge)
        if found is None:
            netlink.do(rt.new_bridge(network.bridge, mac=bridge_mac(network.id), mtu=network.mtu))
        try:
            index = _index(netlink, network.bridge)
            _set_bridge_up(netlink, index, network)
        except (OSError, EngineError):
            if found is None:
                netlink.tried([rt.delete_link(network.bridge)])
            raise


def is_up(name: str) -> bool:
    """Whether there is such a link, and it is up."""
    with Netlink() as netlink:
        found = _find(netlink, name)
        return found is not None and found.up


def join(bridge: str, endpoints: Iterable[Endpoint]) -> None:
    """Let the veths of containers be ports of a bridge that was made anew. Those that are gone are passed over."""
    with Netlink() as netlink:
        master = number(IFLA.MASTER, _index(netlink, bridge))
        for endpoint in endpoints:
            name = endpoint.host_interface
            netlink.tried([rt.set_link(name, master), rt.set_port(name, _label(endpoint))])


def _set_bridge_up(netlink: Netlink, index: int, network: Network) -> None:
    name = network.bridge
    with _settings(f"set up the bridge {name}"):
        sysctls.write(f"ipv4/conf/{name}/route_localnet", 1)  # ports published on 127.0.0.1 go to containers
        no_ipv6 = all(subnet.range.version == 4 for subnet in network.subnets)
        if sysctls.write_if_there(f"ipv6/conf/{name}/disable_ipv6", int(no_ipv6)):
            for setting in ("accept_ra", "autoconf", "accept_dad"):  # no container is our router
                sysctls.write(f"ipv6/conf/{name}/{setting}", 0)
    wanted = {subnet.bridge_address for subnet in network.subnets}
    there = {a.address for a in rt.addresses(netlink) if a.index == index and not a.address.is_link_local}
    changes = [rt.delete_address(index, address) for address in there - wanted]
    changes += [rt.new_address(index, subnet.bridge_address) for subnet in network.subnets]
    mtu = number(IFLA.MTU, network.mtu)
    mac = attribute(IFLA.ADDRESS, rt.mac_bytes(bridge_mac(network.id)))
    alias = rt.ifalias(f"heliostui network {network.name}")
    changes.append(rt.set_link(index, mtu, mac, alias, up=True, what=f"set up the bridge {name}"))
    netlink.do(*changes)


def bridge_mac(network: str) -> str:
    """A locally administered address made of the network's id, so that it is the same whoever joins and leaves."""
    return b"".join((b"\x02\x68", bytes.fromhex(network)[:4])).hex(":")


def container_mac(address: Address, network: str) -> str:
    """A locally administered address made of the IP address, as Docker's: who gets an address that another one had is
    found under it at once, because neighbours need learn nothing. Without IPv4 it is made of the IPv6 address."""
    if address.version == 4:
        return (b"\x02\x42" + address.packed).hex(":")
    return (b"\x02\x46" + blake2b(address.packed + network.encode(), digest_size=4).digest()).hex(":")


def remove_link(name: str) -> None:
    """Remove an interface; it may be gone."""
    detach([name])


# --- containers ---


def attach(endpoints: Sequence[Endpoint], namespace: int) -> None:
    """Make the veth pairs of a container, and set up its ends: addresses, the default route, loopback. All or nothing.

    A pair that is left over from before is replaced. The default route of the first interface is taken before that of
    the second one.
    """
    done: list[str] = []
    with Netlink() as home:
        try:
            with _settings("set up a container's network"), inside(namespace), Netlink() as container:
                container.do(rt.set_link(1, up=True, what="set up loopback"))
                for endpoint in endpoints:
                    _attach(home, container, endpoint, namespace, done)
        except BaseException:
            home.tried([rt.delete_link(name) for name in done])
            raise


def attach_more(endpoint: Endpoint, namespace: int) -> None:
    """One more pair for a container that runs."""
    attach([endpoint], namespace)


def _attach(home: Netlink, container: Netlink, endpoint: Endpoint, namespace: int, done: list[str]) -> None:
    no_ipv6 = all(address.version == 4 for address in endpoint.addresses)
    sysctls.write_if_there("ipv6/conf/default/disable_ipv6", int(no_ipv6))  # inherited by the next interface
    _make_pair(home, endpoint, namespace)
    done.append(endpoint.host_interface)
    container.do(rt.set_link(endpoint.interface, up=True))
    index = _index(container, endpoint.interface)
    for name in (endpoint.host_interface, endpoint.bridge):
        _index(home, name)  # the kernel looks at its carrier: now, not at some time
    requests = [rt.new_address(index, address) for address in endpoint.addresses]
    requests += [
        rt.new_default_route(index, gateway, _metric(endpoint.interface, gateway)) for gateway in endpoint.gateways
    ]
    container.do(*requests, rt.announce(index, endpoint.mac))


def _make_pair(home: Netlink, endpoint: Endpoint, namespace: int) -> None:
    name = endpoint.host_interface
    bridge = _index(home, endpoint.bridge)
    make = rt.new_veth(name, endpoint.interface, namespace=namespace, master=bridge, mac=endpoint.mac, mtu=endpoint.mtu)
    port = rt.set_port(name, _label(endpoint))
    made, described = home.tried([make, port])
    if made is not None and made.errno == errno.EEXIST and (old := _find(home, name)) is not None:
        _clear_the_way(home, old)
        made, described = home.tried([make, port])
    if made is not None:
        raise made
    if described is not None:
        home.tried([rt.delete_link(name)])
        raise described


def _clear_the_way(home: Netlink, old: Link) -> None:
    """What is unplugged is removed soon: another name will do, by which it is known whose it was. Else it goes now."""
    other_name = text(IFLA.IFNAME, f"{old.name[:-1]}~")
    if old.up or home.tried([rt.set_link(old.index, other_name)]) != [None]:
        home.tried([rt.delete_link(old.index)])


def _label(endpoint: Endpoint) -> str:
    """What `ip link` shows people."""
    return endpoint.label or f"heliostui {endpoint.container} {endpoint.interface}"


def _metric(interface: str, gateway: Address) -> int:
    """Of the default route by "eth<n>": the kernel's default for the first one, more for each further one."""
    number = int(interface.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)
    return number if gateway.version == 4 else 1024 + number


def detach(names: Iterable[str]) -> None:
    """Remove veths by the names of their ends on the host; those that are gone are none to remove. Many take about as
    long as one."""
    group = new_group()
    unplug(names, group)
    remove_group(group)


def new_group() -> int:
    """A number that no other interfaces have in common."""
    return random.randrange(1 << 20, 1 << 31)


def unplug(names: Iterable[str], group: int) -> None:
    """Nothing goes through these veths from now on (0.2 ms each); they are in a group, by which they can be removed: a
    new one of the same name is not in it. Those that are gone are none to unplug."""
    mark = number(IFLA.GROUP, group)
    with Netlink() as netlink:
        _if_there(netlink.tried([rt.set_link(name, mark, up=False, what=f"unplug {name}") for name in names]))


def remove_group(group: int) -> None:
    """Remove all interfaces of a group, if there are any: waits for 20 ms until no processor looks at them any more."""
    with Netlink() as netlink:
        _if_there(netlink.tried([rt.delete_group(group)]))


def _if_there(outcomes: Iterable[Refused | None]) -> None:
    for refused in outcomes:
        if refused is not None and refused.errno != errno.ENODEV:
            raise refused


# --- what is there ---


def ours() -> list[Link]:
    """All interfaces of the home whose names are like ours: bridges `hb-…` and veths `h….n`; whose they are, their
    aliases and masters tell."""
    with Netlink() as netlink:
        return [link for link in rt.links(netlink) if _is_named_by_us(link)]


def _is_named_by_us(link: Link) -> bool:
    if link.kind == "bridge":
        return link.name.startswith("hb-") and _is_hex(link.name[3:])
    return link.kind == "veth" and link.name[:1] == "h" and link.name[13:14] == "." and _is_hex(link.name[1:13])


def _is_hex(word: str) -> bool:
    return len(word) == 12 and set(word) <= set("0123456789abcdef")


def used_ranges() -> list[Range]:
    """What the home has routes to or addresses in, default routes left out: where no new network may be."""
    with Netlink() as netlink:
        routes = rt.routes(netlink)
        addresses = rt.addresses(netlink)
    used = {
        route.destination
        for route in routes
        if route.destination is not None
        and route.destination.prefixlen > 0
        and route.type not in ("local", "broadcast", "anycast", "multicast")
    }
    used |= {ip_network(address.address.network) for address in addresses}
    return sorted(used, key=lambda range: (range.version, range.network_address.packed, range.prefixlen))


def default_mtu() -> int:
    """Of the interface by which the home reaches the world; 1500 where there is none."""
    with Netlink() as netlink:
        ways = {route.index for route in rt.routes(netlink) if route.destination is None and route.type == "unicast"}
        return min((link.mtu for link in rt.links(netlink) if link.index in ways), default=1500)


def has_ipv6() -> bool:
    """Whether the kernel has IPv6 (it may be started with `ipv6.disable=1`)."""
    return bool(sysctls.read("ipv6/conf/all/disable_ipv6"))


def forwarding() -> Forwarding:
    """Whether the home passes on what is not for itself."""
    return Forwarding(sysctls.read("ipv4/ip_forward") == "1", sysctls.read("ipv6/conf/all/forwarding") == "1")


def enable_forwarding(*, ipv6: bool = True) -> list[str]:
    """Let the home pass on what is not for itself. What had to be changed, as sysctl(8) writes it.

    An interface that believes in routers' advertisements would stop doing so (and lose its default route) when IPv6 is
    passed on; it is told to go on (`accept_ra` 2)."""
    changed = []
    with _settings("let this machine pass on what containers send"):
        now = forwarding()
        if not now.ipv4:
            sysctls.write("ipv4/ip_forward", 1)
            changed.append("net.ipv4.ip_forward=1")
        if ipv6 and not now.ipv6 and sysctls.read("ipv6/conf/all/forwarding"):
            with Netlink() as netlink:
                links = rt.links(netlink)
            for link in links:
                setting = f"ipv6/conf/{link.name}/accept_ra"
                if not link.loopback and not _is_named_by_us(link) and sysctls.read(setting) == "1":
                    sysctls.write(setting, 2)
                    changed.append(f"net.ipv6.conf.{link.name.replace('.', '/')}.accept_ra=2")
            sysctls.write("ipv6/conf/all/forwarding", 1)
            changed.append("net.ipv6.conf.all.forwarding=1")
    return changed


def _find(netlink: Netlink, name: str) -> Link | None:
    try:
        return rt.read_link(netlink.get(rt.get_link(name)))
    except Refused as refused:
        if refused.errno == errno.ENODEV:
            return None
        raise


def _index(netlink: Netlink, name: str) -> int:
    return rt.index_of(netlink.get(rt.get_link(name)))


@contextmanager
def _settings(what: str) -> Iterator[None]:
    """A setting that can't be written is told as an EngineError."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise EngineError(ErrorCode.UNSUPPORTED, f"Can't {what}: {where}{error.strerror}.") from None
