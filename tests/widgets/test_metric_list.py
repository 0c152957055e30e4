"""The list of numbers as a user meets it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from widgets.metric_list import MetricList, MetricRow

ROWS = [
    MetricRow(f"{group}.{n}", group, f"{group} {n}", f"{n}.00")
    for group, count in (("CPU", 4), ("Memory", 6), ("Disks", 2), ("Network", 3))
    for n in range(count)
]


def text(view: MetricList) -> list[str]:
    return [view.render_line(y).text for y in range(view.size.height)]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
async def test_groups_stay_whole_in_as_many_columns_as_have_room(stage: Any, width: int) -> None:
    numbers = MetricList()
    async with stage(numbers, prepare=lambda: numbers.show(ROWS)).run_test(size=(width, 40)) as pilot:
        await pilot.pause()
        lines = text(numbers)
        assert all(cell_len(line) == width for line in lines)
        shown = "\n".join(lines)
        assert all(row.label in shown for row in ROWS)
        assert sum(bool(line.strip()) for line in lines) <= 25 // max(1, width // 80) + 1


async def test_only_the_numbers_that_changed_are_drawn(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = MetricList()
    async with stage(numbers, prepare=lambda: numbers.show(ROWS)).run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        drawn: list[Region] = []
        monkeypatch.setattr(numbers, "refresh", lambda *regions, **_: drawn.extend(regions))
        numbers.show(ROWS)
        assert not drawn
        numbers.show([*ROWS[:-1], MetricRow("Network.2", "Network", "Network 2", "9.99")])
        assert [(region.width, region.height) for region in drawn] == [(40, 1)]


async def test_the_cursor_goes_down_through_all_and_across(stage: Any) -> None:
    numbers = MetricList()
    async with stage(numbers, prepare=lambda: numbers.show(ROWS)).run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        numbers.focus()
        assert numbers.cursor == "CPU.0"
        await pilot.press("right")
        assert numbers.cursor is not None
        assert not numbers.cursor.startswith("CPU")
        await pilot.press("left")
        assert numbers.cursor == "CPU.0"
        await pilot.press("end")
        assert numbers.cursor == "Network.2"


async def test_letters_go_where_arrows_do(stage: Any) -> None:
    numbers = MetricList()
    async with stage(numbers, prepare=lambda: numbers.show(ROWS)).run_test(size=(80, 40)) as pilot:
        numbers.focus()
        for arrows, letters in (("down", "j"), ("up", "k"), ("right", "l"), ("left", "h"), ("end", "G"), ("home", "g")):
            before = numbers.cursor
            await pilot.press(arrows)
            there = numbers.cursor
            numbers.cursor = before
            await pilot.press(letters)
            assert numbers.cursor == there != before
