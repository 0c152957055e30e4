"""The end of a program that a test runs in a terminal of its own."""

from __future__ import annotations

from contextlib import suppress

from ptyprocess import PtyProcess, PtyProcessError


def ended(process: PtyProcess) -> None:
    """Close its terminal, and wait for its end: after SIGKILL, too, a busy machine may take a while."""
    with suppress(PtyProcessError):
        process.close(force=True)
    process.wait()
