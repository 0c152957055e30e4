"""Somebody in front of the console: presses keys, and looks until the screen shows what is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot

from engine.places import Places
from heliostui.app import Console
from heliostui.screens.main import MainScreen
from heliostui.screens.new import NewContainer
from heliostui.settings.values import Settings
from tests.heliostui.conftest import CommandLine
from widgets.key_turns import turn_of
from widgets.terminal import TerminalView

PATIENCE = 30.0  # seconds; far more than anything takes
HOPS = 3  # the key, what tells of it, and what that sets off
KEYS = {" ": "space", "$": "dollar_sign", "=": "equals_sign", "/": "slash", "-": "minus", "+": "plus", "&": "ampersand"}


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press one after the other, each when the one before has been handled and what it set off.

    Textual's pilot takes a process for idle that gets no CPU, and goes on.
    """
    for key in keys:
        await pilot.press(key)
        for _ in range(HOPS):
            await _handled(pilot)


async def _handled(pilot: Pilot[Any]) -> None:
    """Wait until all have had their turn that a key comes by, from who has the focus up to the application."""
    app = pilot.app
    if not app.is_running or app._exit:
        return
    with app._context():
        way = [app, *(app.focused or app.screen).ancestors_with_self]
    async with asyncio.timeout(PATIENCE):
        for node in way:
            await turn_of(node)


class Person:
    """Somebody in front of the console."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def notices(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]

    def terminal(self) -> str:
        """What the terminal shows that is on the screen."""
        for view in self.main.query(TerminalView):
            if view.terminal is not None and view.is_on_screen:
                return view.terminal.text()
        return ""

    def states(self) -> dict[str, str]:
        return {row.name: row.state for row in self.main.table.rows}

    def footer(self) -> set[str]:
        bindings = self.app.screen.active_bindings.values()
        return {each.binding.action for each in bindings if each.binding.show and each.enabled}

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)

    async def type(self, text: str) -> None:
        """Type a line; into a terminal it is pasted, which is quicker."""
        if self.main.terminal_has_keys and self.main.focused is not None:
            self.main.focused.post_message(Paste(text))
            await self.press("enter")
        else:
            await self.press(*(KEYS.get(character, character) for character in text), "enter")

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until it is so, and the screen has its widgets; there is nothing to await for what a screen shows."""
        end = monotonic() + PATIENCE
        while monotonic() < end:
            if true() and (self.app._exit or self.app.screen.is_mounted):
                return
            await self.pilot.pause(0.025)
        raise AssertionError(f"{self.app.screen} {self.states()} {self.notices}\n{self.terminal()}")

    async def select(self, name: str) -> None:
        await self.until(lambda: name in self.states())
        self.main.table.cursor = next(row.key for row in self.main.table.rows if row.name == name)
        await self.until(lambda: self.main.state.selected and self.main.state.selected.name == name)

    async def shell(self) -> None:
        """A new container with a shell that has the keys."""
        await self.until(lambda: self.main.state.info is not None)
        await self.press("n")
        await self.until(lambda: isinstance(self.app.screen, NewContainer))
        await self.press("enter")
        await self.until(lambda: self.main.terminal_has_keys and "/#" in self.terminal())


@asynccontextmanager
async def console(cli: CommandLine, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Person]:
    places = Places(Path(cli.environment["HELIOSTUI_RUNTIME"]), Path(cli.environment["HELIOSTUI_STATE"]))
    app = Console(places, Settings(theme="helios-dark"))
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: person.main.state.info is not None)
        yield person
