"""The metrics of all containers and the machine: one method per request of the protocol. Imports the parts."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

from engine.containers import states, top
from engine.containers.container import Container, Run
from engine.containers.tasks import Tasks
from engine.errors import EngineError
from engine.metrics import explain, machine
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
from engine.protocol.metrics import MACHINE, Sample, Series

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
        self._sampler = Sampler(self._programs, self._exists)
        self._tasks = Tasks()
        self._machine = Program(MACHINE, machine.NAME, self, os.getpid(), None, list, machine=True)

    def start(self) -> None:
        """Begin to sample."""
        self._tasks.spawn(self._sampler.run(), "sampler")

    async def close(self) -> None:
        """Let go of everything."""
        await self._tasks.close()

    def _programs(self) -> Iterator[Program]:
        yield self._machine
        for container, run in self._containers.programs():
            pids = run.cgroup.processes if run.cgroup is not None else partial(top.in_namespace_of, run.held.pid)
            yield Program(container.id, container.name, run, run.held.pid, run.cgroup, pids)

    # Requests

    async def stats(self, request: GetStats) -> Stats:
        """One sample of each, with rates."""
        ids, metrics = self._running(request.containers), _known(request.metrics)
        with self._sampler.looking(ids):
            await self._two_readings(ids)
            return Stats(samples=self._samples(ids, fast=False, metrics=metrics))

    async def stream(self, request: StreamStats) -> AsyncGenerator[Stats | StreamEnd, None]:
        """What there is at once, and then at every beat."""
        ids, metrics = self._running(request.containers), _known(request.metrics)
        period = _period(request)
        with self._sampler.looking(ids, period):
            await self._sampler.begin(ids)
            before = True
            while ids is None or any(map(self._goes_on, ids)):
                samples = self._samples(ids, fast=period == FAST, metrics=metrics)
                if samples or before:  # nothing to tell is told once
                    yield Stats(samples=samples)
                before = bool(samples)
                await self._sampler.beat(period)
        yield StreamEnd()

    async def history(self, request: GetHistory) -> History:
        """What is remembered, up to the last beat."""
        metrics = _known(request.metrics)
        watched = self._remembered(request.container)
        return History(series=[self._series(watched, name) for name in metrics])

    async def explain(self, request: ExplainMetric) -> Explanation:
        """Where a number comes from, by two readings of now."""
        metric = explain.known(request.metric)
        id = self._running_id(request.container)
        with self._sampler.looking([id]):
            await self._two_readings([id])
            return explain.explain(self._watched(id), metric)

    # How

    def _running(self, refs: list[str]) -> list[str] | None:
        """The ids of those that are named; None for all. EngineError when one doesn't run."""
        if not refs:
            return None
        return list(dict.fromkeys(map(self._running_id, refs)))

    def _running_id(self, ref: str) -> str:
        if ref == MACHINE:
            return ref
        container = self._containers.find(ref)
        container.running()
        return container.id

    def _remembered(self, ref: str) -> Watched | None:
        """None for what has just started. EngineError when it did not run lately."""
        if ref == MACHINE:
            return self._sampler.known(ref)
        container = self._containers.find(ref)
        watched = self._sampler.known(container.id)
        if watched is None and container.run is None:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Nothing is remembered of {container.name!r}: it did not run lately."
            )
        return watched

    def _exists(self, id: str) -> bool:
        return id == MACHINE or self._containers.exists(id)

    async def _two_readings(self, ids: list[str] | None) -> None:
        """Until there are two of everything, far enough apart."""
        await self._sampler.begin(ids)
        began = time.monotonic()
        while time.monotonic() - began < LONG_ENOUGH:
            await self._sampler.beat()

    def _samples(self, ids: list[str] | None, *, fast: bool, metrics: Sequence[str]) -> list[Sample]:
        """With these metrics, or (none named) all."""
        wanted = self._sampler.ids() if ids is None else ids
        running = [watched for id in wanted if (watched := self._sampler.running(id)) is not None]
        now = time.time()
        samples = []
        for watched in running:
            values = watched.values(fast=fast)
            if metrics:
                values = {name: values[name] for name in metrics if name in values}
            samples.append(Sample(container=watched.program.id, name=watched.program.name, time=now, values=values))
        return samples

    def _goes_on(self, id: str) -> bool:
        """Whether it runs, or will again by itself."""
        if id == MACHINE:
            return True
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


def _known(metrics: Iterable[str]) -> list[str]:
    """Each once. EngineError(INVALID) for what is no metric."""
    return list(dict.fromkeys(explain.known(name).name for name in metrics))


def _period(request: StreamStats) -> float:
    if request.period == SLOW:
        return SLOW
    if request.period == FAST and 0 < len(request.containers) <= MOST_FAST:
        return FAST
    raise EngineError(
        ErrorCode.INVALID,
        f"A period of {request.period:g} s can't be had: it is 1 s, or 0.1 s for up to {MOST_FAST} containers by name.",
    )
