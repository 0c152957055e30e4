"""Promises of `engine.containers.output.log`."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.containers.output.log import PIECE, Log
from engine.protocol.messages import LogRecord

Stream = Literal["stdout", "stderr"]


class Writer:
    """Appends to a log as `Stdio` does: each stream counts its bytes."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.places: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        log.begin()

    def __call__(self, data: bytes, stream: Stream = "stdout") -> None:
        self.log.append(stream, self.places[stream], data)
        self.places[stream] += len(data)


async def records(
    log: Log, tail: int | None = None, since: datetime | None = None, follow: bool = False
) -> list[LogRecord]:
    return [record async for record in log.read(tail, since, follow)]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def text(log: Log, tail: int | None = None) -> bytes:
    return b"".join(record.data for record in await records(log, tail))


async def test_an_empty_log_reads_as_nothing_and_makes_no_file(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert await records(log) == []
    assert await records(log, tail=5) == []
    assert log.recover() == (0, 0)
    assert names(tmp_path) == []


async def test_records_come_back_in_the_order_they_were_written(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"one\n")
    write(b"two\n", "stderr")
    write(b"three\n")
    before = datetime.now(UTC)
    found = await records(Log(tmp_path))
    assert [(r.stream, r.data) for r in found] == [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\n")]
    assert all(before - timedelta(minutes=1) < record.time <= before for record in found)


def test_a_line_of_the_file_is_what_the_documentation_says(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write("grün\n".encode())
    write(b"\xff\xfe", "stderr")
    run, out, error = map(msgspec.json.decode, (tmp_path / "log.jsonl").read_bytes().splitlines())
    assert (run["run"], run["o"], run["e"]) == (1, 0, 0)
    assert (out["s"], out["o"], out["d"]) == ("o", 0, "grün\n")
    assert out["t"].endswith("Z")
    assert (error["s"], error["o"], error["b"]) == ("e", 0, "//4=")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1) | st.text(min_size=1))))
def test_whatever_is_written_is_read_back(chunks: list[tuple[Stream, bytes | str]]) -> None:
    with TemporaryDirectory() as directory:
        log = Log(Path(directory), size=1000, files=1000)
        write = Writer(log)
        for stream, chunk in chunks:
            write(chunk if isinstance(chunk, bytes) else chunk.encode("utf-8", "surrogatepass"), stream)
        found = asyncio.run(records(Log(Path(directory), size=1000, files=1000)))
        for stream in ("stdout", "stderr"):
            written = b"".join(
                c if isinstance(c, bytes) else c.encode("utf-8", "surrogatepass") for s, c in chunks if s == stream
            )
            assert b"".join(r.data for r in found if r.stream == stream) == written
        log.park()


@settings(deadline=None)
@given(st.text(alphabet="aü€🚀\n", min_size=1, max_size=40), st.integers(1, 12))
def test_a_character_cut_in_half_leaves_the_rest_readable(string: str, size: int) -> None:
    data = string.encode()
    with TemporaryDirectory() as directory:
        write = Writer(Log(Path(directory)))
        for start in range(0, len(data), size):
            write(data[start : start + size])
        write.log.park()
        lines = list(map(msgspec.json.decode, (Path(directory) / "log.jsonl").read_bytes().splitlines()))
        assert asyncio.run(text(write.log)) == data
        assert all(len(line["b"]) <= 4 for line in lines if "b" in line), "three bytes at most go as base64"


def test_a_torn_tail_is_cut_off_wherever_it_was_torn(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"first\n")
    write(b"wrong\n", "stderr")
    whole = write.log.path.stat().st_size
    write(b"second\n")
    write.log.park()
    content = write.log.path.read_bytes()
    for end in range(whole, len(content) + 1):
        write.log.path.write_bytes(content[:end])
        complete = end == len(content)
        log = Log(tmp_path)
        assert log.recover() == (13 if complete else 6, 6)
        assert log.path.stat().st_size == (len(content) if complete else whole)
        log.append("stdout", log.recover().stdout, b"more\n")
        expected = b"first\nwrong\nsecond\nmore\n" if complete else b"first\nwrong\nmore\n"
        assert asyncio.run(text(Log(tmp_path))) == expected
        log.park()


