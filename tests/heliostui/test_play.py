"""Promises of `heliostui play`, on a real terminal: keys steer it, and the terminal is as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import termios
from pathlib import Path

import pytest
from ptyprocess import PtyProcess

from .conftest import HELIOSTUI, CommandLine, UserTerminal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording of a full-screen program; the second part comes after an hour."""
    path = tmp_path / "long.cast"
    head = {"version": 2, "width": 80, "height": 24}
    events = [
        [0.0, "o", "\x1b[?1049h\x1b[?1000hbegin\x1b[6n"],
        [3600.0, "o", " middle"],
        [7200.0, "o", " end\r\n"],
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in [head, *events]))
    return path


def play(*words: str) -> UserTerminal:
    return UserTerminal([*HELIOSTUI, "play", *words], {**os.environ, "LANG": "C.UTF-8"}, 80, 24)


def modes(process: PtyProcess) -> object:
    return termios.tcgetattr(process.fd)[3]


def test_space_pauses_a_dot_steps_and_the_terminal_is_as_before(file: Path) -> None:
    with play(str(file)) as user:
        before = modes(user.process)
        user.until(b"begin")
        user.type(b" .")
        user.until(b" middle")
        user.type(b"q")
        assert user.end() == 0
        assert b"\x1b[?1000l" in user.shown
        assert b"\x1b[?1049l" in user.shown
        assert modes(user.process) == before or not user.process.isalive()


def test_digits_and_arrows_go_to_a_moment(file: Path) -> None:
    with play(str(file)) as user:
        user.until(b"begin")
        user.type(b" 9")
        user.until(b"begin middle")
        user.type(b"\x1b[D0")
        shown = user.until(b"begin")
        assert b"middle" not in shown.rpartition(b"\x1b[2J")[2]
        user.type(b"\x03")
        assert user.end() == 0


def test_what_the_terminal_answers_to_the_recording_is_no_key(file: Path) -> None:
    with play(str(file)) as user:
        user.until(b"begin")
        user.type(b"\x1b[1;6R\x1b[0n\x1b[?62;22c .")
        user.until(b" middle")
        user.type(b"q")
        assert user.end() == 0


def test_pauses_can_be_cut_and_it_ends_by_itself(file: Path) -> None:
    with play("--idle-limit", "0.1", "--speed", "2", str(file)) as user:
        user.until(b" middle")
        user.until(b" end")
        assert user.end() == 0


def test_however_slow_it_is_the_wait_is_one_that_there_can_be(file: Path) -> None:
    with play("--speed", "1e-12", str(file)) as user:
        user.until(b"begin")
        user.type(b"q")
        assert user.end() == 0


def test_a_signal_leaves_the_terminal_as_it_was(file: Path) -> None:
    with play(str(file)) as user:
        user.until(b"begin")
        user.process.kill(15)
        assert user.end() == 143
        assert b"\x1b[?1049l" in user.shown


def test_without_a_terminal_it_is_only_shown(cli: CommandLine, file: Path) -> None:
    shown = cli.ok("play", "--idle-limit", "0.01", str(file))
    assert shown.startswith("\x1b[?1049h\x1b[?1000hbegin\x1b[6n middle end\n")


def test_a_bad_file_is_one_sentence(cli: CommandLine, tmp_path: Path) -> None:
    assert "can't be read: No such file" in cli.refused("play", str(tmp_path / "none"), status=1)
    (tmp_path / "bad").write_text("hello")
    assert "line 1: no asciicast" in cli.refused("play", str(tmp_path / "bad"), status=1)
    assert "a speed is a number above 0" in cli.refused("play", "--speed", "0", "x", status=2)


def test_what_asciinema_records_is_played(cli: CommandLine, tmp_path: Path) -> None:
    if not shutil.which("asciinema"):
        pytest.skip("asciinema is not installed")
    path = tmp_path / "theirs.cast"
    subprocess.run(
        ["asciinema", "rec", "-q", "-c", "printf 'gr\\303\\274\\303\\237'", str(path)],
        env={**os.environ, "LANG": "C.UTF-8"},
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert "grüß" in cli.ok("play", str(path))
