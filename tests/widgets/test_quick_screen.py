"""A quick screen draws at once, and the same as it would have drawn a frame later."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App, ComposeResult, RenderResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from engine.terminal import Terminal
from widgets import quick_screen
from widgets.quick_screen import QuickScreen

SIZE = (40, 12)


class Lines(Widget):
    """Lines that all say the same."""

    DEFAULT_CSS = "Lines { border: round red; background: blue; }"
    word = "one"

    def render(self) -> RenderResult:
        return "\n".join(f"{self.word} {y}" for y in range(self.size.height))


class Main(QuickScreen[None]):
    def compose(self) -> ComposeResult:
        yield Lines()


class Dialog(ModalScreen[None]):
    CSS = "Dialog Static { width: 10; height: 3; offset: 4 2; background: black; }"

    def compose(self) -> ComposeResult:
        yield Static("asked")


class Host(App[None]):
    """Draws into a terminal of ours what would go to the user's."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = Terminal(*SIZE)
        self.frames = 0

    def get_default_screen(self) -> Screen[None]:
        return Main()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if renderable is not None:
            self.frames += 1
            self.terminal.feed(b"\x1b[?7l" + renderable.render_segments(self.console).encode())  # type: ignore[attr-defined]
        super()._display(screen, renderable)  # type: ignore[arg-type]

    def drawn_anew(self) -> Terminal:
        """The whole screen, as Textual draws it."""
        whole = Terminal(*SIZE)
        update = self.screen._compositor.render_update(full=True, screen_stack=self._background_screens)
        whole.feed(b"\x1b[?7l" + update.render_segments(self.console).encode())  # type: ignore[union-attr]
        return whole


async def drawn(app: Host, pilot: Pilot[None]) -> None:
    """Wait until everything is on the terminal."""
    async with asyncio.timeout(30):
        await pilot.pause()
        while rows(app.terminal) != rows(app.drawn_anew()):
            await pilot.pause(0.01)


def rows(terminal: Terminal) -> list[object]:
    return [terminal.row(y).spans() for y in range(terminal.lines)]


async def test_it_draws_at_once_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await drawn(app, pilot)
        now = quick_screen.monotonic() + 1
        monkeypatch.setattr(quick_screen, "monotonic", lambda: now)
        lines, screen = app.screen.query_one(Lines), app.screen
        assert isinstance(screen, QuickScreen)
        lines.word, frames = "two", app.frames
        screen.draw(lines, Region(0, 3, 38, 1))
        assert app.frames == frames + 1
        assert "two 3" in app.terminal.row(4).text
        assert "one 2" in app.terminal.row(3).text
        lines.word = "six"
        screen.draw(lines, Region(0, 3, 38, 1))
        assert app.frames == frames + 1  # no second one within a frame's time
        await drawn(app, pilot)
        assert "six 3" in app.terminal.row(4).text


@pytest.mark.parametrize("over", ["nothing", "a notice", "a dialog"])
async def test_what_lies_over_a_widget_stays_there(over: str) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await drawn(app, pilot)
        lines, screen = app.screen.query_one(Lines), app.screen
        assert isinstance(screen, QuickScreen)
        if over == "a notice":
            app.notify("said")
        elif over == "a dialog":
            await app.push_screen(Dialog())
        await drawn(app, pilot)
        lines.word = "two"
        screen.draw(lines, Region(0, 0, 38, 10))
        await drawn(app, pilot)
        assert rows(app.terminal) == rows(app.drawn_anew())
        assert any("two" in app.terminal.row(y).text for y in range(SIZE[1]))
