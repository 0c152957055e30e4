"""What is remembered of a container: the contents of its `state.json`. Imports the protocol.

A record is immutable: a change makes a new one, which counts once it is stored.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.protocol.messages import ContainerOptions, Status


class Identity(msgspec.Struct, frozen=True):
    """One process, for all time: a bare pid may come to mean another."""

    pid: int
    start: int  # clock ticks from boot to its start: field 22 of /proc/PID/stat
    boot: str  # /proc/sys/kernel/random/boot_id


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A container as it is on disk."""

    id: str
    name: str
    image: str  # the image's name, or the path of a root directory
    command: list[str]
    options: ContainerOptions
    created_at: datetime
    status: Status = Status.CREATED
    init: Identity | None = None  # while it is running or paused
    exit_code: int | None = None  # of its last run: 0-255
    error: str | None = None  # why its last start failed or its end is not known
    asked: bool = False  # a person asked for its end: its restart policy rests
    oom_killed: bool = False  # the OOM killer ended a process of its last run
    restarts: int = 0  # by the policy, since a person last started it
    started_at: datetime | None = None
    finished_at: datetime | None = None
