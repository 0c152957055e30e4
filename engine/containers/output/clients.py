"""Those who are attached to a program, each at a speed of its own.

Clients of a terminal have a queue of bounded size; who lags behind it gets the present screen instead of what was
missed. Clients of pipes read on from the log. Where there is no log (exec), reading waits for the slowest.

Imports asyncio, the log, its reader, the screen and the protocol.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from engine.containers.output.log import Log
from engine.containers.output.reader import Reader
from engine.containers.output.screen import SCROLLBACK, Screen
from engine.containers.output.spool import CHUNK
from engine.protocol.messages import Output, Resized

if TYPE_CHECKING:
    from engine.containers.output.stdio import Stdio

QUEUE = 262_144  # bytes for one client
PATIENCE = 5.0  # seconds for which a client of pipes that is about to miss something is waited for


class Client(ABC):
    """Someone attached: iterate over what there is to see, until the program's output has ended or `close`."""

    def __init__(self, stdio: Stdio) -> None:
        self._stdio = stdio
        self._closed = False

    def __aiter__(self) -> AsyncIterator[Output | Resized]:
        return self

    @abstractmethod
    async def __anext__(self) -> Output | Resized: ...

    @abstractmethod
    def put(self, message: Output | Resized) -> None:
        """Something new; output is in the log already."""

    def rebuilt(self) -> None:  # noqa: B027 - of no concern to clients of pipes
        """The screen shows what an earlier engine logged, if that was anything."""

    @property
    @abstractmethod
    def holds_back(self) -> bool:
        """Whether no more should be read before this client has taken something."""

    @abstractmethod
    def wake(self) -> None:
        """Look again: the program's output has begun or ended, or the client was closed."""

    def close(self) -> None:
        """Detach; the iteration ends."""
        self._closed = True
        self._stdio.detach(self)
        self.wake()


class QueueClient(Client):
    """Has a queue, and holds back who fills it: clients of pipes without a log."""

    def __init__(self, stdio: Stdio) -> None:
        super().__init__(stdio)
        self._queue: deque[Output | Resized] = deque()
        self._size = 0
        self._more = asyncio.Event()

    def put(self, message: Output | Resized) -> None:
        self._queue.append(message)
        self._size += len(message.data) if isinstance(message, Output) else 0
        self._more.set()

    @property
    def holds_back(self) -> bool:
        return self._size > QUEUE

    def wake(self) -> None:
        self._more.set()

    async def __anext__(self) -> Output | Resized:
        while not self._closed:
            self._more.clear()
            if self._stdio.ready and (message := self._next()) is not None:
                return message
            if self._stdio.ended:
                break
            await self._more.wait()
        raise StopAsyncIteration

    def _next(self) -> Output | Resized | None:
        if not self._queue:
            return None
        message = self._queue.popleft()
        return message if isinstance(message, Resized) else self._joined(message)

    def _joined(self, first: Output) -> Output:
        """`first` with those after it of the same stream, as far as they make 64 KiB."""
        chunks, size = [first.data], len(first.data)
        while self._queue and isinstance(output := self._queue[0], Output) and output.stream == first.stream:
            if size + len(output.data) > CHUNK:
                break
            chunks.append(output.data)
            size += len(output.data)
            self._queue.popleft()
        self._size -= size
        self._stdio.go_on()
        return Output(data=b"".join(chunks), stream=first.stream)


class TerminalClient(QueueClient):
    """Gets the screen, with the scrollback, unless it is blank, and then what is new; in place of what does not fit, a
    redraw."""

    def __init__(self, stdio: Stdio, screen: Screen) -> None:
        super().__init__(stdio)
        self._screen = screen
        self._stale = not screen.blank
        self._history = SCROLLBACK if self._stale else 0
        self._told = screen.size

    def rebuilt(self) -> None:
        self._stale = not self._screen.blank
        self._history = SCROLLBACK if self._stale else 0

    def put(self, message: Output | Resized) -> None:
        if self._stale:
            return
        super().put(message)
        if self._size > QUEUE:
            self._queue.clear()
            self._size = 0
            self._stale = True

    def _next(self) -> Output | Resized | None:
        if self._stale and self._told != self._screen.size:
            columns, lines = self._told = self._screen.size
            return Resized(columns=columns, lines=lines)
        if self._stale:
            self._stale = False
            history, self._history = self._history, 0
            return Output(data=self._screen.redraw(history), redraw=True)
        message = super()._next()
        if isinstance(message, Resized):
            self._told = (message.columns, message.lines)
        return message


class LogClient(Client):
    """Reads the log: clients of pipes with one."""

    def __init__(self, stdio: Stdio, log: Log) -> None:
        super().__init__(stdio)
        self._log = log
        self._reader = Reader(log, log.end, 0)
        self._records: deque[Output] = deque()
        self._taken = -PATIENCE

    def put(self, message: Output | Resized) -> None:
        """It is read from the log."""

    def wake(self) -> None:
        self._log.wake()

    async def __anext__(self) -> Output | Resized:
        while not self._records and not self._closed:
            until = self._stdio.end
            for record in await self._reader.records(until):
                self._records.append(Output(data=record.data, stream=record.stream))
            if not self._records and self._reader.position >= (until or self._log.end):
                if until or self._log.closed:
                    break
                await self._log.grown()
        self._taken = time.monotonic()
        self._stdio.go_on()
        if not self._records or self._closed:
            raise StopAsyncIteration
        return self._records.popleft()

    @property
    def holds_back(self) -> bool:
        """Who reads is waited for before the log is rotated away from under him; who does not read is not."""
        far = self._log.behind(self._reader.position) > self._log.capacity // 2
        return far and time.monotonic() - self._taken < PATIENCE

    def close(self) -> None:
        super().close()
        self._reader.close()
