"""What the console does about a slow line to the user's terminal: says so, for all who could do with less.

`widgets.driver` finds it out and draws less by itself; the setting `slow_line` knows better.
Imports driver and compositor.
"""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from textual import on
from textual.app import App
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen

from heliostui.settings.values import Settings
from widgets.compositor import FullUpdate, LeanUpdate
from widgets.driver import KeyDriver, LineChanged

SPARING = 5
"""How many times less often that is looked at, on a slow line, which no frame could show."""


class SlowLine(Message):
    """The screens are told when `slow_line` has changed."""

    def __init__(self, slow: bool) -> None:
        super().__init__()
        self.slow = slow


def slow_line(app: App[Any]) -> bool:
    """For panes, whose tests have other applications as well."""
    return isinstance(app, LineSaving) and app.slow_line


class LineSaving(App[None]):
    """Has `slow_line`: whether what is drawn is to be little. Panes may watch it, or ask."""

    settings: Settings
    slow_line: reactive[bool] = reactive(False)

    def take_line_setting(self) -> None:
        """Of the settings, when the application begins and when they change."""
        driver = self._driver
        forced = self.settings.slow_line
        if isinstance(driver, KeyDriver):
            driver.line.forced = forced
            self.slow_line = driver.line.slow
        else:
            self.slow_line = bool(forced)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Of what Textual's own screens draw, the palette's, nobody knows afterwards what the terminal shows."""
        super()._display(screen, renderable)
        if isinstance(self._driver, KeyDriver) and not isinstance(renderable, FullUpdate | LeanUpdate | None):
            self._driver.shown.forget()

    @on(LineChanged)
    def _line_changed(self, event: LineChanged) -> None:
        self.slow_line = event.slow

    def watch_slow_line(self, slow: bool) -> None:
        for screen in self.screen_stack:
            screen.post_message(SlowLine(slow))
