"""heliosh as its users have it: on a real terminal, typed at and read from; and the kernel's view of its processes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HELIOSH = [sys.executable, "-P", "-m", "engine.shell"]
PROMPT = "ready> "
DEADLINE = 20.0
REPORT = re.compile(rb"\x1b\]7717;heliosh;([ -~]*)\x1b\\")
UNFINISHED = re.compile(rb"\x1b(\][ -~]*\x1b?)?\Z")


class Stat(NamedTuple):
    """Of /proc/PID/stat (proc_pid_stat(5))."""

    state: str  # R, S, T (stopped), Z (zombie) …
    ppid: int
    pgrp: int
    session: int
    tpgid: int


def stat_of(pid: int) -> Stat | None:
    """What the kernel says of a process; None if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()  # comm: any bytes
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[3]), int(fields[5]))


def children_of(pid: int) -> dict[int, Stat]:
    """All processes whose parent it is, zombies too."""
    found = {int(name): stat_of(int(name)) for name in os.listdir("/proc") if name.isdecimal()}
    return {child: stat for child, stat in found.items() if stat is not None and stat.ppid == pid}


def states_of_group(pgid: int) -> list[str]:
    """The states of all processes of a process group."""
    found = [stat_of(int(name)) for name in os.listdir("/proc") if name.isdecimal()]
    return [stat.state for stat in found if stat is not None and stat.pgrp == pgid]


class ShellTerminal:
    """A program, heliosh if no other is named, that leads a session on a terminal of its own.

    `screen` is all that it has written so far, without job reports; these are in `reports`.
    """

    def __init__(self, *arguments: str, command: list[str] | None = None, env: dict[str, str] | None = None) -> None:
        environ = {**os.environ, "TERM": "dumb", "PS1": PROMPT, "PS2": "more> ", **(env or {})}
        words = (command or HELIOSH) + list(arguments)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execvpe(words[0], words, environ)
        os.set_blocking(self.fd, False)
        self.screen = ""
        self.reports: list[dict[str, Any]] = []
        self._raw = b""
        self._seen = 0

    def send(self, text: str) -> None:
        """Type it. Control characters are keys."""
        os.write(self.fd, text.encode())

    def expect(self, text: str) -> str:
        """Wait until that is written, behind what was waited for before; what stood in front of it."""
        return self._wait(lambda: self._found(re.escape(text)), text)

    def expect_match(self, pattern: str) -> re.Match[str]:
        """The same for a regular expression."""
        self._wait(lambda: self._found(pattern), pattern)
        match = re.search(pattern, self.screen[self._before :])
        assert match is not None
        return match

    def run(self, line: str) -> str:
        """Type a line; what is written up to the next prompt, without the line's own echo."""
        self.send(line + "\n")
        self.expect(line + "\r\n")
        return self.expect(PROMPT).replace("\r\n", "\n")

    def until_report(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a job report, among all that have come, for which this is true."""
        self._wait(lambda: "" if any(wanted(report) for report in self.reports) else None, "a report")
        return next(report for report in self.reports if wanted(report))

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for what only the kernel's tables tell; there is no event for it, so they are looked at again."""
        end = time.monotonic() + DEADLINE
        while not true():
            assert time.monotonic() < end, f"it did not happen; the screen: {self.screen[-2000:]!r}"
            if select.select([self.fd], [], [], 0.005)[0]:
                self._read()

    def foreground(self) -> int:
        """The process group that has the terminal now."""
        data = fcntl.ioctl(self.fd, termios.TIOCGPGRP, bytes(4))
        return int(struct.unpack("i", data)[0])

    def modes(self) -> list[Any]:
        """termios of the terminal."""
        return termios.tcgetattr(self.fd)

    def end(self) -> int:
        """Wait until it ends; the status as a shell tells it."""
        self._wait(lambda: "" if self._read() is None else None, "the end")
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self.fd)
        self.fd = -1

    def close(self) -> None:
        """End what is left of the session."""
        if self.fd >= 0:
            self.hang_up()
        if self.pid:
            for number in os.listdir("/proc"):
                if number.isdecimal() and (stat := stat_of(int(number))) and stat.session == self.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(number), signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    _before = 0

    def _found(self, pattern: str) -> str | None:
        match = re.search(pattern, self.screen[self._seen :])
        if match is None:
            return None
        self._before = self._seen
        self._seen += match.end()
        return self.screen[self._before : self._before + match.start()]

    def _wait(self, done: Callable[[], str | None], what: str) -> str:
        end = time.monotonic() + DEADLINE
        while (found := done()) is None:
            left = end - time.monotonic()
            assert left > 0, f"{what!r} did not come; the screen: {self.screen[-2000:]!r}"
            if select.select([self.fd], [], [], left)[0] and self._read() is None:
                found = done()
                assert found is not None, f"the shell ended before {what!r}; the screen: {self.screen[-2000:]!r}"
                return found
        return found

    def _read(self) -> int | None:
        """Take what is there; None at the end."""
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno == errno.EIO:
                return None
            raise
        self._raw += data
        for match in REPORT.finditer(self._raw):
            self.reports.append(json.loads(match[1]))
        text = REPORT.sub(b"", self._raw)
        unfinished = UNFINISHED.search(text)
        self._raw, text = (text[unfinished.start() :], text[: unfinished.start()]) if unfinished else (b"", text)
        self.screen += text.decode("utf-8", "replace")
        return len(data) or None


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A Shell made in this very process arranges its signals; the next test has the old ones."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) != handler:
            signal.signal(number, handler)


Terminals = Callable[..., ShellTerminal]


@pytest.fixture
def terminals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminals]:
    """Makes terminals with programs; all are gone after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HELIOSTUI_JOBS", raising=False)
    opened: list[ShellTerminal] = []

    def terminal(*arguments: str, **options: Any) -> ShellTerminal:
        opened.append(ShellTerminal(*arguments, **options))
        return opened[-1]

    yield terminal
    for each in opened:
        each.close()


@pytest.fixture
def shell(terminals: Terminals) -> ShellTerminal:
    """An interactive heliosh at its prompt."""
    started = terminals()
    started.expect(PROMPT)
    return started
