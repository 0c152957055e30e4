"""A real engine with terminals in it, and people who take part in them."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    ActOnJob,
    AnyReply,
    Attached,
    CloseTerminal,
    Done,
    EngineInfo,
    Exited,
    GetEngine,
    Input,
    Job,
    JobEvent,
    JobTable,
    JoinTerminal,
    ListTerminals,
    OpenTerminal,
    Output,
    Reply,
    Request,
    Resize,
    Resized,
    StopEngine,
    StreamEnd,
    StreamJobs,
    StreamRequest,
    TerminalRef,
    Terminals,
    TerminalSummary,
)
from engine.terminal import Style, Terminal

PATIENCE = 30.0  # seconds; far more than anything takes
ENVIRONMENT = [f"PATH={os.environ['PATH']}", "HOME=/", "PS1=$ ", "LANG=C.UTF-8"]
BASH = ["bash", "--norc", "--noprofile"]
HELIOSH = [sys.executable, "-P", "-m", "engine.shell", "--norc"]
R = TypeVar("R", bound=Reply)
Looks = dict[str, object]


class Stream:
    """One conversation that gets a stream; `messages` are read as they come."""

    def __init__(self, places: Places, request: StreamRequest) -> None:
        self.connection = Connection.connect(places)
        self.first = next(self.connection.stream(request))
        self.ended = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def take(self, message: AnyReply) -> None:
        raise NotImplementedError

    def wait(self, holds: Callable[[], bool], what: Callable[[], str]) -> None:
        """Read on until it holds."""
        deadline = time.monotonic() + PATIENCE
        self.read()
        while not holds():
            assert not self.ended, f"the stream ended before that: {what()}"
            ready, _, _ = select.select([self.connection], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"that did not come: {what()}"
            self.read()

    def read(self) -> None:
        for message in self.connection.arrived():
            self.take(message)


class Client(Stream):
    """Somebody who takes part in a terminal, with a screen of their own."""

    def __init__(self, places: Places, request: JoinTerminal) -> None:
        super().__init__(places, request)
        assert isinstance(self.first, Attached)
        self.screen = Terminal(self.first.columns, self.first.lines, history=1000)
        self.exit_code: int | None = None

    def __enter__(self) -> Client:
        return self

    def take(self, message: AnyReply) -> None:
        match message:
            case Output(data=data, redraw=redraw):
                if redraw:
                    self.screen = Terminal(self.screen.columns, self.screen.lines, history=1000)
                self.screen.feed(data)
            case Resized(columns=columns, lines=lines):
                self.screen.resize(columns, lines)
            case Exited(exit_code=code):
                self.exit_code = code
                self.ended = True

    def type(self, keys: str | bytes) -> None:
        self.connection.send(Input(data=keys.encode() if isinstance(keys, str) else keys))

    def resize(self, columns: int, lines: int) -> None:
        self.connection.send(Resize(columns=columns, lines=lines))

    def until(self, text: str) -> str:
        self.wait(lambda: text in self.screen.text(), lambda: f"{text!r} in\n{self.screen.text()}")
        return self.screen.text()

    def until_like(self, other: Client) -> None:
        """Both see the same."""
        deadline = time.monotonic() + PATIENCE
        self.read()  # what came with the first message
        while looks(self.screen) != looks(other.screen):
            left = max(0.0, deadline - time.monotonic())
            ready = select.select([self.connection, other.connection], [], [], left)[0]
            assert ready, _difference(looks(self.screen), looks(other.screen))
            self.read()
            other.read()

    def until_looks(self, wanted: Looks) -> None:
        """It sees that, as `looks` tells it."""
        self.wait(
            lambda: looks(self.screen) == wanted,
            lambda: _difference(looks(self.screen), wanted),
        )

    def end(self) -> int:
        """The exit status."""
        self.wait(lambda: self.ended, self.screen.text)
        assert self.exit_code is not None
        return self.exit_code


class Watcher(Stream):
    """Somebody who looks at the jobs of a terminal."""

    def __init__(self, places: Places, request: StreamJobs) -> None:
        super().__init__(places, request)
        self.events: list[JobEvent] = []
        self.take(self.first)

    def __enter__(self) -> Watcher:
        return self

    def take(self, message: AnyReply) -> None:
        if isinstance(message, JobTable):
            self.table = message
            self.events += message.events
        self.ended |= isinstance(message, StreamEnd)

    def until(self, holds: Callable[[JobTable], object]) -> JobTable:
        self.wait(lambda: bool(holds(self.table)), lambda: str(self.table))
        return self.table

    def until_event(self, kind: str, pid: int = 0) -> JobEvent:
        def found() -> list[JobEvent]:
            return [event for event in self.events if event.kind == kind and (not pid or event.pid == pid)]

        self.wait(lambda: bool(found()), lambda: f"{kind} of {pid or 'anybody'} among {self.events}")
        return found()[-1]

    def job(self, words: str, state: str = "running") -> Job:
        """The job with these words in its command, once it is in that state."""

        def found(table: JobTable) -> Job | None:
            return next((job for job in table.jobs if words in job.command and job.state == state), None)

        job = found(self.until(found))
        assert job is not None
        return job


class Engine:
    """One engine, which can be killed and comes back."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def ask(self, request: Request, reply: type[R] = Done) -> R:  # type: ignore[assignment]
        with Connection.connect(self.places) as connection:
            return connection.request(request, reply)

    def open(
        self,
        *command: str,
        container: str | None = None,
        env: list[str] | None = None,
        workdir: str | None = None,
        columns: int = 80,
        lines: int = 24,
    ) -> str:
        request = OpenTerminal(
            command=list(command),
            container=container,
            env=ENVIRONMENT if env is None else env,
            workdir=workdir,
            columns=columns,
            lines=lines,
        )
        return self.ask(request, TerminalRef).terminal

    def join(self, terminal: str, *, input: bool = True, size: tuple[int, int] | None = None) -> Client:
        columns, lines = size or (None, None)
        return Client(self.places, JoinTerminal(terminal=terminal, input=input, columns=columns, lines=lines))

    def watch(self, terminal: str | None = None, container: str | None = None) -> Watcher:
        return Watcher(self.places, StreamJobs(terminal=terminal, container=container))

    def terminals(self) -> dict[str, TerminalSummary]:
        return {terminal.id: terminal for terminal in self.ask(ListTerminals(), Terminals).terminals}

    def act(self, request: ActOnJob) -> None:
        self.ask(request)

    def info(self) -> EngineInfo:
        return self.ask(GetEngine(), EngineInfo)

    def kill(self) -> None:
        """SIGKILL; the keeper starts another, which answers."""
        os.kill(self.info().pid, signal.SIGKILL)
        while True:
            with suppress(ConnectionLost):
                self.info()
                return


