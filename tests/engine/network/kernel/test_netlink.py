"""Our messages are those of the field's netlink library, and what we read is what `ip` shows."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.network.kernel import namespaces
from engine.network.kernel import netlink as nl
from engine.network.kernel import rtnetlink as rt
from engine.network.kernel.netlink import Netlink, Refused
from engine.network.model import Address, prefixed
from engine.protocol.messages import ErrorCode
from tests.engine.network.within import within

ifinfmsg = pytest.importorskip("pyroute2.netlink.rtnl.ifinfmsg").ifinfmsg
ifaddrmsg = pytest.importorskip("pyroute2.netlink.rtnl.ifaddrmsg").ifaddrmsg
rtmsg = pytest.importorskip("pyroute2.netlink.rtnl.rtmsg").rtmsg

names = st.from_regex(r"[a-z][a-z0-9.-]{0,14}", fullmatch=True)
macs = st.binary(min_size=6, max_size=6).map(lambda value: value.hex(":"))
mtus = st.integers(68, 65535)
indexes = st.integers(1, 2**31 - 1)
addresses = st.one_of(
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)), st.builds(IPv6Address, st.integers(0, 2**128 - 1))
)


@pytest.fixture
def namespace() -> Iterator[int]:
    """An empty network namespace."""
    try:
        made = namespaces.make()
    except Exception as error:  # noqa: BLE001
        pytest.skip(str(error))
    yield made
    os.close(made)


def decoded(kind: Any, request: nl.Request) -> Any:
    """What pyroute2 reads in a request."""
    whole = nl.HEADER.pack(nl.HEADER.size + len(request.body), request.type, 0, 0, 0) + request.body
    message = kind(whole)
    message.decode()
    return message


# --- encoding ---


@given(names, names, macs, mtus, indexes, st.integers(0, 1 << 20))
def test_a_veth_pair_is_asked_for_as_pyroute2_reads_it(
    name: str, peer: str, mac: str, mtu: int, master: int, descriptor: int
) -> None:
    message = decoded(ifinfmsg, rt.new_veth(name, peer, namespace=descriptor, master=master, mac=mac, mtu=mtu))
    assert (message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")) == (name, mtu)
    assert (message.get_attr("IFLA_MASTER"), message["flags"], message["change"]) == (master, 1, 1)
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "veth"
    other = info.get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
    assert (other.get_attr("IFLA_IFNAME"), other.get_attr("IFLA_MTU")) == (peer, mtu)
    assert (other.get_attr("IFLA_ADDRESS"), other.get_attr("IFLA_NET_NS_FD")) == (mac, descriptor)
    assert other["flags"] == 0


@given(names, macs, mtus)
def test_a_bridge_is_asked_for_as_pyroute2_reads_it(name: str, mac: str, mtu: int) -> None:
    message = decoded(ifinfmsg, rt.new_bridge(name, mac=mac, mtu=mtu))
    assert [message.get_attr(f"IFLA_{key}") for key in ("IFNAME", "ADDRESS", "MTU")] == [name, mac, mtu]
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "bridge"
    data = info.get_attr("IFLA_INFO_DATA")
    assert (data.get_attr("IFLA_BR_FORWARD_DELAY"), data.get_attr("IFLA_BR_STP_STATE")) == (0, 0)


@given(names, st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_an_alias_is_cut_at_a_whole_character(name: str, alias: str) -> None:
    message = decoded(ifinfmsg, rt.set_port(name, alias))
    shown = message.get_attr("IFLA_IFALIAS")
    assert alias.startswith(shown)
    assert shown == alias or len(shown.encode()) > 255 - 4
    assert message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_SLAVE_KIND") == "bridge"


@given(indexes, addresses, st.integers(0, 128))
def test_an_address_is_given_as_pyroute2_reads_it(index: int, address: Address, length: int) -> None:
    given_ = prefixed(address, min(length, address.max_prefixlen))
    message = decoded(ifaddrmsg, rt.new_address(index, given_))
    assert (message["index"], message["prefixlen"]) == (index, given_.network.prefixlen)
    assert message["family"] == (socket.AF_INET if address.version == 4 else socket.AF_INET6)
    assert ip_address(message.get_attr("IFA_LOCAL")) == ip_address(message.get_attr("IFA_ADDRESS")) == address
    assert message.get_attr("IFA_FLAGS") == 2  # IFA_F_NODAD
    broadcast = message.get_attr("IFA_BROADCAST")
    assert broadcast is None or ip_address(broadcast) == given_.network.broadcast_address


@given(indexes, addresses, st.integers(0, 2**32 - 1))
def test_a_default_route_is_asked_for_as_pyroute2_reads_it(index: int, gateway: Address, metric: int) -> None:
    message = decoded(rtmsg, rt.new_default_route(index, gateway, metric))
    assert (message["dst_len"], message["table"], message["type"]) == (0, 254, 1)
    assert ip_address(message.get_attr("RTA_GATEWAY")) == gateway
    assert (message.get_attr("RTA_OIF"), message.get_attr("RTA_PRIORITY")) == (index, metric)


@given(st.lists(st.tuples(st.integers(1, 0x3FFF), st.binary(max_size=40)), unique_by=lambda item: item[0]))
def test_attributes_are_read_as_they_were_written(written: list[tuple[int, bytes]]) -> None:
    assert nl.attributes(b"".join(nl.attribute(type, payload) for type, payload in written)) == dict(written)


@given(st.binary(max_size=200), st.integers(0, 20))
def test_no_attribute_reaches_beyond_its_message(message: bytes, start: int) -> None:
    assert all(payload in message[start:] for payload in nl.attributes(message, start).values())


# --- the socket ---


def in_namespace(work: Any) -> Any:
    with Netlink() as netlink:
        return work(netlink)


def test_one_request_that_fails_does_not_stop_the_others(namespace: int) -> None:
    bridge = rt.new_bridge("br0", mac="02:00:00:00:00:01", mtu=1500)
    gone = rt.delete_link("nothing")
    came = within(namespace, in_namespace, lambda netlink: netlink.tried([gone, bridge, gone, rt.delete_link("br0")]))
    assert [refused and refused.errno for refused in came] == [errno.ENODEV, None, errno.ENODEV, None]


def test_the_first_refusal_is_raised_as_a_sentence_with_the_kernels_own_words(namespace: int) -> None:
    small = rt.new_bridge("br0", mac="02:00:00:00:00:01", mtu=10)
    with pytest.raises(Refused) as refused:
        within(namespace, in_namespace, lambda netlink: netlink.do(small, rt.delete_link("nothing")))
    assert refused.value.errno == errno.EINVAL
    assert refused.value.code is ErrorCode.LAUNCH_FAILED
    assert refused.value.message == "Can't make the bridge br0: Invalid argument (mtu less than device minimum)."


def test_five_hundred_requests_are_all_answered(namespace: int) -> None:
    def work(netlink: Netlink) -> int:
        index = rt.index_of(netlink.get(rt.get_link("lo")))
        wanted = [rt.new_address(index, ip_interface(f"10.0.{i // 250}.{i % 250}/32")) for i in range(500)]
        assert netlink.tried(wanted) == [None] * 500
        return len(rt.addresses(netlink))

    assert within(namespace, in_namespace, work) == 500


def test_a_dump_that_takes_many_parts_is_whole(namespace: int) -> None:
    def work(netlink: Netlink) -> list[str]:
        netlink.do(*(rt.new_bridge(f"br{i}", mac=f"02:00:00:00:00:{i:02x}", mtu=1500) for i in range(60)))
        return [link.name for link in rt.links(netlink)]

    assert set(within(namespace, in_namespace, work)) >= {"lo", *(f"br{i}" for i in range(60))}


def test_a_missing_link_is_no_device(namespace: int) -> None:
    with pytest.raises(Refused, match=r"Can't find the interface eth7: No such device\.") as refused:
        within(namespace, in_namespace, lambda netlink: netlink.get(rt.get_link("eth7")))
    assert refused.value.errno == errno.ENODEV


def test_who_has_no_rights_is_told_so() -> None:
    def as_nobody() -> Refused | None:
        if os.geteuid() == 0:
            os.setresuid(65534, 65534, 65534)
        with Netlink() as netlink:
            return netlink.tried([rt.new_bridge("br0", mac="02:00:00:00:00:01", mtu=1500)])[0]

    refused = forked(as_nobody)
    assert "Operation not permitted" in str(refused)


def forked(work: Any) -> str:
    """What it returns as text, in a child that may give up its rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as pipe:
        return pipe.read()


