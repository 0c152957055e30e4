"""The launch chart as a user meets it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.widgets import Static

from widgets.launch_chart import Calls, LaunchChart, Receipt, span


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 200))
def test_every_call_that_was_made_has_a_bar_within_the_line_of_time(start: int, length: int, width: int) -> None:
    left, right = span(start, start + length, start + length + 5, width)
    assert 0 <= left < right <= width * 8


def text(chart: LaunchChart, name: str) -> str:
    return str(chart.query_one(name, Static).render())


async def test_the_heading_tells_total_executor_and_what_went_wrong(stage: Any, receipt: Receipt) -> None:
    chart = LaunchChart()
    async with stage(chart, prepare=lambda: chart.show(receipt)).run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        heading = text(chart, "#launch-heading")
        assert "14 calls in 1.90 ms" in heading
        assert "fast executor" in heading
        assert "1 failed" in heading
        assert "namespaces 825 µs" in heading


async def test_it_begins_at_the_call_that_failed_and_shows_it_in_full(stage: Any, receipt: Receipt) -> None:
    chart = LaunchChart()
    async with stage(chart, prepare=lambda: chart.show(receipt)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        call = text(chart, "#launch-call")
        assert 'execve(AT_FDCWD, "execve", MS_NOSUID|MS_NODEV|MS_NOEXEC) = ENOENT (this ended the launch)' in call
        await pilot.press("home")
        await pilot.pause()
        assert "its namespaces, and the process in them" in text(chart, "#launch-call")


async def test_the_longest_calls_can_be_put_first(stage: Any, receipt: Receipt) -> None:
    chart = LaunchChart()
    async with stage(chart, prepare=lambda: chart.show(receipt)).run_test(size=(80, 24)) as pilot:
        calls = chart.query_one(Calls)
        calls.focus()
        await pilot.press("o")
        shown = [next(w for w in calls.render_line(y).text.split() if w[0].isalpha()) for y in range(3)]
        assert shown == ["clone3", "pivot_root", "execve"]


@pytest.mark.parametrize("width", [60, 80, 132, 200])
async def test_every_line_fills_the_width_exactly(stage: Any, receipt: Receipt, width: int) -> None:
    chart = LaunchChart()
    async with stage(chart, prepare=lambda: chart.show(receipt)).run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        calls = chart.query_one(Calls)
        for y in range(len(receipt.calls)):
            assert cell_len(calls.render_line(y).text) == calls.size.width


async def test_without_a_launch_it_says_why(stage: Any) -> None:
    chart = LaunchChart()
    async with stage(chart, prepare=lambda: chart.show(None, "web has not been started yet.")).run_test() as pilot:
        await pilot.pause()
        assert text(chart, "#launch-heading") == "web has not been started yet."
        assert not chart.query_one(Calls).display


@pytest.mark.parametrize(
    ("size", "theme"), [((80, 24), "helios-dark"), ((80, 24), "helios-light"), ((200, 60), "helios-dark")]
)
def test_how_it_looks(snap_compare: Any, stage: Any, receipt: Receipt, size: tuple[int, int], theme: str) -> None:
    chart = LaunchChart()

    def prepare() -> None:
        chart.show(receipt)
        chart.query_one(Calls).focus()

    assert snap_compare(stage(chart, prepare=prepare, theme=theme), terminal_size=size)
