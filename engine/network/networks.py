"""The networks of an engine, who is in them, and the verbs that act on them. Imports asyncio and the parts beside it.

A network is a bridge with a subnet of each family. A container *asks* for networks from its creation to its removal,
and is *in* them while it runs: with an endpoint each, its published ports, and its names. What it is given is written
down before the kernel is told (`store.Standing`), and given back once it has ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address

import msgspec

from engine.errors import EngineError
from engine.network import asked, details, filters
from engine.network.asked import DEFAULT, MOST
from engine.network.fabric import Fabric
from engine.network.kernel import links, namespaces
from engine.network.model import Address, Endpoint, Forward, Network, host_interface, prefixed
from engine.network.names.zone import Zone
from engine.network.registry import Registry
from engine.network.reservations import PortInUse, Reservations
from engine.network.rootless.uplink import Uplink
from engine.network.store import Standing, Store
from engine.places import Places, usual
from engine.protocol.messages import ContainerOptions, CreateNetwork, ErrorCode
from engine.protocol.network import (
    ContainerNetworks,
    EndpointDetail,
    NetworkDetail,
    NetworkOption,
    PortMapping,
    PortOption,
)
from engine.receipts.steps import step

NetworkModels = list[Network]
NetworkDetails = list[NetworkDetail]  # the class below has a verb called `list`
NetworkNames = list[str]


@dataclass(frozen=True)
class Known:
    """A container that was there before this engine. `namespace`: its network namespace while it runs, a descriptor
    that stays the caller's."""

    id: str
    name: str
    options: ContainerOptions
    namespace: int | None = None


@dataclass(frozen=True)
class Attached:
    """What a container that starts was given. `namespace`: a descriptor of its network namespace, the caller's to
    close; None: it has none of ours, and makes its own."""

    namespace: int | None = None
    endpoints: tuple[Endpoint, ...] = ()
    forwards: tuple[Forward, ...] = ()


@dataclass
class _Container:
    """One that asks for networks, or for none."""

    name: str
    options: ContainerOptions
    reason: str = ""  # why it has loopback only

    @property
    def wanted(self) -> list[NetworkOption]:
        """The networks it asks for, in order."""
        return asked.wanted(self.options)


