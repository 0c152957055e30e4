"""Times as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.commandline.times import duration, moment, nanoseconds, span

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1.5h", timedelta(hours=1, minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("3d", timedelta(days=3)),
    ],
)
def test_a_duration_is_that_long_ago(text: str, ago: timedelta) -> None:
    assert moment(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-04T12:30:00Z",
        "2026-05-04t12:30:00z",
        "2026-05-04T14:30:00+02:00",
        "2026-05-04T12:30:00.000000000Z",
        "1777897800",
    ],
)
def test_a_time_is_rfc_3339_or_seconds_since_1970(text: str) -> None:
    assert moment(text, datetime.now(UTC)) == NOW


def test_a_time_without_a_zone_is_local() -> None:
    assert moment("2026-05-04T12:30:00", NOW) == datetime(2026, 5, 4, 12, 30).astimezone(UTC)
    assert moment("2026-05-04", NOW) == datetime(2026, 5, 4).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "now", "m", "10 m", "-10m", "2026-13-01", "9999999999999h", "1e5s", "٣m"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no point in time: write a duration such as 10m"):
        moment(text, NOW)


@given(st.text(st.sampled_from("0123456789.hmsdZT:-+"), max_size=30))
def test_any_text_gives_a_time_in_utc_or_one_sentence(text: str) -> None:
    refusal = complaint(text)
    assert refusal is None or "is no point in time" in refusal


def complaint(text: str) -> str | None:
    try:
        assert moment(text, NOW).tzinfo is UTC
    except ValueError as error:
        return str(error)
    return None


def test_timestamps_have_nine_digits_in_utc() -> None:
    assert nanoseconds(datetime(2026, 5, 4, 12, 30, 1, 2345, UTC)) == "2026-05-04T12:30:01.002345000Z"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "Less than a second"),
        (0.9, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (86400 * 2, "2 days"),
        (86400 * 15, "2 weeks"),
        (86400 * 90, "3 months"),
        (86400 * 800, "2 years"),
    ],
)
def test_a_span_is_told_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0 ns"), (740, "740 ns"), (12_345, "12.3 µs"), (4_560_000, "4.56 ms"), (150_000_000, "150 ms")],
)
def test_a_short_time_has_a_fitting_unit(nanos: int, text: str) -> None:
    assert duration(nanos) == text
