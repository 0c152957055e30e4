"""Promises of `engine.containers.output.input`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from engine.containers.output.stdio import Stdio

from .conftest import (
    WAIT,
    Program,
    both,
    new_log,
    pipes,
    running,
)


@both
async def test_input_reaches_the_program_whole_however_slowly_it_reads(program: Program, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)

    def read() -> bytes:
        got = b""
        while len(got) < len(data):
            got += os.read(program.stdin, 5000)
        return got

    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        writing = asyncio.create_task(write_all(stdio, data))
        await asyncio.sleep(0.05)
        assert not writing.done(), "nobody reads, so the client has to wait"
        assert await asyncio.to_thread(read) == data
        await asyncio.wait_for(writing, WAIT)


async def write_all(stdio: Stdio, data: bytes) -> None:
    for start in range(0, len(data), 50_000):
        await stdio.write(data[start : start + 50_000])


@pipes
async def test_closing_input_comes_after_what_was_written(program: Program, tmp_path: Path) -> None:
    told = asyncio.Event()

    async def keeper_closes() -> None:
        told.set()

    data = b"x" * 300_000
    async with running(program, new_log(tmp_path), tmp_path / "spool", on_close_input=keeper_closes) as stdio:
        closing = asyncio.create_task(write_all(stdio, data))
        closing.add_done_callback(lambda _: None)

        def read() -> bytes:
            return b"".join(iter(lambda: os.read(program.stdin, 5000), b""))

        reading = asyncio.create_task(asyncio.to_thread(read))
        await closing
        await stdio.close_input()
        assert await asyncio.wait_for(reading, WAIT) == data
        assert told.is_set()
        assert program.ends.stdin is None
        await stdio.close_input()
        await stdio.write(b"into the void")


@both
async def test_input_that_waits_is_dropped_when_nobody_can_read_it_any_more(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        writing = asyncio.create_task(write_all(stdio, b"x" * 500_000))
        await asyncio.sleep(0.05)
        assert not writing.done(), "nobody reads, so the client has to wait"
        if program.terminal:
            program.end()
        else:
            os.close(program.stdin)
            program.stdin = os.open(os.devnull, os.O_RDONLY)
        await asyncio.wait_for(writing, WAIT)


@both
async def test_input_nobody_can_read_is_dropped(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        if not program.terminal:
            os.close(program.stdin)
            program.stdin = os.open(os.devnull, os.O_RDONLY)
        else:
            program.end()
        await asyncio.wait_for(write_all(stdio, b"x" * 500_000), WAIT)
