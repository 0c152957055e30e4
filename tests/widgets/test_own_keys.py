"""The user's own keys in place of those that bindings declare."""

from __future__ import annotations

from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.events import Key

from widgets.dialog import Dialog
from widgets.own_keys import rebound

BINDINGS = BindingsMap(
    [
        Binding("p", "pause", id="pause"),
        Binding("p", "resume", id="resume"),
        Binding("s,S", "stop", id="stop"),
        Binding("x", "explain"),
    ]
)


def actions(bindings: BindingsMap, key: str) -> list[str]:
    return [binding.action for binding in bindings.key_to_bindings.get(key, [])]


def test_a_key_takes_the_place_of_all_that_there_were() -> None:
    made = rebound(BINDINGS, {"stop": ["k", "f5"]})
    assert actions(made, "k") == actions(made, "f5") == ["stop"]
    assert actions(made, "s") == actions(made, "S") == []


def test_who_shares_a_key_keeps_it_when_the_other_leaves() -> None:
    made = rebound(BINDINGS, {"pause": ["f"]})
    assert actions(made, "p") == ["resume"]
    assert actions(made, "f") == ["pause"]


def test_two_may_share_a_new_key() -> None:
    assert actions(rebound(BINDINGS, {"pause": ["f"], "resume": ["f"]}), "f") == ["pause", "resume"]


def test_a_key_is_taken_from_who_had_it() -> None:
    assert actions(rebound(BINDINGS, {"stop": ["x"]}), "x") == ["stop"]


def test_a_key_can_be_taken_away() -> None:
    made = rebound(BINDINGS, {"stop": []})
    assert actions(made, "s") == actions(made, "S") == []


def test_what_is_not_named_stays() -> None:
    assert rebound(BINDINGS, {"other": ["x"]}) is BINDINGS


class Asking(Dialog[str]):
    """Any key answers."""

    def on_key(self, event: Key) -> None:
        self.dismiss(event.key)


async def test_the_second_of_two_quick_keys_closes_nothing_more() -> None:
    answers: list[str | None] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.push_screen(Asking(), answers.append)
        asking = app.screen
        for key in "ab":
            asking.post_message(Key(key, key))
        await pilot.pause()
        assert answers == ["a"]
        assert len(app.screen_stack) == 1
