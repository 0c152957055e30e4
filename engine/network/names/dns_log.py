"""The last questions to our resolver, and telling them to whoever listens. Imports asyncio, the wire and the protocol.

What is kept of a question is a small tuple with its answer as it was sent; words are made of it only for a listener.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.network.names import questions
from engine.network.names.zone import Asker
from engine.protocol.messages import DnsLog
from engine.protocol.network import DnsQuery

MOST_KEPT = 1_000
MOST_WAITING = 500  # of one listener; when more come in a beat, the oldest are lost, and counted
BEAT = 0.2  # seconds between two messages to a listener


class Entry(NamedTuple):
    """One question. `time` in seconds since the epoch; `answer` as it was sent, at least its beginning."""

    time: float
    asker: Asker | None
    name: str
    type: int
    answer: bytes
    source: str
    milliseconds: float

    def told(self) -> DnsQuery:
        """For the wire."""
        return DnsQuery(
            time=self.time,
            container=self.asker.name if self.asker is not None else "",
            name=self.name,
            type=questions.type_name(self.type),
            answer=questions.words(self.answer),
            source=self.source,
            milliseconds=round(self.milliseconds, 3),
        )


@dataclass(eq=False)
class _Listener:
    """`container`: whose questions, by id; None: everybody's."""

    container: str | None
    waiting: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    lost: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, entry: Entry) -> None:
        self.lost += len(self.waiting) == MOST_WAITING
        self.waiting.append(entry)
        self.news.set()

    def concerns(self, entry: Entry) -> bool:
        return self.container is None or (entry.asker is not None and entry.asker.container == self.container)

    def take(self) -> DnsLog:
        """What waits."""
        message = DnsLog(queries=[entry.told() for entry in self.waiting], lost=self.lost)
        self.waiting.clear()
        self.lost = 0
        self.news.clear()
        return message


class Log:
    """Nothing of it is on disk: what a container looks for is its own affair when it is over."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_KEPT)
        self._listeners: set[_Listener] = set()

    def note(self, entry: Entry) -> None:
        """A question was answered."""
        self._entries.append(entry)
        for listener in self._listeners:
            if listener.concerns(entry):
                listener.tell(entry)

    async def follow(self, container: str | None, backlog: int) -> AsyncGenerator[DnsLog, None]:
        """The last `backlog` at once, even if there are none; then what comes, a few times a second."""
        listener = _Listener(container)
        for entry in [entry for entry in self._entries if listener.concerns(entry)][-backlog:] if backlog > 0 else ():
            listener.waiting.append(entry)
        self._listeners.add(listener)
        try:
            yield listener.take()
            while await listener.news.wait():
                yield listener.take()
                await asyncio.sleep(BEAT)  # a flood of questions is not a flood of messages
        finally:
            self._listeners.discard(listener)
