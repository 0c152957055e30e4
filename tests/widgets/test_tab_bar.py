"""The line of tabs as a user meets it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from widgets.tab_bar import Tab, TabBar

TABS = [
    Tab("", None, "Containers"),
    Tab("t1", 1, "vim notes.md"),
    Tab("t2", 2, "sh", "brave_otter", "output"),
    Tab("t3", 3, "~/src/heliostui/engine/terminal", mark="bell"),
]


def bar(active: str = "t1") -> TabBar:
    made = TabBar()
    made.styles.display, made.styles.height = "block", 1
    made.show(TABS, active)
    return made


async def test_each_tab_tells_its_number_its_name_where_it_is_and_what_happened(stage: Any) -> None:
    tabs = bar()
    async with stage(tabs).run_test(size=(120, 5)):
        line = tabs.render().plain
        assert "1 vim notes.md" in line
        assert "2 sh in brave_otter •" in line
        assert line.endswith("! ")


@pytest.mark.parametrize("width", [60, 70, 80, 200])
async def test_names_are_cut_so_that_all_tabs_fit(stage: Any, width: int) -> None:
    tabs = bar()
    async with stage(tabs).run_test(size=(width, 5)):
        line = tabs.render().plain
        assert cell_len(line) <= width
        assert all(f" {number} " in line for number in (1, 2, 3))


async def test_where_there_is_no_room_the_active_one_is_seen_in_any_case(stage: Any) -> None:
    tabs = bar("t3")
    async with stage(tabs).run_test(size=(20, 5)):
        assert "3 ~/src" in tabs.render().plain[:20]


async def test_a_click_chooses_a_tab(stage: Any) -> None:
    tabs = bar()

    class Listening(stage):  # type: ignore[misc]
        def on_tab_bar_chosen(self, event: TabBar.Chosen) -> None:
            self.heard.append(event.key)

    app = Listening(tabs)
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.click("TabBar", offset=(tabs.render().plain.index("2 sh"), 0))
        await pilot.pause()
        assert app.heard == ["t2"]
