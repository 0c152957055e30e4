"""Promises of `engine.containers.output.spool`, on real pipes, terminals and files."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.containers.output.spool import CHUNK, Spool


@pytest.fixture(params=["disk", "shm"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A spool file's path, on the disk and on a tmpfs."""
    if request.param == "disk":
        yield tmp_path / "spool"
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no tmpfs at /dev/shm")
    path = Path(f"/dev/shm/heliostui-spool-{os.getpid()}")
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    yield ends
    close(*ends)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Master (non-blocking) and slave of a raw terminal."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    yield master, slave
    close(master, slave)


def close(*descriptors: int) -> None:
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:  # the test has closed it
            continue


def everything(spool: Spool) -> bytes:
    return b"".join(iter(spool.take, None))


def test_what_goes_into_a_pipe_comes_out_in_order(path: Path, pipe: tuple[int, int]) -> None:
    spool = Spool(path, pipe[0])
    assert spool.take() is None
    os.write(pipe[1], b"one")
    os.write(pipe[1], b"two")
    assert spool.take() == b"onetwo"
    assert spool.take() is None
    os.write(pipe[1], b"three")
    os.close(pipe[1])
    assert [spool.take(), spool.take(), spool.take()] == [b"three", b"", b""]
    assert spool.ended
    spool.close()


def test_what_is_consumed_and_not_logged_is_handed_out_again(path: Path, pipe: tuple[int, int]) -> None:
    first = Spool(path, pipe[0])
    os.write(pipe[1], b"logged")
    assert first.take() == b"logged"
    os.write(pipe[1], b"not logged")
    assert first.take() == b"not logged"
    first.close()
    second = Spool(path, pipe[0], logged=6)
    os.write(pipe[1], b", later")
    assert second.pending == 10
    assert everything(second) == b"not logged, later"
    second.close()


def test_a_terminal_goes_through_its_relay_and_ends_with_its_program(
    path: Path, pipe: tuple[int, int], terminal: tuple[int, int]
) -> None:
    spool = Spool(path, terminal[0], relay=pipe)
    assert spool.take() is None
    os.write(terminal[1], b"hello")
    assert spool.take() == b"hello"
    os.write(terminal[1], b"bye")
    os.close(terminal[1])
    assert [spool.take(), spool.take()] == [b"bye", None]
    assert (spool.hung_up, spool.ended) == (True, False)
    spool.final = True
    assert spool.take() == b""
    spool.close()


@pytest.mark.parametrize("spooled", [True, False])
def test_a_terminal_that_everybody_closed_can_be_opened_again(
    spooled: bool, tmp_path: Path, pipe: tuple[int, int], terminal: tuple[int, int]
) -> None:
    spool = Spool(tmp_path / "spool" if spooled else None, terminal[0], relay=pipe)
    name = os.ttyname(terminal[1])
    os.close(terminal[1])
    assert spool.take() is None
    again = os.open(name, os.O_RDWR | os.O_NOCTTY)
    assert spool.take() is None
    assert not spool.hung_up
    os.write(again, b"back")
    assert spool.take() == b"back"
    os.close(again)
    spool.close()


def test_what_a_dead_engine_left_in_the_relay_comes_first(
    path: Path, pipe: tuple[int, int], terminal: tuple[int, int]
) -> None:
    os.write(terminal[1], b"in the relay, ")
    os.splice(terminal[0], pipe[1], CHUNK)
    os.write(terminal[1], b"in the terminal")
    spool = Spool(path, terminal[0], relay=pipe)
    assert everything(spool) == b"in the relay, in the terminal"
    spool.close()


def test_space_of_taken_bytes_is_given_back_and_the_size_goes_on_counting(path: Path, pipe: tuple[int, int]) -> None:
    spool = Spool(path, pipe[0])
    for _ in range(64):
        os.write(pipe[1], bytes(range(256)) * 256)
        assert spool.take() == bytes(range(256)) * 256
        spool.free()
    status = path.stat()
    assert status.st_size == 64 * CHUNK
    assert status.st_blocks * 512 < 8 * CHUNK
    spool.close()
    again = Spool(path, pipe[0], logged=64 * CHUNK)
    os.write(pipe[1], b"more")
    assert again.take() == b"more"
    assert path.stat().st_size == 64 * CHUNK + 4
    again.close()


def test_bytes_given_up_are_not_handed_out_as_zeros(path: Path, pipe: tuple[int, int]) -> None:
    spool = Spool(path, pipe[0])
    for _ in range(4):
        os.write(pipe[1], b"x" * CHUNK)
        spool.take()
        spool.free()
    spool.close()
    again = Spool(path, pipe[0], logged=100)  # the log could not be written after its first 100 bytes
    assert everything(again) == b""
    assert again.taken == 4 * CHUNK
    again.close()


def test_a_spool_that_was_removed_counts_on_from_the_log(path: Path, pipe: tuple[int, int]) -> None:
    spool = Spool(path, pipe[0], logged=1_000_000)
    os.write(pipe[1], b"more")
    assert spool.take() == b"more"
    assert (spool.taken, path.stat().st_size) == (1_000_004, 1_000_004)
    spool.close()


def test_without_a_file_it_reads_pipes_and_terminals_in_the_plain_way(
    pipe: tuple[int, int], terminal: tuple[int, int]
) -> None:
    plain = Spool(None, pipe[0])
    assert plain.take() is None
    os.write(pipe[1], b"data")
    assert plain.take() == b"data"
    os.close(pipe[1])
    assert plain.take() == b""
    shown = Spool(None, terminal[0])
    shown.final = True
    os.write(terminal[1], b"data")
    os.close(terminal[1])
    assert [shown.take(), shown.take()] == [b"data", b""]


def test_a_full_file_system_loses_nothing(pipe: tuple[int, int], terminal: tuple[int, int], tmp_path: Path) -> None:
    """/dev/full refuses each write with ENOSPC, and its size can't grow."""
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    source = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    for spool, writer in ((Spool(full, source[0]), source[1]), (Spool(full, terminal[0], relay=pipe), terminal[1])):
        spool.final = True
        assert spool.take() is None
        os.write(writer, b"first")
        assert spool.take() == b"first"
        os.write(writer, b"second")
        os.close(writer)
        assert [spool.take(), spool.take()] == [b"second", b""]
        assert spool.taken == 11
        spool.close()
    os.close(source[0])
