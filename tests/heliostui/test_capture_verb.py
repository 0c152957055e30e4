"""`capture` and `dns`, with a real engine and real frames."""

from __future__ import annotations

import os
import re
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from .conftest import PATIENCE, CommandLine

HEADER = 24  # bytes


@pytest.fixture(scope="module")
def server(cli: CommandLine) -> Iterator[str]:
    """A container that can be talked to."""
    cli.ok("run", "-d", "--name", "server", "busybox", "sleep", "1000")
    yield "server"
    cli.ok("rm", "-f", "server")


def ping(cli: CommandLine, number: int = 1) -> None:
    cli.ok(
        "exec",
        "server",
        "sh",
        "-c",
        f"ping -c {number} -i 0.05 -w 30 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')",
    )


def read(stream: IO[bytes] | None, size: int) -> bytes:
    assert stream is not None
    data = stream.read(size)
    assert len(data) == size
    return data


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def frames(file: bytes) -> list[bytes]:
    """The frames of a whole file; nothing may be left over."""
    found, place = [], HEADER
    while place < len(file):
        length = struct.unpack_from("=I", file, place + 8)[0]
        assert place + 16 + length <= len(file)
        found.append(file[place + 16 : place + 16 + length])
        place += 16 + length
    return found


def test_what_passes_goes_through_a_pipe_until_ctrl_c(cli: CommandLine, server: str) -> None:
    process = cli.popen("capture", "-w", "-", server, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    file = read(process.stdout, HEADER)  # it is listening
    ping(cli, 2)
    while sum(b"abcdefgh" in frame or frame[12:14] == b"\x08\x00" for frame in _whole(file)) < 4:
        assert process.stdout is not None
        file += process.stdout.read1(65536)
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"{len(frames(file + rest))} frames" in told.decode()


def _whole(file: bytes) -> list[bytes]:
    """The frames that are there already."""
    end = HEADER
    while end + 16 <= len(file) and end + 16 + (length := struct.unpack_from("=I", file, end + 8)[0]) <= len(file):
        end += 16 + length
    return frames(file[:end])


def test_a_file_has_as_many_frames_as_were_asked_for_and_is_never_written_over(
    cli: CommandLine, server: str, tmp_path: Path
) -> None:
    path = tmp_path / "traffic.pcap"
    with cli.terminal("capture", "-c", "3", "-w", str(path), server) as terminal:
        until(path.exists)  # it is made with its header
        ping(cli, 3)
        assert terminal.end() == 0
        assert b"3 frames" in terminal.shown
    assert len(frames(path.read_bytes())) == 3
    assert path.stat().st_uid == os.getuid()
    before = path.read_bytes()
    assert "there already" in cli.refused("capture", "-w", str(path), server, status=1)
    assert path.read_bytes() == before


def test_without_a_name_the_file_is_called_by_container_and_time(cli: CommandLine, server: str, tmp_path: Path) -> None:
    process = cli.popen("capture", "-c", "1", server, cwd=tmp_path, stderr=subprocess.PIPE)
    until(lambda: bool(os.listdir(tmp_path)))
    (made,) = tmp_path.iterdir()
    ping(cli)
    told = process.communicate(timeout=PATIENCE)[1].decode()
    assert re.fullmatch(r"server-\d{8}-\d{6}\.pcap", made.name)
    assert f"1 frame, {made.stat().st_size} B in {made.name}" in told


def test_a_file_is_written_over_only_by_force(cli: CommandLine, server: str, tmp_path: Path) -> None:
    path = tmp_path / "old.pcap"
    path.write_bytes(b"x" * 100_000)
    process = cli.popen("capture", "-c", "1", "-w", str(path), "--force", server, stderr=subprocess.PIPE)
    until(lambda: path.stat().st_size not in (0, 100_000))
    ping(cli)
    process.communicate(timeout=PATIENCE)
    assert len(frames(path.read_bytes())) == 1


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="there is no tcpdump to read the file")
def test_tcpdump_reads_it(cli: CommandLine, server: str) -> None:
    process = cli.popen("capture", "-c", "2", "-i", "eth0", "-w", "-", server, stdout=subprocess.PIPE)
    file = read(process.stdout, HEADER)
    ping(cli, 3)
    file += process.communicate(timeout=PATIENCE)[0]
    told = subprocess.run(["tcpdump", "-n", "-r", "-"], input=file, capture_output=True, check=True, timeout=PATIENCE)
    assert len(told.stdout.splitlines()) == 2


def test_it_ends_with_the_container(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "brief", "busybox", "sleep", "1000")
    process = cli.popen("capture", "-w", "-", "brief", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read(process.stdout, HEADER)
    cli.ok("rm", "-f", "brief")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_frames_are_not_for_a_terminal(cli: CommandLine, server: str) -> None:
    with cli.terminal("capture", "-w", "-", server) as terminal:
        assert terminal.end() == 1
        assert b"tcpdump -r -" in terminal.shown


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        ("capture", 2, "CONTAINER"),
        ("capture -c none server", 2, "no number of frames"),
        ("capture --snaplen 1 server", 2, "write a number of bytes"),
        ("capture --limit much server", 2, "no size"),
        ("capture -w - nobody", 1, "nobody"),
        ("capture -w - -i eth7 server", 1, "eth7"),
        ("capture -w /none/such/file server", 1, "/none/such/file can't be written"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(
    cli: CommandLine, server: str, words: str, status: int, why: str
) -> None:
    assert why in cli.refused(*words.split(), status=status)


def test_questions_for_names_are_told_with_their_answers(cli: CommandLine, server: str) -> None:
    cli("exec", server, "nslookup", "server")
    cli("exec", server, "nslookup", "-type=a", "nobody.heliostui.invalid")
    asked = cli.json("dns", "--format", "json", server)
    names = {query["name"].rstrip("."): query for query in asked if query["type"] == "A"}
    assert names["server"]["container"] == "server"
    assert names["server"]["answer"].startswith("10.")
    assert "nobody.heliostui.invalid" in names
    heading, *rows = cli.ok("dns", "-n", "1").splitlines()
    assert heading.split()[:3] == ["TIME", "CONTAINER", "TYPE"]
    assert len(rows) == 1


def test_questions_are_followed_as_they_come(cli: CommandLine, server: str) -> None:
    process = cli.popen("dns", "-f", "--tail", "0", "--format", "table", server, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"TIME")
    cli("exec", server, "nslookup", "server")
    assert b"server" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    process.stdout.close()
