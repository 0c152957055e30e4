"""The log of receipts in the console, with a real engine behind it: every key of it."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from engine.protocol.messages import PauseContainer
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.help import Help
from heliostui.screens.receipt import ReceiptScreen
from heliostui.screens.receipts import ReceiptsScreen
from tests.heliostui.conftest import HELIOSTUI, CommandLine
from tests.heliostui.person import Person, console
from widgets.launch_chart import Call

SIZE = (120, 36)


@pytest.fixture(scope="module", autouse=True)
def done(cli: CommandLine) -> Iterator[None]:
    """What was done before the console was opened."""
    cli.ok("run", "-d", "--name", "web", "-e", "TOKEN=a b", "busybox", "sleep", "1000")
    cli("rename", "web", "web")  # refused: it is called so
    yield
    cli.ok("rm", "-f", "web")


async def log_of(person: Person) -> ReceiptsScreen:
    await person.until(lambda: person.main.state.containers)
    await person.press("f2")
    await person.until(lambda: isinstance(person.app.screen, ReceiptsScreen))
    screen = person.app.screen
    assert isinstance(screen, ReceiptsScreen)
    await person.until(lambda: screen.table.rows)
    return screen


async def opened(person: Person, key: str = "enter") -> ReceiptScreen:
    await person.press(key)
    await person.until(lambda: isinstance(person.app.screen, ReceiptScreen))
    screen = person.app.screen
    assert isinstance(screen, ReceiptScreen)
    return screen


def said(screen: ReceiptsScreen | ReceiptScreen, id: str) -> str:
    return str(screen.query_one(f"#{id}", Static).render())


def call_of(screen: ReceiptScreen) -> Call | None:
    return screen.calls.call


def actions(screen: ReceiptsScreen) -> list[str]:
    return [row.action for row in screen.table.rows]


async def test_f2_shows_what_was_done_by_whom_and_what_came_of_it(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        screen = await log_of(person)
        run, rename = screen.table.rows[:2]
        assert (run.action, run.object, run.by, run.outcome) == ("run", "web", "command line", "done")
        assert run.line == "heliostui run -d --name web --env 'TOKEN=a b' busybox sleep 1000"
        assert rename.outcome == "failed"
        assert not run.own
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.main)


async def test_an_action_of_the_console_is_there_at_once_and_selected(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        await person.select("web")
        await person.press("p")  # pause
        await person.until(lambda: person.states()["web"] == "paused")
        screen = await log_of(person)
        row = screen.table.selected
        assert row is not None
        assert (row.action, row.line, row.own) == ("pause", "heliostui pause web", True)
        cli.ok("unpause", "web")  # somebody else, meanwhile
        await person.until(lambda: actions(screen)[-1] == "unpause")
        assert screen.table.selected == screen.table.rows[-1]  # it follows
        await person.press("f")
        assert not screen.follows
        await person.press("g")
        assert screen.table.selected == screen.table.rows[0]


async def test_o_leaves_those_of_this_console_only(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        await person.select("web")
        await person.press("p")
        await person.until(lambda: person.states()["web"] == "paused")
        await person.press("p")
        await person.until(lambda: person.states()["web"] == "running")
        screen = await log_of(person)
        await person.press("o")
        await person.until(lambda: set(actions(screen)) == {"pause", "unpause"})
        assert all(row.own for row in screen.table.rows)
        assert "mine" in said(screen, "receipts-status")
        await person.press("o")
        await person.until(lambda: len(screen.table.rows) > 2)


async def test_slash_looks_for_words(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        screen = await log_of(person)
        await person.press("slash")
        await person.press(*"rename", "enter")
        await person.until(lambda: set(actions(screen)) == {"rename"})
        await person.press("slash", "escape")
        await person.until(lambda: len(screen.table.rows) > 1)


async def test_one_is_opened_with_its_steps_and_closed_by_the_way_back(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        await log_of(person)
        await person.press("g")
        screen = await opened(person, "right")
        await person.until(lambda: call_of(screen) is not None)
        assert "heliostui run -d --name web" in said(screen, "receipt-command")
        assert "by heliostui run" in said(screen, "receipt-sentence")
        first = call_of(screen)
        assert first is not None
        assert first.index == 1
        await person.press("down")
        assert call_of(screen) != first
        await person.press("L")  # the launch, call by call
        await person.until(lambda: "clone3" not in said_heading(screen) and "executor" in said_heading(screen))
        await person.press("L")
        await person.until(lambda: "steps of the kernel" in said_heading(screen))
        await person.press("left")
        await person.until(lambda: isinstance(person.app.screen, ReceiptsScreen))


def said_heading(screen: ReceiptScreen) -> str:
    return str(screen.query_one("#launch-heading", Static).render())


async def test_y_copies_the_command_line_and_shift_y_all_of_them(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        screen = await log_of(person)
        await person.press("g", "y")
        assert person.app.clipboard == screen.table.rows[0].line
        await person.press("Y")
        assert person.app.clipboard.splitlines() == [row.line for row in screen.table.rows]
        await opened(person)
        await person.press("y")
        assert person.app.clipboard.startswith("heliostui run -d --name web")


async def test_s_saves_a_script_that_runs_and_overwrites_nothing_unasked(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "what was done.sh"
    async with console(cli, SIZE) as person:
        await log_of(person)

        async def save() -> None:
            await person.press("s")
            await person.until(lambda: isinstance(person.app.screen, Prompt))
            person.app.screen.query_one(Input).value = str(path)
            await person.press("enter")

        await save()
        await person.until(path.exists)
        await person.until(lambda: person.notices)
        path.write_text("something else")
        await save()
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, ReceiptsScreen))
        assert path.read_text() == "something else"
        await save()
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("y")
        await person.until(lambda: path.read_text() != "something else")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    text = path.read_text()
    assert text.startswith("#!/bin/sh\n# What was done with heliostui")
    assert "heliostui run -d --name web --env 'TOKEN=a b' busybox sleep 1000\n" in text
    assert "# heliostui rename web web\n" in text  # it failed
    checked = await asyncio.to_thread(subprocess.run, ["sh", "-n", path], check=False)
    assert checked.returncode == 0


async def test_a_failure_is_told_with_the_key_that_opens_its_receipt(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        await person.select("web")
        cli.ok("pause", "web")
        await person.until(lambda: person.states()["web"] == "paused")
        assert not await person.main.ask(PauseContainer(container="web"))
        await person.until(lambda: any(notice.endswith("\nIts receipt: f2") for notice in person.notices))
        screen = await log_of(person)
        row = screen.table.selected
        assert row is not None
        assert (row.action, row.outcome, row.own) == ("pause", "failed", True)
        shown = await opened(person)
        await person.until(lambda: "failed: " in said(shown, "receipt-sentence"))
        cli.ok("unpause", "web")


async def test_the_keys_of_the_log_are_in_the_help_and_question_mark_opens_it(cli: CommandLine) -> None:
    async with console(cli, (80, 24)) as person:
        screen = await log_of(person)
        assert {"open", "copy", "save", "own", "search"} <= person.footer()
        await person.press("question_mark")
        await person.until(lambda: person.app.screen is not screen)
        await person.press("escape")
        await person.press("S")
        await person.until(lambda: screen.table.sort_column)
        await person.press("q")
        await person.until(lambda: person.app.screen is person.main)


async def test_the_log_and_a_receipt_are_left_by_each_of_their_keys(cli: CommandLine) -> None:
    async with console(cli, SIZE) as person:
        for leave in ("escape", "q", "f2"):
            log = await log_of(person)
            await person.press("f1")
            await person.until(lambda: isinstance(person.app.screen, Help))
            await person.press("q")
            await person.until(lambda log=log: person.app.screen is log)  # type: ignore[misc]
            await person.press(leave)
            await person.until(lambda: person.app.screen is person.main)
        screen = await log_of(person)
        for leave in ("escape", "q", "left", "f2"):
            await opened(person, "right")
            await person.press(leave)
            await person.until(lambda: person.app.screen is screen)
        receipt = await opened(person)
        for key in ("question_mark", "f1"):
            await person.press(key)
            await person.until(lambda: isinstance(person.app.screen, Help))
            await person.press("escape")
            await person.until(lambda: person.app.screen is receipt)
        await person.press("escape")
        await person.until(lambda: person.app.screen is screen)
        await person.press("s")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press("escape")
        await person.until(lambda: person.app.screen is screen)
        assert not person.notices


# --- the verb ---


def test_the_verb_lists_them_and_tells_one_with_its_steps(cli: CommandLine) -> None:
    receipts = cli.json("receipts", "--format", "json")
    assert receipts[0]["request"]["type"] == "run_container"
    assert receipts[0]["by"] == "heliostui run"
    listed = cli.ok("receipts").splitlines()
    assert listed[0].split()[:2] == ["NUMBER", "TIME"]
    assert "heliostui run -d --name web" in listed[1]
    one = cli.ok("receipts", "1")
    assert one.startswith("heliostui run -d --name web --env 'TOKEN=a b' busybox sleep 1000\n")
    assert "clone3" in one
    document = cli.json("receipts", "--format", "json", "1")
    assert document["receipt"]["number"] == 1
    assert [step["call"] for step in document["steps"]].count("launch") == 1


def test_the_verb_writes_a_script(cli: CommandLine, tmp_path: Path) -> None:
    script = cli.ok("receipts", "--script")
    assert script.startswith("#!/bin/sh\n")
    assert cli.ok("receipts", "--script", "1").splitlines()[-1].startswith("heliostui run -d --name web")


def test_a_receipt_that_is_not_there_is_refused_in_a_sentence(cli: CommandLine) -> None:
    assert "no receipt 9999" in cli.refused("receipts", "9999", status=1)
    assert "--follow" in cli.refused("receipts", "-f", "1", status=2)


def test_following_tells_of_each_that_is_done(cli: CommandLine) -> None:
    with subprocess.Popen(
        [*HELIOSTUI, "receipts", "-f"], env=cli.environment, stdout=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        for line in following.stdout:
            if "heliostui run -d --name web" in line:
                break
        cli.ok("kill", "-s", "USR1", "web")
        for line in following.stdout:
            if line.rstrip().endswith("heliostui kill --signal USR1 web"):
                break
        following.terminate()


def test_a_job_of_a_terminal_is_acted_on_from_the_command_line(cli: CommandLine) -> None:
    terminal = cli.ok("terminal", "open", "-d", "sleep", "1000")
    (row,) = cli.json("terminal", "ls", "--format", "json")
    cli.ok("terminal", "job", "--signal", "STOP", "signal", str(row["pid"]), terminal)
    assert Path(f"/proc/{row['pid']}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    assert "no process group 1" in cli.refused("terminal", "job", "signal", "1", terminal, status=1)
    assert "name the terminal" in cli.refused("terminal", "job", "stop", "1", status=2)
    cli.ok("terminal", "close", terminal)


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="freezing a container needs its cgroup")
