"""The engine may be killed at any instant: no container, no byte of output, no exit status is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, EngineUnreachable, RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    Attach,
    Attached,
    ContainerOptions,
    Containers,
    CreateContainer,
    EngineInfo,
    ErrorCode,
    Exited,
    GetEngine,
    Input,
    JoinTerminal,
    KillContainer,
    ListContainers,
    LogRecord,
    OpenTerminal,
    Output,
    RemoveContainer,
    StartContainer,
    Status,
    StopContainer,
    StreamLogs,
    TerminalRef,
    WaitContainer,
)
from engine.terminal import Terminal
from tests.story.conftest import Person

KILLS = 50
# Numbered lines on both streams, until it is asked to end.
PRINT = (
    "trap 'end=1' TERM; i=0; while [ -z $end ]; do seq $((i * 20)) $((i * 20 + 19)); echo e$i >&2; "
    "i=$((i + 1)); usleep 25000; done; exit 7"
)
# The same of a program of the host, until somebody types.
COUNT = "i=0; until read -t 0.02; do echo $((i++)); done; echo the end; exit 6"
T = TypeVar("T")


class Engine:
    """Asks until it is answered: whoever holds the engine's end may die at any time."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def insist(self, ask: Callable[[Connection], T]) -> T:
        deadline = time.monotonic() + 60
        while True:
            try:
                with Connection.connect(self.places) as connection:
                    deadline = time.monotonic() + 60  # it did
                    return ask(connection)
            except (ConnectionLost, EngineUnreachable):
                assert time.monotonic() < deadline, "the engine does not come back"

    def info(self) -> EngineInfo:
        return self.insist(lambda c: c.request(GetEngine(), EngineInfo))

    def create(self, name: str, command: list[str], tty: bool = False) -> None:
        options = ContainerOptions(
            image="busybox", name=name, command=command, tty=tty, interactive=tty, columns=80, lines=24
        )
        self._once(lambda c: c.request(CreateContainer(options=options)), ErrorCode.NAME_IN_USE)

    def start(self, name: str) -> None:
        self._once(lambda c: c.request(StartContainer(container=name)), ErrorCode.WRONG_STATE)

    def _once(self, act: Callable[[Connection], object], done_already: ErrorCode) -> None:
        """Repeat what was not answered; that it had been done is an answer, too."""

        def attempt(connection: Connection) -> None:
            try:
                act(connection)
            except RequestFailed as refusal:
                if refusal.code != done_already:
                    raise

        self.insist(attempt)

    def exit_code(self, name: str) -> int:
        return self.insist(lambda c: c.request(WaitContainer(container=name)).exit_code)  # type: ignore[attr-defined]

    def logs(self, name: str) -> tuple[str, str]:
        def read(connection: Connection) -> tuple[str, str]:
            records = [r for r in connection.stream(StreamLogs(container=name)) if isinstance(r, LogRecord)]
            streams = [b"".join(r.data for r in records if r.stream == s) for s in ("stdout", "stderr")]
            return streams[0].decode(), streams[1].decode()

        return self.insist(read)


@pytest.mark.timeout(240)
def test_fifty_kills_of_the_engine_lose_nothing(root: Person) -> None:
    engine = Engine(Places(Path(root.environment["HELIOSTUI_RUNTIME"]), Path(root.environment["HELIOSTUI_STATE"])))
    for name, tty in (("pipes", False), ("more_pipes", False), ("terminal", True)):
        engine.create(name, ["sh", "-c", PRINT], tty)
        engine.start(name)
    engine.create("shell", ["sh"], tty=True)
    engine.start("shell")
    pids = {c.name: c.pid for c in engine.insist(lambda c: c.request(ListContainers(), Containers)).containers}
    opened = OpenTerminal(command=["bash", "-c", COUNT], env=["PATH=/usr/bin:/bin"])
    terminal = engine.insist(lambda c: c.request(opened, TerminalRef)).terminal

    over = threading.Event()
    short: dict[str, int] = {}
    busy = threading.Thread(target=_come_and_go, args=(engine, short, over))
    watching = threading.Thread(target=_stay_attached, args=(engine, over))
    busy.start()
    watching.start()
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    try:
        for _ in range(KILLS):
            victim = engine.info().pid
            over.wait(moments.random() * 0.15)
            os.kill(victim, signal.SIGKILL)
    finally:
        over.set()
        busy.join()
        watching.join()

    assert {c.name: c.pid for c in _running(engine)} == pids, f"seed {seed}"
    for name in ("pipes", "more_pipes", "terminal"):
        engine.insist(lambda c, name=name: c.request(KillContainer(container=name, signal="TERM")))  # type: ignore[misc]
        assert engine.exit_code(name) == 7
    for name in ("pipes", "more_pipes"):
        numbers, complaints = engine.logs(name)
        count = complaints.count("e")
        assert complaints == "".join(f"e{i}\n" for i in range(count)), f"seed {seed}"
        assert numbers == "".join(f"{i}\n" for i in range(20 * count)), f"seed {seed}"
        assert count > KILLS
    both, _ = engine.logs("terminal")
    turns = range(both.count("e"))
    assert len(turns) > KILLS
    expected = "".join("".join(f"{i}\r\n" for i in range(20 * n, 20 * n + 20)) + f"e{n}\r\n" for n in turns)
    assert both == expected, f"seed {seed}"
    assert len(short) > 3
    for name, expected in short.items():
        assert engine.exit_code(name) == expected, f"{name}, seed {seed}"
    _type_into_the_shell(engine)
    _see_the_terminal_count(engine, terminal)
    ids = _remove_everything(engine)
    assert str(root.directory) not in Path("/proc/self/mountinfo").read_text()
    assert list((engine.places.state / "containers").iterdir()) == []
    assert not ids & {name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names}


