"""Promises of `engine.containers.stdio`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from engine.containers.keeper import Descriptors
from engine.containers.log import Log
from engine.containers.stdio import QUEUE, Client, Stdio
from engine.protocol.messages import Output, Resized
from engine.terminal import Terminal

WAIT = 20


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
            with suppress(OSError):
                os.close(writer)

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
        if program.writers:
            program.end()
        await asyncio.wait_for(task, WAIT)


def new_log(directory: Path) -> Log:
    log = Log(directory)
    log.begin()
    return log


async def logged(directory: Path, stream: str | None = None) -> bytes:
    records = [record async for record in Log(directory).read()]
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
