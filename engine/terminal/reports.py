"""Reports: what heliosh says about its jobs, taken out of a terminal's stream.

A report is one operating system command, `ESC ] 7717 ; heliosh ; JSON ESC \\`, with printable ASCII only between its
ends. The shell makes one write(2) of each, so nothing comes between its bytes; but it may stand anywhere in the
stream, in the middle of another program's sequence too, and must not disturb it there. That is why reports are taken
out before the terminal core and the clients see the stream. Ctrl-C lets the kernel forget what was not read yet
(NOFLSH in termios(3)): what is left of a report that was cut by it goes too, as the core would wait for its end.
Imports the standard library only.
"""

from __future__ import annotations

import re

LONGEST = 65_536
"""Bytes of JSON. What is longer is no report, and passes."""
_START = b"\x1b]7717;heliosh;"
_REPORT = re.compile(
    re.escape(_START) + rb"([ -~]{0,%d}+)(?:(\x1b\\)|(?=[^ -~\x1b]|\x1b[^\\]))" % LONGEST
)  # whole, or cut short by a byte that no report has
_UNFINISHED = re.compile(re.escape(_START) + rb"[ -~]{0,%d}\x1b?" % LONGEST)


class Reports:
    """Takes the reports out of a stream. How the stream is cut into chunks makes no difference.

    The beginning of what may be a report is held back until the rest shows whether it is one: at most a report.
    """

    def __init__(self) -> None:
        self.held = b""
        """The beginning of what may become a report."""

    def taken_out(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """The stream without reports, and the JSON of each."""
        data = self.held + data
        shown, reports, place = [], [], 0
        for report in _REPORT.finditer(data):
            shown.append(data[place : report.start()])
            if report[2]:
                reports.append(report[1])
            place = report.end()
        end = _unfinished(data, place)
        self.held = data[end:]
        shown.append(data[place:end])
        return b"".join(shown), reports


def _unfinished(data: bytes, place: int) -> int:
    """Where, from `place` on, a report begins that may be finished by what comes next; else the end of the data."""
    start = data.rfind(_START, place)
    if start >= 0 and _UNFINISHED.fullmatch(data, start):
        return start
    start = data.rfind(b"\x1b", max(place, len(data) - len(_START) + 1))
    return start if start >= 0 and _START.startswith(data[start:]) else len(data)
