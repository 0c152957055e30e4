"""A graph as a user meets it."""

from __future__ import annotations

from dataclasses import replace
from math import sin
from typing import Any

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from widgets.curve import Curve
from widgets.graph import GUTTER, Graph, Line, Mark, Units, View

START = 1_741_089_600.0  # 2025-03-04 12:00:00 UTC, a quarter of any picture begins then
NOW = View(START + 10, fine=False)
CORES = Units(lambda value: f"{value:.2f}")


pytestmark = pytest.mark.usefixtures("utc")


def curve(*values: float | None, until: float = START + 10) -> Curve:
    """One value a second, the last at `until`."""
    first = until - len(values) + 1
    return Curve((first + n, value) for n, value in enumerate(values))


def plot(graph: Graph) -> list[str]:
    return [graph.render_line(y).text[GUTTER:] for y in range(1, graph.size.height - 1)]


def shown(
    graph: Graph, *lines: Line, view: View = NOW, marks: tuple[Mark, ...] = (), held: Curve | None = None
) -> None:
    graph.show(lines, CORES, held=held)
    graph.advance(view, marks)


async def test_the_limit_is_a_line_in_the_first_row_and_the_curve_stays_below(stage: Any) -> None:
    graph = Graph()
    line = Line(curve(*[0.25] * 60), limit=curve(*[0.5] * 60))
    async with stage(graph, prepare=lambda: shown(graph, line)).run_test(size=(60, 12)):
        rows = plot(graph)
        assert "╌" in rows[0]
        assert not set("".join(rows[1:])) & {"╌"}
        assert graph.render_line(1).text.startswith("     0.50 ")
        assert graph.render_line(10).text.startswith("        0 ")
        filled = sum("█" in row for row in rows)
        assert filled in (4, 5)  # half of ten rows


async def test_a_limit_far_above_leaves_the_curve_its_room(stage: Any) -> None:
    graph = Graph()
    line = Line(curve(*[0.01] * 60), limit=curve(*[8.0] * 60))
    async with stage(graph, prepare=lambda: shown(graph, line)).run_test(size=(60, 12)):
        assert "╌" not in "".join(plot(graph))
        assert graph.render_line(1).text.split()[0] in ("0.01", "0.02")


async def test_a_change_of_the_limit_is_marked_with_what_it_became(stage: Any) -> None:
    graph = Graph()
    line = Line(curve(*[0.4] * 60), limit=curve(*[1.0] * 30, *[0.5] * 30))
    marks = (Mark(START - 20, "0.50"), Mark(START - 17, "0.40"))
    async with stage(graph, prepare=lambda: shown(graph, line, marks=marks)).run_test(size=(100, 12)):
        axis = graph.render_line(11).text
        column = axis.index("▲")
        assert axis[column + 1] == " "  # there is no room for its words before the next one
        assert "▲0.40" in axis
        assert graph.render_line(2).text[column] == "┊"


async def test_nothing_is_drawn_where_nothing_was_measured(stage: Any) -> None:
    graph = Graph()
    values = curve(0.5, 0.5, None, None, None, None, None, None, None, None, 0.0)
    async with stage(graph, prepare=lambda: shown(graph, Line(values))).run_test(size=(130, 8)):
        last = plot(graph)[-1].rstrip()
        assert last.endswith("▁")  # none used is something else than not known
        assert "  " in last.strip()


async def test_a_line_has_a_gap_where_nothing_was_measured(stage: Any) -> None:
    graph = Graph()
    lines = Line(curve(*[0.5] * 20, *[None] * 20, *[0.5] * 20)), Line(curve(*[None] * 60), "graph--line-1")
    async with stage(graph, prepare=lambda: shown(graph, *lines, view=replace(NOW, fine=True))).run_test(size=(130, 8)):
        dots = [row for row in plot(graph) if any(0x2800 < ord(character) < 0x2900 for character in row)]
        assert len(dots) == 1
        drawn = [0x2800 < ord(character) < 0x2900 for character in dots[0]]
        first, last = drawn.index(True), len(drawn) - drawn[::-1].index(True)
        assert not all(drawn[first:last])
        assert sum(drawn[first:last]) < 0.8 * (last - first)


async def test_several_curves_are_lines_in_their_own_colours(stage: Any) -> None:
    graph = Graph()
    lines = [Line(curve(*[0.2 + 0.3 * n] * 60), f"graph--line-{n}") for n in range(3)]
    for fine in (True, False):
        view = replace(NOW, fine=fine)
        async with stage(graph := Graph(), prepare=lambda: shown(graph, *lines, view=view)).run_test(size=(80, 14)):  # noqa: B023
            colours = {
                segment.style.color
                for y in range(1, 13)
                for segment in graph.render_line(y)
                if segment.style and set(segment.text) & set("▀▄█") | {c for c in segment.text if "⠀" < c <= "⣿"}
            }
            assert len(colours) == 3


async def test_times_at_the_limit_have_another_ground(stage: Any) -> None:
    graph = Graph()
    line, held = Line(curve(*[0.5] * 60)), curve(*[0.0] * 30, *[80.0] * 30)
    async with stage(graph, prepare=lambda: shown(graph, line, held=held)).run_test(size=(130, 8)):
        grounds = {segment.style.bgcolor for segment in graph.render_line(1) if segment.style}
        assert len(grounds) == 2


