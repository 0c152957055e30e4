"""What people are shown of networks agrees with what iproute2 shows, and costs little."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.errors import EngineError
from engine.network.kernel.visit import visit
from engine.network.networks import Networks
from engine.network.views import interfaces
from engine.network.views.view import MOST_READ, Program, View
from engine.places import Places
from engine.protocol.messages import (
    CaptureChunk,
    ContainerOptions,
    ErrorCode,
    NetworkMap,
    StreamCapture,
    StreamDns,
    StreamEnd,
    StreamNetworkMap,
)
from engine.protocol.network import PortOption
from tests.engine.network.hosts import Host, needs, veth

WEB, CLIENT = "0123456789ab", "ba9876543210"
PATIENCE = 20.0


class Town:
    """Networks of an engine, and containers that are nothing but their namespaces."""

    def __init__(self, directory: Path) -> None:
        self.networks = Networks(Places(directory / "run", directory / "state"))
        self.view = View(self.networks, self)
        self.programs: dict[str, Program] = {}
        self.hosts: dict[str, Host] = {}
        self._stack = ExitStack()
        self._directory = directory

    async def open(self) -> None:
        await self.networks.recover([])
        await self.start(WEB, "web", ports=[PortOption(container=80, host=8080)])
        await self.start(CLIENT, "client")

    async def start(self, id: str, name: str, **options: Any) -> None:
        await self.networks.settle(id, name, ContainerOptions(**options))
        attached = await self.networks.attach(id)
        assert attached.namespace is not None
        self._stack.callback(os.close, attached.namespace)
        self.hosts[name] = self._stack.enter_context(Host(attached.namespace))
        files = {"/etc/resolv.conf": "nameserver 10.88.0.1\nnameserver 9.9.9.9\n", "/etc/hosts": "10.88.0.2 web\n"}
        for path, text in files.items():
            (self._directory / Path(path).name).write_text(text)
        self.programs[name] = Program(
            id=id,
            name=name,
            namespace=partial(os.dup, attached.namespace),
            pids=list,
            files=lambda: {path: str(self._directory / Path(path).name) for path in files},
            servers=["192.0.2.53"],
            of="",
            ended=asyncio.Event(),
        )

    async def close(self) -> None:
        self._stack.close()
        for program in self.programs.values():
            await self.networks.detach(program.id)
        await self.networks.remove_all()
        await self.networks.close()

    def networked(self) -> Iterator[Program]:
        return iter(self.programs.values())

    def network_of(self, ref: str) -> Program:
        return self.programs[ref]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    needs("ip", "nft")
    made = Town(tmp_path)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


async def test_the_map_has_host_networks_and_containers_with_whose_links_they_are(town: Town, here: Host) -> None:
    seen = await town.view.map()
    (network,) = seen.networks
    by_name = {interface.name: interface for interface in seen.interfaces}
    assert by_name[network.bridge].network == network.name
    assert by_name[network.bridge].kind == "bridge"
    assert by_name["lo"].kind == "loopback"
    for container in seen.containers:
        end = by_name[container.endpoints[0].host_interface]
        assert (end.kind, end.master, end.container, end.network) == (
            "veth", network.bridge, container.name, network.name,
        )  # fmt: skip
    assert [(port.address, port.port) for port in seen.containers[0].ports] == [("0.0.0.0", 8080), ("::", 8080)]
    assert (seen.forwarding, seen.forwarding6, seen.rootless, seen.reason) == (True, True, "", "")


async def test_links_of_other_bridges_are_not_on_the_map(town: Town, here: Host, new_host: Callable[[], Host]) -> None:
    end, _ = veth(here, [], new_host(), [])
    try:
        assert end in {interface.name for interface in (await town.view.map()).interfaces}
        here.sh(f"ip link add foreign0 type bridge && ip link set {end} master foreign0")
        shown = {interface.name for interface in (await town.view.map()).interfaces}
        assert "foreign0" in shown
        assert end not in shown
    finally:
        here.sh(f"ip link delete {end}; ip link delete foreign0")


async def test_addresses_and_counters_are_those_that_ip_shows(town: Town) -> None:
    web = town.hosts["web"]
    web.echo("::", 80)
    address = town.networks.detail(WEB).endpoints[0].ip
    assert town.hosts["client"].ask(address, 80, data=bytes(10_000)) == bytes(10_000)
    found = (await visit(web.descriptor, interfaces.paths, town.networks.name_at)).interfaces
    shown = {link["ifname"]: link for link in json.loads(web.sh("ip -j -s address"))}
    assert [each.name for each in found] == list(shown)
    for each in found:
        link = shown[each.name]
        assert each.addresses == [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]]
        assert (each.mtu, each.up) == (link["mtu"], "UP" in link["flags"])
    assert found[1].mac == shown["eth0"]["address"]
    assert found[1].counters.received > 10_000
    assert found[1].counters.sent > 10_000


async def test_routes_and_neighbours_are_those_that_ip_shows(town: Town) -> None:
    client = town.hosts["client"]
    town.hosts["web"].echo("::", 80)
    for address in (town.networks.detail(WEB).endpoints[0].ip, town.networks.detail(WEB).endpoints[0].ip6):
        client.ask(address, 80, timeout=5)
    client.sh("ip route add unreachable 198.51.100.0/24")
    found = await town.view.container("client")
    shown = [route for family in ("-4", "-6") for route in json.loads(client.sh(f"ip {family} -j route"))]
    assert [(route.destination.removeprefix("unreachable "), route.gateway) for route in found.routes] == [
        (route["dst"], route.get("gateway", "")) for route in shown
    ]
    assert "unreachable 198.51.100.0/24" in {route.destination for route in found.routes}
    neighbours = {(each["dst"], each.get("lladdr", "")) for each in json.loads(client.sh("ip -j neighbour"))}
    assert {(each.address, each.mac) for each in found.neighbours} == neighbours
    assert "web" in {each.name for each in found.neighbours}


async def test_a_container_is_seen_from_inside_with_what_concerns_it(town: Town) -> None:
    with town.hosts["web"].listen("0.0.0.0", 80):
        web = await town.view.container("web")
    assert [socket.local for socket in web.sockets] == ["0.0.0.0:80"]
    assert web.resolvers == ["10.88.0.1 (heliostui) → 192.0.2.53", "9.9.9.9"]
    assert web.hosts == "10.88.0.2 web\n"
    words = {rule.words: rule for rule in web.rules}
    assert words["destination 8080 of this host goes to web:80"].packets is not None
    client = await town.view.container("client")
    assert not any("web:80" in rule.words for rule in client.rules)
    assert client.rules


async def test_who_shares_a_network_is_shown_whose_it_is(town: Town) -> None:
    own = town.programs["web"]
    town.programs |= {
        name: own._replace(id=name, name=name, of=of) for name, of in (("side", "web"), ("aside", "side"))
    }
    web, side, aside = [await town.view.container(name) for name in ("web", "side", "aside")]
    for guest in side, aside:
        assert {each.name: each.network for each in guest.interfaces} == {"lo": "", "eth0": "default"}
        assert guest.resolvers == web.resolvers
    assert [rule.words for rule in side.rules] == [rule.words for rule in web.rules]


async def test_of_a_file_that_a_container_fills_only_the_beginning_is_read(town: Town) -> None:
    """Its /etc/hosts is a file of the host that it may write."""
    for path in town.programs["web"].files().values():
        os.truncate(path, 1 << 30)
    web = await town.view.container("web")
    assert len(web.hosts) == MOST_READ
    assert web.hosts.startswith("10.88.0.2 web\n")


async def test_the_map_is_streamed_until_its_reader_leaves(town: Town) -> None:
    async with asyncio.timeout(PATIENCE):
        maps = town.view.stream_map(StreamNetworkMap(interval=0.1))
        times = [each.time async for each in _first(maps, 3) if isinstance(each, NetworkMap)]
    assert times == sorted(times)
    assert times[2] - times[0] >= 0.2


async def _first(stream: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await anext(stream)


@pytest.mark.parametrize("interval", [0.0, 0.01, 61.0, float("nan")])
async def test_no_map_comes_more_often_than_can_be_looked_at(town: Town, interval: float) -> None:
    with pytest.raises(EngineError, match=r"say 0\.1 to 60") as refusal:
        await anext(town.view.stream_map(StreamNetworkMap(interval=interval)))
    assert refusal.value.code == ErrorCode.INVALID


async def test_a_capture_ends_with_its_container(town: Town) -> None:
    town.hosts["web"].echo("::", 80, "udp")
    address = town.networks.detail(WEB).endpoints[0].ip
    chunks = town.view.capture(StreamCapture(container="web"))
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await anext(chunks), CaptureChunk)
        assert await asyncio.to_thread(town.hosts["client"].ask, address, 80, "udp", b"captured") == b"captured"
        town.programs["web"].ended.set()
        rest = [chunk async for chunk in chunks]
    assert b"captured" in b"".join(chunk.data for chunk in rest if isinstance(chunk, CaptureChunk))
    assert isinstance(rest[-1], StreamEnd)


async def test_questions_can_be_followed(town: Town) -> None:
    async with asyncio.timeout(PATIENCE):
        logs = town.view.dns(StreamDns(container="web", backlog=10))
        assert (await anext(logs)).queries == []
        await logs.aclose()


async def test_who_has_ended_is_said_to_have(town: Town) -> None:
    def gone() -> int:
        raise ProcessLookupError

    town.programs["web"] = town.programs["web"]._replace(namespace=gone)
    with pytest.raises(EngineError, match=r"'web' is not running") as refusal:
        await town.view.container("web")
    assert refusal.value.code == ErrorCode.WRONG_STATE


async def test_a_map_of_two_hundred_links_is_a_matter_of_milliseconds(new_host: Callable[[], Host]) -> None:
    """The best of a few: the machine may be busy. 1 Hz of it shall take less than 3 % of a core."""
    host = new_host()
    lines = [f"link add v{n} up type veth peer name p{n}\naddress add 10.1.{n}.1/24 dev v{n}" for n in range(100)]
    host.sh("ip -batch -", stdin="\n".join(lines))

    async def seconds() -> float:
        return await visit(host.descriptor, _timed)

    assert min([await seconds() for _ in range(5)]) < 0.03


def _timed() -> float:
    began = time.thread_time()
    assert len(interfaces.interfaces()) > 200
    return time.thread_time() - began
