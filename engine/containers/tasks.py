"""Tasks that live as long as the engine: owned, their defects logged, ended together. Imports asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.errors import EngineError

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Tasks:
    """What runs beside the requests."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run something for as long as the engine lives; a defect in it is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, EngineError):
            _log.error("%s failed", task.get_name(), exc_info=error)

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` to its end, whatever becomes of the caller."""
        return await asyncio.shield(self.spawn(work, "request"))

    async def close(self) -> None:
        """Cancel all of them, and wait until they have ended."""
        while tasks := [task for task in self._tasks if task is not asyncio.current_task()]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
