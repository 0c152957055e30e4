"""One opened terminal while it lives: its leader, its screen, and who takes part. Imports asyncio and the parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.containers.attach import Program
from engine.containers.attach import Session as Part
from engine.containers.keeper import Held
from engine.containers.output.log import Log
from engine.containers.output.screen import Screen
from engine.containers.output.stdio import Stdio
from engine.protocol.messages import Attached, JoinTerminal, TerminalSummary
from engine.sessions.acting import Jobs
from engine.sessions.board import Board
from engine.sessions.records import Record
from engine.spec.process import check_size

SETTLING = 0.1  # seconds in which changes are gathered before they are told


class Session:
    """`changed` is called when its summary is another, some moments after."""

    def __init__(self, record: Record, held: Held, stdio: Stdio, log: Log, changed: Callable[[Session], None]) -> None:
        assert stdio.screen is not None
        self.record = record
        self.held = held
        self.stdio = stdio
        self.screen: Screen = stdio.screen
        self.over = asyncio.Event()
        """Its program has ended, and nothing of it is left."""
        self.exit_code = 0
        self._log = log
        self._changed = changed
        self._clients = 0
        self._told = self.summary()
        self._telling: asyncio.TimerHandle | None = None
        self.board = Board(held.pid)
        self.jobs = Jobs(f"terminal {record.id}", held.pid, stdio, self.board)
        stdio.on_shown = self._look
        self.screen.on_report = self.board.report

    @property
    def id(self) -> str:
        return self.record.id

    def summary(self) -> TerminalSummary:
        """As it is listed."""
        columns, lines = self.screen.size
        return TerminalSummary(
            id=self.record.id,
            command=self.record.command,
            pid=self.held.pid,
            created_at=self.record.created_at,
            columns=columns,
            lines=lines,
            container=self.record.container,
            title=self.screen.terminal.title,
            directory=self.screen.terminal.directory,
            clients=self._clients,
        )

    def join(self, request: JoinTerminal) -> Part:
        """A part in it for one more client."""
        if request.input and request.columns is not None and request.lines is not None:
            check_size(request.columns, request.lines)
            self.stdio.resize(request.columns, request.lines)
        client = self.stdio.attach()
        self._clients += 1
        self._look()
        columns, lines = self.screen.size
        return Part(
            Attached(id=self.id, name=self.id, tty=True, columns=columns, lines=lines),
            Program(self.stdio, self.over, lambda: self.exit_code),
            client,
            input=request.input,
            left=self._left,
        )

    def _left(self) -> None:
        self._clients -= 1
        self._look()

    def _look(self) -> None:
        """Something has happened that may show in the summary."""
        if self._telling is None and not self.over.is_set():
            told, terminal = self._told, self.screen.terminal
            now = (terminal.title, terminal.directory, self._clients, self.screen.size)
            if now != (told.title, told.directory, told.clients, (told.columns, told.lines)):
                self._telling = asyncio.get_running_loop().call_later(SETTLING, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._told = self.summary()
        self._changed(self)

    def close(self) -> None:
        """Let go of it; it lives on if its program does."""
        if self._telling is not None:
            self._telling.cancel()
        self.board.close()
        self.stdio.close()
        self._log.close()
