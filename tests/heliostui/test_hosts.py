"""Several hosts in one console: groups of the list, and everything acts on the right one."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.client import tunnels
from engine.places import Places
from heliostui.app import Console
from heliostui.screens.dialog import Confirm, Prompt
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person
from tests.heliostui.test_remote import variables
from tests.sshd import Sshd, sshd

NEAR, FAR = "near_one", "far_one"


class Two:
    """This machine's engine, and another that is reached by ssh; a container on each."""

    def __init__(self, near: CommandLine, far: CommandLine, server: Sshd) -> None:
        self.near, self.far, self.server = near, far, server
        self.here = Places(Path(near.environment["HELIOSTUI_RUNTIME"]), Path(near.environment["HELIOSTUI_STATE"]))
        self.there = Places(self.here.runtime, self.here.state, host="ssh://far")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    near, far = (CommandLine(tmp_path_factory.mktemp(name)) for name in ("near", "far"))
    with sshd(variables(far)) as server:
        for line, name in ((near, NEAR), (far, FAR)):
            line.ok("run", "-dit", "--name", name, "host", "sh")
        yield Two(near, far, server)
        for line in (near, far):
            line("kill", *line.ok("ps", "-q").split())
            line.ok("engine", "stop", "--all")


@asynccontextmanager
async def console(two: Two, monkeypatch: pytest.MonkeyPatch, *places: Places) -> AsyncIterator[Person]:
    monkeypatch.setenv("PATH", two.server.path)
    tunnels.ask_no_more()
    app = Console(places or (two.here, two.there))
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            person = Person(app, pilot)
            await person.until(lambda: all(host.info for host in person.main.link.hosts))
            yield person
    finally:
        tunnels.close("ssh://far")


def groups(person: Person) -> list[tuple[str, str]]:
    return [(group.name, group.state) for group in person.main.groups]


async def test_each_host_is_a_group_of_the_list(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(two, monkeypatch) as person:
        await person.until(lambda: {NEAR, FAR} <= set(person.states()))
        assert groups(person) == [("local", "connected"), ("far", "connected")]
        hosts = {row.name: row.host for row in person.main.table.rows}
        assert (hosts[NEAR], hosts[FAR]) == ("local", "ssh://far")


async def test_what_is_done_is_done_on_the_host_of_the_selected_container(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(two, monkeypatch) as person:
        for name, line in ((FAR, two.far), (NEAR, two.near)):
            await person.select(name)
            await person.press("p")
            await person.until(lambda name=name: person.states()[name] == "paused")
            assert line.containers()[name]["status"] == "paused"
            await person.press("p")
            await person.until(lambda name=name: person.states()[name] == "running")


async def test_terminals_of_the_same_name_are_kept_apart(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(two, monkeypatch) as person:
        for name in (NEAR, FAR):
            await person.press("alt+0")
            await person.select(name)
            before = len(person.main.state.terminals)
            await person.press("t")
            await person.until(lambda before=before: len(person.main.state.terminals) > before)
            await person.until(lambda: person.main.terminal_has_keys)
            await person.type("echo I am ${HELIOSTUI_RUNTIME%/run}")
            side = (two.near if name == NEAR else two.far).environment["HELIOSTUI_RUNTIME"].removesuffix("/run")
            await person.until(lambda side=side: f"I am {side}" in person.terminal().replace("\n", ""))
            await person.press("ctrl+right_square_bracket")
        assert list(person.main.state.terminals) == ["t1", "t1_1"]
        assert [each["id"] for each in two.far.json("terminal", "ls", "--format", "json")] == ["t1"]


async def test_a_host_that_goes_away_leaves_the_other_and_comes_back(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(two, monkeypatch) as person:
        await person.until(lambda: {NEAR, FAR} <= set(person.states()))
        for pid in two.server.sessions():
            os.kill(pid, signal.SIGKILL)
        far = person.main.link.hosts.get("ssh://far")
        assert far is not None
        await person.until(lambda: far.info is None)
        assert FAR in person.states()  # as it was last seen
        await person.select(NEAR)
        await person.press("p")
        await person.until(lambda: person.states()[NEAR] == "paused")
        await person.press("p")
        await person.until(lambda: person.states()[NEAR] == "running")
        await person.until(lambda: far.info is not None)
        await person.until(lambda: groups(person) == [("local", "connected"), ("far", "connected")])


async def test_a_host_is_added_and_let_go_of_from_the_console(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(two, monkeypatch, two.here) as person:
        assert groups(person) == []
        await person.main.run_action("connect_host")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press(*"far", "enter")
        await person.until(lambda: FAR in person.states())
        await person.select(FAR)
        await person.main.run_action("disconnect_host")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("y")
        await person.until(lambda: FAR not in person.states())
        await person.until(lambda: groups(person) == [])
        assert NEAR in person.states()
        assert FAR in two.far.containers()


async def test_an_address_that_is_none_is_refused_in_a_sentence(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(two, monkeypatch, two.here) as person:
        await person.main.run_action("connect_host")
        await person.until(lambda: isinstance(person.app.screen, Prompt))
        await person.press("tilde", "x", "enter")
        await person.until(lambda: any("is no name of a host" in notice for notice in person.notices))
