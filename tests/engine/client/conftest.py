"""Real engines, each with directories of its own, ended after the test."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engine.client.blocking import Connection
from engine.client.errors import EngineUnreachable
from engine.places import Places
from engine.protocol.messages import Containers, EngineInfo, ListContainers, RemoveContainer, StopEngine

PATIENCE = 30.0  # seconds that a test waits for what must come


def wait_for_end(pid: int) -> None:
    """Until the process has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([pidfd], [], [], PATIENCE)[0], f"process {pid} does not end"
    finally:
        os.close(pidfd)


def info(places: Places) -> EngineInfo:
    """Who runs there now."""
    with Connection.connect(places, start=False) as engine:
        return engine.engine


def end(places: Places) -> None:
    """End keeper, engine and containers, if there are any."""
    with suppress(EngineUnreachable), Connection.connect(places, start=False) as engine:
        for container in engine.request(ListContainers(all=True), Containers).containers:
            engine.request(RemoveContainer(container=container.id, force=True))
        engine.request(StopEngine(all=True))
        wait_for_end(engine.engine.keeper_pid)


@contextmanager
def elsewhere() -> Iterator[Places]:
    """Directories of their own, not made yet; short, because a socket's path is."""
    directory = Path(tempfile.mkdtemp(prefix="heliostui-test-"))
    places = Places(directory / "run", directory / "state")
    try:
        yield places
    finally:
        end(places)
        shutil.rmtree(directory)


@pytest.fixture
def places() -> Iterator[Places]:
    """No engine yet."""
    with elsewhere() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared() -> Iterator[Places]:
    """One engine for the tests of a module, which remove their containers."""
    with elsewhere() as fresh:
        yield fresh
