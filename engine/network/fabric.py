"""What stands in the kernel for all networks of an engine: bridges, the table of rules, name servers, and the way into
the world of an ordinary user's engine. Brought up when the first container needs it. Imports the parts beside it.

Nothing here decides who gets what; that is `networks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack

from engine.errors import EngineError
from engine.network.kernel import links
from engine.network.kernel.home import Home
from engine.network.kernel.removal import Removal
from engine.network.model import Endpoint, Forward, Network
from engine.network.names import dns_log
from engine.network.names.resolver import Resolver
from engine.network.names.zone import Zone
from engine.network.nftables.firewall import Firewall
from engine.network.rootless.uplink import Uplink
from engine.protocol.messages import ErrorCode


class Fabric:
    """`table`: the name of the nftables table. `uplink`: None where the engine is root in its own network."""

    def __init__(self, table: str, zone: Zone, uplink: Uplink | None) -> None:
        self._table = table
        self._zone = zone
        self.uplink = uplink
        self._home: Home | None = None
        self._firewall: Firewall | None = None
        self.resolver: Resolver | None = None
        self.removal = Removal()
        self.dns_log = dns_log.Log()  # which may be followed before there is a resolver
        self._up: set[str] = set()  # ids of the networks whose bridges stand
        self._lock = asyncio.Lock()

    @property
    def home(self) -> Home:
        """Where the bridges are. Only once it is ready."""
        assert self._home is not None
        return self._home

    @property
    def firewall(self) -> Firewall:
        """The table. Only once it is ready."""
        assert self._firewall is not None
        return self._firewall

    @property
    def is_ready(self) -> bool:
        """Whether anything stands."""
        return self._firewall is not None

    @property
    def remarks(self) -> list[str]:
        """A sentence for each other firewall that we get along with, and for each name server that has our port."""
        if not self.is_ready:
            return []
        return [*self.firewall.coexistence, *(self.resolver.reasons().values() if self.resolver is not None else ())]

    async def ready(self, networks: Sequence[Network] = (), forwards: Sequence[Forward] = ()) -> None:
        """Be able to bring up networks; with what a crash left standing the table is made to fit that.

        EngineError(UNSUPPORTED) says why there can be no networks, and how to mend it.
        """
        if self.is_ready:
            return
        async with self._lock:
            if self.is_ready:
                return
            async with AsyncExitStack() as undo:
                home = Home() if self.uplink is None else await self.uplink.open()
                undo.callback(home.close)
                if self.uplink is not None:
                    undo.push_async_callback(self.uplink.let_go)
                firewall = Firewall(home, self._table)
                undo.push_async_callback(firewall.close)
                if reason := await firewall.reason():
                    raise EngineError(ErrorCode.UNSUPPORTED, f"Containers can have no network but loopback: {reason}")
                await firewall.ensure(networks, forwards)
                if self.uplink is not None:
                    await self.uplink.ensure(forwards)
                undo.pop_all()
            self._home, self._firewall = home, firewall
            self.resolver = Resolver(home, self._zone, log=self.dns_log)

    async def up(self, networks: Iterable[Network]) -> None:
        """Let these stand: bridge, rules, name servers. EngineError; then the one that failed does not. A bridge that
        somebody has removed or switched off is made anew, for those who are in the network, too."""
        for network in networks:
            if not await self._stands(network):
                async with self._lock:
                    if not await self._stands(network):
                        await self._raise(network, known=network.id in self._up)
                        await self.home.call(links.join, network.bridge, self._zone.endpoints(network.id))

    async def _stands(self, network: Network) -> bool:
        return network.id in self._up and await self.home.call(links.is_up, network.bridge)

    async def down(self, network: Network) -> None:
        """Take it away, whoever is on it."""
        async with self._lock:
            if network.id in self._up:
                await self._fell(network)

    async def take_over(self, networks: Iterable[Network]) -> None:
        """These stand already, and the table has them; whatever of them is missing is made."""
        async with self._lock:
            for network in networks:
                await self._raise(network, known=True)

    async def _raise(self, network: Network, *, known: bool = False) -> None:
        assert self.resolver is not None
        async with AsyncExitStack() as undo:
            if not known:
                undo.push_async_callback(self.home.call, links.remove_link, network.bridge)
            await self.home.call(links.ensure_bridge, network)
            if not known:
                await self.firewall.add_network(network)
                undo.push_async_callback(self.firewall.remove_network, network)
            for subnet in network.subnets:
                await self.resolver.listen(subnet.gateway)
                undo.push_async_callback(self.resolver.deafen, subnet.gateway)
            undo.pop_all()
        self._up.add(network.id)

    async def _fell(self, network: Network) -> None:
        assert self.resolver is not None
        self._up.discard(network.id)
        for subnet in network.subnets:
            await self.resolver.deafen(subnet.gateway)
        await self.firewall.remove_network(network)
        await self.home.call(links.remove_link, network.bridge)

    async def publish(self, forwards: Collection[Forward]) -> None:
        """Let ports of the host lead to containers; all of them or none."""
        if not forwards:
            return
        async with AsyncExitStack() as undo:
            await self.firewall.publish(forwards)
            undo.push_async_callback(self.firewall.unpublish, forwards)
            if self.uplink is not None:
                await self.uplink.publish(forwards)
            undo.pop_all()

    async def unpublish(self, forwards: Collection[Forward]) -> None:
        """And no longer."""
        if not forwards:
            return
        if self.uplink is not None:
            await self.uplink.unpublish(forwards)
        await self.firewall.unpublish(forwards)

    async def clear(self, is_ours: Callable[[str, str], bool], standing: Iterable[Endpoint]) -> None:
        """Remove links that nobody has: `is_ours` tells by a link's name and alias whether it is this engine's."""
        wanted = {name for endpoint in standing for name in (endpoint.host_interface, endpoint.bridge)}
        found = await self.home.call(links.ours)
        gone = [link.name for link in found if is_ours(link.name, link.alias) and link.name not in wanted]
        if gone:
            await self.home.call(links.detach, gone)

    async def remove_all(self, networks: Iterable[Network]) -> None:
        """Take everything out of the kernel."""
        if self.is_ready:
            for network in networks:
                await self.down(network)
            await self.firewall.remove()
        await self.close()
        if self.uplink is not None:
            await self.uplink.close()

    async def close(self) -> None:
        """Let go of it; what stands remains."""
        if self.resolver is not None:
            await self.resolver.close()
        if self._firewall is not None:
            await self._firewall.close()
        if self.uplink is not None:
            await self.uplink.let_go()
        if self._home is not None:
            self._home.close()
        self._home = self._firewall = self.resolver = None
        self._up.clear()
