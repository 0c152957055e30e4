"""Which pages of another process are in memory. proc_pid_pagemap(5); numbers of page frames are not needed."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

PAGE = os.sysconf("SC_PAGE_SIZE")
MOST_BYTES = 64 << 30  # of address space that is looked at
_CHUNK = 1 << 17  # pages
_THERE = np.uint64(3 << 62)  # present, or in swap


class Pages:
    """Of process `pid`. Where the kernel refuses, all pages count as there."""

    def __init__(self, pid: int) -> None:
        try:
            self._file: int | None = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def there(self, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Of each page from the one of `start` to the one before `end`, whether it takes memory."""
        first, last = start // PAGE, -(-end // PAGE)
        parts = [self._some(at, min(_CHUNK, last - at)) for at in range(first, last, _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)

    def resident(self, ranges: list[tuple[int, int]]) -> int:
        """Bytes of these ranges (start, end) that take memory. Of very much, what is beyond 64 GiB is not counted."""
        pages, left = 0, MOST_BYTES
        for start, end in ranges:
            end = min(end, start + left)
            left -= end - start
            for at in range(start, end, _CHUNK * PAGE):
                pages += int(np.count_nonzero(self.there(at, min(at + _CHUNK * PAGE, end))))
        return pages * PAGE

    def _some(self, first: int, count: int) -> npt.NDArray[np.bool_]:
        there = np.ones(count, np.bool_)
        if self._file is not None:
            try:
                data = os.pread(self._file, count * 8, first * 8)
            except (OSError, OverflowError):
                return there
            there[: len(data) // 8] = (np.frombuffer(data, "<u8", len(data) // 8) & _THERE) != 0
        return there
