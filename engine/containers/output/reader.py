"""Reading a container's log: its last lines or all, now or as they are written.

What the log has lost is told to the reader, by a record on stderr. Imports the log and the protocol.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from msgspec import UNSET

from engine.containers.output.log import Log
from engine.containers.output.records import BLOCK, STREAMS, Line, OpenFile, Position, backwards, decode, forwards
from engine.protocol.messages import LogRecord


async def read(
    log: Log,
    tail: int | None = None,
    since: datetime | None = None,
    follow: bool = False,
    over: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[LogRecord, None]:
    """The records, of the last `tail` lines or all, not older than `since`; with `follow` those to come too, until
    the log is closed, or, when it is woken, nothing more is to come: `over`. A record holds at most 64 KiB.
    """
    end = log.end
    position, skip = await _last_lines(log, tail)
    with Reader(log, position, skip) as reader:
        while True:
            for record in await reader.records():
                if since is None or record.time >= since:
                    yield record
            if reader.position >= (log.end if follow else end):
                if not follow or log.closed or over():
                    return
                await log.grown()


async def recent(log: Log, size: int) -> list[bytes]:
    """The last output on stdout of the present run: pieces, together `size` bytes or a little more."""
    log.recover()
    with log.files() as files:
        return await asyncio.to_thread(_recent, files, size)


async def since(log: Log, place: int) -> list[bytes]:
    """The output on stdout of the present run from the stream's byte `place` on, in pieces, as far as it is kept."""
    log.recover()
    with log.files() as files:
        return await asyncio.to_thread(_since, files, place)


class Reader:
    """Reads the log block by block from a position on; `skip` bytes of the first record are left out.

    It holds the file it is in, so rotation takes nothing from under it; what was rotated away before a slow reader came
    to it is lost to him, and told.
    """

    def __init__(self, log: Log, position: Position, skip: int) -> None:
        self._log = log
        self._skip = skip
        self._file = -1
        self._expected: dict[str, int] = {}
        self.position = position

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    async def records(self, until: Position | None = None) -> list[LogRecord]:
        """The next records; none at the log's end as it is now, or at `until`."""
        if until is not None and self.position >= until:
            return []
        end, records = self._go_on()
        if until is not None and self.position.generation == until.generation:
            end = until.offset
        if end > self.position.offset:
            work = (self._file, self.position.offset, end)
            big = end - self.position.offset > BLOCK
            lines, offset = await asyncio.to_thread(forwards, *work) if big else forwards(*work)
            self.position = self.position._replace(offset=offset)
            for line in lines:
                records += self._records(line)
        return records

    def _go_on(self) -> tuple[int, list[LogRecord]]:
        """Have the file open in which to read on; how far it goes, and a notice where files were missed."""
        last = self._log.end
        while True:
            if self._file >= 0:
                end = last.offset if self.position.generation == last.generation else os.fstat(self._file).st_size
                if self.position.offset < end or self.position.generation == last.generation:
                    return end, []
                self.close()
                self.position = Position(self.position.generation + 1, 0)
            place, end = self._log.place(self.position)
            missed = place.generation != self.position.generation
            self.position = place
            if end == 0:
                return 0, []
            self._file = self._log.open(place.generation)
            if missed:
                self._skip, self._expected = 0, {}
                return end, [_notice("older output is missing here: the log was rotated before it was read")]

    def _records(self, line: Line | None) -> Iterator[LogRecord]:
        if line is None:
            yield _notice("a damaged record of the log is left out here")
        elif line.s is UNSET:
            self._expected = {"o": line.o, "e": line.e or 0}
        else:
            data = line.data
            missing = line.o - self._expected.get(line.s, line.o)
            self._expected[line.s] = line.o + len(data)
            if missing > 0:
                yield _notice(f"{missing} bytes of output could not be logged here", line.t)
            yield LogRecord(stream=STREAMS[line.s], time=line.t, data=data[self._skip :])
            self._skip = 0


def _notice(text: str, time: datetime | None = None) -> LogRecord:
    return LogRecord(stream="stderr", time=time or datetime.now(UTC), data=f"[heliostui: {text}]\n".encode())


async def _last_lines(log: Log, tail: int | None) -> tuple[Position, int]:
    """Where the last `tail` lines begin, and how many bytes of the record there come before."""
    if tail is None:
        return log.beginning, 0
    if tail <= 0:
        return log.end, 0
    with log.files() as files:
        if files and files[0].end.offset > BLOCK:
            return await asyncio.to_thread(_find_tail, files, tail)
        return _find_tail(files, tail)


def _find_tail(files: list[OpenFile], tail: int) -> tuple[Position, int]:
    """Where the last `tail` lines begin: a record, and how many of its bytes come before."""
    wanted = tail
    place = Position(0, 0)
    at_end = True
    for place, raw in backwards(files):
        line = decode(raw)
        data = b"" if line is None else line.data
        if data and at_end:
            at_end = False
            wanted += data.endswith(b"\n")  # the newline that ends the last line begins none
        newlines = data.count(b"\n")
        if newlines >= wanted:
            skip = len(data)
            for _ in range(wanted):
                skip = data.rindex(b"\n", 0, skip)
            return place, skip + 1
        wanted -= newlines
    return place, 0


def _recent(files: list[OpenFile], size: int) -> list[bytes]:
    found: list[bytes] = []
    for line in _output(files):
        if size <= 0:
            break
        found.append(line.data)
        size -= len(line.data)
    return found[::-1]


def _since(files: list[OpenFile], place: int) -> list[bytes]:
    found: list[bytes] = []
    for line in _output(files):
        if line.o + len(line.data) <= place:
            break
        found.append(line.data[max(0, place - line.o) :])
    return found[::-1]


def _output(files: list[OpenFile]) -> Iterator[Line]:
    """The records of stdout of the present run, the last one first."""
    for _, raw in backwards(files):
        line = decode(raw)
        if line is None or line.s == "e":
            continue
        if line.s is not UNSET:
            yield line
        elif not line.o:  # the run's beginning; else that of a file
            return
