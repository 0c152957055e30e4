"""Looking into a container's network namespace from outside. Imports namespaces and asyncio."""

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


async def visit(
    namespace: int, work: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs
) -> Result:
    """What `work` returns or raises, done inside of a network namespace (a descriptor, the caller's) by a thread that
    ends with it: in a user namespace nobody could come back. EngineError(UNSUPPORTED) where we may not enter.

    Who is there already needs no right to enter: an ordinary user's container in the host's network is seen, too.
    Sockets made in there stay in there. Cancelled, nobody waits for the work, which goes on to its end.
    """

    def inside() -> Result:
        try:
            if not os.path.samestat(os.fstat(namespace), os.stat("/proc/thread-self/ns/net")):
                namespaces.enter(namespace)
        except OSError as error:
            why = f"The container's network namespace can't be entered: {error.strerror}."
            raise EngineError(ErrorCode.UNSUPPORTED, why) from None
        return work(*args, **named)

    thread = ThreadPoolExecutor(1, "visit")
    try:
        return await asyncio.wrap_future(thread.submit(carried(inside)))
    finally:
        thread.shutdown(wait=False)
