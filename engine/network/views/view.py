"""What people are shown of networks: the map of the host, one container's network from inside, and its traffic.

The map costs one dump of links and one of addresses in the home namespace, whatever the number of containers; a
container's namespace is entered only for who looks at that container. Imports the parts beside it; of containers it
knows what `Program` says.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from engine.errors import EngineError
from engine.network.kernel import links
from engine.network.kernel.visit import visit
from engine.network.networks import Networks
from engine.network.nftables import rules
from engine.network.views import capture, interfaces
from engine.network.views.interfaces import Paths, belonging
from engine.network.views.sockets import sockets
from engine.protocol.messages import (
    CaptureChunk,
    ContainerNetwork,
    DnsLog,
    ErrorCode,
    NetworkMap,
    StreamCapture,
    StreamDns,
    StreamEnd,
    StreamNetworkMap,
)
from engine.protocol.network import EndpointDetail, Interface, MapContainer, NetworkDetail, RuleView, Socket

SHORTEST, LONGEST = 0.1, 60.0  # seconds between two maps of a stream
LEAST = 1_000  # bytes of a capture's limit
MOST_READ = 65_536  # bytes of a file in a container, which may have written anything into it


class Program(NamedTuple):
    """A container that runs."""

    id: str
    name: str
    namespace: Callable[[], int]  # a descriptor of its network namespace, the caller's to close; OSError: it has ended
    pids: Callable[[], Sequence[int]]  # of its processes; blocks
    files: Callable[[], Mapping[str, str]]  # path inside → of the host, of what the engine has mounted there
    servers: Sequence[str]  # that our resolver asks for it, --dns
    of: str  # whose networks it shares, by name
    ended: asyncio.Event


class Containers(Protocol):
    """What of `engine.containers.lifecycle.Containers` is needed."""

    def networked(self) -> Iterable[Program]: ...
    def network_of(self, ref: str, /) -> Program: ...


class View:
    """One method per request of the protocol."""

    def __init__(self, networks: Networks, containers: Containers) -> None:
        self._networks = networks
        self._containers = containers

    async def map(self) -> NetworkMap:
        """Everything as it is now."""
        fabric = self._networks.fabric
        found, forwarding = await (fabric.home.call(_home) if fabric.is_ready else asyncio.to_thread(_home))
        networks = await self._networks.list()
        containers = [self._on_map(program) for program in self._containers.networked()]
        uplink = fabric.uplink
        return NetworkMap(
            time=time.time(),
            interfaces=list(_ours(found, networks, containers)),
            networks=networks,
            containers=containers,
            forwarding=forwarding.ipv4,
            forwarding6=forwarding.ipv6,
            coexistence=fabric.remarks,
            rootless=uplink.kind if uplink is not None else "",
            reason=uplink.reason if uplink is not None else "",
        )

    async def stream_map(self, request: StreamNetworkMap) -> AsyncGenerator[NetworkMap | StreamEnd, None]:
        """The map, again and again."""
        if not SHORTEST <= request.interval <= LONGEST:
            why = f"A map every {request.interval:g} seconds can't be had: say {SHORTEST:g} to {LONGEST:g}."
            raise EngineError(ErrorCode.INVALID, why)
        while True:
            yield await self.map()
            await asyncio.sleep(request.interval)

    async def container(self, ref: str) -> ContainerNetwork:
        """One container's network, from inside. EngineError(WRONG_STATE) when it does not run."""
        program = self._containers.network_of(ref)
        detail = self._networks.detail(program.id)
        endpoints = self._endpoints(program)
        networks = {endpoint.interface: endpoint.network for endpoint in endpoints}
        files = await asyncio.to_thread(_read, program)
        with _namespace(program) as namespace:
            shared = detail.mode == "host"
            found, open_sockets = await visit(namespace, self._inside, program, shared=shared)
        return ContainerNetwork(
            time=time.time(),
            interfaces=[belonging(each, network=networks.get(each.name, "")) for each in found.interfaces],
            routes=found.routes,
            neighbours=found.neighbours,
            sockets=open_sockets,
            rules=await self._rules(program) if endpoints or shared else [],
            resolvers=self._resolvers(program, files.get("/etc/resolv.conf", ""), endpoints),
            hosts=files.get("/etc/hosts", ""),
        )

    async def capture(self, request: StreamCapture) -> AsyncGenerator[CaptureChunk | StreamEnd, None]:
        """The traffic of a container, until it ends. EngineError(WRONG_STATE, INVALID, UNSUPPORTED)."""
        if request.limit < LEAST:
            why = f"A capture of {request.limit} bytes holds no frame: let the limit be {LEAST} at least."
            raise EngineError(ErrorCode.INVALID, why)
        program = self._containers.network_of(request.container)
        with _namespace(program) as namespace:
            made = await visit(namespace, capture.Capture, request.interface, request.snaplen)
        async with aclosing(capture.chunks(made, request.limit, program.ended)) as chunks:
            async for chunk in chunks:
                yield chunk
        yield StreamEnd()

    async def dns(self, request: StreamDns) -> AsyncGenerator[DnsLog, None]:
        """What a container that runs, or everybody, asked our resolver."""
        id = None if request.container is None else self._containers.network_of(request.container).id
        async with aclosing(self._networks.fabric.dns_log.follow(id, request.backlog)) as logs:
            async for each in logs:
                yield each

    def _on_map(self, program: Program) -> MapContainer:
        detail = self._networks.detail(program.id)
        return MapContainer(
            id=program.id,
            name=program.name,
            mode=detail.mode,
            endpoints=detail.endpoints,
            ports=detail.ports,
            of=program.of,
        )

    def _endpoints(self, program: Program) -> list[EndpointDetail]:
        """Its own, or those of the container whose networks it shares."""
        owner = next((each for each in self._containers.networked() if each.name == program.of), None)
        return self._networks.detail(program.id).endpoints if owner is None else self._endpoints(owner)

    def _inside(self, program: Program, *, shared: bool) -> tuple[Paths, list[Socket]]:
        """In the container's network namespace. Where it is the host's, only its own sockets."""
        return interfaces.paths(self._networks.name_at), sockets(program.pids() if shared else None)

    def _resolvers(self, program: Program, resolv_conf: str, endpoints: Sequence[EndpointDetail]) -> list[str]:
        """Those of its resolv.conf, ours with whom it asks."""
        ours = {address for endpoint in endpoints for address in (endpoint.gateway, endpoint.gateway6) if address}
        resolver = self._networks.fabric.resolver
        behind = list(program.servers)
        if not behind and resolver is not None:
            behind = [str(server) for server in resolver.upstream.host.servers]
        onward = f" → {', '.join(behind)}" if behind else ""
        lines = [line.split() for line in resolv_conf.splitlines()]
        named = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
        return [f"{server} (heliostui){onward}" if server in ours else server for server in named]

    async def _rules(self, program: Program) -> list[RuleView]:
        """Those that concern everybody, and those that concern it."""
        if not self._networks.fabric.is_ready:
            return []
        listing = await self._networks.fabric.firewall.counted()
        every = await asyncio.to_thread(rules.views, listing, self._networks.names(), self._networks.everyone())
        names = {program.name, program.of}
        return [rule for rule in every if not rule.containers or names & set(rule.containers)]


