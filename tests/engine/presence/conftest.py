"""People with consoles, as the engine has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from engine.presence import Participation, Presence
from engine.protocol import messages as m
from engine.protocol.presence import Presentation, View

PATIENCE = 30.0


class Somebody:
    """One person's part, read as a console reads it."""

    def __init__(self, presence: Presence, name: str, role: m.Role = m.Role.OPERATOR, key: str = "") -> None:
        self.part: Participation = presence.join(m.JoinPresence(name=name, key=key), role)
        self.id = self.part.id
        self.told = self.part.attached
        self._said: AsyncIterator[m.AnyReply] = aiter(self.part)

    async def does(self, *messages: m.AnyStreamInput) -> None:
        for message in messages:
            await self.part.send(message)

    async def hears(self) -> m.AnyReply:
        async with asyncio.timeout(PATIENCE):
            reply = await anext(self._said)
        if isinstance(reply, m.PresenceTold):
            self.told = reply
        return reply

    async def hears_of(self) -> Presentation | None:
        """The presentation as it is told next."""
        while not isinstance(reply := await self.hears(), m.PresenceTold):
            pass
        return reply.presentation

    async def sees(self) -> View:
        while not isinstance(reply := await self.hears(), m.ViewShown):
            pass
        return reply.view

    async def refused(self) -> str:
        while not isinstance(reply := await self.hears(), m.PresenceRefused):
            pass
        return reply.message

    async def leaves(self) -> None:
        await self.part.close()
