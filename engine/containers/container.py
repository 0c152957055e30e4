"""A container in memory: its record, and what belongs to its program while that runs. Imports asyncio and the parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.cgroups import Cgroup
from engine.containers import states
from engine.containers.keeper import Held
from engine.containers.output.log import Log
from engine.containers.output.stdio import Stdio
from engine.containers.record import Record
from engine.containers.store import Store, Stored
from engine.errors import EngineError
from engine.images import Image
from engine.protocol.messages import ContainerOptions, ErrorCode, Launch
from engine.protocol.network import Health
from engine.receipts.steps import Recorder
from engine.spec.structs import Spec


@dataclass(eq=False)
class Run:
    """One run of a container's program, from its launch until nothing of it is left."""

    held: Held
    stdio: Stdio
    cgroup: Cgroup | None
    begun: float = field(default_factory=time.monotonic)
    stopping: bool = False  # it ends because somebody asked, so its restart policy rests
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # its end is on record, and nothing of it is left
    over: asyncio.Event = field(default_factory=asyncio.Event)  # and what follows is done: --rm, or waiting to restart
    exit_code: int = 0  # once it ended
    programs: int = 0  # started by exec so far; numbers their keys
    health: Health | None = None  # if it has a check
    ended_by: Recorder | None = None  # whoever asked for its end, and is told what that takes


class Container:
    """One container. Verbs that must not meet hold `lock`; nothing that waits for a person or a program does.

    The record changes by `update` only, and every change is stored before it counts.
    """

    def __init__(self, stored: Stored, store: Store) -> None:
        self.record: Record = stored.record
        self.spec: Spec = stored.spec
        self.image: Image = stored.image
        self.lock = asyncio.Lock()
        self.log = Log(store.directory(stored.record.id))
        self.run: Run | None = None
        self.receipt: Callable[[], Launch] | None = None  # makes that of the last launch, until it is stored
        self.retry: asyncio.Task[None] | None = None  # waits to start it again
        self.delay = 0.0  # seconds, of the last restart
        self.removed = False
        self.unclaimed = False  # the keeper still holds the last run's end, because it could not be stored
        self._store = store
        self._writing = asyncio.Lock()

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def live(self) -> bool:
        """Whether it has processes."""
        return self.record.status in states.LIVE

    async def update(self, happening: states.Happening | None = None, **changes: Any) -> None:
        """Change the record: the status as the table says, the fields as given. EngineError(WRONG_STATE, STORAGE)."""
        async with self._writing:
            new = self._changed(happening, changes)
            await self._store.save(new)
            self.record = new

    async def describe_anew(self, spec: Spec, options: ContainerOptions) -> None:
        """Change what it is run by from its next start on. EngineError(STORAGE), with nothing changed."""
        old = self.spec
        await self._store.save_spec(self.id, self.name, spec)
        try:
            await self.update(options=options)
        except EngineError:
            with suppress(EngineError):  # the disk is full, or gone
                await self._store.save_spec(self.id, self.name, old)
            raise
        self.spec = spec

    async def update_anyhow(self, happening: states.Happening | None = None, **changes: Any) -> bool:
        """`update` for what has happened already: if it can't be stored, it counts in memory. True if it was stored."""
        try:
            await self.update(happening, **changes)
        except EngineError as error:
            if error.code != ErrorCode.STORAGE:
                raise
            self.record = self._changed(happening, changes)
            return False
        return True

    def _changed(self, happening: states.Happening | None, changes: dict[str, Any]) -> Record:
        status = self.record.status
        if happening is not None:
            status = states.after(self.name, status, happening)
        return msgspec.structs.replace(self.record, status=status, **changes)

    def running(self) -> Run:
        """Its present run. EngineError(WRONG_STATE) when it is not running."""
        if self.run is None or not self.live:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Container {self.name!r} is not running, it is {self.record.status}."
            )
        return self.run
