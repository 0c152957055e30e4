"""Promises about consoles that move with another one."""

from __future__ import annotations

import os
import signal
from functools import partial

import msgspec

from engine.client.blocking import Connection
from engine.protocol.messages import JoinPresence, Present, PublishView
from engine.protocol.presence import GraphPlace, Place, View
from heliostui.screens.help import Help
from heliostui.screens.main import MainScreen
from tests.heliostui.conftest import CommandLine
from widgets.log_view import LogView

from .conftest import LARGE, SMALL, member


async def test_a_follower_sees_what_the_presenter_looks_at_at_his_own_size(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, SMALL) as bob:
        await ada.select("writer")
        await ada.presents()
        await bob.follows()
        await ada.until(lambda: "presenting to 1" in ada.top)
        assert "following" in bob.top
        await bob.until(lambda: bob.selected == "writer")
        await ada.press("l")
        await bob.until(lambda: bob.main.details.tab == "logs")
        await ada.select("shell")
        await bob.until(lambda: bob.selected == "shell")
        await ada.press("f6")
        await bob.until(lambda: bob.main.workspace.layout_name == "monitor")
        assert (bob.app.size.width, bob.app.size.height) == SMALL


async def test_lists_logs_and_graphs_are_at_the_same_place(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, SMALL) as bob:
        await ada.select("writer")
        await ada.presents()
        await bob.follows()
        await ada.press("l")
        theirs, ours = ada.main.query_one(LogView), bob.main.query_one(LogView)
        await ada.until(lambda: theirs.line_count() == 400)
        await bob.until(lambda: bob.main.details.tab == "logs" and ours.line_count() == 400 and ours.following)
        theirs.scroll_to(y=100, animate=False)
        await bob.until(lambda: ours.scroll_offset.y == 100 and not ours.following)
        board = ada.main.graphs.board
        board.focus()
        await ada.press("minus")
        await bob.until(lambda: bob.main.graphs.board.seconds == board.seconds == 300)
        await ada.press("space")
        await bob.until(lambda: bob.main.graphs.board.end is not None)
        await ada.press("space")
        await bob.until(lambda: bob.main.graphs.board.live)
        ada.main.table.filter = "!writer"
        await bob.until(lambda: [row.name for row in bob.main.table.rows] == ["shell"])
        ada.main.table.filter = ""
        await bob.until(lambda: len(bob.main.table.rows) == 2)


async def test_a_follower_looks_around_and_returns_with_one_key(room: CommandLine) -> None:
    async with member(room) as ada, member(room) as bob:
        await ada.select("writer")
        await ada.presents()
        await bob.follows()
        await bob.until(lambda: bob.selected == "writer" and "following" in bob.top)
        await bob.press("question_mark")  # which is no other look at the containers
        await bob.until(lambda: isinstance(bob.app.screen, Help))
        await bob.press("escape")
        assert bob.main.part.following
        await bob.press("i")
        await bob.until(lambda: "looking around · F3 returns" in bob.top)
        await ada.until(lambda: "presenting to 0" in ada.top)
        await ada.press("l")
        await ada.select("shell")
        assert (bob.main.details.tab, bob.selected) == ("inspect", "writer")
        await bob.press("f3")
        await bob.until(lambda: (bob.main.details.tab, bob.selected) == ("logs", "shell"))
        await ada.until(lambda: "presenting to 1" in ada.top)


async def test_a_terminal_is_seen_by_who_follows_and_keeps_its_size_and_its_keys(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, SMALL) as bob:
        await ada.presents()
        await bob.follows()
        await ada.press("t")
        await ada.until(lambda: ada.main.terminal_has_keys and ada.opened().strip())
        tab = ada.main.shown_tab
        assert tab is not None
        assert tab.pane.session is not None
        size = tab.pane.session.terminal.columns, tab.pane.session.terminal.lines
        await ada.type("seq 1 300; echo done-$((40 + 2))")
        await bob.until(lambda: "done-42" in bob.opened())
        await bob.press("enter", "x")
        assert not bob.main.terminal_has_keys
        shown = bob.main.terminals.shown
        assert shown is not None
        assert shown.pane.session is not None
        await ada.press("shift+pageup")
        await bob.until(lambda: shown.pane.view.scrolled_back == tab.pane.view.scrolled_back > 0)
        assert (shown.pane.session.terminal.columns, shown.pane.session.terminal.lines) == size
        await ada.press("shift+end")
        await ada.type("exit")
        await ada.until(lambda: not ada.main.state.terminals)
        await bob.until(lambda: not bob.main.state.terminals)


