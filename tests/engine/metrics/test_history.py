"""Promises of the memory: every number of the last ten minutes at its place, and no room for what stands still."""

from __future__ import annotations

import math
from array import array

from hypothesis import given
from hypothesis import strategies as st

from engine.metrics.history import LENGTH, History


@given(
    st.lists(st.tuples(st.integers(1, 400), st.none() | st.integers(0, 1000)), max_size=60),
    st.integers(0, 700),
    st.integers(0, 1500),
)
def test_it_is_what_a_plain_list_would_be(rows: list[tuple[int, int | None]], start: int, length: int) -> None:
    history, expected, tick = History(2), list[float | None](), 0
    for lasting, value in rows:
        history.push(tick, array("f", [7, math.nan if value is None else value]))
        expected += [value] * lasting
        tick += lasting
    if not rows:
        expected = [None] * length
        tick = length
    remembered = range(max(0, tick - LENGTH), tick)
    assert history.column(1, remembered) == expected[remembered.start : remembered.stop]


def test_a_row_that_does_not_change_takes_no_room() -> None:
    history, row = History(5), array("f", [1, 2, 3, 4, 5])
    for tick in range(10 * LENGTH):
        history.push(tick, row)
    assert len(history._rows) == 5
    assert history.column(4, range(9 * LENGTH, 10 * LENGTH)) == [5.0] * LENGTH


def test_what_always_changes_takes_bounded_room() -> None:
    history = History(5)
    for tick in range(10 * LENGTH):
        history.push(tick, array("f", [tick] * 5))
    assert len(history._rows) * history._rows.itemsize < 15_000
    assert history.column(0, range(9 * LENGTH, 10 * LENGTH)) == list(range(9 * LENGTH, 10 * LENGTH))
