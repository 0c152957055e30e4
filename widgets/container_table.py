"""The table of containers: state, health, name, image, command, ports, uptime, pid and exit code, live.

Takes `ContainerRow` values; knows no engine. Imports table and text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from widgets.table import Cell, Column, Table
from widgets.text import lasting

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


@dataclass(frozen=True)
class ContainerRow:
    """One container as the table shows it. Times are aware; `exit_code` is that of its last run; `health` is empty
    where nothing checks it; `ports` are those published, in few words."""

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


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ContainerTable(Table[ContainerRow]):
    """All containers, one of them selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "container--running",
        "container--paused",
        "container--idle",
        "container--failed",
        "container--name",
        "container--port",
    }
    COLUMNS = (
        Column("glyph", "", 1, lambda row: row.state),
        Column("state", "STATE", 10, lambda row: row.state, rank=3),
        Column("name", "NAME", 14, lambda row: row.name, weight=2),
        Column("image", "IMAGE", 8, lambda row: row.image, rank=2),
        Column("command", "COMMAND", 8, lambda row: row.command, weight=3, rank=1),
        Column("ports", "PORTS", 12, lambda row: row.ports or None, weight=1, rank=4),
        Column("uptime", "UP", 8, lambda row: (not row.up, row.since), right=True),
        Column("pid", "PID", 7, lambda row: row.pid, rank=6, right=True),
        Column("exit", "EXIT", 4, lambda row: row.exit_code, rank=5, right=True),
    )

    def __init__(
        self, *, now: Callable[[], datetime] = _utc_now, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now

    def on_mount(self) -> None:
        self.set_interval(1, self._tick, name="uptime")

    def _tick(self) -> None:
        if self.is_on_screen:
            self.refresh_cells("uptime")

    def columns(self) -> Sequence[Column[ContainerRow]]:
        """That of ports is there while one is published."""
        if any(row.ports for row in self._given):
            return self.COLUMNS
        return [column for column in self.COLUMNS if column.name != "ports"]

    def words(self, row: ContainerRow) -> str:
        return f"{row.name} {row.image} {row.command} {row.state} {row.health} {row.ports} {row.key}"

    def cell(self, row: ContainerRow, column: str) -> Cell:
        glyph, style = STATES.get(row.state, ("?", "container--idle"))
        if row.failed:
            glyph, style = "✗" if row.state == "exited" else glyph, "container--failed"
        if row.state == "running" and row.health:
            glyph, style = HEALTH.get(row.health, (glyph, style))
        match column:
            case "glyph":
                return Cell(glyph, style)
            case "state":
                return Cell(row.health if row.state == "running" and row.health else row.state, style)
            case "name":
                return Cell(row.name, "container--name" if row.up else "table--muted")
            case "image":
                return Cell(row.image, "table--muted")
            case "command":
                return Cell(row.command, "" if row.up else "table--muted")
            case "ports":
                return Cell(row.ports, "container--port")
            case "uptime":
                return self._uptime(row)
            case "pid":
                return Cell(str(row.pid or "–"), "table--muted")
            case _:
                return Cell("–" if row.exit_code is None or row.up else str(row.exit_code), style)

    def _uptime(self, row: ContainerRow) -> Cell:
        """How long it has been up; of one that is not, how long ago it ended."""
        text = lasting(self._now() - row.since)
        return Cell(text) if row.up else Cell(f"{text.split()[0]} ago", "table--muted")
