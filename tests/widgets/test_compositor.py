"""What the lean compositor draws is what Textual's draws."""

from __future__ import annotations

import copy

import pytest
from rich.cells import cell_len
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from engine.terminal import Terminal, plain_text
from widgets.compositor import LeanCompositor, LeanUpdate

SIZE = (60, 20)
TEXT = "\n".join(f"line {n} of a text that is 日本語 wide" for n in range(30))


class Crowded(Screen[None]):
    """Borders, scrolled and overlapping widgets, layers and margins."""

    CSS = """
    #left { border: round red; width: 3fr; background: blue; }
    #right { border-left: solid green; width: 2fr; margin: 1; padding: 1; background: $panel 50%; }
    #over { layer: top; offset: 12 5; width: 20; height: 6; border: heavy yellow; background: black 40%; }
    Crowded { layers: base top; }
    """

    def __init__(self, compositor: Compositor) -> None:
        super().__init__()
        self._compositor = compositor

    def compose(self) -> ComposeResult:
        with Horizontal():
            with VerticalScroll(id="left"):
                yield Static(TEXT, classes="text")
            yield Static(TEXT, id="right")
        yield Static(TEXT, id="over")
        yield Input("typed")


class Dialog(ModalScreen[None]):
    def __init__(self) -> None:
        super().__init__()
        self._compositor = LeanCompositor()

    def compose(self) -> ComposeResult:
        yield Static("asked\nfor")


class Host(App[None]):
    def get_default_screen(self) -> Screen[None]:
        return Crowded(LeanCompositor())


def shown(compositor: Compositor, regions: set[Region], app: App[None]) -> Terminal:
    """A screen on which these regions are drawn, in a colour of its own elsewhere."""
    terminal = Terminal(*SIZE)
    terminal.feed(b"\x1b[41;33m\x1b[2J" + "\r\n".join("?" * SIZE[0] for _ in range(SIZE[1])).encode())
    compositor._dirty_regions = set(regions)
    update = compositor.render_partial_update()
    assert isinstance(update, ChopsUpdate)
    terminal.feed(b"\x1b[?7l\x1b[m" + update.render_segments(app.console).encode())
    return terminal


def cells(terminal: Terminal, y: int) -> list[tuple[str, object]]:
    """What each cell of a row shows; the second cell of a wide character has no text."""
    row: list[tuple[str, object]] = []
    for text, style in terminal.row(y).spans():
        for character in text:
            row += [(character, style), ("", style)][: cell_len(character)]
    return row


REGIONS = [
    {Region(0, 7, 60, 1)},
    {Region(14, 6, 3, 1)},
    {Region(30, 0, 12, 20)},
    {Region(59, 19, 1, 1)},
    {Region(0, 0, 5, 2), Region(40, 17, 10, 2), Region(10, 8, 30, 1)},
    {Region(0, 0, 60, 20)},
]


@pytest.mark.parametrize("regions", REGIONS, ids=str)
@pytest.mark.parametrize("asks", [False, True], ids=["crowded", "under a dialog"])
async def test_any_part_of_the_screen_looks_as_textual_draws_it(regions: set[Region], asks: bool) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.screen.query_one(VerticalScroll).scroll_to(y=3, animate=False)
        if asks:
            app.push_screen(Dialog())
        app.notify("a notice over it all")
        await pilot.pause()
        lean = app.screen._compositor
        assert isinstance(lean, LeanCompositor)
        stock = copy.copy(lean)
        stock.__class__ = Compositor  # type: ignore[assignment]
        ours, theirs = shown(lean, regions, app), shown(stock, regions, app)
        for y in range(SIZE[1]):
            for x, (here, there) in enumerate(zip(cells(ours, y), cells(theirs, y), strict=True)):
                changed = any(region.contains(x, y) for region in regions)
                assert here == there or (not changed and here[0] == "?"), (x, y)


async def test_what_is_not_drawn_is_not_rendered() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        rendered = list(app.screen._compositor._get_renders(Region(2, 17, 4, 1)))
        assert [len(strips) for _, _, strips in rendered] == [1, 1]  # the text and the border around it


async def test_only_the_cells_that_changed_are_sent() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        compositor = app.screen._compositor
        compositor._dirty_regions = {Region(30, 4, 3, 1)}
        update = compositor.render_partial_update()
        assert isinstance(update, LeanUpdate)
        assert len(plain_text(update.render_segments(app.console))) == 3
