"""The container table as a user meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.strip import Strip

from widgets.container_table import CALM, ContainerRow, ContainerTable, Host, Numbers


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


# --- what each uses ---


def used(cpu: float, memory: float, cpu_limit: float | None = None, memory_limit: float | None = None) -> Numbers:
    return Numbers(cpu, cpu_limit, memory, memory_limit)


async def test_what_is_used_is_told_beside_a_line_that_stands_still(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    first = containers[0].key
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)) as pilot:
        for second in range(0, 8, 2):
            table.measure(second, {first: used(0.123, 50 * 2**20)})
        before = line(table, 1)
        assert "12.3%" in before
        assert "50 MiB" in before
        await pilot.pause()
        table.drawn.clear()
        table.measure(8, {first: used(0.123, 50 * 2**20)})
        await pilot.pause()
        after = line(table, 1)
        assert sum(old != new for old, new in zip(before, after, strict=True)) <= 2
        assert set(table.drawn) == {1}


async def test_a_number_near_its_limit_looks_otherwise_and_one_at_it_too(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    keys = [row.key for row in containers[:3]]
    numbers = [used(0.5, 10, cpu_limit=1.0), used(0.8, 10, cpu_limit=1.0), used(1.0, 10, cpu_limit=1.0)]
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)):
        table.measure(1, dict(zip(keys, numbers, strict=True)))
        styles = [table.cell(row, "cpu").parts[-1][1] for row in containers[:3]]
        assert styles == ["usage--number", "usage--near", "usage--at"]


async def test_one_that_ended_uses_nothing(stage: Any, table: Watched, containers: list[ContainerRow]) -> None:
    first = containers[0]
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)):
        table.measure(1, {first.key: used(0.5, 2**30)})
        assert "1.0 GiB" in line(table, 1)
        table.show_containers([replace(first, state="exited", exit_code=0), *containers[1:]])
        assert "GiB" not in line(table, 1)


async def test_an_order_by_live_numbers_is_calm_and_the_cursor_stays_on_its_container(
    stage: Any, containers: list[ContainerRow]
) -> None:
    keys = [row.key for row in containers[:3]]
    clock = [100.0]
    table = Watched(clock=lambda: clock[0])
    table.drawn = []
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)) as pilot:
        table.measure(1, dict(zip(keys, [used(0.1, 1), used(0.2, 1), used(0.3, 1)], strict=True)))
        table.sort_by("cpu")
        await pilot.pause()
        assert [row.key for row in table.rows][:3] == keys[::-1]
        table.cursor = keys[0]
        clock[0] += 1
        for second in range(2, 20, 2):
            table.measure(second, dict(zip(keys, [used(0.9, 1), used(0.2, 1), used(0.3, 1)], strict=True)))
        assert [row.key for row in table.rows][:3] == keys[::-1]
        clock[0] += CALM
        table.measure(20, {})
        assert [row.key for row in table.rows][:3] == [keys[0], keys[2], keys[1]]
        assert table.cursor == keys[0]


async def test_five_hundred_rows_are_filtered_by_the_language(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    many = [
        replace(
            containers[0], key=f"{n:012x}", name=f"c{n}", labels=(f"tier={n % 2}",), networks=("edge",) * (n % 3 == 0)
        )
        for n in range(500)
    ]
    async with stage(table, prepare=lambda: table.show_containers(many)).run_test():
        table.filter = "label:tier=1 network:edge !name:/7$/"
        assert [row.name for row in table.rows] == [f"c{n}" for n in range(500) if n % 6 == 3 and n % 10 != 7]


# --- hosts ---


@pytest.fixture
def hosts(containers: list[ContainerRow]) -> tuple[list[ContainerRow], list[Host]]:
    """The same containers on two machines, and a third that is away."""
    rows = [replace(row, host="one" if n < 5 else "two") for n, row in enumerate(containers)]
    away = Host("three", "far away", "reconnecting", connected=False)
    return rows, [Host("one", "one", "connected"), Host("two", "two", "connected", role="read-only"), away]


async def test_containers_of_several_hosts_stand_under_their_names(
    stage: Any, table: Watched, hosts: tuple[list[ContainerRow], list[Host]]
) -> None:
    async with stage(table, prepare=lambda: table.show_containers(*hosts)).run_test(size=(100, 16)):
        assert line(table, 1).split() == "▾ one connected 3 of 5 running".split()
        assert line(table, 7).split() == "▾ two connected read-only 0 of 3 running".split()
        assert line(table, 11).split() == "▾ far away reconnecting no containers".split()
        table.show_containers(hosts[0], hosts[1][:1])
        assert "brave_otter" in line(table, 1)


async def test_a_host_is_folded_by_key_and_by_mouse(
    stage: Any, table: Watched, hosts: tuple[list[ContainerRow], list[Host]]
) -> None:
    async with stage(table, prepare=lambda: table.show_containers(*hosts)).run_test(size=(100, 16)) as pilot:
        await pilot.press("home", "enter")
        assert line(table, 1).startswith("▸ one")
        assert line(table, 2).startswith("▾ two")
        await pilot.press("enter")
        assert "brave_otter" in line(table, 2)
        await pilot.click(ContainerTable, offset=(4, 7))
        assert line(table, 7).startswith("▸ two")
        assert table.selected is None


async def test_order_and_filter_work_within_each_host(
    stage: Any, table: Watched, hosts: tuple[list[ContainerRow], list[Host]]
) -> None:
    async with stage(table, prepare=lambda: table.show_containers(*hosts)).run_test(size=(100, 16)):
        table.sort_by("name")
        table.filter = "host:two"
        assert line(table, 1).startswith("▾ one")
        assert line(table, 2).startswith("▾ two")
        assert [line(table, y).split()[1] for y in (3, 4, 5)] == ["db", "flappy", "fresh_pine"]


# --- marks ---


async def test_a_click_in_front_of_a_row_marks_it_and_so_does_one_with_ctrl(
    stage: Any, table: Watched, containers: list[ContainerRow]
) -> None:
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)) as pilot:
        await pilot.click(ContainerTable, offset=(0, 2))
        await pilot.click(ContainerTable, offset=(9, 4), control=True)
        assert table.marked == [containers[1].key, containers[3].key]
        assert line(table, 2).startswith("▌")
        assert table.cursor == containers[0].key


async def test_a_mark_goes_with_its_row(stage: Any, table: Watched, containers: list[ContainerRow]) -> None:
    async with stage(table, prepare=lambda: table.show_containers(containers)).run_test(size=(100, 12)):
        table.set_marks(row.key for row in containers[:2])
        table.show_containers(containers[1:])
        assert table.marked == [containers[1].key]
