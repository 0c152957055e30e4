"""The line of keys: what is possible where the focus is, and a click that presses a key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.widgets import Button

from widgets.key_line import Key, KeyLine, fitting


class Keys(App[None]):
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a,b", "first", "First", tooltip="Do the first thing"),
        Binding("slash", "second", "Second", key_display="/"),
        Binding("x", "hidden", "Hidden", show=False),
    ]
    possible = True

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def compose(self) -> ComposeResult:
        yield Button("one")
        yield KeyLine()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.possible or action != "first"

    def action_first(self) -> None:
        self.done.append("first")

    def action_second(self) -> None:
        self.done.append("second")

    def line(self) -> str:
        return str(self.query_one(KeyLine).render())


async def test_it_shows_each_action_once_with_its_first_key() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.line() == "a First / Second "


def test_where_not_all_have_room_no_key_is_cut_and_help_is_among_them() -> None:
    keys = [Key(name, name[0], "words", "") for name in ("alpha", "beta", "gamma", "question_mark", "quit")]
    assert fitting(keys, 39) == keys
    assert [key.name for key in fitting(keys, 38)] == ["alpha", "beta", "gamma", "question_mark"]
    assert [key.name for key in fitting(keys, 30)] == ["alpha", "beta", "question_mark"]
    assert [key.name for key in fitting(keys, 3)] == ["question_mark"]
    assert [key.name for key in fitting(keys[:3], 20)] == ["alpha", "beta"]


async def test_it_shows_only_what_is_possible_now() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        app.possible = False
        app.refresh_bindings()
        await pilot.pause()
        assert "Second" in app.line()
        assert "First" not in app.line()


async def test_a_click_presses_the_key_and_the_mouse_over_it_tells_more() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
        line = app.query_one(KeyLine)
        await pilot.hover(line, Offset(app.line().index("First"), 0))
        assert line.tooltip == "Do the first thing"
        await pilot.click(line, Offset(app.line().index("/"), 0))
        await pilot.pause()
        assert app.done == ["second"]