def test_a_first_line_torn_anywhere_leaves_an_empty_log(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write.log.park()
    content = write.log.path.read_bytes()
    for end in range(len(content)):
        write.log.path.write_bytes(content[:end])
        assert Log(tmp_path).recover() == (0, 0)
        assert not write.log.path.exists()


async def test_each_run_counts_from_zero_and_all_runs_are_read(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for number in range(3):
        write = Writer(log)
        write(b"run %d\n" % number)
        assert Log(tmp_path).recover() == (6, 0)
    assert await text(log) == b"run 0\nrun 1\nrun 2\n"
    assert [line["run"] for line in map(msgspec.json.decode, log.path.read_bytes().splitlines()) if "run" in line] == [
        1, 2, 3
    ]  # fmt: skip


async def test_rotation_keeps_the_newest_files_and_the_counts(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=2000, files=3))
    write(b"early\n", "stderr")
    for number in range(200):
        write(b"line %d\n" % number)
    assert names(tmp_path) == ["log.jsonl", "log.jsonl.1", "log.jsonl.2"]
    assert all(os.stat(tmp_path / name).st_size <= 2000 for name in names(tmp_path))
    again = Log(tmp_path, size=2000, files=3)
    assert again.recover() == (write.places["stdout"], 6)
    lines = (await text(again)).splitlines()
    assert lines[-1] == b"line 199"
    assert lines == [b"line %d" % number for number in range(200 - len(lines), 200)]


def test_a_rotation_interrupted_at_any_step_is_mended(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=600, files=4))
    for number in range(18):
        write(b"line %d\n" % number)
    write.log.park()
    files = ["log.jsonl", "log.jsonl.1", "log.jsonl.2"]
    expected = asyncio.run(text(Log(tmp_path, size=600, files=4)))
    for step in range(len(files) + 1):
        (tmp_path / "log.jsonl.new").write_bytes(b'{"run":1')
        for age in range(step):  # the renames begin with the oldest
            (tmp_path / files[2 - age]).rename(tmp_path / f"log.jsonl.{3 - age}")
        log = Log(tmp_path, size=600, files=4)
        assert log.recover() == (write.places["stdout"], 0)
        assert asyncio.run(text(log)) == expected
        assert names(tmp_path) == files


@pytest.mark.parametrize("ending", [b"", b"\n"])
@pytest.mark.parametrize("tail", [0, 1, 2, 3, 7, 29, 30, 31, 1000])
async def test_tail_counts_lines_across_records_and_files(tmp_path: Path, tail: int, ending: bytes) -> None:
    data = b"\n".join(b"line %d" % number for number in range(30)) + ending
    write = Writer(Log(tmp_path, size=700, files=100))
    for start in range(0, len(data), 11):
        write(data[start : start + 11], "stdout" if start % 2 else "stderr")
    expected = b"".join(data.splitlines(keepends=True)[-tail:]) if tail else b""
    assert await text(write.log, tail) == expected


async def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"old\n")
    write(b"new\n")
    old, new = await records(write.log)
    assert [record.data for record in await records(write.log, since=new.time)] == [b"new\n"]
    assert len(await records(write.log, since=old.time)) == 2
    assert await records(write.log, since=new.time + timedelta(microseconds=1)) == []


async def test_records_are_never_larger_than_64_kib(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    data = os.urandom(300_000) + b"text" * 50_000
    write(data)
    found = await records(write.log)
    assert max(len(record.data) for record in found) <= PIECE
    assert b"".join(record.data for record in found) == data


async def test_a_follower_sees_all_and_ends_when_the_log_is_closed(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=3000, files=100))
    write(b"before\n")
    reading = asyncio.create_task(records(write.log, follow=True))
    for number in range(300):
        write(b"line %d\n" % number)
        if number % 50 == 0:
            await asyncio.sleep(0)
    write.log.close()
    found = await asyncio.wait_for(reading, 5)
    assert b"".join(r.data for r in found) == b"before\n" + b"".join(b"line %d\n" % n for n in range(300))


