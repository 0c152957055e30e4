"""`heliostui stats`: what containers or the machine use, once a second until Ctrl-C; on a terminal in place."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import msgspec

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import GetStats, Stats, StreamStats
from engine.protocol.metrics import MACHINE, Sample
from heliostui.commandline.document import document
from heliostui.commandline.figures import NONE, figure, percent
from heliostui.commandline.screen import Screen
from heliostui.commandline.table import table

HEADINGS = ("CONTAINER ID", "NAME", "CPU %", "MEMORY / LIMIT", "MEM %", "NET IN / OUT", "DISK READ / WRITE", "PIDS")
LEAST = ("CONTAINER ID", "MEM %", "DISK READ / WRITE", "NET IN / OUT")
"""What can be done without, in this order."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="a table for people (default); or JSON with all metrics, one container a line (--no-stream: one document)",
    )
    parser.add_argument("--no-stream", action="store_true", help="once, and end")
    parser.add_argument("--host", action="store_true", help="the machine itself, and of containers only those named")
    parser.add_argument(
        "--metric",
        dest="metrics",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one, in a column of its own; several times: several (see 'heliostui explain --host')",
    )
    parser.add_argument(
        "containers",
        nargs="*",
        metavar="CONTAINER",
        help="by id, the beginning of one, or name (default: all)",
    )


def run(arguments: argparse.Namespace) -> int:
    containers = [*([MACHINE] if arguments.host else []), *arguments.containers]
    metrics = arguments.metrics
    with Connection.connect(places()) as engine:
        if arguments.no_stream:
            samples = engine.request(GetStats(containers=containers, metrics=metrics), Stats).samples
            print(document(samples) if arguments.format == "json" else text(samples, metrics))
            return 0
        show = _lines if arguments.format == "json" else _shown(metrics)
        for message in engine.stream(StreamStats(containers=containers, metrics=metrics)):
            if isinstance(message, Stats):
                show(message.samples)
    return 0


def text(samples: list[Sample], metrics: Sequence[str] = (), width: int | None = None) -> str:
    """The table; where it has to be narrow without what matters least, as far as that helps. `metrics`: a column for
    each, and no others."""
    if metrics:
        return table(("NAME", *metrics), [_chosen(sample, metrics) for sample in samples])
    headings: tuple[str, ...] = HEADINGS
    rows = [dict(zip(HEADINGS, _row(sample), strict=True)) for sample in samples]
    shown = ""
    for least in ("", *LEAST):
        headings = tuple(heading for heading in headings if heading != least)
        shown = table(headings, [[row[heading] for heading in headings] for row in rows])
        if width is None or all(len(line) <= width for line in shown.splitlines()):
            break
    return shown


def _chosen(sample: Sample, metrics: Sequence[str]) -> tuple[str, ...]:
    return (sample.name, *(figure(name, sample.values.get(name)) for name in metrics))


def _row(sample: Sample) -> tuple[str, ...]:
    values = sample.values
    used = "memory.working_set" if "memory.working_set" in values else "memory"  # without a cgroup
    memory, limit = values.get(used), values.get("memory.limit")
    return (
        sample.container or NONE,
        sample.name,
        percent(values.get("cpu")),
        _pair(sample, used, "memory.limit"),
        percent(memory, limit),
        _pair(sample, "network.in", "network.out"),
        _pair(sample, "io.read", "io.write"),
        _both(values.get("pids"), values.get("pids.limit")),
    )


def _pair(sample: Sample, one: str, other: str) -> str:
    if one not in sample.values:
        return NONE
    return " / ".join(figure(metric, sample.values.get(metric)) for metric in (one, other))


def _both(pids: float | None, limit: float | None) -> str:
    if pids is None:
        return NONE
    return f"{pids:.0f}" if limit is None else f"{pids:.0f} / {limit:.0f}"


def _lines(samples: list[Sample]) -> None:
    for sample in samples:
        print(msgspec.json.encode(sample).decode())
    sys.stdout.flush()


def _shown(metrics: Sequence[str]) -> Callable[[list[Sample]], None]:
    return _refreshed(metrics) if sys.stdout.isatty() else _blocks(metrics)


def _blocks(metrics: Sequence[str]) -> Callable[[list[Sample]], None]:
    def show(samples: list[Sample]) -> None:
        print(text(samples, metrics), end="\n\n", flush=True)

    return show


def _refreshed(metrics: Sequence[str]) -> Callable[[list[Sample]], None]:
    """On a terminal the table is written over again."""
    screen = Screen()

    def show(samples: list[Sample]) -> None:
        def lines(size: os.terminal_size) -> list[str]:
            width = size.columns - 1
            return [line[:width] for line in text(samples, metrics, width).splitlines()]

        screen.show(lines)

    return show
