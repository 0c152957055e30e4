"""The scales of graphs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.graph_scale import round_step, scale, scale_to, time_step

SEEN = st.floats(1e-3, 1e15)
ROWS = st.integers(1, 80)


@given(SEEN, ROWS, st.booleans())
def test_nothing_that_was_seen_is_above_the_scale_which_ends_at_a_round_number(
    seen: float, rows: int, binary: bool
) -> None:
    found = scale(seen, rows, binary=binary)
    assert seen <= found.top * (1 + 1e-9)
    assert found.top / found.step == pytest.approx(round(found.top / found.step))
    assert found.top <= 4.1 * seen


@given(SEEN, ROWS, st.booleans())
def test_words_beside_the_scale_stand_apart_and_each_in_the_row_of_its_value(
    seen: float, rows: int, binary: bool
) -> None:
    found = scale(seen, rows, binary=binary)
    ticks = found.ticks(rows)
    places = sorted(ticks)
    assert all(0 <= row < rows for row in places)
    assert ticks[rows - 1] == 0
    assert all(later - earlier >= 2 for earlier, later in pairwise(places))
    for row, value in ticks.items():
        assert value == 0 or row == max(0, found.row(value, rows))


@given(SEEN, st.integers(2, 80))
def test_a_limit_is_in_the_middle_of_the_first_row(limit: float, rows: int) -> None:
    found = scale_to(limit, rows)
    assert found.row(limit, rows) == 0
    assert found.ticks(rows)[0] == limit


def test_the_least_upper_edge_keeps_noise_from_looking_like_work() -> None:
    assert scale(0.002, 10, least=0.1).top >= 0.1
    assert scale(0.0, 10).top > 0


def test_percent_end_at_a_hundred() -> None:
    assert scale(99.5, 10, most=100).top == 100
    assert scale(30, 10, most=100).top < 100


@pytest.mark.parametrize(
    ("least", "binary", "step"), [(0.43, False, 0.5), (3, False, 5), (700, True, 1024), (0, True, 1)]
)
def test_round_numbers_are_those_that_people_count_in(least: float, binary: bool, step: float) -> None:
    assert round_step(least, binary=binary) == step


@given(st.integers(20, 600), st.integers(10, 300))
def test_times_on_an_axis_have_room(seconds: int, cells: int) -> None:
    step = time_step(seconds, cells, 9)
    assert step == 600 or step * cells / seconds >= 9
