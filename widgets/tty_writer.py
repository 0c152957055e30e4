"""Writes to the user's terminal from the event loop, and never waits for it. Imports asyncio only.

Textual has a thread for that: waking it costs each key more than the write does, and once 30 writes wait for a slow
terminal the whole application waits with them.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

PATIENT = 65_536
"""Bytes the terminal has not taken yet from which on it is `behind`."""


class TtyWriter:
    """What is written goes out with `flush`, or at the loop's next turn."""

    def __init__(self, fd: int) -> None:
        """`fd`: any descriptor of the terminal. It is opened once more, so that nobody else's writes become
        non-blocking. Raises OSError where it can't be opened: a terminal handed in from outside of a container."""
        self._fd = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self.written = 0
        """Bytes so far, whether they are sent or not."""
        self._due: asyncio.Handle | None = None
        self._waits = False

    @property
    def behind(self) -> bool:
        """Whether the terminal is slow: new frames had better wait."""
        return len(self._unsent) > PATIENT

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self.written += len(data)
        self._unsent += data
        if self._due is None:
            self._due = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what the terminal takes now; the rest follows by itself."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if not self._waits:
            self._send()

    def _send(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._fd, self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # the terminal is gone, as SIGHUP says too
            self._unsent.clear()
        if bool(self._unsent) != self._waits:
            self._waits = not self._waits
            if self._waits:
                self._loop.add_writer(self._fd, self._send)
            else:
                self._loop.remove_writer(self._fd)

    def stop(self) -> None:
        """Send all the rest, however long that takes, and close."""
        self.flush()
        if self._waits:
            self._loop.remove_writer(self._fd)
            os.set_blocking(self._fd, True)
            with suppress(OSError):
                while self._unsent:
                    del self._unsent[: os.write(self._fd, self._unsent)]
        os.close(self._fd)
        self._fd = -1  # what is written from now on goes nowhere