async def test_following_from_the_end_shows_only_what_is_new(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"before\n")
    stream = write.log.read(tail=0, follow=True)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    write(b"after\n")
    assert (await asyncio.wait_for(first, 5)).data == b"after\n"
    await stream.aclose()


async def test_a_follower_reads_its_file_to_the_end_while_the_log_rotates(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=3000, files=4))
    for number in range(10):
        write(b"line %d\n" % number)
    stream = write.log.read(follow=True)
    assert (await anext(stream)).data == b"line 0\n"
    for number in range(10, 80):  # three rotations
        write(b"line %d\n" % number)
    for number in range(1, 80):
        assert (await anext(stream)).data == b"line %d\n" % number
    await stream.aclose()


async def test_a_follower_who_is_too_slow_is_told_what_he_missed(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=2000, files=2))
    write(b"line 0\n")
    stream = write.log.read(follow=True)
    assert (await anext(stream)).data == b"line 0\n"
    for number in range(1, 200):
        write(b"line %d\n" % number)
    write.log.close()
    rest = [record async for record in stream]
    notices = [record for record in rest if record.stream == "stderr"]
    assert [b"rotated before it was read" in notice.data for notice in notices] == [True]
    after = [record.data for record in rest[rest.index(notices[0]) + 1 :]]
    assert after == [b"line %d\n" % number for number in range(200 - len(after), 200)]


async def test_bytes_that_could_not_be_logged_are_told(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.begin()
    log.append("stdout", 0, b"one")
    log.append("stdout", 103, b"two")
    found = await records(log)
    assert [record.data for record in found[::2]] == [b"one", b"two"]
    assert b"100 bytes of output could not be logged" in found[1].data
    assert found[1].stream == "stderr"


async def test_a_damaged_record_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    for word in (b"one\n", b"two\n", b"three\n"):
        write(word)
    lines = write.log.path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\x00" * 20 + b"\n"
    write.log.path.write_bytes(b"".join(lines))
    found = [record.data for record in await records(Log(tmp_path))]
    assert (found[0], found[-1]) == (b"one\n", b"three\n")
    assert b"damaged" in found[1]


async def test_the_recent_output_of_a_run_stops_at_its_beginning(tmp_path: Path) -> None:
    log = Log(tmp_path, size=1000, files=100)
    Writer(log)(b"of another run\n")
    write = Writer(log)
    for number in range(100):
        write(b"line %02d\n" % number)
    assert b"".join(await log.recent(1 << 20)) == b"".join(b"line %02d\n" % number for number in range(100))
    assert b"".join(await log.recent(80)) == b"".join(b"line %02d\n" % number for number in range(90, 100))


async def test_the_tail_of_a_log_of_100_mb_is_found_at_once(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=200_000_000))
    line = b"x" * 99 + b"\n"
    for _ in range(1600):
        write(line * 655)
    assert write.log.path.stat().st_size > 100_000_000
    begun = time.monotonic()
    assert await text(Log(tmp_path, size=200_000_000), tail=3) == line * 3
    assert time.monotonic() - begun < 1
    write.log.close()


async def test_what_can_not_be_written_leaves_the_log_whole(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"one\n")
    size = write.log.path.stat().st_size
    write.log.park()
    directory = write.log.path.rename(tmp_path / "aside")
    write.log.path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="space"):
        write.log.append("stdout", 4, b"lost\n")
    write.log.park()
    directory.replace(write.log.path)
    assert write.log.path.stat().st_size == size
    write.log.append("stdout", 9, b"three\n")
    assert [record.data for record in await records(write.log)][::2] == [b"one\n", b"three\n"]
