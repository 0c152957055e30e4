"""A class that concerns one widget alone."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from widgets.own_class import set_own_class


class Nested(App[None]):
    CSS = "Vertical.-marked { border: round red; }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("inside")


async def test_the_widget_looks_as_its_class_says_and_what_is_inside_is_left_alone() -> None:
    app = Nested()
    async with app.run_test() as pilot:
        pane, inside = app.query_one(Vertical), app.query_one(Static)
        styled: list[object] = []
        inside.notify_style_update = lambda: styled.append(inside)  # type: ignore[method-assign]
        set_own_class(pane, True, "-marked")
        await pilot.pause()
        assert str(pane.styles.border_top[0]) == "round"
        assert not styled
        set_own_class(pane, False, "-marked")
        assert str(pane.styles.border_top[0]) == ""
