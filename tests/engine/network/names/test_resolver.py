"""The name server of our networks, on real sockets in a network namespace of its own. The world's is beside the engine,
in another one."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest
import pytest_asyncio
from dnslib import RCODE, DNSRecord  # type: ignore[import-untyped]

from engine.network.kernel.home import Home
from engine.network.model import Endpoint
from engine.network.names import resolver as resolver_module
from engine.network.names import upstream
from engine.network.names.dns_log import Log
from engine.network.names.resolver import PORT, Resolver
from engine.network.names.upstream import Upstream
from engine.network.names.zone import Zone
from tests.engine.network.hosts import Host, needs
from tests.engine.network.name_servers import (
    answer,
    answering,
    free_port,
    question,
    serving,
    truncating,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make network namespaces")
GATEWAY, GATEWAY6 = ip_address("10.88.0.1"), ip_address("fd00::1")
WEB, DB, LONE = "10.88.0.2", "10.88.0.3", "10.88.1.2"  # containers; the last one in a network of its own
STRANGER = "10.88.0.200"
PATIENCE = 30.0


@pytest.fixture
def bridge() -> Iterator[Host]:
    """Where containers are: their addresses and the gateways."""
    needs("ip")
    with Host() as host:
        for address in (f"{GATEWAY}/24", f"{WEB}/24", f"{DB}/24", f"{STRANGER}/24", "10.88.1.1/24", f"{LONE}/24"):
            host.sh(f"ip address add {address} dev lo")
        host.sh("ip address add fd00::1/64 dev lo nodad")
        host.sh("ip address add fd00::2/64 dev lo nodad")
        yield host


def join(zone: Zone, name: str, *addresses: str, network: str = "backend", aliases: Sequence[str] = ()) -> None:
    lengths = (f"{address}/{64 if ':' in address else 24}" for address in addresses)
    endpoint = Endpoint(
        container=(name * 12)[:12],
        network=network,
        bridge="hb",
        host_interface="h",
        interface="eth0",
        mac="02:00:00:00:00:01",
        mtu=1500,
        addresses=tuple(map(ip_interface, lengths)),
        aliases=tuple(aliases),
    )
    gateways = [GATEWAY, GATEWAY6] if network == "backend" else [ip_address("10.88.1.1")]
    zone.join(endpoint, network, [name], gateways)


@pytest.fixture
def zone() -> Zone:
    zone = Zone()
    join(zone, "web", WEB, "fd00::2", aliases=["both"])
    join(zone, "db", DB, aliases=["both"])
    join(zone, "lone", LONE, network="other")
    return zone


@pytest.fixture
def port() -> int:
    """Of the world's name servers."""
    return free_port()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest_asyncio.fixture
async def resolver(bridge: Host, zone: Zone, log: Log, port: int, tmp_path: Path) -> AsyncIterator[Resolver]:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:10 attempts:1\n")
    home = Home(bridge.descriptor)
    made = Resolver(home, zone, log, upstream=Upstream(list, tmp_path / "resolv.conf", port))
    try:
        for address in (GATEWAY, GATEWAY6, ip_address("10.88.1.1")):
            assert await made.listen(address) == ""
        yield made
    finally:
        await made.close()
        home.close()


def _asked(
    bridge: Host, packet: bytes, source: str, tcp: bool = False, to: str | None = None, seconds: float = PATIENCE
) -> bytes:
    """What our resolver says to whoever has the address `source`. Raises TimeoutError."""
    server = to or ("fd00::1" if ":" in source else "10.88.1.1" if source == LONE else "10.88.0.1")
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with bridge.new_socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        asking.bind((source, 0))
        asking.connect((server, PORT))
        if not tcp:
            asking.send(packet)
            return asking.recv(65_535)
        asking.sendall(len(packet).to_bytes(2) + packet)
        with asking.makefile("rb") as stream:
            return stream.read(int.from_bytes(stream.read(2)))


async def ask(bridge: Host, name: str, type: str = "A", source: str = WEB, *, tcp: bool = False) -> DNSRecord:
    """The answer to one question."""
    id = random.randrange(65_536)
    record = DNSRecord.parse(await asyncio.to_thread(_asked, bridge, question(name, type, id), source, tcp))
    assert record.header.id == id
    return record


def told(record: DNSRecord) -> list[str]:
    return [str(each.rdata).rstrip(".") for each in record.rr]


