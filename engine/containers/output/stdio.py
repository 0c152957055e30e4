"""The terminal or the pipes of a running program: drained, logged, shown to everyone attached, and fed with input.

Each chunk takes the same way: spool (`spool.py`), log, terminal core, attached clients. A chunk is in the log before
the next one is taken from any stream, so the log's order is the order of reading, also when the engine is killed.

Clients of a terminal have a queue of bounded size; who lags behind it gets the present screen instead of what was
missed. Clients of pipes read on from the log, at their own speed. Where there is no log (exec), reading waits for the
slowest.

The terminal core is the program's terminal: it answers what the program asks (cursor position, attributes, colours).
Clients' own terminals must not answer a second time, so such questions are taken out of what clients are sent.

Imports the log, the spool, the terminal core and the protocol.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import termios
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.containers.output import reader
from engine.containers.output.log import Log
from engine.containers.output.reader import Reader
from engine.containers.output.records import Position, Stream
from engine.containers.output.spool import CHUNK, Spool
from engine.protocol.messages import Output, Resized
from engine.terminal import Terminal

if TYPE_CHECKING:
    from engine.containers.keeper import Descriptors

QUEUE = 262_144  # bytes for one client
INPUT_QUEUE = 65_536  # bytes; who writes more waits
SCROLLBACK = 1_000  # lines
REPLAY = 262_144  # some times the screen and its scrollback, and still quick for many containers at once
LARGEST = 2_000  # columns or lines
PATIENCE = 5.0  # seconds for which a client of pipes that is about to miss something is waited for
LAST_CHUNKS = 64  # what is taken at most of a stream that others hold open, once the program has ended
_log = logging.getLogger(__name__)

_QUESTION = re.compile(
    rb"\x05|\x1bZ"  # ENQ, DECID
    rb"|\x1b\[(?:[?>=]?[0-9;]*c"  # DA1 DA2 DA3
    rb"|\??[0-9;]*n"  # DSR, CPR
    rb"|\??[0-9;]*\$p"  # DECRQM
    rb"|>[0-9;]*q"  # XTVERSION
    rb"|[01]?x"  # DECREQTPARM
    rb"|(?:1[1345689]|2[01])(?:;[0-9]*)*t"  # XTWINOPS reports
    rb"|[0-9;]*(?:\*y|\$[uw]|\"v)|&u"  # DECRQCRA DECRQTSR DECRQPSR DECRQDE DECRQUPSS
    rb"|\?(?:u|[0-9;]*[mS]))"  # Kitty keyboard, XTQMODKEYS, XTSMGRAPHICS
    rb"|\x1b\](?:(?:4|5|1[0-9]|21|50|52)[;=](?:[^\x07\x1b]{0,512}[;=])?\?[^\x07\x1b]{0,256}"  # colours, clipboard
    rb"|1337;Report[^\x07\x1b]{0,256})(?:\x07|\x1b\\)"
    rb"|\x1bP[$+]q[^\x1b]{0,1000}\x1b\\"  # DECRQSS, XTGETTCAP
    rb"|\x1b_G[^\x1b]{0,8192}\x1b\\"  # Kitty graphics: each command is answered
)
_UNFINISHED = re.compile(
    rb"\x1b(?:\[[0-?]{0,256}[ -/]{0,16}|\][^\x07\x1b]{0,1024}\x1b?|P[^\x1b]{0,1024}\x1b?|_[^\x1b]{0,8193}\x1b?)?\Z"
)
_LONGEST = 8_200


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


class _QueueClient(Client):
    """Has a queue: a client of a terminal, or of a program without a log."""

    def __init__(self, stdio: Stdio) -> None:
        super().__init__(stdio)
        self._queue: deque[Output | Resized] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self._stale = stdio.terminal is not None
        self._history = SCROLLBACK
        self._told = stdio.size

    def put(self, message: Output | Resized) -> None:
        if self._stale:
            return
        self._queue.append(message)
        self._size += len(message.data) if isinstance(message, Output) else 0
        if self._size > QUEUE and self._stdio.terminal is not None:
            self._queue.clear()
            self._size = 0
            self._stale = True
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
        size = self._stdio.size
        if self._stale and self._told != size:
            self._told = size
            return Resized(columns=size[0], lines=size[1])
        if self._stale:
            self._stale = False
            history, self._history = self._history, 0
            return Output(data=self._stdio.redraw(history), redraw=True)
        if not self._queue:
            return None
        message = self._queue.popleft()
        if isinstance(message, Resized):
            self._told = (message.columns, message.lines)
            return message
        return self._joined(message)

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


class _LogClient(Client):
    """Reads the log: clients of pipes."""

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


class Stdio:
    """One run of one program: a new one, after `log.begin()`, or one that a killed engine left.

    `directory` is where the spools are, and nothing else; with `log` None nothing is kept. `columns`
    and `lines` are for a terminal that has no size yet. `on_close_input` lets the keeper close its copy of standard
    input. The descriptors stay the caller's, who closes them after `close`; `descriptors.stdin` becomes None when it is
    closed. Raises OSError when the spools can't be opened.
    """

    def __init__(
        self,
        descriptors: Descriptors,
        log: Log | None,
        directory: Path | None,
        columns: int = 80,
        lines: int = 24,
        *,
        on_close_input: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._descriptors = descriptors
        self._log = log
        self._on_close_input = on_close_input
        self._clients: list[Client] = []
        self._reading = False
        self._impatient: asyncio.TimerHandle | None = None
        self._logs = True
        self._answers = False
        self._ready = asyncio.Event()
        self._done = asyncio.Event()
        self._failure: OSError | None = None
        self._spools = self._open_spools(directory)
        self._input = _Input(descriptors.stdin if descriptors.terminal is None else descriptors.terminal)
        self.terminal: Terminal | None = None
        self._questions = Questions()
        if descriptors.terminal is not None:
            columns, lines = self._sized(descriptors.terminal, columns, lines)
            self.terminal = Terminal(columns, lines, history=SCROLLBACK, reply=self._answer)
        self.end: Position | None = None
        """Where the run ends in the log, once it has."""

    def _open_spools(self, directory: Path | None) -> dict[Stream, Spool]:
        ends = self._descriptors
        sources: dict[Stream, int | None] = {"stdout": ends.stdout, "stderr": ends.stderr}
        if ends.terminal is not None:
            sources = {"stdout": ends.terminal}
        if self._log is None or directory is None:
            return {stream: Spool(None, source) for stream, source in sources.items() if source is not None}
        logged = self._log.recover()
        paths: dict[Stream, Path] = {stream: directory / f"{stream}.{self._log.run}" for stream in sources}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in directory.iterdir():
            if path not in paths.values():  # of an earlier run
                path.unlink()
        return {
            stream: Spool(paths[stream], source, ends.relay, logged.stderr if stream == "stderr" else logged.stdout)
            for stream, source in sources.items()
            if source is not None
        }

    @staticmethod
    def _sized(terminal: int, columns: int, lines: int) -> tuple[int, int]:
        """The size that the terminal has, after giving it one if need be."""
        now_lines, now_columns = termios.tcgetwinsize(terminal)
        if now_lines and now_columns:
            return now_columns, now_lines
        columns, lines = _sensible(columns, lines)
        termios.tcsetwinsize(terminal, (lines, columns))
        return columns, lines

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines; 0, 0 without a terminal."""
        return (self.terminal.columns, self.terminal.lines) if self.terminal is not None else (0, 0)

    @property
    def ready(self) -> bool:
        """Everything from before a restart of the engine is logged, and the terminal core shows it."""
        return self._ready.is_set()

    @property
    def ended(self) -> bool:
        """The program's output has come to its end."""
        return self._done.is_set()

    # Output

    async def run(self) -> None:
        """Drain all streams until nobody can write to them any more; returns when everything is logged.

        What a killed engine had consumed and not logged comes first. Raises OSError when a stream can't be read.
        """
        await self._rebuild()
        for stream, spool in self._spools.items():
            while spool.pending:
                self._take(stream, spool)
        self._ready.set()
        for client in self._clients:
            client.wake()
        self.go_on()
        self._leave_ended()
        try:
            await self._done.wait()
        finally:
            self._pause()
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> None:
        """The program has ended: take what is there and let `run` return, even where another process that it left
        behind still has the terminal or the pipes open. Not without `run`."""
        await self._ready.wait()
        for stream, spool in list(self._spools.items()):
            for _ in range(LAST_CHUNKS):
                if not self._take(stream, spool):
                    break
                await asyncio.sleep(0)
        self._end()

    async def _rebuild(self) -> None:
        """Bring the terminal core of a restarted engine to where the log ends. What it answers was answered before."""
        for data in [] if self.terminal is None or self._log is None else await reader.recent(self._log, REPLAY):
            self._feed(data)
            await asyncio.sleep(0)  # others first: a core eats some megabytes in a second
        self._answers = True

    def go_on(self) -> None:
        """Read on, if reading waits for a client."""
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None
        if self.ready and not self.ended and not self._reading:
            self._reading = True
            for stream, spool in self._spools.items():
                asyncio.get_running_loop().add_reader(spool.source, self._turn, stream, spool)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            for spool in self._spools.values():
                asyncio.get_running_loop().remove_reader(spool.source)

    def _turn(self, stream: Stream, spool: Spool) -> None:
        """A stream is readable. One chunk, so that a loud program leaves the others their turn."""
        if any(client.holds_back for client in self._clients):
            self._pause()
            self._impatient = asyncio.get_running_loop().call_later(PATIENCE, self.go_on)
            return
        try:
            self._take(stream, spool)
        except OSError as error:
            self._failure = error
            self._end()
        else:
            self._leave_ended()

    def _take(self, stream: Stream, spool: Spool) -> bool:
        """Let the stream's next chunk take its whole way; False when there is none now."""
        place = spool.taken
        data = spool.take()
        if not data:
            return False
        self._append(stream, place, data)
        spool.free()
        shown = self._feed(data)
        if shown:
            self._tell(Output(data=shown, stream=stream))
        return True

    def _append(self, stream: Stream, place: int, data: bytes) -> None:
        """To the log. A full disk must not stop the program: the log will tell of the gap."""
        if self._log is None:
            return
        try:
            self._log.append(stream, place, data)
            self._logs = True
        except OSError as error:
            if self._logs:
                _log.error("output can't be logged, and is left out of the log: %s", error)
            self._logs = False

    def _feed(self, data: bytes) -> bytes:
        """Show it to the terminal core; what of it clients are sent."""
        if self.terminal is None:
            return data
        self.terminal.feed(data)
        return self._questions.taken_out(data)

    def _tell(self, message: Output | Resized) -> None:
        for client in self._clients:
            client.put(message)

    def _leave_ended(self) -> None:
        for stream, spool in list(self._spools.items()):
            if spool.ended:
                asyncio.get_running_loop().remove_reader(spool.source)
                spool.close()
                del self._spools[stream]
        if not self._spools:
            self._end()

    def _end(self) -> None:
        self._pause()
        if self.ended:
            return
        if self.terminal is not None:
            self._input.close()  # nobody has the terminal open
        if self._questions.held:
            self._tell(Output(data=self._questions.held))
        if self._log is not None:
            self.end = self._log.end
        self._done.set()
        for client in self._clients:
            client.wake()

    # Clients

    def attach(self) -> Client:
        """One more client. Of a terminal it first gets a redraw, with the scrollback, and then what is new; of pipes
        what is new only."""
        logged = self.terminal is None and self._log is not None
        client = _LogClient(self, self._log) if logged and self._log is not None else _QueueClient(self)
        self._clients.append(client)
        return client

    def detach(self, client: Client) -> None:
        """Called by `Client.close`."""
        if client in self._clients:
            self._clients.remove(client)
            self.go_on()

    def redraw(self, history: int = 0) -> bytes:
        """The screen as a stream, ending where what clients are sent next begins."""
        return b"" if self.terminal is None else self.terminal.redraw(history).removesuffix(self._questions.held)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; of several clients, who resized last has it. Nothing without a terminal."""
        if self.terminal is None or self._descriptors.terminal is None:
            return
        columns, lines = _sensible(columns, lines)
        if (columns, lines) != self.size:
            termios.tcsetwinsize(self._descriptors.terminal, (lines, columns))
            self.terminal.resize(columns, lines)
            self._tell(Resized(columns=columns, lines=lines))

    # Input

    async def write(self, data: bytes) -> None:
        """Input for the program. Waits while it has more to read than it reads; what nobody can read is dropped."""
        await self._input.write(data)

    async def close_input(self) -> None:
        """End of input, after what was written. A terminal has none: its programs end it by a character."""
        if self.terminal is not None or self._descriptors.stdin is None:
            return
        await self._input.written()
        stdin, self._descriptors.stdin = self._descriptors.stdin, None
        if stdin is not None:
            self._input.close()
            os.close(stdin)
            if self._on_close_input is not None:
                await self._on_close_input()

    def _answer(self, data: bytes) -> None:
        """What the terminal core answers to the program; not again what was answered before a restart."""
        if self._answers:
            self._input.push(data)

    def close(self) -> None:
        """Leave everything as it is: readers, clients and files go, what is not logged stays in the spools."""
        self._end()
        self._input.close()
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()


class _Input:
    """Bytes on their way to the program, as fast as it takes them."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._data = bytearray()
        self._waiting = False
        self._less = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self._data += data
        self._flush()
        while len(self._data) > INPUT_QUEUE:
            await self._less.wait()

    def push(self, data: bytes) -> None:
        """Without waiting; dropped when the program does not read."""
        if len(self._data) <= INPUT_QUEUE:
            self._data += data
            self._flush()

    async def written(self) -> None:
        """Wait until the program's pipe has everything."""
        while self._data:
            await self._less.wait()

    def close(self) -> None:
        self._wait(False)
        self._descriptor = None
        self._flush()

    def _flush(self) -> None:
        try:
            while self._data and self._descriptor is not None:
                del self._data[: os.write(self._descriptor, self._data[:CHUNK])]
        except BlockingIOError:
            self._wait(True)
        except OSError:  # EPIPE, EIO: nobody has the other end open
            self._data.clear()
        if self._descriptor is None:
            self._data.clear()
        if not self._data:
            self._wait(False)
        self._less.set()
        self._less = asyncio.Event()

    def _wait(self, wait: bool) -> None:
        """Be called when the descriptor can be written to, or no more."""
        if self._descriptor is None or wait == self._waiting:
            return
        self._waiting = wait
        loop = asyncio.get_running_loop()
        if wait:
            loop.add_writer(self._descriptor, self._flush)
        else:
            loop.remove_writer(self._descriptor)


class Questions:
    """Takes out of a terminal's stream what a terminal would answer.

    How the stream is cut into chunks makes no difference: the beginning of a sequence at a chunk's end is held until
    the rest is there (strings up to 1 KiB, Kitty graphics up to 8 KiB). Sources: xterm's ctlseqs, Kitty's protocol
    pages.
    """

    def __init__(self) -> None:
        self.held = b""

    def taken_out(self, data: bytes) -> bytes:
        data = self.held + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - _LONGEST))
        end = unfinished.start() if unfinished else len(data)
        self.held = data[end:]
        return _QUESTION.sub(b"", data[:end])


def _sensible(columns: int, lines: int) -> tuple[int, int]:
    return max(2, min(columns, LARGEST)), max(1, min(lines, LARGEST))
