"""A pane with a table, a note in its place and a line to filter it by, as a user meets it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from textual.binding import Binding, BindingType

from tests.widgets.test_section_table import sections
from widgets.filtered import Filtered
from widgets.section_table import SectionTable


class Garden(Filtered[SectionTable]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "filter"), Binding("escape", "forget")]


@pytest.fixture
def garden() -> Garden:
    return Garden(SectionTable())


def present(garden: Garden) -> None:
    garden.table.show(sections())
    garden.table.focus()


def fruit(garden: Garden) -> list[str]:
    return [row.key for row in garden.table.shown("fruit")]


async def test_a_note_is_shown_in_the_place_of_the_table(stage: Any, garden: Garden) -> None:
    async with stage(garden).run_test():
        assert garden.table.display
        assert not garden.note.display
        garden.say("It is winter.")
        assert not garden.table.display
        assert garden.note.display
        assert str(garden.note.content) == "It is winter."
        garden.say("")
        assert garden.table.display
        assert not garden.note.display


async def test_enter_keeps_what_was_typed_and_gives_the_keys_back(stage: Any, garden: Garden) -> None:
    async with stage(garden, prepare=lambda: present(garden)).run_test() as pilot:
        assert not garden.filter_line.display
        await pilot.press("slash", *"pea")
        assert fruit(garden) == ["pears"]
        assert garden.filter_line.has_focus
        await pilot.press("enter")
        assert fruit(garden) == ["pears"]
        assert garden.table.has_focus
        assert not garden.filter_line.display


async def test_escape_forgets_the_filter_while_one_types_and_afterwards(stage: Any, garden: Garden) -> None:
    async with stage(garden, prepare=lambda: present(garden)).run_test() as pilot:
        for after in ((), ("enter",)):
            await pilot.press("slash", *"pea", *after)
            assert garden.check_action("forget", ())
            await pilot.press("escape")
            assert fruit(garden) == ["apples", "pears", "plums"]
            assert garden.table.has_focus
            assert not garden.check_action("forget", ())
