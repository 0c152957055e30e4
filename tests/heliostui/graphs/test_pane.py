"""The region of graphs and the limits beside their graph, with a real engine and containers that work."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import OptionList, SelectionList, Static

from engine.places import Places
from engine.protocol.messages import Containers, ContainerSummary, ListContainers
from heliostui.app import Console
from heliostui.graphs.choose import ChooseCharts, ChooseNumber
from heliostui.graphs.pane import GraphsPane
from heliostui.limits.pane import LimitsPane, WriteLog
from heliostui.link import Link
from heliostui.screens.explain import Explain
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import press
from widgets.graph import GUTTER, Graph

PATIENCE = 30.0  # seconds; far more than anything takes
BUSY = "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.1; done"
P = TypeVar("P", GraphsPane, LimitsPane)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="limits need a cgroup of one's own: run as root")


class Stage(Screen[None], Generic[P]):
    """Nothing but one pane."""

    def __init__(self, places: Places, make: Callable[[Link], P]) -> None:
        super().__init__()
        self.link = Link(places, self.post_message)
        self.pane: P = make(self.link)

    def compose(self) -> ComposeResult:
        yield self.pane


class Alone(Console, Generic[P]):
    """The console with the stage as its screen."""

    CSS_PATH = str(Path(__file__).parents[3] / "heliostui" / "console.tcss")

    def __init__(self, places: Places, stage: Stage[P]) -> None:
        super().__init__(places)
        self.stage: Stage[P] = stage

    def get_default_screen(self) -> Screen[None]:
        return self.stage


class Somebody(Generic[P]):
    """Looks at a pane, and presses keys."""

    def __init__(self, app: Alone[P], pilot: Pilot[None]) -> None:
        self.app: Alone[P] = app
        self.pilot = pilot
        self.pane: P = app.stage.pane

    async def containers(self, *names: str) -> list[ContainerSummary]:
        reply = await self.app.stage.link.request(ListContainers(all=True), Containers)
        found = {each.name: each for each in reply.containers}
        return [found[name] for name in names]

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)

    async def until(self, true: Callable[[], object]) -> None:
        end = monotonic() + PATIENCE
        while not true():
            assert monotonic() < end, [self.text(graph) for graph in self.app.screen.query(Graph) if graph.display]
            await self.pilot.pause(0.025)

    def text(self, graph: Graph) -> str:
        return "\n".join(graph.render_line(y).text for y in range(graph.size.height))

    def words(self, selector: str) -> str:
        return str(self.app.screen.query_one(selector, Static).render())


@asynccontextmanager
async def looking(
    cli: CommandLine, make: Callable[[Link], P], size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Somebody[P]]:
    places = Places(Path(cli.environment["HELIOSTUI_RUNTIME"]), Path(cli.environment["HELIOSTUI_STATE"]))
    app: Alone[P] = Alone(places, Stage(places, make))
    async with app.run_test(size=size) as pilot:
        yield Somebody(app, pilot)


@pytest.fixture(scope="module", autouse=True)
def busy(cli: CommandLine) -> None:
    """Two that work, and for some seconds already when most tests look at them."""
    for name in ("one", "two"):
        cli.ok("run", "-d", "--name", name, "--cpus", "0.5", "--memory", "64m", "host", "sh", "-c", BUSY)


async def test_one_container_has_its_graphs_filled_at_once_and_then_live(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        await me.until(lambda: len(board.shown) == 7)
        cpu, memory = board.shown[0][0], board.shown[1][0]
        await me.until(lambda: "of 0.50 cores" in me.text(cpu) and "of 64.0 MiB" in me.text(memory))
        await me.until(lambda: any(0x2800 < ord(character) < 0x2900 for character in me.text(cpu)))
        await me.until(lambda: "● live" in me.words("#graphs-whose"))
        assert me.pane.description().startswith("2 min")
        samples = len(board.feed.curve(board.subjects[0].id, "cpu"))
        await me.until(lambda: len(board.feed.curve(board.subjects[0].id, "cpu")) > samples)
        me.pane.rest()
        assert board.followed is None


async def test_several_are_overlaid_in_colours_and_the_machine_is_there_without_any(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one", "two"))
        board = me.pane.board
        await me.until(lambda: board.shown and me.text(board.shown[0][0]).partition("\n")[0].count(" cores") == 2)
        assert "━ one" in me.words("#graphs-whose")
        assert "━ two" in me.words("#graphs-whose")
        me.pane.show([])
        await me.until(lambda: "this machine" in me.words("#graphs-whose"))
        await me.until(lambda: " of " in me.text(board.shown[0][0]).splitlines()[0])
        assert "load" in {chart.id for _, chart in board.shown}


async def test_the_cursor_reads_a_moment_of_all_graphs_and_end_is_live_again(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.until(lambda: board.feed.now and board.followed)
        await me.press("left", "left")
        await me.until(lambda: board.cursor is not None)
        heads = [me.text(graph).splitlines()[0] for graph, _ in board.shown]
        assert len({head.partition(":")[2][:5] for head in heads}) == 1  # the same time in each
        before = board.cursor
        await me.press("right")
        assert board.cursor is not None
        assert before is not None
        assert board.cursor > before
        await me.press("home")
        assert board.cursor < before
        await me.press("end")
        await me.until(lambda: board.cursor is None and board.live)


async def test_one_pauses_scrubs_back_and_returns(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.until(lambda: board.feed.now and board.followed)
        await me.press("space")
        assert "paused at" in me.words("#graphs-whose")
        drawn = me.text(board.shown[1][0])
        now = board.feed.now
        await me.until(lambda: board.feed.now > now)
        assert me.text(board.shown[1][0]) == drawn
        await me.press("pageup")
        assert board.end is not None
        assert "◀" in me.words("#graphs-whose")
        await me.press("pagedown", "space")
        await me.until(lambda: board.live and "● live" in me.words("#graphs-whose"))
        await me.press("shift+left", "escape")
        assert board.live


async def test_time_is_stretched_up_to_ten_values_a_second(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.press("minus", "minus", "minus")
        assert board.seconds == 600
        await me.press("plus", "plus", "plus", "plus", "plus")
        assert (board.seconds, board.followed and board.followed.period) == (20, 0.1)
        assert "ten times a second" in me.pane.description()


async def test_one_graph_has_all_the_room_and_blocks_are_seen_from_afar(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.until(lambda: len(board.shown) == 7)
        await me.press("down", "enter")
        await me.until(lambda: [chart.id for _, chart in board.shown] == ["memory"])
        assert board.shown[0][0].size.height > 25
        await me.press("enter", "b")
        await me.until(lambda: len(board.shown) == 7 and "█" in me.text(board.shown[1][0]))
        await me.press("up", "L")
        await me.until(lambda: len(board.shown) == 3)
        assert "┏" in me.text(board.shown[0][0])


async def test_which_graphs_there_are_is_chosen_and_the_machine_laid_over(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.press("v")
        await me.until(lambda: isinstance(me.app.screen, ChooseCharts))
        me.app.screen.query_one(SelectionList).deselect_all()
        await me.press("space", "end", "space", "enter")
        await me.until(lambda: [chart.id for chart in board.charts] == ["cpu"])
        assert [each.id for each in board.subjects][1:] == [""]
        await me.until(lambda: "━ this machine" in me.words("#graphs-whose"))


async def test_a_number_is_explained_and_asked_for_where_there_are_several(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        me.pane.board.focus()
        await me.press("e")
        await me.until(lambda: isinstance(me.app.screen, Explain))
        assert str(me.app.screen.query_one("#explain").border_title).startswith("cpu of one")
        await me.press("escape", "down", "down", "x")
        await me.until(lambda: isinstance(me.app.screen, ChooseNumber))
        assert me.app.screen.query_one(OptionList).option_count == 2
        await me.press("down", "enter")
        await me.until(lambda: isinstance(me.app.screen, Explain))
        assert str(me.app.screen.query_one("#explain").border_title).startswith("io.write of one")


async def test_the_mouse_reads_where_it_is_and_a_click_stays(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        await me.until(lambda: len(board.shown) == 7 and board.followed)
        graph = board.shown[1][0]
        await me.pilot.hover(graph, offset=(GUTTER + 5, 3))
        await me.until(lambda: board.looked_at is not None)
        assert board.cursor is None
        await me.pilot.click(graph, offset=(GUTTER + 8, 3))
        await me.until(lambda: board.cursor is not None and board.current == 1)


async def test_changes_pauses_and_ends_are_marked_and_told_under_the_cursor(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        cli.ok("run", "-d", "--name", "short", "--memory", "64m", "host", "sleep", "600")
        me.pane.show(await me.containers("short"))
        board = me.pane.board
        board.focus()
        await me.until(lambda: board.feed.curve(board.subjects[0].id, "memory.limit").last)
        cli.ok("update", "--memory", "128m", "short")
        memory = board.shown[1][0]
        await me.until(lambda: "▲128 MiB" in me.text(memory))
        assert "memory limit 128 MiB" in me.words("#graphs-foot")
        cli.ok("pause", "short")
        await me.until(lambda: "‖" in me.text(memory))
        board.cursor = next(each.time for each in board.feed.happenings(board.subjects[0].id) if each.kind == "pause")
        await me.until(lambda: board.now > (board.cursor or 0))
        board.action_cursor(0)
        await me.until(lambda: "‖ paused" in me.words("#graphs-foot"))
        await me.press("end")
        cli.ok("unpause", "short")
        cli.ok("kill", "short")
        await me.until(lambda: "■" in me.text(memory))
        await me.until(lambda: "ended with 137" in me.words("#graphs-foot"))


async def test_a_knob_is_turned_and_its_mark_and_line_are_on_the_graph_beside_it(cli: CommandLine) -> None:
    async with looking(cli, LimitsPane) as me:
        (container,) = await me.containers("two")
        me.pane.follow(container)
        table, board = me.pane.table, me.pane.board
        await me.until(lambda: table.selected is not None and board.followed)
        table.focus()
        table.cursor = next(place for place, row in enumerate(table._rows) if row.key == "cpus")
        await me.until(lambda: board.shown and board.shown[0][1].id == "cpu")
        await me.press("enter", "down", "down")
        assert board.followed is not None
        assert board.followed.period == 0.1
        log = me.pane.query_one(WriteLog)
        await me.until(lambda: "30000" in str(log.render()))
        await me.until(lambda: "▲0.30" in me.text(board.shown[0][0]))
        assert "of 0.30 cores" in me.text(board.shown[0][0]).splitlines()[0]
        await me.press("escape", "right")
        await me.until(lambda: "40000" in str(log.render()))
        assert not table.turned


async def test_every_key_of_the_graphs_has_its_twin_and_the_dialogs_are_left_as_they_were(cli: CommandLine) -> None:
    async with looking(cli, GraphsPane) as me:
        me.pane.show(await me.containers("one"))
        board = me.pane.board
        board.focus()
        await me.until(lambda: len(board.shown) == 7 and board.feed.now)
        charts = board.charts
        for leave in ("escape", "q"):
            await me.press("v")
            await me.until(lambda: isinstance(me.app.screen, ChooseCharts))
            await me.press("space", leave)
            await me.until(lambda: me.app.screen is me.app.stage)
            assert board.charts == charts
        for key, place in (("j", 1), ("j", 2), ("k", 1), ("down", 2)):
            await me.press(key)
            assert board.current == place
        for leave in ("escape", "q"):
            await me.press("x")
            await me.until(lambda: isinstance(me.app.screen, ChooseNumber))
            await me.press(leave)
            await me.until(lambda: me.app.screen is me.app.stage)
        seconds = board.seconds
        await me.press("minus", "equals_sign")
        assert board.seconds == seconds
        await me.press("shift+left")
        assert not board.live
        back = board.end
        assert back is not None
        await me.press("shift+right")
        assert board.end is None or board.end > back
        await me.press("end")
        await me.until(lambda: board.live)
        large = me.pane.large
        await me.press("L")
        await me.until(lambda: me.pane.large != large)
