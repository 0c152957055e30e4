"""Promises of `engine.containers.output.clients`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from engine.containers.output.clients import QUEUE
from engine.containers.output.log import Log
from engine.containers.output.screen import SCROLLBACK
from engine.protocol.messages import Output, Resized
from engine.terminal import Terminal

from .conftest import (
    WAIT,
    Program,
    both,
    drained,
    end,
    joined,
    logged,
    new_log,
    outputs,
    pipes,
    running,
    screen,
    terminal,
    until,
    written,
)


@pipes
async def test_a_slow_client_of_a_program_without_a_log_gets_everything(program: Program, tmp_path: Path) -> None:
    data = os.urandom(4 * QUEUE)
    async with running(program, None, tmp_path) as stdio:
        client = stdio.attach()
        writing = asyncio.create_task(asyncio.to_thread(written, program, data))
        await asyncio.sleep(0.05)  # it does not read, and the program has to wait
        assert not writing.done()
        reading = asyncio.create_task(outputs(client))
        await asyncio.wait_for(writing, WAIT)
        end(program, stdio)
        assert joined(await asyncio.wait_for(reading, WAIT)) == data


@pipes
async def test_each_client_of_pipes_gets_all_from_its_attaching_on(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        first = stdio.attach()
        program.write(b"one\n")
        assert await until(first, b"one\n") == b"one\n"
        second = stdio.attach()
        program.write(b"two\n", "stderr")
        assert await until(second, b"two\n") == b"two\n"
        end(program, stdio)
        rest = await asyncio.wait_for(outputs(first), WAIT)
        assert (joined(rest), joined(rest, "stderr")) == (b"", b"two\n")


@both
async def test_a_client_that_never_reads_blocks_nobody(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        stdio.attach()
        reader = stdio.attach()
        reading = asyncio.create_task(outputs(reader))
        data = b"".join(b"line %07d\r\n" % number for number in range(200_000))
        await asyncio.wait_for(asyncio.to_thread(written, program, data), WAIT)
        end(program, stdio)
        seen = joined(await asyncio.wait_for(reading, WAIT))
        assert seen.endswith(b"line 0199999\r\n") or program.terminal
    assert await logged(tmp_path) == data


@pipes
async def test_a_client_of_pipes_that_lags_far_behind_misses_nothing(program: Program, tmp_path: Path) -> None:
    """More than the log keeps: the program waits for a client that reads, however slowly."""
    log = Log(tmp_path, size=200_000, files=4)
    log.begin()
    data = os.urandom(2_000_000)
    async with running(program, log, tmp_path / "spool") as stdio:
        client = stdio.attach()
        program.write(data[:1000])
        seen = await until(client, data[:1000])
        writing = asyncio.create_task(asyncio.to_thread(written, program, data[1000:]))
        while len(seen) < len(data):
            message = await asyncio.wait_for(anext(client), WAIT)
            assert isinstance(message, Output)
            seen += message.data
        await writing
    assert seen == data


SCENES = [
    b"plain\r\nlines \x1b[1;31mred\x1b[m",
    "wide 漢字 and é and \x1b[4mundérlined".encode(),
    b"\x1b[?1049h\x1b[2J\x1b[5;10Hfull screen\x1b[7m status ",
    b"\x1b[10;3Hcut in the middle of \x1b[3",
    b"a title \x1b]2;half",
    b"many\r\n" * 100 + b"\x1b[31mlines",
]


@terminal
@pytest.mark.parametrize("scene", SCENES, ids=range(len(SCENES)))
async def test_a_late_client_sees_the_same_screen(program: Program, tmp_path: Path, scene: bytes) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        early = stdio.attach()
        program.write(scene)
        program.write(b"!")
        seen = await until(early, b"") + (await anext(early)).data  # type: ignore[union-attr]
        await drained(stdio, scene + b"!")
        late = stdio.attach()
        first = await asyncio.wait_for(anext(late), WAIT)
        assert isinstance(first, Output)
        assert first.redraw
        program.write(b"m more")
        end(program, stdio)
        rest = await asyncio.wait_for(outputs(late), WAIT)
        seen += joined(await asyncio.wait_for(outputs(early), WAIT))
        assert stdio.screen is not None
        core = stdio.screen.terminal
        for stream in (first.data + joined(rest), seen):
            shown = Terminal(core.columns, core.lines)
            shown.feed(stream)
            assert screen(shown) == screen(core)


@terminal
async def test_a_client_of_a_terminal_that_lags_gets_the_present_screen_and_what_it_missed(
    program: Program, tmp_path: Path
) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        data = b"".join(b"line %07d\r\n" % number for number in range(100_000))
        await asyncio.to_thread(written, program, data)
        await drained(stdio, data)
        stdio.resize(100, 30)
        end(program, stdio)
        resized, *redraws = await asyncio.wait_for(outputs(client), WAIT)
        assert resized == Resized(columns=100, lines=30)
        assert all(isinstance(message, Output) and message.redraw for message in redraws)
        redraw = redraws[-1]
        assert isinstance(redraw, Output)
        shown = Terminal(100, 30)
        shown.feed(redraw.data)
        assert b"line 0099999" in shown.text().encode()
        assert shown.scrollback > SCROLLBACK - 30  # the higher screen took some back


def lines_of(shown: Terminal) -> list[str]:
    """All lines that were ever shown, but for blank ones."""
    texts = [shown.row(y).text.rstrip() for y in range(-shown.scrollback, shown.lines)]
    return [text for text in texts if text]


@terminal
async def test_no_line_is_missing_or_twice_after_a_flood(program: Program, tmp_path: Path) -> None:
    """The client takes a little at a time, so that it is now behind, now up to date."""
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client, shown = stdio.attach(), Terminal(80, 24)
        redraws = 0
        number = 0
        for burst in (10, 5_000, 100, 3_000, 10, 10):
            texts = [b"line %07d %s\r\n" % (number + n, b"x" * 90) for n in range(burst)]
            number += burst
            await asyncio.to_thread(written, program, b"".join(texts))
            while f"line {number - 1:07d}" not in shown.text():
                message = await asyncio.wait_for(anext(client), WAIT)
                assert isinstance(message, Output)
                if message.redraw:
                    redraws += 1
                    shown.renew()
                shown.feed(message.data)
        end(program, stdio)
        for message in await asyncio.wait_for(outputs(client), WAIT):
            assert isinstance(message, Output)
            if message.redraw:
                shown.renew()
            shown.feed(message.data)
    told = [text.split()[1] for text in lines_of(shown) if text.startswith("line")]
    assert redraws
    assert told == [f"{n:07d}" for n in range(number)][-len(told) :]
    assert len(told) > 4_900


@terminal
async def test_a_client_sees_something_while_the_flood_goes_on(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        enough = threading.Event()

        def pour() -> None:
            while not enough.is_set():
                written(program, b"y\r\n" * 100_000)
            written(program, b"y\r\n" * 100_000)

        flood = asyncio.create_task(asyncio.to_thread(pour))
        sizes = []
        try:
            while len(sizes) < 3:
                await asyncio.sleep(0.3)  # nobody could read all of it so slowly
                message = await asyncio.wait_for(anext(client), WAIT)
                sizes += [len(message.data)] if isinstance(message, Output) and message.redraw else []
        finally:
            enough.set()
            await flood
        end(program, stdio)
        *_, last = await asyncio.wait_for(outputs(client), WAIT)
        assert isinstance(last, Output)
        assert max(sizes) < 5_000
        shown = Terminal(80, 24)
        shown.feed(last.data)
        assert shown.scrollback == SCROLLBACK


@both
async def test_a_client_of_an_ended_run_does_not_see_the_next_run(program: Program, tmp_path: Path) -> None:
    log = new_log(tmp_path)
    async with running(program, log, tmp_path / "spool") as stdio:
        client = stdio.attach()
        program.write(b"first run")
    log.begin()
    log.append("stdout", 0, b"second run")
    assert b"second" not in joined(await asyncio.wait_for(outputs(client), WAIT))


@both
async def test_a_detached_client_ends_and_the_others_go_on(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        leaving, staying = stdio.attach(), stdio.attach()
        waiting = asyncio.create_task(outputs(leaving))
        await asyncio.sleep(0)
        leaving.close()
        await asyncio.wait_for(waiting, WAIT)
        program.write(b"for those who stay")
        assert (await until(staying, b"stay")).endswith(b"for those who stay")
