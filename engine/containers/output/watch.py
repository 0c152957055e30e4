"""Waiting for bytes of a pipe or a terminal.

A terminal that nobody has open is ready without end (poll(2): POLLHUP; reading it fails with EIO), and yet a program
may open it again, say by /dev/tty. The loop knows readiness only; to hear of what *happens* to the terminal, it watches
an epoll in which the terminal is edge-triggered (epoll(7): EPOLLET).

Imports asyncio.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable


class Watch:
    """Has the loop call `turn` whenever `source` can be read, from `start` to `stop`."""

    def __init__(self, source: int, turn: Callable[[], None]) -> None:
        self._source = source
        self._turn = turn
        self._happening: select.epoll | None = None

    def start(self) -> None:
        """Also after `sleep`: the next call comes if there is anything to read, or nobody has the terminal open."""
        self.stop()
        asyncio.get_running_loop().add_reader(self._source, self._turn)

    def stop(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._source)
        if self._happening is not None:
            loop.remove_reader(self._happening.fileno())
            self._happening.close()
            self._happening = None

    def sleep(self) -> None:
        """Nobody has the terminal open: start again when something happens to it."""
        self.stop()
        happening = select.epoll()
        happening.register(self._source, select.EPOLLIN | select.EPOLLET)
        self._happening = happening
        if any(events & select.EPOLLIN for _, events in happening.poll(0)):  # it has just been written to
            self.start()
        else:
            asyncio.get_running_loop().add_reader(happening.fileno(), self.start)
