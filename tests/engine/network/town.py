"""A host with a firewall of ours, networks and containers on it, and the world outside of it. For tests only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from engine.network.kernel import links
from engine.network.kernel.home import Home
from engine.network.model import Endpoint, Forward, Network, Subnet, Transport, host_interface, prefixed
from engine.network.nftables.firewall import Firewall
from tests.engine.network.hosts import PATIENCE, Host, Protocol, veth

TABLE = "heliostui-test"
NEVER = 0.4  # seconds after which what is dropped counts as dropped
HERE, HERE6, OUTSIDE, OUTSIDE6 = "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"
ONE, TWO, INTERNAL = (
    Network(
        id=f"{index:x}" * 12,
        name=name,
        internal=name == "internal",
        subnets=tuple(
            Subnet(ip_network(f"{start}0{length}"), ip_address(f"{start}1"))
            for start, length in ((f"10.88.{index}.", "/24"), (f"fd00:88:0:{index}::", "/64"))
        ),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for index, name in enumerate(("one", "two", "internal"), start=1)
)


class Container:
    """A namespace on bridges of ours. `address`, `address6`: in the first network."""

    def __init__(self, host: Host, endpoints: list[Endpoint]) -> None:
        self.host = host
        self.address, self.address6 = (str(address.ip) for address in endpoints[0].addresses)

    def forwards(self, port: int, inner: int, protocol: Transport = "tcp", host: str | None = None) -> list[Forward]:
        """This port published, for both families or for that of the host's address."""
        at = None if host is None else ip_address(host)
        addresses = [ip_address(self.address), ip_address(self.address6)]
        return [Forward(protocol, at, port, a, inner) for a in addresses if at is None or a.version == at.version]


class Town:
    """`here`: the host; `outside`: another one on a cable, which knows the way to the networks, too."""

    def __init__(self, here: Host, outside: Host, home: Home, firewall: Firewall) -> None:
        self.here, self.outside, self.home, self.firewall = here, outside, home, firewall
        self._containers: list[Container] = []

    async def container(self, *networks: Network) -> Container:
        """One more, in these networks, with a way out by the first that has one."""
        number = len(self._containers) + 2
        endpoints = [
            Endpoint(
                container=f"{number:012x}",
                network=network.id,
                bridge=network.bridge,
                host_interface=host_interface(f"{number:012x}", index),
                interface=f"eth{index}",
                mac=links.container_mac(network.subnets[0].range[number], network.id),
                mtu=1500,
                addresses=tuple(prefixed(s.range[number], s.range.prefixlen) for s in network.subnets),
                gateways=() if network.internal or index else tuple(s.gateway for s in network.subnets),
            )
            for index, network in enumerate(networks)
        ]
        host = Host()
        made = Container(host, endpoints)
        self._containers.append(made)
        await self.home.call(links.attach, endpoints, host.descriptor)
        return made

    def rules(self) -> str:
        """All of the host's tables, without what they have counted, and the elements of each set in order."""
        listed = re.sub(r",\s+", ", ", self.here.sh("nft -s list ruleset"))
        return re.sub(r"(?<=elements = { )(.*)(?= })", lambda found: ", ".join(sorted(found[0].split(", "))), listed)

    def close(self) -> None:
        for container in self._containers:
            container.host.close()


@asynccontextmanager
async def town(*networks: Network) -> AsyncIterator[Town]:
    """The networks stand, and are in the firewall."""
    async with AsyncExitStack() as stack:
        here, outside = stack.enter_context(Host()), stack.enter_context(Host())
        veth(here, [f"{HERE}/24", f"{HERE6}/64"], outside, [f"{OUTSIDE}/24", f"{OUTSIDE6}/64"])
        outside.sh(f"ip route add 10.88.0.0/16 via {HERE} && ip route add fd00:88::/32 via {HERE6}")
        home = Home(here.descriptor)
        stack.callback(home.close)
        firewall = Firewall(home, TABLE)
        stack.push_async_callback(firewall.close)
        made = Town(here, outside, home, firewall)
        stack.callback(made.close)
        for network in networks:
            await home.call(links.ensure_bridge, network)
        await firewall.ensure(networks, [])
        yield made


async def reached(cases: Mapping[tuple[str, Host, str, int], bool], protocol: Protocol) -> dict[str, bool]:
    """Which of these (what for, from where, address and port) an echo answers, by what for; true: it is to answer, so
    that it is given more time. All at once."""
    loop = asyncio.get_running_loop()

    def ask(host: Host, address: str, port: int, answers: bool) -> bool:
        try:
            return host.ask(address, port, protocol, timeout=PATIENCE if answers else NEVER) == b"hello"
        except OSError:
            return False

    with ThreadPoolExecutor(32) as threads:
        asked = [
            loop.run_in_executor(threads, ask, host, address, port, answers)
            for (_, host, address, port), answers in cases.items()
        ]
        words = [f"{what} {address}:{port}" for what, _, address, port in cases]
        return dict(zip(words, await asyncio.gather(*asked), strict=True))