def _home() -> tuple[list[Interface], links.Forwarding]:
    return interfaces.interfaces(), links.forwarding()


def _ours(
    found: Iterable[Interface], networks: Iterable[NetworkDetail], containers: Iterable[MapContainer]
) -> Iterator[Interface]:
    """With whose they are; without the bridges' ports of others."""
    bridges = {network.bridge: network.name for network in networks}
    ends = {
        endpoint.host_interface: (container.name, endpoint.network)
        for container in containers
        for endpoint in container.endpoints
        if endpoint.host_interface
    }
    for interface in found:
        if interface.name in ends:
            container, network = ends[interface.name]
            yield belonging(interface, container=container, network=network)
        elif interface.name in bridges:
            yield belonging(interface, network=bridges[interface.name])
        elif not (interface.kind == "veth" and interface.master):
            yield interface


@contextmanager
def _namespace(program: Program) -> Iterator[int]:
    try:
        descriptor = program.namespace()
    except OSError:
        why = f"Container {program.name!r} is not running any more."
        raise EngineError(ErrorCode.WRONG_STATE, why) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(program: Program) -> dict[str, str]:
    """Its files that tell names."""
    found = {}
    for inside, path in program.files().items():
        with suppress(OSError), Path(path).open("rb") as file:
            found[inside] = file.read(MOST_READ).decode(errors="replace")
    return found