def code(record: DNSRecord) -> str:
    return str(RCODE[record.header.rcode])


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("source", [DB, "fd00::2"])
async def test_a_container_is_found_by_its_name(bridge: Host, resolver: Resolver, source: str, tcp: bool) -> None:
    assert told(await ask(bridge, "web", source=source, tcp=tcp)) == [WEB]
    assert told(await ask(bridge, "web.backend", "AAAA", source=source, tcp=tcp)) == ["fd00::2"]


async def test_a_name_of_ours_has_addresses_and_nothing_else(bridge: Host, resolver: Resolver) -> None:
    for type in ("AAAA", "MX", "TXT", "HTTPS"):
        found = await ask(bridge, "db", type)
        assert (code(found), told(found)) == ("NOERROR", [])
    assert sorted(told(await ask(bridge, "web", "ANY"))) == [WEB, "fd00::2"]


async def test_an_address_is_found_by_its_name(bridge: Host, resolver: Resolver) -> None:
    assert told(await ask(bridge, ip_address(DB).reverse_pointer, "PTR")) == ["db.backend"]
    assert code(await ask(bridge, ip_address("10.88.0.99").reverse_pointer, "PTR")) == "NXDOMAIN"
    assert code(await ask(bridge, ip_address(LONE).reverse_pointer, "PTR")) == "NXDOMAIN"


async def test_the_host_is_found(bridge: Host, resolver: Resolver) -> None:
    assert told(await ask(bridge, "host.docker.internal")) == [str(GATEWAY)]


async def test_what_is_not_ours_is_asked_of_the_hosts_servers(bridge: Host, resolver: Resolver, port: int) -> None:
    async with serving(answering("192.0.2.9"), port=port) as world:
        for tcp in (False, True):
            assert told(await ask(bridge, "example.com", tcp=tcp)) == ["192.0.2.9"]
        assert told(await ask(bridge, "nas")) == ["192.0.2.9"]  # a name of the host's own network
        assert told(await ask(bridge, "lone")) == ["192.0.2.9"]  # a container that this one can't know
    assert world.asked == ["example.com", "example.com", "nas", "lone"]


async def test_without_anybody_to_ask_that_is_said_at_once(bridge: Host, resolver: Resolver) -> None:
    before = time.monotonic()
    assert code(await ask(bridge, "example.com")) == "SERVFAIL"
    assert time.monotonic() - before < upstream.LONGEST_WAIT


async def test_a_container_has_servers_of_its_own(bridge: Host, resolver: Resolver, zone: Zone, port: int) -> None:
    zone.client("webwebwebweb", [ip_address("127.0.0.2")])
    async with serving(answering("192.0.2.1"), port=port), serving(answering("192.0.2.2"), "127.0.0.2", port):
        assert told(await ask(bridge, "example.com")) == ["192.0.2.2"]
        assert told(await ask(bridge, "example.com", source=DB)) == ["192.0.2.1"]


async def test_without_a_way_out_nothing_leaves(bridge: Host, resolver: Resolver, zone: Zone, port: int) -> None:
    zone.client("lonelonelone", outside=False)
    async with serving(answering("192.0.2.9"), port=port) as world:
        for tcp in (False, True):
            assert code(await ask(bridge, "example.com", source=LONE, tcp=tcp)) == "REFUSED"
            assert code(await ask(bridge, "nobody", source=LONE, tcp=tcp)) == "NXDOMAIN"
            assert told(await ask(bridge, "lone", source=LONE, tcp=tcp)) == [LONE]
    assert world.asked == []


async def test_strangers_are_refused_and_the_host_gets_names_only(bridge: Host, resolver: Resolver, port: int) -> None:
    async with serving(answering("192.0.2.9"), port=port) as world:
        for tcp in (False, True):
            assert code(await ask(bridge, "web", source=STRANGER, tcp=tcp)) == "REFUSED"
            assert told(await ask(bridge, "web", source=str(GATEWAY), tcp=tcp)) == [WEB]
            assert code(await ask(bridge, "example.com", source=str(GATEWAY), tcp=tcp)) == "REFUSED"
    assert world.asked == []


async def test_too_many_addresses_for_a_datagram_are_told_by_tcp(bridge: Host, resolver: Resolver, zone: Zone) -> None:
    addresses = [f"10.88.0.{last}" for last in range(10, 190)]
    for number, address in enumerate(addresses):
        join(zone, f"c{number:03}x", address, aliases=["many"])
    short = await ask(bridge, "many")
    assert short.header.tc
    assert 20 < len(told(short)) < 180
    whole = await ask(bridge, "many", tcp=True)
    assert not whole.header.tc
    assert sorted(told(whole)) == sorted(addresses)


