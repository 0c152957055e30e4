"""What graphs are computed from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.curve import HOLD, KEPT, MOST, Curve

VALUES = st.none() | st.floats(0, 1e12)


@given(st.lists(st.tuples(st.floats(0, 2000), VALUES)))
def test_values_are_in_the_order_of_time_and_no_older_than_is_kept(samples: list[tuple[float, float | None]]) -> None:
    curve = Curve(samples)
    assert list(curve._times) == sorted(set(curve._times))
    assert not curve._times or curve._times[-1] - curve._times[0] <= 2 * KEPT


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=50), st.integers(0, 50), st.integers(1, 20))
def test_a_column_shows_the_largest_of_its_values(values: list[float], since: int, length: int) -> None:
    curve = Curve(enumerate(values))
    inside = values[since : since + length]
    if inside:
        assert curve.largest(since, since + length) == max(inside)


def test_a_value_stands_until_the_next_but_not_for_ever() -> None:
    curve = Curve([(100, 5.0), (101, None)])
    assert curve.largest(100.4, 100.6) == 5.0
    assert curve.largest(101.4, 101.6) is None
    late = Curve([(100, 5.0)])
    assert late.largest(100 + HOLD - 0.1, 103) == 5.0
    assert late.largest(100 + HOLD, 103) is None


def test_a_clock_that_is_set_back_takes_what_was_later_with_it() -> None:
    curve = Curve((time, 1.0) for time in range(5000, 5100))
    curve.add(5098, 2.0)
    assert curve.last == (5099, 1.0)
    curve.add(5050.5, 2.0)
    curve.add(5051.5, 3.0)
    assert curve.values(5049) == [1.0, 1.0, 2.0, 3.0]


def test_what_was_measured_meanwhile_is_put_in_where_nothing_is_known() -> None:
    curve = Curve([(10, 1.0), (11, 2.0), (15, 3.0)])
    curve.fill([(8, 5.0), (9, None), (10.3, 9.0), (12, 6.0), (13, 7.0), (14.9, 9.0)])
    assert [curve.largest(time, time + 1) for time in (8, 9, 10, 11, 12, 13)] == [5.0, None, 1.0, 2.0, 6.0, 7.0]
    assert curve.last == (15, 3.0)


def test_the_changes_of_a_limit_are_found() -> None:
    limit = Curve([(1, None), (2, None), (3, 0.5), (4, 0.5), (5, 1.0)])
    assert limit.steps(0) == [(3, None, 0.5), (5, 0.5, 1.0)]
    assert limit.steps(4) == [(5, 0.5, 1.0)]
    assert not Curve([(1, 0.6000000238418579), (2, 0.6)]).steps(0)


def test_the_value_at_a_time_is_the_last_before_it_unless_that_is_long_ago() -> None:
    curve = Curve([(100, 5.0), (101, 6.0), (102, None)])
    assert [curve.at(time) for time in (99, 100, 100.9, 101, 102.5)] == [None, 5.0, 5.0, 6.0, None]
    assert Curve([(100, 5.0)]).at(100 + HOLD) is None


@given(st.integers(1, 3 * MOST))
def test_an_hour_of_values_is_kept_and_never_more_than_so_many(count: int) -> None:
    curve = Curve((0.1 * n, 1.0) for n in range(count))
    assert len(curve) <= 2 * MOST
    assert curve.last == (pytest.approx(0.1 * (count - 1)), 1.0)
    assert len(curve) == count or len(curve) >= MOST
