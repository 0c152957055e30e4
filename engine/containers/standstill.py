"""Moments in which all processes of a container stand still, for a look that has to be of one moment.

While it lasts, a mark lies beside the container's spool: should the engine be killed meanwhile, the next one lets the
container go on. Imports asyncio and the cgroups.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from engine.cgroups import Cgroup

MARK = "standstill"


@asynccontextmanager
async def standstill(cgroup: Cgroup, spool: Path, patience: float) -> AsyncIterator[None]:
    """Freeze the container meanwhile; `spool`: its directory. The kernel gets `patience` seconds. Raises TimeoutError,
    OSError; however it ends, the container goes on."""
    mark = spool / MARK

    def begin() -> None:
        mark.touch()
        cgroup.freeze(patience)

    freezing = asyncio.ensure_future(asyncio.to_thread(begin))
    try:
        await asyncio.shield(freezing)
        yield
    finally:
        await asyncio.wait([freezing])  # a thread can't be called back: what it does must not come after the end
        freezing.exception()
        await asyncio.to_thread(_end, cgroup, mark)


def undo(cgroup: Cgroup, spool: Path) -> bool:
    """Let a container go on that an engine was looking at when it was killed; was it so? Blocks; OSError."""
    if not (mark := spool / MARK).exists():
        return False
    _end(cgroup, mark)
    return True


def _end(cgroup: Cgroup, mark: Path) -> None:
    with suppress(OSError):  # the container has ended, and its cgroup is gone
        cgroup.thaw()
    mark.unlink(missing_ok=True)