async def test_a_truncated_answer_of_others_is_whole_by_tcp(bridge: Host, resolver: Resolver, port: int) -> None:
    many = [f"192.0.2.{last}" for last in range(1, 200)]
    async with serving(truncating(*many), port=port):
        short = await ask(bridge, "example.com")
        assert (bool(short.header.tc), told(short)) == (True, [])
        assert told(await ask(bridge, "example.com", tcp=True)) == many


async def test_dig_and_the_c_library_agree(bridge: Host, resolver: Resolver, tmp_path: Path, port: int) -> None:
    needs("dig", "getent", "nsenter", "unshare")
    file = tmp_path / "container"
    file.write_text("nameserver 10.88.0.1\noptions ndots:0\n")

    def inside(command: str) -> str:
        enter = ["nsenter", f"--net={bridge.path}", "unshare", "--mount", "sh", "-c"]
        script = f"mount --bind {file} /etc/resolv.conf && {command}"
        return subprocess.run([*enter, script], capture_output=True, text=True, timeout=PATIENCE).stdout

    many = [f"192.0.2.{last}" for last in range(1, 100)]
    async with serving(truncating(*many), port=port):
        assert await asyncio.to_thread(inside, f"dig -b {WEB} +short db.backend") == f"{DB}\n"
        assert sorted((await asyncio.to_thread(inside, f"dig -b {WEB} +short example.com")).split()) == sorted(many)
        # The C library asks from the address by which it reaches the server: the gateway's own, here.
        assert (await asyncio.to_thread(inside, "getent ahostsv4 db")).split()[0] == DB


# Hostile programs