async def test_who_follows_does_not_act_by_accident(room: CommandLine) -> None:
    async with member(room) as ada, member(room) as bob:
        await ada.select("writer")
        await ada.presents()
        await bob.follows()
        await bob.until(lambda: bob.selected == "writer")
        await bob.press("S", "p", "n", "d")
        assert bob.states()["writer"] == "running"
        assert isinstance(bob.app.screen, MainScreen)
        await bob.press("f3")  # he looks around now, and is an operator as before
        await bob.until(lambda: "pause" in bob.footer())


async def test_the_own_layout_is_back_when_the_presentation_has_ended(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, LARGE) as bob:
        await bob.press("f7")
        await bob.until(lambda: bob.main.workspace.layout_name == "shell")
        await ada.press("f9")
        await ada.presents()
        await bob.follows()
        await bob.until(lambda: bob.main.workspace.layout_name == "lecture")
        await ada.chooses("Stop presenting")
        await bob.until(lambda: bob.main.workspace.layout_name == "shell")
        assert any("has stopped presenting" in notice for notice in bob.notices)
        assert bob.main.remembered.layout == "shell"
        assert "presenting" not in bob.top
        await ada.press("f5")
        await bob.press("f5")


async def test_what_is_not_here_is_said_and_the_rest_is_shown(room: CommandLine) -> None:
    async with member(room) as bob:
        with Connection.connect(bob.main.link.here.places) as ada:
            next(ada.stream(JoinPresence(name="ada")))
            ada.send(Present())
            view = View(layout="of tomorrow", container="f" * 12, tab="smells", terminal="t999", filter="(", sort="?")
            ada.send(PublishView(view=view))
            await bob.follows()
            await bob.until(lambda: "a container that is not here" in bob.top)
            ada.send(PublishView(view=msgspec.structs.replace(view, container=bob.main.table.rows[0].key, tab="logs")))
            await bob.until(lambda: bob.main.details.tab == "logs" and "a terminal that is not here" in bob.top)
            assert bob.main.workspace.layout_name == "console"


ODD: list[View] = [
    View(layout="console", hidden=["containers", "details", "terminals", "graphs", "heap"]),
    View(layout="heap", hidden=["graphs"], zoomed="graphs"),
    View(layout="console", weights={"wide": dict.fromkeys(["containers", "details", "graphs"], 0.0)}),
    View(
        layout="monitor",
        graphs={"graphs": GraphPlace(span=2.5e11, cursor=2.5e11, until=2.5e11, current=99, enlarged=True)},
    ),
    View(tab="logs", place=Place(line=1 << 40, lines=1, cursor="1e400"), back=1 << 40),
    View(filter="/(", sort="../x"),
]
"""What no console of ours would publish."""


async def test_nothing_that_is_published_harms_who_follows(room: CommandLine) -> None:
    async with member(room) as bob:
        with Connection.connect(bob.main.link.here.places) as ada:
            next(ada.stream(JoinPresence(name="ada")))
            ada.send(Present())
            ada.send(PublishView(view=View()))
            await bob.follows()
            for view in ODD:
                ada.send(PublishView(view=msgspec.structs.replace(view, container=bob.main.table.rows[0].key)))
                await bob.until(partial(_has_come, bob.main, view))
                await bob.pilot.pause()
                assert bob.main.workspace.seen
            ada.send(PublishView(view=View(tab="inspect", region="details")))
            await bob.until(lambda: bob.main.details.tab == "inspect")


def _has_come(main: MainScreen, sent: View) -> bool:
    seen = main.part.view
    return seen is not None and msgspec.structs.replace(seen, container="") == sent


async def test_a_lost_presenter_is_told_and_followed_again_when_he_is_back(room: CommandLine) -> None:
    join = JoinPresence(name="ada", key="only ada knows")
    async with member(room) as bob:
        with Connection.connect(bob.main.link.here.places) as ada:
            next(ada.stream(join))
            ada.send(Present())
            await bob.follows()
        await bob.until(lambda: "ada's line is lost" in bob.top)
        await bob.press("i")  # he is free to look at anything meanwhile
        with Connection.connect(bob.main.link.here.places) as ada:
            next(ada.stream(join))
            ada.send(PublishView(view=View(tab="logs")))
            await bob.until(lambda: "following ada" in bob.top and bob.main.details.tab == "logs")


async def test_a_presentation_goes_on_when_the_engine_was_killed(room: CommandLine) -> None:
    async with member(room) as ada, member(room) as bob:
        await ada.presents()
        await bob.follows()
        os.kill(room.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
        await bob.until(lambda: not bob.main.presence.joined)
        await ada.until(lambda: "presenting to 1" in ada.top)
        await bob.until(lambda: "following" in bob.top)
        await ada.press("i")
        await bob.until(lambda: bob.main.details.tab == "inspect")