# --- what there is ---

# Addresses count as tried at once, and the carriers are looked at: nothing is added later.
FILLED = """
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
ip link add br0 address 02:00:00:00:00:01 mtu 1400 type bridge
ip link add v0 type veth peer name v1
ip link set v0 master br0 up alias "a b"
ip link set br0 up
ip link set v1 up
for link in v1 v0 br0; do ip link show dev $link > /dev/null; done
ip addr add 10.9.0.1/24 brd + dev br0
ip addr add fd09::1/64 dev br0 nodad
ip addr add 10.9.1.1 peer 10.9.1.2/32 dev v1
ip route add default via 10.9.0.254 metric 7
ip route add 10.10.0.0/16 via 10.9.0.2 src 10.9.0.1
ip route add blackhole 10.11.0.0/16
ip route add 10.13.0.0/16 nexthop via 10.9.0.3 dev br0 nexthop via 10.9.0.4 dev br0
ip -6 route add default via fd09::fe dev br0 proto static
ip route add 10.12.0.0/16 dev br0 table 77
ip route add 10.14.0.0/16 via inet6 fd09::9 dev br0
ip neigh add 10.9.0.7 lladdr 02:00:00:00:00:07 dev br0
ip neigh add fd09::7 lladdr 02:00:00:00:00:08 dev br0 nud stale
"""


