"""Docker's way out of an attached container: ctrl+p, then ctrl+q. Imports nothing.

A lone ctrl+p belongs to the program (history in a shell): it is held back until the next key, or PATIENCE at most.
"""

from __future__ import annotations

PATIENCE = 0.3  # seconds
CTRL_P, CTRL_Q = b"\x10", b"\x11"


class DetachKeys:
    """Looks for the two keys in what is typed, a key at a time; in a paste they mean nothing."""

    def __init__(self) -> None:
        self.holding = False
        """Whether a ctrl+p waits for what comes next."""

    def typed(self, data: bytes) -> tuple[bytes, bool]:
        """What is to be sent to the program now, and whether this was the way out."""
        held = self.passed_on()
        if held and data == CTRL_Q:
            return b"", True
        if data == CTRL_P:
            self.holding = True
            return held, False
        return held + data, False

    def passed_on(self) -> bytes:
        """The key that was held back, to be sent after all."""
        held, self.holding = (CTRL_P if self.holding else b""), False
        return held
