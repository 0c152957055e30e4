"""What the tests of output share: a log's writer and its readers, and a program in the hand of the test."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from engine.containers.keeper import Descriptors
from engine.containers.output.clients import Client
from engine.containers.output.log import Log
from engine.containers.output.reader import read
from engine.containers.output.records import Stream
from engine.containers.output.stdio import Stdio
from engine.protocol.messages import LogRecord, Output, Resized
from engine.terminal import Style, Terminal

WAIT = 60  # seconds, at most


class Writer:
    """Appends to a log as `Stdio` does: each stream counts its bytes."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.places: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        log.begin()

    def __call__(self, data: bytes, stream: Stream = "stdout") -> None:
        self.log.append(stream, self.places[stream], data)
        self.places[stream] += len(data)


async def records(
    log: Log, tail: int | None = None, since: datetime | None = None, follow: bool = False
) -> list[LogRecord]:
    return [record async for record in read(log, tail, since, follow)]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def text(log: Log, tail: int | None = None) -> bytes:
    return b"".join(record.data for record in await records(log, tail))


class Program:
    """The program's side of its terminal or pipes, in the hand of the test."""

    def __init__(self, kind: str) -> None:
        self.ends = Descriptors()
        self.terminal = kind == "terminal"
        if self.terminal:
            self.ends.terminal, self.slave = os.openpty()
            tty.setraw(self.slave)
            os.set_blocking(self.ends.terminal, False)
            self.ends.relay = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            self.writers = {"stdout": self.slave}
            self.stdin = self.slave
        else:
            self.ends.stdout, out = os.pipe2(os.O_CLOEXEC)
            self.ends.stderr, error = os.pipe2(os.O_CLOEXEC)
            self.stdin, self.ends.stdin = os.pipe2(os.O_CLOEXEC)
            for descriptor in (self.ends.stdout, self.ends.stderr, self.ends.stdin):
                os.set_blocking(descriptor, False)
            self.writers = {"stdout": out, "stderr": error}

    def write(self, data: bytes, stream: str = "stdout") -> None:
        os.write(self.writers[stream], data)

    def end(self) -> None:
        for writer in self.writers.values():
            os.close(writer)
        self.writers.clear()

    def close(self) -> None:
        self.end()
        if not self.terminal:
            os.close(self.stdin)
        self.ends.close()


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    program = Program(getattr(request, "param", "pipes"))
    yield program
    program.close()


pipes = pytest.mark.parametrize("program", ["pipes"], indirect=True)
terminal = pytest.mark.parametrize("program", ["terminal"], indirect=True)
both = pytest.mark.parametrize("program", ["pipes", "terminal"], indirect=True)


@asynccontextmanager
async def running(program: Program, log: Log | None, directory: Path, **options: object) -> AsyncIterator[Stdio]:
    """A Stdio that is run, and closed in the end."""
    stdio = Stdio(program.ends, log, directory, **options)  # type: ignore[arg-type]
    async with AsyncExitStack() as stack:
        stack.callback(stdio.close)
        task = asyncio.create_task(stdio.run())
        stack.callback(task.cancel)
        yield stdio
        end(program, stdio)
        await asyncio.wait_for(task, WAIT)


def end(program: Program, stdio: Stdio) -> None:
    """The program ends, and the engine hears of it."""
    program.end()
    stdio.program_ended()


def new_log(directory: Path) -> Log:
    log = Log(directory)
    log.begin()
    return log


async def logged(directory: Path, stream: str | None = None) -> bytes:
    records = [record async for record in read(Log(directory))]
    return b"".join(record.data for record in records if stream in (None, record.stream))


async def outputs(client: Client) -> list[Output | Resized]:
    return [message async for message in client]


async def until(client: Client, text: bytes) -> bytes:
    """What the client is sent, up to and with `text`."""
    seen = b""
    while text not in seen:
        message = await asyncio.wait_for(anext(client), WAIT)
        seen += message.data if isinstance(message, Output) else b""
    return seen


def joined(messages: list[Output | Resized], stream: str = "stdout") -> bytes:
    return b"".join(m.data for m in messages if isinstance(m, Output) and m.stream == stream)


def written(program: Program, data: bytes) -> None:
    """As a program's blocking writes; its standard output is closed then."""
    while data:
        data = data[os.write(program.writers["stdout"], data) :]


async def drained(stdio: Stdio, data: bytes) -> None:
    """Wait until the engine has taken all of `data`."""
    log = stdio._log
    assert log is not None
    while log.recover().stdout < len(data):
        await log.grown()


def screen(terminal: Terminal) -> tuple[list[list[tuple[str, Style]]], tuple[int, int]]:
    return [terminal.row(y).spans() for y in range(terminal.lines)], terminal.cursor
