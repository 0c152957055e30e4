"""Which networks there are: on disk, in memory, and how a new one comes by its ranges. Imports asyncio and the parts
beside it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address

import msgspec

from engine.errors import EngineError
from engine.network import asked, subnets
from engine.network.asked import ALSO_DEFAULT, DEFAULT, LONGEST_NAME
from engine.network.fabric import Fabric
from engine.network.kernel import links
from engine.network.leases import Leases
from engine.network.model import Network, Range, Subnet
from engine.network.store import Store
from engine.protocol.messages import CreateNetwork, ErrorCode


class Registry:
    """The networks of one engine, each with its leases."""

    def __init__(self, store: Store, fabric: Fabric) -> None:
        self._store = store
        self._fabric = fabric
        self.networks: dict[str, Network] = {}  # by id
        self.leases: dict[str, Leases] = {}  # by the network's id
        self._lock = asyncio.Lock()  # one at a time makes or removes a network

    async def load(self) -> None:
        """Those on disk."""
        for network in await asyncio.to_thread(self._store.networks):
            self._add(network)

    def named(self, name: str) -> Network | None:
        """By its name only."""
        name = DEFAULT if name == ALSO_DEFAULT else name
        return next((network for network in self.networks.values() if network.name == name), None)

    def find(self, name: str) -> Network:
        """By name, id, or a unique prefix of one. EngineError(NO_SUCH_NETWORK, AMBIGUOUS)."""
        if (found := self.named(name)) is not None:
            return found
        alike = [network for id, network in self.networks.items() if name and id.startswith(name)]
        if len(alike) > 1:
            raise EngineError(ErrorCode.AMBIGUOUS, f"{name!r} begins the ids of {len(alike)} networks: write more.")
        if not alike:
            raise EngineError(
                ErrorCode.NO_SUCH_NETWORK,
                f"There is no network {name[:LONGEST_NAME]!r}: `heliostui network ls` lists them.",
            )
        return alike[0]

    async def default(self) -> Network:
        """The default network, made at its first use. EngineError, also when there can be no networks here."""
        await self._fabric.ready()
        if (found := self.named(DEFAULT)) is not None:
            return found
        async with self._lock:
            return self.named(DEFAULT) or await self._make(CreateNetwork(name=DEFAULT))

    async def create(self, request: CreateNetwork) -> Network:
        """A new one. EngineError(INVALID, NAME_IN_USE, UNSUPPORTED)."""
        asked.check_name(request.name)
        if request.mtu is not None and not 1280 <= request.mtu <= 65_535:
            raise EngineError(
                ErrorCode.INVALID, f"An MTU of {request.mtu} can't be: it is 1280 (the least for IPv6) to 65535."
            )
        async with self._lock:
            if (taken := self.named(request.name)) is not None:
                raise EngineError(ErrorCode.NAME_IN_USE, f"There is a network {taken.name!r} already.")
            await self._fabric.ready()
            return await self._make(request)

    async def remove(self, network: Network) -> None:
        """From the kernel, then from the disk."""
        async with self._lock:
            await self._fabric.down(network)
            async with _storage("remove a network"):
                await asyncio.to_thread(self._store.remove, network)
            self.networks.pop(network.id, None)
            self.leases.pop(network.id, None)

    def _add(self, network: Network) -> None:
        self.networks[network.id] = network
        self.leases[network.id] = Leases(network)

    async def _make(self, request: CreateNetwork) -> Network:
        mtu = request.mtu if request.mtu is not None else await self._fabric.home.call(links.default_mtu)
        if not links.has_ipv6():
            request = msgspec.structs.replace(request, ipv6=False)
        network = Network(
            id=secrets.token_hex(6),
            name=request.name,
            subnets=_subnets(request, await self._taken()),
            created_at=datetime.now(UTC),
            internal=request.internal,
            mtu=mtu,
            labels=request.labels,
        )
        async with _storage("make a network"):
            await asyncio.to_thread(self._store.save, network)
        self._add(network)
        return network

    async def _taken(self) -> Sequence[tuple[Range, str]]:
        """Ranges, and whose they are: of networks, and of routes of the host; of where the bridges are as well as of
        where the engine is."""
        own = [
            (subnet.range, f"the range of network {n.name!r}") for n in self.networks.values() for subnet in n.subnets
        ]
        routes = {*await self._fabric.home.call(links.used_ranges), *await asyncio.to_thread(links.used_ranges)}
        ranges = {range for range, _ in own}
        return [*own, *((route, "a route of this host") for route in routes if route not in ranges)]


def _subnets(request: CreateNetwork, taken: Sequence[tuple[Range, str]]) -> tuple[Subnet, ...]:
    """As somebody wants them, or chosen; IPv4 first. EngineError(INVALID)."""
    ranges = [range for range, _ in taken]
    if not request.subnets:
        if request.gateways:
            raise EngineError(ErrorCode.INVALID, "A gateway goes with a subnet: give --subnet, too.")
        return subnets.choose(ranges, ipv6=request.ipv6, large=request.name == DEFAULT)
    made = _given(request, taken)
    if request.ipv6 and {subnet.range.version for subnet in made} == {4}:
        made += [subnet for subnet in subnets.choose(ranges, ipv6=True) if subnet.range.version == 6]
    return tuple(sorted(made, key=lambda subnet: subnet.range.version))


def _given(request: CreateNetwork, taken: Iterable[tuple[Range, str]]) -> list[Subnet]:
    gateways: dict[int, str] = {}
    for text in request.gateways:
        try:
            gateways[ip_address(text).version] = text
        except ValueError:
            raise EngineError(ErrorCode.INVALID, f"The gateway {text[:64]!r} is no address.") from None
    taken = list(taken)
    made = [subnets.given(text, gateways.pop(6 if ":" in text else 4, None), taken) for text in request.subnets]
    if gateways:
        raise EngineError(ErrorCode.INVALID, f"The gateway {next(iter(gateways.values()))} is in none of the subnets.")
    if len({subnet.range.version for subnet in made}) < len(made):
        raise EngineError(ErrorCode.INVALID, "A network has one subnet of each family at most.")
    return made


@asynccontextmanager
async def _storage(doing: str) -> AsyncIterator[None]:
    """Turn an OSError into an EngineError(STORAGE)."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EngineError(ErrorCode.STORAGE, f"Could not {doing}: {error.strerror}{where}.") from error
