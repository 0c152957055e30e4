"""One terminal the console takes part in: a container's own (attach), or one that somebody opened (join).

A session owns its terminal core and its connection; `run` is a worker that feeds the core and posts what happened.
Imports the client, the protocol and the terminal core.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from engine.client.aio import Connection
from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import Attach, Attached, Exited, Input, JoinTerminal, Output, Resize, Resized
from engine.terminal import Terminal
from heliostui.hosts.watch import Post
from heliostui.link import Link
from heliostui.messages import ProgramCopied, SessionChanged, SessionEnded

MOST_UNSEEN = 256 * 1024  # bytes fed between two looks of the screen
PIECE = 16 * 1024  # bytes fed at a time
SLICE = 0.005  # seconds of feeding after which everything else gets its turn
QUIET = 0.000_2  # seconds that a turn of the loop takes when nobody has anything to do
LONGEST_TURN = 0.05  # seconds after which feeding goes on in any case


async def _others_first() -> None:
    """Wait until nobody else has anything to do, so that a flood of output never holds up a key.

    A key goes through a dozen handlers, each in a turn of the loop of its own: to give way once would not be enough.
    """
    end = monotonic() + LONGEST_TURN
    quiet = 0
    while quiet < 3 and (before := monotonic()) < end:
        await asyncio.sleep(0)
        quiet = quiet + 1 if monotonic() - before < QUIET else 0


class Session:
    """A terminal and the stream behind it."""

    def __init__(self, link: Link, request: Attach | JoinTerminal, post: Post) -> None:
        self.request = request
        self.terminal = Terminal(request.columns or 80, request.lines or 24, copy=self._copied)
        self.ended = False
        self.exit_code: int | None = None
        self.news = 0
        """How many times the program wrote something since the session began; a redraw does not count."""
        self.taken = asyncio.Event()
        self.taken.set()
        self._link = link
        self._post = post
        self._inputs: asyncio.Queue[Input | Resize] = asyncio.Queue()
        self._unseen = 0
        self._busy = 0.0
        self._wanted: tuple[int, int] | None = None

    # --- what the user does ---

    def type(self, data: bytes) -> None:
        """Send keys to the program, in order; never waits."""
        self._inputs.put_nowait(Input(data=data))

    def resize(self, columns: int, lines: int) -> None:
        """Ask for another size; never waits. The terminal has it when the engine says so, in turn with the output."""
        if (columns, lines) != self._wanted:
            self._wanted = columns, lines
            self._inputs.put_nowait(Resize(columns=columns, lines=lines))

    # --- what the engine says ---

    async def run(self) -> None:
        """Take part until the program ends, the engine goes away, or the worker is cancelled (which detaches)."""
        exit_code, reason, lost = None, "", False
        try:
            async with self._link.connection(self.request) as engine:
                sender = asyncio.create_task(self._send(engine))
                try:
                    exit_code = await self._receive(engine)
                finally:
                    sender.cancel()
        except ClientError as error:
            reason, lost = str(error), not isinstance(error, RequestFailed)
        self._post(SessionEnded(self, exit_code, reason, lost))

    async def _send(self, engine: Connection) -> None:
        while True:
            await engine.send(await self._inputs.get())

    async def _receive(self, engine: Connection) -> int | None:
        async for reply in engine.stream(self._link.hosts.plain(self.request)):
            match reply:
                case Output(data=data, redraw=redraw):
                    await self._feed(data, redraw)
                case Attached(columns=columns, lines=lines) | Resized(columns=columns, lines=lines):
                    if columns and lines:
                        self._wanted = columns, lines
                        self.terminal.resize(columns, lines)
                        self._changed()
                case Exited(exit_code=exit_code):
                    return exit_code
        return None

    def _copied(self, text: str) -> None:
        self._post(ProgramCopied(self, text))

    async def _feed(self, data: bytes, redraw: bool) -> None:
        if redraw:
            self.terminal.renew()
        self.news += not redraw
        for start in range(0, len(data), PIECE):
            before = monotonic()
            self.terminal.feed(data[start : start + PIECE])
            if not redraw:  # which is to be seen whole
                self._changed()
            self._busy += monotonic() - before
            if self._busy > SLICE:
                self._busy = 0.0
                await _others_first()
        self._changed()
        self._unseen += len(data)
        if self._unseen > MOST_UNSEEN:
            await self.taken.wait()

    def _changed(self) -> None:
        if self.taken.is_set():
            self._unseen = 0
            self.taken.clear()
            self._post(SessionChanged(self))
