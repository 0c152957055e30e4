"""Promises about several consoles at one engine, of whom none presents."""

from __future__ import annotations

import pytest

from engine.protocol.messages import Limits, UpdateContainer, Updated
from tests.heliostui.conftest import CommandLine

from .conftest import LARGE, MIDDLE, SMALL, member


async def test_what_is_done_in_one_console_is_seen_in_all(room: CommandLine) -> None:
    async with member(room, LARGE) as ada, member(room, MIDDLE) as bob, member(room, SMALL, viewer=True) as eve:
        everybody = (ada, bob, eve)
        for person in everybody:
            await person.until(lambda person=person: "writer" in person.states())  # type: ignore[misc]
        room.ok("run", "-d", "--name", "newcomer", "host", "sleep", "600")
        for person in everybody:
            await person.until(lambda person=person: person.states().get("newcomer") == "running")  # type: ignore[misc]
        await ada.select("newcomer")
        await ada.press("p")
        for person in everybody:
            await person.until(lambda person=person: person.states()["newcomer"] == "paused")  # type: ignore[misc]
        await bob.select("newcomer")
        await bob.press("p")
        for person in everybody:
            await person.until(lambda person=person: person.states()["newcomer"] == "running")  # type: ignore[misc]
        await ada.press("t")
        for person in everybody:
            await person.until(lambda person=person: person.main.state.terminals)  # type: ignore[misc]
        await ada.until(lambda: ada.main.terminal_has_keys)
        await ada.type("echo said-$((40 + 2))")
        for person in everybody:
            await person.until(lambda person=person: "said-42" in person.opened())  # type: ignore[misc]
        await bob.press("alt+1")
        await bob.until(lambda: bob.main.terminal_has_keys)
        await bob.type("echo too-$((1 + 1)); exit")
        for person in everybody:
            await person.until(lambda person=person: not person.main.state.terminals)  # type: ignore[misc]
        room.ok("rm", "-f", "newcomer")
        for person in everybody:
            await person.until(lambda person=person: "newcomer" not in person.states())  # type: ignore[misc]


async def test_a_limit_that_one_changes_is_a_marker_on_the_others_graphs(room: CommandLine) -> None:
    found = {finding["name"]: finding for finding in room.json("doctor", "--format", "json")}
    if found["cgroups"]["status"] == "missing":
        pytest.skip(found["cgroups"]["text"])
    async with member(room, LARGE) as ada, member(room, LARGE) as eve:
        for person in (ada, eve):
            await person.select("writer")
            await person.until(lambda person=person: person.main.graphs.board.feed.now)  # type: ignore[misc]
        container = ada.main.state.selected_id
        assert container is not None
        limits = Limits(pids=321)
        await ada.main.link.request(UpdateContainer(container=container, limits=limits), Updated)
        for person in (ada, eve):
            board = person.main.graphs.board
            await person.until(
                lambda board=board: any("321" in h.words for h in board.feed.happenings(container, 0.0))  # type: ignore[misc]
            )
