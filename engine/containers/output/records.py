"""The records of a log's files: how they are written and read, forwards and backwards.

A file holds JSON lines. One is a read's worth of output, at most 64 KiB of it:

    {"s":"o","t":"2025-01-31T12:00:00.5Z","o":120,"d":"ls"}

the stream ("o" stdout, "e" stderr), the time, the place of the first byte in the run's stream, and the bytes: text in
"d", or base64 in "b" where they are not UTF-8. Each start of the container begins a *run*,

    {"run":2,"t":…,"o":0,"e":0}

and the streams count from 0 again; the same record, with the counts so far, begins every file.

Imports msgspec.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

PIECE = 65_536
BLOCK = 262_144

Stream = Literal["stdout", "stderr"]
Letter = Literal["o", "e"]
LETTERS: dict[Stream, Letter] = {"stdout": "o", "stderr": "e"}
STREAMS: dict[Letter, Stream] = {"o": "stdout", "e": "stderr"}


class Line(msgspec.Struct, frozen=True):
    """One line of the file: output (`s`), or the beginning of a run or of a file (`run`)."""

    run: int | UnsetType = UNSET
    s: Letter | UnsetType = UNSET
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


class Position(NamedTuple):
    """A place in the log: the file, counted through all rotations, and the byte in it."""

    generation: int
    offset: int


class OpenFile(NamedTuple):
    """A file of the log, and its end."""

    descriptor: int
    end: Position


encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Line)


def decode(raw: bytes) -> Line | None:
    """A record of the file; None when somebody damaged it."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError:
        return None


def output(stream: Stream, offset: int, data: bytes) -> list[Line]:
    """The records of output that is read now, and whose first byte is the stream's byte `offset`."""
    now = datetime.now(UTC)
    s = LETTERS[stream]
    lines = []
    for piece, text in _pieces(data):
        lines.append(Line(s=s, t=now, o=offset, b=piece) if text is None else Line(s=s, t=now, o=offset, d=text))
        offset += len(piece)
    return lines


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


def cut_torn_line(path: Path) -> int:
    """Remove what follows the last newline; the size that is left."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            end = start if newline < 0 else start + newline + 1
            if newline >= 0:
                break
        file.truncate(end)
        return end


def forwards(file: int, offset: int, end: int) -> tuple[list[Line | None], int]:
    """The records of about one block from `offset`, and where the next begins. `end` is behind a record."""
    data = os.pread(file, min(BLOCK, end - offset), offset)
    while not data.endswith(b"\n") and b"\n" not in data:
        data += os.pread(file, min(BLOCK, end - offset - len(data)), offset + len(data))
    whole = data[: data.rfind(b"\n") + 1]
    return [decode(raw) for raw in whole.split(b"\n")[:-1]], offset + len(whole)


def backwards(files: list[OpenFile]) -> Iterator[tuple[Position, bytes]]:
    """Every line of the files with its place, last one first."""
    for file in files:
        end, rest = file.end.offset, b""
        while end > 0:
            start = max(0, end - BLOCK)
            data = os.pread(file.descriptor, end - start, start) + rest
            first = data.find(b"\n") + 1 if start else 0  # where the first whole line begins
            place = start + len(data)
            for raw in reversed(data[first:].split(b"\n")[:-1]):
                place -= len(raw) + 1
                yield file.end._replace(offset=place), raw
            end, rest = start, data[:first] if first else data if start else b""
