"""Waits for descriptors and for moments: epoll(7). Standard library only."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable

Handler = Callable[[int], None]  # takes the events of epoll(7)

READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class Loop:
    """Descriptors with what is waited for, and handlers. What waits for nothing is not in the epoll set: it would
    report a hang-up again and again."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._waiting: dict[int, int] = {}  # events by descriptor
        self._starved: list[Callable[[], None]] = []
        self.sweep: Callable[[], float | None] = lambda: None  # called now and then; seconds until it wants to be again

    def watch(self, sock: socket.socket, handler: Handler, events: int = READ) -> None:
        """Call the handler with what happens."""
        self._handlers[sock.fileno()] = handler
        self.want(sock, events)

    def want(self, sock: socket.socket, events: int) -> None:
        """Wait for other events than before."""
        fd = sock.fileno()
        before = self._waiting.get(fd, 0)
        if events == before:
            return
        if not events:
            self._epoll.unregister(fd)
            del self._waiting[fd]
            return
        if before:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._waiting[fd] = events

    def drop(self, sock: socket.socket) -> None:
        """Forget it and close it; may be called again."""
        if sock.fileno() < 0:
            return
        self.want(sock, 0)
        self._handlers.pop(sock.fileno(), None)
        sock.close()
        starved, self._starved = self._starved, []
        for again in starved:
            again()

    def starve(self, sock: socket.socket) -> None:
        """There are no descriptors left to accept with: wait until one is closed."""

        def again() -> None:
            if sock.fileno() >= 0:
                self.want(sock, READ)

        self.want(sock, 0)
        self._starved.append(again)

    def run(self) -> None:
        """For ever."""
        while True:
            pause = self.sweep()
            for fd, events in self._epoll.poll(-1 if pause is None else pause):
                if fd in self._waiting:  # an earlier handler may have closed it
                    self._handlers[fd](events)


def is_starving(error: OSError) -> bool:
    """Whether descriptors have run out, ours or the machine's."""
    return error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def now() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()
