"""What `trap` says shall be run: at signals, at the end, after failures, before each command. Imports nothing heavy."""

from __future__ import annotations


class Traps:
    """Actions by condition: EXIT, ERR, DEBUG, or a signal's name without SIG (INT, TERM, USR1 …)."""

    def set(self, condition: str, action: str | None) -> None:
        """None: as it was at the start; "": ignored; else a text that is run between two commands.

        A signal that was ignored when the shell started stays so, silently, in a shell that isn't interactive
        (POSIX XCU 2.11). Raises Fault for an unknown condition; numbers and the prefix SIG are understood.
        """
        raise NotImplementedError

    def get(self, condition: str) -> str | None:
        """The action, or None."""
        raise NotImplementedError

    def all(self) -> dict[str, str]:
        """All that are set, EXIT first, signals by number. In a subshell: the parent's, until one is set."""
        raise NotImplementedError
