"""Which pages of another process take memory. proc_pid_pagemap(5); which frames they are is not asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PAGE = os.sysconf("SC_PAGE_SIZE")
MOST_BYTES = 64 << 30  # of address space that is looked at; the rest counts as being there
AGE = 1.0  # seconds after which pages are looked at again though nothing else has happened
SHARE = 20  # for so many times as long as a look took there is no other
_CHUNK = 1 << 17  # pages
_THERE = np.uint64(3 << 62)  # present, or in swap


@dataclass(frozen=True)
class Presence:
    """Of ranges of memory, by where they start: for each, a bool per page."""

    there: dict[int, npt.NDArray[np.bool_]]

    @property
    def resident(self) -> int:
        """Bytes that take memory."""
        return sum(int(np.count_nonzero(each)) for each in self.there.values()) * PAGE

    def absent(self, base: int, start: int, end: int) -> npt.NDArray[np.int64]:
        """Offsets in the range at `base` of its pages from `start` to `end` that take none."""
        first, last = start // PAGE, -(-end // PAGE)
        return (np.flatnonzero(~self.there[base][first:last]) + first) * PAGE


class Pages:
    """Of process `pid`. Where the kernel refuses, all pages count as being there."""

    def __init__(self, pid: int) -> None:
        self._last: tuple[object, Presence] | None = None
        self._old = self._costly = -1.0  # when to look again; until when only at what is new
        try:
            self._file: int | None = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def presence(self, moment: object, ranges: Iterable[tuple[int, int]], still: bool) -> Presence:
        """Of ranges from a page's address on, so many bytes long. What was known at the same `moment` is told again for
        a second, with `still` for ever. Where looking takes long, ranges that are known are not looked at each time."""
        now, last = time.monotonic(), self._last
        if last is not None and last[0] is moment and (still or now < self._old):
            return last[1]
        some = last is not None and last[0] is not moment and now < self._costly
        presence = self._look(ranges, last[1].there if last is not None and some else {})
        if not some:
            self._costly = now + SHARE * (time.monotonic() - now)
        self._old = max(now + AGE, self._costly)
        self._last = moment, presence
        return presence

    def _look(self, ranges: Iterable[tuple[int, int]], known: dict[int, npt.NDArray[np.bool_]]) -> Presence:
        left, found = MOST_BYTES, {}
        for start, length in ranges:
            before = known.get(start)
            if before is not None and len(before) == -(-length // PAGE):
                found[start] = before
                continue
            looked = min(length, left)
            left -= looked
            parts = [
                self._some((start + at) // PAGE, min(_CHUNK, -(-(looked - at) // PAGE)))
                for at in range(0, looked, _CHUNK * PAGE)
            ]
            found[start] = np.concatenate([*parts, np.ones(-(-(length - looked) // PAGE), np.bool_)])
        return Presence(found)

    def _some(self, first: int, count: int) -> npt.NDArray[np.bool_]:
        there = np.ones(count, np.bool_)
        if self._file is None:
            return there
        try:
            data = os.pread(self._file, count * 8, first * 8)
        except (OSError, OverflowError):
            return there
        there[: len(data) // 8] = (np.frombuffer(data, "<u8", len(data) // 8) & _THERE) != 0
        return there
