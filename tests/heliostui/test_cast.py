"""Promises of recordings: what was shown is in the file, whatever cuts it short, and every bad line is named."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.recording.cast import Cast, Event, Writer, read
from heliostui.recording.player import Player

from .conftest import UserTerminal


def lines(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.cast", 80, 24, "a title")
    writer.output(b"hello\r\n")
    writer.resize(100, 30)
    writer.output("grüß\x1b[m".encode())
    writer.close()
    cast = read(tmp_path / "a.cast")
    assert (cast.columns, cast.lines, cast.title) == (80, 24, "a title")
    assert [(event.kind, event.data) for event in cast.events] == [
        ("o", "hello\r\n"),
        ("r", "100x30"),
        ("o", "grüß\x1b[m"),
    ]
    assert writer.bytes == (tmp_path / "a.cast").stat().st_size


@given(st.text(), st.integers(1, 4))
def test_a_character_that_comes_in_pieces_is_whole(
    tmp_path_factory: pytest.TempPathFactory, text: str, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cast") / "a.cast"
    writer = Writer(path, 80, 24)
    data = text.encode("utf-8", "surrogatepass")
    for start in range(0, len(data), cut):
        writer.output(data[start : start + cut])
    writer.close()
    assert "".join(event.data for event in read(path).events) == data.decode("utf-8", "replace")


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.cast").write_text("mine")
    with pytest.raises(FileExistsError):
        Writer(tmp_path / "a.cast", 80, 24)
    assert (tmp_path / "a.cast").read_text() == "mine"


def test_who_is_killed_leaves_a_file_that_can_be_played(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from heliostui.recording.cast import Writer\n"
        "writer = Writer(Path(sys.argv[1]), 80, 24)\n"
        "writer.output(b'kept'); print('written', flush=True); time.sleep(60)"
    )
    path = tmp_path / "a.cast"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert [event.data for event in read(path).events] == ["kept"]


def test_a_full_disk_ends_it_with_whole_lines_and_the_reason(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for the disk's end: write(2) gives less, then fails, as there."""
    program = (
        "import signal, sys; from pathlib import Path; from heliostui.recording.cast import Writer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "writer = Writer(Path(sys.argv[1]), 80, 24)\n"
        "[writer.output(b'x' * 300) for _ in range(100)]\n"
        "print(writer.fault is not None, writer.open)"
    )
    path = tmp_path / "a.cast"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], preexec_fn=limit, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False\n"
    assert path.read_bytes().endswith(b"\n")
    assert 3000 < path.stat().st_size <= 4000
    assert {event.data for event in read(path).events} == {"x" * 300}


def test_half_a_line_at_the_end_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "a"]\n[1.0, "o", "b')
    assert [event.data for event in read(path).events] == ["a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: no asciicast"),
        ("hello\n", "line 1: no asciicast"),
        ('{"version": 1, "stdout": []}\n', "line 1: asciicast version 1 can't be played"),
        ('{"version": 2, "width": 0, "height": 24}\n', "line 1: width and height"),
        ('{"version": 2, "width": true, "height": 24}\n', "line 1: width and height"),
        ('{"version": 2, "width": 80, "height": 24}\n[0, "o", "a"]\nno\n', "line 3: it is not JSON"),
        ('{"version": 2, "width": 80, "height": 24}\n[0, "o"]\n', "line 2: an event is"),
        ('{"version": 2, "width": 80, "height": 24}\n[-1, "o", "a"]\n', "line 2: an event is"),
        ('{"version": 2, "width": 80, "height": 24}\n[NaN, "o", "a"]\n', "line 2: an event is"),
        ('{"version": 2, "width": 80, "height": 24}\n[1e999, "o", "a"]\n', "line 2: its time is more than"),
        (f'{{"version": 2, "width": 80, "height": 24}}\n[1{"0" * 400}, "o", "a"]\n', "line 2: its time is more than"),
        (f'{{"version": 2, "width": 80, "height": 24}}\n{"[" * 100_000}\n', "line 2: it is not JSON"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.cast"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read(path)


def test_a_file_without_lines_is_not_read_to_its_end() -> None:
    with pytest.raises(ValueError, match="line 1: it is longer than 16 MiB"):
        read(Path("/dev/zero"))


def test_brackets_without_end_in_a_line_cut_off_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 2, "width": 80, "height": 24}\n' + "[" * 100_000)
    assert read(path).events == ()


@pytest.mark.parametrize("size", ["0x0", "0x24", "9999x24", "80x2001", "80"])
def test_a_size_that_there_can_not_be_is_none(size: str) -> None:
    assert Event(0.0, "r", size).size is None


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("cast") / "a.cast"
    path.write_bytes(b'{"version": 2, "width": 80, "height": 24}\n' + data)
    with suppress(ValueError):
        read(path)


# --- playing ---


def cast(*events: tuple[float, str], idle_limit: float | None = None) -> Cast:
    return Cast(80, 24, "", idle_limit, tuple(Event(at, "o", data) for at, data in events))


def test_it_plays_in_time_and_as_fast_as_it_is_told() -> None:
    player = Player(cast((1, "a"), (2, "b"), (10, "c")), speed=2)
    assert player.due == 0.5
    assert player.advance(0.5) == "a"
    assert player.advance(0.4) == ""
    assert player.advance(10) == "bc"
    assert player.ended


def test_no_pause_is_longer_than_the_limit_and_the_players_own_is_the_stronger() -> None:
    assert Player(cast((1, "a"), (100, "b")), idle_limit=2).length == 3
    assert Player(cast((1, "a"), (100, "b"), idle_limit=5)).length == 6
    assert Player(cast((1, "a"), (100, "b"), idle_limit=5), idle_limit=1).length == 2


def test_while_it_is_paused_nothing_is_due_but_steps() -> None:
    player = Player(cast((1, "a"), (2, "b")))
    assert player.step() == "a"
    assert player.due is None
    assert player.advance(10) == ""
    player.paused = False
    assert player.advance(1) == "b"


def test_back_and_forth_shows_the_screen_of_that_moment() -> None:
    player = Player(cast((1, "one "), (2, "two "), (3, "three")))
    assert player.advance(5) == "one two three"
    assert b"three" not in player.seek(2)
    assert player.position == 2
    assert b"one two" in player.seek(2.5)
    assert b"one two three" in player.seek(100)
    assert player.ended


def test_speeds_stay_between_the_slowest_and_the_fastest() -> None:
    player = Player(cast((1, "a")))
    for _ in range(20):
        player.faster(1)
    assert player.speed == 16
    for _ in range(20):
        player.faster(-1)
    assert player.speed == 0.25


def test_asciinema_shows_the_same(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.cast", 80, 24)
    writer.output("grüß \x1b[1mdich\x1b[m\r\n".encode())
    writer.resize(100, 30)
    writer.output(b"end\r\n")
    writer.close()
    if not shutil.which("asciinema"):
        pytest.skip("asciinema is not installed")
    for words in (["cat"], ["play", "-s", "50"]):
        command = ["asciinema", *words, str(tmp_path / "a.cast")]
        with UserTerminal(command, {**os.environ, "LANG": "C.UTF-8"}, 80, 24) as user:
            assert user.end() == 0
            assert "grüß \x1b[1mdich\x1b[m\r\nend\r\n".encode() in user.shown
