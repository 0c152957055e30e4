"""Promises about F3: who is asked what, and how control goes from one to the other and back."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList

from heliostui.presence.dialog import PresentMenu, choices
from tests.heliostui.conftest import CommandLine

from .conftest import SMALL, Member, member


async def menu(person: Member) -> list[str]:
    """What F3 offers; Escape and F3 leave it as it is."""
    await person.press("f3")
    await person.until(lambda: isinstance(person.app.screen, PresentMenu))
    with person.app._context():
        labels = [str(option.prompt) for option in person.app.screen.query_one(OptionList).options]
    await person.press("escape" if len(labels) == 1 else "f3")
    await person.until(lambda: not isinstance(person.app.screen, PresentMenu))
    return labels


async def test_control_goes_to_a_viewer_who_still_can_not_act_and_comes_back(
    room: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIOSTUI_NAME", "ada")
    async with member(room) as ada:
        monkeypatch.setenv("HELIOSTUI_NAME", "eve")
        async with member(room, SMALL, viewer=True) as eve:
            await eve.press("f3")
            await eve.until(lambda: any("Nobody presents now" in notice for notice in eve.notices))
            assert await menu(ada) == ["Present: the others may follow what I look at"]
            await ada.presents()
            await eve.until(lambda: "following ada" in eve.top)  # who is let look only follows by itself
            await ada.until(lambda: "presenting to 1" in ada.top)
            assert await menu(ada) == ["Hand over to eve (viewer)", "Stop presenting"]
            await ada.chooses("Hand over to eve")
            await eve.until(lambda: eve.main.part.presenting)
            assert any("ada handed over to you" in notice for notice in eve.notices)
            await ada.until(lambda: "following eve" in ada.top)
            await eve.select("writer")
            await ada.until(lambda: ada.selected == "writer")
            await eve.press("i")
            await ada.until(lambda: ada.main.details.tab == "inspect")
            await eve.press("S", "ctrl+k", "p")
            assert not {"stop", "pause", "new", "remove"} & eve.footer()
            assert eve.states()["writer"] == "running"
            assert await menu(eve) == ["Give it back to ada"]
            assert await menu(ada) == ["Take it back from eve", "Look around", "Stop presenting"]
            await ada.chooses("Take it back")
            await ada.until(lambda: ada.main.part.presenting)
            await eve.until(lambda: "following ada" in eve.top)
            await ada.chooses("Hand over to eve")
            await eve.until(lambda: eve.main.part.presenting)
            await eve.chooses("Give it back")
            await ada.until(lambda: ada.main.part.presenting)
        await ada.until(lambda: "presenting to 0" in ada.top)
        assert choices(ada.main.part)[-1].what == "stop"


async def test_who_leaves_his_console_stops_presenting(room: CommandLine) -> None:
    async with member(room) as bob:
        async with member(room) as ada:
            await ada.presents()
            await bob.follows()
        await bob.until(lambda: bob.main.part.presentation is None)
        assert any("has stopped presenting" in notice for notice in bob.notices)


async def test_a_console_that_only_looks_by_choice_may_present(room: CommandLine) -> None:
    async with member(room, read_only=True) as ada, member(room, viewer=True) as eve:
        assert "read-only" in ada.top
        await ada.presents()
        await eve.until(lambda: eve.main.part.following)
        await ada.select("writer")
        await eve.until(lambda: eve.selected == "writer")
