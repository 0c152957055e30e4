"""The console as a user meets it, with a real engine behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest
from textual.widgets import Input, OptionList, Static

from heliostui.containers.confirm import ConfirmLoss
from heliostui.keymap.palette import Palette
from heliostui.screens.dialog import Prompt
from heliostui.screens.help import Help
from heliostui.screens.main import MainScreen
from heliostui.screens.new import NewContainer
from heliostui.screens.playground import PlaygroundScreen
from heliostui.screens.receipts import ReceiptsScreen
from heliostui.screens.small import TooSmall
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import console
from widgets.compositor import LeanCompositor
from widgets.document import Document
from widgets.launch_chart import Calls
from widgets.log_view import LogView


def clean(cli: CommandLine) -> None:
    for name in cli.containers():
        cli.ok("rm", "-f", name)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def held(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_enter_and_enter_give_a_shell_in_a_container(cli: CommandLine) -> None:
    clean(cli)
    async with console(cli) as person:
        await person.until(lambda: person.main.query_one("#nothing-yet").display)
        assert "Enter" in str(person.main.query_one("#nothing-yet", Static).render())
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        await person.press("enter")
        await person.until(lambda: person.main.terminal_has_keys)
        await person.type("expr 6 + 36")
        await person.until(lambda: "\n42\n" in person.terminal())
        assert person.footer() == {"release"}
        await person.press("ctrl+right_square_bracket")
        await person.until(lambda: person.main.table.has_focus)
        assert list(person.states().values()) == ["running"]


async def test_it_rests_when_the_last_container_goes_whose_terminal_had_the_keys(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean(cli)
    async with console(cli) as person:
        await person.shell()
        placed: list[object] = []
        monkeypatch.setattr(person.main, "describe_regions", lambda: placed.append(None))
        clean(cli)
        await person.until(lambda: person.main.workspace.welcoming)
        await person.press("A")
        await person.until(lambda: isinstance(person.app.screen, PlaygroundScreen))
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.main)
        for _ in range(50):
            await person.pilot.pause()
        assert len(placed) < 20


async def test_the_life_of_a_container_from_the_keys(cli: CommandLine) -> None:
    cli.ok(
        "run", "-d", "--name", "life", "host", "sh", "-c", "trap 'exit 3' TERM; echo born; while :; do sleep 0.05; done"
    )
    async with console(cli) as person:
        await person.select("life")
        assert {"stop", "pause", "remove", "exec_shell"} <= person.footer()
        assert not {"start", "unpause"} & person.footer()
        await person.press("p")
        await person.until(lambda: person.states()["life"] == "paused")
        assert "unpause" in person.footer()
        await person.press("p")
        await person.until(lambda: person.states()["life"] == "running")
        await person.press("S")
        await person.until(lambda: person.states()["life"] == "stopped")
        assert {"start", "remove"} <= person.footer()
        assert not {"stop", "pause", "exec_shell"} & person.footer()
        await person.press("s")
        await person.until(lambda: person.states()["life"] == "running")
        await person.press("R")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press("end", *"time", "enter")
        await person.until(lambda: person.states().get("lifetime") == "running")
        await person.press("ctrl+k")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        assert person.states()["lifetime"] == "running"
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        await person.press("y")
        await person.until(lambda: "lifetime" not in person.states())


async def test_details_are_live(cli: CommandLine) -> None:
    script = "echo first; echo wrong >&2; read line; echo got $line; sleep 600"
    cli.ok("run", "-d", "-i", "--name", "details", "host", "sh", "-c", script)
    async with console(cli) as person:
        await person.select("details")
        await person.press("l")
        log = person.main.query_one(LogView)
        await person.until(lambda: log.line_count() == 2)
        with cli.popen("attach", "details", stdin=PIPE, stdout=DEVNULL) as attached:
            assert attached.stdin is not None
            attached.stdin.write(b"word\n")
            attached.stdin.flush()
            await person.until(lambda: log.line_count() == 3)
            attached.kill()  # TERM would go to the container
        assert log.line_text(2) == "got word"
        await person.press("L")
        await person.until(lambda: person.main.query_one(Calls).call is not None)
        await person.press("i")
        document = person.main.query_one(Document)
        await person.until(document.line_count)
        assert any('"status": "running"' in document.line_text(n) for n in range(document.line_count()))
        cli.ok("pause", "details")
        await person.until(lambda: any("paused" in document.line_text(n) for n in range(document.line_count())))
        cli.ok("rm", "-f", "details")
        await person.until(lambda: "details" not in person.states())


async def test_all_keys_but_the_way_out_belong_to_the_program(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.shell()
        await person.type("stty -ixon && cat -v")
        await person.until(lambda: "cat -v" in person.terminal())
        await person.press("ctrl+q", "q", "ctrl+p")  # a lone ctrl+p comes after its time
        await person.until(lambda: "^Qq^P" in person.terminal())
        await person.press("ctrl+p", "x")  # or with the next key
        await person.until(lambda: "^Qq^P^Px" in person.terminal())
        await person.press("tab", "f1", "escape")
        assert person.main.terminal_has_keys
        await person.press("ctrl+right_square_bracket", "ctrl+right_square_bracket")
        await person.until(lambda: "^]" in person.terminal())
        await person.until(lambda: person.main.terminal_has_keys)
        await person.press("ctrl+p", "ctrl+q")
        await person.until(lambda: person.main.table.has_focus)
        assert "running" in person.states().values()


async def test_a_shell_can_be_started_beside_the_program(cli: CommandLine, container: str) -> None:
    async with console(cli) as person:
        await person.select(container)
        await person.press("e")
        await person.until(lambda: person.main.shown_tab is not None and "#" in person.terminal())
        assert person.main.shown_tab is not None
        assert person.main.shown_tab.container_name == container
        await person.type("echo $((6 * 7)); exit 4")
        await person.until(lambda: person.main.shown_tab is None)
        await person.until(lambda: person.main.table.has_focus)
        await person.until(lambda: any("ended with 4" in notice for notice in person.notices))
        assert person.states()[container] == "running"


async def test_the_terminal_has_the_size_of_the_screen_only_with_the_keys(cli: CommandLine) -> None:
    async with console(cli, (80, 24)) as person:
        await person.shell()
        view = person.main.details.terminal.view
        await person.until(lambda: view.terminal and (view.terminal.columns, view.terminal.lines) == (80, 22))
        await person.type("stty size")
        await person.until(lambda: "22 80" in person.terminal())
        await person.press("ctrl+right_square_bracket")
        await person.until(lambda: person.main.table.has_focus)
        await person.pilot.resize_terminal(160, 50)
        await person.press("enter")
        await person.until(lambda: person.main.terminal_has_keys and view.content_size.height > 22)
        await person.until(lambda: view.terminal and (view.terminal.columns, view.terminal.lines) == view.content_size)
        await person.type("stty size")
        await person.until(lambda: f"{view.content_size.height} {view.content_size.width}" in person.terminal())


async def test_when_the_engine_dies_all_comes_back_by_itself(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.shell()
        await person.type("A=42")
        selected, info = person.main.state.selected_id, person.main.state.info
        assert info is not None
        banner = person.main.query_one("#banner", Static)
        with held(parent(info.pid)):  # who would restart it at once
            os.kill(info.pid, signal.SIGKILL)
            await person.until(lambda: banner.has_class("-shown"))
            assert "Containers go on. Reconnecting…" in str(banner.render())
        await person.until(lambda: person.main.state.info and person.main.state.info.pid != info.pid)
        assert not banner.has_class("-shown")
        await person.until(lambda: person.main.terminal_has_keys)
        assert person.main.state.selected_id == selected
        await person.type("echo $A")
        await person.until(lambda: "\n42\n" in person.terminal())


async def test_an_error_is_told_as_the_engine_said_it(cli: CommandLine, container: str) -> None:
    cli.ok("create", "--name", "taken", "host", "true")
    async with console(cli) as person:
        await person.select(container)
        await person.press("R")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        person.app.screen.query_one(Input).value = "taken"
        await person.press("enter")
        await person.until(lambda: person.notices)
        assert "taken" in person.notices[0]
    cli.ok("rm", "taken")


async def test_a_container_that_can_not_start_leaves_the_dialog_open_and_nothing_behind(cli: CommandLine) -> None:
    before = set(cli.containers())
    async with console(cli) as person:
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        await person.type("no-such-program")
        problem = person.app.screen.query_one("#problem", Static)
        await person.until(lambda: "no-such-program" in str(problem.render()))
        assert isinstance(person.app.screen, NewContainer)
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
    assert set(cli.containers()) == before


async def test_a_command_whose_quotes_stay_open_is_refused_in_the_dialog(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        person.app.screen.query_one("#command", Input).value = "echo 'open"
        await person.press("enter")
        problem = person.app.screen.query_one("#problem", Static)
        await person.until(lambda: "no closing quotation" in str(problem.render()))


async def test_the_filter_narrows_the_table_and_escape_forgets_it(cli: CommandLine, container: str) -> None:
    cli.ok("create", "--name", "other_thing", "host", "true")
    async with console(cli) as person:
        await person.until(lambda: len(person.states()) >= 2)
        await person.press("slash", *"other_thing", "enter")
        await person.until(lambda: list(person.states()) == ["other_thing"])
        assert person.main.table.has_focus
        await person.press("escape")
        await person.until(lambda: container in person.states())
    cli.ok("rm", "other_thing")


async def test_a_terminal_that_is_too_small_is_told_in_one_sentence(cli: CommandLine) -> None:
    async with console(cli, (50, 12)) as person:
        await person.until(lambda: isinstance(person.app.screen, TooSmall))
        sentence = person.app.screen.query_one("#too-small", Static)
        await person.until(lambda: "50x12" in str(sentence.render()))
        await person.pilot.resize_terminal(80, 24)
        await person.until(lambda: isinstance(person.app.screen, MainScreen))


async def test_the_mouse_selects_rows_and_opens_tabs(cli: CommandLine, container: str) -> None:
    cli.ok("create", "--name", "second", "host", "true")
    async with console(cli) as person:
        await person.until(lambda: len(person.states()) >= 2)
        for y, row in enumerate(list(person.main.table.rows)[:2], 1):
            await person.pilot.click("ContainerTable", offset=(10, y))
            await person.until(lambda row=row: person.main.state.selected_id == row.key)
        await person.pilot.click("#--content-tab-inspect")
        await person.until(lambda: person.main.details.tab == "inspect")
    cli.ok("rm", "second")


async def test_the_palette_runs_what_is_possible_for_the_selected_container(cli: CommandLine, container: str) -> None:
    async with console(cli) as person:
        await person.select(container)
        await person.press("ctrl+p")
        await person.until(lambda: person.app.screen.has_class("--textual-command-palette"))
        await person.press(*"pause", "enter")
        await person.until(lambda: person.states()[container] == "paused")


async def test_help_and_themes_are_there(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.press("question_mark")
        await person.until(lambda: isinstance(person.app.screen, Help))
        await person.press("escape")
        dark = person.app.theme
        await person.main.run_action("toggle_theme")
        assert person.app.theme != dark


async def test_leaving_says_what_goes_on(cli: CommandLine, container: str) -> None:
    async with console(cli) as person:
        await person.until(lambda: container in person.states())
        await person.press("q")
        await person.until(lambda: person.app._exit)
        assert any("go" in str(each) for each in person.app._exit_renderables)


async def test_palette_and_themes_send_what_differs_and_escape_leaves_all_as_it_was(
    cli: CommandLine, container: str
) -> None:
    async with console(cli) as person:
        await person.select(container)
        theme = person.app.theme
        for key in ("ctrl+p", "colon", "ctrl+t"):
            await person.press(key)
            await person.until(lambda: isinstance(person.app.screen, Palette))
            assert isinstance(person.app.screen._compositor, LeanCompositor)
            await person.press("escape")
            await person.until(lambda: person.app.screen is person.main)
        assert person.app.theme == theme
        await person.press("ctrl+t")
        await person.until(lambda: isinstance(person.app.screen, Palette))
        await person.press(*"gruvbox")
        await person.until(lambda: person.app.screen.query_one(OptionList).option_count == 1)
        await person.press("enter")
        await person.until(lambda: person.app.theme == "gruvbox")
        await person.press("f2")
        await person.until(lambda: isinstance(person.app.screen, ReceiptsScreen))
        below = person.app.screen
        await person.press("ctrl+p")
        await person.until(lambda: isinstance(person.app.screen, Palette))
        await person.press("escape")
        await person.until(lambda: person.app.screen is below)


async def test_each_way_of_help_is_left_by_each_of_its_keys(cli: CommandLine) -> None:
    async with console(cli) as person:
        for key in ("question_mark", "f1"):
            for leave in ("escape", "q", "question_mark", "f1", "enter"):
                await person.press(key)
                await person.until(lambda: isinstance(person.app.screen, Help))
                await person.press(leave)
                await person.until(lambda: person.app.screen is person.main)
        assert not person.app._exit


async def test_a_terminal_that_is_too_small_can_be_left(cli: CommandLine) -> None:
    async with console(cli, (50, 12)) as person:
        await person.until(lambda: isinstance(person.app.screen, TooSmall))
        await person.press("q")
        await person.until(lambda: person.app._exit)


async def test_enter_starts_an_engine_that_was_ended(cli: CommandLine) -> None:
    async with console(cli) as person:
        before = person.main.state.info
        assert before is not None
        cli.ok("engine", "stop", "--all")
        await person.until(lambda: person.main.state.engine_ended and "start_engine" in person.footer())
        await person.press("enter")
        await person.until(lambda: person.main.state.info and person.main.state.info.pid != before.pid)
        assert not person.main.state.engine_ended
