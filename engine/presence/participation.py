"""One console's part in presence: what it is told, and what it asks for. Imports the protocol and asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.protocol.messages import (
    AnyStreamInput,
    FollowPresenter,
    HandOver,
    PresenceRefused,
    PresenceTold,
    Present,
    PublishView,
    Role,
    StopPresenting,
    StreamEnd,
    TakeBack,
    ViewShown,
)
from engine.protocol.presence import View

if TYPE_CHECKING:
    from engine.presence.presence import Presence

VIEW_PERIOD = 0.05  # seconds between two views that are taken from one console; they go to all the others


class Participation:
    """Iterating gives the latest of what there is to tell, so that nothing waits for who is slow.

    The protocol is that of `engine.daemon.service.AttachSession`.
    """

    def __init__(self, presence: Presence, id: str, name: str, role: Role, key: str) -> None:
        self.id = id
        self.name = name
        self.role = role
        self.key = key
        self.following = False
        self._presence = presence
        self._news = asyncio.Event()
        self._refused: str | None = None
        self._ended = False
        self._next_view = 0.0  # loop time
        self._last_told = PresenceTold()
        self._last_shown: tuple[int, View] | None = None

    @property
    def attached(self) -> PresenceTold:
        """The first that it is told."""
        self._last_told = self._presence.told(self)
        return self._last_told

    def wake(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def end(self) -> None:
        """Another connection takes its place."""
        self._ended = True
        self._news.set()

    async def __aiter__(self) -> AsyncGenerator[PresenceTold | ViewShown | PresenceRefused | StreamEnd, None]:
        while not self._ended:
            self._news.clear()
            if self._refused is not None:
                refused, self._refused = self._refused, None
                yield PresenceRefused(message=refused)
            told = self._presence.told(self)
            if told != self._last_told:
                self._last_told = told
                yield told
            shown = self._presence.view_for(self)
            if shown is not None and shown != self._last_shown:
                self._last_shown = shown
                yield ViewShown(view=shown[1])
            await self._news.wait()
        yield StreamEnd()

    async def send(self, message: AnyStreamInput) -> None:
        """Do what the console asks; what can't be is told it, and the stream goes on."""
        try:
            match message:
                case PublishView(view=view):
                    await self._pace()
                    self._presence.publish(self, view)
                case Present():
                    self._presence.present(self)
                case FollowPresenter(following=following):
                    self._last_shown = None  # who comes back is to see it anew
                    self._presence.follow(self, following)
                case HandOver(to=to):
                    self._presence.hand_over(self, to)
                case TakeBack():
                    self._presence.take_back(self)
                case StopPresenting():
                    self._presence.stop(self)
        except EngineError as error:
            self._refused = error.message
            self.wake()

    async def _pace(self) -> None:
        """Views go from one to all, so they are taken at a rate, whatever the console does."""
        loop = asyncio.get_running_loop()
        if (wait := self._next_view - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._next_view = loop.time() + VIEW_PERIOD

    async def close(self) -> None:
        """The console has gone."""
        self._presence.leave(self)
