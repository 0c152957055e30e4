"""The job table, told to whoever draws the terminal: an OSC sequence with JSON that every other program ignores.

    ESC ] 7717 ; heliosh ; JSON ESC \\

One write(2) each, so that it can't be cut, though it may stand anywhere in a program's output. The shapes are
those of `Job`, `JobProcess` and `JobEvent` in engine/protocol/messages.py. Imports json, os and time only, and is
imported only where somebody listens (HELIOSTUI_JOBS=1).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.shell.signals import NAMES, blocked

if TYPE_CHECKING:
    from engine.shell.jobs import Job, Jobs, Process

LIMIT = 60_000  # bytes of JSON
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
        data = _fitting(table, self._events)
        self._events = []
        with blocked():  # a signal would cut the write short
            try:
                os.write(self._fd, b"\x1b]7717;heliosh;" + data + b"\x1b\\")
            except OSError:
                return  # nobody listens any more


def _fitting(table: dict[str, Any], events: list[dict[str, Any]]) -> bytes:
    """As JSON, without the oldest events and then without the last jobs where it would be too long."""
    while True:
        data = json.dumps({**table, "events": events}, separators=(",", ":")).encode("ascii")
        if len(data) <= LIMIT:
            return data
        if events:
            events = events[len(events) // 2 + 1 :]
        else:
            table = {**table, "jobs": table["jobs"][: len(table["jobs"]) // 2]}


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
