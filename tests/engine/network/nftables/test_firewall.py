"""Who reaches whom: from outside, from the host, among containers; and that the table is always exactly what it shall
be. Namespaces are the hosts."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.network.kernel import links
from engine.network.kernel.home import Home
from engine.network.kernel.netlink import HEADER
from engine.network.model import Forward
from engine.network.nftables import coexistence, firewall, nft
from engine.network.nftables.firewall import Firewall
from engine.network.nftables.rules import views
from tests.engine.network.hosts import PATIENCE, Host, Protocol, needs, veth
from tests.engine.network.town import HERE, HERE6, INTERNAL, ONE, OUTSIDE, OUTSIDE6, TABLE, TWO, Town, reached, town
from tests.engine.network.within import as_rootless

PROTOCOLS: list[Protocol] = ["tcp", "udp"]


@pytest.fixture
async def place() -> AsyncIterator[Town]:
    """Two networks and an internal one."""
    needs("ip", "nft")
    async with town(ONE, TWO, INTERNAL) as made:
        yield made


@pytest.fixture(params=[0, 1], ids=["bridged-frames-by-themselves", "bridged-frames-through-iptables"])
def bridge_netfilter(place: Town, request: pytest.FixtureRequest) -> None:
    """Whether bridged frames pass the rules of IP, too, as they do with Docker or Kubernetes on the machine."""
    if not Path("/proc/sys/net/bridge").is_dir():
        if request.param:
            pytest.skip("this kernel has no br_netfilter")
        return
    place.here.sh(f"sysctl -qw net.bridge.bridge-nf-call-iptables={request.param}")
    place.here.sh(f"sysctl -qw net.bridge.bridge-nf-call-ip6tables={request.param}")


@pytest.mark.usefixtures("bridge_netfilter")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_published_ports_are_reached_from_everywhere_and_nothing_else_is(place: Town, protocol: Protocol) -> None:
    web, neighbour, other = [await place.container(network) for network in (ONE, ONE, TWO)]
    here, outside = place.here, place.outside
    inner = web.host.echo(protocol=protocol).port
    await place.firewall.publish(web.forwards(8080, inner, protocol))
    expected = {
        (what, who, address, port): answers
        for what, who, port, answers, addresses in [
            ("host", here, 8080, True, [HERE, HERE6, "127.0.0.1", "127.1.2.3", "::1", "10.88.1.1", "10.88.2.1"]),
            ("host", here, inner, True, [web.address, web.address6]),
            ("outside", outside, 8080, True, [HERE, HERE6]),
            ("outside", outside, 8080, False, [web.address, web.address6]),
            ("outside", outside, inner, False, [HERE, HERE6, web.address, web.address6]),
            ("neighbour", neighbour.host, inner, True, [web.address, web.address6]),
            ("neighbour", neighbour.host, 8080, True, [HERE, HERE6, "10.88.1.1", "fd00:88:0:1::1"]),
            ("neighbour", neighbour.host, 8080, False, ["127.0.0.1", "::1"]),
            ("itself", web.host, 8080, True, [HERE, HERE6, "10.88.1.1"]),
            ("other network", other.host, 8080, True, [HERE, HERE6, "10.88.1.1", "10.88.2.1"]),
            ("other network", other.host, inner, False, [web.address, web.address6, HERE]),
        ]
        for address in addresses
    }
    got = await reached(expected, protocol)
    assert got == dict(zip(got, expected.values(), strict=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("at", [HERE, HERE6, "127.0.0.1", "::1"])
async def test_a_port_published_at_one_address_is_reached_there_alone(place: Town, at: str, protocol: Protocol) -> None:
    web, other = await place.container(ONE), await place.container(TWO)
    inner = web.host.echo(protocol=protocol).port
    await place.firewall.publish(web.forwards(8080, inner, protocol, at))
    all_addresses = [HERE, HERE6, "127.0.0.1", "::1", "10.88.1.1", "10.88.2.1"]
    expected = {
        **{("host", place.here, address, 8080): address == at for address in all_addresses},
        **{("outside", place.outside, address, 8080): address == at for address in (HERE, HERE6)},
        **{("other", other.host, address, 8080): address == at for address in (HERE, HERE6, "10.88.2.1")},
    }
    got = await reached(expected, protocol)
    assert got == dict(zip(got, expected.values(), strict=True))


@pytest.mark.usefixtures("bridge_netfilter")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_internal_network_reaches_the_host_and_its_neighbours_only(place: Town, protocol: Protocol) -> None:
    inside, neighbour, web = [await place.container(network) for network in (INTERNAL, INTERNAL, ONE)]
    for family, gateway in ("", "10.88.3.1"), ("-6", "fd00:88:0:3::1"):
        inside.host.sh(f"ip {family} route add default via {gateway}")  # it has none; one that is privileged may
    ports = {host: host.echo(protocol=protocol).port for host in (place.here, place.outside, inside.host, web.host)}
    await place.firewall.publish([*inside.forwards(8080, ports[inside.host], protocol)])
    await place.firewall.publish([*web.forwards(8081, ports[web.host], protocol)])
    expected = {
        ("host to it", place.here, inside.address, ports[inside.host]): True,
        ("host to its port", place.here, "127.0.0.1", 8080): True,
        ("neighbour", neighbour.host, inside.address, ports[inside.host]): True,
        ("to the host", inside.host, "10.88.3.1", ports[place.here]): True,
        ("to the host", inside.host, "fd00:88:0:3::1", ports[place.here]): True,
        ("to the host", inside.host, HERE, ports[place.here]): False,
        ("to the host", inside.host, HERE6, ports[place.here]): False,
        ("out", inside.host, OUTSIDE, ports[place.outside]): False,
        ("out", inside.host, OUTSIDE6, ports[place.outside]): False,
        ("in", place.outside, HERE, 8080): False,
        ("in", place.outside, HERE6, 8080): False,
        ("in", place.outside, inside.address, ports[inside.host]): False,
        ("to another network", inside.host, web.address, ports[web.host]): False,
        ("to a port of another network", inside.host, HERE, 8081): False,
        ("from another network", web.host, inside.address, ports[inside.host]): False,
        ("from another network", web.host, HERE, 8080): False,
    }
    got = await reached(expected, protocol)
    assert got == dict(zip(got, expected.values(), strict=True))


@pytest.mark.usefixtures("bridge_netfilter")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_leaves_takes_the_hosts_address_and_neighbours_see_each_others_own(
    place: Town, protocol: Protocol
) -> None:
    one, two = await place.container(ONE), await place.container(ONE)
    far, near = place.outside.echo(protocol=protocol), two.host.echo(protocol=protocol)
    for address in (OUTSIDE, OUTSIDE6):
        assert one.host.ask(address, far.port, protocol, timeout=PATIENCE) == b"hello"
    for address in (two.address, two.address6):
        assert one.host.ask(address, near.port, protocol, timeout=PATIENCE) == b"hello"
    assert far.callers == [HERE, HERE6]
    assert near.callers == [one.address, one.address6]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_host_speaks_to_itself_at_a_bridge_by_the_bridges_address(place: Town, protocol: Protocol) -> None:
    echo = place.here.echo(protocol=protocol)
    bridges = [str(subnet.gateway) for subnet in ONE.subnets]
    for address in bridges:
        assert place.here.ask(address, echo.port, protocol, timeout=PATIENCE) == b"hello"
    assert echo.callers == bridges


async def test_a_caller_from_outside_is_seen_by_its_own_address(place: Town) -> None:
    web = await place.container(ONE)
    echo = web.host.echo()
    await place.firewall.publish(web.forwards(8080, echo.port))
    for address in (HERE, HERE6):
        assert place.outside.ask(address, 8080, timeout=PATIENCE) == b"hello"
    assert echo.callers == [OUTSIDE, OUTSIDE6]


async def test_a_forged_source_does_not_leave(place: Town) -> None:
    bad = await place.container(ONE)
    bad.host.sh("ip address add 198.51.100.7/32 dev eth0 && ip address add 2001:db8:bad::7/128 dev eth0 nodad")
    for true, forged, to in (bad.address, "198.51.100.7", OUTSIDE), (bad.address6, "2001:db8:bad::7", OUTSIDE6):
        with place.outside.listen(to, protocol="udp") as listening:
            listening.settimeout(PATIENCE)
            for source, said in (forged, b"forged"), (true, b"true"):
                with bad.host.new_socket(listening.family, socket.SOCK_DGRAM) as sending:
                    sending.bind((source, 0))
                    sending.sendto(said, listening.getsockname()[:2])
            assert listening.recv(100) == b"true"
    assert "packets 0" not in place.here.sh(f"nft list set inet {TABLE} dropped").split(ONE.bridge)[1][:40]


async def test_a_containers_address_as_the_source_is_forged_elsewhere(place: Town) -> None:
    """Neither the host nor another machine behind it is reached in a container's name."""
    far = Host()
    with far:
        veth(place.here, ["198.51.100.1/24", "2001:db8:f::1/64"], far, ["198.51.100.2/24", "2001:db8:f::2/64"])
        far.sh("ip route add default via 198.51.100.1 && ip route add default via 2001:db8:f::1")
        place.here.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        place.outside.sh(f"ip route add 198.51.100.0/24 via {HERE} && ip route add 2001:db8:f::/64 via {HERE6}")
        for forged, forged6 in ("10.88.1.7", "fd00:88:0:1::7"), ("10.88.3.7", "fd00:88:0:3::7"):
            place.outside.sh(f"ip address add {forged}/32 dev lo && ip address add {forged6}/128 dev lo nodad")
            for source, host, to in (
                (forged, place.here, HERE),
                (forged6, place.here, HERE6),
                (forged, far, "198.51.100.2"),
                (forged6, far, "2001:db8:f::2"),
            ):
                with host.listen(to, protocol="udp") as listening:
                    listening.settimeout(PATIENCE)
                    for true, said in (source, b"forged"), (OUTSIDE6 if ":" in to else OUTSIDE, b"true"):
                        with place.outside.new_socket(listening.family, socket.SOCK_DGRAM) as sending:
                            sending.bind((true, 0))
                            sending.sendto(said, listening.getsockname()[:2])
                    assert listening.recv(100) == b"true"


