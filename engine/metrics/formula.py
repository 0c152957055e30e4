"""The few kinds of arithmetic that turn counters into metrics; each can be computed and told. Standard library only.

A counter that is not there, or is infinite (`max`), makes no value. Neither does one that went backwards: it was reset.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.metrics.formats import Counters


@dataclass(frozen=True)
class Formula(ABC):
    """`note`: what the counters are, where their names don't say it."""

    @property
    @abstractmethod
    def terms(self) -> tuple[str, ...]:
        """The counters it is made of."""

    @property
    @abstractmethod
    def text(self) -> str:
        """With the names of the counters; `Δ` is the difference of two readings and `Δt` the seconds between them."""

    @abstractmethod
    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        """What comes out, from two readings `seconds` apart."""

    @abstractmethod
    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        """`text` with the numbers put in."""


@dataclass(frozen=True)
class Level(Formula):
    """A counter as it is; `times`: how many of the metric's units are one of the counter's."""

    term: str
    note: str = ""
    times: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.term,)

    @property
    def text(self) -> str:
        return _factor(self.times) + self.term + _noted(self.note)

    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        value = after.get(self.term, math.inf)
        return None if value == math.inf else value * self.times

    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        return _factor(self.times) + plain(after[self.term])


@dataclass(frozen=True)
class _OfTwo(Formula):
    """One counter and another, with a sign between them."""

    sign: ClassVar[str]
    term: str
    other: str

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.term, self.other)

    @property
    def text(self) -> str:
        return f"{self.term} {self.sign} {self.other}"

    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        return f"{plain(after[self.term])} {self.sign} {plain(after[self.other])}"


@dataclass(frozen=True)
class Less(_OfTwo):
    """A counter less another one, which may be a little later and so larger; never below zero. `times`: see `Level`."""

    sign = "−"
    times: int = 1

    @property
    def text(self) -> str:
        return self._multiplied(super().text)

    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        left = after.get(self.term, math.inf) - after.get(self.other, math.inf)
        return max(0.0, left) * self.times if math.isfinite(left) else None

    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        return self._multiplied(super().arithmetic(before, after, seconds))

    def _multiplied(self, difference: str) -> str:
        return difference if self.times == 1 else f"{_factor(self.times)}({difference})"


class Quotient(_OfTwo):
    """A counter by another one."""

    sign = "/"

    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        term, by = after.get(self.term, math.inf), after.get(self.other, math.inf)
        return term / by if 0 <= term < math.inf and 0 < by < math.inf else None


@dataclass(frozen=True)
class Rate(Formula):
    """How fast a counter grows; `divisor`: how many of its units are one of the metric's, `times`: the other way."""

    term: str
    divisor: int = 1
    note: str = ""
    times: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.term,)

    @property
    def text(self) -> str:
        return f"{_factor(self.times)}Δ{self.term}{self._by()} / Δt" + _noted(self.note)

    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        if self.term not in before or self.term not in after or seconds <= 0:
            return None
        grown = after[self.term] - before[self.term]
        return grown * self.times / self.divisor / seconds if 0 <= grown < math.inf else None

    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        grown = f"({plain(after[self.term])} − {plain(before[self.term])})"
        return f"{_factor(self.times)}{grown}{self._by()} / {seconds:.3f} s"

    def _by(self) -> str:
        return f" / {plain(self.divisor)}" if self.divisor != 1 else ""


@dataclass(frozen=True)
class Share(Formula):
    """By how much a counter grew for what another one did, in percent; zero where that one stood still."""

    term: str
    of: str

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.term, self.of)

    @property
    def text(self) -> str:
        return f"100 × Δ{self.term} / Δ{self.of}"

    def value(self, before: Counters, after: Counters, seconds: float) -> float | None:
        if any(term not in reading for term in self.terms for reading in (before, after)):
            return None
        part, whole = after[self.term] - before[self.term], after[self.of] - before[self.of]
        if not (0 <= part < math.inf and 0 <= whole < math.inf):
            return None
        return 100 * part / whole if whole else 0.0

    def arithmetic(self, before: Counters, after: Counters, seconds: float) -> str:
        part, whole = (f"({plain(after[term])} − {plain(before[term])})" for term in self.terms)
        return f"100 × {part} / {whole}"


def plain(value: float) -> str:
    """A number with its thousands set apart."""
    if value == math.inf:
        return "max"
    return f"{int(value):,}" if value == int(value) else f"{value:,.6g}"


def _factor(times: int) -> str:
    return f"{plain(times)} × " if times != 1 else ""


def _noted(note: str) -> str:
    return f"  ({note})" if note else ""
