"""Several people, each with a console of his own size, at one engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from engine.places import Places
from heliostui.app import Console
from heliostui.presence.dialog import PresentMenu
from tests.heliostui.conftest import CommandLine, cli  # noqa: F401 - the fixture
from tests.heliostui.person import Person

LARGE, SMALL, MIDDLE = (200, 60), (80, 24), (120, 36)


class Member(Person):
    """One of several: what is asked of a widget is asked of his app, not of the one that was made last."""

    async def press(self, *keys: str) -> None:
        with self.app._context():
            await super().press(*keys)

    async def until(self, true: Callable[[], object]) -> None:
        with self.app._context():
            await super().until(true)

    @property
    def top(self) -> str:
        """What the top line says."""
        return str(self.main.query_one("#status", Static).content)

    def opened(self) -> str:
        """What the terminal shows whose tab is shown."""
        tab = self.main.terminals.shown
        terminal = tab.pane.view.terminal if tab is not None else None
        return terminal.text() if terminal is not None else ""

    @property
    def selected(self) -> str:
        container = self.main.state.selected
        return container.name if container is not None else ""

    async def chooses(self, words: str) -> None:
        """F3, and the line of its list that begins so."""
        await self.press("f3")
        await self.until(lambda: isinstance(self.app.screen, PresentMenu))
        labels = [str(option.prompt) for option in self.app.screen.query_one(OptionList).options]
        place = next((n for n, label in enumerate(labels) if label.startswith(words)), None)
        assert place is not None, labels
        await self.press(*["down"] * place, "enter")
        await self.until(lambda: not isinstance(self.app.screen, PresentMenu))

    async def presents(self) -> None:
        await self.until(lambda: self.main.presence.joined)
        await self.chooses("Present")
        await self.until(lambda: self.main.part.presenting)

    async def follows(self) -> None:
        await self.until(lambda: self.main.part.presentation is not None)
        if not self.main.part.following:
            await self.press("f3")
        await self.until(lambda: self.main.part.following)


@asynccontextmanager
async def member(
    cli: CommandLine,  # noqa: F811
    size: tuple[int, int] = MIDDLE,
    *,
    viewer: bool = False,
    read_only: bool = False,
) -> AsyncIterator[Member]:
    """A console; `viewer`: one that is let look only."""
    environment = cli.environment
    places = Places(Path(environment["HELIOSTUI_RUNTIME"]), Path(environment["HELIOSTUI_STATE"]), viewer=viewer)
    app = Console(places, read_only=read_only)
    async with app.run_test(size=size) as pilot:
        person = Member(app, pilot)
        await person.until(lambda: person.main.state.info is not None and person.main.presence.joined)
        yield person


@pytest.fixture(scope="module")
def room(cli: CommandLine) -> CommandLine:  # noqa: F811
    """An engine with two containers: one writes lines, one has a terminal."""
    script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; done; sleep 600"
    cli.ok("run", "-d", "--name", "writer", "host", "sh", "-c", script)
    cli.ok("run", "-d", "-t", "--name", "shell", "host", "cat")
    return cli
