"""Heaps of containers in the console, with a real engine and real programs behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from textual.widgets import OptionList, Select, Static

from engine.heap import library
from heliostui.heap.pane import HeapPane
from heliostui.screens.explain import ExplainThing
from heliostui.screens.heap import HeapScreen
from heliostui.screens.heap_forms import ChooseProcess
from heliostui.screens.help import Help
from heliostui.screens.main import MainScreen
from heliostui.screens.new import NewContainer
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console

pytestmark = pytest.mark.skipif(library.path() is None, reason=library.why_missing())

HOLDING = """
import sys, time
held = [bytearray(3000 + 64 * n) for n in range(200)]
del held[::3]
while True:
    held.append(bytearray(40_000))  # more than caches keep
    held.pop(0)
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def shop(cli: CommandLine) -> Iterator[str]:
    """The name of a container whose program has a heap of ours, and changes it all the time."""
    cli.ok("run", "-d", "--name", "shop", "--heap", "host", "python3", "-c", HOLDING)
    yield "shop"
    cli.ok("kill", "shop")


async def look(person: Person, name: str) -> HeapPane:
    """The Heap tab of a container."""
    await person.select(name)
    await person.press("h")
    await person.until(lambda: person.main.details.tab == "heap")
    return person.main.details.heap


async def seen(person: Person, name: str) -> HeapPane:
    """The same, once there is a picture."""
    pane = await look(person, name)
    await person.until(lambda: pane.face.map is not None and pane.face.map.rows)
    return pane


async def whole_screen(person: Person, name: str) -> HeapScreen:
    await person.select(name)
    await person.press("H")
    await person.until(lambda: isinstance(person.app.screen, HeapScreen))
    screen = person.app.screen
    assert isinstance(screen, HeapScreen)
    await person.until(lambda: screen.face.map is not None)
    return screen


def note(pane: HeapPane) -> str:
    return str(pane.query_one(".note", Static).content)


def asking(person: Person) -> int:
    """How many workers look at heaps."""
    return sum(worker.group in ("heap", "find", "figures") and not worker.is_finished for worker in person.app.workers)


