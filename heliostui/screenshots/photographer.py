"""Drives one console and takes its pictures. Imports the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.events import Paste
from textual.pilot import Pilot

from heliostui.app import Console
from heliostui.screens.main import MainScreen


class Photographer:
    """One console, and where its pictures go; `suffix` ends their names."""

    def __init__(self, app: Console, pilot: Pilot[None], directory: Path, suffix: str) -> None:
        self.app, self.pilot, self.directory, self.suffix = app, pilot, directory, suffix

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until the screen is so far. Raises TimeoutError."""
        async with asyncio.timeout(30):
            while not true():
                await self.pilot.pause(0.05)
        await self.pilot.pause()

    async def picture(self, name: str) -> None:
        await self.pilot.pause()
        self.app.save_screenshot(f"{name}{self.suffix}.svg", str(self.directory))

    async def select(self, name: str) -> None:
        await self.until(lambda: any(row.name == name for row in self.main.table.rows))
        self.main.table.cursor = next(row.key for row in self.main.table.rows if row.name == name)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def dialog(self, key: str, name: str) -> None:
        """A picture of what a key opens over the main screen, which escape closes."""
        await self.press(key)
        await self.until(lambda: self.app.screen is not self.main)
        await self.picture(name)
        await self.press("escape")
        await self.until(lambda: self.app.screen is self.main)

    async def line(self, text: str) -> None:
        """Have what has the keys get a line."""
        assert self.main.focused is not None
        self.main.focused.post_message(Paste(text))
        await self.press("enter")
