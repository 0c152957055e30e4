"""The console's layouts as a user meets them, by keys and by mouse, with a real engine behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.containers import ItemGrid

from heliostui.keymap.palette import Commands
from heliostui.screens.help import Help
from heliostui.workspace.jump import Jump
from heliostui.workspace.memory import read
from heliostui.workspace.tree import Place
from heliostui.workspace.workspace import Workspace
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console
from widgets.tab_bar import TabBar

SIZES = [(80, 24), (120, 36), (200, 60), (300, 80)]
WIDE = (200, 60)


@pytest.fixture(scope="module", autouse=True)
def box(cli: CommandLine) -> str:
    """The name of a container that does nothing."""
    cli.ok("run", "-d", "--name", "box", "host", "sleep", "600")
    return "box"


@asynccontextmanager
async def layout(cli: CommandLine, size: tuple[int, int] = WIDE) -> AsyncIterator[Person]:
    """A console that remembers nothing, with the container selected."""
    remembered(cli).unlink(missing_ok=True)
    async with console(cli, size) as person:
        await person.select("box")
        await person.until(lambda: person.main.table.has_focus)
        yield person


def remembered(cli: CommandLine) -> Path:
    return Path(cli.environment["HELIOSTUI_STATE"]) / "console.json"


def place(person: Person, region: str) -> Place:
    return person.main.workspace.fitted.places[region]


def _arranged(workspace: Workspace) -> bool:
    """Whether all regions that are to be seen are, and within the workspace."""
    places = workspace.fitted.places
    size = workspace.size
    inside = all(there.right <= size.width and there.bottom <= size.height for there in places.values())
    widgets = [workspace.parts[region] for region in places]
    return inside and all(each.display and workspace.region.contains_region(each.region) for each in widgets)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_five_keys_change_the_layout_at_every_size(cli: CommandLine, size: tuple[int, int]) -> None:
    async with layout(cli, size) as person:
        workspace = person.main.workspace
        for key, name in zip(
            ("f6", "f7", "f8", "f9", "f5"), ("monitor", "shell", "heap", "lecture", "console"), strict=True
        ):
            await person.press(key)
            await person.until(lambda name=name: workspace.layout_name == name and _arranged(workspace))
            assert workspace.seen
            assert all(not part.display for name, part in workspace.parts.items() if name not in workspace.seen)
            assert workspace.region_of(person.main.focused) in workspace.seen


async def test_a_small_screen_shows_one_region_and_the_tabs_lead_to_the_others(cli: CommandLine) -> None:
    async with layout(cli, (80, 24)) as person:
        workspace, bar = person.main.workspace, person.main.query_one(TabBar)
        assert workspace.seen == {"containers", "details"}
        for name in ("graphs", "heap", "containers"):
            at = next(at for key, at, _ in bar.spans() if key == name)
            await person.pilot.click(TabBar, offset=(at + 1, 0))
            await person.until(lambda name=name: workspace.wanted == name and name in workspace.seen)
        assert workspace.seen == {"containers", "details"}


async def test_z_gives_a_region_everything_and_takes_it_back_and_the_others_rest(cli: CommandLine) -> None:
    async with layout(cli) as person:
        workspace, board = person.main.workspace, person.main.graphs.board
        before = dict(workspace.fitted.places)
        await person.until(lambda: board.followed)
        for key in ("z", "f11"):
            await person.press(key)
            await person.until(lambda: workspace.zoomed == "containers" and workspace.seen == {"containers"})
            assert place(person, "containers") == (0, 0, *workspace.size)
            await person.until(lambda: not board.followed)
            await person.press(key)
            await person.until(lambda: workspace.zoomed is None and workspace.fitted.places == before)
            await person.until(lambda: board.followed)


async def test_a_hidden_region_gives_its_room_away_and_comes_back_by_its_tab(cli: CommandLine) -> None:
    async with layout(cli) as person:
        workspace, bar = person.main.workspace, person.main.query_one(TabBar)
        before = place(person, "containers")
        await person.main.run_action("region('graphs')")
        await person.press("X")
        await person.until(lambda: "graphs" not in workspace.seen)
        assert not person.main.graphs.board.followed
        assert "graphs" in workspace.hidden
        assert place(person, "containers").height > before.height
        at = next(at for key, at, _ in bar.spans() if key == "graphs")
        await person.pilot.click(TabBar, offset=(at + 1, 0))
        await person.until(lambda: place(person, "containers") == before and "graphs" in workspace.seen)
        await person.press("X")
        await person.main.run_action("forget_layout")
        await person.until(lambda: place(person, "containers") == before and "graphs" in workspace.seen)


async def test_control_and_an_arrow_make_a_region_larger_or_smaller(cli: CommandLine) -> None:
    async with layout(cli) as person:
        await person.main.run_action("region('graphs')")
        for key, width, height in (
            ("ctrl+right", 4, 0),
            ("ctrl+left", -4, 0),
            ("ctrl+up", 0, 2),
            ("ctrl+down", 0, -2),
        ):
            before = place(person, "graphs")
            await person.press(key)
            wanted = (before.width + width, before.height + height)
            await person.until(lambda w=wanted: (place(person, "graphs").width, place(person, "graphs").height) == w)


async def test_a_border_is_dragged_and_all_of_it_is_there_the_next_time(cli: CommandLine) -> None:
    async with layout(cli) as person:
        x = place(person, "containers").right
        await person.pilot.mouse_down("#workspace", offset=(x, 10))
        await person.pilot.hover("#workspace", offset=(x + 12, 10))
        await person.pilot.mouse_up("#workspace", offset=(x + 12, 10))
        await person.until(lambda: place(person, "containers").right == x + 12)
        await person.press("f6")
        await person.until(lambda: read(remembered(cli)).layout == "monitor")
    async with console(cli, WIDE) as person:
        await person.until(lambda: person.main.workspace.layout_name == "monitor")
        await person.press("f5")
        await person.until(lambda: person.main.workspace.layout_name == "console")
        assert place(person, "containers").right == x + 12


async def test_the_buttons_of_a_heading_zoom_and_hide(cli: CommandLine) -> None:
    async with layout(cli) as person:
        workspace = person.main.workspace
        for offset, done in ((-4, lambda: workspace.zoomed == "details"), (-4, lambda: workspace.zoomed is None)):
            await person.pilot.click("#workspace", offset=(place(person, "details").right + offset, 0))
            await person.until(done)
        await person.pilot.click("#workspace", offset=(place(person, "details").right - 2, 0))
        await person.until(lambda: "details" in workspace.hidden)


async def test_tab_goes_through_all_that_is_seen_and_back_and_the_path_says_where(cli: CommandLine) -> None:
    async with layout(cli) as person:
        workspace = person.main.workspace
        assert person.main.where == "Containers › box"
        await person.press("2")
        visited = []
        for _ in range(3):
            await person.press("tab")
            await person.pilot.pause()
            visited.append(workspace.region_of(person.main.focused))
        assert {"graphs", "details"} <= set(visited)
        for expected in [*reversed(visited[:-1]), "containers"]:
            await person.press("shift+tab")
            await person.until(lambda expected=expected: workspace.region_of(person.main.focused) == expected)
        assert workspace.looked_at == "containers"
        await person.main.run_action("region('graphs')")
        await person.until(lambda: person.main.where.startswith("box › Graphs"))


async def test_a_tab_that_a_key_asks_for_gets_the_keys_unless_the_list_has_them(cli: CommandLine) -> None:
    async with layout(cli) as person:
        main = person.main
        await person.press("M")
        await person.until(lambda: main.details.tab == "limits")
        await person.pilot.pause()
        assert main.table.has_focus
        for size in ((150, 45), (80, 24)):
            await person.pilot.resize_terminal(*size)
            for key, widget in (("M", main.details.limits.table), ("I", main.details.isolation.view.lines)):
                await main.run_action("region('graphs')")
                await person.until(lambda: main.workspace.region_of(main.focused) == "graphs")
                await person.press(key)
                await person.until(lambda widget=widget: main.focused is widget)
        await main.run_action("region('graphs')")
        await person.until(lambda: main.workspace.region_of(main.focused) == "graphs")
        await main.run_action("next_tab(1)")
        await person.until(lambda: not main.graphs.has_focus_within)


async def test_a_letter_leads_anywhere_and_escape_or_a_click_nowhere(cli: CommandLine) -> None:
    async with layout(cli) as person:
        for key in ("semicolon", "alt+j"):
            for leave in ("escape", ""):
                await person.press(key)
                await person.until(lambda: isinstance(person.app.screen, Jump))
                await (person.press(leave) if leave else person.pilot.click(offset=(100, 30)))
                await person.until(lambda: person.app.screen is person.main)
        await person.press("semicolon")
        await person.until(lambda: isinstance(person.app.screen, Jump))
        place_of_graphs = list(person.main.workspace.fitted.places).index("graphs")
        await person.press("asdf"[place_of_graphs])
        await person.until(lambda: person.main.workspace.region_of(person.main.focused) == "graphs")


async def test_the_palette_and_help_name_the_users_own_keys_and_the_panes_first(cli: CommandLine) -> None:
    async with layout(cli) as person:
        person.app.own_keys = {"pane.zoom": ("ctrl+g",)}
        await person.main.run_action("region('graphs')")
        entries = {entry.name: entry.keys for entry in Commands(person.main)._entries()}
        assert entries["Zoom"] == "ctrl+g"
        assert "Graphs…" in entries
        await person.press("question_mark")
        await person.until(lambda: isinstance(person.app.screen, Help))
        first = person.app.screen.query_one(ItemGrid).children[0]
        await person.until(lambda: "Here: box › Graphs" in first._title)


async def test_the_lecture_has_two_things_and_no_lines_of_keys(cli: CommandLine) -> None:
    async with layout(cli) as person:
        await person.press("f9")
        await person.until(lambda: len(person.main.workspace.seen) == 2)
        assert not person.main.query_one("#top").display
        assert not person.main.query_one("KeyLine").display
        assert person.main.graphs.large
        await person.press("f5")
        await person.until(lambda: person.main.query_one("#top").display and not person.main.graphs.large)


async def test_a_terminal_opens_beside_what_is_seen_already(cli: CommandLine) -> None:
    async with layout(cli) as person:
        workspace = person.main.workspace
        await person.press("t")
        await person.until(lambda: person.main.terminal_has_keys)
        assert workspace.seen == {"containers", "graphs", "details", "terminals"}
        assert workspace.looked_at == "terminals"
        await person.type("exit")
        await person.until(lambda: "terminals" not in workspace.seen and person.main.table.has_focus)