async def test_after_all_that_is_no_question_it_still_answers(
    bridge: Host, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(5)

    def pester() -> None:
        with bridge.new_socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind((WEB, 0))
            for _ in range(400):
                packet = bytearray(question("web.backend"))
                for _ in range(chance.randrange(5)):
                    packet[chance.randrange(len(packet))] = chance.randrange(256)
                asking.sendto(packet[: chance.randrange(len(packet) + 1)], ("10.88.0.1", PORT))
            asking.sendto(bytes(60_000), ("10.88.0.1", PORT))
        for data in (b"", b"\0", b"\xff\xff", b"\0\x04abcd", b"\0\x0c" + bytes(12), b"\x10\0" + bytes(4096)):
            with bridge.connect("10.88.0.1", PORT) as connection:
                connection.sendall(data)

    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(pester)
        assert told(await ask(bridge, "db")) == [DB]
        assert told(await ask(bridge, "db", tcp=True)) == [DB]
    assert not [record for record in caplog.records if record.name.startswith("engine")]


async def test_a_question_that_is_repeated_is_asked_once(bridge: Host, resolver: Resolver, port: int) -> None:
    held: list[DNSRecord] = []

    def at_the_end(question: DNSRecord, tcp: bool) -> list[bytes]:
        held.append(question)
        return [answer(question, "192.0.2.9")] if str(question.q.qname) == "last." else []

    def repeat() -> None:
        with bridge.new_socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind((WEB, 0))
            for _ in range(5):
                asking.sendto(question("slow", id=9), ("10.88.0.1", PORT))
        _asked(bridge, question("last"), WEB)

    async with serving(at_the_end, port=port) as world:
        await asyncio.to_thread(repeat)
    assert world.asked == ["slow", "last"]


async def test_one_container_can_not_keep_all_of_the_world_busy(
    bridge: Host, resolver: Resolver, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver._outstanding, "most_each", 8)

    def slow_but_for_one(question: DNSRecord, tcp: bool) -> list[bytes]:
        return [answer(question, "192.0.2.9")] if str(question.q.qname) == "other.example." else []

    def flood() -> list[int]:
        with bridge.new_socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            asking.bind((WEB, 0))
            for id in range(20):
                asking.sendto(question(f"{id}.example", id=id), ("10.88.0.1", PORT))
            return [DNSRecord.parse(asking.recv(65_535)).header.rcode for _ in range(12)]

    async with serving(slow_but_for_one, port=port) as world:
        assert await asyncio.to_thread(flood) == [RCODE.SERVFAIL] * 12
        assert told(await ask(bridge, "other.example", source=DB)) == ["192.0.2.9"]
    assert len(world.asked) == 9


async def test_connections_are_few_for_one_and_end_when_they_are_silent(
    bridge: Host, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver._connections, "most_each", 3)

    def connected() -> list[bytes]:
        connections = []
        for _ in range(4):
            made = bridge.new_socket(socket.AF_INET, socket.SOCK_STREAM)
            made.settimeout(PATIENCE)
            made.bind((WEB, 0))
            made.connect(("10.88.0.1", PORT))
            connections.append(made)
        ends = []
        for connection in reversed(connections):
            try:
                ends.append(connection.recv(1))
            except ConnectionResetError:
                ends.append(b"")
            connection.close()
        return ends

    with monkeypatch.context() as patch:
        patch.setattr(resolver_module, "IDLE", 0.3)
        assert await asyncio.to_thread(connected) == [b""] * 4
    assert told(await ask(bridge, "db", tcp=True)) == [DB]


FLOOD = """
import socket, sys
asking = socket.socket(type=socket.SOCK_DGRAM)
asking.bind((sys.argv[1], 0))
asking.connect(("10.88.0.1", 53))
packet = bytes.fromhex(sys.argv[2])
print("flooding", flush=True)
while True:
    asking.send(packet)
"""


async def test_whoever_floods_keeps_only_himself_waiting(bridge: Host, resolver: Resolver) -> None:
    """Others are answered, while far more comes in than can be: without turns and muting nearly all is lost."""
    flooding = [bridge.popen(sys.executable, "-c", FLOOD, WEB, question("db").hex()) for _ in range(2)]
    try:
        for each in flooding:
            assert each.stdout is not None
            assert await asyncio.to_thread(each.stdout.readline) == b"flooding\n"
        answered, lost = 0, 0
        while answered + lost < 500 and lost < 20:
            try:
                packet = await asyncio.to_thread(_asked, bridge, question("web"), DB, seconds=2.0)
                answered += told(DNSRecord.parse(packet)) == [WEB]
            except TimeoutError:
                lost += 1
    finally:
        for each in flooding:
            each.kill()
            each.communicate()
    assert answered > 10 * lost


FORGING = """
import os, socket, sys
asking = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
packet = bytes.fromhex(sys.argv[1])
prefix = socket.inet_pton(socket.AF_INET6, "fd00::")[:8]
while True:
    source = prefix + os.urandom(8) + bytes(4)  # struct in6_pktinfo
    asking.sendmsg([packet], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source)], 0, ("fd00::1", 53))
"""


async def test_a_flood_with_forged_sources_takes_no_memory(bridge: Host, resolver: Resolver) -> None:
    """Each datagram has another address of the network's /64."""
    bridge.sh("ip -6 route add local fd00::/64 dev lo && sysctl -qw net.ipv6.ip_nonlocal_bind=1")
    flooding = [bridge.popen(sys.executable, "-c", FORGING, question("db").hex()) for _ in range(2)]
    tracemalloc.start()
    try:
        dropped, late = 0, time.monotonic() + PATIENCE
        while dropped <= 100 and time.monotonic() < late:  # it takes a while to begin
            await asyncio.sleep(0)
            dropped = max(dropped, len(resolver._dropped))
        over = time.monotonic() + 1
        while time.monotonic() < over:
            await asyncio.sleep(0)
            dropped = max(dropped, len(resolver._dropped))
        assert tracemalloc.get_traced_memory()[0] < 8 << 20
    finally:
        tracemalloc.stop()
        for each in flooding:
            each.kill()
            each.communicate()
    assert 100 < dropped <= resolver_module.COUNTED


async def test_strangers_take_no_containers_connections(bridge: Host, resolver: Resolver) -> None:
    """Each with another address of the network's /64."""
    bridge.sh("ip -6 route add local fd00::/64 dev lo && sysctl -qw net.ipv6.ip_nonlocal_bind=1")
    with ExitStack() as connections:
        for number in range(resolver_module.CONNECTIONS):
            stranger = connections.enter_context(bridge.new_socket(socket.AF_INET6, socket.SOCK_STREAM))
            stranger.bind((f"fd00::beef:{number:x}", 0))
            stranger.connect(("fd00::1", PORT))
            await asyncio.sleep(0)
        assert told(await ask(bridge, "db", tcp=True)) == [DB]


async def test_two_hundred_containers_find_each_other(bridge: Host, resolver: Resolver, zone: Zone) -> None:
    names = {f"n{number:03}": f"10.88.2.{number + 2}" for number in range(200)}
    bridge.sh("ip address add 10.88.2.1/24 dev lo")
    for name, address in names.items():
        join(zone, name, address, network="crowd")
    bridge.run(_addresses, list(names.values()))
    wanted = [(source, name) for number, source in enumerate(names.values()) for name in list(names)[number % 40 :: 40]]

    def all_of_them() -> dict[tuple[str, str], str]:
        found = {}
        for source, name in wanted:
            packet = _asked(bridge, question(name), source, to="10.88.1.1")
            found[source, name] = told(DNSRecord.parse(packet))[0]
        return found

    assert await asyncio.to_thread(all_of_them) == {(source, name): names[name] for source, name in wanted}
    assert len(wanted) == 1_000


def _addresses(addresses: Sequence[str]) -> None:
    batch = "".join(f"address add {address}/24 dev lo\n" for address in addresses)
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)


