"""Signals as people write them. Imports the protocol."""

from __future__ import annotations

import re
import signal

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

_REAL_TIME = re.compile(r"RTM(IN|AX)(?:([+-])(\d{1,2}))?")


def number(text: str) -> int:
    """The number of a signal given as `KILL`, `SIGKILL`, `kill`, `9` or `RTMIN+3`. EngineError(INVALID) otherwise."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isascii() and name.isdigit():
        found = int(name) if len(name) < 3 else 0
    elif (real_time := _REAL_TIME.fullmatch(name)) is not None:
        offset = int(real_time[3] or 0) * (-1 if real_time[2] == "-" else 1)
        found = (signal.SIGRTMIN if real_time[1] == "IN" else signal.SIGRTMAX) + offset
    else:
        found = getattr(signal.Signals.__members__.get("SIG" + name), "value", 0)
    if found not in signal.valid_signals():
        raise EngineError(
            ErrorCode.INVALID,
            f"{text[:32]!r} is not a signal: give a name such as TERM or SIGHUP, or a number from 1 to 64.",
        )
    return found


def name(number: int) -> str:
    """`TERM` for 15; the number itself where it has no name."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def exit_code(wait_status: int) -> int:
    """What a shell makes of a wait status (wait(2)): 0-255, and 128+n for death by signal n."""
    if wait_status & 0x7F:
        return 128 + (wait_status & 0x7F)
    return wait_status >> 8 & 0xFF
