"""The promise of issue 2: a SIGKILL of the engine at any instant loses and doubles no byte of a container's output, and
keeps its order. The test is the keeper here: it holds the descriptors, and forks one engine after the other."""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import time
import tty
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import engine.containers.output.spool
from engine.containers.keeper import Descriptors
from engine.containers.output.log import Log
from engine.containers.output.reader import read
from engine.containers.output.stdio import Stdio

KILLS = 150
RECORD = 16
ROTATED = 20_000
STEPS = ("splice", "pread", "write", "ftruncate", "open", "rename", "unlink", "lseek")


class Keeper:
    """Both sides of a program's terminal or pipes."""

    def __init__(self, kind: str) -> None:
        self.ends = Descriptors()
        if kind == "terminal":
            self.ends.terminal, slave = os.openpty()
            tty.setraw(slave)
            self.ends.relay = os.pipe()
            self.writers = [slave]
        else:
            self.ends.stdout, out = os.pipe()
            self.ends.stderr, error = os.pipe()
            self.writers = [out, error]
        for end in (self.ends.terminal, *(self.ends.relay or ()), self.ends.stdout, self.ends.stderr):
            if end is not None:
                os.set_blocking(end, False)

    def forget_writers(self) -> None:
        for writer in self.writers:
            os.close(writer)
        self.writers = []

    def close(self) -> None:
        self.forget_writers()
        self.ends.close()


@pytest.fixture(params=["pipes", "terminal"])
def keeper(request: pytest.FixtureRequest) -> Iterator[Keeper]:
    keeper = Keeper(request.param)
    yield keeper
    keeper.close()


def forked(work: Callable[[], object]) -> int:
    """The pid of a process that does `work` and nothing else."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def drain(ends: Descriptors, directory: Path, size: int, to_the_end: bool, told: int = -1) -> None:
    """An engine: takes what there is to the log, and then exits; or goes on to the end of the output.

    It writes to `told` when it has begun to take.
    """

    async def run() -> None:
        stdio = Stdio(ends, Log(directory, size=size, files=10_000), directory / "spool")
        task = asyncio.create_task(stdio.run())
        if told >= 0:
            await anext(stdio.attach())
            os.write(told, b".")
        if to_the_end:
            stdio.program_ended()
        else:
            await stdio.finish()
        await task
        stdio.close()

    asyncio.run(run())


def die_before_call(number: int) -> None:
    """Have this process killed where it would make its `number`-th system call that matters."""
    calls = iter(range(1, 1 << 30))

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    vars(engine.containers.output.spool)["_fallocate"] = counted(engine.containers.output.spool._fallocate)


async def logged(directory: Path, size: int) -> list[tuple[str, bytes]]:
    return [(r.stream, r.data) async for r in read(Log(directory, size=size, files=10_000))]


def test_death_before_any_system_call_keeps_every_byte_in_order(keeper: Keeper, tmp_path: Path) -> None:
    survived = False
    number = 0
    while not survived:
        number += 1
        directory = tmp_path / str(number)
        directory.mkdir()
        Log(directory).begin()
        expected = []
        for turn in range(2):
            writer = keeper.writers[turn % len(keeper.writers)]
            text = b"%d " % turn * 50  # a log file is full with each
            os.write(writer, text)
            expected.append(("stderr" if turn % len(keeper.writers) else "stdout", text))

            def engine_that_dies(number: int = number, directory: Path = directory) -> None:
                die_before_call(number)
                drain(keeper.ends, directory, 200, to_the_end=False)

            status = os.waitpid(forked(engine_that_dies), 0)[1]
            assert status in (0, signal.SIGKILL)
            survived = status == 0
            if not survived:
                pid = forked(partial(drain, keeper.ends, directory, 200, to_the_end=False))
                assert os.waitpid(pid, 0)[1] == 0
        assert asyncio.run(logged(directory, 200)) == expected, f"killed before call {number}"
    assert number > 10, "the engine was killed in fewer places than it has"


def write_until_told(writers: list[int], stop: int) -> None:
    """A loud program: numbered records of 16 bytes on each of its streams, in writes of any length."""
    chance = random.Random(1)
    counts = [0] * len(writers)
    while not select.select([stop], [], [], 0)[0]:
        stream = chance.randrange(len(writers))
        count = chance.choice((1, 1, 3, 50, 400))
        data = b"".join(b"%d:%0*d\r\n" % (stream, RECORD - 4, counts[stream] + number) for number in range(count))
        counts[stream] += count
        while data:
            data = data[os.write(writers[stream], data) :]


def test_hundreds_of_kills_at_random_moments_lose_and_double_nothing(keeper: Keeper, tmp_path: Path) -> None:
    chance = random.Random()
    Log(tmp_path, size=ROTATED).begin()
    stop, tell = os.pipe()
    begun, begins = os.pipe()
    program = forked(lambda: write_until_told(keeper.writers, stop))
    streams = len(keeper.writers)
    keeper.forget_writers()
    for number in range(KILLS):
        told = begins if number % 2 else -1
        pid = forked(partial(drain, keeper.ends, tmp_path, ROTATED, to_the_end=True, told=told))
        if number % 2:  # else it may die while it begins
            os.read(begun, 1)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.write(tell, b".")
    last = forked(lambda: drain(keeper.ends, tmp_path, ROTATED, to_the_end=True))
    assert os.waitpid(program, 0)[1] == 0
    assert os.waitpid(last, 0)[1] == 0
    for end in (stop, tell, begun, begins):
        os.close(end)
    records = asyncio.run(logged(tmp_path, ROTATED))
    for number, name in enumerate(("stdout", "stderr")[:streams]):
        lines = b"".join(data for stream, data in records if stream == name).splitlines()
        assert len(lines) > 1000
        assert lines == [b"%d:%0*d" % (number, RECORD - 4, count) for count in range(len(lines))]
    assert len(list(tmp_path.glob("log.jsonl.*"))) > 2, "it was killed while rotating, too"
