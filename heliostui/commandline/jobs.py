"""The jobs of a terminal, for people: a table, then what happens, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from engine.protocol.messages import AnyReply, Job, JobEvent, JobProcess, JobTable
from heliostui.commandline.document import document
from heliostui.commandline.table import printable, table
from heliostui.commandline.times import nanoseconds

HEADINGS = ("JOB", "GROUP", "STATE", "PID", "STATE OF PROCESS", "COMMAND")


def show(stream: Iterable[AnyReply], *, follow: bool, as_json: bool) -> int:
    """Print the first table; with `follow` each event after it, or as JSON each table, a line each."""
    first = True
    for told in stream:
        if not isinstance(told, JobTable):
            break
        if as_json:
            print(msgspec.json.encode(told).decode() if follow else document(told), flush=True)
        elif first:
            print(table(HEADINGS, [row for job in told.jobs for row in _rows(job, told)]), flush=True)
        else:
            for event in told.events:
                print(line(event), flush=True)
        if not follow:
            break
        first = False
    return 0


def _rows(job: Job, told: JobTable) -> list[tuple[str, ...]]:
    """One line for each process; the job's own columns in the first."""
    number = "" if job.number is None else f"[{job.number}]{job.mark}"
    state = f"{job.state}, in the foreground" if job.pgid == told.foreground else job.state
    own = [(number, str(job.pgid), state)] + [("", "", "")] * (len(job.processes) - 1)
    return [
        (*columns, str(process.pid), _state(process), process.command)
        for columns, process in zip(own, job.processes, strict=True)
    ]


def _state(process: JobProcess) -> str:
    if process.signal is not None:
        return f"{process.state} by {process.signal}"
    return process.state if process.status is None else f"{process.state}, {process.status}"


def line(event: JobEvent) -> str:
    """`2026-05-04T12:30:00.000000000Z stop 4711 (group 4711) TSTP`"""
    time = nanoseconds(datetime.fromtimestamp(event.time, UTC))
    who = f"{event.pid} (group {event.pgid})" if event.pid else f"group {event.pgid}"
    return printable(f"{time} {event.kind} {who} {event.text}".rstrip())
