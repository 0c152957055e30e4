"""Containers' interfaces: two of them talk over a bridge, all or nothing is made, nothing is left."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from engine.errors import EngineError
from engine.network.kernel import links, namespaces, sysctls
from engine.network.kernel import rtnetlink as rt
from engine.network.kernel.home import Home
from engine.network.kernel.netlink import HEADER, Netlink, Refused
from engine.network.kernel.removal import Removal
from engine.network.model import Endpoint, Network, Prefixed, Subnet, host_interface, prefixed
from engine.protocol.messages import ErrorCode
from tests.engine.network.within import as_rootless, within

PATIENCE = 60.0  # seconds; the kernel removes interfaces of all tests one after the other
V4 = Subnet(ip_network("10.88.0.0/16"), ip_address("10.88.0.1"))
V6 = Subnet(ip_network("fd88:1::/64"), ip_address("fd88:1::1"))
BACKEND = Network(id="b00000000001", name="backend", subnets=(V4, V6), created_at=datetime.now(UTC))
OTHER = Network(
    id="b00000000002",
    name="other",
    subnets=(Subnet(ip_network("10.89.0.0/16"), ip_address("10.89.0.1")),),
    created_at=datetime.now(UTC),
)


def endpoint(number: int, network: Network = BACKEND, index: int = 0, **changes: Any) -> Endpoint:
    """The `number`th container in a network, with the addresses that it would have."""
    container = f"{number:012x}"
    addresses = tuple(prefixed(s.gateway + number, s.range.prefixlen) for s in network.subnets)
    made = Endpoint(
        container=container,
        network=network.id,
        bridge=network.bridge,
        host_interface=host_interface(container, index),
        interface=f"eth{index}",
        mac=links.container_mac(addresses[0].ip, network.id),
        mtu=network.mtu,
        addresses=addresses,
        gateways=tuple(subnet.gateway for subnet in network.subnets),
    )
    return replace(made, **changes)


RTMGRP_LINK, RTMGRP_NEIGH, RTMGRP_IPV6_IFADDR = 0x1, 0x4, 0x100


@dataclass(frozen=True)
class Inside:
    """An interface in a container as it is now. `peer`: the index of the veth's other end."""

    interface: str
    mac: str
    mtu: int
    up: bool
    peer: int
    addresses: tuple[Prefixed, ...]


def inside_of(container: int) -> list[Inside]:
    """Its interfaces, loopback left out."""

    def work() -> tuple[list[rt.Link], list[rt.LinkAddress]]:
        with Netlink() as netlink:
            return rt.links(netlink), rt.addresses(netlink)

    found, addresses = within(container, work)
    return [
        Inside(
            link.name,
            link.mac,
            link.mtu,
            link.up,
            link.peer,
            tuple(a.address for a in addresses if a.index == link.index and not a.address.is_link_local),
        )
        for link in found
        if not link.loopback
    ]


class Monitor:
    """Told of what changes in a namespace."""

    def __init__(self, group: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, group))
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def next(self) -> tuple[int, bytes]:
        """Type and payload of the next message; TimeoutError if there is none for long."""
        message = self._socket.recv(65536)
        return HEADER.unpack_from(message)[1], message[HEADER.size :]


