"""Tables in sections as a user meets them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from textual.geometry import Region

from widgets.section_table import Section, SectionRow, SectionTable, column
from widgets.table import Cell

FRUIT = (column("NAME", 10, 0, weight=1), column("COUNT", 6, 1, right=True), column("COLOUR", 12, 2, rank=1))


def row(name: str, count: int, colour: str = "green") -> SectionRow:
    return SectionRow(name, (Cell(name), Cell(f"{count:,}"), Cell(colour)), (name, count, colour))


def sections(**counts: int) -> list[Section]:
    rows = {"apples": 1200, "pears": 900, "plums": 30, **counts}
    return [
        Section("fruit", "Fruit", FRUIT, tuple(row(name, count) for name, count in rows.items()), "of the garden"),
        Section("nuts", "Nuts", FRUIT, (), empty="there are none yet"),
        Section("herbs", "Herbs", FRUIT, (row("thyme", 7), row("basil", 3))),
    ]


class Watched(SectionTable):
    """Remembers what is asked to be drawn again."""

    asked: list[Region]

    def refresh(self, *regions: Region, **options: Any) -> Any:
        if hasattr(self, "asked"):
            self.asked += regions or [Region(0, 0, *self.size)]
        return super().refresh(*regions, **options)


def present(table: SectionTable) -> None:
    table.show(sections())
    table.focus()


def texts(table: SectionTable) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


async def test_each_section_has_a_title_a_count_and_its_own_columns(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)):
        shown = texts(table)
        assert shown[0] == "▾ FRUIT  3 · of the garden"
        assert shown[1].split() == ["NAME", "COUNT", "COLOUR"]
        assert shown[2].split() == ["apples", "1,200", "green"]
        assert "  there are none yet" in shown


async def test_the_cursor_stays_with_its_row(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down")
        assert table.selected == row("pears", 900)
        table.show([sections(quinces=2)[0], *sections()[1:]])
        assert table.cursor == ("fruit", "pears")
        gone = sections()
        table.show([Section("fruit", "Fruit", FRUIT, gone[0].rows[:1]), *gone[1:]])
        assert table.cursor in (("nuts", ""), ("fruit", "apples"))


async def test_only_what_changed_is_drawn(stage: Any) -> None:
    table = Watched()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        table.asked = []
        table.show(sections())
        assert not table.asked
        table.show(sections(pears=901))
        assert [region.y for region in table.asked] == [3]


async def test_a_row_that_goes_does_not_move_what_stands_below(stage: Any) -> None:
    table = Watched()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        before, size = texts(table).index("▾ NUTS  0"), table.virtual_size
        table.show([Section("fruit", "Fruit", FRUIT, sections()[0].rows[:2], "of the garden"), *sections()[1:]])
        assert texts(table).index("▾ NUTS  0") == before
        assert table.virtual_size == size
        table.show([Section("fruit", "Fruit", FRUIT, ()), *sections()[1:]])
        assert texts(table).index("▾ NUTS  0") < before


async def test_a_section_folds_and_unfolds(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "space")
        assert texts(table)[:2] == ["▸ FRUIT  3 · of the garden", "▾ NUTS  0"]
        assert table.cursor == ("fruit", "")
        await pilot.press("space", "down")
        assert table.cursor == ("fruit", "apples")


async def test_the_arrow_keys_go_from_section_to_section(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        places = [table.place]
        for key in ("right", "right", "right", "left"):
            await pilot.press(key)
            places.append(table.place)
        assert places == [0, 1, 2, 2, 1]


async def test_a_section_is_sorted_by_numbers_not_by_their_texts(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)) as pilot:
        await pilot.press("o", "o")
        assert [each.split()[0] for each in texts(table)[2:5]] == ["plums", "pears", "apples"]
        assert "COUNT▲" in texts(table)[1]
        await pilot.press("O")
        assert [each.split()[0] for each in texts(table)[2:5]] == ["apples", "pears", "plums"]
        assert texts(table)[-12:][0] != "thyme"
        await pilot.press("o", "o")
        assert [each.split()[0] for each in texts(table)[2:5]] == ["apples", "pears", "plums"]


async def test_a_filter_goes_through_all_sections_and_says_how_much_is_left(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(60, 20)):
        table.filter = "p"
        assert texts(table)[0].startswith("▾ FRUIT  3 of 3")
        table.filter = "pear GREEN"
        assert texts(table)[0].startswith("▾ FRUIT  1 of 3")
        assert any("nothing here has “pear GREEN”" in text for text in texts(table))


async def test_columns_of_lesser_worth_go_first_when_it_is_narrow(stage: Any) -> None:
    table = SectionTable()
    async with stage(table, prepare=partial(present, table)).run_test(size=(28, 20)):
        assert texts(table)[1].split() == ["NAME", "COUNT"]


@pytest.mark.parametrize("theme", ["helios-dark", "helios-light"])
def test_how_it_looks(snap_compare: Any, stage: Any, theme: str) -> None:
    table = SectionTable()
    assert snap_compare(
        stage(table, prepare=partial(present, table), theme=theme), terminal_size=(60, 16), press=["down", "o"]
    )


async def test_a_page_is_a_screen_down_and_up(stage: Any) -> None:
    table = SectionTable()
    many = [Section("fruit", "Fruit", FRUIT, tuple(row(f"{n:02}", n) for n in range(60)))]

    def shown() -> None:
        table.show(many)
        table.focus()

    async with stage(table, prepare=shown).run_test(size=(60, 12)) as pilot:
        await pilot.press("home")
        first = table.cursor
        await pilot.press("down")
        places = [table.cursor]
        for _ in range(2):
            await pilot.press("pagedown")
            places.append(table.cursor)
        assert [int(place[1]) for place in places if place] == [0, 10, 20]
        await pilot.press("pageup", "pageup")
        assert table.cursor == places[0]
        await pilot.press("k")
        assert table.cursor == first