class Networks:
    """All networks of one engine. `uplink`: what connects those of an ordinary user's engine to the world."""

    def __init__(self, places: Places, uplink: Uplink | None = None) -> None:
        self._store = Store(places.state, places.runtime)
        self.zone = Zone()
        self.fabric = Fabric(table_name(places), self.zone, uplink)
        self._registry = Registry(self._store, self.fabric)
        self._reservations = Reservations(self._name_of, held=uplink is None)
        self._containers: dict[str, _Container] = {}  # by id
        self._standing: dict[str, Standing] = {}  # by the container's id
        self._falling: dict[str, asyncio.Task[None]] = {}  # what is being removed, by the container's id

    # The engine's own beginning and end

    async def recover(self, containers: Iterable[Known]) -> None:
        """Take over what an earlier engine left: networks on disk, and what stands for containers that run. What stands
        for others goes, and what runs gets what it lacks."""
        await self._registry.load()
        known = {container.id: container for container in containers}
        for container in known.values():
            self._containers[container.id] = _Container(container.name, container.options)
        left = await asyncio.to_thread(self._store.standing)
        if not left and not await asyncio.to_thread(self._has_bridges):
            return
        running = {
            standing.container: namespace
            for standing in left
            if standing.container in known and (namespace := known[standing.container].namespace) is not None
        }
        for standing in left:
            if standing.container in running:
                self._standing[standing.container] = self._still(standing)
                self._hold(self._standing[standing.container])
        await self._stand_again(running)
        for standing in left:
            if standing.container not in running:
                await asyncio.to_thread(self._store.fall, standing.container)

    async def remove_all(self) -> None:
        """Take everything out of the kernel; networks stay on disk. Nothing runs any more."""
        for id in list(self._standing):
            await self.detach(id)
        await self.fallen()
        await self.fabric.remove_all(self._registry.networks.values())

    async def close(self) -> None:
        """Let go of everything; what stands remains."""
        await self.fallen()
        self._reservations.close()
        await self.fabric.close()

    async def fallen(self, *ids: str) -> None:
        """Wait until nothing is left in the kernel of these containers that have ended; of all if none are named."""
        falling = [task for id, task in self._falling.items() if not ids or id in ids]
        await asyncio.gather(*falling, return_exceptions=True)

    # Containers

    async def settle(self, id: str, name: str, options: ContainerOptions) -> list[str]:
        """A new container asks for its networks. Warnings, in sentences; EngineError for what can't be had, and then it
        has not asked."""
        container = _Container(name, options)
        if len(container.wanted) > MOST:
            raise EngineError(ErrorCode.INVALID, f"A container is in at most {MOST} networks.")
        warnings = []
        if container.wanted:
            try:
                await self._registry.default()
            except EngineError as error:
                if asked.insists(options):
                    raise
                container.reason = error.message
                warnings = [error.message]
        seen = set()
        for option in container.wanted if not warnings else ():
            network = self._registry.find(option.name)
            if network.id in seen:
                raise EngineError(ErrorCode.INVALID, f"Network {network.name!r} is named twice.")
            seen.add(network.id)
            self._check_option(network, option)
        self._containers[id] = container
        return warnings

    async def forget(self, id: str) -> None:
        """A container is gone for good."""
        self._containers.pop(id, None)
        for leases in self._registry.leases.values():
            leases.forget(id)

    def renamed(self, id: str, name: str) -> None:
        """It answers to another name from now on."""
        old = self._containers[id].name
        self._containers[id].name = name
        self.zone.rename(id, old, name)

    async def attach(self, id: str, user_namespace: int | None = None) -> Attached:
        """Give a container that starts what it asks for, in a network namespace made ready for it: owned by
        `user_namespace`, a descriptor, if there is one. EngineError; then it was given nothing."""
        container = self._containers[id]
        container.reason = ""
        if not container.wanted:
            return Attached()
        try:
            await self._registry.default()
        except EngineError as error:
            if asked.insists(container.options):
                raise
            container.reason = error.message
            return Attached()
        networks = [self._registry.find(option.name) for option in container.wanted]
        async with AsyncExitStack() as undo:
            undo.callback(self._take_back, id)
            endpoints = self._endpoints(id, container, networks)
            forwards = await self._reserve(id, container, endpoints)
            undo.callback(self._reservations.give_back, forwards)
            standing = self._standing[id] = Standing(id, endpoints, forwards)
            await self.fabric.up(networks)
            made = None if user_namespace is None else await asyncio.to_thread(namespaces.make_in, user_namespace)
            undo.push_async_callback(self._take_down, standing)
            namespace = await self.fabric.home.call(self._put_up, standing, made)
            undo.push_async_callback(asyncio.to_thread, _close, namespace)
            await self.fabric.publish(forwards)
            undo.push_async_callback(self.fabric.unpublish, forwards)
            undo.callback(self.zone.leave, id)
            self._name(container, standing)
            undo.pop_all()
        return Attached(namespace, endpoints, forwards)

    async def detach(self, id: str) -> None:
        """A container has ended: take back what it was given. Nothing happens if that was nothing. Its links carry
        nothing any more and somebody else may have its addresses; nobody waits until the kernel has removed them."""
        standing = self._standing.get(id)
        if standing is None:
            return
        self.zone.leave(id)
        await self.fabric.unpublish(standing.forwards)
        removed = await self.fabric.home.call(self.fabric.removal.unplug, _veths(standing))
        self._reservations.give_back(standing.forwards)
        self._take_back(id)
        self._falling[id] = asyncio.create_task(self._fall(id, removed))

    async def connect(self, id: str, option: NetworkOption, namespace: int | None) -> ContainerOptions:
        """Put a container into one more network: at once, if `namespace` tells that it runs. Its new options."""
        container = self._containers[id]
        if asked.mode(container.options) not in ("networks", "none") or container.options.bundle is not None:
            raise EngineError(
                ErrorCode.INVALID, f"Container {container.name!r} has no networks of its own: it can't be connected."
            )
        await self._registry.default()
        network = self._registry.find(option.name)
        self._check_option(network, option)
        if any(self._registry.find(other.name).id == network.id for other in container.wanted):
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Container {container.name!r} is in network {network.name!r} already."
            )
        if len(container.wanted) == MOST:
            raise EngineError(ErrorCode.INVALID, f"A container is in at most {MOST} networks.")
        wanted = [*container.wanted, msgspec.structs.replace(option, name=network.name)]
        if namespace is not None:
            await self._connect(id, container, network, option, namespace)
        container.options = msgspec.structs.replace(container.options, networks=wanted)
        return container.options

    async def disconnect(self, id: str, name: str, namespace: int | None) -> ContainerOptions:
        """Take a container out of a network. Its new options; out of its last one, it has loopback only."""
        container = self._containers[id]
        network = self._registry.find(name)
        wanted = [option for option in container.wanted if self._registry.find(option.name).id != network.id]
        if len(wanted) == len(container.wanted):
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Container {container.name!r} is not in network {network.name!r}."
            )
        if namespace is not None:
            await self._disconnect(id, network)
            await self._publish_lacking(id)
        ways = container.options.namespaces if wanted else {**container.options.namespaces, "network": "private"}
        container.options = msgspec.structs.replace(container.options, networks=wanted, namespaces=ways)
        return container.options

    async def publish(self, id: str, port: PortOption) -> tuple[ContainerOptions, list[PortMapping]]:
        """Publish one more port; at once, if the container runs. Its new options, and what is new."""
        container = self._containers[id]
        if asked.mode(container.options) != "networks":
            raise EngineError(
                ErrorCode.INVALID,
                f"Container {container.name!r} has no networks of its own: no port of it can be published.",
            )
        new = await self._publish(id, [port]) if id in self._standing else ()
        container.options = msgspec.structs.replace(container.options, ports=[*container.options.ports, port])
        return container.options, asked.mappings(new)

    async def unpublish(self, id: str, port: int, protocol: str) -> tuple[ContainerOptions, list[PortMapping]]:
        """Publish a port of the container nowhere any more. Its new options, and what is gone."""
        container = self._containers[id]
        rest = [piece for option in container.options.ports for piece in asked.without(option, port, protocol)]
        gone: tuple[Forward, ...] = ()
        if (standing := self._standing.get(id)) is not None:
            ends = [f for f in standing.forwards if (f.container_port, f.protocol) == (port, protocol)]
            gone = tuple(ends)
        if rest == container.options.ports and not gone:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Port {port}/{protocol} of container {container.name!r} is not published."
            )
        if standing is not None and gone:
            await self.fabric.unpublish(gone)
            self._reservations.give_back(gone)
            now = replace(standing, forwards=tuple(f for f in standing.forwards if f not in gone))
            await self.fabric.home.call(self._store.stand, now)
            self._standing[id] = now
        container.options = msgspec.structs.replace(container.options, ports=rest)
        return container.options, asked.mappings(gone)

    def detail(self, id: str) -> ContainerNetworks:
        """What a container has, or asks for."""
        container = self._containers.get(id)
        if container is None:
            return ContainerNetworks()
        standing = self._standing.get(id, Standing(id))
        given = {endpoint.network: endpoint for endpoint in standing.endpoints}
        endpoints = []
        for option in container.wanted:
            network = self._registry.named(option.name)
            endpoint = given.get(network.id) if network is not None else None
            if endpoint is None or network is None:
                endpoints.append(EndpointDetail(network=option.name, aliases=option.aliases))
            else:
                endpoints.append(details.endpoint_detail(endpoint, network))
        return ContainerNetworks(
            mode=asked.mode(container.options),
            endpoints=endpoints,
            ports=asked.mappings(standing.forwards),
            reason=container.reason,
        )

    def standing(self, id: str) -> Standing:
        """What stands in the kernel for a container."""
        return self._standing.get(id, Standing(id))

    def name_at(self, address: Address) -> str | None:
        """The name of the container that has an address."""
        for network in self._registry.networks.values():
            if (holder := self._registry.leases[network.id].holder(address)) is not None:
                return self._name_of(holder)
        return None

    def names(self) -> dict[Address, str]:
        """The addresses of all containers that run, with their names."""
        return {
            address.ip: self._name_of(id)
            for id, standing in self._standing.items()
            for endpoint in standing.endpoints
            for address in endpoint.addresses
        }

    def everyone(self) -> NetworkModels:
        """All networks."""
        return [*self._registry.networks.values()]

    # Verbs

    async def create(self, request: CreateNetwork) -> NetworkDetail:
        """Make a network; it stands once a container is in it. EngineError(INVALID, NAME_IN_USE)."""
        return self._network_detail(await self._registry.create(request))

    async def list(self, wanted: Sequence[str] = ()) -> NetworkDetails:
        """Those that hold against all filters, by name; the default one first."""
        test = filters.parse(wanted)
        details = [self._network_detail(network) for network in self._registry.networks.values()]
        return sorted(filter(test, details), key=lambda detail: (not detail.default, detail.name))

    async def inspect(self, name: str) -> NetworkDetail:
        """One. EngineError(NO_SUCH_NETWORK, AMBIGUOUS)."""
        return self._network_detail(self._registry.find(name))

    async def remove(self, name: str) -> None:
        """Remove one that no container asks for. EngineError(NO_SUCH_NETWORK, WRONG_STATE, AMBIGUOUS)."""
        network = self._registry.find(name)
        if users := self._users(network):
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"The network {network.name!r} is in use: disconnect or remove its containers first "
                f"({', '.join(users)}).",
            )
        await self._registry.remove(network)

    async def prune(self) -> NetworkDetails:
        """Remove those that no container asks for, but the default one; returns them."""
        everyone = list(self._registry.networks.values())
        gone = [network for network in everyone if network.name != DEFAULT and not self._users(network)]
        details = [self._network_detail(network) for network in gone]
        for network in gone:
            await self._registry.remove(network)
        return details

    # Words

    def _users(self, network: Network) -> NetworkNames:
        """Names of the containers that ask for it."""
        return sorted(
            container.name
            for container in self._containers.values()
            if any(self._registry.named(option.name) is network for option in container.wanted)
        )

    def _network_detail(self, network: Network) -> NetworkDetail:
        members = [
            (self._name_of(id), endpoint)
            for id, standing in self._standing.items()
            for endpoint in standing.endpoints
            if endpoint.network == network.id
        ]
        return details.network_detail(network, members, self._users(network))

    # How containers get into them

    def _check_option(self, network: Network, option: NetworkOption) -> None:
        for text, version in ((option.ip, 4), (option.ip6, 6)):
            if text is not None:
                self._registry.leases[network.id].check(asked.address(text, version))
        if option.mac is not None:
            asked.check_mac(option.mac)

    def _endpoints(self, id: str, container: _Container, networks: Sequence[Network]) -> tuple[Endpoint, ...]:
        """One in each network, with leases. Of several ways out the first one is taken, for as long as it is there."""
        return tuple(
            self._endpoint(id, index, network, option)
            for index, (network, option) in enumerate(zip(networks, container.wanted, strict=True))
        )

    def _endpoint(self, id: str, index: int, network: Network, option: NetworkOption) -> Endpoint:
        given = ((option.ip, 4), (option.ip6, 6))
        wanted = {version: asked.address(text, version) for text, version in given if text is not None}
        try:
            addresses = self._registry.leases[network.id].take(id, wanted)
        except EngineError as error:
            raise EngineError(error.code, self._with_names(error.message)) from None
        by_version = {subnet.range.version: subnet for subnet in network.subnets}
        interface = f"eth{index}"
        return Endpoint(
            container=id,
            network=network.id,
            bridge=network.bridge,
            host_interface=host_interface(id, index),
            interface=interface,
            mac=option.mac or links.container_mac(addresses[0], network.id),
            mtu=network.mtu,
            addresses=tuple(prefixed(one, by_version[one.version].range.prefixlen) for one in addresses),
            gateways=() if network.internal else tuple(subnet.gateway for subnet in network.subnets),
            aliases=tuple(option.aliases),
            label=f"heliostui {self._name_of(id)} {interface} in {network.name}",
        )

    async def _reserve(self, id: str, container: _Container, endpoints: Sequence[Endpoint]) -> tuple[Forward, ...]:
        return await self._reserved(id, asked.ports(container.options), endpoints)

    async def _reserved(
        self, id: str, ports: Sequence[PortOption], endpoints: Sequence[Endpoint]
    ) -> tuple[Forward, ...]:
        reachable = [e for e in endpoints if not self._registry.networks[e.network].internal]
        addresses: dict[int, Address] = {}
        for endpoint in reachable:
            for address in endpoint.addresses:
                addresses.setdefault(address.version, address.ip)
        try:
            return tuple(self._reservations.take(id, ports, list(addresses.values())))
        except PortInUse as error:
            raise await asyncio.to_thread(error.explain) from None

    def _put_up(self, standing: Standing, namespace: int | None) -> int:
        """In the home thread: note what will stand, and make it. The network namespace."""
        self._store.stand(standing)
        namespace = namespaces.make() if namespace is None else namespace
        try:
            links.attach(standing.endpoints, namespace)
        except BaseException:
            _close(namespace)
            raise
        return namespace

    async def _take_down(self, standing: Standing) -> None:
        """Off at once; gone, and noted so, when it returns. The home thread does not wait for that (20 ms)."""
        await asyncio.wrap_future(await self.fabric.home.call(self.fabric.removal.unplug, _veths(standing)))
        await self.fabric.home.call(self._store.fall, standing.container)

    async def _fall(self, id: str, removed: Future[None]) -> None:
        """Note that nothing stands for it any more, unless it has been started again."""
        try:
            with step("RTM_DELLINK", "the group of unplugged links"):
                await asyncio.wrap_future(removed)
            if id not in self._standing:
                await self.fabric.home.call(self._store.fall, id)
        finally:
            if self._falling.get(id) is asyncio.current_task():
                del self._falling[id]

    def _take_back(self, id: str) -> None:
        self._standing.pop(id, None)
        for leases in self._registry.leases.values():
            leases.give_back(id)

    def _name(self, container: _Container, standing: Standing) -> None:
        """Let it be found by its names, and say how its own questions are answered."""
        hostname = container.options.hostname
        names = [container.name, *([hostname] if hostname else [])]
        for endpoint in standing.endpoints:
            network = self._registry.networks[endpoint.network]
            self.zone.join(endpoint, network.name, names, [subnet.gateway for subnet in network.subnets])
        servers = [ip_address(server) for server in container.options.dns]
        outside = any(not self._registry.networks[endpoint.network].internal for endpoint in standing.endpoints)
        self.zone.client(standing.container, servers, outside)

    # Into and out of a network while it runs

    async def _connect(
        self, id: str, container: _Container, network: Network, option: NetworkOption, namespace: int
    ) -> None:
        await self.fabric.ready()
        standing = self._standing.get(id, Standing(id))
        taken = {endpoint.interface for endpoint in standing.endpoints}
        index = next(number for number in range(MOST) if f"eth{number}" not in taken)
        async with AsyncExitStack() as undo:
            undo.callback(self._registry.leases[network.id].give_back, id)
            endpoint = self._endpoint(id, index, network, option)
            now = replace(standing, endpoints=(*standing.endpoints, endpoint))
            await self.fabric.up([network])
            await self.fabric.home.call(self._store.stand, now)
            undo.push_async_callback(self.fabric.home.call, self._store.stand, standing)
            undo.push_async_callback(self.fabric.home.call, links.detach, [endpoint.host_interface])
            await self.fabric.home.call(links.attach_more, endpoint, namespace)
            undo.pop_all()
        self._standing[id] = now
        self._name(container, now)

    async def _disconnect(self, id: str, network: Network) -> None:
        standing = self._standing.get(id, Standing(id))
        gone = [endpoint for endpoint in standing.endpoints if endpoint.network == network.id]
        if not gone:
            return
        addresses = {address.ip for address in gone[0].addresses}
        forwards = tuple(forward for forward in standing.forwards if forward.container in addresses)
        await self.fabric.unpublish(forwards)
        self._reservations.give_back(forwards)
        self.zone.leave(id, network.id)
        now = Standing(
            id,
            tuple(endpoint for endpoint in standing.endpoints if endpoint not in gone),
            tuple(forward for forward in standing.forwards if forward not in forwards),
        )
        await self.fabric.home.call(links.detach, [gone[0].host_interface])
        await self.fabric.home.call(self._store.stand, now)
        self._registry.leases[network.id].give_back(id)
        self._standing[id] = now
        self._name(self._containers[id], now)

    async def _publish(self, id: str, ports: Sequence[PortOption]) -> tuple[Forward, ...]:
        """More ports of a container that runs."""
        standing = self._standing[id]
        async with AsyncExitStack() as undo:
            new = await self._reserved(id, ports, standing.endpoints)
            undo.callback(self._reservations.give_back, new)
            now = replace(standing, forwards=(*standing.forwards, *new))
            await self.fabric.home.call(self._store.stand, now)
            undo.push_async_callback(self.fabric.home.call, self._store.stand, standing)
            await self.fabric.publish(new)
            undo.pop_all()
        self._standing[id] = now
        return new

    async def _publish_lacking(self, id: str) -> None:
        """What it asks for and has not, as far as that can be had: its first network is another one now."""
        container, standing = self._containers[id], self._standing[id]
        lacking = asked.ports(container.options)
        for forward in standing.forwards:
            lacking = [
                piece for port in lacking for piece in asked.without(port, forward.container_port, forward.protocol)
            ]
        try:
            if lacking:
                await self._publish(id, lacking)
        except EngineError as error:
            container.reason = error.message

    # Recovery

    def _still(self, standing: Standing) -> Standing:
        """Without what the container does not ask for: its engine was killed before that was stored, or after."""
        options = self._containers[standing.container].options
        wanted = {network.id for option in asked.wanted(options) if (network := self._known(option)) is not None}
        endpoints = tuple(endpoint for endpoint in standing.endpoints if endpoint.network in wanted)
        own = {address.ip for endpoint in endpoints for address in endpoint.addresses}
        forwards = (f for f in standing.forwards if f.container in own and asked.is_asked(options, f))
        return Standing(standing.container, endpoints, tuple(forwards))

    def _known(self, option: NetworkOption) -> Network | None:
        """The network that is meant, if it is still there."""
        try:
            return self._registry.find(option.name)
        except EngineError:
            return None

    async def _complete(self, id: str, namespace: int) -> None:
        """Give a container that runs what it asks for and has not."""
        container = self._containers[id]
        for option in container.wanted:
            network = self._known(option)
            if network is not None and network.id not in {one.network for one in self._standing[id].endpoints}:
                await self._connect(id, container, network, option, namespace)
        await self._publish_lacking(id)

    def _hold(self, standing: Standing) -> None:
        for endpoint in standing.endpoints:
            for address in endpoint.addresses:
                self._registry.leases[endpoint.network].hold(standing.container, address.ip)
        self._reservations.hold(standing.container, standing.forwards)

    async def _stand_again(self, running: Mapping[str, int]) -> None:
        used = {endpoint.network for standing in self._standing.values() for endpoint in standing.endpoints}
        networks = [self._registry.networks[id] for id in used]
        forwards = [forward for standing in self._standing.values() for forward in standing.forwards]
        await self.fabric.ready(networks, forwards)
        await self.fabric.take_over(networks)
        await self.fabric.clear(self._is_ours, (e for s in self._standing.values() for e in s.endpoints))
        joined = {link.name for link in await self.fabric.home.call(links.ours) if link.master}
        for id, namespace in running.items():
            standing = self._standing[id]
            for endpoint in standing.endpoints:
                if endpoint.host_interface not in joined:
                    await self.fabric.home.call(links.attach_more, endpoint, namespace)
            self._name(self._containers[id], standing)
            await self.fabric.home.call(self._store.stand, standing)
            await self._complete(id, namespace)

    def _is_ours(self, name: str, alias: str) -> bool:
        """A bridge of this engine, or a veth of a container that it knows of."""
        veth = name[0] == "h" and name[1:13] in {*self._containers, *self._standing}
        return veth or any(name == network.bridge for network in self._registry.networks.values())

    def _has_bridges(self) -> bool:
        """Whether bridges of an earlier engine are in this one's own network namespace."""
        return not {name for _, name in socket.if_nameindex()}.isdisjoint(
            network.bridge for network in self._registry.networks.values()
        )

    # Words

    def _name_of(self, id: str) -> str:
        return self._containers[id].name if id in self._containers else id

    def _with_names(self, sentence: str) -> str:
        """Containers by their names."""
        return re.sub(r"container ([0-9a-f]{12})", lambda found: f"container {self._name_of(found[1])!r}", sentence)


def table_name(places: Places) -> str:
    """The name of the engine's nftables table: several engines of one machine must not meet."""
    if str(places.state) == usual()[1]:
        return "heliostui"
    return f"heliostui-{hashlib.sha256(os.fsencode(places.state)).hexdigest()[:6]}"


def _veths(standing: Standing) -> list[str]:
    return [endpoint.host_interface for endpoint in standing.endpoints]


def _close(descriptor: int) -> None:
    os.close(descriptor)
