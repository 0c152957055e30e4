"""Promises about consoles that move with another one."""

from __future__ import annotations

from tests.heliostui.conftest import CommandLine

from .conftest import LARGE, SMALL, member


async def test_a_follower_sees_what_the_presenter_looks_at_at_his_own_size(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, SMALL) as bob:
        await ada.select("writer")
        await ada.presents()
        await bob.follows()
        await ada.until(lambda: "presenting to 1" in ada.top)
        assert "following" in bob.top
        await bob.until(lambda: bob.selected == "writer")
        await ada.press("l")
        await bob.until(lambda: bob.main.details.tab == "logs")
        await ada.select("shell")
        await bob.until(lambda: bob.selected == "shell")
        await ada.press("f6")
        await bob.until(lambda: bob.main.workspace.layout_name == "monitor")
        assert (bob.app.size.width, bob.app.size.height) == SMALL
