"""Promises of `engine.containers.output.stdio`, on real terminals and pipes."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from engine.containers.keeper import Descriptors
from engine.containers.output.log import Log
from engine.containers.output.reader import read
from engine.containers.output.stdio import QUEUE, Client, Stdio
from engine.protocol.messages import Output, Resized
from engine.terminal import Style, Terminal

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
        program.end()
        await asyncio.wait_for(task, WAIT)


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
        if program.terminal:
            await anext(client)
        program.write(b"hello")
        assert await until(client, b"hello") == b"hello"
        program.end()
        assert await asyncio.wait_for(outputs(client), WAIT) == []
    assert not (tmp_path / "spool").exists()


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
        program.end()
        assert joined(await asyncio.wait_for(reading, WAIT)) == data


def written(program: Program, data: bytes) -> None:
    """As a program's blocking writes; its standard output is closed then."""
    while data:
        data = data[os.write(program.writers["stdout"], data) :]


@pipes
async def test_each_client_of_pipes_gets_all_from_its_attaching_on(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        first = stdio.attach()
        program.write(b"one\n")
        assert await until(first, b"one\n") == b"one\n"
        second = stdio.attach()
        program.write(b"two\n", "stderr")
        assert await until(second, b"two\n") == b"two\n"
        program.end()
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
        program.end()
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


# Terminals


def screen(terminal: Terminal) -> tuple[list[list[tuple[str, Style]]], tuple[int, int]]:
    return [terminal.row(y).spans() for y in range(terminal.lines)], terminal.cursor


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
        program.end()
        rest = await asyncio.wait_for(outputs(late), WAIT)
        seen += joined(await asyncio.wait_for(outputs(early), WAIT))
        core = stdio.terminal
        assert core is not None
        for stream in (first.data + joined(rest), seen):
            shown = Terminal(core.columns, core.lines)
            shown.feed(stream)
            assert screen(shown) == screen(core)


async def drained(stdio: Stdio, data: bytes) -> None:
    """Wait until the engine has taken all of `data`."""
    log = stdio._log
    assert log is not None
    while log.recover().stdout < len(data):
        await log.grown()


@terminal
async def test_a_client_of_a_terminal_that_lags_gets_the_present_screen(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        client = stdio.attach()
        first = await asyncio.wait_for(anext(client), WAIT)
        assert isinstance(first, Output)
        assert first.redraw
        data = b"".join(b"line %07d\r\n" % number for number in range(100_000))
        await asyncio.to_thread(written, program, data)
        await drained(stdio, data)
        stdio.resize(100, 30)
        program.end()
        resized, redraw, *rest = await asyncio.wait_for(outputs(client), WAIT)
        assert resized == Resized(columns=100, lines=30)
        assert isinstance(redraw, Output)
        assert redraw.redraw
        assert len(redraw.data) < 10_000
        assert rest == []
        shown = Terminal(100, 30)
        shown.feed(redraw.data)
        assert b"line 0099999" in shown.text().encode()


@terminal
async def test_the_last_client_that_resizes_decides_and_all_are_told(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool", columns=90, lines=33) as stdio:
        assert stdio.size == (90, 33)
        assert termios.tcgetwinsize(program.slave) == (33, 90)
        client = stdio.attach()
        await anext(client)
        program.write(b"before")
        await drained(stdio, b"before")
        stdio.resize(100, 40)
        stdio.resize(70, 20)
        assert termios.tcgetwinsize(program.slave) == (20, 70)
        program.write(b"after")
        program.end()
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
        await anext(client)
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
        assert stdio.terminal is not None
        assert killed.terminal is not None
        assert screen(stdio.terminal) == screen(killed.terminal)
        program.write(b"\x1b[6n")
        assert await asyncio.to_thread(os.read, program.slave, 100) == b"\x1b[10;15R"
    assert await logged(tmp_path) == text + b"\x1b[6n"


# Input


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
async def test_input_nobody_can_read_is_dropped(program: Program, tmp_path: Path) -> None:
    async with running(program, new_log(tmp_path), tmp_path / "spool") as stdio:
        if not program.terminal:
            os.close(program.stdin)
            program.stdin = os.open(os.devnull, os.O_RDONLY)
        else:
            program.end()
        await asyncio.wait_for(write_all(stdio, b"x" * 500_000), WAIT)


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


# Much of it


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
        program.end()
        client = stdio.attach()
        seen = 0
        async for message in client:
            seen += len(message.data) if isinstance(message, Output) else 0
        assert await source.wait() == 0
        assert program.terminal or seen == size
    assert memory("VmHWM") - before < 40_000_000
    assert Log(tmp_path).recover().stdout == size
