"""The job table, told to whoever draws the terminal: an OSC sequence with JSON that every other program ignores.

    ESC ] 7717 ; heliosh ; JSON ESC \\

One write(2) each, so that nothing comes between its bytes, though it may stand anywhere in a program's output. The
kernel keeps that promise for 2,048 bytes (iterate_tty_write): beyond, the echo of what is typed may come between. So
events that make a report longer go into one more. One thing can still cut a report: ctrl+c and its kind discard what
the terminal's reader hasn't got yet (termios(3), NOFLSH). Each report has the whole table, so the next one mends that.

The shapes are those of `Job`, `JobProcess` and `JobEvent` in engine/protocol/messages.py. Imports json, os and time
only, and is imported only where somebody listens (HELIOSTUI_JOBS=1).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from engine.shell.signals import NAMES, blocked

if TYPE_CHECKING:
    from engine.shell.jobs import Job, Jobs, Process

LIMIT = 60_000  # bytes, at the utmost
_WHOLE = 2_048  # bytes that the kernel writes without anything between them
_START, _END = b"\x1b]7717;heliosh;", b"\x1b\\"
_TEXT = 200  # characters of a command


class Report:
    """Events since the last report, and the way to the terminal."""

    def __init__(self, fd: int) -> None:
        """`fd`: the terminal."""
        self._fd = fd
        self._events: list[dict[str, Any]] = []
        self._last = ""

    def event(self, kind: str, pid: int, pgid: int, text: str = "") -> None:
        """Note that something happened to a process, now."""
        self._events.append({"time": time.time(), "kind": kind, "pid": pid, "pgid": pgid, "text": text[:_TEXT]})

    def send(self, jobs: Jobs, told: Iterable[Job]) -> None:
        """Tell the table as it is, if that is news. `told`: these jobs, in this order."""
        table = {
            "v": 1,
            "shell": os.getpid(),
            "shell_pgid": os.getpgrp(),
            "foreground": jobs.owner(),
            "jobs": [_job(jobs, job) for job in told],
        }
        text = json.dumps(table, separators=(",", ":"))
        if text == self._last and not self._events:
            return
        self._last = text
        events, self._events = self._events, []
        with blocked():  # a signal would cut a write short
            try:
                for report in _reports(table, events):
                    os.write(self._fd, report)
            except OSError:
                return  # nobody listens any more


def _reports(table: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[bytes]:
    """The table with the events, in as many reports as the events need."""
    while len(_written(table, [])) > LIMIT:
        table = {**table, "jobs": table["jobs"][: len(table["jobs"]) // 2]}
    first = 0
    while True:
        after = len(events)
        report = _written(table, events[first:after])
        while len(report) > _WHOLE and after > first + 1:
            after = (first + after + 1) // 2
            report = _written(table, events[first:after])
        yield report
        first = after
        if first >= len(events):
            return


def _written(table: dict[str, Any], events: list[dict[str, Any]]) -> bytes:
    return _START + json.dumps({**table, "events": events}, separators=(",", ":")).encode("ascii") + _END


def _job(jobs: Jobs, job: Job) -> dict[str, Any]:
    return {
        "number": job.number,
        "pgid": job.pgid or os.getpgrp(),
        "command": job.command[:_TEXT],
        "state": job.state,
        "foreground": job.has_terminal,
        "mark": jobs.mark(job),
        "processes": [_process(process) for process in job.processes],
    }


def _process(process: Process) -> dict[str, Any]:
    number = process.signal
    return {
        "pid": process.pid,
        "command": process.command[:_TEXT],
        "state": process.state,
        "status": process.exit_status if process.state == "done" else None,
        "signal": NAMES.get(number, str(number)) if number else None,
    }
