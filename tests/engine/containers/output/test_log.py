"""Promises of `engine.containers.output.log`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from engine.containers.output.log import Log

from .conftest import Writer, names, records, text


async def test_an_empty_log_reads_as_nothing_and_makes_no_file(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert await records(log) == []
    assert await records(log, tail=5) == []
    assert log.recover() == (0, 0)
    assert names(tmp_path) == []


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