# Where it listens


async def test_where_it_does_not_listen_any_more_nobody_is(bridge: Host, resolver: Resolver) -> None:
    await resolver.deafen(GATEWAY)
    bridge.listen("10.88.0.1", PORT).close()
    bridge.listen("10.88.0.1", PORT, "udp").close()
    assert told(await ask(bridge, "web", source="fd00::2")) == [WEB]


async def test_another_engine_listens_where_a_killed_one_did(bridge: Host, resolver: Resolver, zone: Zone) -> None:
    with bridge.connect("10.88.0.1", PORT):  # a connection of the first one's time
        await resolver.close()
        home = Home(bridge.descriptor)
        second = Resolver(home, zone)
        try:
            assert await second.listen(GATEWAY) == ""
            assert told(await ask(bridge, "db", tcp=True)) == [DB]
        finally:
            await second.close()
            home.close()


async def test_who_has_our_port_is_named_and_the_rest_works(bridge: Host, resolver: Resolver) -> None:
    await resolver.deafen(GATEWAY)
    await resolver.deafen(ip_address("10.88.1.1"))
    with bridge.listen("0.0.0.0", PORT, "udp"), bridge.listen("0.0.0.0", PORT):  # as dnsmasq does
        reason = await resolver.listen(GATEWAY)
        assert "Port 53 of 10.88.0.1 belongs to" in reason
        assert "large answers" in reason
        assert list(resolver.reasons()) == [GATEWAY]
        assert told(await ask(bridge, "db")) == [DB]


async def test_an_address_that_is_not_there_is_an_error(resolver: Resolver) -> None:
    with pytest.raises(OSError, match="assign"):
        await resolver.listen(ip_address("10.99.0.1"))
    assert resolver.reasons() == {}


# The log


async def test_the_last_questions_are_told_and_then_each_that_comes(
    bridge: Host, resolver: Resolver, log: Log, port: int
) -> None:
    async with serving(answering("192.0.2.9"), port=port):
        for name in ("web", "db", "example.com", "nobody.invalid"):
            await ask(bridge, name)
    assert code(await ask(bridge, "gone.example")) == "SERVFAIL"
    async with aclosing(log.follow(None, 3)) as told_of:
        first = (await anext(told_of)).queries
        assert [query.name for query in first] == ["example.com", "nobody.invalid", "gone.example"]
        assert [query.source for query in first] == ["127.0.0.1"] * 3
        assert (first[0].container, first[0].type, first[0].answer) == ("web", "A", "192.0.2.9")
        assert first[2].answer == "SERVFAIL"
        assert all(0 < query.milliseconds < 10_000 for query in first)
        await ask(bridge, "db", "AAAA")
        [query] = (await anext(told_of)).queries
        assert (query.name, query.type, query.answer, query.source) == ("db", "AAAA", "nothing of this type", "names")


async def test_one_containers_questions_are_told_alone(bridge: Host, resolver: Resolver, log: Log) -> None:
    async with aclosing(log.follow("dbdbdbdbdbdb", 10)) as told_of:
        assert (await anext(told_of)).queries == []
        await ask(bridge, "web", source=WEB)
        await ask(bridge, "db", source=DB)
        assert [query.name for query in (await anext(told_of)).queries] == ["db"]


async def test_a_listener_that_is_slow_loses_the_oldest_and_is_told_how_many(
    bridge: Host, resolver: Resolver, log: Log
) -> None:
    async with aclosing(log.follow(None, 0)) as told_of:
        await anext(told_of)

        def many() -> None:
            for _ in range(520):
                _asked(bridge, question("db"), WEB)

        await asyncio.to_thread(many)
        message = await anext(told_of)
        assert (len(message.queries), message.lost) == (500, 20)
