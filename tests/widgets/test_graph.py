"""A graph as a user meets it."""

from __future__ import annotations

from math import sin
from typing import Any

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from widgets.curve import Curve
from widgets.graph import GUTTER, Graph, Mark

START = 1_741_089_600.0  # 2025-03-04 12:00:00 UTC, a quarter of any picture begins then


pytestmark = pytest.mark.usefixtures("utc")


def curve(*values: float | None, until: float = START + 10) -> Curve:
    """One value a second, the last at `until`."""
    first = until - len(values) + 1
    return Curve((first + n, value) for n, value in enumerate(values))


def cores(value: float) -> str:
    return f"{value:.2f}"


def plot(graph: Graph) -> list[str]:
    return [graph.render_line(y).text[GUTTER:] for y in range(1, graph.size.height - 1)]


async def test_the_limit_is_a_line_in_the_first_row_and_the_curve_stays_below(stage: Any) -> None:
    graph = Graph(cores)
    values, limit = curve(*[0.25] * 60), curve(*[0.5] * 60)
    async with stage(graph, prepare=lambda: graph.show(values, limit)).run_test(size=(60, 12)):
        rows = plot(graph)
        assert "╌" in rows[0]
        assert not set("".join(rows[1:])) & {"╌"}
        assert graph.render_line(1).text.startswith("    0.50 ")
        assert graph.render_line(10).text.startswith("       0 ")
        filled = sum("█" in row for row in rows)
        assert filled in (4, 5)  # half of ten rows


async def test_a_limit_far_above_leaves_the_curve_its_room(stage: Any) -> None:
    graph = Graph(cores)
    async with stage(graph, prepare=lambda: graph.show(curve(*[0.01] * 60), curve(*[8.0] * 60))).run_test(
        size=(60, 12)
    ):
        assert "╌" not in "".join(plot(graph))
        assert graph.render_line(1).text.strip().startswith("0.02")


async def test_a_change_of_the_limit_is_marked_with_what_it_became(stage: Any) -> None:
    graph = Graph(cores)

    def prepare() -> None:
        graph.show(curve(*[0.4] * 60), curve(*[1.0] * 30, *[0.5] * 30))
        graph.advance([Mark(START - 20, "0.50")])

    async with stage(graph, prepare=prepare).run_test(size=(100, 12)):
        axis = graph.render_line(11).text
        assert "▲0.50" in axis
        column = axis.index("▲")
        assert graph.render_line(2).text[column] == "┊"


async def test_nothing_is_drawn_where_nothing_was_measured(stage: Any) -> None:
    graph = Graph(cores)
    values = curve(0.5, 0.5, None, None, None, None, None, None, None, None, 0.0)
    async with stage(graph, prepare=lambda: graph.show(values, Curve())).run_test(size=(130, 8)):
        last = plot(graph)[-1].rstrip()
        assert last.endswith("▁")  # none used is something else than not known
        assert "  " in last.strip()


async def test_the_picture_stands_still_and_only_cells_that_differ_are_drawn(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, values = Graph(cores), curve(*[0.5] * 60)
    graph.seconds = 120
    async with stage(graph, prepare=lambda: graph.show(values, Curve())).run_test(size=(130, 12)):
        drawn: list[Region] = []
        monkeypatch.setattr(graph, "refresh", lambda *regions, **_: drawn.extend(regions or [graph.region]))
        values.add(START + 11, 0.5)
        graph.advance()
        assert 0 < len(drawn) <= 12
        assert all(region.size == (1, 1) for region in drawn)
        drawn.clear()
        values.add(START + 31, 0.5)  # the next quarter
        graph.advance()
        assert drawn == [graph.region]


async def test_what_is_above_the_scale_makes_a_new_one(stage: Any) -> None:
    graph, values = Graph(cores), curve(*[0.4] * 60)
    async with stage(graph, prepare=lambda: graph.show(values, Curve())).run_test(size=(130, 12)):
        assert graph.render_line(1).text.strip().startswith("0.50")
        values.add(START + 11, 1.7)
        graph.advance()
        assert graph.render_line(1).text.strip().startswith("2.00")


@pytest.mark.parametrize("width", [20, 61, 200])
async def test_every_line_fills_the_width_exactly(stage: Any, width: int) -> None:
    graph = Graph(cores)

    def prepare() -> None:
        graph.head(("CPU ", "graph--title"), ("a great many words " * 20, "graph--muted"))
        graph.show(curve(*(abs(sin(n / 9)) for n in range(200))), curve(*[0.7] * 200))
        graph.advance([Mark(START, "0.70")])

    async with stage(graph, prepare=prepare).run_test(size=(width, 12)):
        assert {cell_len(graph.render_line(y).text) for y in range(12)} == {width}


@pytest.mark.parametrize(("theme", "fine"), [("helios-dark", False), ("helios-light", False), ("helios-dark", True)])
def test_how_it_looks(snap_compare: Any, stage: Any, theme: str, fine: bool) -> None:
    graph = Graph(cores)

    def prepare() -> None:
        graph.fine = fine
        values = [0.45 + 0.4 * sin(n / 9) * sin(n / 4) if n < 75 else 0.5 for n in range(100)]
        graph.show(curve(*values), curve(*[1.0] * 75, *[0.5] * 25))
        graph.head(("CPU  ", "graph--title"), ("0.50 cores", "graph--text"), ("  0.31 held back", "graph--limit"))
        graph.advance([Mark(START - 14, "0.50")])

    assert snap_compare(stage(graph, prepare=prepare, theme=theme), terminal_size=(80, 14))
