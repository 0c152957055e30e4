"""How the screens look that need no engine to be shown."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import heliostui
from engine.client.errors import ClientError
from engine.protocol.messages import ContainerOptions, ContainerRef, Explanation, ImageSummary
from engine.protocol.metrics import Reading, Source
from heliostui.network.explain import Told
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.explain import Explain, ExplainThing
from heliostui.screens.help import Help
from heliostui.screens.network_forms import NetworkForm, PublishForm
from heliostui.screens.new import Choices, NewContainer
from heliostui.screens.signals import SignalMenu, signals
from heliostui.screens.small import TooSmall
from heliostui.themes import DARK, LIGHT
from tests.heliostui.person import press

pytestmark = pytest.mark.usefixtures("utc")

IMAGES = [
    ImageSummary(name="host", description="The programs of this machine", command=["/bin/bash"], available=True),
    ImageSummary(
        name="busybox",
        description="One small program",
        command=["sh"],
        available=False,
        reason="no busybox is installed",
    ),
]
EXPLANATION = Explanation(
    metric="cpu",
    unit="cores",
    what="CPU time used, in cores",
    sources=[
        Source(
            path="/sys/fs/cgroup/heliostui/0123456789ab/cpu.stat",
            before=Reading(time=1_741_089_600.25, raw="usage_usec 1066371\nuser_usec 682903\nnr_periods 0\n"),
            after=Reading(time=1_741_089_601.25, raw="usage_usec 1115823\nuser_usec 695085\nnr_periods 0\n"),
        )
    ],
    formula="Δusage_usec / 1,000,000 / Δt",
    arithmetic="(1,115,823 − 1,066,371) / 1,000,000 / 1.000 s = 0.0494520",
    value=0.049452,
)


async def run(options: ContainerOptions) -> ContainerRef:
    raise AssertionError("nothing is started here")


class Bare(App[None]):
    """The style sheet, and one screen."""

    CSS_PATH = Path(heliostui.__path__[0]) / "console.tcss"

    def __init__(self, screen: Screen[Any], theme: str) -> None:
        super().__init__()
        self._shown = screen
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme

    def on_mount(self) -> None:
        self.push_screen(self._shown)


MEANING = Told(
    "eth0 in backend",
    ("eth0 is one end of a veth pair: what goes into one end comes out of the other.", "It is up."),
    ("ip -s link show dev h0123456789ab.0  # the other one, with its counters",),
)


async def choices() -> Choices:
    return Choices(IMAGES)


async def done(*_: object) -> None:
    """What a dialog asks for is done at once."""


SCREENS: dict[str, Callable[[], Screen[Any]]] = {
    "explain": lambda: Explain("web", EXPLANATION),
    "help": Help,
    "new": lambda: NewContainer(choices, run),
    "network": lambda: NetworkForm(done),
    "publish": lambda: PublishForm("web", done),
    "thing": lambda: ExplainThing(MEANING),
    "remove": lambda: Confirm("Remove web?", "It is running: its program is killed. Its files are lost.", "Remove"),
    "rename": lambda: Prompt("Rename web", "New name", "web"),
    "small": TooSmall,
    "signals": lambda: SignalMenu("sleep 100 | cat", 2),
}


async def told(pilot: Pilot[None]) -> None:
    """Wait until the dialog has been told what there is to choose from."""
    await pilot.pause()
    if isinstance(pilot.app.screen, NewContainer):
        await pilot.app.screen._known.wait()


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
@pytest.mark.parametrize("name", ["new", "help", "signals", "explain", "thing", "publish", "network"])
def test_dialogs_in_both_themes(snap_compare: Any, name: str, theme: str) -> None:
    assert snap_compare(Bare(SCREENS[name](), theme), terminal_size=(80, 24), run_before=told)


@pytest.mark.parametrize("screen", [ExplainThing, lambda told: SignalMenu(told.title, 1)])
@pytest.mark.parametrize("name", ["[/x]", "[@click=app.quit]x[/]", "[red"])
async def test_what_a_container_calls_its_things_is_no_markup(screen: Callable[[Told], Screen[Any]], name: str) -> None:
    async with Bare(screen(Told(name, (name,), (name,))), DARK.name).run_test() as pilot:
        await pilot.pause()
        title = pilot.app.screen.query_one(".dialog")._border_title
        assert title is not None
        assert name in title.plain


async def test_what_is_typed_before_the_engine_has_named_its_images_is_not_lost() -> None:
    known, asked = asyncio.Event(), asyncio.Queue[ContainerOptions]()

    async def late() -> Choices:
        await known.wait()
        return Choices(IMAGES)

    async def take(options: ContainerOptions) -> ContainerRef:
        await asked.put(options)
        return ContainerRef(id="0", name="web")

    async with Bare(NewContainer(late, take), DARK.name).run_test() as pilot:
        await press(pilot, *"ls", "enter", "enter")
        known.set()
        options = await asked.get()
        await pilot.pause()
        assert (options.image, options.command) == (IMAGES[0].name, ["ls"])
        assert asked.empty()


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_new_container_that_is_given_up_is_told_nothing_more(reachable: bool) -> None:
    async def late() -> Choices:
        going = dialog.query_one("#no-image")._task
        assert going is not None
        await asyncio.wait({going})
        if not reachable:
            raise ClientError("the engine has ended")
        return Choices(IMAGES)

    dialog = NewContainer(late, run)
    async with Bare(dialog, DARK.name).run_test() as pilot:
        await press(pilot, "escape")
        await pilot.pause()
        assert dialog._known.is_set()


@pytest.mark.parametrize("name", ["rename", "new", "network"])
async def test_the_end_of_what_is_typed_is_seen_however_long_it_is(name: str) -> None:
    async with Bare(SCREENS[name](), DARK.name).run_test() as pilot:
        for character in "0123456789" * 8 + "abc":
            await press(pilot, character)
        focused = pilot.app.focused
        assert isinstance(focused, Input)
        strips = list(pilot.app.screen._compositor.render_strips())
        assert "6789abc" in strips[focused.content_region.y].text


@pytest.mark.parametrize(
    ("name", "size"), [("help", (200, 60)), ("remove", (60, 15)), ("rename", (60, 15)), ("small", (50, 12))]
)
def test_screens_at_other_sizes(snap_compare: Any, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(Bare(SCREENS[name](), DARK.name), terminal_size=size)


def test_every_signal_that_the_kernel_has_is_in_the_menu_once() -> None:
    numbers = [number for _, number, _ in signals()]
    assert sorted(numbers) == sorted({*map(int, signal.Signals), *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)})


@pytest.mark.parametrize(
    ("typed", "found"), [("ki", "KILL"), ("sigterm", "TERM"), ("9", "KILL"), ("rtmin+3", "RTMIN+3"), ("no such", None)]
)
async def test_a_signal_is_found_by_its_name_or_its_number(typed: str, found: str | None) -> None:
    menu, answers = SignalMenu("sleep", 1), list[str | None]()
    app = App[None]()
    async with app.run_test() as pilot:
        app.push_screen(menu, answers.append)
        await pilot.pause()
        menu.query_one(Input).value = typed
        await press(pilot, "enter")
        await pilot.pause()
        assert answers == ([found] if found else [])
