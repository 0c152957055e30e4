"""Ctrl-P Ctrl-Q, Docker's way out of an attached terminal: for the console and the command line. Imports nothing."""

from __future__ import annotations

CTRL_P, CTRL_Q = b"\x10", b"\x11"
PATIENCE = 0.3  # seconds that a lone Ctrl-P may wait for its Ctrl-Q


class DetachKeys:
    """Looks through what is typed. A Ctrl-P is kept back until the next byte, or until `release`."""

    def __init__(self) -> None:
        self.waiting = False

    def feed(self, typed: bytes) -> tuple[bytes, bool]:
        """(what the program gets, whether to detach); bytes after the sequence are dropped."""
        data = CTRL_P + typed if self.waiting else typed
        before, sequence, _ = data.partition(CTRL_P + CTRL_Q)
        if sequence:
            self.waiting = False
            return before, True
        self.waiting = data.endswith(CTRL_P)
        return (data[:-1] if self.waiting else data), False

    def release(self) -> bytes:
        """The Ctrl-P that was kept back: nothing followed it."""
        held = CTRL_P if self.waiting else b""
        self.waiting = False
        return held
