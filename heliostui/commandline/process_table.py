"""A container's processes as a table, flat or as a tree. Imports the protocol and what tables are made of."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from engine.protocol.processes import ProcessRow
from engine.protocol.quantities import size_text
from heliostui.commandline.figures import percent, with_unit
from heliostui.commandline.table import table
from heliostui.commandline.times import span

HEADINGS = (
    "USER", "PID", "PID INSIDE", "PPID", "STATE", "NICE", "CPU %", "CPU TIME", "MEMORY", "THREADS", "FILES", "READ",
    "WRITTEN", "STARTED", "COMMAND",
)  # fmt: skip


def process_table(processes: Sequence[ProcessRow], *, tree: bool) -> str:
    """All of them, with the branches of the tree before the commands if there are to be some."""
    now = datetime.now(UTC)
    branches = branched(processes) if tree else ((process, "") for process in processes)
    return table(HEADINGS, [_row(process, branch, now) for process, branch in branches])


def branched(processes: Sequence[ProcessRow]) -> Iterator[tuple[ProcessRow, str]]:
    """Parents before their children, each with what is drawn before its command: `│  ├─ `."""
    known = {process.pid for process in processes}
    children: dict[int, list[ProcessRow]] = {}
    for process in sorted(processes, key=lambda process: process.start):
        children.setdefault(process.ppid if process.ppid in known else 0, []).append(process)
    waiting = [(root, "", "") for root in reversed(children.get(0, []))]
    while waiting:
        process, before, below = waiting.pop()
        yield process, before
        own = children.get(process.pid, [])
        for number, child in enumerate(reversed(own)):
            last = number == 0
            waiting.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))


def _row(process: ProcessRow, branch: str, now: datetime) -> tuple[str, ...]:
    return (
        process.user,
        str(process.pid),
        str(process.inner_pid),
        str(process.ppid),
        process.state,
        str(process.nice),
        percent(process.cpu),
        f"{process.cpu_seconds:.2f} s",
        size_text(process.memory),
        with_unit(process.threads, "count"),
        with_unit(process.files, "count"),
        with_unit(process.read, "bytes"),
        with_unit(process.written, "bytes"),
        f"{span((now - process.started_at).total_seconds())} ago",
        branch + shlex.join(process.command),
    )
