"""Promises about lines that carry little, or nothing for a while: the latest is seen, and nobody else notices."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from engine.terminal import Terminal
from widgets.line_speed import ANSWER, LOST, QUESTION

from .conftest import PATIENCE, CommandLine, UserTerminal

COLUMNS, LINES = 100, 30
FLOOD = ["sh", "-c", "while :; do seq 1 2000; sleep 0.05; done"]


class Screen:
    """What somebody sees at the end of a line that carries `rate` bytes a second; it answers when all has arrived."""

    def __init__(self, user: UserTerminal) -> None:
        self.user = user
        self.terminal = Terminal(COLUMNS, LINES)
        self.rate = 10_000_000.0
        self.answering = True
        self.seen = 0
        self._unanswered = 0
        self._since = 0

    def look(self, patience: float) -> None:
        """At what comes now."""
        if not select.select([self.user.process.fd], [], [], patience)[0]:
            return
        data = self.user.process.read(65_536)
        self.seen += len(data)
        self._since += len(data)
        self.terminal.feed(data)
        self._unanswered += data.count(QUESTION.encode())
        if self._unanswered and self.answering:
            time.sleep(self._since / self.rate)  # as long as a line of that rate takes
            self.answer()

    def answer(self) -> None:
        self.user.type(ANSWER.encode() * self._unanswered)
        self._unanswered = self._since = 0

    def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, self.text()
            self.look(0.1)

    def text(self) -> str:
        return self.terminal.text()


@pytest.fixture
def screen(cli: CommandLine) -> Iterator[Screen]:
    """The console, and one container."""
    cli.ok("run", "-d", "--name", "first", "host", "sleep", "600")
    with cli.terminal(columns=COLUMNS, lines=LINES) as user:
        shown = Screen(user)
        shown.until(lambda: "first" in shown.text())
        yield shown
        shown.answering = True
        user.type(b"q")
    cli.ok("rm", "-f", "first")


def flood(screen: Screen, cli: CommandLine) -> None:
    """A container whose terminal changes all the time, and is looked at."""
    cli.ok("run", "-d", "--name", "flood", "-t", "host", *FLOOD)
    screen.until(lambda: "flood" in screen.text())
    keys = cycle([b"\x1b[B", b"\x1b[A"])  # it may stand above the other or below

    def seen() -> bool:
        if "flood · running" not in screen.text():
            screen.user.type(next(keys))
            screen.look(1)
        return "1999" in screen.text()

    screen.until(seen)


def test_a_slow_line_is_recognised_and_the_top_line_says_so(screen: Screen) -> None:
    keys = cycle([b"?", b"\x1b"])

    def is_fast() -> bool:
        """On a busy machine any line may have been slow, and that it is no longer is seen when much is drawn."""
        if "slow line" not in screen.text():
            return True
        screen.user.type(next(keys))
        screen.look(1)
        return False

    screen.until(is_fast)
    screen.rate = 16_000

    def recognised() -> bool:
        screen.user.type(b"?")
        screen.until(lambda: "Escape closes" in screen.text() or "slow line" in screen.text())
        screen.user.type(b"\x1b")
        screen.look(1)
        return "slow line" in screen.text()

    screen.until(recognised)


def test_a_terminal_that_takes_all_and_shows_nothing_gets_little_meanwhile_and_then_the_latest(
    screen: Screen, cli: CommandLine
) -> None:
    flood(screen, cli)
    screen.answering, before, since = False, screen.seen, time.monotonic()
    cli.ok("run", "-d", "--name", "meanwhile", "host", "sleep", "600")
    with cli.popen("stats", "--format", "json", "first", stdout=-1) as stats:
        assert stats.stdout is not None
        for _ in range(3):
            assert stats.stdout.readline()
            screen.look(0)
        stats.terminate()
    allowed = 3 + (time.monotonic() - since) / LOST  # frames
    assert screen.seen - before < allowed * COLUMNS * LINES
    screen.answering = True
    screen.answer()
    screen.until(lambda: "meanwhile" in screen.text())
    cli.ok("rm", "-f", "flood", "meanwhile")


def test_a_terminal_that_nobody_reads_stops_neither_the_engine_nor_other_consoles(
    screen: Screen, cli: CommandLine
) -> None:
    flood(screen, cli)
    with cli.terminal(columns=COLUMNS, lines=LINES) as user:
        other = Screen(user)
        other.until(lambda: "flood" in other.text())
        cli.ok("run", "-d", "--name", "meanwhile", "host", "sleep", "600")
        other.until(lambda: "meanwhile" in other.text())
        cli.ok("rm", "-f", "flood", "meanwhile")
        other.until(lambda: "meanwhile" not in other.text())
        user.type(b"q")
    screen.until(lambda: "flood" not in screen.text())
