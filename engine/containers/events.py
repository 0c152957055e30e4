"""Telling whoever listens what happens to containers. Imports asyncio and the protocol.

A subscriber that does not keep up is let go with a `StreamEnd`, so that it knows and nothing grows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Self

from engine.protocol.messages import Event, StreamEnd

MOST_WAITING = 1024  # events


class Subscription(AsyncIterator[Event | StreamEnd]):
    """Every event since it was made; a `StreamEnd` comes last, when it fell behind or the engine ends.

    A context manager: leaving it ends the subscription. One task reads it.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._open = True
        self._ended = False

    def tell(self, event: Event) -> None:
        """Queue one event, or end the subscription where there is no room."""
        if len(self._waiting) >= MOST_WAITING:
            self.close()
            return
        self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        """Nothing more is queued; what waits can still be read."""
        self._open = False
        self._bus.leave(self)
        self._news.set()

    async def __anext__(self) -> Event | StreamEnd:
        while self._open and not self._waiting:
            self._news.clear()
            await self._news.wait()
        if self._waiting:
            return self._waiting.popleft()
        if self._ended:
            raise StopAsyncIteration
        self._ended = True
        return StreamEnd()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bus:
    """Hands every published event to every subscription."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def subscribe(self) -> Subscription:
        """Listen from now on."""
        subscription = Subscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Called by a subscription that closes."""
        self._subscriptions.discard(subscription)

    def publish(self, action: str, container: str, name: str, **attributes: object) -> None:
        """Tell that `action` happened now; attributes that are None are left out."""
        told = {key: str(value) for key, value in attributes.items() if value is not None}
        event = Event(time=datetime.now(UTC), action=action, container=container, name=name, attributes=told)
        for subscription in tuple(self._subscriptions):
            subscription.tell(event)

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
