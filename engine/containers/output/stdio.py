"""The terminal or the pipes of a running program: drained, logged, shown to everyone attached, and fed with input.

Each chunk takes the same way: spool, log, screen, clients. A chunk is in the log before the next one is taken from any
stream, so the log's order is the order of reading, also when the engine is killed.

Imports asyncio, the other modules of this package and the protocol.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.containers.output import reader
from engine.containers.output.checkpoint import FAR, HISTORY, Checkpoint
from engine.containers.output.clients import PATIENCE, Client, LogClient, QueueClient, TerminalClient
from engine.containers.output.input import Input
from engine.containers.output.log import Log
from engine.containers.output.records import Position, Stream
from engine.containers.output.screen import Screen
from engine.containers.output.spool import Spool
from engine.containers.output.watch import Watch
from engine.protocol.messages import Output, Resized

if TYPE_CHECKING:
    from engine.containers.keeper import Descriptors

DRAIN = 2.0  # seconds after a program's death in which its output has to end by itself
SETTLING = 0.25  # seconds after a change of size
LAST_CHUNKS = 64  # what is taken at most of a stream that others hold open, once the program has ended
_log = logging.getLogger(__name__)


class Stdio:
    """One run of one program: a new one, after `log.begin()`, or one that a killed engine left.

    `directory` is where the spools are, and nothing else; with `log` None nothing is kept. `columns` and `lines` are
    for a terminal that has no size yet. `on_close_input` lets the keeper close its copy of standard input. The
    descriptors stay the caller's, who closes them after `close`; `descriptors.stdin` becomes None when it is closed.
    Raises OSError when the spools can't be opened.
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
        self._ready = asyncio.Event()
        self._done = asyncio.Event()
        self._failure: OSError | None = None
        self._checkpoint: Checkpoint | None = None
        self._resized: asyncio.TimerHandle | None = None
        self._spools = self._open_spools(directory)
        self._watches = {name: Watch(spool.source, partial(self._turn, name)) for name, spool in self._spools.items()}
        terminal = descriptors.terminal
        self._input = Input(descriptors.stdin if terminal is None else terminal)
        self.screen = None if terminal is None else Screen(terminal, columns, lines, self._input.push)
        """What its terminal shows, if it has one."""
        self.on_shown: Callable[[], None] = lambda: None
        """Called after the terminal has shown something, or has another size."""
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
        self._checkpoint = Checkpoint(directory / f"screen.{self._log.run}")
        for path in directory.iterdir():
            if path not in (*paths.values(), self._checkpoint.path):  # of an earlier run
                path.unlink()
        return {
            stream: Spool(paths[stream], source, ends.relay, logged.stderr if stream == "stderr" else logged.stdout)
            for stream, source in sources.items()
            if source is not None
        }

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines; 0, 0 without a terminal."""
        return (0, 0) if self.screen is None else self.screen.size

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

        A terminal can be opened again for as long as the program runs, so its end comes after `program_ended` only.
        What a killed engine had consumed and not logged comes first. Raises OSError when a stream can't be read.
        """
        if self.screen is not None:
            await self._rebuild(self.screen)
            for client in self._clients:
                client.rebuilt()
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

    async def _rebuild(self, screen: Screen) -> None:
        snapshot = None if self._checkpoint is None else self._checkpoint.load()
        output: list[bytes] = []
        if self._log is not None:
            output = await (reader.since(self._log, snapshot.place) if snapshot else reader.recent(self._log, FAR))
        await screen.rebuild(snapshot, output)

    def program_ended(self) -> None:
        """Let `run` return when nobody has the terminal or the pipes open. May be called before `run`."""
        for spool in self._spools.values():
            spool.final = True
        if self._reading:
            for watch in self._watches.values():
                watch.start()

    async def finish(self) -> None:
        """After the program's end: take what is there and let `run` return, even where another process that it left
        behind still has the terminal or the pipes open. Not without `run`."""
        await self._ready.wait()
        for stream, spool in list(self._spools.items()):
            for _ in range(LAST_CHUNKS):
                if not self._take(stream, spool):
                    break
                await asyncio.sleep(0)
        self._end()

    def go_on(self) -> None:
        """Read on, if reading waits for a client."""
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None
        if self.ready and not self.ended and not self._reading:
            self._reading = True
            for watch in self._watches.values():
                watch.start()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            for watch in self._watches.values():
                watch.stop()

    def _turn(self, stream: Stream) -> None:
        """A stream is readable. One chunk, so that a loud program leaves the others their turn."""
        if any(client.holds_back for client in self._clients):
            self._pause()
            self._impatient = asyncio.get_running_loop().call_later(PATIENCE, self.go_on)
            return
        spool = self._spools[stream]
        try:
            if not self._take(stream, spool) and spool.hung_up:
                self._watches[stream].sleep()
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
        self._save(place)
        shown = data if self.screen is None else self.screen.feed(data)
        if shown:
            self._tell(Output(data=shown, stream=stream))
        self.on_shown()
        return True

    def _save(self, place: int) -> None:
        """A checkpoint of the screen, if one is due, before it is fed what follows."""
        if self.screen is None or self._checkpoint is None:
            return
        history = HISTORY if self._resized is not None else self._checkpoint.due(place)
        if not history:
            return
        self._settle()
        begun = time.monotonic()
        snapshot = self.screen.snapshot(place, history)
        self._checkpoint.save(snapshot, time.monotonic() - begun)

    def _save_resized(self) -> None:
        if (spool := self._spools.get("stdout")) is not None:
            self._save(spool.taken)

    def _settle(self) -> None:
        if self._resized is not None:
            self._resized.cancel()
            self._resized = None

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

    def _tell(self, message: Output | Resized) -> None:
        for client in self._clients:
            client.put(message)

    def _leave_ended(self) -> None:
        for stream, spool in list(self._spools.items()):
            if spool.ended:
                self._watches.pop(stream).stop()
                self._spools.pop(stream).close()
        if not self._spools:
            self._end()

    def _end(self) -> None:
        self._pause()
        if self.ended:
            return
        if self.screen is not None:
            self._input.close()
            if self.screen.rest:
                self._tell(Output(data=self.screen.rest))
        if self._log is not None:
            self.end = self._log.end
        self._done.set()
        for client in self._clients:
            client.wake()

    # Clients

    def attach(self) -> Client:
        """One more client. Of a terminal to which something was written it first gets a redraw, with the scrollback,
        and then what is new; of pipes what is new only."""
        client = self._new_client()
        self._clients.append(client)
        return client

    def _new_client(self) -> Client:
        if self.screen is not None:
            return TerminalClient(self, self.screen)
        return QueueClient(self) if self._log is None else LogClient(self, self._log)

    def detach(self, client: Client) -> None:
        """Called by `Client.close`."""
        if client in self._clients:
            self._clients.remove(client)
            self.go_on()

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; of several clients, who resized last has it. Nothing without a terminal."""
        if self.screen is None or self._descriptors.terminal is None:
            return
        if self.screen.resize(columns, lines):
            columns, lines = self.screen.size
            self._tell(Resized(columns=columns, lines=lines))
            self.on_shown()
            if self._resized is None and self.ready:
                self._resized = asyncio.get_running_loop().call_later(SETTLING, self._save_resized)

    # Input

    async def write(self, data: bytes) -> None:
        """Input for the program. Waits while it has more to read than it reads; what nobody can read is dropped."""
        await self._input.write(data)

    async def close_input(self) -> None:
        """End of input, after what was written. A terminal has none: its programs end it by a character."""
        if self.screen is not None or self._descriptors.stdin is None:
            return
        await self._input.written()
        stdin, self._descriptors.stdin = self._descriptors.stdin, None
        if stdin is not None:
            self._input.close()
            os.close(stdin)
            if self._on_close_input is not None:
                await self._on_close_input()

    def close(self) -> None:
        """Leave everything as it is: readers, clients and files go, what is not logged stays in the spools."""
        self._end()
        self._settle()
        self._input.close()
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()


async def drained(output: asyncio.Task[None], stdio: Stdio) -> None:
    """Wait for the output of a program that has ended; not for ever, since something else may hold its pipes. `output`
    is its `run`."""
    stdio.program_ended()
    await asyncio.wait([output], timeout=DRAIN)
    if not output.done():
        await stdio.finish()
        await asyncio.wait([output])
