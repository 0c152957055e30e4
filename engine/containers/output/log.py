"""The log of a container: what its program wrote, in `log.jsonl` of the container's directory; see `records`.

Records are appended with one `write(2)`. A line that was cut off by the engine's death is removed when the log is next
opened, so the last records say exactly how much of each stream is logged. Full files are renamed to `log.jsonl.1`, `.2`
and so on; the oldest goes. Readers hold the file they read, whatever its name becomes.

Imports the records.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import UNSET

from engine.containers.output import records
from engine.containers.output.records import LETTERS, Line, OpenFile, Position, Stream

FILE_SIZE = 16 * 1024 * 1024
FILES = 4
_CURRENT = "log.jsonl"


class Logged(NamedTuple):
    """How many bytes of each stream of the present run are in the log."""

    stdout: int
    stderr: int


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
        if self.path.exists() and records.cut_torn_line(self.path) == 0:
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
        with self.files() as files:
            for _, raw in records.backwards(files[:1]):
                if raw[:8] not in wanted and not raw.startswith(b'{"run"'):
                    continue
                line = records.decode(raw)
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
        self._write(records.output(stream, offset, data))
        self._logged[LETTERS[stream]] = offset + len(data)

    def _write(self, lines: list[Line]) -> None:
        if self.closed:
            return
        if not self._sizes[self._generation] and lines[0].run is UNSET:
            lines = [self._head(), *lines]
        data = b"".join(records.encode(line) + b"\n" for line in lines)
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
        head = records.encode(self._head()) + b"\n"
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

    # Places

    @property
    def _generation(self) -> int:
        return next(reversed(self._sizes))

    @property
    def end(self) -> Position:
        """Behind the last record."""
        self.recover()
        return Position(self._generation, self._sizes[self._generation])

    @property
    def beginning(self) -> Position:
        """Before the oldest record that is left."""
        self.recover()
        return Position(next(iter(self._sizes)), 0)

    @property
    def capacity(self) -> int:
        """Bytes of all the files that are kept."""
        return self._size * self._files

    def behind(self, position: Position) -> int:
        """How many bytes of the files lie between `position` and the end."""
        self.recover()
        after = sum(size for generation, size in self._sizes.items() if generation >= position.generation)
        return after - position.offset

    @contextmanager
    def files(self) -> Iterator[list[OpenFile]]:
        """Every file there is, newest first, open."""
        files: list[OpenFile] = []
        try:
            for generation, size in reversed(self._sizes.items()):
                if size:
                    files.append(OpenFile(self.open(generation), Position(generation, size)))
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
            position = self.beginning
        return position, self._sizes[position.generation]
