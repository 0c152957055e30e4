"""Logs, processes and changed files in the console, with a real engine behind it."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Input

from heliostui.processes.details import ProcessScreen
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.explain import Explain
from heliostui.screens.signals import SignalMenu
from heliostui.tab_names import TABS, names
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console
from widgets.document import Document
from widgets.isolation_view import IsolationLines
from widgets.launch_chart import Calls

TREE = "sleep 601 & (sleep 602 & sleep 603) & wait"
TALK = "for n in 1 2 3 4 5 6 7 8 9; do echo line $n; done; echo bad >&2; while read x; do echo got $x; done"


def commands(person: Person) -> list[str]:
    table = person.main.details.processes.table
    return [table.cell(row, "command").text for row in table.rows]


def lines(person: Person) -> list[str]:
    view = person.main.details.logs.log_view
    return [view.line_text(index) for index in range(view.line_count())]


def _within(inner: Widget, outer: Widget) -> bool:
    return inner.region in outer.region


async def focus(person: Person, key: str, widget: str) -> None:
    await person.press(key)
    person.main.details.focus_content()
    await person.until(lambda: person.main.query_one(widget).has_focus)


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 140, 200])
def test_the_names_of_all_tabs_have_room(width: int) -> None:
    found, roomy = names(width)
    assert list(found) == list(TABS)
    if width >= 70:
        assert sum(len(name) + 1 + roomy for name in found.values()) <= width


async def test_the_tab_that_is_shown_is_in_sight_on_the_smallest_screen(cli: CommandLine) -> None:
    cli.ok("create", "--name", "small", "host", "true")
    async with console(cli, (60, 20)) as person:
        await person.select("small")
        for tab in ("heap", "terminal"):
            person.main.details.show_tab(tab)
            label = person.main.details._tabs.get_tab(tab)
            bar = person.main.details._tabs.query_one("ContentTabs")
            await person.until(partial(_within, label, bar))
    cli.ok("rm", "small")


async def test_processes_are_a_live_tree_to_signal_and_renice(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "tree", "host", "sh", "-c", TREE)
    async with console(cli, (120, 36)) as person:
        await person.select("tree")
        await focus(person, "u", "ProcessTable")
        table = person.main.details.processes.table
        await person.until(lambda: len(table.rows) >= 4)
        assert commands(person)[0].startswith("sh -c")
        table.cursor = next(row.key for row in table.rows if row.command == "sleep 601")
        row = person.main.details.processes.selected
        assert row is not None
        await person.press("plus")
        await person.until(lambda: os.getpriority(os.PRIO_PROCESS, row.pid) == 1)
        await person.until(lambda: table.selected and table.selected.nice == 1)
        await person.press("f8")
        await person.until(lambda: os.getpriority(os.PRIO_PROCESS, row.pid) == 2)
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        await person.press(*"stop", "enter")
        await person.until(lambda: table.selected and table.selected.state == "stopped")
        assert table.selected is not None
        assert table.selected.command == "sleep 601"
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        await person.press(*"kill", "enter")
        await person.until(lambda: "sleep 601" not in [row.command for row in table.rows])
        assert "processes" in person.main.details.description()[1]


async def test_a_number_of_a_process_is_explained_and_enter_tells_all(cli: CommandLine) -> None:
    async with console(cli, (120, 36)) as person:
        await person.select("tree")
        await focus(person, "u", "ProcessTable")
        await person.until(lambda: person.main.details.processes.table.rows)
        await person.press("right", "e")
        await person.until(lambda: isinstance(person.app.screen, Explain))
        told = person.app.screen
        await person.until(lambda: "page size" in str(told.query_one("#explain-number").render()))
        assert str(told.query(".explain-path").first().render()).startswith("/proc/")
        await person.press("escape", "enter")
        await person.until(lambda: isinstance(person.app.screen, ProcessScreen))
        assert "Namespaces" in [str(title.render()) for title in person.app.screen.query(".explain-path")]
        await person.press("escape")
        await person.press("slash", *"602", "enter")
        await person.until(lambda: all("602" in command for command in commands(person)))
        await person.press("escape")
        await person.until(lambda: len(person.main.details.processes.table.rows) > 1)


async def test_nothing_is_asked_of_processes_that_nobody_looks_at(cli: CommandLine) -> None:
    async with console(cli, (120, 36)) as person:
        await person.select("tree")
        await person.press("u")
        pane = person.main.details.processes
        await person.until(lambda: pane.table.rows)
        await person.press("2")
        await person.until(
            lambda: not [each for each in person.main.workers if each.group == "processes" and each.is_running]
        )


async def test_logs_are_filtered_searched_paused_and_saved(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-d", "--name", "talk", "host", "sh", "-c", TALK)
    async with console(cli, (120, 36)) as person:
        await person.select("talk")
        await focus(person, "2", "LogView")
        await person.until(lambda: len(lines(person)) == 10)
        await person.press("ampersand", "slash", *"[3-5]", "enter")
        await person.until(lambda: lines(person) == ["line 3", "line 4", "line 5"])
        assert "3 lines" in person.main.details.description()[1]
        await person.press("s")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        path = tmp_path / "kept.log"
        person.app.screen.query_one(Input).value = str(path)
        await person.press("enter")
        await person.until(lambda: any("bytes were written" in notice for notice in person.notices))
        assert [line.removeprefix("  ") for line in path.read_text().splitlines()] == ["line 3", "line 4", "line 5"]
        path.write_text("precious")
        await person.press("s")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        person.app.screen.query_one(Input).value = str(path)
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("n")
        await person.until(lambda: person.app.screen is person.main)
        assert path.read_text() == "precious"
        await person.press("escape")
        await person.until(lambda: len(lines(person)) == 10)
        await person.press("p")
        assert "paused" in person.main.details.description()[1]
        await person.press("p", "slash", *"bad", "enter")
        assert "match 1 of 1" in person.main.details.description()[1]
        await person.press("at")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        person.app.screen.query_one(Input).value = "noon-ish"
        await person.press("enter")
        await person.until(lambda: any("is no time" in notice for notice in person.notices))


async def test_logs_of_marked_containers_are_shown_as_one(cli: CommandLine) -> None:
    for name in ("first", "second"):
        cli.ok("run", "-d", "--name", name, "host", "sh", "-c", TALK)
    async with console(cli, (120, 36)) as person:
        for name in ("first", "second"):
            await person.select(name)
            await person.press("space")
        await focus(person, "2", "LogView")
        await person.until(lambda: len(lines(person)) == 20)
        view = person.main.details.logs.log_view
        assert sorted(view.sources) == ["first", "second"]
        times = [view._line(index).time for index in range(view.line_count())]
        assert times == sorted(times)
        shown = [view.render_line(y).text.split() for y in range(view.size.height)]
        assert {words[0] for words in shown if words} == {"first", "second"}
        await person.press("m")
        await person.until(lambda: len(lines(person)) == 10)


async def test_changed_files_are_shown_with_totals_and_looked_at_again(cli: CommandLine) -> None:
    script = "echo hello > /new; rm /etc/passwd; while read x; do echo $x > /etc/later; done"
    with cli.popen("run", "-i", "--name", "changer", "host", "sh", "-c", script, stdin=-1) as program:
        assert program.stdin is not None
        async with console(cli, (120, 36)) as person:
            await person.select("changer")
            await person.until(lambda: re.search(r"A /new\n(.*\n)*", cli.ok("diff", "changer") + "\n"))
            await focus(person, "U", "ChangeTable")
            table = person.main.details.changes.table
            await person.until(lambda: {"/new", "/etc/passwd"} <= {row.path for row in table.rows})
            assert "1 deleted" in person.main.details.description()[1]
            program.stdin.write(b"more\n")
            program.stdin.flush()
            await person.until(lambda: "/etc/later" in cli.ok("diff", "changer"))
            await person.press("r")
            await person.until(lambda: "/etc/later" in {row.path for row in table.rows})
            await person.press("slash", *"later", "enter")
            await person.until(lambda: [row.path for row in table.rows] == ["/etc/later"])
        program.stdin.close()
        program.wait()


async def test_processes_are_sorted_folded_and_their_numbers_picked_by_keys(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "forest", "host", "sh", "-c", "sleep 701 & (sleep 702 & sleep 703) & wait")
    async with console(cli, (140, 36)) as person:
        await person.select("forest")
        await focus(person, "u", "ProcessTable")
        pane = person.main.details.processes
        table = pane.table
        await person.until(lambda: len(table.rows) >= 4)
        await person.press("home", "space")
        assert len(table.rows) == 1
        assert "(+" in commands(person)[0]
        await person.press("space")
        assert len(table.rows) >= 4
        for key, column in (("M", "memory"), ("C", "cpu"), ("P", "pid")):
            await person.press(key)
            assert table.sort_column == column
        pids = [row.pid for row in table.rows]
        assert pids == sorted(pids)
        await person.press("O")
        assert [row.pid for row in table.rows] == sorted(pids, reverse=True)
        await person.press("T")
        assert table.sort_column == ""
        assert "tree" in pane.description()
        await person.press("o")
        assert table.sort_column == "pid"
        await person.press("T", "right")
        assert "e explains memory" in pane.description()
        await person.press("left", "left")
        assert "e explains threads" in pane.description()
        await person.press("x")
        await person.until(lambda: isinstance(person.app.screen, Explain))
        await person.press("q")
        await person.until(lambda: person.app.screen is person.main)
        for key in ("q", "enter"):
            await person.press("enter")
            await person.until(lambda: isinstance(person.app.screen, ProcessScreen))
            await person.press(key)
            await person.until(lambda: person.app.screen is person.main)
        table.cursor = next(row.key for row in table.rows if row.command == "sleep 701")
        row = pane.selected
        assert row is not None
        for key, nice in (("equals_sign", 1), ("minus", 0), ("plus", 1), ("f7", 0)):
            await person.press(key)
            await person.until(lambda nice=nice: os.getpriority(os.PRIO_PROCESS, row.pid) == nice)  # type: ignore[misc]
            await person.until(lambda nice=nice: table.selected and table.selected.nice == nice)  # type: ignore[misc]
        await person.press("K")
        await person.until(lambda: isinstance(person.app.screen, SignalMenu))
        await person.press("down", "up", "escape")
        await person.until(lambda: person.app.screen is person.main)
        assert Path(f"/proc/{row.pid}").exists()
        await person.press("slash", *"70", "escape")
        assert len(table.rows) >= 4
        assert table.has_focus
    cli.ok("kill", "forest")


async def test_a_log_is_read_by_keys(cli: CommandLine) -> None:
    words = "line %g of a hundred, which is a line that is longer than there is room for on a small screen"
    script = f"seq -f '{words}' 100; sleep 600"
    cli.ok("run", "-d", "--name", "long", "host", "sh", "-c", script)
    async with console(cli, (80, 24)) as person:
        await person.select("long")
        await focus(person, "l", "LogView")
        view = person.main.details.logs.log_view
        await person.until(lambda: len(lines(person)) == 100 and view.following and view.scroll_y > 0)
        end = view.max_scroll_y
        await person.press("up", "k")
        await person.until(lambda: view.scroll_y == end - 2 and not view.following)
        await person.press("down")
        await person.until(lambda: view.scroll_y == end - 1)
        for key, place in (("home", 0), ("G", end), ("g", 0), ("end", end), ("pageup", end - view.size.height + 1)):
            await person.press(key)
            await person.until(lambda place=place: view.scroll_y == place)  # type: ignore[misc]
        await person.press("space")
        await person.until(lambda: view.following)
        for key in ("f", "F"):
            await person.press("g", key)
            await person.until(lambda: view.following and view.scroll_y == end)
        await person.press("g")
        assert "small screen" not in view.render_line(0).text
        await person.press(*["right"] * 9)
        assert view.render_line(1).text.rstrip().endswith("small screen")
        assert view.scroll_x == view.max_scroll_x
        await person.press(*["left"] * 9)
        assert view.scroll_x == 0
        for times in ("time", "relative", "full", ""):
            await person.press("t")
            assert view.times == times
        await person.press("w")
        assert view.wrap
        assert view.row_count() > view.line_count()
        await person.press("w")
        assert view.row_count() == view.line_count()
        await person.press("slash", *"line 5", "enter")
        assert "match 1 of 11" in person.main.details.description()[1]
        await person.press("n")
        assert "match 2 of 11" in person.main.details.description()[1]
        await person.press("N", "N")
        assert "match 11 of 11" in person.main.details.description()[1]
        await person.press("escape")
        assert not view.term
        await person.press("ampersand", *"line 50", "enter", "plus", "equals_sign", "minus")
        assert lines(person)[0].startswith("line 49 ")
        assert len(lines(person)) == 3
        await person.press("ampersand", "escape")
        assert len(lines(person)) == 100
        await person.press("at")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press(*"2h ago", "enter")
        await person.until(lambda: person.app.screen is person.main and view.scroll_y == 0)
        for key in ("at", "s"):
            await person.press(key)
            await person.until(lambda: isinstance(person.app.screen, Prompt))
            await person.press("escape")
            await person.until(lambda: person.app.screen is person.main)
        assert not person.notices
    cli.ok("kill", "long")


async def test_changed_files_are_folded_listed_and_sorted_by_keys(cli: CommandLine) -> None:
    script = "mkdir /made; echo a > /made/small; seq 1000 > /made/large; sleep 600"
    cli.ok("run", "-d", "--name", "folder", "host", "sh", "-c", script)
    async with console(cli, (120, 36)) as person:
        await person.select("folder")
        await person.until(lambda: "/made/large" in cli.ok("diff", "folder"))
        await focus(person, "8", "ChangeTable")
        table = person.main.details.changes.table

        def paths() -> list[str]:
            return [row.path for row in table.rows if row.path.startswith("/made")]

        await person.until(lambda: "/made/large" in paths())
        table.cursor = "/made"
        for key, shown in (("space", 1), ("enter", 3)):
            await person.press(key)
            assert len(paths()) == shown
        await person.press("t")
        assert not table.as_tree
        while table.sort_column != "size":
            await person.press("o")
        assert paths().index("/made/large") < paths().index("/made/small")
        await person.press("O")
        assert paths().index("/made/large") > paths().index("/made/small")
        await person.press("t", "slash", *"small", "enter")
        assert paths() == ["/made/small"]
        await person.press("escape")
        assert len(paths()) == 3
    cli.ok("kill", "folder")


async def test_the_launch_the_fences_and_all_that_is_known_are_read_by_keys(cli: CommandLine, container: str) -> None:
    async with console(cli, (100, 30)) as person:
        await person.select(container)
        await focus(person, "9", "Calls")
        calls = person.main.query_one(Calls)
        await person.until(lambda: calls.call is not None)
        last = len(calls._calls) - 1
        page = calls.size.height - 1
        assert last > page
        steps = {"down": 1, "j": 2, "up": 1, "k": 0, "end": last, "home": 0, "G": last, "g": 0}
        for key, place in {**steps, "pagedown": page, "pageup": 0, "space": page}.items():
            await person.press(key)
            assert calls.cursor == place, key
        await person.press("home", "o")
        assert calls.call is not None
        await person.press("home")
        assert calls.call.duration == max(call.duration for call in calls._calls)
        await person.press("o", "home")
        assert calls.call.index == 1
        await focus(person, "I", "IsolationLines")
        fences = person.main.query_one(IsolationLines)
        await person.until(lambda: fences.names)
        await person.press("right")
        await person.until(lambda: fences.section == 1)
        await person.press("left")
        await person.until(lambda: fences.section == 0)
        await person.press("slash", *"cap", "enter", "n")
        assert "match 2 of" in person.main.details.description()[1]
        await person.press("escape")
        assert person.main.details.description()[1] == "/ searches"
        await focus(person, "i", "Document")
        document = person.main.query_one(Document)
        await person.until(document.line_count)
        await person.press("end")
        await person.until(lambda: document.scroll_y == document.max_scroll_y > 0)
        await person.press("home", "slash", *"status", "enter")
        assert document.matches
        await person.press("N", "escape")
        assert not document.term


async def test_every_tab_has_its_keys_and_brackets_go_round(cli: CommandLine, container: str) -> None:
    async with console(cli, (120, 36)) as person:
        await person.select(container)
        for keys, tab in (
            ("1", "terminal"),
            ("2l", "logs"),
            ("3m", "stats"),
            ("4u", "processes"),
            ("5I", "isolation"),
            ("6M", "limits"),
            ("7w", "network"),
            ("8U", "changes"),
            ("9L", "launch"),
            ("i", "inspect"),
            ("J", "jobs"),
            ("h", "heap"),
        ):
            for key in keys:
                person.main.details.show_tab("inspect" if tab != "inspect" else "terminal")
                await person.press(key)
                assert person.main.details.tab == tab
        tabs = list(TABS)
        person.main.details.show_tab(tabs[-1])
        await person.press("right_square_bracket")
        assert person.main.details.tab == tabs[0]
        await person.press("left_square_bracket", "left_square_bracket")
        assert person.main.details.tab == tabs[-2]


def test_the_command_line_signals_renices_and_tells_changes(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "verbs", "host", "sh", "-c", "echo x > /new; sleep 601 & wait")
    table = cli.ok("top", "--tree", "verbs")
    assert re.search(r"└─ sleep 601$", table)
    (row,) = [row for row in cli.json("top", "--format", "json", "verbs") if row["command"] == ["sleep", "601"]]
    cli.ok("nice", "verbs", str(row["pid"]), "3")
    assert os.getpriority(os.PRIO_PROCESS, row["pid"]) == 3
    assert cli.json("top", "verbs", str(row["pid"]))["process"]["nice"] == 3
    assert "field (24)" in cli.ok("explain", "--process", str(row["pid"]), "verbs", "memory")
    cli.ok("signal", "--inside", "verbs", str(row["inner_pid"]), "KILL")
    cli.ok("wait", "verbs")
    assert "has no process" in cli.refused("signal", "tree", str(os.getpid()), status=1)
    assert "A /new" in cli.ok("diff", "verbs").splitlines()
    assert re.search(r"A +-rw-r--r-- +2 B +- +/new", cli.ok("diff", "--size", "verbs"))
    assert {"kind": "A", "path": "/new"}.items() <= cli.json("diff", "--format", "json", "verbs")["changes"][-1].items()
