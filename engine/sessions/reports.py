"""heliosh's reports of its job table, as far as they can be believed: any program can print one.

`engine.shell.report` writes them. Imports msgspec and the protocol.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from engine.protocol.messages import Job, JobEvent

LONGEST_TEXT = 200  # characters of a command
MOST_JOBS = 500
MOST_EVENTS = 2000
FUTURE = 1.0  # seconds by which an event may be ahead of us
PAST = 60.0  # and behind


class Report(msgspec.Struct, frozen=True):
    """The table of the shell `shell`, and what happened since the last one."""

    v: Literal[1]
    shell: int
    shell_pgid: int
    foreground: int
    jobs: Annotated[list[Job], msgspec.Meta(max_length=MOST_JOBS)]
    events: Annotated[list[JobEvent], msgspec.Meta(max_length=MOST_EVENTS)]


_DECODER = msgspec.json.Decoder(Report)


def read(data: bytes, now: float) -> Report | None:
    """The report; None when it is none. Texts are cut, and events that claim another time than `now` left out."""
    try:
        report = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.structs.replace(
        report,
        jobs=[_cut_job(job) for job in report.jobs],
        events=[_cut_event(event) for event in report.events if now - PAST <= event.time <= now + FUTURE],
    )


def _cut_job(job: Job) -> Job:
    processes = [msgspec.structs.replace(one, command=one.command[:LONGEST_TEXT]) for one in job.processes]
    return msgspec.structs.replace(job, command=job.command[:LONGEST_TEXT], processes=processes)


def _cut_event(event: JobEvent) -> JobEvent:
    return msgspec.structs.replace(event, text=event.text[:LONGEST_TEXT])
