"""One source of one container as somebody follows it: the last two readings and what comes out of them.

Standard library only.
"""

from __future__ import annotations

import math
from array import array

from engine.metrics.formats import Counters
from engine.metrics.kept_file import KeptFile
from engine.metrics.source import MACHINE, PROC, Directories, Reading, Source


class Files:
    """The files of one source of one container."""

    __slots__ = ("files", "source")

    def __init__(self, source: Source, directories: Directories | None, pid: int, keep_below: int) -> None:
        self.source = source
        self.files = tuple(
            KeptFile(_directory(file.controller, directories, pid), file.name, keep_below) for file in source.files
        )

    def read(self, now: float, last: Reading | None, *, keep: bool) -> Reading:
        """A reading at `now`; what did not change since `last` is not parsed again. `keep` descriptors for the next."""
        texts = tuple([file.read(keep) for file in self.files])
        if last is not None and texts == last.texts:
            return Reading(now, last.texts, last.counters)
        counters: Counters = {}
        for file, text in zip(self.source.files, texts, strict=True):
            if text is not None:
                try:
                    counters.update(file.parse(text))
                except ValueError:
                    continue  # the kernel writes something that we don't know: there is no number, and no wrong one
        return Reading(now, texts, counters)

    def close(self) -> None:
        """Keep no descriptors."""
        for file in self.files:
            file.close()


class View:
    """`values`: by metric, without those that can't be had; `row`: the same in the order of the formulas, for the
    history. Both are made anew when they change, and stay the same objects while nothing does."""

    __slots__ = ("after", "before", "row", "source", "steady", "values")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.forget()

    def forget(self) -> None:
        """As if nothing had been read yet."""
        self.before: Reading | None = None
        self.after: Reading | None = None
        self.steady = False  # the last two readings were the same
        self.values: dict[str, float] = {}
        self.row = self.source.nothing

    def wait(self, until: float) -> None:
        """Nothing moved from the last reading to this time."""
        if self.after is not None and self.after.time < until:
            self.after = self.after._replace(time=until)

    def take(self, reading: Reading) -> None:
        """The next reading."""
        before, self.before, self.after = self.after, self.after, reading
        same = before is not None and before.counters is reading.counters
        if same and self.steady:
            return  # nothing moved, and nothing had: levels are the same and rates zero
        self.steady = same
        earlier, seconds = ({}, 0.0) if before is None else (before.counters, reading.time - before.time)
        values = {}
        row = array("f")
        for metric, formula in self.source.formulas.items():
            value = formula.value(earlier, reading.counters, seconds)
            if value is None:
                row.append(math.nan)
            else:
                values[metric] = value
                row.append(value)
        if values != self.values:
            self.values, self.row = values, row


def _directory(controller: str, directories: Directories | None, pid: int) -> str:
    if controller == MACHINE:
        return "/proc"
    if controller == PROC or directories is None:
        return f"/proc/{pid}"
    directory = directories.directory(controller)
    assert directory is not None, "the table chooses sources by the controllers that are there"
    return directory
