"""What the daemon needs of the rest of the engine, as protocols. `__main__` fills an `Engine` with the real ones."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.places import Places
from engine.protocol.limits import Limits, LimitWrite
from engine.protocol.messages import (
    ActOnJob,
    AnyStreamInput,
    Attach,
    Attached,
    ContainerDetail,
    ContainerOptions,
    ContainerRef,
    ContainerSummary,
    Event,
    Exec,
    Exited,
    ExitStatus,
    ExplainMetric,
    Explanation,
    Finding,
    GetHistory,
    GetStats,
    History,
    ImageSummary,
    Isolation,
    JobTable,
    JoinTerminal,
    Launch,
    LimitsInForce,
    LogRecord,
    OpenTerminal,
    Output,
    ProcessRow,
    Resized,
    SeccompFilter,
    Stats,
    StreamEnd,
    StreamJobs,
    StreamLogs,
    StreamStats,
    TerminalRef,
    TerminalSummary,
    VolumeDetail,
)


class AttachSession(Protocol):
    """One client's part in a program's terminal or pipes."""

    attached: Attached

    def __aiter__(self) -> AsyncIterator[Output | Resized | Exited | StreamEnd]: ...
    async def send(self, message: AnyStreamInput) -> None: ...
    async def close(self) -> None: ...


class Events(Protocol):
    """A subscription, from the moment it is made to the end of its `with` block."""

    def __enter__(self) -> AsyncIterator[Event | StreamEnd]: ...
    def __exit__(self, *_: object) -> None: ...


class Containers(Protocol):
    """`engine.containers.lifecycle.Containers`; `ref` is an id, a unique prefix of one, or a name."""

    async def create(self, options: ContainerOptions, /) -> ContainerRef: ...
    async def start(self, ref: str, /) -> ContainerRef: ...
    async def run(self, options: ContainerOptions, /) -> ContainerRef: ...
    async def stop(self, ref: str, seconds: float, /) -> None: ...
    async def kill(self, ref: str, signal: str, /) -> None: ...
    async def pause(self, ref: str, /) -> None: ...
    async def unpause(self, ref: str, /) -> None: ...
    async def remove(self, ref: str, force: bool, volumes: bool, /) -> None: ...
    async def wait(self, ref: str, /) -> ExitStatus: ...
    async def rename(self, ref: str, name: str, /) -> None: ...
    async def list(self, all: bool, filters: list[str], /) -> list[ContainerSummary]: ...
    async def inspect(self, ref: str, /) -> ContainerDetail: ...
    async def launch(self, ref: str, /) -> Launch: ...
    async def top(self, ref: str, /) -> builtins.list[ProcessRow]: ...
    async def isolation(self, ref: str, /) -> Isolation: ...
    async def seccomp(self, ref: str, /) -> SeccompFilter: ...
    async def update(self, ref: str, limits: Limits, /) -> builtins.list[LimitWrite]: ...
    async def limits(self, ref: str, /) -> LimitsInForce: ...
    async def resize(self, ref: str, columns: int, lines: int, /) -> None: ...
    async def stop_all(self) -> None: ...

    def events(self) -> Events: ...
    def logs(self, request: StreamLogs, /) -> AsyncGenerator[LogRecord | StreamEnd, None]: ...
    async def attach(self, request: Attach, /) -> AttachSession: ...
    async def exec(self, request: Exec, /) -> AttachSession: ...


class Terminals(Protocol):
    """`engine.sessions.terminals.Terminals`."""

    async def open(self, request: OpenTerminal, /) -> TerminalRef: ...
    def list(self) -> list[TerminalSummary]: ...
    async def close_terminal(self, id: str, /) -> None: ...
    async def close_all(self) -> None: ...
    def join(self, request: JoinTerminal, /) -> AttachSession: ...
    def jobs(self, request: StreamJobs, /) -> AsyncGenerator[JobTable | StreamEnd, None]: ...
    async def act(self, request: ActOnJob, /) -> None: ...


class Metrics(Protocol):
    """`engine.metrics.metrics.Metrics`."""

    async def stats(self, request: GetStats, /) -> Stats: ...
    async def history(self, request: GetHistory, /) -> History: ...
    async def explain(self, request: ExplainMetric, /) -> Explanation: ...
    def stream(self, request: StreamStats, /) -> AsyncGenerator[Stats | StreamEnd, None]: ...


class Images(Protocol):
    """`engine.images`."""

    def list(self) -> list[ImageSummary]: ...


class Volumes(Protocol):
    """`engine.volumes.Volumes`."""

    async def create(self, name: str | None, labels: dict[str, str], /) -> VolumeDetail: ...
    async def list(self, filters: Sequence[str], /) -> list[VolumeDetail]: ...
    async def inspect(self, name: str, /) -> VolumeDetail: ...
    async def remove(self, name: str, /) -> None: ...
    async def prune(self, all: bool, /) -> builtins.list[VolumeDetail]: ...


class Keeper(Protocol):
    """`engine.containers.keeper.Keeper`."""

    @property
    def pid(self) -> int: ...
    async def shutdown(self) -> None: ...


@dataclass
class Engine:
    """Everything that requests are about, and whether it is coming to its end."""

    places: Places
    version: str
    rootless: bool
    keeper: Keeper
    containers: Containers
    terminals: Terminals
    images: Images
    metrics: Metrics
    volumes: Volumes
    findings: Callable[[], Awaitable[list[Finding]]]  # of `doctor`
    closing: bool = False  # the last containers are being stopped: nothing new is begun
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # set: the server ends
