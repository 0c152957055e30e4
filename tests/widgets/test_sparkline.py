"""Lines of cells that stand still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.natural_order import natural
from widgets.sparkline import KEPT, Trace, glyph, top_of


def drawn(trace: Trace, width: int, now: int) -> str:
    return "".join(glyph(value, 8.0) for value in trace.ring(width, now))


def test_a_new_value_takes_the_place_of_the_oldest_and_a_gap_follows_it() -> None:
    trace = Trace()
    for cell in range(5):
        trace.add(cell, cell + 1.0)
    assert drawn(trace, 5, 4) == " ▂▃▄▅"
    trace.add(5, 8.0)
    assert drawn(trace, 5, 5) == "█ ▃▄▅"


@given(st.lists(st.floats(0, 8), min_size=2, max_size=100), st.integers(2, KEPT))
def test_one_value_more_changes_two_cells_at_most(values: list[float], width: int) -> None:
    trace = Trace()
    for cell, value in enumerate(values[:-1]):
        trace.add(cell, value)
    before = trace.ring(width, len(values) - 2)
    trace.add(len(values) - 1, values[-1])
    after = trace.ring(width, len(values) - 1)
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 2


def test_a_cell_shows_the_largest_of_its_time() -> None:
    trace = Trace()
    for value in (2.0, 7.0, 3.0):
        trace.add(0, value)
    assert trace.ring(4, 0) == [7.0, None, None, None]
    assert trace.value == 3.0


def test_where_nothing_was_measured_nothing_is_drawn() -> None:
    trace = Trace()
    trace.add(0, 4.0)
    trace.add(3, 5.0)
    assert trace.ring(6, 4) == [4.0, None, None, 5.0, None, None]
    trace.add(3 + 10 * KEPT, 6.0)
    assert [value for value in trace.ring(KEPT, trace.last) if value is not None] == [6.0]


def test_a_value_that_comes_late_is_ignored() -> None:
    trace = Trace()
    trace.add(7, 1.0)
    trace.add(3, 9.0)
    assert trace.recent(8) == 1.0


def test_the_upper_edge_is_the_limit_or_the_next_power_of_two() -> None:
    assert top_of([0.3, None], 1.0, None) == 1.0
    assert top_of([3.0], 1.0, None) == 4.0
    assert top_of([3.0], 1.0, 0.5) == 0.5
    assert glyph(99.0, 0.5) == "█"
    assert glyph(0.0, 1.0) == glyph(0.1, 1.0) == "▁"


def test_names_are_in_the_order_that_people_expect() -> None:
    names = ["front-10", "Front-2", "front-1", "back", "front", "10", "9", "front-2b"]
    assert sorted(names, key=natural) == ["9", "10", "back", "front", "front-1", "Front-2", "front-2b", "front-10"]


@given(st.lists(st.text()))
def test_any_names_have_an_order(names: list[str]) -> None:
    backwards = list(reversed(names))
    assert sorted(names, key=natural) == sorted(backwards, key=natural)
