"""Regular expressions of people, bounded in time: one that backtracks for ever must not stop the console.

`re` looks for signals while it searches, so a timer of the processor time that is used breaks a search off. Only the
main thread gets signals: elsewhere nothing is bounded. Standard library only.

Sources: setitimer(2); Modules/_sre/sre_lib.h.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from signal import ITIMER_VIRTUAL, SIGVTALRM, setitimer, signal
from threading import get_ident, main_thread
from time import monotonic, thread_time
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

MOST = 1.0  # seconds of processor time that one pattern may take at once: 100,000 lines of a log take a third of that
LEAST = 0.01
AGAIN = 0.2  # what it gets back of that each second
TOO_SLOW = "the regular expression takes too long: it can be read in too many ways"


class TooSlow(Exception):
    """The time is used up."""


class Bounded:
    """A pattern that finds nothing any more once it has taken too long; `slow` says so."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._search, self._all = pattern.search, pattern.finditer
        self._left = MOST
        self._at = monotonic()
        self.slow = False

    def search(self, text: str) -> bool:
        """Whether it is in the text."""
        return self._within(self._search, text) is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it is in the text: begin and end."""
        found = self._within(lambda text: list(self._all(text)), text)
        return [each.span() for each in found or ()]

    def _within(self, work: Callable[[str], Result], text: str) -> Result | None:
        if self.slow or get_ident() != main_thread().ident:
            return None if self.slow else work(text)
        now, begun = monotonic(), thread_time()
        self._left, self._at = min(MOST, self._left + (now - self._at) * AGAIN), now
        try:
            return _within(work, text, max(LEAST, self._left))
        except TooSlow:
            self.slow = True
            return None
        finally:
            self._left -= thread_time() - begun
            self.slow = self.slow or self._left < 0


_armed = False


def _within(work: Callable[[str], Result], text: str, limit: float) -> Result:
    """What it returns. Raises TooSlow after that many seconds."""
    global _armed, _installed
    if not _installed:
        signal(SIGVTALRM, _broken_off)
        _installed = True
    _armed = True
    try:
        setitimer(ITIMER_VIRTUAL, limit)
        return work(text)
    finally:
        _armed = False
        setitimer(ITIMER_VIRTUAL, 0)


_installed = False


def _broken_off(number: int, frame: FrameType | None) -> None:
    if _armed:
        raise TooSlow
