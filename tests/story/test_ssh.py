"""`ssh host heliostui`: the console over a real sshd, and what a lost connection costs. As root and as anybody."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress

import psutil
import pytest
from ptyprocess import PtyProcess

from engine.terminal import Terminal
from tests.sshd import Sshd, sshd
from tests.story.conftest import PATIENCE, Person, Screen

TEN_SECONDS = "end=$(($(date +%s) + 10)); while [ $(date +%s) -lt $end ]; do seq 1 500; done; echo over-$((6 * 7))"


class Far(Screen):
    """A screen here whose program is on the other side of ssh."""

    def __init__(
        self, server: Sshd, person: Person, *command: str, term: str = "xterm-256color", options: Sequence[str] = ()
    ) -> None:
        columns, lines = 80, 24
        self.terminal = Terminal(columns, lines, reply=self._reply)
        environment = {**os.environ, "TERM": term}
        words = server.ssh("-tt", *options, "there", *(command or ("heliostui",)))
        self.process = PtyProcess.spawn(words, env=environment, dimensions=(lines, columns))
        self.person = person

    def resize(self, columns: int, lines: int) -> None:
        self.terminal.resize(columns, lines)
        self.process.setwinsize(lines, columns)


@pytest.fixture
def server(anybody: Person) -> Iterator[Sshd]:
    programs = anybody.directory / "bin"
    programs.mkdir()
    program = programs / "heliostui"
    program.write_text(f'#!/bin/sh\nexec {anybody.python} -P -m heliostui "$@"\n')
    program.chmod(0o755)
    kept = ("HELIOSTUI_RUNTIME", "HELIOSTUI_STATE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    said = {name: anybody.environment[name] for name in kept if name in anybody.environment}
    said |= {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(anybody.directory)}
    with sshd(said, user=anybody.account.pw_name) as running:
        yield running


def consoles(person: Person) -> set[int]:
    """The pids of this person's consoles: heliostui without a verb, and not on loan from other tests."""
    found = set()
    for process in psutil.process_iter(["cmdline", "uids"]):
        words = process.info["cmdline"] or []
        if words[-2:] == ["-m", "heliostui"] and process.info["uids"].real == person.account.pw_uid:
            with suppress(psutil.Error):
                if process.environ().get("HELIOSTUI_RUNTIME") == person.environment["HELIOSTUI_RUNTIME"]:
                    found.add(process.pid)
    return found


def ended(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            assert select.select([pidfd], [], [], PATIENCE)[0], f"process {pid} does not end"
            os.close(pidfd)


def test_keys_colours_and_size_go_through_and_a_lost_connection_loses_nothing(anybody: Person, server: Sshd) -> None:
    with Far(server, anybody) as screen:
        screen.until("No containers yet")
        assert b"38;" in screen.terminal.redraw()  # colours
        screen.type("t")
        screen.until("ctrl+]")
        screen.type("echo kept-$((6 * 7))\r")
        screen.until("kept-42")
        screen.type("sh -c 'until stty size | grep -q \" 120$\"; do sleep 0.1; done; echo wide-$((6 * 7))'\r")
        screen.until("done; echo")
        screen.resize(120, 30)
        screen.until("wide-42")
        lost = consoles(anybody)
        assert len(lost) == 1
        os.kill(screen.process.pid, signal.SIGKILL)
        ended(lost)
    with Far(server, anybody) as screen:
        screen.until("  1 ")
        screen.type("\x1b1")  # alt+1: the first terminal
        screen.until("kept-42")
        again = consoles(anybody)
        for pid in server.sessions():
            with suppress(ProcessLookupError):  # some end with others
                os.kill(pid, signal.SIGKILL)
        ended(again)
    with Far(server, anybody, "heliostui", "terminal", "close", "t1") as screen:
        assert screen.end() == 0


def test_a_connection_that_is_not_read_for_ten_seconds_holds_up_nobody_else(anybody: Person, server: Sshd) -> None:
    with Far(server, anybody) as stalled, Far(server, anybody) as other:
        stalled.until("No containers yet")
        stalled.type("t")
        stalled.until("ctrl+]")
        other.until("  1 ")
        other.type("\x1b1")  # alt+1: the same terminal
        other.until("ctrl+]")
        stalled.type(f"sh -c '{TEN_SECONDS}'")
        other.until("7))'")
        os.kill(stalled.process.pid, signal.SIGSTOP)
        other.type("\r")
        other.until("over-42")
        other.type("echo quick-$((7 * 7))\r")
        other.until("quick-49")
        os.kill(stalled.process.pid, signal.SIGCONT)
        stalled.until("over-42", "quick-49")
    with Far(server, anybody, "heliostui", "terminal", "close", "t1") as screen:
        assert screen.end() == 0


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal", "linux", "screen"])
def test_odd_terminals_get_a_console_too(anybody: Person, server: Sshd, term: str) -> None:
    with Far(server, anybody, term=term) as screen:
        screen.until("No containers yet")
        screen.type("q")
        assert screen.end() == 0


def test_without_a_terminal_the_console_says_so(anybody: Person, server: Sshd) -> None:
    with Far(server, anybody, "heliostui", "</dev/null") as screen:
        assert screen.end() == 2
        assert "the console needs a terminal" in screen.terminal.text()


def test_a_console_whose_terminal_is_gone_ends_though_it_ignores_the_hang_up(anybody: Person) -> None:
    def deaf() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        anybody.become()

    environment = {**anybody.environment, "TERM": "xterm-256color"}
    process = PtyProcess.spawn(
        [anybody.python, "-P", "-m", "heliostui"], env=environment, dimensions=(24, 80), preexec_fn=deaf
    )
    shown = b""
    while b"containers" not in shown.lower():
        assert select.select([process.fd], [], [], PATIENCE)[0]
        shown += process.read(65536)
    os.close(process.fd)
    ended({process.pid})
