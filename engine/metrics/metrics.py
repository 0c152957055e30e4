"""The metrics of all containers: one method per request of the protocol. Imports the parts."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from functools import partial
from typing import Protocol

from engine.containers import states, top
from engine.containers.container import Container, Run
from engine.containers.tasks import Tasks
from engine.errors import EngineError
from engine.metrics import explain
from engine.metrics.sampler import FAST, SLOW, Sampler
from engine.metrics.watched import Program, Watched
from engine.protocol.messages import (
    ErrorCode,
    ExplainMetric,
    Explanation,
    GetHistory,
    GetStats,
    History,
    Stats,
    StreamEnd,
    StreamStats,
)
from engine.protocol.metrics import Sample, Series

MOST_FAST = 20  # containers that one stream may have at ten times a second
LONG_ENOUGH = 0.3  # seconds between two readings for a rate


class Containers(Protocol):
    """What of `engine.containers.lifecycle.Containers` is needed."""

    def find(self, ref: str, /) -> Container: ...
    def exists(self, id: str, /) -> bool: ...
    def programs(self) -> Iterable[tuple[Container, Run]]: ...


class Metrics:
    """`start` comes first, `close` last."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._sampler = Sampler(self._programs, containers.exists)
        self._tasks = Tasks()

    def start(self) -> None:
        """Begin to sample."""
        self._tasks.spawn(self._sampler.run(), "sampler")

    async def close(self) -> None:
        """Let go of everything."""
        await self._tasks.close()

    def _programs(self) -> Iterator[Program]:
        for container, run in self._containers.programs():
            pids = run.cgroup.processes if run.cgroup is not None else partial(top.in_namespace_of, run.held.pid)
            yield Program(container.id, container.name, run, run.held.pid, run.cgroup, pids)

    # Requests

    async def stats(self, request: GetStats) -> Stats:
        """One sample of each, with rates."""
        ids = self._running(request.containers)
        with self._sampler.looking(ids):
            await self._two_readings(ids)
            return Stats(samples=self._samples(ids, fast=False))

    async def stream(self, request: StreamStats) -> AsyncGenerator[Stats | StreamEnd, None]:
        """What there is at once, and then at every beat."""
        ids = self._running(request.containers)
        period = _period(request)
        with self._sampler.looking(ids, period):
            await self._sampler.begin(ids)
            before = True
            while ids is None or any(map(self._goes_on, ids)):
                samples = self._samples(ids, fast=period == FAST)
                if samples or before:  # nothing to tell is told once
                    yield Stats(samples=samples)
                before = bool(samples)
                await self._sampler.beat(period)
        yield StreamEnd()

    async def history(self, request: GetHistory) -> History:
        """What is remembered, up to the last beat."""
        metrics = [explain.known(name).name for name in request.metrics]
        container = self._containers.find(request.container)
        watched = self._sampler.known(container.id)
        if watched is None and container.run is None:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Nothing is remembered of {container.name!r}: it did not run lately."
            )
        return History(series=[self._series(watched, name) for name in metrics])

    async def explain(self, request: ExplainMetric) -> Explanation:
        """Where a number comes from, by two readings of now."""
        metric = explain.known(request.metric)
        container = self._containers.find(request.container)
        container.running()
        with self._sampler.looking([container.id]):
            await self._two_readings([container.id])
            return explain.explain(self._watched(container.id), metric)

    # How

    def _running(self, refs: list[str]) -> list[str] | None:
        """The ids of those that are named; None for all. EngineError when one doesn't run."""
        if not refs:
            return None
        containers = [self._containers.find(ref) for ref in dict.fromkeys(refs)]
        for container in containers:
            container.running()
        return list(dict.fromkeys(container.id for container in containers))

    async def _two_readings(self, ids: list[str] | None) -> None:
        """Until there are two of everything, far enough apart."""
        await self._sampler.begin(ids)
        began = time.monotonic()
        while time.monotonic() - began < LONG_ENOUGH:
            await self._sampler.beat()

    def _samples(self, ids: list[str] | None, *, fast: bool) -> list[Sample]:
        wanted = self._sampler.ids() if ids is None else ids
        running = [watched for id in wanted if (watched := self._sampler.running(id)) is not None]
        now = time.time()
        return [
            Sample(container=watched.program.id, name=watched.program.name, time=now, values=watched.values(fast=fast))
            for watched in running
        ]

    def _goes_on(self, id: str) -> bool:
        """Whether it runs, or will again by itself."""
        return self._containers.exists(id) and self._containers.find(id).record.status in states.ACTIVE

    def _watched(self, id: str) -> Watched:
        watched = self._sampler.running(id)
        if watched is None:
            raise EngineError(ErrorCode.WRONG_STATE, f"Container {id} has ended meanwhile.")
        return watched

    def _series(self, watched: Watched | None, metric: str) -> Series:
        if watched is None:  # it has just started
            return Series(metric=metric, start=time.time(), step=SLOW, values=[])
        start = self._sampler.time_of(watched.remembered.start)
        return Series(metric=metric, start=start, step=SLOW, values=watched.history(metric))


def _period(request: StreamStats) -> float:
    if request.period == SLOW:
        return SLOW
    if request.period == FAST and 0 < len(request.containers) <= MOST_FAST:
        return FAST
    raise EngineError(
        ErrorCode.INVALID,
        f"A period of {request.period:g} s can't be had: it is 1 s, or 0.1 s for up to {MOST_FAST} containers by name.",
    )