async def test_what_belongs_to_no_connection_does_not_leave_and_traffic_of_others_is_left_alone(place: Town) -> None:
    """A reset out of nothing is not translated, so that it would leave with its private address."""
    web, stranger = await place.container(ONE), Host()
    with stranger, place.outside.new_socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as seen:
        veth(place.here, ["198.51.100.1/24"], stranger, ["198.51.100.2/24"])
        stranger.sh("ip route add default via 198.51.100.1")
        seen.settimeout(PATIENCE)
        for who, address in (web.host, web.address), (stranger, "198.51.100.2"):
            with who.new_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
                raw.sendto(_reset(address, OUTSIDE), (OUTSIDE, 0))
        sources: list[str] = []
        while not sources or sources[-1] != "198.51.100.2":
            packet = seen.recv(2000)
            if packet[9] == socket.IPPROTO_TCP:
                sources.append(socket.inet_ntoa(packet[12:16]))
        assert sources == ["198.51.100.2"]


async def test_link_local_addresses_work_on_the_link(place: Town) -> None:
    web = await place.container(ONE)
    port = place.here.echo().port
    (link_local,) = re.findall(r"inet6 (fe80::\S+)/", place.here.sh(f"ip -6 address show dev {ONE.bridge}"))
    web.host.sh("ip address add fe80::77/64 dev eth0 nodad")  # its own one is being tried for a second
    link = web.host.run(socket.if_nametoindex, "eth0")
    with web.host.new_socket(socket.AF_INET6, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.bind(("fe80::77", 0, 0, link))
        connection.connect((link_local, port, 0, link))
        connection.send(b"hello")
        assert connection.recv(10) == b"hello"


async def test_loopback_of_the_host_is_out_of_reach(place: Town) -> None:
    """CVE-2020-8558: `route_localnet` lets a neighbour's packet for 127.0.0.1 in, unless somebody drops it."""
    web, bad = await place.container(ONE), await place.container(ONE)
    port = place.here.echo("127.0.0.1").port
    inner = web.host.echo().port
    await place.firewall.publish(web.forwards(8080, inner, host="127.0.0.1"))
    for who, gateway in (bad.host, "10.88.1.1"), (place.outside, HERE):
        who.sh("ip address flush dev lo && sysctl -qw net.ipv4.conf.all.route_localnet=1")
        who.sh(f"ip route add 127.0.0.0/8 via {gateway}")
        got = await reached({("", who, "127.0.0.1", port): False, ("", who, "127.0.0.1", 8080): False}, "tcp")
        assert not any(got.values())
    await place.firewall.close()  # or it would be put back
    place.here.sh(f"nft flush chain inet {TABLE} early")
    assert bad.host.ask("127.0.0.1", port, timeout=PATIENCE) == b"hello"  # so it was the rule that stood in the way


async def test_a_port_leads_elsewhere_at_once_for_udp_that_goes_on_too(place: Town) -> None:
    old, new = await place.container(ONE), await place.container(ONE)
    before, after = old.host.echo(port=5000, protocol="udp"), new.host.echo(port=5000, protocol="udp")
    for address in (HERE, HERE6):
        await place.firewall.publish(old.forwards(8080, 5000, "udp"))
        with place.outside.connect(address, 8080, "udp", timeout=PATIENCE) as caller:
            caller.send(b"1")
            caller.recv(10)
            await place.firewall.publish(new.forwards(8080, 5000, "udp"))
            caller.send(b"2")
            caller.recv(10)
        assert len(before.callers) == len(after.callers)
    assert len(after.callers) == 2


async def test_udp_that_was_refused_before_gets_through_once_it_is_published(place: Town) -> None:
    web = await place.container(ONE)
    web.host.echo(port=5000, protocol="udp")
    with (
        place.here.listen("0.0.0.0", 8080, "udp"),
        place.outside.connect(HERE, 8080, "udp", timeout=PATIENCE) as caller,
    ):
        caller.send(b"to the host")
        await place.firewall.publish(web.forwards(8080, 5000, "udp"))
        caller.send(b"to the container")
        assert caller.recv(100) == b"to the container"


async def test_udp_ends_with_its_publication_and_tcp_goes_on(place: Town) -> None:
    web = await place.container(ONE)
    for protocol in PROTOCOLS:
        web.host.echo(port=5000, protocol=protocol)
        await place.firewall.publish(web.forwards(8080, 5000, protocol))
    with (
        place.outside.connect(HERE, 8080, "tcp", timeout=PATIENCE) as stream,
        place.outside.connect(HERE, 8080, "udp", timeout=PATIENCE) as datagrams,
    ):
        for caller in (stream, datagrams):
            caller.send(b"hello")
            assert caller.recv(10) == b"hello"
        for protocol in PROTOCOLS:
            await place.firewall.unpublish(web.forwards(8080, 5000, protocol))
        stream.send(b"again")
        assert stream.recv(10) == b"again"
        datagrams.send(b"again")
        with pytest.raises(ConnectionRefusedError):
            datagrams.recv(10)
    assert place.outside.misses(HERE, 8080)


async def test_connections_outlive_a_table_that_is_written_anew(place: Town) -> None:
    web = await place.container(ONE)
    web.host.echo(port=5000)
    await place.firewall.publish(web.forwards(8080, 5000))
    far = place.outside.echo()
    with (
        place.outside.connect(HERE, 8080, timeout=PATIENCE) as inward,
        web.host.connect(OUTSIDE, far.port, timeout=PATIENCE) as outward,
    ):
        for connection in (inward, outward):
            connection.send(b"before")
            assert connection.recv(10) == b"before"
        await place.firewall.ensure([ONE], web.forwards(8080, 5000))
        for connection in (inward, outward):
            connection.send(b"after")
            assert connection.recv(10) == b"after"


# --- the table ---


async def test_the_table_is_made_exactly_whatever_was_there(place: Town) -> None:
    web = await place.container(ONE)
    wanted = [*web.forwards(8080, 80, host=HERE), *web.forwards(8081, 80, "udp", HERE6)]
    await place.firewall.ensure([ONE], wanted)
    right = place.rules()
    await place.firewall.close()
    place.here.sh(f"nft flush chain inet {TABLE} through")
    place.here.sh(f"nft add rule inet {TABLE} early drop && nft add chain inet {TABLE} junk")
    place.here.sh(f"nft add element inet {TABLE} ports4 {{ tcp . 9999 : 10.99.0.1 . 1 }}")
    async with other_engine(place) as after_a_crash:
        await after_a_crash.ensure([ONE], wanted)
        assert place.rules() == right


async def test_nothing_accumulates(place: Town) -> None:
    web = await place.container(ONE)
    before = place.rules()
    for port in range(9000, 9050):
        await place.firewall.publish(web.forwards(port, 80, "udp" if port % 2 else "tcp", HERE if port % 3 else None))
    assert len(re.findall(r"\. 90\d\d :", place.rules())) == 33 + 17 * 3  # at all addresses: IPv4, IPv6, and ::1
    for port in range(9000, 9050):
        await place.firewall.unpublish(web.forwards(port, 80, "udp" if port % 2 else "tcp", HERE if port % 3 else None))
    await place.firewall.remove_network(TWO)
    await place.firewall.add_network(TWO)
    assert place.rules() == before


async def test_the_same_twice_and_what_is_not_there_are_fine(place: Town) -> None:
    web, other = await place.container(ONE), await place.container(ONE)
    await place.firewall.publish(web.forwards(8080, 80))
    once = place.rules()
    await place.firewall.publish(web.forwards(8080, 80))
    await place.firewall.add_network(ONE)
    await place.firewall.unpublish(other.forwards(8080, 80))
    await place.firewall.unpublish(other.forwards(8081, 80))
    assert place.rules() == once
    await place.firewall.publish(other.forwards(8080, 80))
    assert f"tcp . 8080 : {other.address} . 80" in place.rules()
    assert web.address not in place.rules()


async def test_two_ports_to_one_place_come_and_go_apart(place: Town) -> None:
    web = await place.container(ONE)
    web.host.echo(port=80)
    await place.firewall.publish([*web.forwards(8080, 80), *web.forwards(8081, 80)])
    await place.firewall.unpublish(web.forwards(8080, 80))
    assert place.outside.ask(HERE, 8081, timeout=PATIENCE) == b"hello"
    assert place.outside.misses(HERE, 8080)


async def test_what_the_kernel_refuses_changes_nothing(place: Town) -> None:
    web = await place.container(ONE)
    await place.firewall.publish(web.forwards(8080, 80))
    before = place.rules()
    senseless = Forward("tcp", ip_address(HERE), 8081, ip_address(web.address6), 80)
    with pytest.raises(EngineError, match="nftables refuses"):
        await place.firewall.publish([*web.forwards(8082, 80), senseless])
    assert place.rules() == before
    await place.firewall.publish(web.forwards(8082, 80))
    assert f"tcp . 8082 : {web.address} . 80" in place.rules()


async def test_a_range_of_ports_is_one_change(place: Town) -> None:
    web = await place.container(ONE)
    ports = range(20000, 20100)
    echoes = [web.host.echo(port=port) for port in (ports[0], ports[-1])]
    forwards = list(itertools.chain.from_iterable(web.forwards(port, port, host=HERE) for port in ports))
    with place.here.run(coexistence.listen) as told:
        await place.firewall.publish(forwards)
        assert _transactions(told) == 1
    for echo in echoes:
        assert place.outside.ask(HERE, echo.port, timeout=PATIENCE) == b"hello"


@pytest.mark.parametrize(("address", "traffic"), [(HERE, "traffic4"), (HERE6, "traffic6")])
async def test_what_passes_published_ports_and_networks_is_counted(place: Town, address: str, traffic: str) -> None:
    web = await place.container(ONE)
    web.host.echo(port=5000)
    await place.firewall.publish(web.forwards(8080, 5000))
    assert place.outside.ask(address, 8080, data=b"x" * 10_000, timeout=PATIENCE) == b"x" * 10_000
    elements = {
        item["set"]["name"]: item["set"].get("elem", [])
        for item in (await place.firewall.counted()).objects
        if "set" in item
    }
    (through,) = [element["elem"]["counter"] for element in elements[traffic]]
    sent, received = (
        next(e["elem"]["counter"]["bytes"] for e in elements[name] if e["elem"]["val"] == ONE.bridge)
        for name in ("sent", "received")
    )
    assert through["bytes"] > 20_000  # both directions
    assert sent > 10_000
    assert received > 10_000


async def test_removal_leaves_nothing_and_forwarding_as_it_was() -> None:
    needs("ip", "nft")
    async with town() as place:
        assert place.firewall.coexistence == []
        await place.firewall.add_network(INTERNAL)
        assert place.here.run(links.forwarding) == links.Forwarding(False, False)
        await place.firewall.add_network(ONE)
        assert place.here.run(links.forwarding) == links.Forwarding(True, True)
        await place.firewall.remove()
        assert place.rules() == ""
        assert place.here.run(links.forwarding) == links.Forwarding(False, False)


async def test_forwarding_stays_on_that_was_on_or_that_somebody_else_needs() -> None:
    needs("ip", "nft")
    async with town() as place:
        place.here.sh("sysctl -qw net.ipv4.ip_forward=1")
        await place.firewall.add_network(ONE)
        await place.firewall.remove()
        assert place.here.run(links.forwarding) == links.Forwarding(True, False)
    async with town() as place:
        await place.firewall.add_network(ONE)
        place.here.sh("nft add table ip nat")
        place.here.sh("nft add chain ip nat POSTROUTING '{ type nat hook postrouting priority 100; }'")
        await place.firewall.remove()
        assert place.here.run(links.forwarding) == links.Forwarding(True, True)


async def test_an_engine_after_a_crash_knows_what_was_switched_on() -> None:
    needs("ip", "nft")
    async with town() as place:
        await place.firewall.add_network(ONE)
        await place.firewall.close()
        async with other_engine(place) as after:
            await after.ensure([ONE], [])
            assert after.coexistence == ["Forwarding of IPv4 and IPv6 was off, and was switched on."]
            await after.remove()
        assert place.here.run(links.forwarding) == links.Forwarding(False, False)


@pytest.mark.parametrize(
    "harm",
    [
        "nft flush ruleset",
        f"nft delete table inet {TABLE}",
        f"nft flush chain inet {TABLE} through",
        f"nft flush table inet {TABLE}",
    ],
)
async def test_what_others_flush_is_put_back(place: Town, harm: str) -> None:
    web = await place.container(ONE)
    web.host.echo(port=5000)
    await place.firewall.publish(web.forwards(8080, 5000))
    right = place.rules()
    with place.here.run(coexistence.listen) as told:
        place.here.sh(harm)
        await until(lambda: place.rules() == right, told)
    assert place.outside.ask(HERE, 8080, timeout=PATIENCE) == b"hello"


async def test_it_is_put_back_again_and_again(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "APART", (0.01, 0.1))  # seconds
    await place.firewall.close()
    await place.firewall.ensure([ONE], [])
    right = place.rules()
    with place.here.run(coexistence.listen) as told:
        for _ in range(4):
            place.here.sh("nft flush ruleset")
            await until(lambda: place.rules() == right, told)


async def test_a_change_after_a_flush_writes_all_anew(place: Town) -> None:
    web = await place.container(ONE)
    web.host.echo(port=5000)
    await place.firewall.publish(web.forwards(8080, 5000))
    place.here.sh("nft flush ruleset")
    await place.firewall.publish(web.forwards(8081, 5000))
    got = await reached({("", place.outside, HERE, port): True for port in (8080, 8081)}, "tcp")
    assert all(got.values())


async def test_many_changes_at_once_end_as_if_one_after_the_other(place: Town) -> None:
    web = await place.container(ONE)
    tasks = [place.firewall.publish(web.forwards(port, 80)) for port in range(9000, 9040)]
    tasks += [place.firewall.unpublish(web.forwards(port, 80)) for port in range(9000, 9020)]
    await asyncio.gather(*tasks)
    assert {int(port) for port in re.findall(r"tcp \. (90\d\d) :", place.rules())} == set(range(9020, 9040))


async def test_a_change_that_is_cancelled_is_done_or_not_but_known(place: Town) -> None:
    web = await place.container(ONE)
    for _ in range(5):
        task = asyncio.create_task(place.firewall.publish(web.forwards(8080, 80, host=HERE)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await place.firewall.unpublish(web.forwards(8080, 80, host=HERE))
        assert "8080" not in place.rules()


async def test_without_rights_the_reason_says_so() -> None:
    needs("ip", "nft", "setpriv")
    program = (
        "import asyncio\n"
        "from engine.network.kernel.home import Home\n"
        "from engine.network.nftables.firewall import Firewall\n"
        "print(asyncio.run(Firewall(Home(), 'heliostui-test').reason()))"
    )
    with Host() as host:
        said = host.sh(f'setpriv --bounding-set -net_admin --inh-caps -all {sys.executable} -c "{program}"')
    assert said.strip() == (
        "This user may not change the rules of the network (CAP_NET_ADMIN): run the engine as root."
    )


def test_it_works_for_an_ordinary_user_in_a_namespace_of_his_own() -> None:
    needs("ip", "nft")
    reason, words, said = as_rootless(lambda: asyncio.run(_rootless()))
    assert reason == ""
    assert "destination 8080 of this host goes to 10.88.1.2:80" in words
    assert said == ["Forwarding of IPv4 and IPv6 was off, and was switched on."]


async def _rootless() -> tuple[str, list[str], list[str]]:
    home = Home()
    firewall = Firewall(home, TABLE)
    reason = await firewall.reason()
    await firewall.ensure([ONE], [Forward("tcp", None, 8080, ip_address("10.88.1.2"), 80)])
    words = [view.words for view in views(await firewall.counted(), {}, [ONE])]
    said = firewall.coexistence
    await firewall.remove()
    home.close()
    return reason, words, said


async def test_without_the_library_the_reason_says_so(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft, "LIBRARY", "libnftables.so.99")
    firewall = Firewall(place.home, TABLE)
    assert await firewall.reason() == (
        "libnftables.so.99 is not on this machine: install nftables (`apt install nftables`)."
    )


@asynccontextmanager
async def other_engine(place: Town) -> AsyncIterator[Firewall]:
    """One that knows nothing of the first."""
    firewall = Firewall(place.home, TABLE)
    try:
        yield firewall
    finally:
        await firewall.close()


async def until(true: Callable[[], bool], told: socket.socket) -> None:
    """Wait until it is, looking whenever nftables tells of a change."""
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(true):
            await asyncio.get_running_loop().sock_recv(told, 65536)


def _transactions(told: socket.socket) -> int:
    """How many were told of (NFT_MSG_NEWGEN)."""
    found = 0
    with suppress(BlockingIOError):
        while True:
            data, at = told.recv(65536), 0
            while at < len(data):
                length, kind, *_ = HEADER.unpack_from(data, at)
                found += kind == 10 << 8 | 15
                at += (length + 3) & ~3
    return found


def _reset(source: str, destination: str) -> bytes:
    """A TCP header with RST, as no connection has it."""
    header = struct.pack("!HHLLBBHHH", 4000, 4000, 1, 0, 5 << 4, 0x04, 0, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(header))
    total = sum(struct.unpack(f"!{(len(pseudo) + len(header)) // 2}H", pseudo + header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:16] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[18:]
