"""The networks of an ordinary user's engine, with a real keeper of such a user; the test is its engine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface
from pathlib import Path

import pytest
import pytest_asyncio

from engine.containers.keeper import Keeper
from engine.errors import EngineError
from engine.network.kernel import links, rtnetlink
from engine.network.kernel.home import Home
from engine.network.kernel.netlink import Netlink
from engine.network.model import Endpoint, Forward, Network, Subnet, Transport, host_interface
from engine.network.nftables.firewall import Firewall
from engine.network.rootless import forwarder, pasta, slirp4netns
from engine.network.rootless.uplink import Uplink
from tests.engine.conftest import KeeperProcess, reachable_python
from tests.engine.network.conftest import Outside
from tests.engine.network.hosts import Echo, Host, Protocol

NOBODY = 65534
NETWORK = Network(
    id="0123456789ab",
    name="default",
    subnets=(
        Subnet(IPv4Network("10.88.0.0/24"), ip_address("10.88.0.1")),
        Subnet(IPv6Network("fd12:3456:789a::/64"), ip_address("fd12:3456:789a::1")),
    ),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)
WEB, WEB6, PORT = "10.88.0.2", "fd12:3456:789a::2", 80
PUBLISHED = 8080


@dataclass
class Rootless:
    """An ordinary user's keeper, and one engine after the other."""

    process: KeeperProcess
    runtime: Path
    keeper: Keeper = field(init=False)
    uplink: Uplink = field(init=False)
    home: Home = field(init=False)
    is_open: bool = False

    async def begin(self) -> None:
        """A new engine."""
        self.keeper = await self.process.connect()
        self.uplink = Uplink(self.keeper, self.runtime)
        await self.open()

    async def open(self) -> None:
        self.home = await self.uplink.open()
        self.is_open = True

    async def kill(self) -> None:
        """The engine is killed: nothing is said to anybody."""
        await self.let_go()
        self.process.kill_engine(self.keeper)

    async def let_go(self) -> None:
        if self.is_open:
            await self.uplink.let_go()
            self.home.close()
        self.is_open = False

    def pids(self) -> dict[str, int]:
        return {key: held.pid for key, held in self.keeper.held.items() if held.wait_status is None}


@dataclass
class Web:
    """A container on the bridge, with servers."""

    host: Host
    tcp: Echo
    udp: Echo


@pytest.fixture
def process(here: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeeperProcess]:
    monkeypatch.setattr(sys, "executable", reachable_python(Path(forwarder.__file__)))
    process = KeeperProcess(tmp_path, become=NOBODY)
    yield process
    process.close()


