"""Promises of `engine.containers.output.reader`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.containers.output.log import Log
from engine.containers.output.reader import read, recent
from engine.containers.output.records import Stream

from .conftest import Writer, records, text


async def test_records_come_back_in_the_order_they_were_written(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"one\n")
    write(b"two\n", "stderr")
    write(b"three\n")
    before = datetime.now(UTC)
    found = await records(Log(tmp_path))
    assert [(r.stream, r.data) for r in found] == [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\n")]
    assert all(before - timedelta(minutes=1) < record.time <= before for record in found)


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


async def test_a_follower_ends_when_nothing_more_is_to_come(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"all\n")
    over = asyncio.Event()
    stream = read(write.log, follow=True, over=over.is_set)
    assert (await anext(stream)).data == b"all\n"
    more = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    write(b"last\n")
    over.set()
    write.log.wake()
    assert [await more, await anext(stream, None)] == [(await records(write.log))[-1], None]


async def test_following_from_the_end_shows_only_what_is_new(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write(b"before\n")
    stream = read(write.log, tail=0, follow=True)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    write(b"after\n")
    assert (await asyncio.wait_for(first, 5)).data == b"after\n"
    await stream.aclose()


async def test_a_follower_reads_its_file_to_the_end_while_the_log_rotates(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=3000, files=4))
    for number in range(10):
        write(b"line %d\n" % number)
    stream = read(write.log, follow=True)
    assert (await anext(stream)).data == b"line 0\n"
    for number in range(10, 80):  # three rotations
        write(b"line %d\n" % number)
    for number in range(1, 80):
        assert (await anext(stream)).data == b"line %d\n" % number
    await stream.aclose()


async def test_a_follower_who_is_too_slow_is_told_what_he_missed(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=2000, files=2))
    write(b"line 0\n")
    stream = read(write.log, follow=True)
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
    assert b"".join(await recent(log, 1 << 20)) == b"".join(b"line %02d\n" % number for number in range(100))
    assert b"".join(await recent(log, 80)) == b"".join(b"line %02d\n" % number for number in range(90, 100))


async def test_the_tail_of_a_log_of_100_mb_is_found_at_once(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path, size=200_000_000))
    line = b"x" * 99 + b"\n"
    for _ in range(1600):
        write(line * 655)
    assert write.log.path.stat().st_size > 100_000_000
    log = Log(tmp_path, size=200_000_000)
    log.recover()  # once for an engine, and whatever is read of it
    before = bytes_read()
    assert await text(log, tail=3) == line * 3
    assert bytes_read() - before < 10_000_000
    write.log.close()


def bytes_read() -> int:
    """By all of this process's calls of read(2) and its kin (proc_pid_io(5))."""
    try:
        words = Path("/proc/self/io").read_text().split()
    except FileNotFoundError:
        pytest.skip("this kernel counts no bytes (CONFIG_TASK_IO_ACCOUNTING)")
    return int(words[words.index("rchar:") + 1])
