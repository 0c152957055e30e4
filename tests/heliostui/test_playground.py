"""The playground in the console, with a real engine and real heaps behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input, Select, Static

from engine.heap import library
from engine.protocol.heap import Playground
from heliostui.heap.input import OperationInput
from heliostui.heap.side import Side
from heliostui.screens.dialog import Prompt
from heliostui.screens.explain import ExplainThing
from heliostui.screens.help import Help
from heliostui.screens.main import MainScreen
from heliostui.screens.playground import PlaygroundScreen
from heliostui.screens.playground_forms import Beside, ChoosePlayground, NewPlayground, TakeTrace
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console

pytestmark = pytest.mark.skipif(library.path() is None, reason=library.why_missing())


class Player:
    """Somebody in front of the playground."""

    def __init__(self, person: Person, screen: PlaygroundScreen) -> None:
        self.person, self.screen = person, screen

    @property
    def now(self) -> Playground:
        playground = self.screen.playground
        assert playground is not None
        return playground

    @property
    def side(self) -> Side:
        return self.screen.sides[0]

    @property
    def said(self) -> str:
        return str(self.screen.query_one("#play-say", Static).content)

    @property
    def words(self) -> str:
        return str(self.side.query_one(".play-words Static", Static).content)

    async def type(self, line: str) -> None:
        """Type operations, and wait until they are done."""
        await self.person.press("i")
        self.screen.query_one(OperationInput).value = line
        await self.person.press("enter")
        await self.person.until(lambda: not self.screen.query_one(OperationInput).value)
        await self.person.press("escape")

    async def press(self, *keys: str) -> None:
        await self.person.press(*keys)

    async def at(self, step: int) -> None:
        await self.person.until(lambda: self.now.step == step)

    async def operations(self, *operations: str) -> None:
        """Have these operations, none of them done."""
        await self.type("; ".join(operations))
        await self.press("home", "enter")
        await self.at(0)


@asynccontextmanager
async def playground(cli: CommandLine, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Player]:
    """A playground that is closed afterwards."""
    async with console(cli, size) as person:
        await person.press("A")
        await person.until(lambda: isinstance(person.app.screen, PlaygroundScreen))
        screen = person.app.screen
        assert isinstance(screen, PlaygroundScreen)
        await person.until(lambda: screen.playground is not None and screen.sides[0].face.map is not None)
        yield Player(person, screen)
        if isinstance(person.app.screen, PlaygroundScreen):
            await person.press("D")
            await person.until(lambda: person.app.screen is person.main)


async def test_an_operation_is_typed_and_explained(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 2000")
        await player.at(1)
        assert player.words.startswith("alloc 2000 → 0x")
        assert "Best fit for 2,000 bytes" in player.words
        face = player.side.face
        await player.person.until(lambda: face.block is not None and face.block.number == 1)
        assert face.block is not None
        assert (face.block.state, face.block.requested) == ("used", 2000)


async def test_what_is_wrong_with_an_operation_is_said_and_can_be_mended(cli: CommandLine) -> None:
    async with playground(cli) as player:
        line = player.screen.query_one(OperationInput)
        await player.press("i")
        line.value = "free #7"
        await player.press("enter")
        await player.person.until(lambda: "no block" in player.said)
        assert line.value == "free #7"
        assert player.now.steps == 0
        await player.press("escape")


async def test_what_was_typed_before_is_recalled(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 2000")
        await player.type("alloc 3000")
        line = player.screen.query_one(OperationInput)
        await player.press("i", "up", "up")
        assert line.value == "alloc 2000"
        await player.press("down")
        assert line.value == "alloc 3000"
        await player.press("down")
        assert line.value == ""
        await player.press("escape")


async def test_steps_go_forward_and_back_and_the_map_with_them(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 2000", "alloc 3000", "free #1")
        face = player.side.face
        await player.press("space", "space")
        await player.at(2)
        await player.person.until(lambda: face.map is not None and face.map.totals.used_count == 2)
        await player.press("space")
        await player.at(3)
        await player.person.until(lambda: face.map is not None and face.map.totals.used_count == 1)
        await player.press("backspace")
        await player.at(2)
        await player.person.until(lambda: face.map is not None and face.map.totals.used_count == 2)
        await player.press("right", "left", "left")
        await player.at(1)


async def test_a_step_is_gone_to_from_the_list(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 2000", "alloc 3000", "free #1")
        await player.person.until(lambda: player.screen.list.has_focus)
        await player.press("end", "up", "enter")
        await player.at(2)
        await player.press("g", "3", "enter")
        await player.at(3)


async def test_operations_run_by_themselves(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 2000", "alloc 3000", "free #1", "alloc 100")
        await player.press(*["greater_than_sign"] * 5, "r")
        await player.at(4)


async def test_a_run_passes_no_question_though_the_engine_is_slow(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 2000", "free #1", "alloc 300", "alloc 100")
        await player.press("space")
        await player.at(1)
        await player.press("p", *["greater_than_sign"] * 5)
        async with player.screen._turn:
            await player.press("r")
            await player.person.pilot.pause(0.1)  # in which it would go on ten times
        await player.person.until(lambda: player.screen.asked == "alloc 300")
        assert player.now.step == 2


async def test_a_double_free_shows_the_line_it_ended_with_and_a_step_back_mends_it(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 2000; alloc 3000; free #1; free #1")
        await player.person.until(lambda: "double free" in player.words)
        assert player.side.has_class("-ended")
        await player.press("backspace")
        await player.person.until(lambda: not player.now.ended)
        assert player.now.step == 3
        face = player.side.face
        await player.person.until(lambda: face.map is not None and face.map.totals.used_count == 1)


async def test_a_right_prediction_is_told_why_and_counted(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations(
            "alloc 4000", "alloc 1500", "alloc 8000", "alloc 1500", "free #1", "free #3", "alloc 3900"
        )
        await player.press("end", "up", "enter")
        await player.at(6)
        await player.press("p", "space")
        await player.person.until(lambda: player.screen.asked == "alloc 3900")
        assert "best fit" in player.said
        view, face = player.side.face.view, player.side.face
        assert view.has_focus
        first = await block_numbered(player, "alloc 4000")
        view.go_to(first)
        await player.person.until(lambda: face.block is not None and face.block.state == "free")
        await player.press("enter")
        await player.person.until(lambda: player.said.startswith("Right"))
        assert str(player.screen.score) == "1 of 1 right"
        assert player.now.step == 6
        await player.press("space")
        await player.at(7)


async def test_that_it_needs_new_memory_can_be_predicted_rightly_and_wrongly(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 4000", "alloc 4000")
        await player.press("p")
        for step, verdict in ((1, "Right: new memory"), (2, "Wrong: there was room")):
            await player.press("space")
            await player.person.until(lambda: player.screen.asked is not None)
            assert player.screen.active_bindings["m"].enabled
            await player.press("m")
            await player.person.until(lambda verdict=verdict: player.said.startswith(verdict))  # type: ignore[misc]
            await player.press("space")
            await player.at(step)
        assert str(player.screen.score) == "1 of 2 right"


async def test_whoever_gives_up_is_told_and_nothing_is_counted(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.operations("alloc 4000")
        await player.press("p", "space")
        await player.person.until(lambda: player.screen.asked is not None)
        assert "space shows it" in player.said
        await player.press("space")
        await player.person.until(lambda: player.said.startswith("New memory, from a new segment"))
        assert player.screen.score.asked == 0


async def block_numbered(player: Player, operation: str) -> int:
    """The address that an operation answered, as the list tells it."""
    await player.person.until(lambda: any(each == operation for each in player.screen.list.results()))
    known = player.screen.list.results()
    return int(known[operation].partition(" = ")[2], 16)


async def test_two_policies_play_the_same_beside_each_other(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 12000; alloc 1500; alloc 4000; alloc 1500; free #1; free #3; alloc 3900")
        await player.press("b")
        await player.person.until(lambda: isinstance(player.person.app.screen, Beside))
        await player.press("ctrl+s")
        await player.person.until(lambda: len(player.screen.shown) == 2)
        one, other = player.screen.shown
        assert (one.options.policy, other.options.policy) == ("best", "worst")
        assert one.step == other.step == 7
        assert one.last is not None
        assert other.last is not None
        assert one.last.address != other.last.address
        figures = player.screen.query_one("#play-figures", Static)
        await player.person.until(lambda: figures.display)
        assert "worst fit" in str(figures.content)
        await player.press("backspace")
        await player.person.until(lambda: [each.step for each in player.screen.shown] == [6, 6])
        await player.press("b")
        await player.person.until(lambda: len(player.screen.shown) == 1)


async def test_a_trace_that_is_built_in_takes_the_place_of_what_there_is(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 5")
        await player.press("t")
        await player.person.until(lambda: isinstance(player.person.app.screen, TakeTrace))
        await player.press("ctrl+s")
        await player.person.until(lambda: player.person.app.screen is player.screen)
        assert player.now.step == 0
        assert player.now.steps > 5


async def test_a_file_is_read_or_refused_in_the_dialog(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    async with playground(cli) as player:
        await player.press("t")
        await player.person.until(lambda: isinstance(player.person.app.screen, TakeTrace))
        form = player.person.app.screen
        form.query_one("#file", Input).value = str(file)
        await player.press("ctrl+s")
        await player.person.until(lambda: "No such file" in str(form.query_one("#problem", Static).content))
        file.write_text("# two\nalloc 10  # a small one\nfree #1\n")
        await player.press("ctrl+s")
        await player.person.until(lambda: player.person.app.screen is player.screen)
        assert player.now.steps == 2
        await player.press("space")
        await player.person.until(lambda: player.said == "A small one")
        await player.press("space")
        await player.person.until(lambda: not player.said)


async def test_playgrounds_stay_until_they_are_closed(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 777")
        first = player.now.id
        await player.press("n")
        await player.person.until(lambda: isinstance(player.person.app.screen, NewPlayground))
        player.person.app.screen.query_one("#policy", Select).value = "worst"
        await player.press("ctrl+s")
        await player.person.until(lambda: player.person.app.screen is player.screen and player.now.id != first)
        assert player.now.options.policy == "worst"
        await player.press("o")
        await player.person.until(lambda: isinstance(player.person.app.screen, ChoosePlayground))
        await player.press("home", "enter")
        await player.person.until(lambda: player.now.id == first)
        assert player.now.steps == 1
        await player.press("escape")
        await player.person.until(lambda: isinstance(player.person.app.screen, MainScreen))
        await player.press("A")
        await player.person.until(lambda: isinstance(player.person.app.screen, PlaygroundScreen))
        again = player.person.app.screen
        assert isinstance(again, PlaygroundScreen)
        await player.person.until(lambda: again.playground is not None and again.playground.id == first)
        await player.press("D")
        await player.person.until(lambda: again.playground is not None and again.playground.id != first)
        await player.press("D")
        await player.person.until(lambda: player.person.app.screen is player.person.main)


async def test_a_new_playground_takes_the_place_of_one_that_ended_with_its_engine(cli: CommandLine) -> None:
    async with playground(cli) as player:
        await player.type("alloc 2000")
        info = player.person.main.state.info
        assert info is not None
        os.kill(info.pid, signal.SIGKILL)
        await player.person.until(lambda: "engine was started anew" in player.said)
        await player.person.until(lambda: player.screen.playground is not None and player.now.steps == 0)
        await player.type("alloc 3000")
        await player.at(1)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_there_is_room_for_all_of_it(cli: CommandLine, size: tuple[int, int]) -> None:
    async with playground(cli, size) as player:
        await player.type("alloc 2000")
        await player.at(1)
        for widget in (player.side.face.view, player.screen.list, player.screen.query_one(OperationInput)):
            assert widget.region.height >= 1
            assert player.screen.region.contains_region(widget.region)
        assert player.side.face.view.size.height >= 6


async def test_the_keys_of_the_playground_open_what_they_say_and_escape_leaves_it(cli: CommandLine) -> None:
    async with playground(cli) as player:
        person, screen = player.person, player.screen
        await player.operations(*["alloc 100"] * 60)
        for key, kind in (
            ("question_mark", Help),
            ("f1", Help),
            ("x", ExplainThing),
            ("t", TakeTrace),
            ("b", Beside),
            ("n", NewPlayground),
            ("o", ChoosePlayground),
            ("g", Prompt),
        ):
            await player.press(key)
            await person.until(lambda kind=kind: isinstance(person.app.screen, kind))  # type: ignore[misc]
            await player.press("escape")
            await person.until(lambda: person.app.screen is screen)
        await player.press("o")
        await person.until(lambda: isinstance(person.app.screen, ChoosePlayground))
        await player.press("q")
        await person.until(lambda: person.app.screen is screen)
        assert (len(screen.shown), player.now.step, player.now.steps) == (1, 0, 60)
        screen.list.focus()
        await person.until(lambda: screen.list.has_focus)
        for key, place in (("down", 1), ("j", 2), ("k", 1), ("up", 0), ("end", 60), ("home", 0)):
            await player.press(key)
            assert screen.list.cursor == place, key
        await player.press("pagedown")
        page = screen.list.cursor
        assert 1 < page < 60
        await player.press("pageup")
        assert screen.list.cursor == 0
        before = screen._speed
        await player.press("less_than_sign")
        assert screen._speed == before - 1
        await player.press("greater_than_sign")
        assert screen._speed == before
        await player.press("g", *"many", "enter")
        await person.until(lambda: "'many' is no step" in player.said)
        await player.press("r")
        await person.until(lambda: player.now.step > 1)
        await player.press("r")
        assert not screen._goes_on


async def test_the_playground_is_left_by_each_of_its_keys_and_stays_open(cli: CommandLine) -> None:
    async with playground(cli) as player:
        first = player.now.id
        for key in ("q", "A", "escape"):
            await player.press(key)
            await player.person.until(lambda: player.person.app.screen is player.person.main)
            await player.press("A")
            await player.person.until(lambda: isinstance(player.person.app.screen, PlaygroundScreen))
            again = player.person.app.screen
            assert isinstance(again, PlaygroundScreen)
            await player.person.until(lambda again=again: again.playground is not None)  # type: ignore[misc]
            assert again.playground is not None
            assert again.playground.id == first
