"""How fast the line to the user's terminal is, and when the next frame may go out on it. Standard library only.

After what was drawn the terminal is asked whether it is well (DSR, `CSI 5 n`): its answer comes when all of that has
arrived. Nothing nearer tells: sshd takes a megabyte from us before a slow line holds it up. So at most one large frame
is under way, whatever lies between, and a terminal that comes back after a stall has nothing old to read.
Source: ECMA-48 8.3.35; OpenSSH's channels.h for its window.
"""

from __future__ import annotations

from collections import deque

QUESTION, ANSWER = "\x1b[5n", "\x1b[0n"

WORTH = 256  # bytes after which the terminal is asked; an echo is not
GRACE = 0.25  # seconds, beyond the quickest answer, for which frames go on while one is due
LOST = 5.0  # seconds after which an answer may never come: another frame, another question
DEAF = 3  # questions that a terminal has not answered by then, so that it answers none

BURST = 2048  # bytes from which on the time that they took says something
SLOW, FAST = 32_000, 128_000  # bytes a second: below and above them a line is slow, or is so no longer
SLOW_TIMES, FAST_TIMES = 2, 5  # one after the other, before it is taken for that

BUDGET = 4_000  # bytes a second that a slow line is given to carry
PACE = 1.0  # seconds between two frames on a slow line at least
QUICK_PACE = 0.25  # while the user types
TYPING = 1.0  # seconds after a key


class LineSpeed:
    """Is told what happens, with the time (monotonic seconds); `forced`: it is slow or not, whatever is measured."""

    def __init__(self, forced: bool | None = None) -> None:
        self.forced = forced
        self._measured = False
        self._asked: float | None = None  # when; None: no answer is due
        self._clean = True  # that answer is to the last question and no earlier one
        self._unanswered = 0
        self.answers = False
        """Whether it has ever answered."""
        self._since = 0  # bytes since the last question
        self._covered = 0  # bytes before it
        self._lags: deque[float] = deque(maxlen=64)
        self._slow_times = self._fast_times = 0
        self._drawn_at, self._drawn, self._touched = -PACE, 0, -TYPING

    @property
    def slow(self) -> bool:
        return self._measured if self.forced is None else self.forced

    @property
    def due(self) -> bool:
        """Whether an answer is."""
        return self._asked is not None

    def drew(self, now: float, count: int) -> None:
        """A frame of `count` bytes was written."""
        self._drawn_at, self._drawn = now, count
        self._since += count

    def touched(self, now: float) -> None:
        """The user did something, and wants to see what comes of it."""
        self._touched = now

    def ask(self, now: float) -> bool:
        """Whether a question is to follow what was written; then it counts as asked."""
        if self._asked is not None:
            if now - self._asked < LOST:
                return False
            self._clean = False
            self._unanswered += 1
        elif self._since < WORTH and self._lags:
            return False
        if self._unanswered >= DEAF and not self.answers:
            self._asked = None
            return False
        self._asked, self._covered, self._since = now, self._since, 0
        return True

    def answered(self, now: float) -> None:
        """The terminal has answered."""
        self.answers, self._unanswered = True, 0
        if self._asked is None:
            return
        lag, self._asked = now - self._asked, None
        if self._clean:
            self._lags.append(lag)
            self._judge(self._covered / max(lag - min(self._lags), 0.001))
        self._clean = True

    def _judge(self, rate: float) -> None:
        """By what was carried, in bytes a second. A single stall says nothing."""
        if self._covered < BURST:
            return
        self._slow_times = self._slow_times + 1 if rate < SLOW else 0
        self._fast_times = self._fast_times + 1 if rate > FAST else 0
        if self._slow_times >= SLOW_TIMES:
            self._measured = True
        elif self._fast_times >= FAST_TIMES:
            self._measured = False

    def behind(self, now: float) -> bool:
        """Whether what was written is still under way; never for longer than LOST."""
        if self._asked is None or not self.answers:
            return False
        return GRACE + min(self._lags, default=0.0) < now - self._asked < LOST

    def wait(self, now: float) -> float:
        """Seconds until the next frame; 0 when it may be drawn now."""
        if self.behind(now):
            assert self._asked is not None
            return self._asked + LOST - now
        if not self.slow:
            return 0.0
        pace = QUICK_PACE if now - self._touched < TYPING else max(PACE, self._drawn / BUDGET)
        return max(0.0, self._drawn_at + pace - now)
