"""Times as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(f"(?:{_PART.pattern})+", re.ASCII)
_LONGEST = 366 * 86400.0
_EPOCH = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def moment(text: str, now: datetime) -> datetime:
    """A point in time, UTC: a duration before `now` (`10m`, `1h30m`), RFC 3339 or a part of it (local time where no
    zone is given), or seconds since 1970. Raises ValueError with a sentence."""
    try:
        if _DURATION.fullmatch(text):
            return now - timedelta(seconds=_total(text))
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"'{text}' is no point in time: write a duration such as 10m or 2h, or a time such as 2026-05-04T12:30:00Z"
        ) from None


def seconds(text: str) -> float:
    """How long `30s`, `1m30s`, `500ms` or `0` is. Raises ValueError with a sentence."""
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        raise ValueError(f"'{text}' is no time: write a number with its unit, as in 500ms, 30s or 1m30s")
    value = _total(text)
    if not 0.001 <= value <= _LONGEST:
        raise ValueError(f"'{text}' can't be: a millisecond is the least, and a year the most")
    return value


def nanoseconds(time: datetime) -> str:
    """RFC 3339 in UTC with nine digits, as `docker logs --timestamps` writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def span(seconds: float) -> str:
    """About how long that is, in words: `5 minutes`, `About an hour`."""
    whole = int(max(seconds, 0))
    minutes, hours, days = whole // 60, (whole + 1800) // 3600, whole // 86400
    if whole < 60:
        return "Less than a second" if whole < 1 else _count(whole, "second")
    if minutes < 60:
        return "About a minute" if minutes == 1 else _count(minutes, "minute")
    if hours < 48:
        return "About an hour" if hours == 1 else _count(hours, "hour")
    if days < 14:
        return _count(days, "day")
    if days < 60:
        return _count(days // 7, "week")
    return _count(days // 30, "month") if days < 730 else _count(days // 365, "year")


def duration(nanoseconds: int) -> str:
    """A short time with its unit: `740 ns`, `12.3 µs`, `4.56 ms`."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= size:
            value = nanoseconds / size
            return f"{value:.0f} {unit}" if abs(value) >= 99.95 else f"{value:.3g} {unit}"
    return f"{nanoseconds} ns"


def _total(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
