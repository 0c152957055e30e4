"""Looks at one heap again and again: a new question when the last was answered, at once when the view changes.

Its coroutine runs as a worker of whoever shows the heap. Imports link and the protocol.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from textual.message import Message

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.heap import HeapMap, HeapTarget, HeapView
from engine.protocol.messages import ErrorCode, GetHeapMap, HeapPicture
from heliostui.hosts.watch import Post
from heliostui.link import Link

PERIOD = 0.2  # seconds between two pictures


class HeapWatch:
    """`view` says which part is looked at; `period` None: only when that changes, or somebody calls `again`."""

    @dataclass
    class Seen(Message):
        """A picture, of so many columns."""

        watch: HeapWatch
        map: HeapMap
        columns: int

    @dataclass
    class Lost(Message):
        """There is no next picture, and why; `code` None: the engine is away."""

        watch: HeapWatch
        reason: str
        code: ErrorCode | None

    def __init__(self, link: Link, target: HeapTarget, post: Post, period: float | None = PERIOD) -> None:
        self._link, self._post = link, post
        self.target = target
        self.period = period
        self.view = HeapView()
        self.exact = False
        self.paused = False
        self.last: HeapMap | None = None
        self._events = False
        self._wanted = asyncio.Event()

    def look(self, **changes: Any) -> None:
        """Look at another part."""
        view = msgspec.structs.replace(self.view, **changes)
        if view != self.view:
            self.view = view
            self._wanted.set()

    def again(self) -> None:
        """Look at once."""
        self._wanted.set()

    @property
    def events(self) -> bool:
        """Whether it is told what the allocator does; the engine switches that off when nobody asks any more."""
        return self._events

    @events.setter
    def events(self, on: bool) -> None:
        self._events = on
        self._wanted.set()

    def _question(self) -> GetHeapMap:
        view = msgspec.structs.replace(self.view, still=self.paused and self.last is not None)
        if self._events and not self.paused:
            view = msgspec.structs.replace(view, events_after=self.last.last_event if self.last else 0)
        return GetHeapMap(target=self.target, view=view, exact=self.exact and not self.paused)

    async def run(self) -> None:
        """Look until it is cancelled, or there is nothing more to see."""
        try:
            async with self._link.connection() as engine:
                while True:
                    self._wanted.clear()
                    due = asyncio.get_running_loop().time() + (self.period or 0)
                    question = self._question()
                    self.last = (await engine.request(question, HeapPicture)).map
                    self._post(self.Seen(self, self.last, question.view.columns))
                    await self._rest(due)
        except RequestFailed as error:
            self._post(self.Lost(self, error.message, error.code))
        except ClientError as error:
            self._post(self.Lost(self, str(error), None))

    async def _rest(self, due: float) -> None:
        """Until the next look is due, or wanted."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if self.paused or self.period is None else due):
                await self._wanted.wait()
