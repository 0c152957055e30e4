"""The table of limits as a user meets it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from widgets.limits_table import LimitRow, LimitsTable

ROWS = [
    LimitRow("memory", "Memory", "512 MiB", "512m", "memory.max: 536870912", usage="220 MiB", share=0.43),
    LimitRow("memory_reservation", "Memory kept", "max", "max", "memory.low: 0"),
    LimitRow("cpus", "CPUs", "0.5", "0.5", "cpu.max: 50000 100000", usage="0.49", share=0.98),
    LimitRow("pids", "Processes", "64", "64", "pids.max: 64", usage="51", share=0.8, pending=True),
    LimitRow("io_weight", "I/O weight", "–", reason="The disk's scheduler knows no weights."),
]


@pytest.fixture
def table() -> LimitsTable:
    return LimitsTable()


@pytest.fixture
def app(stage: Any, table: LimitsTable) -> Any:
    class Listening(stage):  # type: ignore[misc]
        def on_limits_table_stepped(self, event: LimitsTable.Stepped) -> None:
            self.heard.append((event.key, event.by))

        def on_limits_table_typed(self, event: LimitsTable.Typed) -> None:
            self.heard.append((event.key, event.text))

    def prepare() -> None:
        table.show(ROWS)
        table.focus()

    return Listening(table, prepare=prepare)


async def test_arrow_keys_ask_for_a_step(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("right", "down", "down", "left")
        assert app.heard == [("memory", 1), ("cpus", -1)]


async def test_a_digit_begins_a_new_value_and_enter_asks_for_it(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("2", "5", "6", "m")
        assert "256m" in table.render_line(1).text
        await pilot.press("enter")
        assert app.heard == [("memory", "256m")]
        assert table.edited is None


async def test_the_value_can_be_edited_and_left_as_it_was(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("backspace", "backspace", "g", "enter")
        assert app.heard == [("memory", "512g")]
        await pilot.press("9", "escape")
        assert "512 MiB" in table.render_line(1).text
        await pilot.press("9", "down")
        assert table.edited is None
        assert len(app.heard) == 1


async def test_enter_makes_a_knob_of_a_limit_that_up_and_down_turn(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("enter")
        assert table.turned
        assert "▾" in table.render_line(1).text
        await pilot.press("up", "down", "right", "minus")
        assert app.heard == [("memory", 1), ("memory", -1), ("memory", 1), ("memory", -1)]
        assert table.cursor == 0
        await pilot.press("enter")
        assert not table.turned
        await pilot.press("enter", "escape", "down")
        assert (table.turned, table.cursor) == (False, 1)


async def test_delete_asks_for_no_limit(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("delete")
        assert app.heard == [("memory", "max")]


async def test_what_can_not_be_set_says_why_and_takes_no_keys(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("end", "right", "5", "delete")
        assert not app.heard
        assert "knows no weights" in table.render_line(5).text


async def test_who_may_not_change_limits_can_still_look(table: LimitsTable, app: Any) -> None:
    async with app.run_test(size=(80, 12)) as pilot:
        table.changeable = False
        await pilot.press("right", "5", "enter", "delete", "down")
        assert not app.heard
        assert table.cursor == 1


@pytest.mark.parametrize("width", [60, 80, 133, 200])
async def test_every_line_fills_the_width_exactly(table: LimitsTable, app: Any, width: int) -> None:
    async with app.run_test(size=(width, 12)) as pilot:
        await pilot.pause()
        assert {cell_len(table.render_line(y).text) for y in range(7)} == {width}


@pytest.mark.parametrize(("width", "theme"), [(80, "helios-dark"), (140, "helios-light")])
def test_how_it_looks(snap_compare: Any, stage: Any, width: int, theme: str) -> None:
    table = LimitsTable()

    def prepare() -> None:
        table.show(ROWS)
        table.focus()
        table.cursor = 2

    assert snap_compare(stage(table, prepare=prepare, theme=theme), terminal_size=(width, 8))
