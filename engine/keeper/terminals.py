"""The keeper's terminals: programs of the host, started by itself, or where it is rootless by the process outside.

Standard library only.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.keeper import wire
from engine.keeper.held import Held
from engine.keeper.spawn import Refused, Terminal, open_terminal, spawn

if TYPE_CHECKING:
    from engine.keeper.keeper import Keeper


@dataclass(frozen=True)
class Opening:
    """What an engine has asked for."""

    key: str
    number: int  # the engine's, to answer with
    engine: socket.socket | None
    terminal: Terminal


class Terminals:
    """Opens terminals for `keeper`. `outside`: the socket to the process there, and its pid."""

    def __init__(self, keeper: Keeper, outside: tuple[socket.socket, int] | None) -> None:
        self._keeper = keeper
        self._openings: dict[int, Opening] = {}  # that the process outside is busy with
        self._number = 0
        self._rootless = outside is not None
        self._outside: socket.socket | None = None
        if outside is not None:
            self._outside, self._pid = outside
            self._outbox, self._frames = wire.Outbox(self._outside), wire.Assembler()
            keeper.watch(self._outside.fileno(), self._hear)

    def open(self, request: dict[str, Any]) -> None:
        """Start a program on a new terminal; the engine is answered now or later."""
        key, number = request["key"], request["n"]
        if key in self._keeper.held or any(key == opening.key for opening in self._openings.values()):
            self._refuse(key, number, "internal", "there is such a terminal already")
            return
        try:
            terminal = open_terminal(request["columns"], request["lines"])
        except OSError as error:
            self._refuse(key, number, "launch_failed", f"there is no terminal to be had: {error.strerror}")
            return
        opening = Opening(key, number, self._keeper.engine, terminal)
        if not self._rootless:
            self._attempt(opening, lambda: spawn(request, os.ttyname(terminal.slave)))
        elif self._outside is None:
            why = "the process that starts programs outside of the user namespace is gone; restart the engine"
            self._failed(opening, "internal", why)
        else:
            self._number += 1
            self._openings[self._number] = opening
            self._tell({**request, "n": self._number, "terminal": os.ttyname(terminal.slave)})

    def _attempt(self, opening: Opening, start: Callable[[], int]) -> None:
        try:
            pid = start()
        except Refused as refusal:
            self._failed(opening, refusal.code, refusal.why)
        else:
            self._started(opening, pid)

    def _started(self, opening: Opening, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            self._kill(pid)
            self._failed(opening, "launch_failed", str(error.strerror))
            return
        if opening.engine is not self._keeper.engine:  # it was killed meanwhile, and nobody would ever use it
            os.close(pidfd)
            self._kill(pid)
            opening.terminal.close()
            return
        os.close(opening.terminal.slave)
        held = Held(opening.key, pid, pidfd, True, opening.terminal.descriptors, child=not self._rootless)
        if self._rootless:
            self._tell({"do": "watch", "pid": pid})
        self._keeper.hold(held)
        self._keeper.say({"is": "spawned", "n": opening.number, "error": None, **held.header()}, fds=held.fds())

    def _kill(self, pid: int) -> None:
        if self._rootless:
            self._tell({"do": "kill", "pid": pid})
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _failed(self, opening: Opening, code: str, why: str) -> None:
        opening.terminal.close()
        if opening.engine is self._keeper.engine:
            self._refuse(opening.key, opening.number, code, why)

    def _refuse(self, key: str, number: int, code: str, why: str) -> None:
        self._keeper.say({"is": "spawned", "n": number, "key": key, "code": code, "error": why})

    # The process outside

    def _tell(self, header: dict[str, Any]) -> None:
        if self._outside is None:
            return
        try:
            self._outbox.send(header)
            self._flush()
        except OSError:
            self._lose()

    def _flush(self) -> None:
        assert self._outside is not None
        out = self._outbox.flush()
        self._keeper.poll.modify(self._outside.fileno(), select.POLLIN if out else select.POLLIN | select.POLLOUT)

    def _hear(self) -> None:
        assert self._outside is not None
        try:
            self._flush()
            received = wire.receive(self._outside)
        except BlockingIOError:
            return
        except OSError:
            received = None
        if received is None:
            self._lose()
            return
        for header, _, _ in self._frames.feed(*received):
            self._take(header)

    def _take(self, header: dict[str, Any]) -> None:
        if header["is"] == "ended":
            for held in self._keeper.held.values():
                if held.pid == header["pid"] and not held.child and held.status is None:
                    held.status = header["status"]
                    self._keeper.say({"is": "ended", "key": held.key, "status": held.status})
            return
        opening = self._openings.pop(header["n"])
        if header["pid"] is None:
            self._failed(opening, header["code"], header["error"])
        else:
            self._started(opening, header["pid"])

    def _lose(self) -> None:
        """It was killed. Its children live on, but how they end nobody will know."""
        if self._outside is None:
            return
        self._keeper.unwatch(self._outside.fileno())
        self._outside.close()
        self._outside = None
        os.waitpid(self._pid, 0)
        for opening in self._openings.values():
            self._failed(opening, "internal", "the process that starts programs outside of the user namespace is gone")
        self._openings.clear()
        for held in self._keeper.held.values():
            if not held.child and held.status is None:
                self._keeper.watch_end(held)