@pytest.fixture(params=[pasta, slirp4netns], ids=["pasta", "slirp4netns"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Only this one is installed."""
    module = request.param
    if module.find() is None:
        pytest.skip(f"{module.NAME} is not installed")
    for other in (pasta, slirp4netns):
        if other is not module:
            monkeypatch.setattr(other, "find", lambda: None)
    return str(module.NAME)


@pytest_asyncio.fixture
async def rootless(outside: Outside, process: KeeperProcess, program: str, tmp_path: Path) -> AsyncIterator[Rootless]:
    """Connected to a world."""
    made = Rootless(process, tmp_path)
    await made.begin()
    yield made
    await made.let_go()
    await made.uplink.close()
    if process.process.poll() is None:
        made.keeper.close()


@pytest_asyncio.fixture
async def web(rootless: Rootless, new_host: Callable[[], Host]) -> Web:
    """A container on a bridge in there."""
    host = new_host()
    await rootless.home.call(links.ensure_bridge, NETWORK)
    await rootless.home.call(links.enable_forwarding)
    firewall = Firewall(rootless.home, "heliostui-test")
    if reason := await firewall.reason():
        pytest.skip(reason)
    await firewall.ensure([NETWORK], [])
    endpoint = Endpoint(
        container="0" * 12,
        network=NETWORK.id,
        bridge=NETWORK.bridge,
        host_interface=host_interface("0" * 12, 0),
        interface="eth0",
        mac="02:42:0a:58:00:02",
        mtu=1500,
        addresses=(ip_interface(f"{WEB}/24"), ip_interface(f"{WEB6}/64")),
        gateways=tuple(subnet.gateway for subnet in NETWORK.subnets),
    )
    await rootless.home.call(links.attach, [endpoint], host.descriptor)
    return Web(host, host.echo("::", PORT), host.echo("::", PORT, "udp"))


def forward(protocol: Transport, to: str = WEB, port: int = PUBLISHED, at: str | None = None) -> Forward:
    return Forward(protocol, None if at is None else ip_address(at), port, ip_address(to), PORT)


BOTH = [forward(protocol, to) for protocol in ("tcp", "udp") for to in (WEB, WEB6)]


async def reaches(host: Host, address: str, port: int, protocol: Protocol = "tcp") -> bool:
    """Within a second, and without stopping the engine that the test is."""
    return not await asyncio.to_thread(host.misses, address, port, protocol)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("version", [4, 6])
async def test_containers_reach_the_world(
    rootless: Rootless, web: Web, outside: Outside, protocol: Protocol, version: int
) -> None:
    server = outside.host.echo(protocol=protocol)
    address = outside.far if version == 4 else outside.far6
    await until_reached(web.host, address, server.port, protocol)
    assert set(server.callers) == {outside.here if version == 4 else outside.here6}


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_published_port_is_reached_from_everywhere(
    rootless: Rootless, web: Web, here: Host, outside: Outside, protocol: Protocol
) -> None:
    await rootless.uplink.publish(BOTH)
    for address in ("127.0.0.1", "::1", outside.here, outside.here6):
        await until_reached(here, address, PUBLISHED, protocol)
    for address in (outside.here, outside.here6):
        await until_reached(outside.host, address, PUBLISHED, protocol)


async def test_a_container_sees_who_calls(rootless: Rootless, web: Web, here: Host, outside: Outside) -> None:
    await rootless.uplink.publish(BOTH)
    servers: dict[Protocol, Echo] = {"tcp": web.tcp, "udp": web.udp}
    for protocol, echo in servers.items():
        await until_reached(outside.host, outside.here, PUBLISHED, protocol)
        await until_reached(outside.host, outside.here6, PUBLISHED, protocol)
        await until_reached(here, "127.0.0.1", PUBLISHED, protocol)
        await until_reached(here, "::1", PUBLISHED, protocol)
        seen = list(dict.fromkeys(echo.callers))
        assert seen == [outside.address, outside.address6, "10.88.0.1", "fd12:3456:789a::1"]


async def test_a_server_may_speak_first(rootless: Rootless, web: Web, here: Host, outside: Outside) -> None:
    await rootless.uplink.publish([Forward("tcp", None, PUBLISHED, ip_address(WEB), 25)])
    with web.host.listen(WEB, 25) as listening:
        calling = asyncio.to_thread(outside.host.connect, outside.here, PUBLISHED)
        accepting = asyncio.to_thread(listening.accept)
        client, (server, _) = await asyncio.gather(calling, accepting)
        with client, server:
            server.sendall(b"220 ready\r\n")
            assert await asyncio.to_thread(client.recv, 100) == b"220 ready\r\n"


async def test_a_port_published_at_one_address_is_not_at_others(
    rootless: Rootless, web: Web, here: Host, outside: Outside
) -> None:
    await rootless.uplink.publish([forward("tcp", at="127.0.0.1"), forward("tcp", port=8081, at=outside.here)])
    await until_reached(here, "127.0.0.1", PUBLISHED)
    assert not await reaches(outside.host, outside.here, PUBLISHED)
    await until_reached(outside.host, outside.here, 8081)
    assert not await reaches(here, "127.0.0.1", 8081)


async def test_ports_come_and_go_while_connections_of_others_go_on(
    rootless: Rootless, web: Web, here: Host, outside: Outside
) -> None:
    await rootless.uplink.publish([forward("tcp"), forward("tcp", port=8081)])
    with here.connect("127.0.0.1", PUBLISHED) as connection, here.connect("127.0.0.1", 8081) as of_gone:
        await rootless.uplink.publish([forward("tcp", port=8082)])
        await rootless.uplink.unpublish([forward("tcp", port=8081)])
        await until_reached(here, "127.0.0.1", 8082)
        assert not await reaches(here, "127.0.0.1", 8081)
        for each in (connection, of_gone):
            each.sendall(b"still")
            assert await asyncio.to_thread(each.recv, 100) == b"still"


async def test_many_bytes_arrive_both_ways_at_once(rootless: Rootless, web: Web, here: Host) -> None:
    await rootless.uplink.publish([forward("tcp")])
    data = os.urandom(1 << 16) * 256
    with here.connect("127.0.0.1", PUBLISHED, timeout=20) as connection:

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        def receive() -> bytes:
            answer = bytearray()
            while more := connection.recv(1 << 20):  # the other side closes when it has seen our end
                answer += more
            return bytes(answer)

        _, answer = await asyncio.gather(asyncio.to_thread(send), asyncio.to_thread(receive))
    assert answer == data


async def test_a_refused_connection_is_reset(rootless: Rootless, web: Web, here: Host) -> None:
    await rootless.uplink.publish([Forward("tcp", None, PUBLISHED, ip_address(WEB), 9)])
    with pytest.raises(ConnectionResetError), here.connect("127.0.0.1", PUBLISHED) as connection:
        await asyncio.to_thread(connection.recv, 1)


async def test_all_ports_are_published_or_none(rootless: Rootless, web: Web, here: Host) -> None:
    with here.listen("0.0.0.0", 8083), pytest.raises(EngineError, match="8083/tcp of this host is in use already"):
        await rootless.uplink.publish([forward("tcp"), forward("tcp", port=8083)])
    assert not await reaches(here, "127.0.0.1", PUBLISHED)
    with pytest.raises(EngineError, match=r"198\.51\.100\.1: it is no address of this host"):
        await rootless.uplink.publish([forward("tcp", at="198.51.100.1")])
    await rootless.uplink.publish([forward("tcp")])
    await until_reached(here, "127.0.0.1", PUBLISHED)


async def test_loopback_of_the_host_is_out_of_reach(
    rootless: Rootless, web: Web, here: Host, outside: Outside, program: str
) -> None:
    local, everywhere = here.echo("127.0.0.1"), here.echo("0.0.0.0")
    gateways = await rootless.home.call(_gateways)
    tries = [reaches(web.host, gateway, port) for gateway in gateways for port in (local.port, everywhere.port)]
    assert not any(await asyncio.gather(*tries))
    await until_reached(web.host, outside.here, everywhere.port)


async def test_the_next_engine_finds_it_all_again(rootless: Rootless, web: Web, here: Host, outside: Outside) -> None:
    await rootless.uplink.publish(BOTH)
    before, namespace = rootless.pids(), os.fstat(rootless.home.descriptor).st_ino
    with here.connect("127.0.0.1", PUBLISHED) as connection:
        await rootless.kill()
        await until_reached(outside.host, outside.here, PUBLISHED)  # nobody is there but what serves it
        await rootless.begin()
        assert rootless.pids() == before
        assert os.fstat(rootless.home.descriptor).st_ino == namespace
        kept = [forward("tcp")]
        await rootless.uplink.ensure(kept)
        await until_reached(here, "127.0.0.1", PUBLISHED)
        assert not await reaches(here, "::1", PUBLISHED)
        connection.sendall(b"still")
        assert await asyncio.to_thread(connection.recv, 100) == b"still"


@pytest.mark.parametrize("who", ["way out", "ports", "namespace"])
async def test_what_is_killed_comes_back(
    rootless: Rootless, web: Web, here: Host, outside: Outside, program: str, who: str
) -> None:
    await rootless.uplink.publish(BOTH)
    key = f"network/{program if who == 'way out' else who}"
    before = rootless.pids()
    os.kill(before[key], signal.SIGKILL)
    server = outside.host.echo()
    await until(lambda: rootless.pids().get(key, before[key]) != before[key])
    await until_reached(web.host, outside.far, server.port)
    await until_reached(here, "127.0.0.1", PUBLISHED)
    assert {**rootless.pids(), key: 0} == {**before, key: 0}


async def test_nothing_is_left_after_the_end(rootless: Rootless, web: Web, tmp_path: Path) -> None:
    await rootless.uplink.publish(BOTH)
    pids = rootless.pids()
    assert len(pids) == 3
    await rootless.let_go()
    await rootless.uplink.close()
    assert rootless.keeper.held == {}
    assert not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()]
    assert not (tmp_path / "ports.sock").exists()
    await rootless.open()  # and it can begin anew


async def test_it_ends_with_the_keeper(rootless: Rootless, web: Web, process: KeeperProcess) -> None:
    await rootless.uplink.publish(BOTH)
    pids = rootless.pids()
    process.process.kill()
    process.process.wait()
    await until(lambda: not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()])
    rootless.keeper.held.clear()


async def test_it_keeps_no_keeper_when_the_engine_ends_for_good(
    rootless: Rootless, web: Web, process: KeeperProcess
) -> None:
    await rootless.uplink.publish(BOTH)
    pids = rootless.pids()
    await rootless.let_go()
    rootless.keeper.close()
    assert process.engine is not None
    process.engine.close()  # which lets the stand-in end with status 0
    assert await asyncio.to_thread(process.process.wait, 20) == 0
    await until(lambda: not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()])
    rootless.keeper.held.clear()


async def test_its_addresses_are_clear_of_the_hosts(
    outside: Outside, here: Host, process: KeeperProcess, program: str, tmp_path: Path
) -> None:
    here.sh(f"ip address add 10.0.2.15/24 dev {outside.interface}")
    rootless = Rootless(process, tmp_path)
    await rootless.begin()
    assert IPv4Network("10.0.2.0/24") not in await rootless.home.call(links.used_ranges)
    await rootless.let_go()
    await rootless.uplink.close()
    rootless.keeper.close()


async def test_without_any_program_it_says_what_to_install(
    outside: Outside, process: KeeperProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pasta, slirp4netns):
        monkeypatch.setattr(module, "find", lambda: None)
    keeper = await process.connect()
    uplink = Uplink(keeper, tmp_path)
    with pytest.raises(EngineError, match=r"install passt, which has pasta .* or slirp4netns") as refused:
        await uplink.open()
    assert uplink.reason in refused.value.message
    assert keeper.held == {}
    keeper.close()


async def test_where_pasta_finds_no_way_out_it_says_so(
    process: KeeperProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pasta.find() is None:
        pytest.skip("pasta is not installed")
    monkeypatch.setattr(slirp4netns, "find", lambda: None)
    keeper = await process.connect()
    uplink = Uplink(keeper, tmp_path)
    with pytest.raises(
        EngineError, match=r"no program connects them to the world \(pasta: External interface not usable"
    ):
        await uplink.open()
    assert keeper.held == {}
    keeper.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait for what the engine learns meanwhile."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def until_reached(host: Host, address: str, port: int, protocol: Protocol = "tcp") -> None:
    """There is somebody, though a first packet may be lost on a busy machine."""
    deadline = time.monotonic() + 20
    while not await reaches(host, address, port, protocol):
        assert time.monotonic() < deadline, f"{address} port {port} stays out of reach"


def _gateways() -> list[str]:
    with Netlink() as netlink:
        return [str(route.gateway) for route in rtnetlink.routes(netlink) if route.gateway is not None]
