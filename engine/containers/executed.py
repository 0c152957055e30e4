"""A program started by exec, until it has ended. Imports asyncio and the parts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from engine.containers import signals
from engine.containers.keeper import Held, Keeper
from engine.containers.output.stdio import Stdio, drained

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
"""Runs something beside, for as long as the engine lives."""


class Executed:
    """One more program in a container. `exit_code` counts once it is `over`."""

    def __init__(self, held: Held, stdio: Stdio) -> None:
        self._held = held
        self._stdio = stdio
        self.over = asyncio.Event()
        self.exit_code = 0

    async def watch(self, keeper: Keeper, spawn: Spawn) -> None:
        """See it to its end."""
        output = spawn(self._stdio.run(), f"output of {self._held.key}")
        try:
            self.exit_code = signals.exit_code(await keeper.ended(self._held.key))
            await drained(output, self._stdio)
        finally:
            output.cancel()
            self._stdio.close()
        await keeper.forget(self._held.key)
        self.over.set()

    def kill(self) -> None:
        """End it, if it has not ended."""
        if not self.over.is_set():
            self._held.signal(signal.SIGKILL)
