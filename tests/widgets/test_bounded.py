"""Regular expressions that take for ever do not stop anything."""

from __future__ import annotations

import asyncio
import re
from signal import ITIMER_VIRTUAL, getitimer

import pytest

from widgets import bounded
from widgets.bounded import Bounded
from widgets.matching import matcher
from widgets.query import parse

ENDLESS = ("(a+)+$", "(a|a)*$", "(.*a){25}$", "(a*)*b")
TEXT = "a" * 200 + "!"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "however_many_lines" not in request.node.name:
        monkeypatch.setattr(bounded, "MOST", 0.05)


@pytest.mark.parametrize("source", ENDLESS)
def test_an_endless_search_is_broken_off(source: str) -> None:
    pattern = Bounded(re.compile(source))
    assert not pattern.search(TEXT)
    assert pattern.slow
    assert pattern.spans("a") == []
    assert getitimer(ITIMER_VIRTUAL)[0] == 0


async def test_the_loop_goes_on_after_it() -> None:
    assert Bounded(re.compile("(a+)+$")).spans(TEXT) == []
    await asyncio.sleep(0)


def test_other_patterns_are_not_slow_however_many_lines_there_are() -> None:
    pattern = Bounded(re.compile(r"b\d+c"))
    assert sum(pattern.search(f"line b{n}c of a log") for n in range(20_000)) == 20_000
    assert not pattern.slow
    assert pattern.spans("b1c b2c") == [(0, 3), (4, 7)]


def test_a_filter_that_takes_too_long_is_true_of_nothing() -> None:
    for text in ("/(a+)+$/", "! /(a+)+$/"):
        query = parse(text)
        assert not query.slow
        assert not query.holds({"name": [TEXT]})
        assert query.slow
        assert not query.holds({"name": ["a"]})


def test_a_search_in_a_log_says_what_is_wrong_with_it() -> None:
    endless = matcher("!/(a+)+$/", inverse=True)
    assert not endless.matches(TEXT)
    assert "too long" in endless.wrong
    assert matcher("/a{99999999999999999999}/").wrong
