"""Networks and who is in them, on the real kernel: containers are namespaces here, without a program in them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from dnslib import DNSRecord  # type: ignore[import-untyped]

from engine.errors import EngineError
from engine.network.kernel import links
from engine.network.networks import Attached, Known, Networks
from engine.places import Places
from engine.protocol.messages import ContainerOptions, CreateNetwork
from engine.protocol.network import NetworkOption, PortOption
from tests.engine.network.conftest import Outside
from tests.engine.network.hosts import PATIENCE, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="links need root; rootless networks have their own tests")
WEB, DB, API = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"


class World:
    """One engine's networks, and the containers that are in them."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.networks = Networks(places)
        self.options: dict[str, tuple[str, ContainerOptions]] = {}
        self.hosts: dict[str, Host] = {}
        self.namespaces: dict[str, int] = {}

    async def start(self, id: str, name: str, **options: object) -> Attached:
        """A container that asks, and is given."""
        await self.ask(id, name, **options)
        return await self.attach(id)

    async def ask(self, id: str, name: str, **options: object) -> list[str]:
        made = ContainerOptions(**options)  # type: ignore[arg-type]
        self.options[id] = (name, made)
        return await self.networks.settle(id, name, made)

    async def attach(self, id: str) -> Attached:
        attached = await self.networks.attach(id)
        if attached.namespace is not None:
            self.namespaces[id] = attached.namespace
            self.hosts[id] = Host(attached.namespace)
        return attached

    async def stop(self, id: str) -> None:
        await self.networks.detach(id)
        self.let_go(id)

    def let_go(self, id: str) -> None:
        """Its namespace ends with its last holder."""
        if (host := self.hosts.pop(id, None)) is not None:
            host.close()
            os.close(self.namespaces.pop(id))

    async def crash(self) -> None:
        """The engine is gone and another one begins; what runs goes on."""
        await self.networks.close()
        self.networks = Networks(self.places)
        known = [Known(id, name, options, self.namespaces.get(id)) for id, (name, options) in self.options.items()]
        await self.networks.recover(known)

    async def close(self) -> None:
        for id in list(self.hosts):
            await self.stop(id)
        await self.networks.remove_all()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(Places(tmp_path / "runtime", tmp_path / "state"))
    await made.networks.recover([])
    yield made
    await made.close()


