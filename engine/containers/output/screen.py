"""The terminal of a program: what it shows, and what of its stream clients are sent.

Imports asyncio and the terminal core.
"""

from __future__ import annotations

import asyncio
import termios
from collections.abc import Callable

from engine.containers.output.checkpoint import Snapshot
from engine.containers.output.questions import Questions
from engine.terminal import Terminal
from engine.terminal.reports import Reports

SCROLLBACK = 10_000  # lines
LARGEST = 2_000  # columns or lines


class Screen:
    """What the terminal whose master is `master` shows. `columns` and `lines` are for one that has no size yet;
    `answer` takes what the program's questions are answered, from `rebuild` on.
    """

    def __init__(self, master: int, columns: int, lines: int, answer: Callable[[bytes], None]) -> None:
        self._master = master
        self._answer = answer
        self._answers = False
        self.blank = True
        """Nothing was ever written to it."""
        self._questions = Questions()
        self._reports = Reports()
        self._last_report = b""
        self.on_report: Callable[[bytes], None] = lambda _report: None
        """Called with what the shell in it says of its jobs."""
        columns, lines = _sized(master, columns, lines)
        self.terminal = Terminal(columns, lines, history=SCROLLBACK, reply=self._reply)

    def _reply(self, data: bytes) -> None:
        if self._answers:
            self._answer(data)

    async def rebuild(self, snapshot: Snapshot | None, output: list[bytes]) -> None:
        """Bring the core to where the log of an earlier engine ends. What it answers there was answered then."""
        size = self.size
        if snapshot is not None:
            self.terminal.resize(snapshot.columns, snapshot.lines)
            self.terminal.feed(snapshot.drawn)
            self.blank = snapshot.blank
            self._hear([snapshot.report] if snapshot.report else [])
        for data in output:
            self.feed(data)
            await asyncio.sleep(0)  # others first: a core eats some megabytes in a second
        self.terminal.resize(*size)
        self._answers = True

    def feed(self, data: bytes) -> bytes:
        """Show output; what of it clients are sent."""
        data, reports = self._reports.taken_out(data)
        self._hear(reports)
        if data:
            self.blank = False
            self.terminal.feed(data)
        return self._questions.taken_out(data)

    def _hear(self, reports: list[bytes]) -> None:
        for report in reports:
            self._last_report = report
            self.on_report(report)

    def snapshot(self, place: int, history: int) -> Snapshot:
        """The screen with so many lines of scrollback; `place`: bytes that were fed. What may yet become a report is
        not in it, and fed again."""
        columns, lines = self.size
        return Snapshot(
            place=place - len(self._reports.held),
            columns=columns,
            lines=lines,
            blank=self.blank,
            drawn=self.terminal.redraw(history),
            report=self._last_report,
        )

    @property
    def rest(self) -> bytes:
        """What was kept from the clients because it might have become something else than output."""
        return self._questions.held + self._reports.held

    @property
    def held(self) -> bytes:
        """The beginning of a sequence, which clients are sent when it is whole."""
        return self._questions.held

    def redraw(self, history: int = 0) -> bytes:
        """The screen as a stream, with so many lines of scrollback, ending where what clients are sent next begins."""
        return self.terminal.redraw(history).removesuffix(self.held)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self.terminal.columns, self.terminal.lines

    def resize(self, columns: int, lines: int) -> bool:
        """Give the terminal a size, or the nearest sensible one; whether it is another."""
        columns, lines = _sensible(columns, lines)
        if (columns, lines) == self.size:
            return False
        termios.tcsetwinsize(self._master, (lines, columns))
        self.terminal.resize(columns, lines)
        return True


def _sized(terminal: int, columns: int, lines: int) -> tuple[int, int]:
    """The size that the terminal has, after giving it one if need be."""
    now_lines, now_columns = termios.tcgetwinsize(terminal)
    if now_lines and now_columns:
        return now_columns, now_lines
    columns, lines = _sensible(columns, lines)
    termios.tcsetwinsize(terminal, (lines, columns))
    return columns, lines


def _sensible(columns: int, lines: int) -> tuple[int, int]:
    return max(2, min(columns, LARGEST)), max(1, min(lines, LARGEST))
