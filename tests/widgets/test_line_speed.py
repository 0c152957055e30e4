"""What is known of the line to the terminal, and how much is put on it: promises by the clock of a made-up line."""

from __future__ import annotations

import pytest

from widgets.line_speed import BUDGET, BURST, DEAF, FAST_TIMES, LOST, LineSpeed


class Line:
    """Carries so many bytes a second, each for `latency` seconds; a frame of `size` is drawn when it may be."""

    def __init__(self, rate: float, latency: float = 0.01, forced: bool | None = None) -> None:
        self.rate, self.latency = rate, latency
        self.speed = LineSpeed(forced)
        self.now = 100.0
        self.sent = 0
        assert self.speed.ask(self.now)
        self.now += latency
        self.speed.answered(self.now)

    def frame(self, size: int) -> None:
        while (wait := self.speed.wait(self.now)) > 0:
            self.now += wait
        self.speed.drew(self.now, size)
        self.sent += size
        if self.speed.ask(self.now):
            self.now += self.latency + size / self.rate
            self.speed.answered(self.now)


def test_a_line_that_carries_little_is_slow_after_two_frames_and_not_after_one() -> None:
    line = Line(rate=10_000)
    line.frame(8000)
    assert not line.speed.slow
    line.frame(8000)
    assert line.speed.slow


def test_a_distant_line_that_carries_much_is_not_slow() -> None:
    line = Line(rate=1_000_000, latency=0.6)
    for _ in range(10):
        line.frame(8000)
    assert not line.speed.slow


def test_one_stall_makes_no_slow_line() -> None:
    line = Line(rate=1_000_000)
    line.frame(8000)
    line.rate = 1000
    line.frame(4000)
    line.rate = 1_000_000
    for _ in range(3):
        line.frame(8000)
    assert not line.speed.slow


def test_what_says_little_changes_nothing() -> None:
    line = Line(rate=1000)
    for _ in range(20):
        line.frame(BURST - 1)
    assert not line.speed.slow


def test_a_line_that_got_better_is_believed_after_some_frames_and_one_in_between_not() -> None:
    line = Line(rate=10_000)
    for _ in range(2):
        line.frame(8000)
    for rate in (1_000_000, 60_000, 20_000, 1_000_000):
        line.rate = rate
        line.frame(8000)
        assert line.speed.slow
    for _ in range(FAST_TIMES):
        line.frame(8000)
    assert not line.speed.slow


@pytest.mark.parametrize("size", [200, 4000, 12_000])
def test_a_slow_line_is_given_no_more_than_it_carries_at_most_one_frame_a_second(size: int) -> None:
    line = Line(rate=1_000_000, forced=True)
    began = line.now
    for _ in range(20):
        line.frame(size)
    assert (line.sent - size) / (line.now - began) <= min(BUDGET, size) * 1.01


def test_who_types_sees_it_sooner() -> None:
    line = Line(rate=1_000_000, forced=True)
    line.frame(12_000)
    assert line.speed.wait(line.now) > 2
    line.speed.touched(line.now)
    assert line.speed.wait(line.now) <= 0.25


def test_while_a_frame_is_under_way_no_other_is_drawn() -> None:
    line = Line(rate=1_000_000)
    line.speed.drew(line.now, 5000)
    assert line.speed.ask(line.now)
    assert line.speed.wait(line.now + 0.1) == 0
    assert line.speed.wait(line.now + 1) > 0
    assert not line.speed.ask(line.now + 1)
    line.speed.answered(line.now + 2)
    assert line.speed.wait(line.now + 2) == 0


def test_an_answer_that_never_comes_does_not_hold_it_up_for_ever() -> None:
    line = Line(rate=1_000_000)
    line.speed.drew(line.now, 5000)
    assert line.speed.ask(line.now)
    assert line.speed.wait(line.now + LOST) == 0
    assert line.speed.ask(line.now + LOST)
    line.speed.answered(line.now + LOST + 0.01)
    assert not line.speed.slow


def test_a_terminal_that_answers_nothing_is_not_waited_for_and_asked_no_more() -> None:
    speed = LineSpeed()
    asked = 0
    for now in range(100):
        speed.drew(now, 5000)
        assert speed.wait(now) == 0
        asked += speed.ask(now)
    assert asked == DEAF
    assert not speed.due


def test_an_echo_is_no_reason_to_ask() -> None:
    line = Line(rate=1_000_000)
    line.speed.drew(line.now, 30)
    assert not line.speed.ask(line.now)
