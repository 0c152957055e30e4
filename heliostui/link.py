"""The console's line to the engine: knows whether it is there, tells what it says, and comes back by itself.

Its coroutines run as workers of the screen and post `heliostui.messages`. Imports the client and the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

from textual.message import Message

from engine.client.aio import Connection
from engine.client.errors import ClientError, EngineNotRunning, RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    CaptureChunk,
    ContainerNetwork,
    Containers,
    DnsLog,
    ErrorCode,
    Event,
    GetContainerNetwork,
    GetHistory,
    GetLaunch,
    History,
    InspectContainer,
    Inspected,
    JobTable,
    Launch,
    ListContainers,
    ListTerminals,
    LogRecord,
    NetworkMap,
    Reply,
    Request,
    Stats,
    StreamCapture,
    StreamDns,
    StreamEvents,
    StreamJobs,
    StreamLogs,
    StreamNetworkMap,
    StreamStats,
    Terminals,
)
from heliostui.messages import (
    ContainersListed,
    EngineDown,
    EngineUp,
    HistoryArrived,
    InspectArrived,
    JobsArrived,
    LaunchArrived,
    LimitMet,
    LogsArrived,
    MapArrived,
    NamesAsked,
    NetworkArrived,
    StatsArrived,
    TerminalsListed,
)

Post: TypeAlias = Callable[[Message], object]
R = TypeVar("R", bound=Reply)
FIRST_DELAY, LONGEST_DELAY = 0.05, 2.0  # seconds between attempts to reach an engine that is away
KEEPER_PATIENCE = 5.0  # seconds in which a keeper has restarted its engine; later there is nobody to wait for
LOG_TAIL = 10_000  # lines of a log that are read at first
LOG_BATCH = 2_000  # records
NETWORK_PERIOD = 1.0  # seconds between two looks at a container's network


class Link:
    """One console's line to one engine. `post` takes what there is to tell."""

    def __init__(self, places: Places, post: Post) -> None:
        self._places = places
        self._post = post
        self._wanted = asyncio.Event()

    async def request(self, message: Request, reply: type[R]) -> R:
        """Ask on a connection of its own, so that a slow answer keeps nothing else waiting.

        Raises RequestFailed, and EngineUnreachable or ConnectionLost while the engine is away.
        """
        async with self.connection() as engine:
            return await engine.request(message, reply)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection to an engine that runs; it is not started for this. Raises EngineUnreachable."""
        async with await Connection.open(self._places, start=False) as engine:
            yield engine

    # --- the engine and its containers ---

    def start_engine(self) -> None:
        """Start an engine that nobody runs any more, instead of waiting for it."""
        self._wanted.set()

    async def watch(self) -> None:
        """Follow the engine for as long as the console runs. It is started at first, and awaited when it is lost."""
        start = True
        while True:
            try:
                async with await Connection.open(self._places, start=start) as engine:
                    self._post(EngineUp(engine.engine))
                    await self._follow(engine)
                reason = "The engine has ended."
            except* ClientError as errors:
                reason = str(errors.exceptions[0])
            start = await self._away(reason)

    async def _away(self, reason: str) -> bool:
        """Wait until there is an engine to connect to, or one is to be started (the result)."""
        self._wanted.clear()
        self._post(EngineDown(reason, ended=False))
        loop = asyncio.get_running_loop()
        delay, patient_until = FIRST_DELAY, loop.time() + KEEPER_PATIENCE
        while True:
            try:
                async with asyncio.timeout(delay):
                    await self._wanted.wait()
                    return True
            except TimeoutError:
                delay = min(2 * delay, LONGEST_DELAY)
            try:
                await (await Connection.open(self._places, start=False)).close()
                return False
            except EngineNotRunning as error:
                if loop.time() > patient_until:
                    self._post(EngineDown(str(error), ended=True))
                    patient_until = float("inf")
            except ClientError as error:
                self._post(EngineDown(str(error), ended=False))

    async def _follow(self, engine: Connection) -> None:
        """List what there is whenever something happened; what happens during one listing is covered by one more."""
        happened = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            lister = group.create_task(self._list(happened))
            try:
                async for event in engine.stream(StreamEvents()):  # Ready first, then Event
                    happened.set()
                    if isinstance(event, Event) and event.action in ("oom", "pids_limit"):
                        self._post(LimitMet(event))
            finally:
                lister.cancel()

    async def _list(self, happened: asyncio.Event) -> None:
        async with await Connection.open(self._places, start=False) as engine:
            while True:
                await happened.wait()
                happened.clear()
                reply = await engine.request(ListContainers(all=True), Containers)
                self._post(ContainersListed(reply.containers))
                self._post(TerminalsListed((await engine.request(ListTerminals(), Terminals)).terminals))

    # --- details of one container or terminal ---

    # These tell whoever asked.

    async def jobs(self, whose: StreamJobs, post: Post) -> None:
        """Follow the jobs of a terminal."""
        try:
            async with self.connection() as engine:
                async for reply in engine.stream(whose):
                    if isinstance(reply, JobTable):
                        post(JobsArrived(whose, reply))
            post(JobsArrived(whose, None))
        except RequestFailed as error:
            post(JobsArrived(whose, None, error.message))
        except ClientError:
            pass  # the banner says so already

    async def stats(self, whose: StreamStats, post: Post) -> None:
        """Follow what is measured of one container."""
        try:
            async with self.connection() as engine:
                async for reply in engine.stream(whose):
                    if isinstance(reply, Stats):
                        for sample in reply.samples:
                            post(StatsArrived(whose, sample))
            post(StatsArrived(whose, None))
        except RequestFailed as error:
            post(StatsArrived(whose, None, error.message))
        except ClientError:
            pass  # the banner says so already

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
            async with self.connection() as engine:
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
            async with self.connection() as engine:
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
        async with self.connection() as engine:
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

    async def logs(self, container: str, post: Post) -> None:
        """Read the end of the container's log and follow it.

        Records are posted in batches: one is under way at a time, and reading waits while it grows too large.
        """
        batch: list[LogRecord] = []
        taken = asyncio.Event()
        post(LogsArrived(container, batch, taken, restart=True))
        request = StreamLogs(container=container, tail=LOG_TAIL, follow=True, onward=True)
        try:
            async with self.connection() as engine:
                async for reply in engine.stream(request):
                    if not isinstance(reply, LogRecord):
                        continue
                    batch.append(reply)
                    if len(batch) == 1:
                        taken.clear()
                        post(LogsArrived(container, batch, taken))
                    elif len(batch) >= LOG_BATCH:
                        await taken.wait()
        except ClientError:
            pass  # the container is gone from the list too, or the banner says that the engine is
