"""Everybody's turn comes, however much one asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.network.names.fair_queue import FairQueue

ITEMS = st.lists(st.tuples(st.sampled_from("abc"), st.integers()), max_size=60)


@given(ITEMS)
def test_each_gets_out_what_it_put_in_and_in_that_order(items: list[tuple[str, int]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(60, 60)
    assert all(queue.put(client, (client, number)) for client, number in items)
    taken = []
    while queue:
        taken.append(queue.take())
    for client in "abc":
        assert [each for each in taken if each[0] == client] == [each for each in items if each[0] == client]


@given(ITEMS)
def test_nobody_is_served_twice_while_another_one_waits(items: list[tuple[str, int]]) -> None:
    queue: FairQueue[str] = FairQueue(60, 60)
    waiting = dict.fromkeys("abc", 0)
    for client, _ in items:
        queue.put(client, client)
        waiting[client] += 1
    since = dict.fromkeys("abc", 0)  # how often others were served meanwhile
    while queue:
        served = queue.take()
        waiting[served] -= 1
        since = {client: 0 if client == served else since[client] + 1 for client in "abc"}
        assert all(since[client] <= 2 for client in "abc" if waiting[client])


def test_a_line_has_an_end_and_so_have_all_together() -> None:
    queue: FairQueue[int] = FairQueue(2, 3)
    assert [queue.put("a", 1), queue.put("a", 2), queue.put("a", 3)] == [True, True, False]
    assert [queue.put("b", 4), queue.put("c", 5)] == [True, False]
    assert [queue.take(), queue.take(), queue.take()] == [1, 4, 2]
    assert queue.put("c", 6)