async def test_the_cursor_marks_one_column_and_costs_no_more_than_two(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Graph()
    async with stage(graph, prepare=lambda: shown(graph, Line(curve(*[0.5] * 60)))).run_test(size=(130, 12)):
        graph.cursor = START
        drawn: list[Region] = []
        monkeypatch.setattr(graph, "refresh", lambda *regions, **_: drawn.extend(regions or [graph.region]))
        graph.cursor = START + 5
        assert len({region.x for region in drawn}) == 2
        assert all(region.size == (1, 1) for region in drawn)
        assert graph.time_at(GUTTER) == pytest.approx(graph.span[0] + graph.cell_seconds / 2)


async def test_the_picture_stands_still_and_only_cells_that_differ_are_drawn(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, values = Graph(), curve(*[0.5] * 60)
    async with stage(graph, prepare=lambda: shown(graph, Line(values))).run_test(size=(130, 12)):
        drawn: list[Region] = []
        monkeypatch.setattr(graph, "refresh", lambda *regions, **_: drawn.extend(regions or [graph.region]))
        values.add(START + 11, 0.5)
        graph.advance(replace(NOW, now=START + 11))
        assert 0 < len(drawn) <= 12
        assert all(region.size == (1, 1) for region in drawn)
        drawn.clear()
        values.add(START + 31, 0.5)  # the next quarter
        graph.advance(replace(NOW, now=START + 31))
        cells = sum(region.area for region in drawn)
        assert 0 < cells < graph.size.area / 2  # what is the same as before is not sent


async def test_what_is_above_the_scale_makes_a_new_one(stage: Any) -> None:
    graph, values = Graph(), curve(*[0.4] * 60)
    async with stage(graph, prepare=lambda: shown(graph, Line(values))).run_test(size=(130, 12)):
        assert float(graph.render_line(1).text.split()[0]) < 1
        values.add(START + 11, 1.7)
        graph.advance(replace(NOW, now=START + 11))
        assert 1.7 <= float(graph.render_line(1).text.split()[0]) <= 2.5


async def test_one_looks_back_at_what_was(stage: Any) -> None:
    graph, values = Graph(), curve(*[0.4] * 200, *[0.0] * 100)
    async with stage(graph, prepare=lambda: shown(graph, Line(values))).run_test(size=(130, 12)):
        graph.advance(replace(NOW, end=START - 90))
        assert graph.span == (START - 210, START - 90)
        assert plot(graph)[-1].strip("█ ") == ""


async def test_a_large_one_tells_its_value_three_lines_high(stage: Any) -> None:
    graph = Graph()

    def prepare() -> None:
        shown(graph, Line(curve(*[0.5] * 60)), view=replace(NOW, large=True))
        graph.head(("CPU", "graph--title"), ("0.50 cores", "graph--text"), big=("0.50", "graph--title"))

    async with stage(graph, prepare=prepare).run_test(size=(80, 16)):
        lines = [graph.render_line(y).text for y in range(3)]
        assert lines[0].startswith(" ┏━┓ ┏━╸┏━┓")
        assert "CPU" in lines[1]
        assert "0.50 cores" in lines[2]


@pytest.mark.parametrize("width", [20, 61, 200])
async def test_every_line_fills_the_width_exactly(stage: Any, width: int) -> None:
    graph = Graph()

    def prepare() -> None:
        graph.head(("CPU ", "graph--title"), ("a great many words " * 20, "graph--muted"))
        line = Line(curve(*(abs(sin(n / 9)) for n in range(200))), limit=curve(*[0.7] * 200))
        shown(graph, line, marks=(Mark(START, "0.70"),))

    async with stage(graph, prepare=prepare).run_test(size=(width, 12)):
        assert {cell_len(graph.render_line(y).text) for y in range(12)} == {width}


@pytest.mark.parametrize(("theme", "fine"), [("helios-dark", False), ("helios-light", True)])
def test_how_it_looks(snap_compare: Any, stage: Any, theme: str, fine: bool) -> None:
    graph = Graph()

    def prepare() -> None:
        values = [0.45 + 0.4 * sin(n / 9) * sin(n / 4) if n < 75 else 0.5 for n in range(100)]
        line = Line(curve(*values), limit=curve(*[1.0] * 75, *[0.5] * 25))
        held = curve(*[0.0] * 78, *[60.0] * 22)
        shown(graph, line, view=replace(NOW, fine=fine), marks=(Mark(START - 14, "0.50"),), held=held)
        graph.head(("CPU  ", "graph--title"), ("0.50 cores", "graph--text"), ("  0.31 held back", "graph--limit"))
        graph.cursor = START - 30

    assert snap_compare(stage(graph, prepare=prepare, theme=theme), terminal_size=(80, 14))


def test_how_several_look(snap_compare: Any, stage: Any) -> None:
    graph = Graph()

    def prepare() -> None:
        lines = [
            Line(curve(*(0.5 + 0.4 * sin(n / (5 + place)) for n in range(100))), f"graph--line-{place}")
            for place in range(3)
        ]
        shown(graph, *lines, view=replace(NOW, fine=True))
        graph.head(("CPU  ", "graph--title"), *((f"{n}  ", f"graph--line-{n}") for n in range(3)))

    assert snap_compare(stage(graph, prepare=prepare), terminal_size=(80, 14))
