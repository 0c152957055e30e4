"""Promises about consoles that only look: no command, no key of any pane, no terminal makes them act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.protocol.messages import VIEWER_REQUESTS
from heliostui.keymap import COMMANDS
from heliostui.presence.read_only import NOTICE
from heliostui.tab_names import TABS
from tests.heliostui.conftest import CommandLine

from .conftest import MIDDLE, Member, member

LEAVES = {"quit", "leave", "presence"}
"""Actions that a walk over all keys would not come back from, or that have tests of their own."""


MOVES = {"move", "page", "edge", "scroll", "scroll_up", "scroll_down", "scroll_left", "scroll_right", "cursor", "aside"}
"""Actions that go through what is shown: there are hundreds of keys of them."""


class Asked:
    """Notes what a console asks its engine for, on the way there."""

    def __init__(self, person: Member, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[Any] = []
        request = person.main.link.request

        async def noted(message: Any, *rest: Any, **more: Any) -> Any:
            self.requests.append(message)
            return await request(message, *rest, **more)

        monkeypatch.setattr(person.main.link, "request", noted)

    @property
    def acts(self) -> list[Any]:
        return [each for each in self.requests if not isinstance(each, VIEWER_REQUESTS)]


async def press_all(person: Member, pressed: set[tuple[type, str]]) -> None:
    """Press every key that means something where the focus is, one for each thing that it does."""
    wanted = person.main.focused
    for key, active in person.app.screen.active_bindings.items():
        action = active.binding.action.rpartition(".")[2]
        what = type(active.node), action
        if not active.enabled or what in pressed or action.partition("(")[0] in LEAVES | MOVES:
            continue
        pressed.add(what)
        await person.press(key)
        with person.app._context():
            while len(person.app.screen_stack) > 1:  # whatever the key has opened
                await person.app.pop_screen()
            if wanted is not None and wanted.is_attached and wanted.focusable and person.main.focused is not wanted:
                person.main.set_focus(wanted)


@pytest.mark.parametrize("kind", ["viewer", "read_only"])
async def test_no_command_that_changes_something_is_possible(room: CommandLine, kind: str) -> None:
    async with member(room, viewer=kind == "viewer", read_only=kind == "read_only") as person:
        assert "read-only" in person.top
        assert person.app.read_only
        for name in ("writer", "shell"):
            await person.select(name)
            for tab in TABS:
                person.main.details.show_tab(tab)
                await person.pilot.pause()
                with person.app._context():
                    possible = [each.id for each in COMMANDS if each.changes and person.main.possible(each)]
                assert possible == []


async def test_no_key_of_any_pane_acts(room: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with member(room, MIDDLE, viewer=True) as person:
        await person.select("shell")
        asked = Asked(person, monkeypatch)
        before = room.json("ps", "-a", "--format", "json")
        pressed: set[tuple[type, str]] = set()
        for tab in TABS:
            with person.app._context():
                person.main.details.show_tab(tab)
            await person.until(lambda tab=tab: person.main.details.tab == tab)  # type: ignore[misc]
            with person.app._context():
                person.main.details.focus_content()
            await person.pilot.pause()
            await press_all(person, pressed)
            await person.select("shell")
        for region in ("containers", "graphs", "heap", "terminals"):
            with person.app._context():
                person.main.focus_region(region)
            await person.pilot.pause()
            await press_all(person, pressed)
        assert len(pressed) > 60
        assert asked.acts == []
        after = room.json("ps", "-a", "--format", "json")
        assert [(each["name"], each["status"]) for each in after] == [(each["name"], each["status"]) for each in before]
        assert list(tmp_path.iterdir()) == []


async def test_nothing_is_typed_into_terminals_and_that_is_said_once(room: CommandLine) -> None:
    opened = room.ok("terminal", "open", "-d", "cat")
    async with member(room, read_only=True) as person:
        await person.until(lambda: person.main.terminals.shown is not None)
        await person.press("alt+1")
        await person.until(lambda: person.main.state.shown_terminal is not None)
        await person.press("enter", "escape", "x", "y", "z")
        assert not person.main.terminal_has_keys
        assert person.notices.count(NOTICE) == 1
        with person.app._context():
            person.main.action_type_prefix()
        await person.press("0")
        await person.select("shell")
        await person.press("enter", "x", "y", "z")
        assert not person.main.terminal_has_keys
    assert "xyz" not in room.ok("logs", "shell")
    room.ok("terminal", "close", opened.split()[0])


async def test_a_stopped_container_is_not_started_by_looking_at_it(room: CommandLine) -> None:
    room.ok("create", "-t", "--name", "still", "host", "cat")
    async with member(room, read_only=True) as person:
        await person.select("still")
        await person.press("enter")
        await person.until(lambda: NOTICE in person.notices)
        assert person.states()["still"] == "created"
    room.ok("rm", "still")


async def test_a_viewer_goes_from_here_to_no_other_machine(room: CommandLine) -> None:
    async with member(room, viewer=True) as person:
        await person.main.run_action("connect_host")
        await person.until(lambda: any("no other machine" in each.message for each in person.app._notifications))
        assert len(person.app.screen_stack) == 1
        assert len(person.main.link.hosts) == 1
