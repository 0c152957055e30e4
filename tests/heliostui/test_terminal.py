"""`heliostui run -it`, `attach` and `exec -it` on a real terminal, with a real engine."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Iterator

import pytest

from .conftest import CommandLine, UserTerminal

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def shell(cli: CommandLine, request: pytest.FixtureRequest) -> Iterator[tuple[str, UserTerminal]]:
    """A container's name and the terminal on which its shell has just given a prompt."""
    name = f"shell_{abs(hash(request.node.name)) % 10**8}"
    with cli.terminal("run", "-it", "-e", "PS1=%% ", "--name", name, "host", "sh") as terminal:
        terminal.until(b"%% ")
        yield name, terminal
    if name in cli.containers():
        cli.ok("rm", "-f", name)


def cooked(terminal: UserTerminal) -> bool:
    """Whether the terminal echoes and edits lines, as shells leave it."""
    modes = termios.tcgetattr(terminal.process.fd)[3]
    return bool(modes & termios.ECHO and modes & termios.ICANON and modes & termios.ISIG)


def test_a_shell_has_a_terminal_of_the_user_s_size(cli: CommandLine) -> None:
    with cli.terminal("run", "--rm", "-it", "host", "stty", "size", columns=101, lines=31) as terminal:
        terminal.until(b"31 101")
        assert terminal.end() == 0


def test_the_exit_status_comes_back_and_the_terminal_is_as_before(shell: tuple[str, UserTerminal]) -> None:
    _, terminal = shell
    assert not cooked(terminal)
    terminal.type(b"exit 3\r")
    assert terminal.end() == 3
    assert cooked(terminal)


def test_run_alone_is_a_shell(cli: CommandLine) -> None:
    with cli.terminal("run") as terminal:
        terminal.type(b"echo $((40 + 2)); exit 5\r")
        terminal.until(b"42")
        assert terminal.end() == 5


def test_a_new_size_reaches_the_program(cli: CommandLine) -> None:
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done"
    with cli.terminal("run", "--rm", "-it", "host", "sh", "-c", script) as terminal:
        terminal.until(b"ready")
        terminal.process.setwinsize(40, 120)
        terminal.until(b"40 120")
        assert terminal.end() == 0


def test_ctrl_c_is_a_key_of_the_program(shell: tuple[str, UserTerminal]) -> None:
    _, terminal = shell
    terminal.type(b"sh -c 'echo re\"\"ady; exec sleep 600'\r")
    terminal.until(b"ready")
    terminal.type(b"\x03")
    terminal.until(b"%% ")
    terminal.type(b"echo on''ward\r")
    terminal.until(b"onward")


def test_ctrl_p_ctrl_q_leaves_and_attach_comes_back_to_the_same_screen(
    cli: CommandLine, shell: tuple[str, UserTerminal]
) -> None:
    name, terminal = shell
    terminal.type(b"echo mark''er\r")
    terminal.until(b"marker")
    terminal.type(b"\x10\x11")
    terminal.until(f"[detached from {name}]".encode())
    assert terminal.end() == 0
    assert cooked(terminal)
    assert cli.containers()[name]["status"] == "running"
    with cli.terminal("attach", name) as again:
        again.until(b"marker")
        again.type(b"exit 8\r")
        assert again.end() == 8


def test_a_lone_ctrl_p_reaches_the_program(cli: CommandLine) -> None:
    script = "stty raw -echo; printf ready; head -c 1 | od -An -tx1"
    with cli.terminal("run", "--rm", "-it", "host", "sh", "-c", script) as terminal:
        terminal.until(b"ready")
        terminal.type(b"\x10")
        terminal.until(b"10")
        assert terminal.end() == 0


def test_two_terminals_see_the_same(cli: CommandLine, shell: tuple[str, UserTerminal]) -> None:
    name, terminal = shell
    with cli.terminal("attach", name) as other:
        other.until(b"%% ")
        other.type(b"echo fro''m other\r")
        other.until(b"from other")
        terminal.until(b"from other")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_window_leaves_the_container_running(
    cli: CommandLine, shell: tuple[str, UserTerminal], number: signal.Signals
) -> None:
    name, terminal = shell
    terminal.process.kill(number)
    assert terminal.end() == 128 + number
    assert cooked(terminal)
    assert cli.containers()[name]["status"] == "running"


def test_what_a_killed_full_screen_program_left_on_is_switched_off(cli: CommandLine) -> None:
    script = r"printf '\033[?1049h\033[?1000h\033[?25lfull'; exec sleep 600"
    with cli.terminal("run", "--rm", "-it", "--name", "full", "host", "sh", "-c", script) as terminal:
        terminal.until(b"full")
        cli.ok("kill", "full")
        assert terminal.end() == 137
        for switch in (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h"):
            assert switch in terminal.shown
        assert cooked(terminal)


def test_exec_gives_a_second_terminal(cli: CommandLine, shell: tuple[str, UserTerminal]) -> None:
    name, _ = shell
    with cli.terminal("exec", "-it", "-e", "PS1=second ", name, "sh", columns=90, lines=30) as terminal:
        terminal.until(b"second ")
        terminal.type(b"stty size; exit 6\r")
        terminal.until(b"30 90")
        assert terminal.end() == 6


def test_a_session_outlives_the_engine(cli: CommandLine, shell: tuple[str, UserTerminal]) -> None:
    _, terminal = shell
    terminal.type(b"echo bef''ore\r")
    terminal.until(b"before")
    os.kill(cli.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
    terminal.until(b"before")  # drawn anew
    terminal.type(b"echo af''ter; exit 4\r")
    terminal.until(b"after")
    assert terminal.end() == 4


def test_a_new_terminal_leaves_what_is_on_the_screen(cli: CommandLine) -> None:
    with cli.terminal("run", "--rm", "-t", "host", "echo", "hello") as screen:
        assert screen.end() == 0
        assert screen.shown.startswith(b"hello\r")


def test_a_terminal_in_a_pipe_is_what_the_program_wrote(cli: CommandLine) -> None:
    assert cli("run", "--rm", "-t", "host", "echo", "hello").stdout == "hello\n"  # text mode makes one of \r\n
