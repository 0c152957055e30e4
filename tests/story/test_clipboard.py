"""What is copied in the console reaches the clipboard through a real tmux (OSC 52), also from the other end of ssh."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ptyprocess import PtyProcess

from engine.terminal import Terminal
from tests.sshd import sshd
from tests.story.conftest import Person, Screen
from tests.terminals import ended

COPY = "printf '\\033]52;c;%s\\a' $(printf 'carried over' | base64)\r"


class Tmux(Screen):
    """A terminal with tmux in it, and a program in that. `copied`: what the terminal was told to copy."""

    def __init__(self, person: Person, settings: str, program: str) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("there is no tmux here")
        self.copied: list[str] = []
        self.terminal = Terminal(100, 30, reply=self._reply, copy=self.copied.append)
        self.socket = person.directory / "tmux"
        settings_file = person.directory / "tmux.conf"
        settings_file.write_text(f"set -s escape-time 0\n{settings}\n")
        environment = {**person.environment, "TERM": "xterm-256color", "SHELL": "/bin/sh"}
        self.process = PtyProcess.spawn(
            ["tmux", "-S", str(self.socket), "-f", str(settings_file), "new-session", program],
            env=environment,
            dimensions=(30, 100),
        )

    def buffer(self) -> str:
        """tmux's newest buffer."""
        words = ["tmux", "-S", str(self.socket), "show-buffer"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True)
        ended(self.process)


@contextmanager
def copying(person: Person, settings: str, program: str) -> Iterator[Tmux]:
    """A console in tmux, in which a program has copied something."""
    with Tmux(person, settings, program) as screen:
        screen.until("No containers yet")
        screen.type("t")
        screen.until("ctrl+]")
        screen.type(COPY)
        screen.until("copied 12 characters")
        yield screen
        screen.type("exit\r")
        screen.until("No containers yet")


@pytest.fixture
def program(root: Person) -> str:
    return f"{root.python} -P -m heliostui"


def test_tmux_takes_it_where_it_may_set_the_clipboard(root: Person, program: str) -> None:
    with copying(root, "set -s set-clipboard on", program) as screen:
        assert screen.buffer() == "carried over"
        assert "carried over" in screen.copied


def test_tmux_lets_it_through_where_that_is_allowed(root: Person, program: str) -> None:
    with copying(root, "set -s set-clipboard off\nset -g allow-passthrough on", program) as screen:
        assert screen.buffer() == ""
        assert screen.copied == ["carried over"]


def test_it_comes_from_the_other_end_of_ssh(root: Person, program: str) -> None:
    kept = {name: root.environment[name] for name in ("HELIOSTUI_RUNTIME", "HELIOSTUI_STATE")}
    with sshd(kept) as server:
        ssh = f"{server.bin}/ssh -tt there {program}"
        with copying(root, "set -s set-clipboard on", ssh) as screen:
            assert screen.buffer() == "carried over"
            assert "carried over" in screen.copied
