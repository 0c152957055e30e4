"""Promises of `engine.containers.output.screen`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
import termios
from contextlib import AsyncExitStack
from pathlib import Path

from engine.containers.output.log import Log
from engine.containers.output.stdio import Stdio
from engine.protocol.messages import Output, Resized

from .conftest import (
    WAIT,
    Program,
    drained,
    end,
    logged,
    new_log,
    outputs,
    running,
    screen,
    terminal,
    until,
)


@terminal
async def test_the_last_client_that_resizes_decides_and_all_are_told(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool", columns=90, lines=33) as stdio:
        assert stdio.size == (90, 33)
        assert termios.tcgetwinsize(program.slave) == (33, 90)
        client = stdio.attach()
        program.write(b"before")
        await drained(stdio, b"before")
        stdio.resize(100, 40)
        stdio.resize(70, 20)
        assert termios.tcgetwinsize(program.slave) == (20, 70)
        program.write(b"after")
        end(program, stdio)
        told = await asyncio.wait_for(outputs(client), WAIT)
        assert told == [
            Output(data=b"before"), Resized(columns=100, lines=40), Resized(columns=70, lines=20), Output(data=b"after")
        ]  # fmt: skip
        stdio.resize(0, 1_000_000)
        assert stdio.size == (2, 2000)


@terminal
async def test_the_engine_answers_the_programs_questions_and_clients_do_not_see_them(
    program: Program, tmp_path: Path
) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        program.write(b"\x1b[3;5Hhere\x1b[6n!")
        assert await asyncio.to_thread(os.read, program.slave, 100) == b"\x1b[3;9R"
        assert await until(client, b"!") == b"\x1b[3;5Hhere!"


@terminal
async def test_a_restarted_engine_shows_the_same_screen_and_answers_only_what_is_new(
    program: Program, tmp_path: Path
) -> None:
    text = b"\x1b[32mgreen\x1b[6n\r\n\x1b[10;10Hthere"
    async with AsyncExitStack() as stack:
        killed = Stdio(program.ends, new_log(tmp_path), tmp_path / "spool")
        stack.callback(killed.close)
        task = asyncio.create_task(killed.run())
        program.write(text)
        await drained(killed, text)
        task.cancel()
        assert await asyncio.to_thread(os.read, program.slave, 100) == b"\x1b[1;6R"
    async with running(program, Log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        redraw = await asyncio.wait_for(anext(client), WAIT)
        assert isinstance(redraw, Output)
        assert stdio.screen is not None
        assert killed.screen is not None
        assert screen(stdio.screen.terminal) == screen(killed.screen.terminal)
        program.write(b"\x1b[6n")
        assert await asyncio.to_thread(os.read, program.slave, 100) == b"\x1b[10;15R"
    assert await logged(tmp_path) == text + b"\x1b[6n"
