"""heliostui: an engine of its own, asked over its socket by the blocking client."""

from __future__ import annotations

import time
from pathlib import Path

from peers.root import CLOCK, SLEEP, TRUE

from engine.client.blocking import Connection
from engine.places import Places
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    Exec,
    Exited,
    ExitStatus,
    LogRecord,
    RemoveContainer,
    RunContainer,
    StopEngine,
    StreamLogs,
    WaitContainer,
)

LOOPBACK = {"network": "private"}
"""Namespaces of a container that has, as the peers' ones do, loopback only."""


class Heliostui:
    """The engine is started by `__init__` and ended by `close`, with all of its containers."""

    name = "heliostui"

    def __init__(self, places: Places, root: Path) -> None:
        self._places = places
        self._root = str(root)
        self._engine = Connection.connect(self._places)

    def start(self, tty: bool) -> float:
        """Seconds from the request to the program's first instruction."""
        begin = time.monotonic_ns()
        ref = self._run(CLOCK, tty)
        self._wait(ref)
        with Connection.connect(self._places) as logs:
            texts = [record.data for record in logs.stream(StreamLogs(container=ref)) if isinstance(record, LogRecord)]
        self._engine.request(RemoveContainer(container=ref))
        return (int(b"".join(texts)) - begin) / 1e9

    def run(self) -> float:
        """Seconds to run /bin/true, to learn its exit status, and to remove the container."""
        begin = time.monotonic_ns()
        ref = self._run(TRUE, tty=False)
        self._wait(ref)
        self._engine.request(RemoveContainer(container=ref))
        return (time.monotonic_ns() - begin) / 1e9

    def begin_exec(self) -> None:
        """Have a container in which `exec` runs programs."""
        self._sleeper = self._run(SLEEP, tty=False)

    def exec(self) -> float:
        """Seconds to run /bin/true in a running container, with a connection of its own."""
        begin = time.monotonic_ns()
        with Connection.connect(self._places) as connection:
            for message in connection.stream(Exec(container=self._sleeper, command=TRUE)):
                if isinstance(message, Exited):
                    assert message.exit_code == 0
        return (time.monotonic_ns() - begin) / 1e9

    def end_exec(self) -> None:
        """Remove that container."""
        self._engine.request(RemoveContainer(container=self._sleeper, force=True))

    def close(self) -> None:
        self._engine.request(StopEngine(all=True))
        self._engine.close()

    def _run(self, command: list[str], tty: bool) -> str:
        options = ContainerOptions(rootfs=self._root, command=command, tty=tty, namespaces=LOOPBACK)
        return self._engine.request(RunContainer(options=options), ContainerRef).id

    def _wait(self, ref: str) -> None:
        status = self._engine.request(WaitContainer(container=ref), ExitStatus)
        assert status.exit_code == 0, status