def _running(engine: Engine) -> list[object]:
    found = engine.insist(lambda c: c.request(ListContainers(), Containers)).containers
    return [c for c in found if c.name in ("pipes", "more_pipes", "terminal", "shell")]


def _come_and_go(engine: Engine, expected: dict[str, int], over: threading.Event) -> None:
    """Containers that start, print, and end by themselves or by being stopped; some, however slow the machine is."""
    number = 0
    while not over.is_set() or number < 4:
        number += 1
        name = f"short{number}"
        if number % 3:
            engine.create(name, ["sh", "-c", f"echo {number}; exit {number % 100}"])
            expected[name] = number % 100
            engine.start(name)
        else:
            engine.create(name, ["sleep", "600"])
            expected[name] = 137
            engine.start(name)
            engine.insist(lambda c, name=name: c.request(StopContainer(container=name, timeout=0.0)))  # type: ignore[misc]


def _stay_attached(engine: Engine, over: threading.Event) -> None:
    """A client that attaches again as often as it is cut off."""

    def look(connection: Connection) -> None:
        for message in connection.stream(Attach(container="terminal", input=False)):
            if over.is_set() or not isinstance(message, Attached | Output):
                return

    while not over.is_set():
        try:
            engine.insist(look)
        except RequestFailed:
            return  # it has ended


def _type_into_the_shell(engine: Engine) -> None:
    def talk(connection: Connection) -> bool:
        shown = b""
        for message in connection.stream(Attach(container="shell")):
            if isinstance(message, Attached):
                connection.send(Input(data=b"echo $((6 * 7)) is the answer\n"))
            elif isinstance(message, Output):
                shown += message.data
                if b"42 is the answer" in shown:
                    return True
        return False

    assert engine.insist(talk)


def _see_the_terminal_count(engine: Engine, terminal: str) -> None:
    """A program of the host has counted on, and nothing of what it showed is missing."""

    def look(connection: Connection) -> list[str]:
        screen = Terminal(80, 24, history=10_000)
        seen = 0
        for message in connection.stream(JoinTerminal(terminal=terminal)):
            if isinstance(message, Output):
                screen.feed(message.data)
                seen += 1
            # bash may drop what comes in the moment in which its `read -t` gives up: then once more.
            if isinstance(message, Attached) or (isinstance(message, Output) and seen % 200 == 0):
                connection.send(Input(data=b"\r"))
            if isinstance(message, Exited):
                assert message.exit_code == 6
        return [screen.row(y).text.strip() for y in range(-screen.scrollback, screen.lines)]

    shown = [row for row in engine.insist(look) if row]
    end = shown.index("the end")
    first = int(shown[0])
    assert shown[:end] == [str(number) for number in range(first, first + end)]
    assert end > 100


def _remove_everything(engine: Engine) -> set[str]:
    """Their ids."""
    removed = set()
    for container in engine.insist(lambda c: c.request(ListContainers(all=True), Containers)).containers:
        if container.name.startswith("short") and container.status == Status.CREATED:
            raise AssertionError(f"{container.name} was never started")
        removed.add(container.id)
        engine.insist(lambda c, i=container.id: c.request(RemoveContainer(container=i, force=True)))  # type: ignore[misc]
    return removed
