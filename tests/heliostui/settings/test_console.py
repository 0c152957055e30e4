"""The console with settings of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Select

from engine.places import places
from heliostui.app import Console
from heliostui.screens.main import MainScreen
from heliostui.screens.new import NewContainer
from heliostui.settings.file import read
from heliostui.settings.start import known
from heliostui.settings.start import settings as at_start
from heliostui.settings.values import Settings
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person


async def started(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, settings: Settings, faults: str = "") -> Console:
    for name in ("HELIOSTUI_RUNTIME", "HELIOSTUI_STATE"):
        monkeypatch.setenv(name, cli.environment[name])
    return Console(places(), settings, faults)


async def test_own_keys_take_the_place_of_the_usual_ones(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('image = "busybox"\nprefix = "ctrl+b"\n[keys]\ncontainer.new = "F6"\nconsole.theme = "y"')
    app = await started(cli, monkeypatch, read(file, known()))
    async with app.run_test(size=(100, 30)) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: isinstance(app.screen, MainScreen) and app.screen.state.info)
        before = app.theme
        await person.press("y")
        assert app.theme != before, "a command without a key of its own has got one"
        await person.press("n")
        assert isinstance(app.screen, MainScreen), "the usual key means nothing any more"
        await person.press("f6")
        await person.until(lambda: isinstance(app.screen, NewContainer) and app.screen._known.is_set())
        assert app.screen.query_one("#image", Select).value == "busybox"
        await person.press("enter")
        await person.until(lambda: person.main.terminal_has_keys)
        await person.press("ctrl+right_square_bracket")
        assert person.main.terminal_has_keys, "it is an ordinary key now"
        await person.press("ctrl+b")
        await person.until(lambda: not person.main.terminal_has_keys)


async def test_faults_are_told_and_the_defaults_used(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "nord"\n\nlayout = "none"')
    monkeypatch.setenv("HELIOSTUI_CONFIG", str(file))
    app = await started(cli, monkeypatch, *at_start())
    async with app.run_test(size=(100, 30)) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: any(f"{file}, line 3: layout" in notice for notice in person.notices))
        assert app.settings == Settings()
        assert app.theme != "nord"


@pytest.mark.parametrize("theme", ["nord", "solarized-light", "ansi-dark", "helios-contrast", "textual-light"])
async def test_the_console_can_be_shown_in_every_kind_of_theme(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    app = await started(cli, monkeypatch, Settings(theme=theme))
    async with app.run_test(size=(120, 36)) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: person.main.state.info)
        await person.press("question_mark")
        await person.press("escape")
        assert app.theme == theme


async def test_a_theme_that_was_chosen_is_there_the_next_time_unless_the_settings_name_one(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await started(cli, monkeypatch, Settings())
    async with app.run_test(size=(100, 30)) as pilot:
        await Person(app, pilot).until(lambda: isinstance(app.screen, MainScreen) and app.screen.state.info)
        app.theme = "nord"
        await pilot.pause()
    for settings, theme in ((Settings(), "nord"), (Settings(theme="helios-light"), "helios-light")):
        app = await started(cli, monkeypatch, settings)
        async with app.run_test(size=(100, 30)):
            assert app.theme == theme
