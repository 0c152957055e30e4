"""Statistics, limits and isolation in the console, with a real engine behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from heliostui.limits.pane import WriteLog
from heliostui.screens.explain import Explain
from heliostui.screens.limit_fields import LimitFields
from heliostui.screens.main import MainScreen
from heliostui.screens.new import NewContainer
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console
from widgets.limits_table import LimitsTable

BUSY = "while :; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.1; done"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="limits need a cgroup of one's own: run as root")


def words(person: Person, selector: str) -> str:
    return str(person.main.query_one(selector, Static).render())


def row(table: LimitsTable, key: str) -> str:
    place = next((place for place, row in enumerate(table._rows) if row.key == key), None)
    return "" if place is None else table.render_line(place + 1 - table.scroll_offset.y).text


async def test_the_numbers_are_live_and_each_can_be_explained(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "busy", "--cpus", "0.5", "--memory", "64m", "host", "sh", "-c", BUSY)
    async with console(cli, (120, 40)) as person:
        await person.select("busy")
        await person.press("m")
        stats = person.main.details.stats
        await person.until(lambda: stats.metric == "cpu")
        cpu, memory = (graph for graph, _ in stats.board.shown)
        await person.until(lambda: "of 0.50 cores" in cpu.render_line(0).text)
        assert "of 64.0 MiB" in memory.render_line(0).text
        await person.until(lambda: "explain" in person.footer())
        stats.list.focus()
        await person.press("down", "x")
        await person.until(lambda: isinstance(person.app.screen, Explain))
        told = person.app.screen
        assert str(told.query(".explain-path").first(Static).render()).startswith("/sys/fs/cgroup/")
        await person.until(lambda: "of it in programs" in str(told.query_one("#explain-number", Static).render()))
        await person.press("escape", "plus", "plus")
        followed = stats.board.followed
        assert followed is not None
        assert followed.period == 0.1
        await person.press("1")
        await person.until(lambda: stats.board.followed is None)


async def test_a_limit_is_changed_by_a_key_and_the_write_is_shown(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "limited", "--memory", "64m", "--pids-limit", "32", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        await person.select("limited")
        await person.press("M")
        table, log = person.main.details.limits.table, person.main.query_one(WriteLog)
        await person.until(lambda: "64 MiB" in row(table, "memory"))
        table.focus()
        await person.until(lambda: table.has_focus)
        table.cursor = next(place for place, row in enumerate(table._rows) if row.key == "pids")
        await person.press("right", "right")
        await person.until(lambda: "pids.max: 48" in str(log.render()))
        await person.until(lambda: "pids.max: 48" in row(table, "pids"))
        assert table.selected is not None
        assert Path(table.selected.source.partition(":")[0]).read_text().strip() == "48"
        await person.press(*"20", "enter")
        await person.until(lambda: "pids.max: 20" in row(table, "pids"))
        await person.press(*"2x", "enter")
        await person.until(lambda: "'2x' is no number" in str(log.render()))
        cli.ok("update", "--pids-limit", "17", "limited")  # somebody else
        await person.until(lambda: "pids.max: 17" in row(table, "pids"))


async def test_limits_of_a_container_that_does_not_run_hold_from_its_next_start(cli: CommandLine) -> None:
    cli.ok("create", "--name", "later", "--pids-limit", "32", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        await person.select("later")
        await person.press("M")
        table = person.main.details.limits.table
        await person.until(lambda: " 32 " in row(table, "pids"))
        table.focus()
        table.cursor = next(place for place, row in enumerate(table._rows) if row.key == "pids")
        await person.press(*"40", "enter")
        await person.until(lambda: " 40 " in row(table, "pids") and "…" not in row(table, "pids"))
        await person.press("m")  # a digit would be typed into the table
        await person.until(lambda: "later does not run" in words(person, "StatsPane .note"))
        await person.press("M", "escape", "s")
        await person.until(lambda: "pids.max: 40" in row(table, "pids"))


async def test_the_fences_are_those_that_the_kernel_has(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "fenced", "host", "sleep", "600")
    pid = cli.containers()["fenced"]["pid"]
    async with console(cli, (120, 40)) as person:
        await person.select("fenced")
        await person.press("I")
        lines = person.main.details.isolation.view.lines
        await person.until(lines.line_count)
        text = [lines.line_text(n) for n in range(lines.line_count())]
        inode = os.stat(f"/proc/{pid}/ns/net").st_ino
        network = next(line for line in text if line.startswith("   network"))
        assert f"○       ● {inode}" in network
        assert str(os.stat("/proc/self/ns/net").st_ino) in network
        assert any("update_container" in line for line in text)
        assert any("jump to" in line for line in text)
        person.main.details.focus_content()
        await person.press("slash", *"keyctl", "enter")
        await person.until(lambda: lines.match is not None)


async def test_a_new_container_gets_the_limits_that_were_filled_in(cli: CommandLine) -> None:
    async with console(cli) as person:
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        dialog = person.app.screen
        dialog.query_one("#name", Input).value = "small"
        dialog.query_one("#limit-memory", Input).value = "64x"
        await person.press("enter")
        await person.until(lambda: "'64x' is no size" in str(dialog.query_one("#problem", Static).render()))
        dialog.query_one("#limit-memory", Input).value = "64m"
        dialog.query_one("#limit-cpus", Input).value = "0.5"
        await person.press("f2")
        assert dialog.query_one(LimitFields).query_one("#more-limits").display
        dialog.query_one("#limit-cpuset_cpus", Input).value = "0"
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, MainScreen) and "small" in person.states())
        limits = cli.json("inspect", "small")[0]["options"]["limits"]
        assert (limits["memory"], limits["cpus"], limits["cpuset_cpus"]) == (64 << 20, 0.5, "0")


async def test_the_keys_of_the_graphs_work_while_the_numbers_have_the_focus(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "measured", "--cpus", "0.5", "host", "sh", "-c", BUSY)
    async with console(cli, (140, 50)) as person:
        await person.select("measured")
        await person.press("3")
        stats = person.main.details.stats
        board = stats.board
        await person.until(lambda: stats.metric is not None and board.feed.now)
        stats.list.focus()
        await person.until(lambda: stats.list.has_focus)
        seconds = board.seconds
        for key, goes in (("minus", 1), ("plus", 0), ("minus", 1), ("equals_sign", 0)):
            await person.press(key)
            assert (board.seconds > seconds) == bool(goes), key
        await person.press("space")
        assert not board.live
        assert stats.description().startswith("paused")
        await person.press("pageup")
        assert board.end is not None
        assert stats.description().startswith("looking back")
        back = board.end
        await person.press("pagedown")
        assert board.end is None or board.end > back
        await person.press("space")
        await person.until(lambda: board.live)
        await person.press("shift+left", "shift+left")
        await person.until(lambda: board.cursor is not None)
        cursor = board.cursor
        await person.press("shift+right")
        assert board.cursor is not None
        assert cursor is not None
        assert board.cursor > cursor
        before = [graph.render_line(4).text for graph, _ in board.shown]
        await person.press("b")
        await person.until(lambda: [graph.render_line(4).text for graph, _ in board.shown] != before)
        first = stats.metric
        await person.press("end")
        await person.until(lambda: stats.metric != first)
        last = stats.metric
        await person.press("up")
        await person.until(lambda: stats.metric != last)
        await person.press("home")
        await person.until(lambda: stats.metric == first)
        for key in ("e", "x"):
            await person.press(key)
            await person.until(lambda: isinstance(person.app.screen, Explain))
            await person.press("enter")
            await person.until(lambda: person.app.screen is person.main)
    cli.ok("kill", "measured")


async def test_limits_are_gone_through_turned_lifted_and_explained_by_keys(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "turned", "--memory", "64m", "--pids-limit", "32", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        await person.select("turned")
        await person.press("6")
        pane = person.main.details.limits
        table = pane.table
        await person.until(lambda: "64 MiB" in row(table, "memory"))
        table.focus()
        await person.until(lambda: table.has_focus)
        await person.press("end")
        last = table.cursor
        assert last > 0
        await person.press("k", "up", "j", "down")
        assert table.cursor == last
        for key, place in (("g", 0), ("G", last), ("home", 0)):
            await person.press(key)
            assert table.cursor == place
        table.cursor = next(place for place, each in enumerate(table._rows) if each.key == "pids")
        await person.press("equals_sign")
        await person.until(lambda: "pids.max: 40" in row(table, "pids"))
        await person.press("minus")
        await person.until(lambda: "pids.max: 32" in row(table, "pids"))
        await person.press("enter")
        assert table.turned
        await person.press("up")
        await person.until(lambda: "pids.max: 40" in row(table, "pids"))
        await person.press("escape")
        assert not table.turned
        await person.press("e")
        await person.until(lambda: isinstance(person.app.screen, Explain))
        await person.press("q")
        await person.until(lambda: person.app.screen is person.main)
        await person.press("delete")
        await person.until(lambda: "pids.max: max" in row(table, "pids"))
    cli.ok("kill", "turned")
