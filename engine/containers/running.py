"""Between a container's start and its end: watching its program, recording how it ended, starting it again. Imports
asyncio and the parts.

When a program ends its exit status exists in one place only, the keeper. Hence the order: drain the output, store the
record, and only then let the keeper forget. Whenever the engine is killed in between, its successor finds the status
where it was and does it over.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from engine.containers import restart, signals, states
from engine.containers.alarms import Alarms
from engine.containers.container import Container, Run
from engine.containers.events import Bus
from engine.containers.health import Checks
from engine.containers.identity import identify
from engine.containers.keeper import Keeper
from engine.containers.launch import Launcher, LaunchError, Told
from engine.containers.output.stdio import drained
from engine.containers.states import Happening
from engine.containers.store import Store
from engine.containers.tasks import Tasks
from engine.errors import EngineError
from engine.protocol.messages import Status
from engine.receipts import steps

T = TypeVar("T")


class Running:
    """Starts containers and sees them to their end. Owns the tasks that this takes."""

    def __init__(
        self, store: Store, keeper: Keeper, bus: Bus, launcher: Launcher, remove: Callable[[Container], Awaitable[None]]
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._bus = bus
        self._launcher = launcher
        self._remove = remove  # forgets a container with its files; the caller holds its lock
        self._tasks = Tasks()
        self._alarms = Alarms(bus, self._tasks.spawn)
        self._checks = Checks(keeper, launcher, bus, self._tasks.spawn)

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run something for as long as the engine lives; a defect in it is logged."""
        return self._tasks.spawn(work, name)

    async def close(self) -> None:
        """Watch no longer. What runs goes on."""
        self._alarms.close()
        await self._tasks.close()

    # Starting

    async def start(
        self, container: Container, first: Callable[[Run], None] | None = None, *, restarts: int = 0
    ) -> None:
        """Start a container whose lock the caller holds; `first` is called with the run before its output is read.

        EngineError says why not; its record then tells, too, and is as before otherwise.
        """
        states.after(container.name, container.record.status, Happening.START)
        if container.run is not None:  # it has ended, but not all of it is cleared away
            await container.run.ended.wait()
        await self._claim(container)
        self._alarms.listen()
        try:
            run, told = await self._launcher.start(container)
        except EngineError as error:
            await container.update_anyhow(error=error.message)
            if isinstance(error, LaunchError):
                self._keep_receipt(container, error.told)
            self._bus.publish("launch_failed", container.id, container.name, error=error.message)
            raise
        try:
            await container.update(
                Happening.START,
                init=identify(run.held.pid),
                exit_code=None,
                error=None,
                asked=False,
                oom_killed=False,
                restarts=restarts,
                started_at=told.started_at,
                finished_at=None,
            )
        except BaseException:
            await self._launcher.kill(run.held)
            run.stdio.close()
            await self._launcher.clear(container.id, run.cgroup)
            raise
        if first is not None:
            first(run)
        self.watch(container, run)
        self._keep_receipt(container, told)
        await self._after_start(container, run)
        self._bus.publish("start", container.id, container.name)

    async def _after_start(self, container: Container, run: Run) -> None:
        """The hooks that belong to a start; one that fails ends the container (runtime.md, "Lifecycle")."""
        try:
            await self._launcher.hooks.after_start(container, run)
        except EngineError as error:
            run.stopping = True  # so that it is not started again
            run.held.signal(signal.SIGKILL)
            await run.ended.wait()
            await container.update_anyhow(error=error.message)
            raise

    def _keep_receipt(self, container: Container, told: Told) -> None:
        """Nobody waits for it to be stored; until then it is in memory."""
        container.receipt = told.message

        async def keep() -> None:
            await self._store.save_launch(await asyncio.to_thread(told.message))
            if container.receipt == told.message:
                container.receipt = None

        self.spawn(keep(), f"receipt of {container.id}")

    async def _claim(self, container: Container) -> None:
        """Store the end of the last run, if there was no room for it then."""
        if container.unclaimed:
            await container.update()
            await self._keeper.forget(container.id)
            container.unclaimed = False

    # Ending

    def watch(self, container: Container, run: Run, *, adopted: bool = False) -> None:
        """See a run to its end; `adopted`: one that an earlier engine began."""
        container.run = run
        with steps.apart():
            self._alarms.watch(container, run, adopted=adopted)
            self._checks.watch(container, run, adopted=adopted)
            self.spawn(self._watch(container, run), f"run of {container.id}")

    async def _watch(self, container: Container, run: Run) -> None:
        output = self.spawn(run.stdio.run(), f"output of {container.id}")
        try:
            run.exit_code = signals.exit_code(await self._keeper.ended(run.held.key))
            self._tell_who_ended_it(container, run)
            self._checks.end(run)
            await drained(output, run.stdio)
        finally:
            output.cancel()
            run.stdio.close()
        happening = self._what_next(container, run)
        stored = await container.update_anyhow(
            happening,
            exit_code=run.exit_code,
            finished_at=datetime.now(UTC),
            oom_killed=self._alarms.last_look(run),
        )
        container.unclaimed = not stored
        if stored:
            await self._keeper.forget(run.held.key)
        await self._launcher.clear(container.id, run.cgroup)
        await self._launcher.hooks.after_stop(container)
        container.run = None
        run.ended.set()
        self._bus.publish("die", container.id, container.name, exit_code=run.exit_code)
        await self._afterwards(container, run)
        run.over.set()
        container.log.wake()  # for those who follow this run

    def _tell_who_ended_it(self, container: Container, run: Run) -> None:
        """From here on all that is done belongs to the receipt of whoever asked for the end."""
        if run.ended_by is not None:
            steps.begin(run.ended_by)
            since = max((noted.end for noted in run.ended_by.steps if noted.call == "pidfd_send_signal"), default=None)
            what = f"{container.name}'s init, by the keeper"
            steps.happened("waitid", what, since=since, result=run.exit_code)

    def _what_next(self, container: Container, run: Run) -> Happening:
        record = container.record
        if run.stopping or record.asked:
            return Happening.STOP
        if restart.wanted(record.options.restart, run.exit_code, record.restarts):
            return Happening.RETRY
        return Happening.END

    async def _afterwards(self, container: Container, run: Run) -> None:
        if container.record.status == Status.RESTARTING:
            self.start_later(container, ran=time.monotonic() - run.begun)
        elif container.record.options.remove:
            async with container.lock:
                if not container.removed and not container.live:
                    await self._remove(container)

    # Starting again

    def start_later(self, container: Container, ran: float) -> None:
        """Start a restarting container after its delay; `ran`: seconds its last run took."""
        container.delay = restart.delay(container.delay, ran)
        with steps.apart():
            container.retry = self.spawn(self._retry(container, container.delay), f"restart of {container.id}")

    async def _retry(self, container: Container, delay: float) -> None:
        await asyncio.sleep(delay)
        async with container.lock:
            container.retry = None
            if container.record.status != Status.RESTARTING:
                return
            await self.start_again(container)

    async def start_again(self, container: Container) -> None:
        """Start a container by its restart policy; its lock is the caller's. A launch that fails ends it for good."""
        restarts = container.record.restarts + 1
        try:
            await self.start(container, restarts=restarts)
        except EngineError as error:
            if container.record.status == Status.RESTARTING:
                await container.update_anyhow(Happening.END, error=error.message)
            return
        self._bus.publish("restart", container.id, container.name, restarts=restarts)

    def call_off(self, container: Container) -> None:
        """Let a restart that waits not happen; the container's lock is the caller's."""
        if container.retry is not None:
            container.retry.cancel()
            container.retry = None
