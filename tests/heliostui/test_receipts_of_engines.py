"""The log of receipts in the console when its engine ends, and when another one takes its place."""

from __future__ import annotations

import os

import pytest
from textual.widgets import Static

from heliostui.screens.receipts import ReceiptsScreen
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console

SIZE = (120, 36)
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the image is for root's containers")


async def log_of(person: Person) -> ReceiptsScreen:
    await person.press("f2")
    await person.until(lambda: isinstance(person.app.screen, ReceiptsScreen))
    screen = person.app.screen
    assert isinstance(screen, ReceiptsScreen)
    return screen


def note(screen: ReceiptsScreen) -> str:
    return str(screen.query_one("#receipts-none", Static).render())


async def test_receipts_that_can_not_be_had_are_told_of_with_the_reason_until_they_can(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        cli.ok("engine", "stop", "--all")
        await person.until(lambda: person.main.state.info is None)
        screen = await log_of(person)
        await person.until(lambda: "can't be had: " in note(screen))
        assert "Nothing has been done" not in note(screen)
        assert not screen.table.display
        cli.ok("run", "-d", "--name", "again", "busybox", "sleep", "1000")  # which starts it
        await person.until(lambda: [row.object for row in screen.table.rows] == ["again"])
        assert not screen.query_one("#receipts-none").display
        cli.ok("engine", "stop", "--all")  # what was there is still shown
        await person.until(lambda: "can't be had: " in note(screen))
        assert screen.query_one("#receipts-none").display
        assert screen.table.rows[0].object == "again"
