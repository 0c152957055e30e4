"""The log of a container: what its program wrote, as JSON lines in `log.jsonl` of the container's directory.

A record is one read's worth of output, at most 64 KiB of it: `{"s":"o","t":"2025-01-31T12:00:00.5Z","o":120,"d":"ls"}`
has the stream ("o" stdout, "e" stderr), the time, the place of the first byte in the run's stream, and the bytes: text
in "d", or base64 in "b" where they are not UTF-8. Each start of the container begins a *run*,
`{"run":2,"t":…,"o":0,"e":0}`, and the streams count from 0 again; the same record, with the counts so far, begins every
file.

Records are appended with one `write(2)`. A line that was cut off by the engine's death is removed when the log is next
opened, so the last records say exactly how much of each stream is logged. Full files are renamed to `log.jsonl.1`, `.2`
and so on; the oldest goes. Readers hold the file they read, whatever its name becomes.

Imports msgspec and the protocol.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, Self

import msgspec
from msgspec import UNSET, UnsetType

from engine.protocol.messages import LogRecord

FILE_SIZE = 16 * 1024 * 1024
FILES = 4
PIECE = 65_536
_BLOCK = 262_144
_CURRENT = "log.jsonl"

Stream = Literal["stdout", "stderr"]
_STREAMS: dict[str, Stream] = {"o": "stdout", "e": "stderr"}


class Line(msgspec.Struct, frozen=True):
    """One line of the file: output (`s`), or the beginning of a run or of a file (`run`)."""

    run: int | UnsetType = UNSET
    s: Literal["o", "e"] | UnsetType = UNSET
    t: datetime = datetime.fromtimestamp(0, UTC)
    o: int = 0
    e: int | UnsetType = UNSET
    d: str | UnsetType = UNSET
    b: bytes | UnsetType = UNSET

    @property
    def data(self) -> bytes:
        """The output; empty where a run or a file begins."""
        if self.d is not UNSET:
            return self.d.encode()
        return b"" if self.b is UNSET else self.b


class Logged(NamedTuple):
    """How many bytes of each stream of the present run are in the log."""

    stdout: int
    stderr: int


class Position(NamedTuple):
    """A place in the log: the file, counted through all rotations, and the byte in it."""

    generation: int
    offset: int


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Line)


class Log:
    """The log of one container; one Log per directory, in one process, on one loop.

    `size` is where a file is full, in bytes; `files` how many are kept, the present one among them. Nothing is touched
    before the first use. Methods raise OSError when the disk does.
    """

    def __init__(self, directory: Path, size: int = FILE_SIZE, files: int = FILES) -> None:
        self._directory = directory
        self._size = size
        self._files = files
        self._file = -1
        self._sizes: dict[int, int] = {}  # of the files by generation, the present one last
        self.run = 0
        """How many runs have begun; known after `recover`."""
        self._logged = {"o": 0, "e": 0}
        self._more: asyncio.Event | None = None
        self.closed = False

    @property
    def path(self) -> Path:
        """The file that is written now."""
        return self._path(0)

    def _path(self, age: int) -> Path:
        return self._directory / (f"{_CURRENT}.{age}" if age else _CURRENT)

    @property
    def _new(self) -> Path:
        return self._directory / f"{_CURRENT}.new"

    # Writing

    def recover(self) -> Logged:
        """Make the log whole after a crash; how much of the present run is logged. Costs nothing the second time."""
        if not self._sizes:
            count = self._tidy()
            self._sizes = {-age: self._path(age).stat().st_size for age in reversed(range(count))} or {0: 0}
            self._count()
        return Logged(self._logged["o"], self._logged["e"])

    def _tidy(self) -> int:
        """Cut off a torn line, and undo a rotation that was not finished; how many files there are."""
        if not self._directory.exists():
            return 0
        self._new.unlink(missing_ok=True)
        if self.path.exists() and _cut_torn_line(self.path) == 0:
            self.path.unlink()
        old = (path.name.removeprefix(f"{_CURRENT}.") for path in self._directory.glob(f"{_CURRENT}.*"))
        ages = sorted(int(age) for age in old if age.isdecimal())
        ages = [0, *ages] if self.path.exists() else ages
        for age, present in enumerate(ages):
            if present != age:
                self._path(present).rename(self._path(age))
        return len(ages)

    def _count(self) -> None:
        """Find the run and what is logged of it, from the end of the present file."""
        wanted = {b'{"s":"o"', b'{"s":"e"'}
        logged: dict[str, int] = {}
        with self._all_files() as files:
            for _, raw in _backwards(files[:1]):
                if raw[:8] not in wanted and not raw.startswith(b'{"run"'):
                    continue
                line = _line(raw)
                if line is not None and line.s is not UNSET:
                    wanted.remove(raw[:8])
                    logged[line.s] = line.o + len(line.data)
                elif line is not None:
                    self.run = line.run or 0
                    self._logged = {"o": line.o, "e": line.e or 0} | logged
                    return

    def begin(self) -> None:
        """Note that a new run begins: the streams count from 0."""
        self.recover()
        self.run += 1
        self._logged = {"o": 0, "e": 0}
        self._write([self._head()])

    def _head(self) -> Line:
        return Line(run=self.run, t=datetime.now(UTC), o=self._logged["o"], e=self._logged["e"])

    def append(self, stream: Stream, offset: int, data: bytes) -> None:
        """Add output whose first byte is the stream's byte `offset`, and wake those who follow.

        An offset beyond the end of what is logged leaves a gap, which readers are told of. Nothing is added when it
        raises OSError.
        """
        self.recover()
        now = datetime.now(UTC)
        s: Literal["o", "e"] = "o" if stream == "stdout" else "e"
        lines = []
        for piece, text in _pieces(data):
            lines.append(Line(s=s, t=now, o=offset, b=piece) if text is None else Line(s=s, t=now, o=offset, d=text))
            offset += len(piece)
        self._write(lines)
        self._logged[s] = offset

    def _write(self, lines: list[Line]) -> None:
        if self.closed:
            return
        if not self._sizes[self._generation] and lines[0].run is UNSET:
            lines = [self._head(), *lines]
        data = b"".join(_encode(line) + b"\n" for line in lines)
        if self._sizes[self._generation] and self._sizes[self._generation] + len(data) > self._size:
            self._rotate()
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if os.write(self._file, data) < len(data):
            os.ftruncate(self._file, self._sizes[self._generation])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._sizes[self._generation] += len(data)
        self.wake()

    def _rotate(self) -> None:
        """Begin a new file. It is complete before the others move, and `_tidy` undoes what a crash leaves half done."""
        head = _encode(self._head()) + b"\n"
        self._new.write_bytes(head)
        for age in reversed(range(min(len(self._sizes), self._files - 1))):
            with suppress(FileNotFoundError):  # somebody has tidied up
                self._path(age).rename(self._path(age + 1))
        self._new.rename(self.path)
        self.park()
        self._sizes[self._generation + 1] = len(head)
        self._sizes.pop(self._generation - self._files, None)

    def wake(self) -> None:
        """Let everyone who waits for more look again."""
        if self._more is not None:
            self._more.set()
            self._more = None

    async def grown(self) -> None:
        """Wait for the next `append`, `wake` or `close`."""
        if not self.closed:
            self._more = self._more or asyncio.Event()
            await self._more.wait()

    def park(self) -> None:
        """Close the file until it is next written to."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def close(self) -> None:
        """The log goes away: those who follow it come to an end, appending does nothing."""
        self.closed = True
        self.park()
        self.wake()

    # Reading

    @property
    def _generation(self) -> int:
        return next(reversed(self._sizes))

    @property
    def end(self) -> Position:
        """Behind the last record."""
        self.recover()
        return Position(self._generation, self._sizes[self._generation])

    async def read(
        self, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncGenerator[LogRecord, None]:
        """The records, of the last `tail` lines or all, not older than `since`; with `follow` those to come too, until
        the log is closed. A record holds at most 64 KiB.

        What the log has lost is told by a record on stderr.
        """
        end = self.end
        position, skip = await self._last_lines(tail)
        with Reader(self, position, skip) as reader:
            while True:
                for record in await reader.records():
                    if since is None or record.time >= since:
                        yield record
                if reader.position >= (self.end if follow else end):
                    if not follow or self.closed:
                        return
                    await self.grown()

    async def recent(self, size: int) -> list[bytes]:
        """The last output on stdout of the present run: pieces, together `size` bytes or a little more."""
        self.recover()
        with self._all_files() as files:
            return await asyncio.to_thread(_recent, files, size)

    @property
    def capacity(self) -> int:
        """Bytes of all the files that are kept."""
        return self._size * self._files

    def behind(self, position: Position) -> int:
        """How many bytes of the files lie between `position` and the end."""
        self.recover()
        after = sum(size for generation, size in self._sizes.items() if generation >= position.generation)
        return after - position.offset

    async def _last_lines(self, tail: int | None) -> tuple[Position, int]:
        """Where the last `tail` lines begin, and how many bytes of the record there come before."""
        if tail is None:
            return Position(next(iter(self._sizes)), 0), 0
        if tail <= 0:
            return self.end, 0
        with self._all_files() as files:
            if files and files[0].end.offset > _BLOCK:
                return await asyncio.to_thread(_find_tail, files, tail)
            return _find_tail(files, tail)

    @contextmanager
    def _all_files(self) -> Iterator[list[_Open]]:
        """Every file there is, newest first, open."""
        files: list[_Open] = []
        try:
            for generation, size in reversed(self._sizes.items()):
                if size:
                    files.append(_Open(self.open(generation), Position(generation, size)))
            yield files
        finally:
            for file in files:
                os.close(file.descriptor)

    def open(self, generation: int) -> int:
        """A descriptor of the file of `generation`, which must be one of those kept."""
        return os.open(self._path(self._generation - generation), os.O_RDONLY | os.O_CLOEXEC)

    def place(self, position: Position) -> tuple[Position, int]:
        """`position`, or the oldest that is left, and the end of its file."""
        self.recover()
        if position.generation not in self._sizes:
            position = Position(next(iter(self._sizes)), 0)
        return position, self._sizes[position.generation]


class _Open(NamedTuple):
    """A file of the log, and its end."""

    descriptor: int
    end: Position


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
            big = end - self.position.offset > _BLOCK
            lines, offset = await asyncio.to_thread(_read_lines, *work) if big else _read_lines(*work)
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
            yield LogRecord(stream=_STREAMS[line.s], time=line.t, data=data[self._skip :])
            self._skip = 0


def _notice(text: str, time: datetime | None = None) -> LogRecord:
    return LogRecord(stream="stderr", time=time or datetime.now(UTC), data=f"[heliostui: {text}]\n".encode())


def _pieces(data: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Cut output to records: bytes, and their text when they are UTF-8.

    A character that was cut in half at an end of `data` goes alone, so that the rest stays readable.
    """
    for start in range(0, len(data), PIECE):
        piece = data[start : start + PIECE]
        text, begin, end = _text(piece)
        if text is None:
            yield piece, None
            continue
        for part, part_text in ((piece[:begin], None), (piece[begin:end], text), (piece[end:], None)):
            if part:
                yield part, part_text


def _text(data: bytes) -> tuple[str | None, int, int]:
    """The text of what may be cut out of UTF-8, and where its whole characters begin and end; None for other data."""
    begin = next((i for i, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
    try:
        return data[begin:].decode(), begin, len(data)
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None, 0, 0
        end = begin + error.start
        return data[begin:end].decode(), begin, end


def _cut_torn_line(path: Path) -> int:
    """Remove what follows the last newline; the size that is left."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            end = start if newline < 0 else start + newline + 1
            if newline >= 0:
                break
        file.truncate(end)
        return end


def _line(raw: bytes) -> Line | None:
    """A record of the file; None when somebody damaged it."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError:
        return None


def _read_lines(file: int, offset: int, end: int) -> tuple[list[Line | None], int]:
    """The records of about one block from `offset`, and where the next begins. `end` is behind a record."""
    data = os.pread(file, min(_BLOCK, end - offset), offset)
    while not data.endswith(b"\n") and b"\n" not in data:
        data += os.pread(file, min(_BLOCK, end - offset - len(data)), offset + len(data))
    whole = data[: data.rfind(b"\n") + 1]
    return [_line(raw) for raw in whole.split(b"\n")[:-1]], offset + len(whole)


def _backwards(files: list[_Open]) -> Iterator[tuple[Position, bytes]]:
    """Every line of the files with its place, last one first."""
    for file in files:
        end, rest = file.end.offset, b""
        while end > 0:
            start = max(0, end - _BLOCK)
            data = os.pread(file.descriptor, end - start, start) + rest
            first = data.find(b"\n") + 1 if start else 0  # where the first whole line begins
            place = start + len(data)
            for raw in reversed(data[first:].split(b"\n")[:-1]):
                place -= len(raw) + 1
                yield file.end._replace(offset=place), raw
            end, rest = start, data[:first] if first else data if start else b""


def _find_tail(files: list[_Open], tail: int) -> tuple[Position, int]:
    """Where the last `tail` lines begin: a record, and how many of its bytes come before."""
    wanted = tail
    place = Position(0, 0)
    at_end = True
    for place, raw in _backwards(files):
        line = _line(raw)
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


def _recent(files: list[_Open], size: int) -> list[bytes]:
    found: list[bytes] = []
    for _, raw in _backwards(files):
        line = _line(raw)
        if line is None or line.s == "e":
            continue
        if (line.run is not UNSET and not line.o) or size <= 0:
            break
        found.append(line.data)
        size -= len(line.data)
    return found[::-1]
