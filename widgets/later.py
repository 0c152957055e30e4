"""Work for `run_worker` that may be called off before its turn. Imports nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any, ParamSpec

P = ParamSpec("P")


class Later(Awaitable[None]):
    """Calls when it is awaited: of a coroutine that is made before and never awaited Python complains."""

    def __init__(self, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs) -> None:
        self._work = partial(work, *args, **kwargs)

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work().__await__()
