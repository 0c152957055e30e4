"""Processes and changed files as trees."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from widgets.branches import tree
from widgets.change_table import ChangedFile, ChangeTable, with_directories
from widgets.process_table import ProcessLine, ProcessTable


def process(pid: int, parent: int, **values: Any) -> ProcessLine:
    given: dict[str, Any] = {
        "user": "root", "state": "sleeping", "nice": 0, "threads": 1, "cpu": 0.0, "memory": 0, "time": 0.0,
        "command": f"p{pid}", "started": pid,
    }  # fmt: skip
    return ProcessLine(key=str(pid), pid=pid, inside=pid - 100, parent=parent, **(given | values))


FAMILY = [process(101, 1), process(102, 101, cpu=0.5), process(103, 102, memory=9 << 20), process(104, 101)]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20))
def test_everything_stands_in_a_tree_once_and_after_its_parent(parents: list[int]) -> None:
    above = {n + 1: min(parent, n) for n, parent in enumerate(parents)}  # 0 is nobody
    placed = [thing for thing, _ in tree(above, lambda n: n, above.__getitem__, ())]
    assert sorted(placed) == sorted(above)
    assert all(above[n] == 0 or placed.index(above[n]) < placed.index(n) for n in placed)


async def test_children_stand_below_their_parents_and_can_be_folded_away(stage: Any) -> None:
    table = ProcessTable()
    async with stage(table).run_test(size=(100, 12)) as pilot:
        table.show_processes(FAMILY)
        await pilot.pause()
        commands = [table.cell(row, "command").text for row in table.rows]
        assert commands == ["p101", "├─ p102", "│ └─ p103", "└─ p104"]
        table.focus()
        await pilot.press("down", "space")
        assert [table.cell(row, "command").text for row in table.rows] == ["p101", "├─ p102 (+1)", "└─ p104"]
        await pilot.press("space")
        assert len(table.rows) == 4


async def test_the_cursor_stays_on_its_process_as_others_come_and_go(stage: Any) -> None:
    table = ProcessTable()
    async with stage(table).run_test(size=(100, 12)) as pilot:
        table.show_processes(FAMILY)
        table.focus()
        await pilot.press("down", "down")
        assert table.cursor == "103"
        table.show_processes([process(100, 1), *FAMILY[:3]])
        assert table.cursor == "103"


async def test_keys_sort_and_pick_a_number(stage: Any) -> None:
    table = ProcessTable()
    async with stage(table).run_test(size=(100, 12)) as pilot:
        table.show_processes(FAMILY)
        table.focus()
        await pilot.press("C")
        assert table.rows[0].pid == 102
        assert table.cell(table.rows[0], "command").text == "p102"
        await pilot.press("M")
        assert table.rows[0].pid == 103
        await pilot.press("P", "T")
        assert table.sort_column == ""
        assert table.figure == "cpu"
        await pilot.press("right")
        assert table.figure == "memory"
        await pilot.press("left", "left")
        assert table.figure in ("threads", "nice")


def test_directories_on_the_way_are_added_and_tell_what_is_below() -> None:
    files = [ChangedFile("/a/b/c", "A", "-rw-r--r--", 5), ChangedFile("/a/d", "D", "-rw-r--r--", 9)]
    assert [(file.path, file.kind, file.size) for file in with_directories(files)] == [
        ("/a", "", 5), ("/a/b", "", 5), ("/a/b/c", "A", 5), ("/a/d", "D", 9),
    ]  # fmt: skip


async def test_changed_files_are_a_tree_or_a_list(stage: Any) -> None:
    table = ChangeTable()
    async with stage(table).run_test(size=(100, 12)) as pilot:
        table.show_files([ChangedFile("/a/b", "A", "-rw-r--r--", 5), ChangedFile("/a/c", "D", "-rw-r--r--", 9)])
        table.focus()
        assert [table.cell(row, "path").text for row in table.rows] == ["a/", "├─ b", "└─ c"]
        await pilot.press("space")
        assert [table.cell(row, "path").text for row in table.rows] == ["a/ (+2)"]
        await pilot.press("t")
        assert [table.cell(row, "path").text for row in table.rows] == ["/a/b", "/a/c"]
        assert [table.cell(row, "kind").text for row in table.rows] == ["added", "deleted"]
        await pilot.press("o")
        assert table.sort_column == "kind"
