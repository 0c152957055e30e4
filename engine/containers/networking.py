"""What networks mean in a container's life: given at its start, taken back after its end, changed while it runs; and
the files in it that tell names. Imports asyncio, `engine.network` and the parts.

    containers/<id>/network/hosts, resolv.conf, hostname    mounted over the image's

They are written at each start, and in place when something changes, so that who has them mounted sees it. Who joins
another container's network has that one's hosts and resolv.conf, too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from engine.containers import namespaces, top
from engine.containers.container import Container
from engine.containers.keeper import Held
from engine.errors import EngineError
from engine.network.asked import mode
from engine.network.model import Address
from engine.network.names import host_files
from engine.network.networks import Attached, Known, Networks
from engine.network.views.view import Program
from engine.protocol import names
from engine.protocol.messages import ContainerOptions, ErrorCode, Finding
from engine.protocol.network import ContainerNetworks, NetworkOption, PortMapping, PortOption
from engine.receipts.steps import step
from engine.spec.namespaces import CONTAINER

HOSTS, RESOLV_CONF, HOSTNAME = "hosts", "resolv.conf", "hostname"
PortMappings = list[PortMapping]


class Networking:
    """`directory`: of a container, by its id; `containers`: all, by id."""

    def __init__(
        self, networks: Networks, directory: Callable[[str], Path], containers: Mapping[str, Container]
    ) -> None:
        self.networks = networks
        self._directory = directory
        self._containers = containers

    async def recover(self, held: Mapping[str, Held]) -> list[Finding]:
        """Take over the networks of what runs; `held`: what the keeper holds. What could not be done, for `doctor`."""
        known = []
        try:
            for container in self._containers.values():
                namespace = _own_namespace(held.get(container.id)) if self.expects(container) else None
                known.append(Known(container.id, container.name, container.record.options, namespace))
            await self.networks.recover(known)
            return []
        except EngineError as error:  # what runs goes on, and can be seen to
            return [Finding(name="networks", status="limited", text=error.message)]
        finally:
            for one in known:
                if one.namespace is not None:
                    os.close(one.namespace)

    # Start and end

    def expects(self, container: Container) -> bool:
        """Whether its network namespace is likely to be made ready: only `attach` knows for sure."""
        return mode(container.record.options) == "networks"

    def prepare(self, container: Container) -> None:
        """Let there be files to mount. Blocks; OSError."""
        if _has_files(container.record.options):
            self._own(container.id).mkdir(mode=0o755, exist_ok=True)
            for name in (HOSTS, RESOLV_CONF, HOSTNAME):
                os.close(os.open(self._own(container.id) / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))

    async def attach(self, container: Container, user_namespace: int | None) -> Attached:
        """Give it what it asks for, and say so in its files. EngineError, OSError; then it was given nothing."""
        attached = await self.networks.attach(container.id, user_namespace)
        try:
            await self.write(container)
        except BaseException:
            close(attached)
            await self.undo(container.id)
            raise
        return attached

    async def detach(self, id: str) -> None:
        """Its program has ended: take back what it was given."""
        await self.networks.detach(id)

    async def undo(self, id: str) -> None:
        """Its program was never reached: when this returns, nothing is left of the attempt."""
        await self.networks.detach(id)
        await self.networks.fallen(id)

    # Verbs; the container's lock is the caller's

    async def connect(self, container: Container, option: NetworkOption) -> None:
        """Put it into one more network; at once, if it runs."""
        options = await self._live(container, lambda live: self.networks.connect(container.id, option, live))
        try:
            await container.update(options=options)
        except BaseException:
            await self._live(container, lambda live: self.networks.disconnect(container.id, option.name, live))
            raise
        await self.write(container)

    async def disconnect(self, container: Container, name: str) -> None:
        """Take it out of a network; at once, if it runs."""
        options = await self._live(container, lambda live: self.networks.disconnect(container.id, name, live))
        await container.update_anyhow(options=options)
        await self.write(container)

    async def publish(self, container: Container, port: PortOption) -> PortMappings:
        """Publish one more port; at once, if it runs. What is new."""
        options, new = await self.networks.publish(container.id, port)
        try:
            await container.update(options=options)
        except BaseException:
            await self.networks.unpublish(container.id, port.container, port.protocol)
            raise
        return new

    async def unpublish(self, container: Container, port: int, protocol: str) -> PortMappings:
        """Publish a port of it nowhere any more; at once, if it runs. What is gone."""
        options, gone = await self.networks.unpublish(container.id, port, protocol)
        await container.update_anyhow(options=options)
        return gone

    async def renamed(self, container: Container) -> None:
        """It has another name."""
        self.networks.renamed(container.id, container.name)
        if container.live:
            await self.write(container)

    # What people look at

    def program(self, container: Container) -> Program:
        """What runs in it, as far as its network goes. EngineError(WRONG_STATE) when nothing does."""
        run, options = container.running(), container.record.options
        way = options.namespaces.get("network", "")
        other = self._containers.get(way.removeprefix(CONTAINER)) if way.startswith(CONTAINER) else None
        return Program(
            id=container.id,
            name=container.name,
            namespace=partial(namespaces.open_own, run.held, "network"),
            pids=run.cgroup.processes if run.cgroup is not None else partial(top.in_namespace_of, run.held.pid),
            files=partial(self.files, container.id, options),
            servers=options.dns,
            of=other.name if other is not None else "",
            ended=run.ended,
        )

    async def _live(
        self, container: Container, change: Callable[[int | None], Awaitable[ContainerOptions]]
    ) -> ContainerOptions:
        """With its network namespace, if it runs. EngineError(WRONG_STATE) when it ends just now."""
        if container.run is None or not container.live:
            return await change(None)
        namespace = _own_namespace(container.run.held)
        if namespace is None:
            raise EngineError(ErrorCode.WRONG_STATE, f"Container {container.name!r} has ended just now: try again.")
        try:
            return await change(namespace)
        finally:
            os.close(namespace)

    # Files

    def files(self, id: str, options: ContainerOptions) -> dict[str, str]:
        """Paths inside of a new container, and the files that are mounted there."""
        if not _has_files(options):
            return {}
        shared = self._own(self._owner(id, options))
        return {
            "/etc/hosts": str(shared / HOSTS),
            "/etc/resolv.conf": str(shared / RESOLV_CONF),
            "/etc/hostname": str(self._own(id) / HOSTNAME),
        }

    def _owner(self, id: str, options: ContainerOptions) -> str:
        """Whose network it is, at the end of the chain."""
        way = options.namespaces.get("network", "")
        while way.startswith(CONTAINER):
            other = self._containers.get(way.removeprefix(CONTAINER))
            if other is None or not _has_files(other.record.options):
                break
            id, way = other.id, other.record.options.namespaces.get("network", "")
        return id

    def _own(self, id: str) -> Path:
        return self._directory(id) / "network"

    async def write(self, container: Container) -> None:
        """Bring its files up to date. OSError; EngineError(INVALID) for an added host that has no address."""
        options = container.record.options
        if _has_files(options):
            shares = self._owner(container.id, options) != container.id
            detail = self.networks.detail(container.id)
            own = self._own(container.id)
            with step("write", own, "hosts, resolv.conf, hostname"):
                await asyncio.to_thread(_write, own, container, detail, shares=shares)


def close(attached: Attached) -> None:
    """The descriptor that `attach` gave."""
    if attached.namespace is not None:
        os.close(attached.namespace)


def check(options: ContainerOptions) -> None:
    """EngineError(INVALID) for what no file could say."""
    try:
        for host in options.hosts:
            names.added_host(host)
        for server in options.dns:
            names.server(server)
        for domain in options.dns_search:
            names.search_domain(domain)
        for option in options.dns_options:
            names.resolver_option(option)
        for network in options.networks:
            for alias in network.aliases:
                names.host_name(alias)
    except ValueError as error:
        raise EngineError(ErrorCode.INVALID, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def _has_files(options: ContainerOptions) -> bool:
    """A bundle brings its own."""
    return options.bundle is None


def _own_namespace(held: Held | None) -> int | None:
    """That of a program that runs."""
    if held is not None and held.wait_status is None:
        with suppress(OSError):
            return namespaces.open_own(held, "network")
    return None


def _write(directory: Path, container: Container, detail: ContainerNetworks, *, shares: bool) -> None:
    options = container.record.options
    hostname = options.hostname or container.id
    if options.namespaces.get("uts") == "host":
        hostname = os.uname().nodename
    directory.mkdir(mode=0o755, exist_ok=True)
    _put(directory / HOSTNAME, f"{hostname}\n")
    if shares:
        return
    addresses = [ip_address(one) for endpoint in detail.endpoints for one in (endpoint.ip, endpoint.ip6) if one]
    ways = [(endpoint.gateway, endpoint.gateway6) for endpoint in detail.endpoints if endpoint.ip or endpoint.ip6]
    gateways = [ip_address(way) for way in (ways[0] if ways else ()) if way]
    own = (hostname, container.name)
    try:
        if detail.mode == "host":
            base = Path("/etc/hosts").read_text(errors="replace")
            text = host_files.hosts(own, addresses, options.hosts, [ip_address("127.0.0.1")], base)
        else:
            text = host_files.hosts(own, addresses, options.hosts, gateways)
    except ValueError as error:
        raise EngineError(ErrorCode.INVALID, f"--add-host: {error}.") from None
    _put(directory / HOSTS, text)
    _put(directory / RESOLV_CONF, _resolv_conf(options, [ip_address(way or way6) for way, way6 in ways]))


def _resolv_conf(options: ContainerOptions, resolvers: list[Address]) -> str:
    """`resolvers`: where ours listens for it; none: the host's file serves, unless something else was asked for."""
    try:
        of_host = Path("/etc/resolv.conf").read_text(errors="replace")
    except OSError:
        of_host = ""
    if not (resolvers or options.dns or options.dns_search or options.dns_options):
        return of_host
    servers = resolvers or [ip_address(server) for server in options.dns]
    search = host_files.search(options.dns_search, _search(of_host))
    return host_files.resolv_conf(servers, search, options.dns_options)


def _search(resolv_conf: str) -> list[str]:
    """The last line counts (resolv.conf(5))."""
    found: list[str] = []
    for line in resolv_conf.splitlines():
        word, *rest = line.split() or [""]
        if word in ("search", "domain"):
            found = rest
    return found


def _put(path: Path, text: str) -> None:
    """Into the file that is there, since that one is mounted; it is never empty for who reads it meanwhile."""
    data = text.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(descriptor, data, 0)
        os.truncate(descriptor, len(data))
    finally:
        os.close(descriptor)
