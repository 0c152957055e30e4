"""Promises of `engine.terminal.reports`: heliosh's words are taken out of a stream, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.terminal import Reports
from engine.terminal.reports import LONGEST

START, END = b"\x1b]7717;heliosh;", b"\x1b\\"
pieces = st.one_of(
    st.sampled_from([START, END, START + b'{"v":1}' + END, START[:7], START[7:], b"\x1b", b"\x1b[3", b"1m", b"\x07"]),
    st.binary(max_size=10),
)


def test_a_report_is_taken_out_wherever_it_stands() -> None:
    reports = Reports()
    stream = b"before \x1b[3" + START + b'{"v":1}' + END + b"1mred" + START + b"[]" + END
    assert reports.taken_out(stream) == (b"before \x1b[31mred", [b'{"v":1}', b"[]"])
    assert reports.held == b""


@given(st.lists(pieces, max_size=15).map(b"".join), st.data())
def test_how_the_stream_is_cut_makes_no_difference(stream: bytes, data: st.DataObject) -> None:
    whole, cut = Reports(), Reports()
    shown, found = whole.taken_out(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    parts = [cut.taken_out(stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert b"".join(part for part, _ in parts) == shown
    assert [report for _, each in parts for report in each] == found
    assert cut.held == whole.held


@given(st.lists(st.binary(max_size=20), max_size=10).filter(lambda chunks: START not in b"".join(chunks)))
def test_without_reports_the_stream_passes_whole(chunks: list[bytes]) -> None:
    reports = Reports()
    shown = b"".join(reports.taken_out(chunk)[0] for chunk in chunks)
    assert shown + reports.held == b"".join(chunks)


@pytest.mark.parametrize("rest", [b"\r\n$ ", b"\x1b[m$ ", b"\xc3\xa9", b"\x1b\x1b"], ids=repr)
def test_a_report_that_was_cut_short_takes_nothing_with_it(rest: bytes) -> None:
    reports = Reports()
    report = START + b'{"v":1}' + END
    assert reports.taken_out(b"x" + START + b'{"v":' + rest + b"y" + report) == (b"x" + rest + b"y", [b'{"v":1}'])


def test_what_is_too_long_for_a_report_passes() -> None:
    reports = Reports()
    stream = START + b"x" * (LONGEST + 1) + END + b"!"
    assert reports.taken_out(stream) == (stream, [])


def test_an_endless_report_is_given_up() -> None:
    reports = Reports()
    shown = reports.taken_out(START)[0]
    for _ in range(100):
        shown += reports.taken_out(b"x" * 1000)[0]
        assert len(reports.held) <= len(START) + LONGEST + 1
    assert shown == START + b"x" * 100_000
