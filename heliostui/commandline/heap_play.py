"""`heap play`: a trace through playgrounds, one for each policy, and what came of it side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import msgspec

from engine.client.blocking import Connection
from engine.client.errors import ClientError
from engine.heap.playground.trace import TraceError, lines_of, parse
from engine.protocol.heap import HeapOptions, HeapTarget, HeapTotals, Playground
from engine.protocol.messages import (
    ClosePlayground,
    GetHeap,
    HeapFigures,
    OpenPlayground,
    Play,
    PlaygroundShown,
    SeekPlayground,
)
from engine.protocol.quantities import size_text
from heliostui.commandline.failures import Failure
from heliostui.commandline.heap_page import options as words_of
from heliostui.commandline.heap_page import percent
from heliostui.commandline.table import printable, table

CHUNK = 5_000  # operations of one request, which holds 1 MiB
LOOKS = 20  # at the heap while a trace is played, at least


class Played(msgspec.Struct, frozen=True):
    """What came of a trace. The `most_` were seen at one of the looks in between."""

    options: HeapOptions
    operations: int
    ended: str
    totals: HeapTotals
    most_mapped: int
    most_used: int
    most_external_fragmentation: float


class Trace:
    """A trace's file, which is read for each playing: it may be larger than memory. Raises Failure naming the line."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise Failure(f"{path} is no file: a trace is read several times, so it has to be in one")
        self._path = path
        self.length = sum(1 for _ in self.operations())
        if not self.length:
            raise Failure(f"{path}: there is no operation in it")

    def operations(self) -> Iterator[str]:
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                yield from map(str, parse(lines_of(file)))
        except TraceError as error:
            raise Failure(f"{self._path}: {error}") from None
        except OSError as error:
            raise Failure(f"{self._path} can't be read: {error.strerror}") from None


def play(engine: Connection, trace: Trace, options: HeapOptions) -> Played:
    """Through a playground of its own, which is closed then. Raises RequestFailed, ConnectionLost."""
    with _playground(engine, options) as id:
        looks: list[HeapTotals] = []
        for chunk in _chunks(trace):
            shown = _do(engine, id, chunk)
            figures = engine.request(GetHeap(target=HeapTarget(playground=id)), HeapFigures)
            looks.append(figures.heap.totals)
            if shown.ended:
                break
    return Played(
        options=options,
        operations=shown.step,
        ended=shown.ended,
        totals=looks[-1],
        most_mapped=max(look.mapped for look in looks),
        most_used=max(look.used for look in looks),
        most_external_fragmentation=max(look.external_fragmentation for look in looks),
    )


def compared(results: Sequence[Played]) -> str:
    """A column for each."""
    rows = {
        "operations": [f"{played.operations:,}" for played in results],
        "most mapped": [size_text(played.most_mapped) for played in results],
        "most in use": [size_text(played.most_used) for played in results],
        "worst external fragmentation": [percent(played.most_external_fragmentation) for played in results],
        "in the end: mapped": [size_text(played.totals.mapped) for played in results],
        "asked for": [size_text(played.totals.requested) for played in results],
        "in use": [size_text(played.totals.used) for played in results],
        "internal fragmentation": [percent(played.totals.internal_fragmentation) for played in results],
        "free blocks": [f"{played.totals.free_count:,}" for played in results],
        "largest free": [size_text(played.totals.largest_free) for played in results],
        "external fragmentation": [percent(played.totals.external_fragmentation) for played in results],
    }
    counters = list(dict.fromkeys(name for played in results for name in played.totals.counters))
    for name in counters:
        rows[name.replace("_", " ")] = [f"{played.totals.counters.get(name, 0):,}" for played in results]
    headings = ["", *(words_of(played.options).upper() for played in results)]
    lines = [table(headings, [[name, *values] for name, values in rows.items()])]
    lines += [f"{words_of(played.options)} ended: {printable(played.ended)}" for played in results if played.ended]
    return "\n".join(lines)


def _chunks(trace: Trace) -> Iterator[list[str]]:
    size = min(CHUNK, max(1, trace.length // LOOKS))
    rest = trace.operations()
    while chunk := list(islice(rest, size)):
        yield chunk


def _do(engine: Connection, id: str, chunk: list[str]) -> Playground:
    """All of it: what takes too long for one request goes on with the next."""
    shown = engine.request(Play(playground=id, operations=chunk), PlaygroundShown).playground
    while shown.step < shown.steps and not shown.ended:
        shown = engine.request(SeekPlayground(playground=id, step=shown.steps), PlaygroundShown).playground
    return shown


@contextmanager
def _playground(engine: Connection, options: HeapOptions) -> Iterator[str]:
    id = engine.request(OpenPlayground(options=options), PlaygroundShown).playground.id
    try:
        yield id
    finally:
        with suppress(ClientError):
            engine.request(ClosePlayground(playground=id))
