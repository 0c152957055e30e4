"""Networks as their users meet them: who reaches whom, by which name, from where; and nothing is left of any of it.

Containers are made by the command line or its client; what reaches what is tried from inside of their network
namespaces, and from an outside host at the other end of a cable.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dnslib import A, DNSRecord  # type: ignore[import-untyped]

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    CaptureChunk,
    ContainerNetwork,
    ContainerOptions,
    ContainerRef,
    CreateNetwork,
    GetContainerNetwork,
    GetNetworkMap,
    InspectContainer,
    Inspected,
    NetworkMap,
    Networks,
    RemoveContainer,
    RunContainer,
    StreamCapture,
)
from engine.protocol.network import ContainerNetworks, NetworkOption, PortOption
from tests.engine.network.conftest import Outside, here, new_host, outside  # noqa: F401 - fixtures
from tests.engine.network.hosts import Echo, Host, Protocol
from tests.story.conftest import PATIENCE, Person

PORT = 7000  # where every container echoes, by both protocols and both families
BOTH: tuple[Protocol, ...] = ("tcp", "udp")
SLEEP = ["sleep", "600"]


class Lab:
    """An engine, and hands in its containers' networks."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.places = Places(Path(person.environment["HELIOSTUI_RUNTIME"]), Path(person.environment["HELIOSTUI_STATE"]))
        self._hosts = ExitStack()
        self._known: dict[str, Host] = {}

    def close(self) -> None:
        self._hosts.close()
        self._known.clear()

    def ok(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        result = self.person.heliostui(*words)
        assert result.returncode == 0, f"{words}: {result.stderr}"
        return result.stdout.strip()

    def refused(self, *words: str) -> str:
        """The sentence with which a command fails."""
        result = self.person.heliostui(*words)
        assert result.returncode != 0, f"{words}: {result.stdout}"
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr

    def connect(self) -> Connection:
        return Connection.connect(self.places)

    def run(self, name: str, *options: str, echo: bool = True) -> None:
        """A container that sleeps, with an echo in its network."""
        self.ok("run", "-d", "--init", "--name", name, *options, "busybox", *SLEEP)
        if echo:
            self.echo(name)

    def echo(self, name: str, port: int = PORT) -> dict[Protocol, Echo]:
        return {protocol: self.at(name).echo("::", port, protocol) for protocol in BOTH}

    def at(self, name: str) -> Host:
        """Inside of a container's network, once it runs; the same until the end of the test."""
        if name not in self._known:
            self._known[name] = self._hosts.enter_context(Host.of(self.inspect(name)["state"]["pid"]))
        return self._known[name]

    def inspect(self, name: str) -> Any:
        return json.loads(self.ok("inspect", name))[0]

    def addresses(self, name: str, network: str | None = None) -> list[str]:
        """IPv4 and IPv6, of the first network or that one."""
        endpoints = self.inspect(name)["network"]["endpoints"]
        found = next(each for each in endpoints if network in (None, each["network"]))
        return [found["ip"], found["ip6"]]

    def inside(self, name: str, *command: str) -> str:
        """What a program in the container prints; it must succeed."""
        return self.ok("exec", name, *command)


@pytest.fixture
def lab(root: Person) -> Iterator[Lab]:
    made = Lab(root)
    yield made
    made.close()


def at_once(tries: Iterable[Callable[[], bool]]) -> list[bool]:
    """What comes of each: those that wait for an answer in vain wait together."""
    with ThreadPoolExecutor(128) as threads:
        return [future.result() for future in [threads.submit(one) for one in tries]]


def reach(one: Host, addresses: Sequence[str], port: int = PORT, protocols: Sequence[Protocol] = BOTH) -> list[bool]:
    """Whether each of the addresses echoes, by each of the protocols."""
    return at_once(partial(one.reaches, each, port, protocol) for each in addresses for protocol in protocols)


def reached(
    host: Host,
    addresses: Sequence[str],
    port: int = PORT,
    protocols: Sequence[Protocol] = BOTH,
    expected: Sequence[bool] = (),
) -> None:
    """All of the addresses echo, by all of the protocols, or those that are expected to; though on a busy machine a
    packet may be lost, or an answer late."""
    deadline = time.monotonic() + PATIENCE
    wanted = list(expected) or [True] * len(addresses) * len(protocols)
    while (results := reach(host, addresses, port, protocols)) != wanted:
        assert time.monotonic() < deadline, (addresses, port, protocols, results)


# --- who reaches whom ---


def test_containers_of_one_network_reach_each_other_and_nobody_else(lab: Lab, outside: Outside, here: Host) -> None:  # noqa: F811
    lab.ok("network", "create", "red")
    lab.ok("network", "create", "blue")
    lab.ok("network", "create", "--internal", "quiet")
    for name, network in (
        ("red1", "red"),
        ("red2", "red"),
        ("blue1", "blue"),
        ("quiet1", "quiet"),
        ("quiet2", "quiet"),
    ):
        lab.run(name, "--network", network)
    lab.run("plain1")
    lab.run("plain2")
    lab.run("alone", "--network", "none")
    lab.run("both", "--network", "red", "--network", "blue")
    lab.run("guest", "--network", "container:red1", echo=False)
    lab.run("open", "--network", "host", echo=False)
    groups = {
        "red": {"red1", "red2", "both", "guest"},
        "blue": {"blue1", "both"},
        "quiet": {"quiet1", "quiet2"},
        "default": {"plain1", "plain2"},
    }
    addresses: dict[str, list[str]] = {}
    for network, members in groups.items():
        for name in members - {"guest"}:
            addresses.setdefault(name, []).extend(lab.addresses(name, network))
    inside = {name: lab.at(name) for name in [*addresses, "alone", "guest", "open"]}

    def expected(one: str, other: str, index: int) -> bool:
        """`index`: of the other's addresses, two of each network it is in."""
        networks = [network for network, members in groups.items() if other in members]
        return one in ("open", other) or one in groups[networks[index // 2]]

    tries = [
        (one, other, index, protocol)
        for one in inside
        for other in addresses
        for index in range(len(addresses[other]))
        for protocol in BOTH
    ]
    did = at_once(partial(inside[one].reaches, addresses[other][i], PORT, p) for one, other, i, p in tries)
    wrong = [
        f"{one} reaches {other} at {addresses[other][index]} by {protocol}"
        for (one, other, index, protocol), so in zip(tries, did, strict=True)
        if so and not expected(one, other, index) and not (one == "guest" and other == "red1")
    ]
    assert wrong == []
    for (one, other, index, protocol), so in zip(tries, did, strict=True):
        if not so and expected(one, other, index):
            reached(inside[one], [addresses[other][index]], PORT, [protocol])
    reached(inside["guest"], ["127.0.0.1", "::1"])  # of red1, with which it shares all

    # The world: not from networks that are internal, and never from there to a container's own address.
    echoes = {protocol: outside.host.echo("::", PORT, protocol) for protocol in BOTH}
    far = [outside.far, outside.far6]
    for name in ("red1", "plain1", "both"):
        reached(inside[name], far)
    assert {plain for each in echoes.values() for plain in each.callers} == {outside.here, outside.here6}
    assert not any(reach(inside["quiet1"], far) + reach(inside["alone"], far))
    for prefix, way in (("10.0.0.0/8", outside.here), ("fd00::/8", outside.here6)):
        outside.host.sh(f"ip route add {prefix} via {way}")
    assert not any(reach(outside.host, [each for several in addresses.values() for each in several]))


def test_published_ports_are_reached_from_everywhere(lab: Lab, outside: Outside, here: Host) -> None:  # noqa: F811
    lab.ok("network", "create", "red")
    lab.ok("network", "create", "blue")
    lab.run("web", "--network", "red", "-p", f"8001:{PORT}", "-p", f"8001:{PORT}/udp", "-p", f"127.0.0.1:8002:{PORT}")
    lab.run("beside", "--network", "red")
    lab.run("other", "--network", "blue")
    lab.run("plain")
    hosts_own = [outside.here, outside.here6]
    for who in (here, outside.host, lab.at("beside"), lab.at("other"), lab.at("plain"), lab.at("web")):
        reached(who, hosts_own, 8001)
    reached(here, ["127.0.0.1", "::1"], 8001)
    reached(here, ["127.0.0.1"], 8002, ["tcp"])
    assert not any(reach(outside.host, hosts_own, 8002) + reach(lab.at("other"), hosts_own, 8002))
    assert lab.ok("port", "web", str(PORT)).splitlines() == ["0.0.0.0:8001", "[::]:8001", "127.0.0.1:8002"]


def test_ranges_and_all_exposed_ports_are_published(lab: Lab, outside: Outside) -> None:  # noqa: F811
    lab.run("many", "-p", "9000-9002:7000-7002", "--expose", "7005", "-P", echo=False)
    for port in (7000, 7001, 7002, 7005):
        lab.echo("many", port)
    for port in (9000, 9001, 9002):
        reached(outside.host, [outside.here], port, ["tcp"])
    anywhere = int(lab.ok("port", "many", "7005").splitlines()[0].rpartition(":")[2])
    reached(outside.host, [outside.here], anywhere, ["tcp"])


# --- names ---


def test_containers_call_each_other_by_name(lab: Lab) -> None:
    for network in ("red", "blue"):
        lab.ok("network", "create", network)
    lab.run("server", "--network", "red:alias=db")
    lab.run("client", "--network", "red")
    lab.run("stranger", "--network", "blue")
    v4, v6 = lab.addresses("server")

    def resolves(who: str, name: str) -> bool:
        """To anything."""
        shown = lab.person.heliostui("exec", who, "nslookup", name).stdout
        return "Name:" in shown or v4 in shown

    for name in ("server", "db", "SERVER", lab.inspect("server")["id"]):
        looked_up = lab.inside("client", "nslookup", name)
        assert v4 in looked_up, name
        assert v6 in looked_up, name
    assert f"64 bytes from {v4}" in lab.inside("client", "ping", "-4", "-c", "1", "server")
    assert not resolves("stranger", "server")
    lab.ok("rename", "server", "backend")
    assert v4 in lab.inside("client", "nslookup", "backend")
    lab.ok("rm", "-f", "backend")
    assert not resolves("client", "backend")


def test_names_are_answered_under_load(lab: Lab) -> None:
    lab.ok("network", "create", "busy")
    names = [f"c{number}" for number in range(10)]
    for name in names:
        lab.run(name, "--network", "busy", echo=False)
    expected = {name: lab.addresses(name)[0] for name in names}
    gateway = lab.inspect("c0")["network"]["endpoints"][0]["gateway"]

    def ask(asker: str) -> Counter[str]:
        """300 questions, some twenty of them under way at a time."""
        answers: Counter[str] = Counter()
        wanted = [random.choice(names) for _ in range(300)]
        with lab.at(asker).connect(gateway, 53, "udp", timeout=PATIENCE) as resolver:
            waiting: dict[int, str] = {}
            while wanted or waiting:
                while wanted and len(waiting) < 20:
                    question = DNSRecord.question(wanted.pop())
                    question.header.id = len(wanted)
                    waiting[len(wanted)] = str(question.q.qname).rstrip(".")
                    resolver.send(question.pack())
                answer = DNSRecord.parse(resolver.recv(4096))
                name = waiting.pop(answer.header.id, "")
                answers["right" if name and answer.rr and answer.rr[0].rdata == A(expected[name]) else "wrong"] += 1
        return answers

    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(ask, names), Counter()) == {"right": 3000}


# --- sizes ---


@pytest.mark.parametrize("mtu", [1280, 9000])
def test_the_mtu_of_a_network_is_honoured(lab: Lab, outside: Outside, mtu: int) -> None:  # noqa: F811
    lab.ok("network", "create", "--mtu", str(mtu), "sized")
    lab.run("one", "--network", "sized")
    lab.run("other", "--network", "sized")
    one, other = lab.at("one"), lab.addresses("other")
    assert f"mtu {mtu} " in one.sh("ip link show dev eth0")
    for address, headers in zip(other, (28, 48), strict=True):
        assert one.ask(address, PORT, "udp", bytes(mtu - headers), timeout=PATIENCE) == bytes(mtu - headers)
        with one.connect(address, PORT, "udp") as whole:
            level, option = (socket.IPPROTO_IP, 10) if headers == 28 else (socket.IPPROTO_IPV6, 23)
            whole.setsockopt(level, option, 2)  # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: never in pieces
            whole.send(bytes(mtu - headers))
            with pytest.raises(OSError, match="Message too long"):
                whole.send(bytes(mtu - headers + 1))
    much = os.urandom(300_000)
    echo = outside.host.echo("::", PORT)
    for address in (*other, outside.far, outside.far6):  # the way out has 1,500
        assert one.ask(address, PORT, "tcp", much, timeout=PATIENCE) == much
    assert echo.callers == [outside.here, outside.here6]


# --- many ---


def options_of(name: str, **fields: Any) -> ContainerOptions:
    return ContainerOptions(image="busybox", name=name, command=SLEEP, init=True, **fields)


def together(lab: Lab, work: Callable[[Connection, int], Any], count: int, clients: int = 8) -> list[Any]:
    """Done by several clients at once, each of them its share in turn."""

    def share(first: int) -> list[Any]:
        with lab.connect() as connection:
            return [work(connection, number) for number in range(first, count, clients)]

    with ThreadPoolExecutor(clients) as threads:
        return [result for results in threads.map(share, range(clients)) for result in results]


def networks_of(connection: Connection, name: str) -> ContainerNetworks:
    return connection.request(InspectContainer(container=name), Inspected).container.network


def run(connection: Connection, options: ContainerOptions) -> ContainerRef:
    return connection.request(RunContainer(options=options), ContainerRef)


def remove(connection: Connection, name: str) -> None:
    connection.request(RemoveContainer(container=name, force=True))


@pytest.mark.timeout(300)
def test_two_hundred_containers_on_one_network(lab: Lab) -> None:
    many = 200
    with lab.connect() as connection:
        connection.request(CreateNetwork(name="crowd"), Networks)
        run(connection, options_of("centre", networks=[NetworkOption(name="crowd")]))
        lab.echo("centre")
        together(lab, lambda c, n: run(c, options_of(f"c{n}", networks=[NetworkOption(name="crowd")])), many)
        seen = connection.request(GetNetworkMap(), NetworkMap)
        crowd = next(network for network in seen.networks if network.name == "crowd")
        members = {member.container: member for member in crowd.members}
        assert set(members) == {"centre", *(f"c{number}" for number in range(many))}
        assert len({member.ip for member in members.values()}) == many + 1
        assert len({member.ip6 for member in members.values()}) == many + 1
        on_bridge = {each.container for each in seen.interfaces if each.master == crowd.bridge}
        assert on_bridge == set(members)
        pids = {each.name: lab_pid(connection, each.name) for each in seen.containers}

    centre = members["centre"]
    assert centre.ip is not None
    assert centre.ip6 is not None

    def try_from(name: str) -> bool:
        """It looks the centre and a neighbour up, and reaches the centre by both families."""
        with Host.of(pids[name]) as host:
            neighbour = f"c{random.randrange(many)}"
            found = looked_up(host, crowd.subnets[0].gateway, ["centre", neighbour])
            return found == [centre.ip, members[neighbour].ip] and reach_centre(host)

    def reach_centre(host: Host) -> bool:
        return all(host.ask(str(to), PORT, "tcp", timeout=PATIENCE) == b"hello" for to in (centre.ip, centre.ip6))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(try_from, (f"c{number}" for number in range(many))))
    together(lab, lambda connection, number: remove(connection, f"c{number}"), many)
    assert lab.ok("ps", "-a", "-q").count("\n") == 0


def lab_pid(connection: Connection, name: str) -> int:
    pid = connection.request(InspectContainer(container=name), Inspected).container.state.pid
    assert pid is not None
    return pid


def looked_up(host: Host, gateway: str, names: Sequence[str]) -> list[str]:
    """The IPv4 address of each."""
    found = []
    with host.connect(gateway, 53, "udp", timeout=PATIENCE) as resolver:
        for name in names:
            resolver.send(DNSRecord.question(name).pack())
            found.append(str(DNSRecord.parse(resolver.recv(4096)).rr[0].rdata))
    return found


def test_fifty_at_once_share_no_address_and_no_port(lab: Lab, here: Host) -> None:  # noqa: F811
    links, many = here.sh("ip -o link"), 50

    def come(connection: Connection, number: int) -> tuple[ContainerNetworks, str]:
        """Each asks for any port that is free; every third goes at once."""
        name = f"c{number}"
        run(
            connection, options_of(name, ports=[PortOption(container=80), PortOption(container=80, host=9000 + number)])
        )
        found = networks_of(connection, name)
        if number % 3 == 0:
            remove(connection, name)
            return found, ""
        return found, name

    results = together(lab, come, many, clients=10)
    staying = [(found, name) for found, name in results if name]
    for family in ("ip", "ip6"):
        addresses = [getattr(found.endpoints[0], family) for found, _ in staying]
        assert "" not in addresses
        assert len(set(addresses)) == len(staying)
    ports = [(port.address, port.port) for found, _ in staying for port in found.ports]
    assert len(ports) == len(set(ports)) == 4 * len(staying)
    together(lab, lambda connection, number: remove(connection, staying[number][1]), len(staying), clients=10)
    left = {line.split(": ")[1] for line in here.sh("ip -o link").splitlines() if line not in links.splitlines()}
    assert all(name.startswith("hb-") for name in left)
    table = here.sh("nft list ruleset")
    assert "10.88.0" not in table.replace("10.88.0.0/16", "")  # neither a port nor a rule of a container
    assert ". 80" not in table


# --- what is asked for ---


def test_a_port_that_is_taken_is_said_before_anything_starts(lab: Lab, here: Host) -> None:  # noqa: F811
    lab.run("first", "-p", "8080:80", echo=False)
    sentence = lab.refused("run", "-d", "--name", "second", "-p", "8080:80", "busybox", *SLEEP)
    assert "8080" in sentence
    assert "first" in sentence
    with here.listen("0.0.0.0", 8081):
        sentence = lab.refused("run", "-d", "--name", "third", "-p", "8081:80", "busybox", *SLEEP)
    assert "8081" in sentence
    assert f"{os.getpid()}" in sentence or "python" in sentence or "pytest" in sentence
    assert [container["name"] for container in lab.person.containers() if container["status"] == "running"] == ["first"]


def test_addresses_that_are_asked_for_are_given(lab: Lab) -> None:
    lab.ok("network", "create", "--subnet", "10.77.0.0/24", "--subnet", "fd77::/64", "--gateway", "10.77.0.9", "mine")
    network = "mine:ip=10.77.0.50,ip6=fd77::50,mac=02:00:00:00:00:50"
    lab.run("one", "--network", network)
    assert lab.addresses("one") == ["10.77.0.50", "fd77::50"]
    assert "02:00:00:00:00:50" in lab.at("one").sh("ip link show dev eth0")
    assert "via 10.77.0.9" in lab.at("one").sh("ip route show default")
    assert "10.77.0.50" in lab.refused("run", "-d", "--network", "mine:ip=10.77.0.50", "busybox", *SLEEP)
    assert "10.99.0.1" in lab.refused("run", "-d", "--network", "mine:ip=10.99.0.1", "busybox", *SLEEP)
    lab.ok("stop", "-t", "0", "one")
    lab.run("two", "--network", "mine", echo=False)
    assert lab.addresses("two")[0] != "10.77.0.9"


def test_a_running_container_is_connected_disconnected_and_published(lab: Lab, outside: Outside) -> None:  # noqa: F811
    for network in ("red", "blue"):
        lab.ok("network", "create", network)
    lab.run("walker", "--network", "red")
    lab.run("stayer", "--network", "blue")
    there = lab.addresses("stayer")
    assert reach(lab.at("walker"), there) == [False] * 4
    lab.ok("network", "connect", "--alias", "visitor", "blue", "walker")
    reached(lab.at("walker"), there)
    assert lab.addresses("walker", "blue")[0] in lab.inside("stayer", "nslookup", "visitor")
    lab.ok("network", "disconnect", "blue", "walker")
    assert reach(lab.at("walker"), there) == [False] * 4

    lab.ok("publish", "walker", f"8001:{PORT}")
    reached(outside.host, [outside.here, outside.here6], 8001, ["tcp"])
    lab.ok("unpublish", "walker", str(PORT))
    assert reach(outside.host, [outside.here, outside.here6], 8001, ["tcp"]) == [False, False]


def test_prune_removes_what_nobody_asks_for(lab: Lab) -> None:
    for network in ("used", "idle", "stopped"):
        lab.ok("network", "create", network)
    lab.run("one", "--network", "used", echo=False)
    lab.run("two", "--network", "stopped", echo=False)
    lab.ok("stop", "-t", "0", "two")
    assert "used" in lab.refused("network", "rm", "used")
    assert "idle" in lab.ok("network", "prune", "-f")
    names = {network["name"] for network in json.loads(lab.ok("network", "ls", "--format", "json"))}
    assert names - {"default", "bridge"} == {"used", "stopped"}


# --- beside others ---


def test_a_firewall_that_drops_what_is_forwarded_does_not_cut_containers_off(
    lab: Lab,
    outside: Outside,  # noqa: F811
    here: Host,  # noqa: F811
) -> None:
    """As Docker leaves it: the policy of FORWARD is to drop, and its own chains let its own through."""
    if shutil.which("iptables") is None:
        pytest.skip("iptables not installed")
    for command in ("iptables", "ip6tables"):
        here.sh(f"{command} -P FORWARD DROP && {command} -N DOCKER-USER && {command} -I FORWARD -j DOCKER-USER")
    try:
        lab.run("web", "-p", f"8001:{PORT}")
        outside.host.echo("::", PORT)
        reached(lab.at("web"), [outside.far, outside.far6], protocols=["tcp"])
        reached(outside.host, [outside.here, outside.here6], 8001, expected=[True, False] * 2)
        with lab.connect() as connection:
            assert connection.request(GetNetworkMap(), NetworkMap).coexistence
        lab.ok("engine", "stop", "--all")
        for command in ("iptables-save", "ip6tables-save"):
            assert "heliostui" not in here.sh(command)
    finally:
        for command in ("iptables", "ip6tables"):
            here.sh(f"{command} -P FORWARD ACCEPT; {command} -F; {command} -X")


def test_nothing_is_left_when_the_engine_has_stopped(lab: Lab, here: Host) -> None:  # noqa: F811
    forwarding = Path("/proc/sys/net/ipv4/ip_forward"), Path("/proc/sys/net/ipv6/conf/all/forwarding")

    def left() -> list[str]:
        rest = [here.sh(command) for command in ("ip -o -br link", "ip route", "ip -6 route", "nft list ruleset")]
        return [*rest, *(here.run(path.read_text) for path in forwarding)]

    before = left()
    lab.ok("network", "create", "--internal", "quiet")
    lab.run("web", "-p", "8001:80", "-p", "127.0.0.1:8002:80", echo=False)
    lab.run("other", "--network", "quiet", "--network", "bridge", echo=False)
    assert left() != before
    lab.close()  # or we would be what keeps the containers' namespaces
    lab.ok("engine", "stop", "--all")
    assert left() == before
    assert not list((lab.places.runtime).glob("**/standing/*"))


# --- what is shown ---


def test_the_map_and_the_view_from_inside_say_what_is(lab: Lab) -> None:
    lab.ok("network", "create", "red")
    lab.run("web", "--network", "red", "-p", f"8001:{PORT}")
    lab.run("client", "--network", "red")
    lab.run("guest", "--network", "container:web", echo=False)
    address = lab.addresses("web")[0]
    assert lab.at("client").ask(address, PORT, data=bytes(50_000), timeout=PATIENCE) == bytes(50_000)
    with lab.connect() as connection:
        seen = connection.request(GetNetworkMap(), NetworkMap)
        inside = connection.request(GetContainerNetwork(container="web"), ContainerNetwork)
    (end,) = [each for each in seen.interfaces if each.container == "web"]
    assert (end.kind, end.network, end.up) == ("veth", "red", True)
    assert end.counters.sent > 50_000  # into the container
    modes = {container.name: (container.mode, container.of) for container in seen.containers}
    assert modes == {"web": ("networks", ""), "client": ("networks", ""), "guest": ("container", "web")}
    assert seen.forwarding
    assert [f"{address}/24"] == [a for each in inside.interfaces if each.name == "eth0" for a in each.addresses][:1]
    assert {route.destination for route in inside.routes if route.family == 4} > {"default"}
    assert "client" in {neighbour.name for neighbour in inside.neighbours}
    assert any("8001" in rule.words and rule.containers == ["web"] for rule in inside.rules)
    assert any("(heliostui)" in resolver for resolver in inside.resolvers)
    assert address in inside.hosts


def test_traffic_is_captured_to_a_file_until_the_container_ends(lab: Lab, tmp_path: Path) -> None:
    lab.run("web")
    lab.run("client")
    address = lab.addresses("web")[0]
    with lab.connect() as connection:
        chunks = connection.stream(StreamCapture(container="web"))
        first = next(iter(chunks))
        assert isinstance(first, CaptureChunk)
        asked = lab.at("client").ask(address, PORT, "udp", b"seen on the wire", PATIENCE)  # TCP may send again
        assert asked == b"seen on the wire"
        lab.close()
        lab.ok("rm", "-f", "web")
        rest = [chunk.data for chunk in chunks if isinstance(chunk, CaptureChunk)]
    file = b"".join([first.data, *rest])
    assert file.count(b"seen on the wire") == 2
    with lab.connect() as connection, pytest.raises(RequestFailed, match="web"):
        list(connection.stream(StreamCapture(container="web")))


# --- ordinary users ---


def test_an_ordinary_user_has_all_of_it(ordinary: Person, outside: Outside, here: Host) -> None:  # noqa: F811
    if not any(shutil.which(program) for program in ("pasta", "slirp4netns")):
        pytest.skip("neither pasta nor slirp4netns installed")
    lab = Lab(ordinary)
    links = here.sh("ip -o -br link")
    try:
        lab.run("web", "-p", f"8001:{PORT}", "-p", f"8001:{PORT}/udp")
        lab.run("client")
        reached(lab.at("client"), lab.addresses("web"))
        assert lab.addresses("web")[0] in lab.inside("client", "nslookup", "web")
        outside.host.echo("::", PORT)
        reached(lab.at("client"), [outside.far], protocols=["tcp"])
        reached(outside.host, [outside.here], 8001, ["tcp"])
        reached(here, ["127.0.0.1"], 8001)
        with lab.connect() as connection:
            seen = connection.request(GetNetworkMap(), NetworkMap)
            assert seen.rootless in ("pasta", "slirp4netns")
            assert {each.container for each in seen.interfaces if each.master} == {"web", "client"}
            inside = connection.request(GetContainerNetwork(container="web"), ContainerNetwork)
            assert any("8001" in rule.words for rule in inside.rules)
            lab.run("open", "--network", "host", echo=False)
            open_ = connection.request(GetContainerNetwork(container="open"), ContainerNetwork)
            assert outside.interface in {interface.name for interface in open_.interfaces}
            assert open_.sockets == []
        with ThreadPoolExecutor(1) as capturing:
            file = ordinary.directory / "web.pcap"
            captured = capturing.submit(lab.ok, "capture", "--count", "4", "--write", str(file), "web")
            while not captured.done():
                with suppress(TimeoutError):  # a busy machine may lose a packet
                    here.ask("127.0.0.1", 8001, "udp", b"seen on the wire")
            captured.result()
        assert b"seen on the wire" in file.read_bytes()
    finally:
        lab.close()
    lab.ok("engine", "stop", "--all")
    assert here.sh("ip -o -br link") == links
