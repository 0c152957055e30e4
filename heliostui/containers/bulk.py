"""The same done to many containers, a few at a time, and what is said of it in the end. Imports the client's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.client.errors import ClientError
from engine.protocol.messages import (
    ContainerSummary,
    KillContainer,
    PauseContainer,
    RemoveContainer,
    Request,
    StartContainer,
    Status,
    StopContainer,
    UnpauseContainer,
)
from heliostui.keymap.command import ENDED, LIVE, RUNNING

AT_ONCE = 8
"""Containers that something is done to at a time: an engine has other things to do as well."""
NAMED = 5
"""Failures that are told one by one."""


@dataclass(frozen=True)
class Verb:
    """Something that can be done to a container. `doing` and `done`: as one says it of several; `states`: those in
    which it is possible; `requests`: what is asked of the engine, one after the other."""

    label: str
    doing: str
    done: str
    states: frozenset[Status]
    requests: Callable[[ContainerSummary], Sequence[Request]]

    def possible(self, containers: Iterable[ContainerSummary]) -> list[ContainerSummary]:
        """Those for which it is."""
        return [container for container in containers if container.status in self.states]


def removal(*, volumes: bool) -> Verb:
    """`volumes`: with those that were made for the container alone, without a name."""

    def requests(each: ContainerSummary) -> Sequence[Request]:
        live = each.status in (*LIVE, Status.RESTARTING)
        return [RemoveContainer(container=each.id, force=live, volumes=volumes)]

    return Verb("Remove", "removing", "removed", frozenset(Status), requests)


def signalling(signal: str) -> Verb:
    def requests(each: ContainerSummary) -> Sequence[Request]:
        return [KillContainer(container=each.id, signal=signal)]

    return Verb(f"Signal {signal}", "signalling", f"sent {signal}", LIVE, requests)


START = Verb("Start", "starting", "started", ENDED, lambda each: [StartContainer(container=each.id)])
STOP = Verb("Stop", "stopping", "stopped", LIVE | {Status.RESTARTING}, lambda each: [StopContainer(container=each.id)])
KILL = Verb("Kill", "killing", "killed", LIVE, lambda each: [KillContainer(container=each.id)])
PAUSE = Verb("Pause", "pausing", "paused", RUNNING, lambda each: [PauseContainer(container=each.id)])
RESUME = Verb(
    "Resume", "resuming", "resumed", frozenset({Status.PAUSED}), lambda each: [UnpauseContainer(container=each.id)]
)
RESTART = Verb(
    "Restart",
    "restarting",
    "restarted",
    LIVE,
    lambda each: [StopContainer(container=each.id), StartContainer(container=each.id)],
)


async def each_of(
    containers: Sequence[ContainerSummary],
    act: Callable[[ContainerSummary], Awaitable[object]],
    told: Callable[[ContainerSummary], object],
) -> list[ClientError]:
    """Do it to all of them, a few at a time; `told` hears of each that is through. What went wrong, in the order of the
    containers."""
    room, failures = asyncio.Semaphore(AT_ONCE), dict[str, ClientError]()

    async def one(container: ContainerSummary) -> None:
        async with room:
            try:
                await act(container)
            except ClientError as error:
                failures[container.id] = error
        told(container)

    async with asyncio.TaskGroup() as group:
        for container in containers:
            group.create_task(one(container))
    return [failures[each.id] for each in containers if each.id in failures]


def summary(verb: Verb, count: int, failures: Sequence[str]) -> str:
    """What has become of it: how many, and why not the others. Empty where one thing was done and is seen anyway."""
    if count == 1:
        return failures[0] if failures else ""
    words = f"{count - len(failures)} of {count} {verb.done}." if failures else f"{count} {verb.done}."
    more = len(failures) - NAMED
    shown = [*failures[:NAMED], *([f"And {more} more failed."] if more > 0 else [])]
    return "\n".join([words, *shown])
