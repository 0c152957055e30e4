"""Follows one host for as long as the console runs: whether its engine is there, its containers, its terminals.

Comes back by itself. What it hears it writes to the `Host` and tells by messages. Imports the client and the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from textual.message import Message

from engine.client import tunnels
from engine.client.aio import Connection
from engine.client.errors import ClientError, EngineNotRunning
from engine.protocol.messages import Containers, Event, ListContainers, ListTerminals, StreamEvents, Terminals
from heliostui.hosts.host import Host
from heliostui.messages import EngineDown, EngineUp, LimitMet

Post: TypeAlias = Callable[[Message], object]
FIRST_DELAY, LONGEST_DELAY = 0.05, 2.0  # seconds between attempts to reach an engine that is away
LONGEST_THERE = 10.0  # the same for another machine's, where an attempt is a whole ssh connection
KEEPER_PATIENCE = 5.0  # seconds in which a keeper has restarted its engine; later there is nobody to wait for


class Watch:
    """Of one host. `listed(host, anew)` is called when its lists are new; `anew`: the first since it was away."""

    def __init__(self, host: Host, post: Post, listed: Callable[[Host, bool], object]) -> None:
        self._host, self._post, self._listed = host, post, listed
        self._wanted = asyncio.Event()

    def start_engine(self) -> None:
        """Start an engine that nobody runs any more, instead of waiting for it."""
        self._wanted.set()

    async def run(self) -> None:
        """Until it is cancelled. The engine is started at first, and awaited when it is lost."""
        start = True
        if self._host.places.host is not None:
            tunnels.ask_no_more()  # the terminal is the console's
        while True:
            try:
                async with await Connection.open(self._host.places, start=start) as engine:
                    self._host.info, self._host.ended, self._host.reason = engine.engine, False, ""
                    self._post(EngineUp(engine.engine, self._host.key))
                    await self._follow(engine)
                reason = "The engine has ended."
            except* ClientError as errors:
                reason = str(errors.exceptions[0])
            start = await self._away(reason)

    def _down(self, reason: str, *, ended: bool) -> None:
        host = self._host
        host.info, host.ended, host.reason = None, ended, reason
        self._post(EngineDown(reason, ended, host.key))

    async def _away(self, reason: str) -> bool:
        """Wait until there is an engine to connect to, or one is to be started (the result)."""
        self._wanted.clear()
        self._down(reason, ended=False)
        loop = asyncio.get_running_loop()
        longest = LONGEST_DELAY if self._host.places.host is None else LONGEST_THERE
        delay, patient_until = FIRST_DELAY, loop.time() + KEEPER_PATIENCE
        while True:
            try:
                async with asyncio.timeout(delay):
                    await self._wanted.wait()
                    return True
            except TimeoutError:
                delay = min(2 * delay, longest)
            try:
                await (await Connection.open(self._host.places, start=False)).close()
                return False
            except EngineNotRunning as error:
                if loop.time() > patient_until:
                    self._down(str(error), ended=True)
                    patient_until = float("inf")
            except ClientError as error:
                if (str(error), False) != (self._host.reason, self._host.ended):
                    self._down(str(error), ended=False)

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
        host, anew = self._host, True
        async with await Connection.open(host.places, start=False) as engine:
            while True:
                await happened.wait()
                happened.clear()
                host.containers = (await engine.request(ListContainers(all=True), Containers)).containers
                host.terminals = (await engine.request(ListTerminals(), Terminals)).terminals
                self._listed(host, anew)
                anew = False
