"""Keys that come in one read do what they do one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from widgets.key_turns import KeyTurns

WAIT = 20  # seconds, at most


class Ask(ModalScreen[str]):
    """A dialog with a line, which Enter sends off."""

    def compose(self) -> ComposeResult:
        yield Vertical(Input())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Things(Widget, can_focus=True):
    """A list that tells of each key that is its own."""

    BINDINGS: ClassVar = [("a,b,c,d,enter", "note", "")]

    def action_note(self) -> None:
        """Any key of a list."""

    def on_key(self, event: events.Key) -> None:
        stage = self.app
        assert isinstance(stage, Stage)
        stage.note(event.key)


class Takes(Widget, can_focus=True):
    """A terminal: all keys are its own."""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        stage = self.app
        assert isinstance(stage, Stage)
        stage.note(event.key)
        if event.key == "q":
            self.remove()


class Stage(App[None]):
    """A list, a line to search with and a terminal, deep below the screen."""

    BINDINGS: ClassVar = [("n", "ask", ""), ("slash", "search", ""), ("t", "terminal", ""), ("o", "open", "")]

    def __init__(self) -> None:
        super().__init__()
        self.turns = KeyTurns(self, self.post_message, patience=WAIT)
        self.may_open = asyncio.Event()
        self.seen: list[str] = []
        self.asked: list[str | None] = []
        self.noted = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Vertical(Vertical(Things(), Input(id="search"), Takes()))

    def note(self, key: str) -> None:
        self.seen.append(key)
        self.noted.set()

    def take_answer(self, answer: str | None) -> None:
        self.asked.append(answer)
        self.noted.set()

    def on_input_changed(self) -> None:
        self.noted.set()

    def action_ask(self) -> None:
        self.push_screen(Ask(), self.take_answer)

    def action_search(self) -> None:
        self.query_one("#search").focus()

    def action_terminal(self) -> None:
        self.query_one(Takes).focus()

    def action_open(self) -> None:
        self.turns.hold()
        self.run_worker(self._open())

    async def _open(self) -> None:
        await self.may_open.wait()
        self.query_one(Takes).focus()
        self.call_later(self.turns.let_go)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT):
            while not true():
                self.noted.clear()
                await self.noted.wait()


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Stage, KeyTurns]]:
    app = Stage()
    async with app.run_test() as pilot:
        app.query_one(Things).focus()
        await pilot.pause()
        yield app, app.turns
        app.turns.stop()
        await pilot.pause()


def key(character: str) -> events.Key:
    names = {"/": "slash", "\r": "enter"}
    return events.Key(names.get(character, character), character)


def typed(turns: KeyTurns, text: str) -> None:
    """All of it in one read."""
    for character in text:
        turns.put(key(character))


async def test_what_follows_the_key_of_a_dialog_is_typed_into_it() -> None:
    async with stage() as (app, turns):
        typed(turns, "anbc\rd")
        await app.until(lambda: app.seen == ["a", "n", "d"])
        assert app.asked == ["bc"]


async def test_what_follows_the_key_that_moves_the_focus_goes_where_it_moved() -> None:
    async with stage() as (app, turns):
        typed(turns, "/atn\r")
        typed(turns, "a")
        await app.until(lambda: app.query_one("#search", Input).value == "atna")
        assert app.seen == ["slash"]


async def test_a_paste_waits_its_turn_too() -> None:
    async with stage() as (app, turns):
        typed(turns, "n")
        turns.put(events.Paste("web"))
        typed(turns, "\ra")
        await app.until(lambda: app.seen == ["n", "a"])
        assert app.asked == ["web"]


async def test_a_terminal_gets_all_keys_in_order() -> None:
    text = "abcd" * 500
    async with stage() as (app, turns):
        typed(turns, "t" + text)
        await app.until(lambda: app.seen == ["t", *text])


async def test_keys_wait_for_who_is_being_opened() -> None:
    async with stage() as (app, turns):
        typed(turns, "oab")
        await app.until(lambda: app.seen == ["o"])
        typed(turns, "c")
        app.may_open.set()
        await app.until(lambda: app.seen == ["o", "a", "b", "c"])
        assert isinstance(app.focused, Takes)


async def test_keys_go_on_when_what_is_being_opened_takes_too_long() -> None:
    async with stage() as (app, _):
        app.turns = KeyTurns(app, app.post_message, patience=WAIT, held=0.05)
        typed(app.turns, "oab")
        await app.until(lambda: app.seen == ["o", "a", "b"])
        assert isinstance(app.focused, Things)
        app.may_open.set()


async def test_keys_go_on_when_one_has_set_off_what_does_not_end() -> None:
    given: list[events.Event] = []
    async with stage() as (app, _):
        goes_on = asyncio.Event()
        app.call_later(goes_on.wait)
        all_given = asyncio.Event()

        def give(event: events.Event) -> None:
            given.append(event)
            if len(given) == 3:
                all_given.set()

        turns = KeyTurns(app, give, patience=0.05)
        typed(turns, "abc")
        assert len(given) == 1
        await asyncio.wait_for(all_given.wait(), WAIT)
        goes_on.set()


async def test_keys_are_held_though_the_application_is_busy_for_longer_than_others_wait() -> None:
    async with stage() as (app, _):
        goes_on, let_go, given = asyncio.Event(), [False], asyncio.Event()
        app.call_later(goes_on.wait)
        seen: list[tuple[events.Event, bool]] = []

        def give(event: events.Event) -> None:
            seen.append((event, let_go[0]))
            if len(seen) == 1:
                turns.hold()
            else:
                given.set()

        def release() -> None:
            let_go[0] = True
            turns.let_go()

        turns = KeyTurns(app, give, patience=0.05, held=WAIT)
        typed(turns, "ab")
        asyncio.get_running_loop().call_later(0.3, release)
        await asyncio.wait_for(given.wait(), WAIT)
        assert [after for _, after in seen] == [False, True]
        turns.stop()
        goes_on.set()


async def test_keys_go_on_when_the_widget_of_one_is_removed() -> None:
    async with stage() as (app, turns):
        typed(turns, "tqnx")
        await app.until(lambda: app.query_one("#search", Input).value == "nx")  # who comes next has the focus


async def test_what_waits_when_the_keyboard_is_given_away_is_forgotten_and_keys_go_on_afterwards() -> None:
    async with stage() as (app, turns):
        typed(turns, "ab")
        turns.stop()
        typed(turns, "cd")
        await app.until(lambda: app.seen == ["a", "c", "d"])


async def test_a_key_that_none_follows_is_given_at_once() -> None:
    given: list[events.Event] = []
    async with stage() as (app, _):
        turns = KeyTurns(app, given.append)
        first = key("a")
        turns.put(first)
        assert given == [first]
        turns.stop()
