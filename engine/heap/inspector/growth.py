"""How a heap has grown while somebody looked: its sums of the last ten minutes."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from engine.protocol.heap import HeapMoment, HeapTotals

SECONDS = 600
PERIOD = 1.0  # seconds from one moment to the next, at least


class Growth:
    """At most 600 moments."""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, HeapMoment]] = deque()

    def note(self, now: float, totals: HeapTotals) -> None:
        """`now`: seconds that only rise."""
        if self._moments and now - self._moments[-1][0] < PERIOD:
            return
        moment = HeapMoment(
            at=datetime.now(UTC), mapped=totals.mapped, used=totals.used, free=totals.free,
            external_fragmentation=totals.external_fragmentation,
        )  # fmt: skip
        self._moments.append((now, moment))
        while now - self._moments[0][0] > SECONDS:
            self._moments.popleft()

    def moments(self) -> list[HeapMoment]:
        """Oldest first."""
        return [moment for _, moment in self._moments]
