"""A successor's screen is the same, however long ago it was drawn, and whatever the log has lost since."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.containers.output import checkpoint as module
from engine.containers.output.checkpoint import Checkpoint, Snapshot
from engine.containers.output.log import Log
from engine.containers.output.stdio import Stdio

from .conftest import WAIT, Program, screen, terminal

INTERVAL = 700  # bytes between checkpoints in these tests
REPORT = b'\x1b]7717;heliosh;{"v":1}\x1b\\'


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEAR", INTERVAL)
    monkeypatch.setattr(module, "FAR", 2 * INTERVAL)  # as little as the logs of these tests keep


@asynccontextmanager
async def engine(program: Program, directory: Path, *, first: bool = False) -> AsyncIterator[Stdio]:
    """One engine that takes the program over, until it is killed: what follows is its successor's."""
    log = Log(directory / "log", size=4 * INTERVAL, files=2)
    if first:
        (directory / "log").mkdir()
        log.begin()
    stdio = Stdio(program.ends, log, directory / "spool", 60, 12)
    task = asyncio.create_task(stdio.run())
    await asyncio.wait_for(stdio._ready.wait(), WAIT)
    yield stdio
    task.cancel()
    await asyncio.wait({task})
    stdio.close()
    log.close()


async def taken(stdio: Stdio, place: int) -> None:
    """Wait until so many bytes of the program's output were shown."""
    shown = asyncio.Event()
    stdio.on_shown = shown.set
    async with asyncio.timeout(WAIT):
        while stdio._spools["stdout"].taken < place:
            shown.clear()
            await shown.wait()


def drawing(seed: int) -> list[bytes]:
    """A program that draws: pieces of sequences, cut anywhere."""
    chance = random.Random(seed)
    parts = [b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?2004h", b"\x1b[3;9r", b"\x1b[r", b"\x1b[?1049l", b"\x1b7", b"\x1b8"]
    parts += [b"\x1b]2;title %d\x1b\\" % n for n in range(3)] + [REPORT]
    parts += [b"\x1b[%d;%dH" % (chance.randrange(1, 14), chance.randrange(1, 70)) for _ in range(20)]
    parts += [b"\x1b[3%dm" % n for n in range(8)] + ["wörter 日本 ".encode(), b"plain text\r\n", b"\x1b[K", b"\x1b[2J"]
    stream = b"".join(chance.choice(parts) for _ in range(1500))
    pieces = []
    while stream:
        size = chance.randrange(1, 400)
        pieces.append(stream[:size])
        stream = stream[size:]
    return pieces


@terminal
@pytest.mark.parametrize("seed", range(4))
async def test_the_screen_is_the_same_wherever_the_engine_is_killed(
    program: Program, tmp_path: Path, seed: int
) -> None:
    chance, place = random.Random(seed), 0
    pieces = drawing(seed)
    async with engine(program, tmp_path, first=True) as stdio:
        assert stdio.screen is not None
        seen = screen(stdio.screen.terminal)
    while pieces:
        async with engine(program, tmp_path) as stdio:
            assert stdio.screen is not None
            assert screen(stdio.screen.terminal) == seen
            for _ in range(chance.randrange(1, 12)):
                if not pieces:
                    break
                piece = pieces.pop(0)
                program.write(piece)
                place += len(piece)
                await taken(stdio, place)
                if chance.random() < 0.1:
                    stdio.resize(chance.randrange(10, 80), chance.randrange(3, 20))
                    stdio._save_resized()  # as after a moment
            seen = screen(stdio.screen.terminal)
            title = stdio.screen.terminal.title
    async with engine(program, tmp_path) as stdio:
        assert stdio.screen is not None
        assert (screen(stdio.screen.terminal), stdio.screen.terminal.title) == (seen, title)


@terminal
async def test_a_size_that_changed_in_the_middle_of_a_report_is_remembered(program: Program, tmp_path: Path) -> None:
    async with engine(program, tmp_path, first=True) as stdio:
        assert stdio.screen is not None
        drawn = b"\x1b[2;40Hx" + REPORT[:9]
        program.write(drawn)
        await taken(stdio, len(drawn))
        stdio.resize(20, 6)
        stdio._save_resized()  # as after a moment
        program.write(REPORT[9:] + b"y" * 30)
        await taken(stdio, len(drawn + REPORT[9:]) + 30)
        seen = screen(stdio.screen.terminal)
    async with engine(program, tmp_path) as stdio:
        assert stdio.screen is not None
        assert screen(stdio.screen.terminal) == seen


@terminal
async def test_what_the_shell_said_last_is_said_again(program: Program, tmp_path: Path) -> None:
    async with engine(program, tmp_path, first=True) as stdio:
        assert stdio.screen is not None
        heard: list[bytes] = []
        stdio.screen.on_report = heard.append
        data = b"before" + REPORT + b"x" * 3 * INTERVAL
        program.write(data)
        await taken(stdio, len(data))
        program.write(b"y")
        await taken(stdio, len(data) + 1)
        assert heard == [b'{"v":1}']
        assert "heliosh" not in stdio.screen.terminal.text()
    stdio = Stdio(program.ends, Log(tmp_path / "log"), tmp_path / "spool")
    assert stdio.screen is not None
    stdio.screen.on_report = heard.append
    task = asyncio.create_task(stdio.run())
    await asyncio.wait_for(stdio._ready.wait(), WAIT)
    assert heard == [b'{"v":1}'] * 2
    task.cancel()
    await asyncio.wait({task})
    stdio.close()


@terminal
async def test_clients_see_no_report_but_what_only_began_as_one(program: Program, tmp_path: Path) -> None:
    async with engine(program, tmp_path, first=True) as stdio:
        client = stdio.attach()
        sent = b"a" + REPORT[:9], REPORT[9:] + b"b", b"\x1b]7717;helio", b"\x07c", b"\x1b]7717;heliosh;un"
        for number, data in enumerate(sent):
            program.write(data)
            await taken(stdio, sum(map(len, sent[: number + 1])))
        stdio.program_ended()
        await stdio.finish()
        seen = b"".join([message.data async for message in client])  # type: ignore[union-attr]
        assert seen == b"ab\x1b]7717;helio\x07c\x1b]7717;heliosh;un"


def test_a_flood_is_interrupted_seldom_and_for_a_few_lines(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "screen.1")
    assert checkpoint.due(INTERVAL - 1) == 0
    assert checkpoint.due(INTERVAL) == module.HISTORY
    checkpoint.save(Snapshot(place=INTERVAL, columns=80, lines=24, blank=False, drawn=b"", report=b""), took=1000.0)
    assert checkpoint.due(INTERVAL + module.FAR - 1) == 0
    assert checkpoint.due(INTERVAL + module.FAR) == module.LITTLE


def test_a_checkpoint_that_can_not_be_read_is_none(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "screen.1")
    assert checkpoint.load() is None
    snapshot = Snapshot(place=7, columns=80, lines=24, blank=False, drawn=b"\x1b[m\xff", report=b"")
    checkpoint.save(snapshot)
    assert checkpoint.load() == snapshot
    whole = checkpoint.path.read_bytes()
    for end in range(len(whole)):
        checkpoint.path.write_bytes(whole[:end])
        assert checkpoint.load() is None
    Checkpoint(tmp_path / "no" / "such").save(snapshot)  # a disk that does not take it stops nobody
