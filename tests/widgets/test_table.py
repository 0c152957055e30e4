"""The container table as a user meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.strip import Strip

from widgets.container_table import ContainerRow, ContainerTable


class Watched(ContainerTable):
    """Counts the lines that are drawn."""

    drawn: list[int]

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)


@pytest.fixture
def table(now: datetime) -> Watched:
    table = Watched(now=lambda: now)
    table.drawn = []
    return table


def line(table: ContainerTable, y: int) -> str:
    return table.render_line(y).text


async def test_the_selection_stays_with_its_container(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test():
        table.cursor = containers[2].key
        table.show(reversed(containers))
        assert table.selected == containers[2]


async def test_when_the_selected_container_goes_the_one_in_its_place_is_selected(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test():
        table.cursor = containers[2].key
        table.show(containers[:2] + containers[3:])
        assert table.selected == containers[3]
        table.show(containers[:1])
        assert table.selected == containers[0]
        table.show([])
        assert table.selected is None


async def test_nothing_is_drawn_when_nothing_changed(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test() as pilot:
        await pilot.pause()
        table.drawn.clear()
        table.show([replace(row) for row in containers])
        table.refresh_changed()
        await pilot.pause()
        assert table.drawn == []


async def test_only_the_row_that_changed_is_drawn(stage: Any, table: Watched, containers: list[ContainerRow]) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test() as pilot:
        await pilot.pause()
        table.drawn.clear()
        table.show([*containers[:3], replace(containers[3], name="renamed"), *containers[4:]])
        await pilot.pause()
        assert set(table.drawn) == {4}
        assert "renamed" in line(table, 4)


async def test_a_second_later_only_uptimes_that_read_otherwise_are_drawn(
    stage: Any, containers: list[ContainerRow], now: datetime
) -> None:
    clock = [now]
    table = Watched(now=lambda: clock[0])
    table.drawn = []
    async with stage(table, prepare=lambda: table.show(containers)).run_test() as pilot:
        await pilot.pause()
        table.drawn.clear()
        clock[0] += timedelta(seconds=1)
        table.refresh_changed()
        await pilot.pause()
        seconds = {1, 7, 8}  # 7s, 10s ago, 2s ago; the others tell minutes and hours
        assert set(table.drawn) == seconds
        assert "8s" in line(table, 1)


async def test_a_word_in_the_filter_hides_what_does_not_have_it(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test():
        table.filter = "HOST exit"
        assert [row.name for row in table.rows] == ["worker"]
        table.filter = ""
        assert len(table.rows) == len(containers)


async def test_sorting_goes_by_value_and_missing_values_come_last(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test():
        table.sort_by("exit")
        assert [row.exit_code for row in table.rows][:4] == [0, 1, 137, 143]
        table.sort_by("name")
        assert [row.name for row in table.rows] == sorted(row.name for row in containers)
        table.sort_by("name")
        assert [row.name for row in table.rows] == sorted((row.name for row in containers), reverse=True)


async def test_the_longest_running_comes_first_when_sorted_by_uptime(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test():
        table.sort_by("uptime")
        assert [row.name for row in table.rows][:3] == ["quiet_heron", "web", "brave_otter"]


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (120, []),
        (80, ["PID", "EXIT", "COMMAND"]),
        (60, ["PID", "EXIT", "COMMAND", "IMAGE", "STATE"]),
        (40, ["PID", "EXIT", "COMMAND", "IMAGE", "STATE", "MEMORY", "UP"]),
    ],
)
async def test_columns_give_way_in_the_order_of_their_worth(
    stage: Any, table: Watched, containers: list[ContainerRow], width: int, gone: Sequence[str]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test(size=(width, 20)):
        heading = line(table, 0)
        titles = ["NAME", "STATE", "CPU", "MEMORY", "UP", "IMAGE", "COMMAND", "PID", "EXIT"]
        assert [title for title in titles if title not in heading.split()] == sorted(gone, key=titles.index)
        assert all(table.render_line(y).cell_length == width for y in range(10))


async def test_keys_and_mouse_move_the_selection(stage: Any, table: Watched, containers: list[ContainerRow]) -> None:
    app = stage(table, prepare=lambda: table.show(containers))
    async with app.run_test() as pilot:
        await pilot.press("down", "down")
        assert table.selected == containers[2]
        await pilot.press("end")
        assert table.selected == containers[-1]
        await pilot.press("home")
        await pilot.click(ContainerTable, offset=(5, 4))
        assert table.selected == containers[3]


async def test_a_click_on_a_heading_sorts_and_another_turns_it_round(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test() as pilot:
        place = line(table, 0).index("NAME")
        await pilot.click(ContainerTable, offset=(place, 0))
        assert (table.sort_column, table.descending) == ("name", False)
        await pilot.click(ContainerTable, offset=(place, 0))
        assert (table.sort_column, table.descending) == ("name", True)


async def test_the_selected_row_is_kept_in_sight(stage: Any, table: Watched, containers: list[ContainerRow]) -> None:
    many = [replace(containers[0], key=f"{n:012x}", name=f"c{n}") for n in range(100)]
    async with stage(table, prepare=lambda: table.show(many)).run_test(size=(80, 10)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        assert "c99" in line(table, 9)
        await pilot.press("home")
        await pilot.pause()
        assert "c0" in line(table, 1)


@pytest.mark.parametrize("theme", ["helios-dark", "helios-light"])
def test_how_it_looks(
    snap_compare: Any, stage: Any, table: Watched, containers: list[ContainerRow], theme: str
) -> None:
    def prepare() -> None:
        table.show(containers)
        table.cursor = containers[1].key

    assert snap_compare(stage(table, prepare=prepare, theme=theme), terminal_size=(90, 12))


@pytest.mark.parametrize(
    ("health", "glyph", "state"),
    [("healthy", "✓", "healthy"), ("unhealthy", "!", "unhealthy"), ("starting", "◌", "starting")],
)
async def test_a_container_with_a_check_says_how_it_is(
    stage: Any, table: Watched, containers: list[ContainerRow], health: str, glyph: str, state: str
) -> None:
    row = replace(containers[0], health=health)
    async with stage(table, prepare=lambda: table.show([row])).run_test(size=(100, 10)):
        assert line(table, 1).split()[:3] == [glyph, row.name, state]


async def test_what_a_check_last_said_is_not_told_of_one_that_ended(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    ended = next(row for row in containers if row.state == "stopped")
    async with stage(table, prepare=lambda: table.show([replace(ended, health="healthy")])).run_test(size=(100, 10)):
        assert line(table, 1).split()[:3] == ["■", ended.name, "stopped"]


async def test_ports_have_a_column_while_one_is_published(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show(containers)).run_test(size=(100, 12)):
        assert "PORTS" not in line(table, 0)
        table.show([replace(containers[0], ports=":8080→80"), *containers[1:]])
        assert "PORTS" in line(table, 0)
        assert ":8080→80" in line(table, 1)
        table.show(containers)
        assert "PORTS" not in line(table, 0)
