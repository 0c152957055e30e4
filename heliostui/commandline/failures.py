"""The ways a verb can fail, and the exit status of each."""

from __future__ import annotations

import sys

from engine.protocol.messages import ContainerRef, ErrorCode
from heliostui.commandline.table import printable


class UsageError(Exception):
    """The command line itself is wrong: exit status 2."""


class Failure(Exception):
    """One clear sentence; `status` where it is not the verb's own."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def exit_status(code: ErrorCode, failure: int) -> int:
    """The status for a refused request; `failure` is the verb's own. Launching verbs tell as Docker does, and as
    POSIX shells do, what was wrong with the command: 126 not executable, 127 not found."""
    if failure == 1:
        return failure
    return {ErrorCode.COMMAND_NOT_EXECUTABLE: 126, ErrorCode.COMMAND_NOT_FOUND: 127}.get(code, failure)


def complain(message: str) -> None:
    """`heliostui: …` on standard error, what came before on standard output first."""
    sys.stdout.flush()
    print(f"heliostui: {printable(message)}", file=sys.stderr)


def warn(made: ContainerRef) -> None:
    """Say what nobody asked for in so many words, and could not be had."""
    for sentence in made.warnings:
        complain(sentence)
