"""The console: a full-screen front end of the engine. `run` opens it. Imports the screens and the themes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, ClassVar

from rich.terminal_theme import TerminalTheme
from textual import events, on
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.command import Provider
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.theme import Theme, ThemeProvider

from engine.places import Places
from heliostui.browser import openable, opener, start
from heliostui.clipboard import LIMIT, clipboard_sequence
from heliostui.keymap.palette import Commands, Palette
from heliostui.line import LineSaving
from heliostui.messages import ProgramCopied
from heliostui.screens.main import MainScreen
from heliostui.screens.small import LEAST, TooSmall
from heliostui.settings.start import settings as settings_at_start
from heliostui.settings.use import own_keys
from heliostui.settings.values import Settings
from heliostui.themes import DARK, LIGHT, themes
from widgets.driver import KeyDriver
from widgets.lazy_styles import LazyStylesheet
from widgets.terminal import TerminalView
from widgets.terminal_drawing import DARK_COLORS, LIGHT_COLORS

TOUCHES = (events.Key, events.Paste, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp)
"""What the user does, as opposed to what happens."""


class Console(LineSaving, inherit_bindings=False):
    """The application; all of it happens on the main screen."""

    TITLE = "heliostui"
    CSS_PATH = "console.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    ESCAPE_TO_MINIMIZE = False
    ENABLE_COMMAND_PALETTE = True
    # With a binding for it here Textual adds none of its own, which would be a priority one.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+p",
            "command_palette",
            show=False,
            id="console.palette",
            tooltip="Find a command by its name, on any screen",
        )
    ]

    def __init__(
        self,
        places: Places | Sequence[Places],
        settings: Settings | None = None,
        faults: str = "",
        *,
        read_only: bool = False,
    ) -> None:
        """`faults`: what was wrong with the settings, a line each. `read_only`: engines are told that we only look."""
        super().__init__()
        hosts = [places] if isinstance(places, Places) else places
        self.confined = hosts[0].viewer
        """This console may be all that somebody is let do here: it writes no files and starts no programs."""
        self.touched = 0.0
        """When a key or a button of the mouse was last pressed (time.monotonic)."""
        self._only_looks = read_only or self.confined
        self._places = [replace(host, viewer=self._only_looks) for host in hosts]
        self._faults = faults
        self.settings = settings or Settings()
        self.own_keys: Mapping[str, Sequence[str]] = own_keys(self.settings)
        self.ansi_theme_dark = _ansi(DARK, DARK_COLORS)
        self.ansi_theme_light = _ansi(LIGHT, LIGHT_COLORS)
        self.stylesheet = LazyStylesheet(variables=self.get_css_variables())
        self.animation_level = "none"  # each frame of an animation is sent over whatever line there is
        for theme in themes(self.settings.themes):
            self.register_theme(theme)
        self.theme = self.settings.theme or DARK.name

    def get_driver_class(self) -> type[Driver]:
        """With a keyboard of which nothing is lost, unless the environment names another driver (as tests do)."""
        driver = super().get_driver_class()
        if driver.__name__ == "WebDriver":  # textual-serve's choice
            from heliostui.serving.driver import BrowserDriver

            return BrowserDriver
        return KeyDriver if driver is LinuxDriver else driver

    def get_default_screen(self) -> Screen[None]:
        screen = MainScreen(self._places)
        screen.state.only_looks = self._only_looks
        if not self.settings.theme and screen.remembered.theme in self.available_themes:
            self.theme = screen.remembered.theme
        return screen

    @property
    def following(self) -> str:
        """Whose console this one moves with now."""
        main = self.screen_stack[0] if self.screen_stack else None
        return main.state.following if isinstance(main, MainScreen) else ""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed from here."""
        main = self.screen_stack[0] if self.screen_stack else None
        return self._only_looks or (isinstance(main, MainScreen) and main.state.read_only)

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """Textual draws the whole screen anew when one below changes, even where that can't be seen."""
        return [] if self.screen.styles.background.a == 1 else super()._background_screens

    def on_mount(self) -> None:
        self.take_line_setting()
        for fault in self._faults.splitlines():
            self.notify(fault, title="The console starts with its defaults", severity="error", timeout=30, markup=False)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, TOUCHES):
            self.touched = monotonic()
        await super().on_event(event)

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < LEAST.width or event.size.height < LEAST.height
        covered = isinstance(self.screen, TooSmall)
        if small and not covered:
            self.push_screen(TooSmall())
        elif covered and not small:
            self.pop_screen()

    # --- what terminals ask for ---

    def copy_to_clipboard(self, text: str) -> None:
        """Also what Textual's own fields call."""
        sequence, cut = clipboard_sequence(text, os.environ)
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequence)
        if cut:
            self.notify(f"Only the first {LIMIT:,} bytes were copied: terminals take no more.", severity="warning")

    @on(TerminalView.Copied)
    def _copied(self, event: TerminalView.Copied) -> None:
        self.copy_to_clipboard(event.text)
        self.notify(f"Copied {len(event.text):,} characters.", timeout=2)

    @on(ProgramCopied)
    def _program_copied(self, event: ProgramCopied) -> None:
        """A program's text goes the way of the user's own; that it did is said."""
        self.copy_to_clipboard(event.text)
        self.notify(f"A program copied {len(event.text):,} characters to your clipboard.", timeout=4)

    @on(TerminalView.LinkOpened)
    def _link_opened(self, event: TerminalView.LinkOpened) -> None:
        self.run_worker(self._open(event.url), group="links")

    async def _open(self, url: str) -> None:
        """Show the address, and open it where that is possible; else it is copied."""
        if self.is_web:
            if openable(url):
                self.open_url(url)
            return
        command = None if self.confined else opener(url, os.environ)
        try:
            opened = command is not None and await start(command)
        except OSError:
            opened = False
        if not opened:
            self.copy_to_clipboard(url)
        self.notify(url, title="Opened" if opened else "Link copied", markup=False)

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def search_themes(self) -> None:
        self.push_screen(Palette([ThemeProvider], placeholder="Search for themes…"))

    def action_leave(self) -> None:
        self.exit()


def _ansi(theme: Theme, colors: Sequence[str]) -> TerminalTheme:
    """The colours of logs are those of terminals."""
    triplets = [Color.parse(color).rgb for color in colors]
    ground, text = Color.parse(theme.surface or "black").rgb, Color.parse(theme.foreground or "white").rgb
    return TerminalTheme(ground, text, triplets[:8], triplets[8:])


def run(places: Places | Sequence[Places], *, read_only: bool = False) -> int:
    """Open the console and stay until the user leaves it. Returns an exit status."""
    console = Console(places, *settings_at_start(), read_only=read_only)
    console.run()
    return console.return_code or 0
