"""The network namespace where our bridges, rules and resolver live, and the one thread that is in it.

Root's engine: the namespace that it runs in. Rootless: one that its user namespace owns, connected to the world by an
`uplink`; the engine's other threads stay in the host's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from engine.errors import EngineError
from engine.network.kernel import namespaces
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import carried

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Home:
    """The thread, which is never given to anybody else. `descriptor`: of the namespace, open until `close`."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor` stays the caller's; None: the namespace that the engine itself is in. Raises EngineError where
        we may not enter it."""
        self._thread = ThreadPoolExecutor(1, "home network namespace")
        self.descriptor = namespaces.current() if descriptor is None else os.dup(descriptor)
        if descriptor is None:
            return
        try:
            self._thread.submit(namespaces.enter, self.descriptor).result()
        except OSError as error:
            self.close()
            why = f"The network namespace of the containers can't be entered: {error.strerror}."
            raise EngineError(ErrorCode.UNSUPPORTED, why) from None

    async def call(
        self, work: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs
    ) -> Result:
        """What `work` returns or raises, called in the namespace; all calls one after the other in their order.

        Who is cancelled before its turn comes does nothing. Who is cancelled while it runs can't be stopped: whoever
        undoes it by another call comes after it.
        """
        return await asyncio.wrap_future(self._thread.submit(carried(work), *args, **named))

    def close(self) -> None:
        """End the thread, when it has done what it is doing."""
        self._thread.shutdown(cancel_futures=True)
        os.close(self.descriptor)