def looks(terminal: Terminal) -> Looks:
    """All that can be seen of a terminal, cell for cell, but for the blanks at the ends of lines."""
    found: Looks = {f"row {y}": _cells(terminal, y) for y in range(terminal.lines)}
    found["cursor"] = (terminal.cursor, terminal.cursor_visible, terminal.cursor_style)
    found["told"] = (terminal.title, terminal.directory)
    return found | {"modes": terminal.modes, "alternate": terminal.alternate}


def _cells(terminal: Terminal, y: int) -> list[tuple[str, Style]]:
    cells = [(character, style) for text, style in terminal.row(y).spans() for character in text]
    while cells and cells[-1] == (" ", Style()):
        cells.pop()
    return cells


def _difference(one: Looks, other: Looks) -> str:
    return "\n".join(
        f"{name}: {one.get(name)}, not {other.get(name)}" for name in other if one.get(name) != other[name]
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    directory = tmp_path_factory.mktemp("engine")
    engine = Engine(Places(directory / "run", directory / "state"))
    yield engine
    keeper = os.pidfd_open(engine.info().keeper_pid)
    engine.ask(StopEngine(all=True))
    assert select.select([keeper], [], [], PATIENCE)[0]
    os.close(keeper)


@pytest.fixture(autouse=True)
def _nothing_left(engine: Engine) -> Iterator[None]:
    """Each test's terminals are closed, and nothing of them is left with keeper and engine."""
    before = held(engine)
    yield
    for terminal in engine.terminals():
        with suppress(RequestFailed):  # it may just have ended by itself
            engine.ask(CloseTerminal(terminal=terminal))
    late = time.monotonic() + PATIENCE
    while (left := held(engine)) != before and time.monotonic() < late:
        pass  # what was killed takes a moment to end
    assert left == before
    assert sorted(path.name for path in (engine.places.runtime / "terminals").iterdir()) in ([], ["numbers"])


def held(engine: Engine) -> tuple[int, set[str]]:
    """How many descriptors the keeper has open, and its children but for the engine."""
    with pytest.raises(RequestFailed):  # answered after all that the keeper was told before
        engine.open("no-such-command")
    info = engine.info()
    (engine.places.runtime / "terminals").mkdir(exist_ok=True)
    keeper = Path(f"/proc/{info.keeper_pid}")
    try:
        descriptors = len(os.listdir(keeper / "fd"))
    except PermissionError:  # not ours: it is in a user namespace, or may not be looked into
        descriptors = 0
    children = set((keeper / f"task/{info.keeper_pid}/children").read_text().split())
    return descriptors, children - {str(info.pid)}
