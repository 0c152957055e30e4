"""Ranges of numbers that lie apart, and how much of them is in the cells of a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


class Intervals:
    """From each of `starts`, in rising order, `lengths` long; none reaches into the next."""

    def __init__(self, starts: Numbers, lengths: Numbers) -> None:
        self.starts = starts
        self.lengths = lengths
        self._before = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))

    @classmethod
    def one(cls, start: int, end: int) -> Intervals:
        return cls(np.array([start], np.int64), np.array([max(end - start, 0)], np.int64))

    @classmethod
    def none(cls) -> Intervals:
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def below(self, places: Numbers) -> Numbers:
        """How much of them lies below each of `places`."""
        if not len(self.starts):
            return np.zeros(len(places), np.int64)
        at = np.searchsorted(self.starts, places, side="right") - 1
        inside = np.minimum(places - self.starts[at], self.lengths[at])
        return np.where(at >= 0, self._before[at] + inside, 0)

    def within(self, edges: Numbers) -> Numbers:
        """How much of them lies between each two neighbours of `edges`, which rise."""
        return np.diff(self.below(edges))