@asynccontextmanager
async def nothing_left(world: World, here: Host) -> AsyncIterator[None]:
    before = (here.sh("ip -o link show"), here.sh("nft list tables"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.close)
        yield
    assert (here.sh("ip -o link show"), here.sh("nft list tables")) == before


def address(attached: Attached, index: int = 0, family: int = 0) -> str:
    return str(attached.endpoints[index].addresses[family].ip)


async def test_the_default_network_is_made_at_first_use(world: World) -> None:
    assert await world.networks.list() == []
    attached = await world.start(WEB, "web")
    [default] = await world.networks.list()
    assert (default.name, default.default, default.internal) == ("default", True, False)
    assert [member.container for member in default.members] == ["web"]
    assert address(attached) == "10.88.0.2"
    assert (await world.networks.inspect("bridge")).id == default.id


@pytest.mark.cgroup2  # and another kernel
async def test_containers_reach_each_other_the_host_and_the_world(world: World, outside: Outside) -> None:
    web, db = await world.start(WEB, "web"), await world.start(DB, "db")
    for family in (0, 1):
        echo = world.hosts[DB].echo()
        assert world.hosts[WEB].reaches(address(db, 0, family), echo.port)
        assert world.hosts[DB].reaches(address(web, 0, family), world.hosts[WEB].echo().port)
    for far in (outside.far, outside.far6):
        assert world.hosts[WEB].reaches(far, outside.host.echo().port)


@pytest.mark.cgroup2  # and another kernel
async def test_published_ports_are_reached_from_outside_and_from_here(
    world: World, outside: Outside, here: Host
) -> None:
    attached = await world.start(WEB, "web", ports=[PortOption(container=80, host=18080)])
    world.hosts[WEB].echo(port=80)
    for address in (outside.here, outside.here6):
        assert outside.host.reaches(address, 18080)
    for address in ("127.0.0.1", "::1", outside.here, outside.here6):
        assert await asyncio.to_thread(here.reaches, address, 18080), address
    assert {forward.port for forward in attached.forwards} == {18080}
    assert [(port.address, port.port, port.container_port) for port in world.networks.detail(WEB).ports] == [
        ("0.0.0.0", 18080, 80),
        ("::", 18080, 80),
    ]
    await world.stop(WEB)
    assert here.misses("127.0.0.1", 18080)


async def test_networks_are_apart(world: World) -> None:
    for name in ("front", "back"):
        await world.networks.create(CreateNetwork(name=name))
    await world.start(WEB, "web", networks=[NetworkOption(name="front")])
    db = await world.start(DB, "db", networks=[NetworkOption(name="back")])
    api = await world.start(API, "api", networks=[NetworkOption(name="front"), NetworkOption(name="back")])
    port = world.hosts[DB].echo().port
    assert world.hosts[WEB].misses(address(db), port)
    assert world.hosts[API].reaches(address(db), port)
    assert world.hosts[WEB].reaches(address(api), world.hosts[API].echo().port)


async def test_a_running_container_is_connected_and_disconnected(world: World) -> None:
    await world.start(WEB, "web")
    await world.networks.create(CreateNetwork(name="back"))
    db = await world.start(DB, "db", networks=[NetworkOption(name="back")])
    port = world.hosts[DB].echo().port
    options = await world.networks.connect(WEB, NetworkOption(name="back", ip="10.89.0.50"), world.namespaces[WEB])
    assert [option.name for option in options.networks] == ["default", "back"]
    assert world.networks.detail(WEB).endpoints[1].ip == "10.89.0.50"
    assert world.hosts[WEB].reaches(address(db), port)
    with pytest.raises(EngineError, match="is in network 'back' already"):
        await world.networks.connect(WEB, NetworkOption(name="back"), world.namespaces[WEB])
    await world.networks.disconnect(WEB, "default", world.namespaces[WEB])
    assert "default via 10.89.0.1" in world.hosts[WEB].sh("ip route")
    await world.networks.disconnect(WEB, "back", world.namespaces[WEB])
    assert world.hosts[WEB].misses(address(db), port)
    assert world.networks.detail(WEB).mode == "none"
    with pytest.raises(EngineError, match="is not in network 'back'"):
        await world.networks.disconnect(WEB, "back", None)


async def test_ports_are_published_and_taken_back_live(world: World, here: Host) -> None:
    await world.start(WEB, "web")
    world.hosts[WEB].echo(port=80)
    options, new = await world.networks.publish(WEB, PortOption(container=80, host=18081))
    assert [(port.address, port.port) for port in new] == [("0.0.0.0", 18081), ("::", 18081)]
    assert options.ports == [PortOption(container=80, host=18081)]
    assert here.reaches("127.0.0.1", 18081)
    options, gone = await world.networks.unpublish(WEB, 80, "tcp")
    assert (options.ports, gone) == ([], new)
    assert here.misses("127.0.0.1", 18081)
    with pytest.raises(EngineError, match="80/tcp of container 'web' is not published"):
        await world.networks.unpublish(WEB, 80, "tcp")


async def test_a_crash_is_not_noticed_by_who_runs(world: World, here: Host, outside: Outside) -> None:
    attached = await world.start(WEB, "web", ports=[PortOption(container=80), PortOption(container=81, host=18082)])
    for port in (80, 81):
        world.hosts[WEB].echo(port=port)
    random_port = attached.forwards[0].port
    connection = outside.host.connect(outside.here, 18082)
    before = world.networks.detail(WEB)
    await world.crash()
    assert world.networks.detail(WEB) == before
    connection.sendall(b"still")
    assert connection.recv(5) == b"still"
    connection.close()
    for port in (random_port, 18082):
        assert here.reaches("127.0.0.1", port)
    await world.start(DB, "db")
    assert world.networks.detail(DB).endpoints[0].ip == "10.88.0.3"


async def test_what_ended_while_no_engine_was_there_is_cleared_away(world: World, here: Host) -> None:
    async with nothing_left(world, here):
        await world.start(WEB, "web", ports=[PortOption(container=80, host=18083)])
        await world.networks.close()
        world.let_go(WEB)
        await world.crash()
        assert world.networks.detail(WEB).endpoints[0].ip == ""
        assert "18083" not in here.sh("nft --stateless list ruleset")
        again = await world.attach(WEB)
        assert address(again) == "10.88.0.2"


async def test_what_a_running_container_lacks_is_made_again(world: World, here: Host, outside: Outside) -> None:
    await world.start(WEB, "web", ports=[PortOption(container=80, host=18084)])
    [bridge] = [network.bridge for network in await world.networks.list()]
    await world.networks.close()
    here.sh(f"ip link delete {bridge}")
    here.sh("nft flush ruleset")
    await world.crash()
    world.hosts[WEB].echo(port=80)
    assert outside.host.reaches(outside.here, 18084)


@pytest.mark.parametrize("command", ["delete {}", "set {} down"])
async def test_a_bridge_that_somebody_takes_away_is_there_again_at_the_next_start(
    world: World, here: Host, outside: Outside, command: str
) -> None:
    web = await world.start(WEB, "web", ports=[PortOption(container=80, host=8080)])
    world.hosts[WEB].echo(port=80)
    assert outside.host.ask(outside.here, 8080) == b"hello"
    here.sh(f"ip link {command.format(web.endpoints[0].bridge)}")
    await world.start(DB, "db")
    for host, to in (world.hosts[DB], address(web)), (world.hosts[DB], address(web, family=1)):
        assert await asyncio.to_thread(host.ask, to, 80, timeout=PATIENCE) == b"hello"
    assert await asyncio.to_thread(outside.host.ask, outside.here, 8080, timeout=PATIENCE) == b"hello"
    question = DNSRecord.question("web").pack()
    answer = await asyncio.to_thread(world.hosts[DB].ask, "10.88.0.1", 53, "udp", question)
    assert str(DNSRecord.parse(answer).rr[0].rdata) == address(web)


async def test_fifty_at_once_get_an_address_each_and_leave_nothing(world: World, here: Host) -> None:
    async with nothing_left(world, here):
        ids = [f"{number:012x}" for number in range(50)]
        ports = [[PortOption(container=80)] for _ in ids]
        made = await asyncio.gather(
            *(world.start(id, f"c{id}", ports=port) for id, port in zip(ids, ports, strict=True))
        )
        assert len({address(one) for one in made}) == 50
        assert len({one.forwards[0].port for one in made}) == 50
        await asyncio.gather(*(world.stop(id) for id in ids[::2]))
        assert len((await world.networks.inspect("default")).members) == 25


@pytest.mark.parametrize("step", ["links.attach", "firewall.publish", "zone.client", "store.stand", "namespaces.make"])
async def test_when_a_step_fails_all_before_it_is_undone(
    world: World, here: Host, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await world.start(DB, "db")
    before = (here.sh("ip -o link show"), here.sh("nft --stateless list ruleset"))

    def fail(*_: object) -> None:
        raise EngineError("launch_failed", f"{step} failed")  # type: ignore[arg-type]

    async def fail_later(*_: object) -> None:
        fail()

    module, _, name = step.partition(".")
    targets: dict[str, object] = {
        "links": "engine.network.networks.links",
        "namespaces": "engine.network.networks.namespaces",
        "firewall": world.networks.fabric.firewall,
        "zone": world.networks.zone,
        "store": world.networks._store,
    }
    target = targets[module]
    broken = fail_later if module == "firewall" else fail
    await world.ask(WEB, "web", ports=[PortOption(container=80, host=18085)])
    with monkeypatch.context() as patch:
        if isinstance(target, str):
            patch.setattr(f"{target}.{name}", broken)
        else:
            patch.setattr(target, name, broken)
        with pytest.raises(EngineError, match="failed"):
            await world.networks.attach(WEB)
    assert (here.sh("ip -o link show"), here.sh("nft --stateless list ruleset")) == before
    assert address(await world.attach(WEB)) == "10.88.0.3"


async def test_a_network_in_use_is_not_removed_and_the_rest_is_pruned(world: World, here: Host) -> None:
    for name in ("front", "back"):
        await world.networks.create(CreateNetwork(name=name))
    await world.start(WEB, "web", networks=[NetworkOption(name="front")])
    with pytest.raises(EngineError, match=r"'front' is in use: disconnect or remove its containers first \(web\)"):
        await world.networks.remove("front")
    await world.start(DB, "db")
    assert [network.name for network in await world.networks.prune()] == ["back"]
    await world.stop(WEB)
    await world.networks.forget(WEB)
    bridge = (await world.networks.inspect("front")).bridge
    await world.networks.remove("front")
    assert bridge not in here.sh("ip -o link show")
    assert [network.name for network in await world.networks.list()] == ["default"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (CreateNetwork(name="host"), "means something else"),
        (CreateNetwork(name="x", mtu=500), "1280"),
        (CreateNetwork(name="x", subnets=["10.1.0.0/24", "10.2.0.0/24"]), "one subnet of each family"),
        (CreateNetwork(name="x", gateways=["10.1.0.1"]), "goes with a subnet"),
        (CreateNetwork(name="x", subnets=["10.1.0.0/24"], gateways=["fd00::1"]), "in none of the subnets"),
        (CreateNetwork(name="x", subnets=["10.1.0.0/24"], gateways=["x"]), "no address"),
        (CreateNetwork(name="x", subnets=["192.0.2.128/25"]), r"overlaps with 192\.0\.2\.0/24, which is a route"),
    ],
)
async def test_what_can_be_no_network_is_refused(
    world: World, outside: Outside, request_: CreateNetwork, says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        await world.networks.create(request_)
    assert await world.networks.list() == []


async def test_a_subnet_of_our_own_choice_comes_with_ipv6_unless_it_shall_not(world: World) -> None:
    both = await world.networks.create(CreateNetwork(name="both", subnets=["10.1.0.0/24"], gateways=["10.1.0.9"]))
    assert [subnet.gateway for subnet in both.subnets][0] == "10.1.0.9"
    assert both.subnets[1].subnet.startswith("fd")
    one = await world.networks.create(CreateNetwork(name="one", subnets=["10.2.0.0/24"], ipv6=False))
    assert [subnet.subnet for subnet in one.subnets] == ["10.2.0.0/24"]
    with pytest.raises(EngineError, match=r"overlaps with 10\.1\.0\.0/24, which is the range of network 'both'"):
        await world.networks.create(CreateNetwork(name="more", subnets=["10.1.0.0/16"]))
    with pytest.raises(EngineError, match="There is a network 'one' already"):
        await world.networks.create(CreateNetwork(name="one"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"networks": [NetworkOption(name="nowhere")]}, "There is no network 'nowhere'"),
        ({"networks": [NetworkOption(name="default"), NetworkOption(name="bridge")]}, "named twice"),
        ({"networks": [NetworkOption(name="default", ip="10.1.1.1")]}, "it is not in it"),
        ({"networks": [NetworkOption(name="default", ip="fd00::1")]}, "no IPv4 address"),
        ({"networks": [NetworkOption(name="default", mac="01:00:00:00:00:00")]}, "MAC"),
    ],
)
async def test_what_a_container_can_not_have_is_refused_before_it_is_made(
    world: World, options: dict[str, object], says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        await world.ask(WEB, "web", **options)
    assert (await world.networks.list())[0].used_by == []


async def test_several_engines_of_one_machine_do_not_meet(world: World, tmp_path: Path, here: Host) -> None:
    other = World(Places(tmp_path / "r2", tmp_path / "s2"))
    await other.networks.recover([])
    web, db = await world.start(WEB, "web"), await other.start(DB, "db")
    assert address(web) != address(db)
    assert world.hosts[WEB].misses(address(db), other.hosts[DB].echo().port)
    await other.close()
    assert world.hosts[WEB].reaches("10.88.0.1", here.echo().port)
    assert len(here.sh("nft list tables").splitlines()) == 1


async def test_nothing_of_ours_is_there_once_all_has_ended(world: World, here: Host) -> None:
    async with nothing_left(world, here):
        await world.networks.create(CreateNetwork(name="back", internal=True))
        await world.start(WEB, "web", ports=[PortOption(container=80, host=18086)])
        await world.start(DB, "db", networks=[NetworkOption(name="back")])
        assert await here_links(world) == 4
    assert not list((world.places.runtime / "networks").iterdir())


async def here_links(world: World) -> int:
    return len(await world.networks.fabric.home.call(links.ours))


async def test_a_container_with_loopback_only_is_given_nothing(world: World, here: Host) -> None:
    before = here.sh("ip -o link show")
    assert await world.start(WEB, "web", namespaces={"network": "private"}) == Attached()
    assert here.sh("ip -o link show") == before