def show(*words: str) -> Any:
    return json.loads(subprocess.run(["ip", "-j", *words], check=True, capture_output=True, text=True).stdout or "[]")


@pytest.fixture
def filled(namespace: int) -> int:
    """A namespace with some of everything."""
    if subprocess.run(["which", "ip"], capture_output=True, check=False).returncode:
        pytest.skip("ip of iproute2 is not installed")
    within(namespace, subprocess.run, ["sh", "-ec", FILLED], check=True)
    return namespace


def test_links_are_those_that_ip_shows(filled: int) -> None:
    shown = {link["ifname"]: link for link in within(filled, show, "-d", "-s", "link")}
    ours = within(filled, in_namespace, rt.links)
    assert {link.name for link in ours} == set(shown)
    index = {link.name: link.index for link in ours}
    for link in ours:
        one = shown[link.name]
        assert (link.index, link.mtu, link.mac) == (one["ifindex"], one["mtu"], one.get("address", ""))
        assert (link.up, link.loopback) == ("UP" in one["flags"], "LOOPBACK" in one["flags"])
        assert link.carrier == ("LOWER_UP" in one["flags"])
        assert link.kind == one.get("linkinfo", {}).get("info_kind", "")
        assert link.alias == one.get("ifalias", "")
        assert link.master == index.get(one.get("master", ""), 0)
        assert link.peer == index.get(one.get("link", ""), 0)
    assert {link.name for link in ours if link.master} == {"v0"}


def test_counters_are_those_that_ip_shows(filled: int) -> None:
    def chatter() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            for _ in range(5):
                one.sendto(b"x" * 100, one.getsockname())
                assert one.recv(100) == b"x" * 100

    within(filled, chatter)
    (shown,) = within(filled, show, "-s", "link", "show", "lo")
    (lo,) = (link for link in within(filled, in_namespace, rt.links) if link.loopback)
    seen, counters = shown["stats64"], lo.counters
    assert counters.received == seen["rx"]["bytes"] > 500
    assert (counters.sent, counters.sent_packets) == (seen["tx"]["bytes"], seen["tx"]["packets"])
    assert counters.received_packets == seen["rx"]["packets"]
    assert counters.dropped == seen["rx"]["dropped"] + seen["tx"]["dropped"]


def test_addresses_are_those_that_ip_shows(filled: int) -> None:
    shown = {
        (link["ifindex"], address["local"], address["prefixlen"], address["scope"])
        for link in within(filled, show, "address")
        for address in link["addr_info"]
    }
    ours = within(filled, in_namespace, rt.addresses)
    assert {(a.index, str(a.address.ip), a.address.network.prefixlen, a.scope) for a in ours} == shown
    assert len(shown) >= 5


@pytest.mark.parametrize("family", [4, 6])
def test_routes_are_those_that_ip_shows(filled: int, family: int) -> None:
    index = {link.name: link.index for link in within(filled, in_namespace, rt.links)}
    ours = [route for route in within(filled, in_namespace, rt.routes) if route.family == family]
    shown = set()
    for route in within(filled, show, f"-{family}", "-N", "route", "show", "table", "all"):
        destination = None if route["dst"] == "default" else ip_network(route["dst"])
        for way in route.get("nexthops", [route]):
            gateway = way.get("gateway") or way.get("via", {}).get("host")
            interface = index.get(way.get("dev", ""), 0)
            table, metric = int(route.get("table", 254)), route.get("metric", 0)
            shown.add((destination, interface, gateway, route.get("prefsrc"), table, metric))
    assert {(r.destination, r.index, text(r.gateway), text(r.source), r.table, r.metric) for r in ours} == shown
    assert {route.type for route in ours} >= ({"unicast", "local", "blackhole"} if family == 4 else {"unicast"})


def text(address: Address | None) -> str | None:
    return None if address is None else str(address)


def test_neighbours_are_those_that_ip_shows(filled: int) -> None:
    index = {link.name: link.index for link in within(filled, in_namespace, rt.links)}
    shown = {
        (one["dst"], index[one["dev"]], one.get("lladdr", ""), one["state"][0].lower())
        for one in within(filled, show, "neigh", "show", "nud", "all")
        if one["state"] != ["NOARP"]
    }
    ours = within(filled, in_namespace, rt.neighbours)
    found = {(str(one.address), one.index, one.mac, one.state) for one in ours if one.state != "noarp"}
    assert found == shown
    assert len(found) >= 2
