"""What the tests of output share: a log's writer and its readers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.containers.output.log import Log
from engine.containers.output.reader import read
from engine.containers.output.records import Stream
from engine.protocol.messages import LogRecord


class Writer:
    """Appends to a log as `Stdio` does: each stream counts its bytes."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.places: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        log.begin()

    def __call__(self, data: bytes, stream: Stream = "stdout") -> None:
        self.log.append(stream, self.places[stream], data)
        self.places[stream] += len(data)


async def records(
    log: Log, tail: int | None = None, since: datetime | None = None, follow: bool = False
) -> list[LogRecord]:
    return [record async for record in read(log, tail, since, follow)]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def text(log: Log, tail: int | None = None) -> bytes:
    return b"".join(record.data for record in await records(log, tail))
