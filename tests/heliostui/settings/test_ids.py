"""Every key of the console can be given to another: each has an id that is its own, and a sentence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from heliostui.screens.dialog import Confirm
from heliostui.settings.ids import bindings, declared
from tests.heliostui.person import press
from tests.widgets.heaps import small
from widgets.heap_map import HeapMapView
from widgets.quick_screen import QuickScreen

NAME = re.compile(r"[a-z]+(-[a-z]+)*(\.([a-z]+(-[a-z]+)*|[1-9]))*")


def keys_of_all() -> list[tuple[str, Binding]]:
    """What our classes declare, with where."""
    found = []
    for kind, binding in declared():
        assert isinstance(binding, Binding), f"{kind}: {binding} can have neither id nor sentence"
        found.append((f"{kind.__module__}.{kind.__qualname__}: {binding.key}", binding))
    return found


def test_every_key_has_an_id_and_a_sentence() -> None:
    lacking = [where for where, binding in keys_of_all() if not binding.id or not binding.tooltip]
    assert lacking == []


def test_an_id_is_lower_case_words() -> None:
    assert [id for id in bindings() if not NAME.fullmatch(id)] == []


def test_an_id_means_one_thing() -> None:
    """Classes that have the same key for the same may share its id."""
    meanings = defaultdict(set)
    for _, binding in keys_of_all():
        meanings[binding.id].add(binding)
    assert {id: several for id, several in meanings.items() if len(several) > 1} == {}


def test_no_class_gives_a_key_two_meanings_but_where_only_one_is_possible_at_a_time() -> None:
    """Screen and terminals have several meanings for some, told apart by what is selected and what has the focus."""
    meanings = defaultdict(set)
    for kind, binding in declared():
        assert isinstance(binding, Binding)
        for key in binding.key.split(","):
            meanings[kind.__qualname__, key].add(binding.id)
    several = {where for where, ids in meanings.items() if len(ids) > 1}
    assert {kind for kind, key in several if key != "unbound"} <= {"MainScreen"}


class Shown(QuickScreen[None]):
    def compose(self) -> ComposeResult:
        yield HeapMapView()


class Remapped(App[None]):
    """A heap map and a question, for somebody with keys of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.own_keys: Mapping[str, Sequence[str]] = {
            "heap.closer": ("x", "f5"),
            "heap.farther": (),
            "question.yes": ("j",),
        }

    def get_default_screen(self) -> Screen[None]:
        return Shown()

    @on(HeapMapView.ViewWanted)
    def _wanted(self, event: HeapMapView.ViewWanted) -> None:
        self.look()

    def look(self) -> None:
        view = self.screen.query_one(HeapMapView)
        view.show(small().picture(view.wish))


async def test_a_panes_key_and_a_dialogs_can_be_others() -> None:
    app = Remapped()
    async with app.run_test() as pilot:
        view = app.screen.query_one(HeapMapView)
        view.focus()
        app.look()
        await press(pilot, "minus", "plus", "equals_sign")
        before = view.cell
        await press(pilot, "x")
        assert view.cell == before // 2
        await press(pilot, "f5")
        assert view.cell == before // 4
        answers: list[bool | None] = []
        app.push_screen(Confirm("Remove web?", "Its files are lost.", "Remove"), answers.append)
        await press(pilot, "y")
        assert answers == []
        await press(pilot, "j")
        assert answers == [True]
