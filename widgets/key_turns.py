"""Keys that wait until the one before has had its effect. Imports Textual.

Textual gives a key to whoever has the focus when it is read. Over a line that lags several come in one read, and those
behind a key that opens a dialog would go to what lies below it. So such a key is followed on its way, from who has the
focus up to the application, and then what it has set off is; only then it is the next one's turn. What takes its time
to open, because others are asked for it, holds the keys until it has the focus (`hold_keys`, `let_keys_go`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode

PATIENCE = 2.0
"""Seconds after which all that wait have their turn: a key may start what takes long, a dialog on a busy machine."""
HELD = 10.0
"""The same, where somebody is being opened and will say so, or that it can't be."""


class KeyTurns:
    """Gives what is typed and clicked to `app` by `hand_on`, in turn. Nobody follows a key that none comes after."""

    def __init__(
        self, app: App[Any], hand_on: Callable[[events.Event], object], patience: float = PATIENCE, held: float = HELD
    ) -> None:
        self._app = app
        self._hand_on = hand_on
        self._patience, self._held = patience, held
        self._waiting: deque[events.Event] = deque()
        self._last: events.Event | None = None
        self._until = 0.0  # on the loop's clock: the last key's effect may be to come
        self._turns: asyncio.Task[None] | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._held_until = 0.0

    def hold(self) -> None:
        """What the last key has set off takes until `let_go`, if that comes in time."""
        self._free.clear()
        self._held_until = asyncio.get_running_loop().time() + self._held

    def let_go(self) -> None:
        """It has come through."""
        self._free.set()

    def put(self, event: events.Event) -> None:
        """Hand on now, or in its turn."""
        loop = asyncio.get_running_loop()
        if self._turns is None and not self._waiting and self._free.is_set() and loop.time() >= self._until:
            self._turn(event)
            return
        self._waiting.append(event)
        if self._turns is None:
            self._turns = loop.create_task(self._take_turns(), name="keys in turn")

    def stop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        if self._turns is not None:
            self._turns.cancel()
            self._turns = None  # one that has not begun yet will not say that it has ended

    def _turn(self, event: events.Event) -> None:
        event._sender = None  # of an application's own the screen stops every one, so that it does not tell of a widget
        self._hand_on(event)
        if isinstance(event, (events.Key, events.Paste)):
            self._last = event
            self._until = asyncio.get_running_loop().time() + self._patience

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                turns = 1 if await self._last_came_through() else len(self._waiting)
                for _ in range(turns):
                    self._turn(self._waiting.popleft())
        finally:
            if self._turns is asyncio.current_task():
                self._turns = None

    async def _last_came_through(self) -> bool:
        """Wait for that; False when it takes too long."""
        event, self._last = self._last, None
        came = True
        if event is not None and asyncio.get_running_loop().time() < self._until:
            try:
                async with asyncio.timeout_at(self._until):
                    await self._come_through(event)
            except TimeoutError:
                came = False
            except ScreenStackError:  # there is no screen yet
                pass
        return await self._was_let_go() if not self._free.is_set() else came

    async def _was_let_go(self) -> bool:
        try:
            async with asyncio.timeout_at(self._held_until):
                await self._free.wait()
        except TimeoutError:
            self.let_go()
            return False
        return True

    async def _come_through(self, event: events.Event) -> None:
        """Wait until everyone whom the key concerns has had it."""
        await turn_of(self._app)
        if event.is_forwarded and await self._climb(event):
            return
        await turn_of(self._app)  # for who is given the focus by it
        await self._climb()  # behind what tells of it, or to a screen that has just been opened

    async def _climb(self, event: events.Event | None = None) -> bool:
        """Behind `event`, or anything else, from who has the focus to the application; whether one has stopped it."""
        for node in (self._app.focused or self._app.screen).ancestors_with_self:
            await turn_of(node)
            if event is not None and event._stop_propagation:
                return True
        return False


async def turn_of(node: DOMNode) -> None:
    """Wait until it has handled everything that was posted to it by now."""
    handled = asyncio.Event()
    if node.call_later(handled.set):
        await handled.wait()


def hold_keys(app: App[Any]) -> None:
    """Let what is typed wait: who is to have it is being opened. To be called while the key that asks for it is
    handled."""
    if (turns := _turns_of(app)) is not None:
        turns.hold()


def let_keys_go(app: App[Any]) -> None:
    """Who was opened has the focus, or will not be there."""
    if (turns := _turns_of(app)) is not None:
        turns.let_go()


def _turns_of(app: App[Any]) -> KeyTurns | None:
    """None where another driver reads the keys, as in tests."""
    turns = getattr(app._driver, "turns", None)
    return turns if isinstance(turns, KeyTurns) else None
