"""Promises of `engine.containers.output.stdio`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from engine.containers.output.log import Log
from engine.containers.output.spool import Spool
from engine.containers.output.stdio import Stdio
from engine.protocol.messages import Output

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
    terminal,
    until,
    written,
)


@both
async def test_output_is_logged_and_run_returns_when_it_ends(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool"):
        program.write(b"hello\n")
        program.write(b"world\n")
    assert await logged(tmp_path) == b"hello\nworld\n"


@pipes
async def test_streams_are_told_apart_and_logged_in_the_order_of_reading(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        for number in range(10):
            stream = "stderr" if number % 3 == 0 else "stdout"
            program.write(b"line %d\n" % number, stream)
            await until(client, b"line %d\n" % number)
    assert await logged(tmp_path) == b"".join(b"line %d\n" % number for number in range(10))
    assert await logged(tmp_path, "stderr") == b"".join(b"line %d\n" % number for number in range(0, 10, 3))


@both
async def test_binary_output_arrives_unchanged(program: Program, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    async with running(program, new_log(tmp_path), tmp_path / "spool"):
        await asyncio.to_thread(written, program, data)
    assert await logged(tmp_path) == data


@both
async def test_a_program_without_a_log_is_shown_and_nothing_is_kept(program: Program, tmp_path: Path) -> None:
    async with running(program, None, tmp_path / "spool") as stdio:
        client = stdio.attach()
        program.write(b"hello")
        assert await until(client, b"hello") == b"hello"
        end(program, stdio)
        assert await asyncio.wait_for(outputs(client), WAIT) == []
    assert not (tmp_path / "spool").exists()


@both
async def test_finishing_does_not_wait_for_processes_left_behind(program: Program, tmp_path: Path) -> None:
    stdio = Stdio(program.ends, new_log(tmp_path), tmp_path / "spool")
    task = asyncio.create_task(stdio.run())
    client = stdio.attach()
    program.write(b"last words")
    await stdio.finish()
    await asyncio.wait_for(task, WAIT)  # the writers are open
    assert joined(await asyncio.wait_for(outputs(client), WAIT)).endswith(b"last words") or program.terminal
    stdio.close()
    assert await logged(tmp_path) == b"last words"


@terminal
@pytest.mark.parametrize("kept", [True, False])
async def test_a_terminal_that_everybody_closed_is_watched_on(program: Program, tmp_path: Path, kept: bool) -> None:
    name = os.ttyname(program.slave)
    async with running(program, new_log(tmp_path) if kept else None, tmp_path / "spool") as stdio:
        client = stdio.attach()
        for word in (b"one", b"two"):
            program.write(word)
            await until(client, word)
            program.end()
            while not stdio._spools["stdout"].hung_up:  # noqa: ASYNC110  (nothing is told)
                await asyncio.sleep(0)
            program.writers["stdout"] = os.open(name, os.O_RDWR | os.O_NOCTTY)
        assert not stdio.ended


@terminal
async def test_a_terminal_that_nobody_has_open_costs_nothing(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    seen = asyncio.Event()
    take = Spool.take

    def counted(spool: Spool) -> bytes | None:
        nonlocal turns
        turns += 1
        seen.set()
        return take(spool)

    monkeypatch.setattr(Spool, "take", counted)
    async with running(program, new_log(tmp_path), tmp_path / "spool"):
        program.end()
        await seen.wait()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert turns == 1


@both
async def test_a_full_disk_stops_the_log_and_not_the_program(program: Program, tmp_path: Path) -> None:
    log = new_log(tmp_path)
    async with running(program, log, tmp_path / "spool") as stdio:
        program.write(b"before ")
        await drained(stdio, b"before ")
        log.park()
        os.rename(log.path, tmp_path / "aside")
        os.symlink("/dev/full", log.path)
        program.write(b"lost")
        while stdio._spools["stdout"].taken < 11:  # noqa: ASYNC110  (nothing is told)
            await asyncio.sleep(0)
        log.park()
        os.replace(tmp_path / "aside", log.path)
        program.write(b"after")
    text = await logged(tmp_path)
    assert text.startswith(b"before [heliostui: 4 bytes")
    assert text.endswith(b"\nafter")


def memory(field: str) -> int:
    """Bytes of this process's memory: VmRSS now, VmHWM at most since `forget_peak`."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))


def forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


LOUD = """
import sys
for _ in range(int(sys.argv[1])):
    sys.stdout.buffer.write((b"x" * 98 + b"\\r\\n") * 1000)
"""


@both
async def test_100_mb_pass_with_flat_memory(program: Program, tmp_path: Path) -> None:
    size = 100_000_000
    before = memory("VmRSS")
    forget_peak()
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        source = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOUD, str(size // 100_000), stdout=program.writers["stdout"]
        )  # fmt: skip
        end(program, stdio)
        client = stdio.attach()
        seen = 0
        async for message in client:
            seen += len(message.data) if isinstance(message, Output) else 0
        assert await source.wait() == 0
        assert program.terminal or seen == size
    assert memory("VmHWM") - before < 40_000_000
    assert Log(tmp_path).recover().stdout == size
