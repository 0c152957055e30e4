"""The networks of an ordinary user's engine: a network namespace of its own, its way into the world, published ports.

Without rights in the host's network the bridges of such an engine are in a namespace that its user namespace owns
(`Home` works in there as it does for root). It needs processes, which the keeper holds: they outlive the engine, and
end with the keeper.

    network/namespace                sleeps in the namespace, which is there as long as it is
    network/pasta, …/slirp4netns     connects it to the world: see `way_out`
    network/ports                    takes connections at published ports of the host: see `forwarding`

docs/rootless-network.md says what that means for users. Imports what is beside it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from engine.containers.keeper import Keeper
from engine.errors import EngineError
from engine.network.kernel import rtnetlink
from engine.network.kernel.home import Home
from engine.network.kernel.netlink import Netlink
from engine.network.model import Forward
from engine.network.rootless import callers
from engine.network.rootless.beside import Command, Program
from engine.network.rootless.forwarder import Forwarder
from engine.network.rootless.way_out import WayOut
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import apart

log = logging.getLogger("engine.network")

SLEEP = ["sleep", "infinity"]
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds before what has ended is started again; doubled each time
LONG_LIFE = 60.0  # seconds after which an end is no failure to start


class Kept(Protocol):
    """What is started again when it ends."""

    name: str

    async def ended(self) -> None:
        """Wait until it has."""


class Uplink:
    """`runtime`: the directory for a unix socket."""

    def __init__(self, keeper: Keeper, runtime: Path) -> None:
        self._holder = Program(keeper, "namespace")
        self._way_out = WayOut(keeper)
        self._forwarder = Forwarder(keeper, runtime / "ports.sock")
        self._home: Home | None = None
        self._opening = asyncio.Lock()
        self._keeping: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> str:
        """pasta or slirp4netns; empty where there is nothing (yet)."""
        return self._way_out.name

    @property
    def reason(self) -> str:
        """Why there is no way into the world; empty where there is one, and before `open`."""
        return self._way_out.reason

    async def open(self) -> Home:
        """The namespace, made or found again, connected to the world; the caller closes it, after `let_go`.

        EngineError says why there is none, and how to mend it; then nothing is left. Where containers are in there
        already a way into the world that can't be had is no error: it is tried again and again.
        """
        async with self._opening, AsyncExitStack() as undo:
            is_new = not self._holder.runs
            if is_new:
                undo.push_async_callback(self.close)
                # Without rights, or pasta, which has given up its own, may not look into its namespace (ptrace(2)).
                await self._holder.start(Command(SLEEP, namespace="new", powerless=True))
            else:
                self._holder.listen()
            home = _home(self._path)
            undo.callback(home.close)
            await home.call(_prepare)
            await self._let_callers_be_seen(home)
            await self._find_way_out(home, is_new)
            if self._forwarder.program.held is not None:
                await self._forwarder.find(home.descriptor)
                self._keep(self._forwarder.program, self._forward_again)
            undo.pop_all()
            self._home = home
            self._keep(self._holder, self._hold_again)
            self._keep(self._way_out, self._connect_again)
            return home

    async def ensure(self, forwards: Collection[Forward]) -> None:
        """Publish just these, whatever an earlier engine has left. Raises EngineError."""
        await self._forwarder.unpublish(set(self._forwarder.forwards) - set(forwards))
        await self.publish(forwards)

    async def publish(self, forwards: Collection[Forward]) -> None:
        """Let ports of the host lead to containers, all of them or none; what is published already stays. EngineError:
        in use, no such address, not for ordinary users."""
        if not forwards:
            return
        assert self._home is not None
        if self._forwarder.program.held is None:
            await self._forwarder.start(self._home.descriptor)
            self._keep(self._forwarder.program, self._forward_again)
        await self._forwarder.publish(forwards)

    async def unpublish(self, forwards: Collection[Forward]) -> None:
        """And no longer. Connections go on until one of their ends closes them."""
        await self._forwarder.unpublish(forwards)

    async def let_go(self) -> None:
        """Leave everything as it is, for the next engine."""
        tasks, self._keeping = self._keeping, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for program in (self._holder, self._forwarder.program, *self._way_out.programs.values()):
            program.deafen()
        self._home = None

    async def close(self) -> None:
        """End it all, whichever engine has made it."""
        await self.let_go()
        await self._forwarder.end()
        await self._way_out.end()
        await self._holder.end()

    async def _let_callers_be_seen(self, home: Home) -> None:
        try:
            await home.call(callers.prepare)
            self._forwarder.as_caller = True
        except EngineError as error:
            log.warning("containers will not see who calls a published port: %s", error.message)

    async def _find_way_out(self, home: Home, is_new: bool) -> None:
        if self._way_out.find():
            return
        try:
            await self._way_out.connect(home, self._path)
        except EngineError as error:
            if is_new:
                raise
            log.error("%s", error.message)

    @property
    def _path(self) -> str:
        """Of the namespace, as other programs find it."""
        if (held := self._holder.held) is None:
            raise _not_held()
        return f"/proc/{held.pid}/ns/net"

    # What ends by itself is started again.

    def _keep(self, kept: Kept, again: Callable[[Home], Awaitable[None]]) -> None:
        with apart():
            self._keeping.add(asyncio.create_task(self._start_again_and_again(kept, again)))

    async def _start_again_and_again(self, kept: Kept, again: Callable[[Home], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            since = loop.time()
            await kept.ended()
            if loop.time() - since > LONG_LIFE:
                pause = FIRST_PAUSE
            log.warning("%s has ended, and is started again", kept.name or "the way into the world")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            assert self._home is not None
            try:
                await again(self._home)
            except EngineError as error:
                log.error("%s", error.message)

    async def _hold_again(self, home: Home) -> None:
        await self._holder.start(Command(SLEEP, namespace=home.descriptor, powerless=True))

    async def _connect_again(self, home: Home) -> None:
        await self._way_out.connect(home, self._path)

    async def _forward_again(self, home: Home) -> None:
        await self._forwarder.start(home.descriptor)


def _home(path: str) -> Home:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise _not_held() from None
    try:
        return Home(descriptor)
    finally:
        os.close(descriptor)


def _not_held() -> EngineError:
    return EngineError(ErrorCode.LAUNCH_FAILED, "The process that holds the containers' network has ended: try again.")


def _prepare() -> None:
    """Loopback up: pasta does that, slirp4netns too, but who knows the next one."""
    with Netlink() as netlink:
        netlink.do(rtnetlink.set_link("lo", up=True))
