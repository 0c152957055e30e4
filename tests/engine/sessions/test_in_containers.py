"""Terminals and jobs in containers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.protocol.messages import (
    ActOnJob,
    Attach,
    CloseTerminal,
    ContainerOptions,
    ContainerRef,
    ErrorCode,
    ExitStatus,
    Input,
    KillContainer,
    PauseContainer,
    RemoveContainer,
    RunContainer,
    Top,
    TopContainer,
    UnpauseContainer,
    WaitContainer,
)

from .conftest import Engine


@pytest.fixture
def container(engine: Engine) -> Iterator[str]:
    """A running one whose own terminal has a shell on it."""
    options = ContainerOptions(image="busybox", command=["sh"], tty=True, interactive=True)
    id = engine.ask(RunContainer(options=options), ContainerRef).id
    yield id
    engine.ask(RemoveContainer(container=id, force=True))


def type_into(engine: Engine, container: str, keys: bytes) -> None:
    with Connection.connect(engine.places) as connection:
        next(connection.stream(Attach(container=container)))
        connection.send(Input(data=keys))


def test_a_shell_in_a_container_stays_and_survives_the_engine(engine: Engine, container: str) -> None:
    terminal = engine.open(container=container, env=["GIVEN=a b"], columns=100, lines=30)
    summary = engine.terminals()[terminal]
    assert (summary.container, summary.columns, summary.lines) == (container, 100, 30)
    with engine.join(terminal) as client:
        client.type("x=42; tty; echo $GIVEN $TERM $COLORTERM; hostname\r")
        client.until("a b xterm-256color truecolor")
        client.until(container)
        assert "/dev/pts/" in client.screen.text()
    engine.kill()
    assert engine.terminals()[terminal] == summary
    with engine.join(terminal) as client:
        client.until(container)
        client.type("echo $((x + 1)) is next; exit 6\r")
        client.until("43 is next")
        assert client.end() == 6


def test_it_goes_with_its_container(engine: Engine, container: str) -> None:
    terminal = engine.open("sleep", "1000", container=container)
    with engine.join(terminal) as client:
        engine.ask(KillContainer(container=container))
        assert client.end() == 128 + signal.SIGKILL
    engine.ask(WaitContainer(container=container), ExitStatus)
    with pytest.raises(RequestFailed, match="not running") as refusal:
        engine.open(container=container)
    assert refusal.value.code == ErrorCode.WRONG_STATE


def test_closing_it_leaves_its_container_alone(engine: Engine, container: str) -> None:
    terminal = engine.open("sh", "-c", "trap '' HUP; sleep 1000; sleep 1000", container=container)
    with engine.watch(terminal) as watcher:
        watcher.job("sleep")
    engine.ask(CloseTerminal(terminal=terminal))
    processes = engine.ask(TopContainer(container=container), Top).processes
    assert [process.inner_pid for process in processes if process.state != "Z"] == [1]


def test_a_frozen_container_gets_none(engine: Engine, container: str) -> None:
    try:
        engine.ask(PauseContainer(container=container))
    except RequestFailed as refusal:
        pytest.skip(refusal.message)
    with pytest.raises(RequestFailed, match="paused: unpause it first"):
        engine.open(container=container)
    engine.ask(UnpauseContainer(container=container))


def test_the_jobs_of_its_own_terminal_are_seen_and_acted_on(engine: Engine, container: str) -> None:
    engine.open("sh", "-c", "sleep 3000; true", container=container)
    with engine.watch(container=container) as watcher:
        assert watcher.until(lambda table: table.foreground == table.shell).source == "proc"
        type_into(engine, container, b"sleep 1000 | cat\r")
        job = watcher.job("sleep 1000 | cat")
        watcher.until(lambda table: table.foreground == job.pgid)
        engine.act(ActOnJob(container=container, pgid=job.pgid, action="background"))
        watcher.until(lambda table: table.foreground == table.shell_pgid)
        watcher.job("sleep 1000 | cat")
        assert "3000" not in str(watcher.table)  # that is on another terminal
        engine.act(ActOnJob(container=container, pgid=job.pgid, action="signal", signal="KILL"))
        assert watcher.job("sleep 1000 | cat", "done").processes  # zombies, until its shell looks after them
        type_into(engine, container, b"\r")
        watcher.until(lambda table: not table.jobs)
        engine.ask(KillContainer(container=container))
        watcher.wait(lambda: watcher.ended, lambda: "the end")


def test_a_group_of_another_terminal_is_not_acted_on(engine: Engine, container: str) -> None:
    terminal = engine.open("sh", "-c", "sleep 3000; true", container=container)
    pid = engine.terminals()[terminal].pid
    with pytest.raises(RequestFailed, match=f"no process group {pid} in container") as refusal:
        engine.act(ActOnJob(container=container, pgid=pid, action="signal", signal="KILL"))
    assert refusal.value.code == ErrorCode.INVALID
    os.kill(pid, 0)


def test_without_a_terminal_it_has_no_jobs(engine: Engine) -> None:
    options = ContainerOptions(image="busybox", command=["sleep", "1000"])
    id = engine.ask(RunContainer(options=options), ContainerRef).id
    with pytest.raises(RequestFailed, match="has no terminal"):
        engine.watch(container=id)
    engine.ask(RemoveContainer(container=id, force=True))
