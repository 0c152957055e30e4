"""The console's part in presence: one stream to the engine, for as long as there is one.

Its worker posts what the engine tells; what the console says waits its turn. Imports the client and the protocol.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
from dataclasses import dataclass

from textual.message import Message

from engine.client.aio import Connection
from engine.client.errors import ClientError
from engine.places import Places
from engine.protocol.messages import (
    AnyStreamInput,
    JoinPresence,
    PresenceRefused,
    PresenceTold,
    StopPresenting,
    ViewShown,
)
from engine.protocol.presence import View
from heliostui.hosts.watch import Post

NAME = "HELIOSTUI_NAME"  # the variable with the name that others are shown


@dataclass
class Told(Message):
    """Who presents, and what we are to it."""

    told: PresenceTold


@dataclass
class Viewed(Message):
    """What the presenter looks at."""

    view: View


@dataclass
class Refused(Message):
    """Something that was asked for can't be."""

    sentence: str


class Lost(Message):
    """The engine is away: nobody is told anything."""


class PresenceLine:
    """Joins as one person; who was cut off comes back as the same one."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._key = secrets.token_urlsafe(16)
        self._words: asyncio.Queue[AnyStreamInput] = asyncio.Queue()
        self.joined = False

    def say(self, message: AnyStreamInput) -> None:
        """Tell the engine; where there is none, nobody."""
        if self.joined:
            self._words.put_nowait(message)

    async def run(self, places: Places) -> None:
        """Take part until the engine goes away, or the worker is cancelled: then who presents stops."""
        if self.joined:
            return
        try:
            async with await Connection.open(places, start=False) as engine:
                await self._take_part(engine)
        except ClientError:
            pass  # the banner says so already
        finally:
            self.joined = False
            self._post(Lost())

    async def _take_part(self, engine: Connection) -> None:
        self._words = asyncio.Queue()
        self.joined = True
        sender = asyncio.create_task(self._send(engine))
        try:
            async for reply in engine.stream(JoinPresence(name=own_name(), key=self._key)):
                match reply:
                    case PresenceTold():
                        self._post(Told(reply))
                    case ViewShown(view=view):
                        self._post(Viewed(view))
                    case PresenceRefused(message=sentence):
                        self._post(Refused(sentence))
        except asyncio.CancelledError:
            await engine.send(StopPresenting())  # a console that is left is not one that was lost
            raise
        finally:
            sender.cancel()

    async def _send(self, engine: Connection) -> None:
        while True:
            await engine.send(await self._words.get())


def own_name() -> str:
    """What others are to call us: HELIOSTUI_NAME, else the name of the account."""
    name = os.environ.get(NAME, "").strip()
    if not name:
        try:
            name = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:  # an account that the machine does not know
            name = str(os.geteuid())
    return name[:40]
