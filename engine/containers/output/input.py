"""The input of a program: bytes on their way to its terminal or pipe, as fast as it takes them.

Imports asyncio.
"""

from __future__ import annotations

import asyncio
import os
import select

LIMIT = 65_536  # bytes; who writes more waits
_CHUNK = 65_536


class Input:
    """What is written to `descriptor`, which is non-blocking and stays the caller's; None: nobody reads."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._data = bytearray()
        self._waiting = False
        self._less = asyncio.Event()

    async def write(self, data: bytes) -> None:
        """Waits while the program has more to read than it reads; what nobody can read is dropped."""
        self._data += data
        self._flush()
        while len(self._data) > LIMIT:
            await self._less.wait()

    def push(self, data: bytes) -> None:
        """Without waiting; dropped when the program does not read."""
        if len(self._data) <= LIMIT:
            self._data += data
            self._flush()

    async def written(self) -> None:
        """Wait until the program's pipe has everything."""
        while self._data:
            await self._less.wait()

    def close(self) -> None:
        """Drop what is written, and what will be."""
        self._wait(False)
        self._descriptor = None
        self._flush()

    def _flush(self) -> None:
        try:
            while self._data and self._descriptor is not None:
                del self._data[: os.write(self._descriptor, self._data[:_CHUNK])]
        except BlockingIOError:
            self._wait(True)
        except OSError:  # EPIPE, EIO: nobody has the other end open
            self._data.clear()
        if self._descriptor is None or (self._waiting and _hung_up(self._descriptor)):
            self._data.clear()
        if not self._data:
            self._wait(False)
        self._less.set()
        self._less = asyncio.Event()

    def _wait(self, wait: bool) -> None:
        """Be called when the descriptor can be written to, or no more."""
        if self._descriptor is None or wait == self._waiting:
            return
        self._waiting = wait
        loop = asyncio.get_running_loop()
        if wait:
            loop.add_writer(self._descriptor, self._flush)
        else:
            loop.remove_writer(self._descriptor)


def _hung_up(descriptor: int) -> bool:
    """Whether it is of a terminal that nobody has open. Writing to its full queue fails with EAGAIN all the same."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))
