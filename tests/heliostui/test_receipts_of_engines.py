"""The log of receipts in the console when its engine ends, and when another one takes its place."""

from __future__ import annotations

import os
import signal

import pytest
from textual.widgets import Static

from heliostui.screens.receipt import ReceiptScreen
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


async def test_an_open_receipt_stays_what_it_was_when_another_engine_takes_over(cli: CommandLine) -> None:
    cli.ok("volume", "create", "first")
    async with console(cli, SIZE) as person:
        log = await log_of(person)
        await person.until(lambda: log.table.rows)
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, ReceiptScreen))
        screen = person.app.screen
        assert isinstance(screen, ReceiptScreen)
        await person.until(lambda: screen.calls.call is not None)
        shown, call = words(screen, "receipt-command"), screen.calls.call
        info = person.main.state.info
        assert info is not None
        number = int(words(screen, "receipt-title").split()[-1])
        os.kill(info.pid, signal.SIGKILL)  # its keeper starts another
        await person.until(lambda: person.main.state.info not in (None, info))
        for taken in range(number):
            cli.ok("volume", "create", f"taken{taken}")
        await person.until(
            lambda: any(row.number == number for row in log.table.rows if row.object == f"taken{number - 1}")
        )
        assert "its engine has ended since" in words(screen, "receipt-sentence")
        assert words(screen, "receipt-command") == shown
        assert screen.calls.call == call
        await person.press("escape")
        await person.press("enter")  # one of the new engine's
        await person.until(lambda: isinstance(person.app.screen, ReceiptScreen) and person.app.screen.calls.call)
        assert isinstance(person.app.screen, ReceiptScreen)
        assert "its engine has ended since" not in words(person.app.screen, "receipt-sentence")


def words(screen: ReceiptScreen, id: str) -> str:
    return str(screen.query_one(f"#{id}", Static).render())
