"""Terminals in the console, and the jobs in them, as a user meets them; with a real engine, shell and kernel."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.geometry import Size
from textual.widgets import OptionList

from engine.client.aio import Connection
from engine.places import Places
from engine.protocol.messages import CloseTerminal, ListTerminals, OpenTerminal, TerminalRef, Terminals
from heliostui.screens.dialog import Confirm
from heliostui.screens.signals import SignalMenu
from heliostui.terminals.tab import TerminalTab
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console
from widgets.job_table import JobTable
from widgets.swim_lanes import SwimLanes

# Without a line editor: a program that is told of a dumb terminal draws nothing but what it is asked for.
HELIOSH = ["env", "TERM=dumb", sys.executable, "-P", "-m", "engine.shell", "--norc"]
BASH = ["bash", "--norc", "--noprofile"]
RELEASE = "ctrl+right_square_bracket"


def places(cli: CommandLine) -> Places:
    return Places(Path(cli.environment["HELIOSTUI_RUNTIME"]), Path(cli.environment["HELIOSTUI_STATE"]))


@asynccontextmanager
async def opened(cli: CommandLine, command: list[str] = HELIOSH) -> AsyncIterator[str]:
    """The id of a terminal with a shell in it, that is closed afterwards."""
    environment = [f"PATH={os.environ['PATH']}", "PS1=$ ", f"HOME={cli.environment['HELIOSTUI_STATE']}"]
    async with await Connection.open(places(cli)) as engine:
        request = OpenTerminal(command=command, env=environment)
        terminal = (await engine.request(request, TerminalRef)).terminal
    try:
        yield terminal
    finally:
        async with await Connection.open(places(cli)) as engine:
            listed = (await engine.request(ListTerminals(), Terminals)).terminals
            if terminal in (each.id for each in listed):
                await engine.request(CloseTerminal(terminal=terminal))


def tab(person: Person) -> TerminalTab:
    shown = person.main.shown_tab
    assert shown is not None
    return shown


def table(person: Person) -> list[str]:
    """The lines of the job table that is seen."""
    jobs = person.main.job_pane
    if jobs is None or not jobs.table.is_on_screen:
        return []
    return [jobs.table.render_line(y).text for y in range(jobs.table.size.height)]


def job(person: Person, *words: str) -> bool:
    """Whether there is a job with these words."""
    return any("[" in line and all(word in line for word in words) for line in table(person))


def told(person: Person) -> Size:
    """The size that the program has been told of; a while after the view has it."""
    session = tab(person).pane.session
    return Size(session.terminal.columns, session.terminal.lines) if session is not None else Size(0, 0)


async def go_to(person: Person, terminal: str) -> None:
    """Show a terminal by its key, and wait until it has the keys and the shell its prompt."""
    await person.until(lambda: terminal in person.main.state.terminals)
    if person.main.terminal_has_keys:
        await person.press(RELEASE)
    number = list(person.main.state.terminals).index(terminal) + 1
    await person.press(f"alt+{number}")
    await person.until(lambda: person.main.state.shown_terminal == terminal and person.main.terminal_has_keys)
    await person.until(lambda: "$" in person.terminal())


async def test_a_terminal_that_somebody_opened_is_a_tab_of_every_console(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli) as one, console(cli) as other:
        for person in (one, other):
            await go_to(person, terminal)
        await one.type("A=42")
        await other.type("echo $A")
        for person in (one, other):
            await person.until(lambda person=person: "\n42\n" in person.terminal())
        await other.type("exit")
        for person in (one, other):
            await person.until(lambda person=person: not person.main.state.terminals)
            await person.until(lambda person=person: person.main.shown_tab is None)


async def test_t_opens_a_shell_here_with_this_environment_and_gives_it_the_keys(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.press("t")
        await person.until(lambda: person.main.shown_tab is not None and person.main.terminal_has_keys)
        await person.type("echo $((6 * 7)) $PWD")
        await person.until(lambda: f"42 {Path.cwd()}" in person.terminal().replace("\n", ""))
        await person.type("exit")
        await person.until(lambda: person.main.shown_tab is None)


async def test_the_jobs_of_heliosh_are_told_by_itself(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 60)) as person:  # with room for three jobs
        await go_to(person, terminal)
        await person.until(lambda: any("at its prompt" in line for line in table(person)))
        await person.type("sleep 100 | cat &")
        await person.until(lambda: job(person, "[1]+", "running", "sleep 100 | cat"))
        assert len([line for line in table(person) if "├─" in line or "└─" in line]) == 2
        await person.type("cat &")
        await person.until(lambda: job(person, "[2]", "stopped by TTIN", "cat"))
        await person.type("sleep 50")
        await person.until(lambda: job(person, "[3]", "running", "◄ terminal"))
        await person.press("ctrl+z")
        await person.until(lambda: job(person, "[3]+", "stopped by TSTP"))
        await person.until(lambda: any("at its prompt" in line and "◄" in line for line in table(person)))
        await person.type("kill -9 %1")
        await person.until(lambda: job(person, "[1]", "killed by KILL"))


async def test_the_lanes_tell_what_happened(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.type("sleep 100")
        lanes = tab(person).query_one(SwimLanes)

        def words() -> str:
            return lanes.render_line(lanes.size.height - 1).text

        await person.until(lambda: "sleep" in "".join(lanes.render_line(y).text for y in range(lanes.size.height)))
        await person.press("ctrl+z")
        await person.until(lambda: job(person, "stopped by TSTP"))
        await person.press(RELEASE, "tab", *["left"] * 20)
        told = set()
        for _ in range(20):
            told.add(words().split("  ", 1)[1].strip())
            await person.press("right")
        text = "\n".join(sorted(told))
        assert "sleep (" in text
        assert "leads its own group (setpgid)" in text
        assert "got the terminal (tcsetpgrp)" in text
        assert "was stopped by TSTP" in text


async def test_keys_stop_continue_and_signal_a_job(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.type("sleep 100 | cat &")
        await person.until(lambda: job(person, "[1]+", "running"))
        await person.press(RELEASE)
        await person.until(lambda: isinstance(person.app.screen.focused, JobTable))
        assert {"screen.job('stop')", "screen.job('foreground')", "screen.signal_job"} <= person.footer()
        assert "screen.job('continue')" not in person.footer()
        await person.press("s")
        await person.until(lambda: job(person, "[1]", "stopped by STOP"))
        await person.press("c")
        await person.until(lambda: job(person, "[1]", "running"))
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        await person.press(*"kil", "enter")
        await person.until(lambda: not job(person, "running"))


async def test_a_job_is_fetched_to_the_foreground_with_the_keys_and_sent_back(cli: CommandLine) -> None:
    async with opened(cli, HELIOSH[2:]) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.type("sleep 100 | cat &")
        await person.until(lambda: job(person, "[1]+", "running"))
        await person.press(RELEASE)
        await person.until(lambda: isinstance(person.app.screen.focused, JobTable))
        await person.press("f")
        await person.until(lambda: job(person, "[1]", "running", "◄ terminal") and person.main.terminal_has_keys)
        await person.press(RELEASE)
        await person.until(lambda: isinstance(person.app.screen.focused, JobTable))
        await person.press("b")
        await person.until(lambda: any("at its prompt" in line and "◄" in line for line in table(person)))
        await person.until(lambda: job(person, "[1]", "running"))


async def test_the_jobs_of_another_shell_are_read_from_proc_and_the_border_says_so(cli: CommandLine) -> None:
    async with opened(cli, BASH) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.type("sleep 100 | cat &")
        await person.until(lambda: any("sleep 100 | cat" in line and "running" in line for line in table(person)))
        await person.until(lambda: "read from /proc" in tab(person).heads["jobs"].hint)


async def test_closing_asks_only_when_something_runs_and_names_it(cli: CommandLine) -> None:
    async with opened(cli) as busy, opened(cli) as idle, console(cli, (120, 40)) as person:
        await go_to(person, idle)
        await person.press(RELEASE, "w")
        await person.until(lambda: idle not in person.main.state.terminals)
        await go_to(person, busy)
        await person.type("sleep 4321 &")
        await person.until(lambda: job(person, "sleep 4321"))
        await person.press(RELEASE, "w")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("n")
        await person.until(lambda: person.app.screen is person.main)
        assert busy in person.main.state.terminals
        await person.press("w")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("y")
        await person.until(lambda: not person.main.state.terminals and person.main.shown_tab is None)
        assert not person.notices


async def test_another_tab_is_marked_when_its_program_writes_or_rings(cli: CommandLine, tmp_path: Path) -> None:
    for name in ("news", "bell"):
        os.mkfifo(tmp_path / name)
    async with opened(cli) as one, opened(cli) as other, console(cli, (120, 40)) as person:
        await go_to(person, one)
        await person.type(f"(cat {tmp_path}/news; cat {tmp_path}/bell) &")
        await person.until(lambda: job(person, "cat"))
        pane = tab(person).pane
        await go_to(person, other)
        assert pane.unseen == ""
        (tmp_path / "news").write_text("news")
        await person.until(lambda: pane.unseen == "output")
        (tmp_path / "bell").write_text("\a")
        await person.until(lambda: pane.unseen == "bell")
        await go_to(person, one)
        assert pane.unseen == ""


async def test_tabs_are_changed_by_number_and_by_step_and_the_containers_are_the_first(cli: CommandLine) -> None:
    async with opened(cli) as one, opened(cli) as other, console(cli, (120, 40)) as person:
        await go_to(person, one)
        for keys, shown in (((RELEASE, "2"), other), ((RELEASE, "right_square_bracket"), None)):
            await person.press(*keys)
            await person.until(lambda shown=shown: person.main.state.shown_terminal == shown)
        await person.press("ctrl+pageup")
        await person.until(lambda: person.main.state.shown_terminal == other and person.main.terminal_has_keys)
        await person.press(RELEASE, "0")
        await person.until(lambda: person.main.shown_tab is None)


async def test_giving_the_keys_back_on_a_small_screen_shows_the_jobs_and_resizes_nothing(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (80, 24)) as person:
        await go_to(person, terminal)
        jobs = tab(person).jobs
        await person.until(lambda: tab(person).pane.view.size == Size(80, 22) == told(person))
        assert not jobs.display
        await person.type("stty size")
        await person.until(lambda: "22 80" in person.terminal())
        await person.type("trap 'echo resized' WINCH; echo $((6 * 7))")
        await person.until(lambda: "42" in person.terminal())
        await person.press(RELEASE)
        await person.until(lambda: jobs.display and isinstance(person.app.screen.focused, JobTable))
        await person.press("escape")
        await person.until(lambda: person.main.terminal_has_keys and not jobs.display)
        await person.type("stty size")
        await person.until(lambda: person.terminal().count("22 80") == 2)
        assert "\nresized" not in person.terminal()


async def test_zoom_gives_a_terminal_the_whole_screen(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.until(lambda: tab(person).pane.has_class("-has-keys"))
        before = tab(person).pane.view.size.height
        await person.press(RELEASE, "z")
        await person.until(lambda: tab(person).pane.view.size == Size(120, 39) == told(person))
        await person.type("stty size")
        await person.until(lambda: "39 120" in person.terminal())
        await person.press(RELEASE, "z")
        await person.until(lambda: tab(person).pane.view.size.height == before)


async def test_a_terminal_is_opened_with_the_size_it_will_have(cli: CommandLine) -> None:
    for size in (Size(80, 24), Size(120, 40), Size(200, 60)):
        async with opened(cli) as terminal, console(cli, (size.width, size.height)) as person:
            wanted = Size(*person.main.terminal_size)
            await go_to(person, terminal)
            await person.until(lambda wanted=wanted: tab(person).pane.view.size == wanted)


async def test_when_the_engine_dies_a_terminal_and_its_keys_come_back(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli) as person:
        await go_to(person, terminal)
        await person.type("A=42")
        info = person.main.state.info
        assert info is not None
        os.kill(info.pid, signal.SIGKILL)
        await person.until(lambda: person.main.state.info not in (None, info) and person.main.terminal_has_keys)
        await person.until(lambda: tab(person).pane.live)
        assert person.main.state.shown_terminal == terminal
        await person.type("echo $A")
        await person.until(lambda: "\n42\n" in person.terminal())
        await person.type("sleep 100 &")
        await person.press(RELEASE)
        await person.until(lambda: job(person, "sleep 100"))


async def test_a_terminal_survives_the_console_that_opened_it_and_another_one_finds_it(cli: CommandLine) -> None:
    """A lost SSH connection ends the console as SIGKILL does: without a word to the engine."""
    with cli.terminal(columns=120, lines=40) as lost:
        lost.until(b"connecting")
        lost.until(b"engine")
        lost.type(b"t")
        lost.until(b"has the keys")
        lost.type(b"A=4; echo found-$A$((1 + 1))\r")
        lost.until(b"found-42")
        lost.process.kill(signal.SIGKILL)
    async with console(cli, (120, 40)) as person:
        await person.until(lambda: person.main.state.terminals)
        await person.press("alt+1")
        await person.until(lambda: person.main.terminal_has_keys and "found-42" in person.terminal())
        await person.type("echo $A$A$A")
        await person.until(lambda: "\n444" in person.terminal())
        await person.type("exit")
        await person.until(lambda: not person.main.state.terminals)


async def test_a_containers_own_terminal_has_jobs_too(cli: CommandLine) -> None:
    async with console(cli, (120, 40)) as person:
        await person.shell()
        await person.type("sleep 100 | cat &")
        await person.press(RELEASE)
        await person.until(lambda: person.main.table.has_focus)
        await person.press("J")
        await person.until(lambda: any("sleep 100 | cat" in line for line in table(person)))
        await person.press("tab")
        await person.until(lambda: isinstance(person.app.screen.focused, JobTable))
        await person.press("s")
        await person.until(lambda: any("stopped" in line for line in table(person)))
        cli.ok("rm", "-f", *person.states())


async def test_a_terminal_is_searched_and_read_while_the_console_has_the_keys(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 40)) as person:
        await go_to(person, terminal)
        await person.type("echo find me")
        await person.until(lambda: "\nfind me" in person.terminal())
        view = tab(person).pane.view
        await person.press(RELEASE, "slash", *"find", "enter")
        await person.until(lambda: "of 2" in view.search_state or "2 matches" in view.search_state)
        await person.press("n")
        assert not person.main.terminal_has_keys
        await person.press("escape", "escape")  # ends the search, then gives the keys back
        await person.until(lambda: person.main.terminal_has_keys)
        await person.until(lambda: tab(person).pane.has_class("-has-keys"))
        await person.press(RELEASE, *["tab"] * 2)
        await person.until(lambda: person.main.focused is view and not view.captured)


async def test_nine_terminals_have_their_numbers_and_brackets_go_from_one_to_the_next(cli: CommandLine) -> None:
    opened_ids = [cli.ok("terminal", "open", "-d", "cat").split()[0] for _ in range(9)]
    async with console(cli, (120, 40)) as person:
        await person.until(lambda: len(person.main.state.terminals) == 9)
        terminals = list(person.main.state.terminals)

        async def shows(place: int | None) -> None:
            wanted = None if place is None else terminals[place]
            await person.until(lambda: person.main.state.shown_terminal == wanted)

        for number in range(1, 10):
            await person.press(f"alt+{number}")
            await shows(number - 1)
            await person.until(lambda: person.main.terminal_has_keys)
            await person.press(RELEASE)
            await person.until(lambda: not person.main.terminal_has_keys)
        for number in range(1, 10):
            await person.press(str(number))
            await shows(number - 1)
            await person.until(lambda: person.main.terminal_has_keys)
            await person.press(RELEASE)
            await person.until(lambda: not person.main.terminal_has_keys)
        for key, place in (("left_square_bracket", 7), ("right_square_bracket", 8)):
            await person.press(key)
            await shows(place)
            await person.until(lambda: person.main.terminal_has_keys)
            await person.press(RELEASE)
            await person.until(lambda: not person.main.terminal_has_keys)
        await person.press("alt+0")
        await shows(None)
        await person.press("ctrl+pagedown")
        await shows(0)
        await person.until(lambda: person.main.terminal_has_keys)
        await person.press(RELEASE)
        await person.until(lambda: not person.main.terminal_has_keys)
        await person.press("ctrl+pageup")
        await shows(None)
    cli.ok("terminal", "close", *opened_ids)


async def test_the_views_of_jobs_are_changed_and_gone_through_by_keys(cli: CommandLine) -> None:
    async with opened(cli) as terminal, console(cli, (120, 50)) as person:
        await go_to(person, terminal)
        await person.type("sleep 100 & sleep 200 & sleep 300 &")
        await person.until(lambda: job(person, "sleep 300"))
        await person.press(RELEASE)
        await person.until(lambda: isinstance(person.main.focused, JobTable))
        jobs = tab(person).jobs
        await person.press("home")
        first = jobs.table.cursor
        await person.press("end")
        last = jobs.table.cursor
        assert first != last
        for key, place in (("g", first), ("G", last)):
            await person.press(key)
            assert jobs.table.cursor == place
        await person.press("up")
        middle = jobs.table.cursor
        assert middle not in (first, last)
        for key, place in (("down", last), ("k", middle), ("j", last)):
            await person.press(key)
            assert jobs.table.cursor == place
        seen = []
        for _ in range(3):
            await person.press("v")
            await person.pilot.pause()
            seen.append((jobs.table.display, jobs.lanes.display))
        assert sorted(seen) == [(False, True), (True, False), (True, True)]
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        menu = person.app.screen.query_one(OptionList)
        await person.press("down", "down", "up")
        assert menu.highlighted == 1
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.main)
        assert job(person, "running", "sleep 300")
        await person.press("w")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        for key, answer in (("right", "yes"), ("left", "no")):
            await person.press(key)
            await person.until(lambda answer=answer: person.app.focused and person.app.focused.id == answer)  # type: ignore[misc]
        await person.press("enter")
        await person.until(lambda: person.app.screen is person.main)
        assert terminal in person.main.state.terminals
