"""Promises of `engine.containers.output.records`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.containers.output.log import Log
from engine.containers.output.records import PIECE

from .conftest import Writer, records, text


def test_a_line_of_the_file_is_what_the_documentation_says(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    write("grün\n".encode())
    write(b"\xff\xfe", "stderr")
    run, out, error = map(msgspec.json.decode, (tmp_path / "log.jsonl").read_bytes().splitlines())
    assert (run["run"], run["o"], run["e"]) == (1, 0, 0)
    assert (out["s"], out["o"], out["d"]) == ("o", 0, "grün\n")
    assert out["t"].endswith("Z")
    assert (error["s"], error["o"], error["b"]) == ("e", 0, "//4=")


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


async def test_records_are_never_larger_than_64_kib(tmp_path: Path) -> None:
    write = Writer(Log(tmp_path))
    data = os.urandom(300_000) + b"text" * 50_000
    write(data)
    found = await records(write.log)
    assert max(len(record.data) for record in found) <= PIECE
    assert b"".join(record.data for record in found) == data