async def test_the_tab_shows_the_heap_as_it_changes(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        pane = await seen(person, shop)
        assert "python3" in pane.description()
        assert "best fit" in pane.description()
        map = pane.face.map
        assert map is not None
        assert {"arena", "slabs"} <= {segment.kind for segment in map.segments}
        before = map.sequence
        await person.until(lambda: pane.face.map is not None and pane.face.map.sequence != before)
        assert "in use" in str(pane.query_one(".heap-totals", Static).content)


async def test_the_cursor_tells_the_block_it_is_on(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        pane = await seen(person, shop)
        await person.press("tab")
        await person.until(lambda: pane.face.view.has_focus)
        await person.until(lambda: pane.face.block is not None)
        await person.press("f")
        await person.until(lambda: pane.face.block is not None and pane.face.block.bin is not None)
        assert "in bin" in str(pane.query_one(".heap-what", Static).content)
        await person.press("shift+tab")
        await person.until(lambda: person.main.table.has_focus)


async def test_the_figures_are_explained_with_their_numbers(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        await seen(person, shop)
        await person.press("x")
        await person.until(lambda: isinstance(person.app.screen, ExplainThing))
        words = "\n".join(str(each.render()) for each in person.app.screen.query(".explain-words").results(Static))
        assert "process_vm_readv(2)" in words
        assert "1 - largest free block / all of them = 1 - " in words
        await person.press("escape")


async def test_nothing_is_asked_while_it_is_hidden(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        await seen(person, shop)
        assert asking(person) == 1
        await person.press("2")
        await person.until(lambda: not asking(person))
        await person.press("h")
        await person.until(lambda: asking(person) == 1)


async def test_a_container_without_a_heap_says_how_to_have_one(cli: CommandLine, container: str) -> None:
    async with console(cli, (140, 40)) as person:
        pane = await look(person, container)
        await person.until(lambda: "started without --heap" in note(pane))
        assert not asking(person)


async def test_a_program_that_takes_no_library_says_why_it_has_none(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "static", "--heap", "busybox", "sleep", "600")
    async with console(cli, (140, 40)) as person:
        pane = await look(person, "static")
        await person.until(lambda: "none of its processes has a heap of ours" in note(pane))
    cli.ok("rm", "-f", "static")


async def test_a_container_that_has_ended_has_no_heap(cli: CommandLine) -> None:
    cli.ok("run", "--name", "brief", "--heap", "host", "true")
    async with console(cli, (140, 40)) as person:
        pane = await look(person, "brief")
        await person.until(lambda: "does not run" in note(pane))


async def test_another_process_is_chosen(cli: CommandLine) -> None:
    both = ["sh", "-c", "python3 -c 'import time; time.sleep(600)' & exec python3 -c 'import time; time.sleep(601)'"]
    cli.ok("run", "-d", "--name", "pair", "--heap", "host", *both)
    async with console(cli, (140, 40)) as person:
        pane = await seen(person, "pair")
        assert pane.process is not None
        before = pane.process.host_pid
        await person.press("tab", "u")
        await person.until(lambda: isinstance(person.app.screen, ChooseProcess))
        options = person.app.screen.query_one(OptionList)
        assert options.option_count == 2
        await person.press("end" if not options.highlighted else "home", "enter")
        await person.until(lambda: pane.process is not None and pane.process.host_pid != before)
        await person.until(lambda: pane.face.map is not None)
    cli.ok("kill", "pair")


async def test_a_program_that_ends_is_told_and_its_follower_found(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "row", "--heap", "host", "sh", "-c", "while :; do sleep 600; done")
    async with console(cli, (140, 40)) as person:
        pane = await seen(person, "row")
        await person.press("tab", "u")
        await person.until(lambda: isinstance(person.app.screen, ChooseProcess))
        choice = person.app.screen
        assert isinstance(choice, ChooseProcess)
        sleeper = next(n for n, each in enumerate(choice._processes) if each.command.startswith("sleep"))
        choice.query_one(OptionList).highlighted = sleeper
        await person.press("enter")
        await person.until(lambda: pane.process is not None and pane.process.command.startswith("sleep"))
        assert pane.process is not None
        gone = pane.process.host_pid
        cli.ok("exec", "row", "kill", str(pane.process.pid))
        await person.until(lambda: pane.process is not None and pane.process.host_pid != gone and pane.face.display)
    cli.ok("kill", "row")


async def test_the_whole_screen_has_figures_events_and_bytes(cli: CommandLine, shop: str) -> None:
    async with console(cli, (200, 60)) as person:
        screen = await whole_screen(person, shop)
        await person.until(lambda: "python3" in str(screen.query_one("#heap-status", Static).content))
        assert "Sums" in screen.figures.shown
        await person.press("v")
        await person.until(lambda: "Events" in screen.figures.shown)
        await person.until(lambda: screen.figures.happened > 10)
        await person.press("b")
        await person.until(lambda: "Bytes" in screen.figures.shown and screen.figures.bytes_view.line_count())
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        await person.until(lambda: not [w for w in person.app.workers if w.group == "figures" and not w.is_finished])


async def test_a_paused_picture_stands_still_and_can_still_be_looked_around_in(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        screen = await whole_screen(person, shop)
        await person.press("p")
        watching = screen.face.watching
        assert watching is not None
        assert watching.paused
        await person.until(lambda: "paused" in str(screen.query_one("#heap-status", Static).content))
        seen = []
        for key in ("plus", "plus", "minus"):  # a picture may be under way that was asked for before
            before = screen.face.view.cell
            await person.press(key)
            await person.until(lambda before=before: screen.face.view.cell != before)  # type: ignore[misc]
            await person.until(lambda: screen.face.map is not None and screen.face.map.cell == screen.face.view.cell)
            assert screen.face.map is not None
            seen.append(screen.face.map.sequence)
        (still,) = set(seen)
        await person.press("p")
        await person.until(lambda: screen.face.map is not None and screen.face.map.sequence != still)


async def test_an_exact_picture_is_of_one_moment(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        screen = await whole_screen(person, shop)
        await person.press("e")
        for _ in range(2):  # the first may have been asked for before
            before = screen.face.map
            await person.until(lambda before=before: screen.face.map is not before)  # type: ignore[misc]
        assert screen.face.map is not None
        assert screen.face.map.consistent
        assert cli.containers()[shop]["status"] == "running"


async def test_an_engine_that_dies_is_awaited_and_the_same_heap_shown_again(cli: CommandLine, shop: str) -> None:
    async with console(cli, (140, 40)) as person:
        screen = await whole_screen(person, shop)
        info = person.main.state.info
        assert info is not None
        os.kill(info.pid, signal.SIGKILL)
        await person.until(lambda: person.main.state.info and person.main.state.info.pid != info.pid)
        before = screen.face.map
        await person.until(lambda: screen.face.map is not before)
        await person.until(lambda: not screen.query_one("#heap-note").display)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_charts_are_turned_to_where_not_all_have_room(cli: CommandLine, shop: str, size: tuple[int, int]) -> None:
    async with console(cli, size) as person:
        screen = await whole_screen(person, shop)
        titles = {figure.title for figure in screen.figures.figures}
        met: set[str] = set()
        for _ in titles:
            met.update(screen.figures.shown)
            for figure in screen.figures.figures:
                assert not figure.display or screen.figures.region.contains_region(figure.region)
            await person.press("c")
        assert met == titles


async def test_a_new_container_can_have_our_heap(cli: CommandLine) -> None:
    async with console(cli, (100, 30)) as person:
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        person.app.screen.query_one("#heap", Select).value = "first"
        await person.press("enter")
        await person.until(lambda: person.main.terminal_has_keys)
        (made,) = (name for name, each in cli.containers().items() if each["image"] == "host" and name not in MADE)
        (told,) = cli.json("inspect", made)
        assert told["options"]["heap"]["policy"] == "first"
        cli.ok("rm", "-f", made)


MADE = ("shop", "brief", "pair", "row", "static")


async def test_the_keys_of_the_whole_screen_open_what_they_say_and_lead_back(cli: CommandLine, shop: str) -> None:
    async with console(cli, (120, 40)) as person:
        screen = await whole_screen(person, shop)
        for key, kind in (("question_mark", Help), ("f1", Help), ("x", ExplainThing), ("u", ChooseProcess)):
            await person.press(key)
            await person.until(lambda kind=kind: isinstance(person.app.screen, kind))
            await person.press("escape")
            await person.until(lambda: person.app.screen is screen)
        await person.press("u")
        await person.until(lambda: isinstance(person.app.screen, ChooseProcess))
        await person.press("enter")
        await person.until(lambda: person.app.screen is screen)
        await person.until(lambda: screen.face.map is not None and screen.face.view.cursor is not None)
        shown = screen.figures.shown
        await person.press("c")
        assert screen.figures.shown != shown
        await person.press("C")
        assert screen.figures.shown == shown
        await person.press("p")  # so that all stands still

        def segment() -> int:
            map, cursor = screen.face.map, screen.face.view.cursor
            assert map is not None
            assert cursor is not None
            starts = sorted(int(each.address, 16) for each in map.segments)
            return sum(start <= cursor for start in starts) - 1

        assert screen.face.map is not None
        assert len(screen.face.map.segments) > 1
        await person.press("ctrl+home")
        await person.until(lambda: segment() == 0)
        for key, place in (("s", 1), ("S", 0), ("ctrl+down", 1), ("ctrl+up", 0)):
            await person.press(key)
            await person.until(lambda place=place: segment() == place)
        for key in ("q", "H", "escape"):
            await person.press(key)
            await person.until(lambda: person.app.screen is person.main)
            screen = await whole_screen(person, shop)
