"""The terminal of a program: what it shows, and what of its stream clients are sent.

Imports asyncio and the terminal core.
"""

from __future__ import annotations

import asyncio
import termios
from collections.abc import Callable

from engine.containers.output.questions import Questions
from engine.terminal import Terminal

SCROLLBACK = 1_000  # lines
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
        columns, lines = _sized(master, columns, lines)
        self.terminal = Terminal(columns, lines, history=SCROLLBACK, reply=self._reply)

    def _reply(self, data: bytes) -> None:
        if self._answers:
            self._answer(data)

    async def rebuild(self, output: list[bytes]) -> None:
        """Bring the core to where the log of an earlier engine ends. What it answers there was answered then."""
        for data in output:
            self.feed(data)
            await asyncio.sleep(0)  # others first: a core eats some megabytes in a second
        self._answers = True

    def feed(self, data: bytes) -> bytes:
        """Show output; what of it clients are sent."""
        self.blank = False
        self.terminal.feed(data)
        return self._questions.taken_out(data)

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
