"""What is lost when containers are stopped, killed or removed: asked of the engine before the user is. Imports link."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from engine.client.errors import ClientError
from engine.protocol.messages import (
    Changes,
    ContainerDetail,
    ContainerSummary,
    InspectContainer,
    Inspected,
    ListChanges,
    ListVolumes,
    Top,
    TopContainer,
    Volumes,
)
from engine.protocol.processes import ProcessRow
from heliostui.keymap.command import LIVE
from heliostui.link import Link

PATIENCE = 0.8
"""Seconds in which the engine tells what would be lost; what it has not told then is said without numbers."""
ASKED = 20
"""Containers that it is asked about."""
_COUNTED = 1_000
"""Changed files that are counted."""
_PROGRAMS = 3
"""Names of programs that are listed."""

Act = Literal["stop", "restart", "kill", "remove"]


@dataclass(frozen=True)
class Loss:
    """What one container loses, in words; and the volumes without a name that were made for it."""

    name: str
    words: str
    volumes: frozenset[str] = frozenset()


async def losses(link: Link, act: Act, containers: Sequence[ContainerSummary]) -> list[Loss]:
    """What each of them loses."""
    anonymous = await _anonymous(link) if act == "remove" else frozenset()
    asked = await asyncio.gather(*(_loss(link, act, each, anonymous) for each in containers[:ASKED]))
    return [*asked, *(Loss(each.name, each.status.value) for each in containers[ASKED:])]


async def _anonymous(link: Link) -> frozenset[str]:
    """The volumes without a name."""
    try:
        async with asyncio.timeout(PATIENCE):
            reply = await link.request(ListVolumes(), Volumes)
    except (ClientError, TimeoutError):
        return frozenset()
    return frozenset(volume.name for volume in reply.volumes if volume.anonymous)


async def _loss(link: Link, act: Act, container: ContainerSummary, anonymous: Collection[str]) -> Loss:
    detail: ContainerDetail | None = None
    processes: Sequence[ProcessRow] = ()
    changes: Changes | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            detail = (await link.request(InspectContainer(container=container.id), Inspected)).container
            if container.status in LIVE:
                processes = (await link.request(TopContainer(container=container.id, interval=0.05), Top)).processes
            if act == "remove":
                changes = await link.request(ListChanges(container=container.id, limit=_COUNTED), Changes)
    except (ClientError, TimeoutError):
        pass  # what is known by now is said
    gone = act == "remove" or (detail is not None and detail.options.remove and act != "restart")
    own = frozenset(mount.volume for mount in detail.mounts if mount.volume in anonymous) if detail else frozenset()
    parts = [_programs(act, container, processes), _kept(act, gone=gone), _files(changes), _volumes(len(own))]
    return Loss(container.name, "; ".join(filter(None, parts)) or container.status.value, own)


def _programs(act: Act, container: ContainerSummary, processes: Sequence[ProcessRow]) -> str:
    """Its programs, and what becomes of them."""
    if container.status not in LIVE:
        return container.status.value
    end = {"stop": "asked to end", "restart": "ended and started anew"}.get(act, "killed")
    if not processes:
        return f"its programs are {end}"
    names = list(dict.fromkeys(PurePosixPath(each.command[0]).name for each in processes if each.command))
    told = ", ".join(names[:_PROGRAMS]) + ("…" if len(names) > _PROGRAMS else "")
    count = len(processes)
    return f"{count} process{'es' if count > 1 else ''} {end} ({told})"


def _kept(act: Act, *, gone: bool) -> str:
    if act == "remove":
        return "its log"
    return "removed with its files and its log (--rm)" if gone else ""


def _files(changes: Changes | None) -> str:
    count = 0 if changes is None else len(changes.changes)
    more = "more than " if changes is not None and changes.truncated else ""
    return "" if not count else f"{more}{count:,} changed file{'s' if count > 1 else ''}"


def _volumes(count: int) -> str:
    return "" if not count else f"{count} volume{'s' if count > 1 else ''} without a name"
