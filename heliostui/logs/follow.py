"""Reading a log as it grows, no faster than it can be shown: what can't keep up is skipped, and said.

A program that writes without end would keep the console busy with lines that nobody can read. After each piece the
reader rests as long as showing it took; when there was always more for some seconds, it goes on from the end.

Imports link and the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic

from engine.client.aio import Connection
from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import LogRecord, StreamLogs
from heliostui.link import Link
from widgets.log_view import Piece

TAIL = 10_000  # lines that are read at first
TAIL_LATER = 2_000  # lines that are read after some were skipped
PIECE = 256 * 1024  # bytes that are shown at once at most
BEHIND = 1.5  # seconds during which there is always more; then it is too much
GATHER = 0.05  # seconds in which what comes is shown together

Take = Callable[[list[Piece], bool], Awaitable[None]]
"""Shows pieces; whether they are the first of a new reading, which what was shown before is not to mix with."""


async def follow(link: Link, container: str, take: Take) -> None:
    """Read the end of the container's log and what is written from now on, for as long as there is the container."""
    tail, restart = TAIL, True
    try:
        while True:
            async with link.connection(container) as engine:
                behind = await _read(engine, container, tail, take, restart)
            if not behind:
                return
            note = (
                f"[heliostui: output came faster than it can be shown; what follows are the last {TAIL_LATER:,} lines]"
            )
            await take([("stderr", datetime.now(UTC), f"{note}\n".encode())], False)
            tail, restart = TAIL_LATER, False
    except RequestFailed as error:
        await take([("stderr", datetime.now(UTC), f"[heliostui: {error.message}]\n".encode())], restart)
    except ClientError:
        pass  # the container is gone from the list too, or the banner says that the engine is


async def _read(engine: Connection, container: str, tail: int, take: Take, restart: bool) -> bool:
    """Read until the log ends, or there is too much of it: the result."""
    if restart:
        await take([], True)
    coming = _Coming()
    request = StreamLogs(container=container, tail=tail, follow=True, onward=True)
    reader = asyncio.create_task(coming.read(engine, request))
    try:
        behind = await _show(coming, take)
    finally:
        reader.cancel()
        await asyncio.wait([reader])
    if not behind:
        reader.result()
    return behind


async def _show(coming: _Coming, take: Take) -> bool:
    """Show what comes, until nothing more does; True: until there had always been more for too long."""
    rested = monotonic()
    while True:
        await coming.some.wait()
        await asyncio.sleep(GATHER)
        full, ended, pieces = coming.full, coming.ended, coming.taken()
        began = monotonic()
        if pieces:
            await take(pieces, False)
        now = monotonic()
        if ended and not full:
            return False
        if not full:
            rested = now
        elif now - rested > BEHIND:
            return True
        await asyncio.sleep(now - began)


class _Coming:
    """What has been read and is not shown yet: not much more than PIECE bytes, then reading waits."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._size = 0
        self._room = asyncio.Event()
        self.some = asyncio.Event()
        self.ended = False

    @property
    def full(self) -> bool:
        return self._size >= PIECE

    async def read(self, engine: Connection, request: StreamLogs) -> None:
        """Read to the end. Raises ClientError."""
        try:
            async for reply in engine.stream(request):
                if isinstance(reply, LogRecord):
                    self._pieces.append((reply.stream, reply.time, reply.data))
                    self._size += len(reply.data)
                    self.some.set()
                    if self.full:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self.ended = True
            self.some.set()

    def taken(self) -> list[Piece]:
        """Take it all out; reading goes on."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        if not self.ended:
            self.some.clear()
        self._room.set()
        return pieces
