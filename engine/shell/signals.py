"""Signals: their names, and who gets which disposition. Imports signal only."""

from __future__ import annotations

import signal

NUMBERS = {
    name[3:]: int(value)
    for name, value in signal.Signals.__members__.items()
    if name not in ("SIGIOT", "SIGPOLL", "SIGCLD")
}
NUMBERS |= {f"RTMIN+{n}": signal.SIGRTMIN + n for n in range(1, 16)} | {
    f"RTMAX-{n}": signal.SIGRTMAX - n for n in range(1, 15)
}
NAMES = {number: name for name, number in NUMBERS.items()}


def number(name: str) -> int | None:
    """The number of TERM, SIGTERM, term or 15; None if there is no such signal."""
    if name.isdecimal():
        return int(name) if int(name) in NAMES or name == "0" else None
    return NUMBERS.get(name.upper().removeprefix("SIG"))


def describe(number: int) -> str:
    """As strsignal(3) says it: "Terminated", "Stopped (tty input)"."""
    return signal.strsignal(number) or f"Unknown signal {number}"
