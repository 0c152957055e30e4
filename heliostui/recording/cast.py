"""Files in the asciicast format, version 2: a line of JSON for the head, and one for each event. Standard library only.

Source: docs.asciinema.org/manual/asciicast/v2.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any

_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})", re.ASCII)
MOST_COLUMNS = 2000
LONGEST_LINE = 16 << 20  # bytes
LONGEST = 1e9  # seconds; select(2) takes no more than time_t


@dataclass(frozen=True)
class Event:
    """`time`: seconds since the beginning. `kind`: "o" output, "r" another size, as 80x24; others are left out."""

    time: float
    kind: str
    data: str

    @property
    def size(self) -> tuple[int, int] | None:
        """Of a resize, when it is one that there can be."""
        match = _SIZE.fullmatch(self.data) if self.kind == "r" else None
        columns, lines = (int(match[1]), int(match[2])) if match else (0, 0)
        return (columns, lines) if 0 < columns <= MOST_COLUMNS and 0 < lines <= MOST_COLUMNS else None


@dataclass(frozen=True)
class Cast:
    """A whole recording."""

    columns: int
    lines: int
    title: str
    idle_limit: float | None
    events: tuple[Event, ...]

    @property
    def length(self) -> float:
        """In seconds."""
        return self.events[-1].time if self.events else 0.0


class Writer:
    """A recording under way. What is written is in the file at once, in whole lines: whenever we are killed, it can be
    played. Raises OSError (FileExistsError) where the file can't be made."""

    def __init__(self, path: Path, columns: int, lines: int, title: str = "") -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._began = time.monotonic()
        self.path = path
        self.bytes = 0
        self.fault: OSError | None = None
        """Why it came to its end by itself: the disk is full, say."""
        head: dict[str, Any] = {"version": 2, "width": columns, "height": lines, "timestamp": int(time.time())}
        if title:
            head["title"] = title
        head["env"] = {"TERM": os.environ.get("TERM", "xterm-256color")}
        self._line(head)
        if self.fault is not None:
            path.unlink()
            raise self.fault

    @property
    def length(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._began

    @property
    def open(self) -> bool:
        return self._file >= 0

    def output(self, data: bytes) -> None:
        """What a terminal gets; a character may come in two pieces."""
        if text := self._decode(data):
            self.text(text)

    def text(self, text: str) -> None:
        self._event("o", text)

    def resize(self, columns: int, lines: int) -> None:
        self._event("r", f"{columns}x{lines}")

    def close(self) -> None:
        if self.open and (rest := self._decode(b"", True)):
            self.text(rest)
        self._close()

    def _event(self, kind: str, data: str) -> None:
        self._line([round(self.length, 6), kind, data])

    def _line(self, value: object) -> None:
        """All of it or nothing: half a line would spoil the file for others."""
        if not self.open:
            return
        line = (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        try:
            written = os.write(self._file, line)
            if written < len(line):
                written += os.write(self._file, line[written:])  # says why
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.fault = error
            os.ftruncate(self._file, self.bytes)
            self._close()
        else:
            self.bytes += written

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read(path: Path) -> Cast:
    """A recording. Raises ValueError, a sentence that names the line, and OSError."""
    with path.open("rb") as file:
        lines = _lines(path, file)
        _, head = next(lines, (1, b""))
        columns, rows, title, idle = _head(path, head)
        return Cast(columns, rows, title, idle, tuple(_events(path, lines)))


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """With their numbers. A file without any is not read to its end, which it may not have."""
    for number in count(1):
        line = file.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise ValueError(f"{path}: line {number}: it is longer than {LONGEST_LINE >> 20} MiB")
        yield number, line


def _head(path: Path, line: bytes) -> tuple[int, int, str, float | None]:
    head = _json(path, 1, line, "no asciicast: its first line is not JSON")
    if not isinstance(head, dict) or "version" not in head:
        raise ValueError(f"{path}: line 1: no asciicast: its first line has no version")
    if head["version"] != 2:
        raise ValueError(f"{path}: line 1: asciicast version {head['version']!r} can't be played, only version 2")
    size = head.get("width"), head.get("height")
    if not all(type(each) is int and 0 < each <= MOST_COLUMNS for each in size):
        raise ValueError(f"{path}: line 1: width and height must be whole numbers from 1 to {MOST_COLUMNS}")
    idle = head.get("idle_time_limit")
    limit = float(min(idle, LONGEST)) if isinstance(idle, int | float) and idle > 0 else None
    return int(head["width"]), int(head["height"]), str(head.get("title") or ""), limit


def _events(path: Path, lines: Iterator[tuple[int, bytes]]) -> Iterator[Event]:
    before = 0.0
    for number, line in lines:
        if not line.strip():
            continue
        if not line.endswith(b"\n") and not _whole(line):
            return  # whoever wrote it was killed while he did
        event = _json(path, number, line, "it is not JSON")
        match event:
            case [int() | float() as at, str(kind), str(data)] if type(at) is not bool and at >= 0:
                if at > LONGEST:
                    raise ValueError(f"{path}: line {number}: its time is more than {LONGEST:.0f} seconds")
                before = max(before, float(at))  # time does not run backwards
                yield Event(before, kind, data)
            case _:
                raise ValueError(f"{path}: line {number}: an event is [TIME, CODE, DATA]")


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _json(path: Path, number: int, line: bytes, what: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: line {number}: {what}") from None
