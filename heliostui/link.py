"""The console's line to the engines of its hosts: asks the one that a request is for, and tells what they say.

Its coroutines run as workers of the screen and post `heliostui.messages`. Imports the client, the protocol, hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from msgspec import structs

from engine.client import tunnels
from engine.client.aio import Connection
from engine.client.errors import ClientError, ConnectionLost, EngineUnreachable, RequestFailed
from engine.places import LOCAL, Places
from engine.protocol.messages import (
    CaptureChunk,
    ContainerNetwork,
    ContainerRef,
    DnsLog,
    ErrorCode,
    GetContainerNetwork,
    GetHistory,
    GetLaunch,
    History,
    InspectContainer,
    Inspected,
    JobTable,
    Launch,
    Message,
    NetworkMap,
    Reply,
    Request,
    Stats,
    StreamCapture,
    StreamDns,
    StreamJobs,
    StreamNetworkMap,
    StreamStats,
    TerminalRef,
    Terminals,
)
from heliostui.hosts.host import Host
from heliostui.hosts.hosts import Hosts
from heliostui.hosts.watch import Post, Watch
from heliostui.messages import (
    ContainersListed,
    HistoryArrived,
    InspectArrived,
    JobsArrived,
    LaunchArrived,
    MapArrived,
    NamesAsked,
    NetworkArrived,
    StatsArrived,
    TerminalsListed,
)

R = TypeVar("R", bound=Reply)
NETWORK_PERIOD = 1.0  # seconds between two looks at a container's network


class Link:
    """One console's line to its hosts. `post` takes what there is to tell."""

    def __init__(self, places: Places | Sequence[Places], post: Post) -> None:
        self.hosts = Hosts([places] if isinstance(places, Places) else places)
        self._post = post
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None

    async def request(self, message: Request, reply: type[R]) -> R:
        """Ask on a connection of its own, so that a slow answer keeps nothing else waiting.

        Raises RequestFailed, and EngineUnreachable or ConnectionLost while the engine is away.
        """
        host = self.hosts.of(message)
        async with await Connection.open(host.places, start=False) as engine:
            answer = await engine.request(self.hosts.plain(message), reply)
        return self._as_here(answer, host)

    def _as_here(self, answer: R, host: Host) -> R:
        """What an engine answers in names that are the only ones of their kind here."""
        match answer:
            case ContainerRef():
                self.hosts.own(answer.id, host)
            case TerminalRef():
                return structs.replace(answer, terminal=self.hosts.outside(host, answer.terminal))
            case Terminals():
                host.terminals = answer.terminals
                return structs.replace(answer, terminals=self.hosts.terminals)
        return answer

    @asynccontextmanager
    async def connection(self, whom: Message | str | None = None) -> AsyncIterator[Connection]:
        """A connection to an engine that runs; it is not started for this. Raises EngineUnreachable.

        `whom`: a message that it is for, or a container; by default it is the selected container's.
        """
        host = self.hosts.of(whom) if isinstance(whom, Message) else self.hosts.owner(whom) or self.hosts.here
        async with await Connection.open(host.places, start=False) as engine:
            yield engine

    # --- the hosts ---

    @property
    def here(self) -> Host:
        """The host of the selected container."""
        return self.hosts.here

    def select(self, container: str | None) -> None:
        """From now on its host gets what names no container."""
        self.hosts.selected = container

    def start_engine(self) -> None:
        """Start the engines that nobody runs any more, instead of waiting for them."""
        for host in self.hosts:
            if host.ended and host.key in self._watches:
                self._watches[host.key][0].start_engine()

    async def watch(self) -> None:
        """Follow all hosts for as long as the console runs."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for host in self.hosts:
                    self._watch(host)
                await asyncio.Event().wait()  # until it is cancelled
        finally:
            for host in self.hosts:
                _let_go(host.key)

    def _watch(self, host: Host) -> None:
        assert self._group is not None
        watch = Watch(host, self._post, self._listed)
        self._watches[host.key] = (watch, self._group.create_task(watch.run()))

    def _listed(self, host: Host, anew: bool) -> None:
        self.hosts.listed(host)
        self._post(ContainersListed(self.hosts.containers, host.key, anew))
        self._post(TerminalsListed(self.hosts.terminals, anew))

    def connect(self, places: Places) -> bool:
        """Follow one more host; False when it is followed already."""
        host = self.hosts.add(places)
        if host.key in self._watches:
            return False
        self._watch(host)
        return True

    async def disconnect(self, key: str) -> None:
        """Follow a host no more. What runs there goes on."""
        _, task = self._watches.pop(key)
        task.cancel()
        await asyncio.wait({task})
        self.hosts.remove(key)
        await asyncio.to_thread(_let_go, key)
        self._post(ContainersListed(self.hosts.containers, key))
        self._post(TerminalsListed(self.hosts.terminals))

    # --- details of one container or terminal ---

    # These tell whoever asked.

    async def jobs(self, whose: StreamJobs, post: Post) -> None:
        """Follow the jobs of a terminal."""
        try:
            async with self.connection(whose) as engine:
                async for reply in engine.stream(self.hosts.plain(whose)):
                    if isinstance(reply, JobTable):
                        post(JobsArrived(whose, reply))
            post(JobsArrived(whose, None))
        except RequestFailed as error:
            post(JobsArrived(whose, None, error.message))
        except ClientError:
            pass  # the banner says so already

    async def stats(self, whose: StreamStats, post: Post) -> None:
        """Follow what is measured of containers, on whichever hosts they are."""
        try:
            async with asyncio.TaskGroup() as group:
                for host, containers in self.hosts.shared(whose.containers):
                    request = structs.replace(whose, containers=containers)
                    group.create_task(self._stats(host, request, whose, post))
            post(StatsArrived(whose, None))
        except* RequestFailed as errors:
            post(StatsArrived(whose, None, str(errors.exceptions[0])))

    async def _stats(self, host: Host, request: StreamStats, whose: StreamStats, post: Post) -> None:
        with suppress(EngineUnreachable, ConnectionLost):  # the others go on
            async with await Connection.open(host.places, start=False) as engine:
                async for reply in engine.stream(request):
                    if isinstance(reply, Stats):
                        for sample in reply.samples:
                            post(StatsArrived(whose, sample))

    async def history(self, container: str, metrics: list[str], post: Post) -> None:
        """Fetch what is remembered of these metrics; a container that has just ended has no memory."""
        try:
            reply = await self.request(GetHistory(container=container, metrics=metrics), History)
        except ClientError:
            return
        post(HistoryArrived(container, reply.series))

    async def network(self, container: str, post: Post) -> None:
        """Look at a container's network again and again."""
        try:
            async with self.connection(container) as engine:
                while True:
                    post(
                        NetworkArrived(
                            container, await engine.request(GetContainerNetwork(container=container), ContainerNetwork)
                        )
                    )
                    await asyncio.sleep(NETWORK_PERIOD)
        except RequestFailed as error:
            post(NetworkArrived(container, None, error.message))
        except ClientError:
            pass  # the banner says so already

    async def names(self, container: str, post: Post) -> None:
        """Follow what a container asks the resolver for. One who may not see that sees nothing."""
        restart = True
        try:
            async with self.connection(container) as engine:
                async for reply in engine.stream(StreamDns(container=container)):
                    if isinstance(reply, DnsLog):
                        post(NamesAsked(container, reply.queries, restart))
                        restart = False
        except ClientError:
            pass

    async def network_map(self, post: Post) -> None:
        """Follow the networks of the machine."""
        try:
            async with self.connection() as engine:
                async for reply in engine.stream(StreamNetworkMap()):
                    if isinstance(reply, NetworkMap):
                        post(MapArrived(reply))
            post(MapArrived(None, "The engine has ended."))
        except ClientError as error:
            post(MapArrived(None, str(error)))

    async def capture(self, request: StreamCapture) -> AsyncGenerator[CaptureChunk, None]:
        """The pieces of a capture. Raises ClientError."""
        async with self.connection(request) as engine:
            async for reply in engine.stream(request):
                if isinstance(reply, CaptureChunk):
                    yield reply

    async def launch(self, container: str, post: Post) -> None:
        """Fetch the receipt of the container's last launch."""
        try:
            post(LaunchArrived(container, await self.request(GetLaunch(container=container), Launch)))
        except RequestFailed as error:
            post(LaunchArrived(container, None, error.message))
        except ClientError:
            pass  # the banner says so already

    async def inspect(self, container: str, post: Post) -> None:
        """Fetch all that is known of the container."""
        try:
            reply = await self.request(InspectContainer(container=container), Inspected)
            post(InspectArrived(container, reply.container))
        except RequestFailed as error:
            if error.code is ErrorCode.NO_SUCH_CONTAINER:
                post(InspectArrived(container, None))
        except ClientError:
            pass


def _let_go(host: str) -> None:
    """End the connection to another machine, also while it is being made."""
    if host != LOCAL:
        tunnels.close(host)