class Place:
    """A home with containers: a thread that is in it, and descriptors that are closed at the end."""

    def __init__(self, home: int, stack: ExitStack) -> None:
        self.home = home
        self._stack = stack

    def __call__(self, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return within(self.home, work, *args, **named)

    def container(self) -> int:
        made = namespaces.make()
        self._stack.callback(os.close, made)
        return made

    def attached(self, *endpoints: Endpoint) -> int:
        """A container that can be reached. An address of IPv6 can be when the kernel tells of it, a moment later."""
        made = self.container()
        wanted = {address for one in endpoints for address in one.addresses if address.version == 6}
        with within(made, Monitor, RTMGRP_IPV6_IFADDR) as monitor:
            self(links.attach, endpoints, made)
            while wanted:
                _, message = monitor.next()
                told = rt.read_address(message)
                assert told is not None
                wanted.discard(told.address)
        return made

    def look(self, namespace: int | None = None) -> set[rt.Link | rt.LinkAddress | rt.Route]:
        """All that is there, but for counters, and for what the kernel adds a moment later: link-local addresses and
        carrier when a bridge has its first port, and IPv6's own routes to each address."""

        def work() -> set[rt.Link | rt.LinkAddress | rt.Route]:
            with Netlink() as netlink:
                seen = {replace(link, carrier=False, counters=rt.Counters()) for link in rt.links(netlink)}
                addresses = [one for one in rt.addresses(netlink) if not one.address.is_link_local]
                routes = [route for route in rt.routes(netlink) if not is_added_later(route)]
                return {*seen, *addresses, *routes}

        return within(self.home if namespace is None else namespace, work)


def is_added_later(route: rt.Route) -> bool:
    if route.destination is None or route.family == 4:
        return False
    return route.type != "unicast" or route.destination.is_link_local


def places() -> Iterator[Place]:
    with ExitStack() as stack:
        home = namespaces.make()
        stack.callback(os.close, home)
        place = Place(home, stack)
        place(do, rt.set_link(1, up=True))
        yield place


def do(*requests: Any) -> None:
    with Netlink() as netlink:
        netlink.do(*requests)


@pytest.fixture
def place() -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    yield from places()


@pytest.fixture
def bridged(place: Place) -> Place:
    """With the bridge of the network `backend`."""
    place(links.ensure_bridge, BACKEND)
    return place


def listening(family: int, address: str) -> socket.socket:
    server = socket.create_server((address, 7), family=family)
    server.settimeout(PATIENCE)
    return server


def talk(server: int, client: int, address: str) -> str:
    """A word from one namespace to another one by TCP; from which address it came."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        within(server, listening, family, address) as ear,
        within(client, socket.create_connection, (address, 7), timeout=PATIENCE) as mouth,
    ):
        heard, source = ear.accept()
        with heard:
            mouth.sendall(b"hello")
            assert heard.recv(5) == b"hello"
            return str(source[0])


# --- reaching ---


def test_two_containers_reach_each_other_and_the_host_at_once_by_both_families(bridged: Place) -> None:
    one, two = bridged.attached(endpoint(1)), bridged.attached(endpoint(2))
    assert talk(one, two, "10.88.0.2") == "10.88.0.3"
    assert talk(one, two, "fd88:1::2") == "fd88:1::3"
    assert talk(bridged.home, one, "10.88.0.1") == "10.88.0.2"
    assert talk(bridged.home, one, "fd88:1::1") == "fd88:1::2"
    assert talk(two, bridged.home, "10.88.0.3") == "10.88.0.1"
    assert talk(two, bridged.home, "fd88:1::3") == "fd88:1::1"


def test_the_bridges_addresses_can_be_listened_on_before_there_is_any_container(bridged: Place) -> None:
    for family, address in ((socket.AF_INET, "10.88.0.1"), (socket.AF_INET6, "fd88:1::1")):
        bridged(listening, family, address).close()


def test_an_address_that_was_anothers_is_found_at_once_under_its_new_owner(bridged: Place) -> None:
    friend, old = bridged.attached(endpoint(1)), bridged.attached(endpoint(2))
    for address in endpoint(2).addresses:
        talk(old, friend, str(address.ip))
    mac = "02:42:00:00:00:99"

    def known() -> set[str]:
        with Netlink() as netlink:
            return {one.mac for one in rt.neighbours(netlink) if one.address in {a.ip for a in endpoint(2).addresses}}

    with within(friend, Monitor, RTMGRP_NEIGH) as monitor:
        bridged(links.unplug, [endpoint(2).host_interface], links.new_group())
        bridged.attached(replace(endpoint(3), addresses=endpoint(2).addresses, mac=mac))
        while within(friend, known) != {mac}:
            monitor.next()


def test_loopback_works_in_a_container(bridged: Place) -> None:
    one = bridged.attached(endpoint(1))
    assert talk(one, one, "127.0.0.1") == "127.0.0.1"
    assert talk(one, one, "::1") == "::1"


def test_a_container_may_listen_on_any_port_and_ping_without_a_capability(bridged: Place) -> None:
    def as_ordinary() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
        with socket.create_server(("0.0.0.0", 80)):
            pass

    def work() -> None:
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setresgid(1000, 1000, 1000)
            os.setresuid(1000, 1000, 1000)
            status = 1
            try:
                as_ordinary()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

    within(bridged.attached(endpoint(1)), work)


# --- what is set up ---


def default_routes(place: Place, container: int) -> set[tuple[Any, int]]:
    """Gateways with their metrics: the lowest one is taken."""
    routes = [one for one in place.look(container) if isinstance(one, rt.Route)]
    return {(r.gateway, r.metric) for r in routes if r.destination is None and r.type == "unicast"}


def test_a_container_has_what_it_was_given_and_no_more(bridged: Place) -> None:
    one = bridged.attached(endpoint(1))
    (inside,) = inside_of(one)
    (outside,) = (link for link in bridged(links.ours) if link.kind == "veth")
    given = endpoint(1)
    assert inside == Inside("eth0", given.mac, 1500, True, outside.index, given.addresses)
    assert (outside.name, outside.up, outside.carrier) == (given.host_interface, True, True)
    assert default_routes(bridged, one) == {(V4.gateway, 0), (V6.gateway, 1024)}
    assert within(one, sysctls.read, "ipv6/conf/eth0/accept_ra") == "0"


def test_the_first_of_several_networks_is_the_way_out_and_the_next_one_stands_in_for_it(bridged: Place) -> None:
    bridged(links.ensure_bridge, OTHER)
    one = bridged.attached(endpoint(1), endpoint(1, OTHER, 1))

    second = (ip_address("10.89.0.1"), 1)
    assert default_routes(bridged, one) == {(V4.gateway, 0), (V6.gateway, 1024), second}
    bridged(links.detach, [endpoint(1).host_interface])
    assert default_routes(bridged, one) == {second}


def test_ipv6_is_off_where_the_network_has_none_and_on_beside_it(bridged: Place) -> None:
    bridged(links.ensure_bridge, OTHER)
    one = bridged.attached(endpoint(1, OTHER, 0), endpoint(1, BACKEND, 1))
    assert within(one, sysctls.read, "ipv6/conf/eth0/disable_ipv6") == "1"
    assert within(one, sysctls.read, "ipv6/conf/eth1/disable_ipv6") == "0"
    assert bridged(sysctls.read, f"ipv6/conf/{OTHER.bridge}/disable_ipv6") == "1"


def test_an_internal_network_has_no_default_route(bridged: Place) -> None:
    assert default_routes(bridged, bridged.attached(endpoint(1, gateways=()))) == set()


def test_the_mtu_is_the_networks_at_both_ends(place: Place) -> None:
    narrow = Network(id="b00000000003", name="narrow", subnets=(V4,), created_at=datetime.now(UTC), mtu=1280)
    place(links.ensure_bridge, narrow)
    one = place.attached(endpoint(1, narrow))
    assert {link.mtu for link in place(links.ours)} == {1280} == {inside_of(one)[0].mtu}


def test_people_read_in_ip_link_what_a_link_is(bridged: Place) -> None:
    bridged.attached(endpoint(1, label="heliostui web eth0 in backend"))
    assert {link.alias for link in bridged(links.ours)} == {
        "heliostui web eth0 in backend",
        "heliostui network backend",
    }


def test_the_mac_of_a_container_follows_its_address_and_nobody_elses() -> None:
    assert links.container_mac(ip_address("10.88.0.2"), "b00000000001") == "02:42:0a:58:00:02"
    of_v6 = {links.container_mac(ip_address("fd88::") + i, network) for i in range(50) for network in ("a", "b")}
    assert len(of_v6) == 100
    assert all(int(mac[:2], 16) & 3 == 2 for mac in of_v6)  # locally administered, of one station


# --- bridges ---


def test_a_bridge_is_set_up_once_and_for_all(bridged: Place) -> None:
    before = bridged.look()
    bridged(links.ensure_bridge, BACKEND)
    assert bridged.look() == before
    (bridge,) = bridged(links.ours)
    assert (bridge.name, bridge.up, bridge.mac) == (BACKEND.bridge, True, links.bridge_mac(BACKEND.id))
    bridged.attached(endpoint(1))
    bridged(links.ensure_bridge, BACKEND)
    assert bridged(links.ours)[0].mac == bridge.mac  # whoever joins


def test_a_bridge_that_somebody_changed_is_mended(bridged: Place) -> None:
    before = bridged.look()
    index = next(link.index for link in bridged(links.ours))
    wrong = rt.new_address(index, ip_interface("10.99.0.1/24"))
    bridged(do, wrong, rt.delete_address(index, V4.bridge_address), rt.set_link(index, up=False))
    bridged(links.ensure_bridge, BACKEND)
    assert bridged.look() == before


def test_a_bridge_that_can_not_be_set_up_is_not_left_half_made(place: Place) -> None:
    before = place.look()
    with pytest.raises(EngineError, match="ff02::1"):
        place(links.ensure_bridge, replace_subnets(BACKEND, V4, Subnet(ip_network("ff02::/64"), ip_address("ff02::1"))))
    with pytest.raises(Refused, match="mtu"):
        place(links.ensure_bridge, replace_mtu(BACKEND, 10))
    assert place.look() == before


def replace_subnets(network: Network, *subnets: Subnet) -> Network:
    return Network(id=network.id, name=network.name, subnets=subnets, created_at=network.created_at)


def replace_mtu(network: Network, mtu: int) -> Network:
    return Network(id=network.id, name=network.name, subnets=network.subnets, created_at=network.created_at, mtu=mtu)


def test_published_loopback_ports_can_reach_a_bridge_and_no_router_is_believed(bridged: Place) -> None:
    def setting(name: str) -> str:
        return str(bridged(sysctls.read, name.replace("BRIDGE", BACKEND.bridge)))

    assert setting("ipv4/conf/BRIDGE/route_localnet") == "1"
    assert setting("ipv6/conf/BRIDGE/accept_ra") == "0"


# --- all or nothing ---

WRONG: dict[str, tuple[Endpoint, str]] = {
    "no bridge": (endpoint(2, OTHER, 1), "No such device"),
    "name too long": (endpoint(2, index=1, host_interface="h" * 16), "make the veth pair"),
    "interface taken": (endpoint(2, index=1, interface="eth0"), "File exists"),
    "mac": (endpoint(2, index=1, mac="01:00:00:00:00:00"), "make the veth pair"),
    "mtu": (endpoint(2, index=1, mtu=20), "make the veth pair"),
    "address": (
        endpoint(2, index=1, addresses=(ip_interface("10.88.0.9/16"), ip_interface("ff02::1/64"))),
        "ff02::1/64",
    ),
    "gateway": (endpoint(2, index=1, gateways=(ip_address("203.0.113.1"),)), "203.0.113.1"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_fails_in_the_middle_leaves_nothing(bridged: Place, why: str) -> None:
    wrong, words = WRONG[why]
    container = bridged.container()
    before = bridged.look()
    with pytest.raises(EngineError) as refused:
        bridged(links.attach, [endpoint(1), wrong], container)
    assert words in refused.value.message
    assert bridged.look() == before
    assert inside_of(container) == []
    bridged(links.attach, [endpoint(1), endpoint(1, index=1, addresses=endpoint(2).addresses)], container)


def test_one_that_is_in_the_way_from_before_is_replaced(bridged: Place) -> None:
    old = bridged.attached(endpoint(1))
    new = bridged.attached(endpoint(1))
    assert inside_of(old) == []
    assert len(inside_of(new)) == 1
    assert talk(new, bridged.home, "10.88.0.2") == "10.88.0.1"


def test_a_running_container_joins_and_leaves_a_network(bridged: Place) -> None:
    bridged(links.ensure_bridge, OTHER)
    one, two = bridged.attached(endpoint(1)), bridged.attached(endpoint(2, OTHER))
    bridged(links.attach_more, endpoint(1, OTHER, 1), one)
    assert talk(two, one, "10.89.0.3") == "10.89.0.2"
    bridged(links.detach, [endpoint(1, OTHER, 1).host_interface])
    assert [inside.interface for inside in inside_of(one)] == ["eth0"]


# --- leaving ---


def test_two_hundred_containers_come_and_go_and_nothing_is_left(bridged: Place) -> None:
    before = bridged.look()
    containers = [bridged.attached(endpoint(i)) for i in range(1, 201)]
    names = [endpoint(i).host_interface for i in range(1, 201)]
    assert {link.name for link in bridged(links.ours)} == {BACKEND.bridge, *names}
    assert talk(containers[199], containers[0], "10.88.0.201") == "10.88.0.2"
    bridged(links.detach, [*names, "h000000000999.0"])  # one that never was
    bridged(links.detach, names)
    assert bridged.look() == before


async def test_fifty_containers_come_at_once_while_fifty_go(bridged: Place) -> None:
    old = [endpoint(i) for i in range(1, 51)]
    new = [endpoint(i) for i in range(51, 101)]
    namespaces_of_old = [bridged.attached(one) for one in old]
    home, removal = Home(bridged.home), Removal()

    async def come(one: Endpoint) -> int:
        made = await asyncio.to_thread(bridged.container)
        await home.call(links.attach, [one], made)
        return made

    async def go(one: Endpoint) -> None:
        await asyncio.wrap_future(await home.call(removal.unplug, [one.host_interface]))

    try:
        came, _ = await asyncio.gather(asyncio.gather(*map(come, new)), asyncio.gather(*map(go, old)))
    finally:
        home.close()
    assert {link.name for link in bridged(links.ours)} == {BACKEND.bridge, *(one.host_interface for one in new)}
    assert [inside_of(one) for one in namespaces_of_old] == [[]] * 50
    assert talk(came[0], came[49], "10.88.0.52") == "10.88.0.101"


def test_a_link_ends_with_the_containers_namespace(bridged: Place) -> None:
    made = namespaces.make()
    bridged(links.attach, [endpoint(1)], made)
    with bridged(Monitor, RTMGRP_LINK) as monitor:
        os.close(made)
        while {link.kind for link in bridged(links.ours)} != {"bridge"}:
            monitor.next()


def test_an_unplugged_container_is_off_at_once_and_its_link_is_soon_removed(bridged: Place) -> None:
    one, two = bridged.attached(endpoint(1)), bridged.attached(endpoint(2))
    talk(one, two, "10.88.0.2")
    removed = bridged(Removal().unplug, [endpoint(1).host_interface, "h000000000999.0"])
    bridged.attached(endpoint(3, addresses=endpoint(1).addresses))  # nobody answers for it but this one
    removed.result(PATIENCE)
    assert endpoint(1).host_interface not in {link.name for link in bridged(links.ours)}


def test_the_link_of_a_container_that_starts_again_at_once_is_not_removed_with_its_old_one(bridged: Place) -> None:
    removal, removed = Removal(), []
    for _ in range(10):
        again = bridged.attached(endpoint(1))
        removed.append(bridged(removal.unplug, [endpoint(1).host_interface]))
        again = bridged.attached(endpoint(1))
    for one in removed:
        one.result(PATIENCE)
    assert len(inside_of(again)) == 1
    bridged(removal.unplug, [endpoint(1).host_interface]).result(PATIENCE)
    assert {link.name for link in bridged(links.ours)} == {BACKEND.bridge}


def test_the_bridge_goes_and_may_be_gone(bridged: Place) -> None:
    bridged.attached(endpoint(1))
    bridged(links.remove_link, BACKEND.bridge)
    bridged(links.remove_link, BACKEND.bridge)
    assert BACKEND.bridge not in {link.name for link in bridged(links.ours)}


# --- the host ---


def test_ours_are_known_by_their_names_only_if_they_are_of_our_kinds(bridged: Place) -> None:
    bridged.attached(endpoint(1))
    mac = "02:00:00:00:00:01"
    bridged(do, rt.new_bridge("br0", mac=mac, mtu=1500), rt.new_bridge("h000000000007.0", mac=mac, mtu=1500))
    bridged(do, rt.new_bridge("hb-00000000zzzz", mac=mac, mtu=1500))
    assert {link.name for link in bridged(links.ours)} == {BACKEND.bridge, endpoint(1).host_interface}


def test_what_the_host_uses_is_known_from_addresses_and_routes(bridged: Place) -> None:
    bridged(do, rt.new_address(1, ip_interface("192.168.7.9/24")), rt.new_address(1, ip_interface("198.51.100.7/32")))
    used = bridged(links.used_ranges)
    expected = {"10.88.0.0/16", "fd88:1::/64", "192.168.7.0/24", "198.51.100.7/32"}
    assert expected <= {str(range) for range in used}
    assert all(range.prefixlen > 0 for range in used)


def test_the_mtu_of_the_way_out_is_the_default(bridged: Place) -> None:
    assert bridged(links.default_mtu) == 1500  # there is no way out
    index = next(link.index for link in bridged(links.ours))
    bridged(
        do, rt.set_link(index, rt.number(rt.IFLA.MTU, 1420)), rt.new_default_route(index, ip_address("10.88.0.9"), 0)
    )
    assert bridged(links.default_mtu) == 1420


def test_forwarding_is_switched_on_once_and_said(bridged: Place) -> None:
    bridged(sysctls.write, "ipv4/ip_forward", 0)
    bridged(do, rt.new_bridge("up0", mac="02:00:00:00:00:01", mtu=1500))
    bridged(sysctls.write, "ipv6/conf/up0/accept_ra", 1)
    changed = bridged(links.enable_forwarding)
    assert changed == ["net.ipv4.ip_forward=1", "net.ipv6.conf.up0.accept_ra=2", "net.ipv6.conf.all.forwarding=1"]
    assert bridged(links.forwarding) == links.Forwarding(True, True)
    assert bridged(links.enable_forwarding) == []


def test_without_rights_it_is_one_sentence(place: Place) -> None:
    def work() -> EngineError:
        os.setresuid(65534, 65534, 65534)
        with pytest.raises(EngineError) as refused:
            links.ensure_bridge(BACKEND)
        return refused.value

    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work().code is ErrorCode.UNSUPPORTED else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_whether_the_kernel_has_ipv6_is_known(bridged: Place) -> None:
    assert bridged(links.has_ipv6) == os.path.exists("/proc/net/if_inet6")


# --- an ordinary user ---


def test_all_of_it_works_for_who_is_root_in_a_user_namespace_only() -> None:
    def work() -> list[str]:
        heard = []
        for place in places():
            before = place.look()
            place(links.ensure_bridge, BACKEND)
            place(links.ensure_bridge, OTHER)
            one, two = place.attached(endpoint(1), endpoint(1, OTHER, 1)), place.attached(endpoint(2))
            heard = [talk(one, two, "10.88.0.2"), talk(one, two, "fd88:1::2"), talk(one, place.home, "10.89.0.2")]
            heard += [inside.interface for inside in inside_of(one)]
            heard += place(links.enable_forwarding)
            with pytest.raises(Refused, match="File exists"):
                place(links.attach_more, endpoint(3, interface="eth0"), two)
            place(links.detach, [endpoint(n).host_interface for n in (1, 2, 3)])
            place(Removal().unplug, [endpoint(1, OTHER, 1).host_interface]).result(PATIENCE)
            for network in (BACKEND, OTHER):
                place(links.remove_link, network.bridge)
            assert place.look() == before
        return heard

    forwarded = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
    assert [word for word in as_rootless(work) if word not in forwarded] == [
        "10.88.0.3",
        "fd88:1::3",
        "10.89.0.1",
        "eth0",
        "eth1",
    ]


@pytest.mark.parametrize("spare", range(5))
def test_without_enough_files_nothing_is_left(spare: int) -> None:
    def work() -> tuple[list[str], list[str], bool]:
        links.ensure_bridge(BACKEND)
        container = namespaces.make()
        while (last := os.dup(0)) + 2 < len(os.listdir("/proc/self/fd")):
            pass  # until there is no gap any more
        before = os.listdir("/proc/self/fd")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1 + spare, hard))
        try:
            links.attach([endpoint(1)], container)
            said = []
        except EngineError as error:
            said = [error.message]
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return said, [link.name for link in links.ours()], os.listdir("/proc/self/fd") == before

    said, names, clean = as_rootless(work)
    assert names == [BACKEND.bridge] + ([] if said else [endpoint(1).host_interface])
    assert clean
    assert all("Too many open files" in message for message in said)
    assert bool(said) == (spare < 4)  # home, the way back, container, a setting


def test_without_threads_an_ended_container_is_taken_down_all_the_same() -> None:
    def work() -> list[str]:
        links.ensure_bridge(BACKEND)
        links.attach([endpoint(1)], namespaces.make())
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        Removal().unplug([endpoint(1).host_interface]).result(PATIENCE)
        return [link.name for link in links.ours()]

    assert as_rootless(work) == [BACKEND.bridge]


def test_an_error_number_is_kept_for_who_wants_to_know_more(bridged: Place) -> None:
    with pytest.raises(Refused) as refused:
        bridged(links.attach, [endpoint(1, OTHER)], bridged.container())
    assert refused.value.errno == errno.ENODEV
