"""`heliostui top`: a container's processes."""

from __future__ import annotations

import argparse
import shlex
from datetime import UTC, datetime

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import ProcessRow, Top, TopContainer
from engine.protocol.quantities import size_text
from heliostui.commandline.document import document
from heliostui.commandline.figures import percent, with_unit
from heliostui.commandline.parser import add_container, add_format
from heliostui.commandline.table import table
from heliostui.commandline.times import span

HEADINGS = (
    "USER", "PID", "PID INSIDE", "PPID", "STATE", "CPU %", "CPU TIME", "MEMORY", "THREADS", "FILES", "READ", "WRITTEN",
    "STARTED", "COMMAND",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)
    add_container(parser)


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        processes = engine.request(TopContainer(container=arguments.container), Top).processes
    if arguments.format == "json":
        print(document(processes))
    else:
        now = datetime.now(UTC)
        print(table(HEADINGS, [_row(process, now) for process in processes]))
    return 0


def _row(process: ProcessRow, now: datetime) -> tuple[str, ...]:
    return (
        process.user,
        str(process.pid),
        str(process.inner_pid),
        str(process.ppid),
        process.state,
        percent(process.cpu),
        f"{process.cpu_seconds:.2f} s",
        size_text(process.memory),
        with_unit(process.threads, "count"),
        with_unit(process.files, "count"),
        with_unit(process.read, "bytes"),
        with_unit(process.written, "bytes"),
        f"{span((now - process.started_at).total_seconds())} ago",
        shlex.join(process.command),
    )
