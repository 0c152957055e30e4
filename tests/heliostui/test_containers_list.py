"""The list of containers as a user meets it, with a real engine behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.widgets import Checkbox, Input, OptionList, Static

from engine.protocol.messages import Role
from heliostui.containers.confirm import ConfirmLoss
from heliostui.containers.filter_line import FilterLine
from heliostui.containers.menu import RowMenu
from heliostui.containers.pane import ContainersPane
from heliostui.screens.dialog import Prompt
from heliostui.screens.main import MainScreen
from heliostui.screens.network_forms import CaptureForm, PublishForm
from heliostui.screens.new import NewContainer
from heliostui.screens.signals import SignalMenu
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console

NAMES = ["front-1", "front-2", "front-10", "back"]


@pytest.fixture(scope="module")
def four(cli: CommandLine) -> Iterator[list[str]]:
    """Four that run, of which three have a label."""
    for name in NAMES:
        tier = name.partition("-")[0]
        cli.ok("run", "-d", "--name", name, "--label", f"tier={tier}", "host", "sleep", "600")
    yield NAMES
    cli.ok("rm", "-f", *(name for name in NAMES if name in cli.containers()))


@pytest.fixture
def running(cli: CommandLine, four: list[str]) -> list[str]:
    """All of them run, whatever the test before did."""
    there = cli.containers()
    for name in four:
        if there[name]["status"] == "paused":
            cli.ok("unpause", name)
        elif there[name]["status"] != "running":
            cli.ok("start", name)
    return four


def names(person: Person) -> list[str]:
    return [row.name for row in person.main.table.rows]


def heading(person: Person) -> str:
    return " ".join(person.main.query_one(ContainersPane).description())


def fault(person: Person) -> str:
    return str(person.main.query_one("#filter-fault", Static).render())


async def sorted_by(person: Person, column: str) -> None:
    while person.main.table.sort_column != column:
        await person.press("o")


async def there(person: Person, count: int = 4) -> None:
    await person.until(lambda: len(names(person)) == count)


def measures(person: Person) -> bool:
    """Whether the list asks what containers use."""
    pane = person.main.query_one(ContainersPane)
    return any(worker.group == "numbers" and worker.node is pane for worker in person.app.workers)


async def agreed(person: Person) -> None:
    await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
    await person.press("y")


# --- order and filter ---


async def test_names_are_sorted_as_people_count(cli: CommandLine, running: list[str]) -> None:
    async with console(cli) as person:
        await there(person)
        await sorted_by(person, "name")
        assert names(person) == ["back", "front-1", "front-2", "front-10"]
        await person.press("O")
        assert names(person) == ["front-10", "front-2", "front-1", "back"]
        assert "by name" in heading(person)


async def test_a_filter_stays_until_it_is_cleared_and_comes_back_with_the_arrow(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await there(person)
        await person.press("slash", *"label", "colon", *"tier", "equals_sign", *"back")
        assert names(person) == ["back"]
        await person.press("enter")
        assert person.main.table.has_focus
        assert "⟦label:tier=back⟧ 1 of 4" in heading(person)
        await person.press("escape")
        assert len(names(person)) == 4
        assert "⟦" not in heading(person)
        await person.press("slash", "up")
        assert person.main.query_one(FilterLine).value == "label:tier=back"
        await person.press("down")
        assert person.main.query_one(FilterLine).value == ""
        await person.press("escape")


async def test_a_bad_filter_is_told_where_what_held_before_holds_and_that_nothing_matches_is_said(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await there(person)
        await person.press("slash", "slash", *"back")
        assert names(person) == ["back"]
        await person.press("left_parenthesis")
        assert "character 5" in fault(person)
        assert names(person) == ["back"]
        await person.press("enter")
        assert person.main.query_one(FilterLine).has_focus
        await person.press("backspace", "enter")
        assert person.main.table.has_focus
        assert not person.main.query_one("#filter-fault").display
        await person.press("slash", *"x", "enter")
        shown = [person.main.table.render_line(y).text for y in range(5)]
        assert any("No container matches" in line for line in shown)


async def test_what_each_uses_is_shown_while_the_list_is_seen(cli: CommandLine, running: list[str]) -> None:
    async with console(cli) as person:
        table = person.main.table
        await there(person)
        await person.until(lambda: "MiB" in table.render_line(1).text and "%" in table.render_line(1).text)
        assert measures(person)
        person.main.workspace.zoom("details")
        await person.until(lambda: not measures(person))
        person.main.workspace.zoom(None)
        await person.until(lambda: measures(person))


# --- marks and what is done to many ---


async def test_rows_are_marked_one_by_one_by_stretches_and_all_at_once(cli: CommandLine, running: list[str]) -> None:
    async with console(cli) as person:
        await there(person)
        await sorted_by(person, "name")
        table = person.main.table
        await person.press("home", "space", "space")
        assert table.marked == [row.key for row in table.rows[:2]]
        assert "2 marked" in heading(person)
        await person.press("shift+down")
        assert len(table.marked) == 4
        await person.press("asterisk")
        assert table.marked == []
        await person.press("asterisk")
        assert len(table.marked) == 4
        await person.press("slash", *"back", "enter")
        assert "1 marked, 3 out of sight" in heading(person)
        await person.press("escape")
        assert "marked" not in heading(person)
        await person.press("escape")
        assert len(names(person)) == 4


async def test_many_are_stopped_only_when_that_is_agreed_to_and_each_is_named(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await there(person)
        await person.press("asterisk", "S")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        lost = person.app.screen._lost
        assert {loss.name for loss in lost} == set(running)
        assert all("asked to end (sleep)" in loss.words for loss in lost)
        await person.until(lambda: person.app.focused is not None and person.app.focused.id == "no")
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        assert set(person.states().values()) == {"running"}
        await person.press("ctrl+k")
        await agreed(person)
        await person.until(lambda: set(person.states().values()) == {"stopped"})
        await person.until(lambda: "4 killed." in person.notices)
        await person.press("s")
        await person.until(lambda: set(person.states().values()) == {"running"})
        await person.press("p")
        await person.until(lambda: set(person.states().values()) == {"paused"})
        await person.until(lambda: "4 paused." in person.notices)
        await person.press("p")
        await person.until(lambda: set(person.states().values()) == {"running"})


async def test_a_failure_among_many_is_told_in_a_sentence_and_the_others_are_done(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await there(person)
        person.main.table.set_marks(row.key for row in person.main.table.rows if row.name in ("back", "front-1"))
        await person.pilot.pause()
        targets = person.main.state.targets
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        cli.ok("rm", "-f", "back")
        await person.press("y")
        await person.until(lambda: any("1 of 2 removed." in notice for notice in person.notices))
        told = next(notice for notice in person.notices if "1 of 2 removed." in notice)
        assert next(each.id for each in targets if each.name == "back") in told or "back" in told
        for name in ("back", "front-1"):
            cli.ok("run", "-d", "--name", name, "--label", f"tier={name[:5].strip('-')}", "host", "sleep", "600")


async def test_removing_says_what_is_lost_and_asks_about_volumes_without_a_name(
    cli: CommandLine, running: list[str]
) -> None:
    cli.ok("run", "-d", "--name", "holder", "-v", "/data", "host", "sh", "-c", "echo x >/here; exec sleep 600")
    before = {volume["name"] for volume in cli.json("volume", "ls", "--format", "json")}
    async with console(cli) as person:
        await person.select("holder")
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        screen = person.app.screen
        assert isinstance(screen, ConfirmLoss)
        words = screen._lost[0].words
        assert "1 process killed (sleep)" in words
        assert "1 volume without a name" in words
        screen.query_one(Checkbox).value = True
        await person.press("y")
        await person.until(lambda: "holder" not in person.states())
    after = {volume["name"] for volume in cli.json("volume", "ls", "--format", "json")}
    assert len(before - after) == 1


async def test_a_signal_is_sent_to_the_container(cli: CommandLine, running: list[str]) -> None:
    cli.ok("run", "-d", "--name", "deaf", "host", "sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.05; done")
    async with console(cli) as person:
        await person.select("deaf")
        await person.press("W")
        await person.until(lambda: person.notices)
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        await person.press(*"usr1", "enter")
        await person.until(lambda: person.states()["deaf"] == "exited")
        await person.until(lambda: any("deaf has ended with status 7" in notice for notice in person.notices))
    cli.ok("rm", "deaf")


# --- one row ---


async def test_the_menu_has_what_is_possible_now_with_its_key_and_does_it(cli: CommandLine, running: list[str]) -> None:
    async with console(cli) as person:
        await person.select("back")
        await person.press("full_stop")
        await person.until(lambda: isinstance(person.app.screen, RowMenu))
        menu = person.app.screen.query_one(OptionList)
        found = {option.id for option in menu.options}
        assert {"open", "stop", "kill", "signal", "pause", "remove", "rename", "publish", "capture"} <= found
        assert not {"start", "unpause"} & found
        await person.press("p")
        await person.until(lambda: person.states()["back"] == "paused")
        await person.press("full_stop")
        await person.until(lambda: isinstance(person.app.screen, RowMenu))
        found = {option.id for option in person.app.screen.query_one(OptionList).options}
        assert "unpause" in found
        assert "pause" not in found
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        table = person.main.table
        await person.pilot.click(table, offset=(5, 1 + names(person).index("back")), button=3)
        await person.until(lambda: isinstance(person.app.screen, RowMenu))
        await person.press("p")
        await person.until(lambda: person.states()["back"] == "running")


async def test_a_key_pressed_twice_opens_one_dialog_and_names_and_ids_are_copied(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await person.select("back")
        person.main.action_capture()
        person.main.action_capture()
        await person.until(lambda: isinstance(person.app.screen, CaptureForm))
        await person.pilot.pause()
        assert len(person.app.screen_stack) == 2
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        await person.press("c")
        await person.until(lambda: isinstance(person.app.screen, CaptureForm))
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        await person.press("y")
        assert person.app.clipboard == "back"
        await person.press("Y")
        assert person.app.clipboard == cli.containers()["back"]["id"]
        await person.press("asterisk", "y")
        assert sorted(person.app.clipboard.splitlines()) == sorted(running)


async def test_the_list_is_gone_through_and_stretches_are_marked_by_keys(cli: CommandLine, running: list[str]) -> None:
    async with console(cli) as person:
        await there(person)
        await sorted_by(person, "name")
        table = person.main.table

        def place() -> int:
            return [row.key for row in table.rows].index(table.cursor or "")

        for key, expected in {"end": 3, "up": 2, "k": 1, "down": 2, "j": 3, "g": 0, "G": 3, "home": 0}.items():
            await person.press(key)
            assert place() == expected, key
        await person.press("pagedown")
        assert place() == 3
        await person.press("shift+up", "shift+up")
        assert table.marked == [row.key for row in table.rows[1:]]
        await person.press("escape", "pageup")
        assert place() == 0
        assert table.marked == []


async def test_each_dialog_about_a_container_is_left_by_escape_and_nothing_is_done(
    cli: CommandLine, running: list[str]
) -> None:
    before = [(each["id"], each["name"], each["status"]) for each in cli.containers().values()]
    done = cli.json("receipts", "--format", "json")
    async with console(cli) as person:
        await person.select("back")
        for key, kind in {
            "n": NewContainer,
            "insert": NewContainer,
            "E": Prompt,
            "R": Prompt,
            "K": SignalMenu,
            "ctrl+k": ConfirmLoss,
            "d": ConfirmLoss,
            "delete": ConfirmLoss,
            "P": PublishForm,
            "c": CaptureForm,
            "full_stop": RowMenu,
            "slash": MainScreen,
        }.items():
            await person.press(key)
            await person.until(lambda kind=kind: isinstance(person.app.screen, kind))  # type: ignore[misc]
            await person.press("escape")
            await person.until(lambda: person.app.screen is person.main and person.main.table.has_focus)
        for leave in ("full_stop", "left"):
            await person.press("full_stop")
            await person.until(lambda: isinstance(person.app.screen, RowMenu))
            await person.press(leave)
            await person.until(lambda: person.app.screen is person.main)
        await person.press("R")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press("enter")  # the name that it has
        await person.until(lambda: person.app.screen is person.main)
        assert not person.notices
    assert [(each["id"], each["name"], each["status"]) for each in cli.containers().values()] == before
    assert cli.json("receipts", "--format", "json") == done


async def test_a_container_is_restarted_and_another_program_run_inside_by_keys(
    cli: CommandLine, running: list[str]
) -> None:
    cli.ok("run", "-d", "--name", "quick", "host", "sh", "-c", "trap exit TERM; while :; do sleep 0.05; done")
    async with console(cli) as person:
        await person.select("quick")
        before = person.main.state.selected
        assert before is not None
        await person.press("r")
        await person.until(
            lambda: person.main.state.selected and person.main.state.selected.started_at != before.started_at
        )
        await person.until(lambda: person.states()["quick"] == "running")
        await person.press("E")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press(*"echo", "space", "apostrophe", *"open", "enter")
        await person.until(lambda: any("no closing quotation" in notice for notice in person.notices))
        await person.press("E")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press(*"cat", "space", "minus", *"n", "enter")
        await person.until(lambda: person.main.shown_tab is not None and person.main.terminal_has_keys)
        await person.type("said")
        await person.until(lambda: any(line.split() == ["1", "said"] for line in person.terminal().splitlines()))
        await person.press("ctrl+d")
        await person.until(lambda: person.main.shown_tab is None and person.main.table.has_focus)
        await person.press("T")
        await person.until(lambda: person.main.shown_tab is not None and person.main.terminal_has_keys)
        await person.type("exit")
        await person.until(lambda: person.main.shown_tab is None and person.main.table.has_focus)
        await person.press("a")  # which has no terminal: its log is read
        await person.until(lambda: person.main.details.tab == "logs" and person.main.details.has_focus_within)
    cli.ok("rm", "-f", "quick")


async def test_the_answers_of_a_question_are_gone_through_with_arrows(cli: CommandLine, running: list[str]) -> None:
    cli.ok("create", "--name", "doomed", "host", "true")
    async with console(cli) as person:
        await person.select("doomed")
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, ConfirmLoss))
        for key, answer in (("right", "yes"), ("left", "no"), ("right", "yes")):
            await person.press(key)
            await person.until(lambda answer=answer: person.app.focused and person.app.focused.id == answer)  # type: ignore[misc]
        await person.press("enter")
        await person.until(lambda: "doomed" not in person.states())


async def test_a_new_container_is_filled_in_with_arrows_and_started_from_any_field(
    cli: CommandLine, running: list[str]
) -> None:
    async with console(cli) as person:
        await person.select("back")
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        form = person.app.screen
        form.query_one("#command", Input).focus()
        await person.until(lambda: person.app.focused is not None and person.app.focused.id == "command")
        await person.press("down")
        assert person.app.focused is not None
        assert person.app.focused.id == "name"
        await person.press(*"filled", "up")
        assert person.app.focused.id == "command"
        await person.press("f2")
        await person.until(lambda: form.query_one("#more-limits").display)
        await person.press("f2", "ctrl+s")
        await person.until(lambda: person.states().get("filled") == "running")
    cli.ok("rm", "-f", "filled")


async def test_who_may_only_look_is_offered_nothing_that_changes(cli: CommandLine, running: list[str]) -> None:
    import msgspec

    async with console(cli) as person:
        await person.select("back")
        person.main.state.info = msgspec.structs.replace(person.main.state.info, role=Role.VIEWER)
        person.main.refresh_bindings()
        await person.press("full_stop")
        await person.until(lambda: isinstance(person.app.screen, RowMenu))
        found: set[Any] = {option.id for option in person.app.screen.query_one(OptionList).options}
        assert not {"stop", "kill", "pause", "remove", "rename", "signal", "publish"} & found
        assert {"copy('name')", "wait"} <= found
        await person.press("escape")
        await person.press("d", "ctrl+k", "S")
        assert isinstance(person.app.screen, MainScreen)
