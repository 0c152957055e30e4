"""The real engine, but one that is killed at a given step of what it does. The keeper runs it in the engine's place.

A file `kill` in the runtime directory says how many steps are still to be done; before the next one the engine kills
itself, and the file is gone. Steps are the operations in the home network namespace, the records that are stored, and
the launches.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from engine.containers.keeper import Keeper
from engine.containers.store import Store
from engine.daemon.__main__ import main
from engine.network.kernel.home import Home

ORDER = Path(sys.argv[sys.argv.index("--runtime") + 1]) / "kill"


def step() -> None:
    try:
        left = int(ORDER.read_text())
    except FileNotFoundError:
        return
    if left:
        ORDER.write_text(str(left - 1))
        return
    ORDER.unlink()
    os.kill(os.getpid(), signal.SIGKILL)


def stepping(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def step_by_step(*args: Any, **named: Any) -> Any:
        step()
        return await work(*args, **named)

    return step_by_step


if __name__ == "__main__":
    for owner, name in ((Home, "call"), (Store, "save"), (Keeper, "launch")):
        setattr(owner, name, stepping(getattr(owner, name)))
    sys.exit(main())
