"""Signals as people write them."""

import os
import re
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.containers import signals
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode


@pytest.mark.parametrize("text", ["TERM", "SIGTERM", "term", "sigterm", "15", " 15 "])
def test_a_signal_has_many_spellings(text: str) -> None:
    assert signals.number(text) == signal.SIGTERM


def test_real_time_signals_are_counted_from_either_end() -> None:
    assert signals.number("RTMIN+3") == signal.SIGRTMIN + 3
    assert signals.number("SIGRTMAX-1") == signal.SIGRTMAX - 1
    assert signals.number("RTMIN") == signal.SIGRTMIN


@given(st.text().filter(lambda text: not re.fullmatch(r"\s*((?i:sig)?[a-zA-Z]+\d*([+-]\d+)?|\d+)\s*", text)))
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(EngineError) as refused:
        signals.number(text)
    assert refused.value.code == ErrorCode.INVALID
    assert len(refused.value.message) < 250


@given(st.sampled_from(sorted(signal.valid_signals())))
def test_every_signal_has_a_name_that_means_it(number: int) -> None:
    assert signals.number(signals.name(number)) == number


@given(st.integers(0, 255))
def test_exit_codes_are_those_of_wait(code: int) -> None:
    assert signals.exit_code(code << 8) == os.waitstatus_to_exitcode(code << 8) == code


@given(st.integers(1, 64), st.booleans())
def test_death_by_a_signal_is_128_and_its_number(number: int, dumped: bool) -> None:
    assert signals.exit_code(number | (0x80 if dumped else 0)) == 128 + number
