"""What the table of containers shows: a container, the numbers of one moment, a host. Plain values; imports query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from widgets.query import Facts

# How each state looks: a glyph that differs without colour as well, and the component class of its colour.
STATES = {
    "created": ("○", "container--idle"),
    "running": ("●", "container--running"),
    "paused": ("Ⅱ", "container--paused"),
    "restarting": ("↻", "container--paused"),
    "stopped": ("■", "container--idle"),
    "exited": ("■", "container--idle"),
}
HEALTH = {
    "healthy": ("✓", "container--running"),
    "starting": ("◌", "container--paused"),
    "unhealthy": ("!", "container--failed"),
}
"""How a running container looks that has a health check."""


class Numbers(NamedTuple):
    """What a container uses at one moment. CPU in cores, memory in bytes; None where it can't be had, of a limit where
    there is none."""

    cpu: float | None
    cpu_limit: float | None
    memory: float | None
    memory_limit: float | None


@dataclass(frozen=True)
class Host:
    """A machine whose containers are a group of the list. `state`: in a word; `role`: what we may do there."""

    key: str
    name: str
    state: str = ""
    connected: bool = True
    role: str = ""


@dataclass(frozen=True)
class ContainerRow:
    """One container as the table shows it. Times are aware; `exit_code` is that of its last run; `health` is empty
    where nothing checks it; `ports` are those published, in few words; `labels` as `key=value`; `host` is the key of
    the one it is on, empty where there is only one."""

    key: str
    name: str
    image: str
    command: str
    state: str
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    pid: int | None = None
    exit_code: int | None = None
    health: str = ""
    ports: str = ""
    labels: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    host: str = ""

    @property
    def up(self) -> bool:
        return self.state in ("running", "paused")

    @property
    def failed(self) -> bool:
        """It ended by itself with a code that says so."""
        return self.state in ("exited", "restarting") and self.exit_code not in (None, 0)

    @property
    def since(self) -> datetime:
        """When it came into the state it is in."""
        return (self.started if self.up else self.finished) or self.created

    @property
    def states(self) -> tuple[str, ...]:
        """Its state, and its health where that is checked."""
        return (self.state, self.health) if self.state == "running" and self.health else (self.state,)

    @property
    def look(self) -> tuple[str, str, str]:
        """The glyph of its state, the word, and the component class of both."""
        glyph, style = STATES.get(self.state, ("?", "container--idle"))
        if self.failed:
            glyph, style = "✗" if self.state == "exited" else glyph, "container--failed"
        if len(self.states) > 1:
            glyph, style = HEALTH.get(self.health, (glyph, style))
        return glyph, self.states[-1], style

    @property
    def facts(self) -> Facts:
        """What a filter looks at."""
        return {
            "name": (self.name,),
            "image": (self.image,),
            "command": (self.command,),
            "state": self.states,
            "label": self.labels,
            "network": self.networks,
            "port": (self.ports,),
            "id": (self.key,),
            "host": (self.host,),
        }
