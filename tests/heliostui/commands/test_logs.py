"""`heliostui logs --timestamps`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.messages import LogRecord
from heliostui.commands.logs import Stamps, line_count

START = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
STAMP = re.compile(rb"2026-05-04T12:\d\d:\d\d\.000000000Z ")


def stamped(*pieces: bytes) -> bytes:
    stamps = Stamps()
    return b"".join(
        stamps.put(LogRecord(stream="stdout", time=START + timedelta(seconds=i), data=piece))
        for i, piece in enumerate(pieces)
    )


def test_a_line_has_the_time_of_its_first_byte() -> None:
    assert stamped(b"on", b"e\ntwo\n") == b"2026-05-04T12:30:00.000000000Z one\n2026-05-04T12:30:01.000000000Z two\n"


def test_an_empty_line_has_a_time_too() -> None:
    assert stamped(b"\n\n") == b"2026-05-04T12:30:00.000000000Z \n" * 2


@given(st.lists(st.text("a\n", max_size=6).map(str.encode), max_size=8))
def test_each_line_has_one_time_and_keeps_its_bytes(pieces: list[bytes]) -> None:
    output, text = stamped(*pieces), b"".join(pieces)
    assert STAMP.sub(b"", output) == text
    assert all(len(STAMP.findall(line)) == 1 and STAMP.match(line) for line in output.split(b"\n") if line)
    assert len(STAMP.findall(output)) == text.count(b"\n") + (not text.endswith(b"\n") and bool(text))


def test_the_number_of_lines_is_a_number_or_all() -> None:
    assert (line_count("all"), line_count("0"), line_count("12")) == (None, 0, 12)


@pytest.mark.parametrize("text", ["", "-1", "ten", "1.5", "9" * 30])
def test_another_number_of_lines_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number of lines"):
        line_count(text)
