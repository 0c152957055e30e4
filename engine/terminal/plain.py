"""Plain text of a log line: what is left when its control sequences are taken out. Imports nothing of the package."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|\Z)"  # OSC
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\|\Z)"  # DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*(?:[@-~]|\Z)"  # CSI
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    re.DOTALL,
)


def plain_text(data: str) -> str:
    """The text without control sequences and control characters, but for tabs and newlines.

    Of a line that was written over again after carriage returns (a progress bar) the last version is kept.
    """
    if data.isprintable():
        return data
    lines = _SEQUENCE.sub("", data).split("\n")
    return "\n".join(next(filter(None, reversed(line.split("\r"))), "") for line in lines)
