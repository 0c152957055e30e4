"""Times as people type them to go to a place in a log. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_AGO = re.compile(r"-?(\d+(?:\.\d+)?)\s*([smhd])(?:\s*ago)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?")


def moment(text: str, now: datetime) -> datetime:
    """`14:30`, `14:30:05` (the last time it was that time of day), `10m` (ago), `2026-05-04 12:30`; as `now` counts
    its hours. Raises ValueError with a sentence."""
    wanted = text.strip()
    if ago := _AGO.fullmatch(wanted):
        return now - timedelta(seconds=float(ago[1]) * _UNITS[ago[2]])
    try:
        if of_day := _OF_DAY.fullmatch(wanted):
            second = float(of_day[3] or 0)
            at = now.replace(hour=int(of_day[1]), minute=int(of_day[2]), second=0, microsecond=0)
            at += timedelta(seconds=second)
            return at if at <= now else at - timedelta(days=1)
        given = datetime.fromisoformat(wanted)
    except ValueError:
        raise ValueError(f"'{text}' is no time: write 14:30, 14:30:05, 10m (ago) or 2026-05-04 12:30.") from None
    return given if given.tzinfo is not None else given.replace(tzinfo=now.tzinfo)
