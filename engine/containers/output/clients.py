"""Those who are attached to a program, each at a speed of its own.

Clients of a terminal have a queue of bounded size. Who lags behind it gets the present screen now and then, and once
the program is calm again the lines that were missed. Clients of pipes read on from the log. Where there is no log
(exec), reading waits for the slowest.

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
FRAME = 0.05  # seconds between two looks at the screen of a program that writes more than a client takes
CALM = 16_384  # bytes in that time that are no flood
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
    """Gets the screen, with the scrollback, unless it is blank, and then what is new.

    When that does not fit into the queue, the client is `stale`: what it gets is redraws, without scrollback as long as
    the flood goes on. The last one has all lines that have gone by since what the client was sent before the first.
    """

    def __init__(self, stdio: Stdio, screen: Screen) -> None:
        super().__init__(stdio)
        self._screen = screen
        self._told = screen.size
        self._scrolled = 0
        self._lines: deque[int] = deque()  # that went off the screen with each message in the queue
        self._fresh = 0  # bytes that came since the last redraw
        self._frame: asyncio.TimerHandle | None = None
        self.rebuilt()

    def rebuilt(self) -> None:
        self._stale = not self._screen.blank
        self._missed = SCROLLBACK if self._stale else 0
        self._scrolled = self._screen.terminal.scrolled

    def put(self, message: Output | Resized) -> None:
        scrolled = self._screen.terminal.scrolled
        # Another size takes lines from the screen, or gives it some: the client's own does the same.
        lines = scrolled - self._scrolled if isinstance(message, Output) else 0
        self._scrolled = scrolled
        if self._stale:
            self._missed = min(self._missed + lines, SCROLLBACK)
            self._fresh += len(message.data) if isinstance(message, Output) else 0
            return
        super().put(message)
        self._lines.append(lines)
        if self._size > QUEUE:
            self._missed, self._fresh = min(sum(self._lines), SCROLLBACK), self._size
            self._queue.clear()
            self._lines.clear()
            self._size = 0
            self._stale = True

    def _next(self) -> Output | Resized | None:
        if self._stale:
            return self._redraw()
        before = len(self._queue)
        message = super()._next()
        for _ in range(before - len(self._queue)):
            self._lines.popleft()
        if isinstance(message, Resized):
            self._told = (message.columns, message.lines)
        return message

    def _redraw(self) -> Output | Resized | None:
        """What a stale client gets, if it is time."""
        calm = self._fresh < CALM or self._stdio.ended
        if self._frame is not None and not self._stdio.ended:
            return None
        if self._told != self._screen.size:
            columns, lines = self._told = self._screen.size
            return Resized(columns=columns, lines=lines)
        self._fresh = 0
        if calm:
            self._stale = False
            missed, self._missed = self._missed, 0
            return Output(data=self._screen.redraw(missed), redraw=True)
        self._frame = asyncio.get_running_loop().call_later(FRAME, self._look_again)
        return Output(data=self._screen.redraw(), redraw=True)

    def _look_again(self) -> None:
        self._frame = None
        self.wake()

    def close(self) -> None:
        if self._frame is not None:
            self._frame.cancel()
        super().close()


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
