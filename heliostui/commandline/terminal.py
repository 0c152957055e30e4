"""The user's own terminal: its size, and raw mode for as long as a program in a container has the keys."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STDIN, STDOUT, STDERR = 0, 1, 2


def size() -> tuple[int, int] | None:
    """Columns and lines of the terminal that output goes to, or else the one that input comes from."""
    for descriptor in (STDOUT, STDIN):
        with suppress(OSError):
            columns, lines = os.get_terminal_size(descriptor)
            if columns and lines:
                return columns, lines
    return None


@contextmanager
def raw() -> Iterator[None]:
    """Every key goes through untouched; the modes from before come back, whatever happens (termios(3))."""
    before = termios.tcgetattr(STDIN)
    tty.setraw(STDIN, termios.TCSADRAIN)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal itself is gone
            termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
