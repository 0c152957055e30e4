"""Keys, mouse and clipboard of a real console: what its terminal sends is what a program inside gets."""

from __future__ import annotations

import base64
import select
import time
from collections.abc import Iterator

import pytest

from engine.terminal import Terminal

from .conftest import PATIENCE, CommandLine, UserTerminal

COLUMNS, LINES = 120, 40
LONE = 0.1  # seconds between keys, so that a lone escape is one

KEYS = [
    *(b"\x1b" + bytes([code]) for code in b"abfxXZ019.,/-=;'`~!@#$%^&*()_+{}|:<>?\\]"),
    *(b"\x1b[1;%d%c" % (modifier, final) for modifier in (2, 3, 4, 5, 6, 7, 8) for final in b"ABCD"),
    *(b"\x1b[1;3%c" % final for final in b"HFPQRS"),
    *(b"\x1b[%d~" % number for number in (2, 3, 5, 6, 15, 17, 18, 19, 20, 21, 23, 24)),
    *(b"\x1b[%d;5~" % number for number in (3, 5, 6, 15, 24)),
    *(b"\x1bOP", b"\x1bOS", b"\x1b[1;2P", b"\x1b[Z", b"\x1b[A", b"\x1b[H", b"\x1b[F"),
    *(bytes([code]) for code in (0, 1, 3, 4, 8, 9, 13, 17, 19, 26, 28, 30, 31, 127)),
    *(b"\x1b\x7f", b"\x1b\r", b"\x1b\x01", b"\x1b[", b"\x1bO", b"\x1b"),
]


def shown_by_cat(data: bytes) -> str:
    """As `cat -v` writes it; tabs and line ends it leaves as they are."""
    text = ""
    for code in data:
        text += "^?" if code == 0x7F else chr(code) if code >= 0x20 else f"^{chr(code + 64)}"
    return text


class Console:
    """A console with a program on its terminal."""

    def __init__(self, terminal: UserTerminal) -> None:
        self.terminal = terminal
        self.screen = Terminal(COLUMNS, LINES)
        self.written = b""

    def read(self, patience: float) -> bool:
        ready, _, _ = select.select([self.terminal.process.fd], [], [], patience)
        if ready:
            data = self.terminal.process.read(65536)
            self.written += data
            self.screen.feed(data)
        return bool(ready)

    def until(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.screen.text():
            assert time.monotonic() < end, f"{text!r} is not on the screen:\n{self.screen.text()}"
            self.read(1.0)

    def until_written(self, data: bytes) -> None:
        end = time.monotonic() + PATIENCE
        while data not in self.written:
            assert time.monotonic() < end, f"{data!r} was not written"
            self.read(1.0)

    def quiet(self) -> None:
        while self.read(0.3):
            pass


@pytest.fixture
def console(cli: CommandLine, request: pytest.FixtureRequest) -> Iterator[Console]:
    """A console whose keys go to the program of the parameter."""
    name = "keys"
    cli.ok("run", "-d", "-it", "--name", name, "host", "sh", "-c", request.param)
    with cli.terminal(columns=COLUMNS, lines=LINES) as terminal:
        found = Console(terminal)
        found.until(name)
        found.quiet()
        terminal.type(b"\r")
        found.until("has the keys")
        found.until("ready")
        found.quiet()
        yield found
    cli.ok("rm", "-f", name)


ECHO = "stty raw -echo opost onlcr; printf 'ready\\r\\n'; exec cat -vT"


@pytest.mark.parametrize("console", [ECHO], indirect=True)
def test_every_key_arrives_as_the_terminal_sent_it(console: Console) -> None:
    for number, key in enumerate(KEYS):
        if number % 4 == 0:  # a line of its own for some, so that none is wrapped
            console.terminal.type(b"\n")
        mark = f"<{number}>"
        console.terminal.type(key)
        if key in (b"\x1b", b"\x1b[", b"\x1bO"):
            time.sleep(LONE)
        console.terminal.type(mark.encode())
        console.until(mark)
        line = next(line for line in reversed(console.screen.text().splitlines()) if mark in line)
        got = line[: line.index(mark)].rpartition(f"<{number - 1}>")[2]
        assert got == shown_by_cat(key), key


@pytest.mark.parametrize("console", [ECHO], indirect=True)
def test_a_paste_of_a_megabyte_arrives_whole_and_in_order(console: Console) -> None:
    # Its sum is taken by a program inside: what is seen on the screen is only the end.
    text = b"".join(b"%07d" % n for n in range(150_000))
    console.terminal.type(b"\x1b[200~" + text + b"\x1b[201~")
    console.until("0149998" + "0149999")


@pytest.mark.parametrize("console", ["echo ready; read x; printf '\\033]52;c;Y29waWVk\\a'; exec cat"], indirect=True)
def test_what_a_program_copies_is_on_the_users_clipboard_and_that_is_said(console: Console) -> None:
    console.terminal.type(b"\r")
    console.until_written(b"\x1b]52;c;" + base64.b64encode(b"copied") + b"\a")
    console.until("copied 6 characters")


@pytest.mark.parametrize("console", ["echo ready; echo take this; exec cat"], indirect=True)
def test_what_is_dragged_over_is_on_the_users_clipboard(console: Console) -> None:
    y, x = next((y, line.index("take")) for y, line in enumerate(console.screen.text().splitlines()) if "take" in line)
    for code, column, end in ((0, x, "M"), (32, x + 8, "M"), (0, x + 8, "m")):
        console.terminal.type(f"\x1b[<{code};{column + 1};{y + 1}{end}".encode())
    console.until_written(b"\x1b]52;c;" + base64.b64encode(b"take this") + b"\a")


def test_the_console_is_as_large_as_its_terminal_whatever_is_in_the_environment(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cli.environment, "COLUMNS", "80")
    monkeypatch.setitem(cli.environment, "LINES", "24")
    with cli.terminal(columns=COLUMNS, lines=LINES) as user:
        user.sees("Leave")
        assert "Leave" in user.screen.text().splitlines()[LINES - 1]
        user.type(b"q")
        assert user.end() == 0
