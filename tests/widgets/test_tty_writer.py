"""Writing to a terminal that is slow, or gone, holds nobody up."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from widgets.tty_writer import PATIENT, TtyWriter


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Master and slave; the slave passes everything on as it is."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, slave
    os.close(slave)
    os.close(master)


def read(master: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += os.read(master, 65_536)
    return data


async def test_what_is_written_is_there_with_the_flush(terminal: tuple[int, int]) -> None:
    writer = TtyWriter(terminal[1])
    writer.write("grüß ")
    writer.write("dich")
    writer.flush()
    assert read(terminal[0], 11).decode() == "grüß dich"
    writer.stop()


async def test_what_nobody_flushes_goes_out_by_itself(terminal: tuple[int, int]) -> None:
    writer = TtyWriter(terminal[1])
    writer.write("bell")
    assert await asyncio.to_thread(read, terminal[0], 4) == b"bell"
    writer.stop()


async def test_a_terminal_that_does_not_read_holds_nobody_up_and_gets_it_all_in_the_end(
    terminal: tuple[int, int],
) -> None:
    writer = TtyWriter(terminal[1])
    text = "".join(f"{n:07d}\n" for n in range(4 * PATIENT // 8))
    writer.write(text)
    writer.flush()
    assert writer.behind
    assert os.get_blocking(terminal[1])
    assert (await asyncio.to_thread(read, terminal[0], len(text))).decode() == text
    assert not writer.behind
    writer.stop()


async def test_stopping_sends_the_rest(terminal: tuple[int, int]) -> None:
    writer = TtyWriter(terminal[1])
    text = "x" * 4 * PATIENT
    writer.write(text)
    reading = asyncio.get_running_loop().run_in_executor(None, read, terminal[0], len(text))
    writer.stop()
    assert len(await reading) == len(text)


async def test_a_terminal_that_is_gone_is_no_error() -> None:
    master, slave = pty.openpty()
    writer = TtyWriter(slave)
    os.close(master)
    writer.write("lost")
    writer.flush()
    assert not writer.behind
    writer.stop()
    os.close(slave)
