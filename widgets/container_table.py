"""The table of containers: state, health, name, what each uses, image, command, ports, uptime, pid, exit code; live.

Takes `ContainerRow` and `Numbers` values; knows no engine. Imports container_row, marked_table, usage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

from textual import events

from widgets.columns import Cell, Column
from widgets.container_row import ContainerRow, Host, Numbers
from widgets.marked_table import MarkedTable
from widgets.natural_order import natural
from widgets.query import Facts
from widgets.table import Heading
from widgets.text import lasting
from widgets.usage import Usage, cell_number

__all__ = ["ContainerRow", "ContainerTable", "Host", "Numbers"]

CALM = 3.0
"""Seconds between two changes of an order that goes by live numbers."""
TOUCHED = 1.5
"""Seconds after a key or a movement of the mouse in which that order stays as it is."""
_MISSING = Cell("")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ContainerTable(MarkedTable[ContainerRow]):
    """All containers, one of them selected, some perhaps marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "container--running",
        "container--paused",
        "container--idle",
        "container--failed",
        "container--name",
        "container--port",
        "usage--line",
        "usage--number",
        "usage--near",
        "usage--at",
    }
    COLUMNS = (
        Column("glyph", "", 1, lambda row: row.state),
        Column("name", "NAME", 16, lambda row: natural(row.name), weight=3, most=40),
        Column("state", "STATE", 10, lambda row: row.state, rank=3),
        Column("cpu", "CPU", 14, lambda _: None, weight=3, most=36, right=True, falling=True, live=True),
        Column("memory", "MEMORY", 7, lambda _: None, weight=3, rank=2, most=28, right=True, falling=True, live=True),
        Column("uptime", "UP", 8, lambda row: (not row.up, row.since), rank=1, right=True),
        Column("image", "IMAGE", 8, lambda row: natural(row.image), weight=1, rank=5, most=32),
        Column("command", "COMMAND", 10, lambda row: row.command, weight=3, rank=6),
        Column("ports", "PORTS", 12, lambda row: row.ports or None, weight=1, rank=4, most=40),
        Column("pid", "PID", 7, lambda row: row.pid, rank=8, right=True),
        Column("exit", "EXIT", 4, lambda row: row.exit_code, rank=7, right=True),
    )

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now, self._clock = now, clock
        self._usage: dict[str, Usage] = {}
        self._cell = 0
        self._held: dict[str, tuple[float | None, float | None]] = {}
        self._held_at = self._touched_at = 0.0
        self._doing: dict[str, str] = {}
        self.step = 2.0
        """Seconds that a cell of a line stands for."""

    def on_mount(self) -> None:
        self.set_interval(1, self._tick, name="uptime")

    def _tick(self) -> None:
        if self.is_on_screen:
            self.refresh_changed()

    # --- what it shows ---

    def show_containers(self, rows: Iterable[ContainerRow], hosts: Sequence[Host] = ()) -> None:
        """Show these, under the names of their hosts where there are several."""
        known = list(rows)
        up = {row.key for row in known if row.up}
        self._usage = {key: usage for key, usage in self._usage.items() if key in up}
        self.show(known, [_heading(host, known) for host in hosts])

    def begin(self, keys: Iterable[str], doing: str) -> None:
        """Something is being done to these; the word stands for their state until it is `done`."""
        self._doing.update(dict.fromkeys(keys, doing))
        self.refresh_changed()

    def done(self, key: str) -> None:
        if self._doing.pop(key, None) is not None:
            self.refresh_changed()

    def measure(self, time: float, numbers: Mapping[str, Numbers]) -> None:
        """What containers use at a moment, in seconds of a clock that is never set. Those that are not named
        are as they were."""
        cell = cell_number(time, self.step)
        self._cell = max(self._cell, cell)
        for key, each in numbers.items():
            self._usage.setdefault(key, Usage()).add(cell, each)
        column = next((column for column in self.COLUMNS if column.name == self.sort_column), None)
        now = self._clock()
        if column is not None and column.live and now - self._held_at >= CALM and now - self._touched_at >= TOUCHED:
            self._hold()
            self.rearrange()
        else:
            self.refresh_changed()

    def forget_numbers(self) -> None:
        """Nothing is measured any more."""
        self._usage.clear()
        self.refresh_changed()

    def _hold(self) -> None:
        """The values that a live order goes by until it is made anew."""
        self._held_at = self._clock()
        self._held = {key: (usage.steady_cpu, usage.steady_memory) for key, usage in self._usage.items()}

    # --- what a table asks ---

    def columns(self) -> Sequence[Column[ContainerRow]]:
        """That of ports is there while one is published."""
        if any(row.ports for row in self._given):
            return self.COLUMNS
        return [column for column in self.COLUMNS if column.name != "ports"]

    def facts(self, row: ContainerRow) -> Facts:
        return row.facts

    def group(self, row: ContainerRow) -> str:
        return _host_key(row.host)

    def order(self, row: ContainerRow, column: Column[Any]) -> Any:
        if not column.live:
            return column.order(row)
        cpu, memory = self._held.get(row.key, (None, None))
        return cpu if column.name == "cpu" else memory

    def watch_sort_column(self) -> None:
        self._hold()
        super().watch_sort_column()

    def watch_cursor(self, old: str | None, new: str | None) -> None:
        self._touched_at = self._clock()
        super().watch_cursor(old, new)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._touched_at = self._clock()

    def cell(self, row: ContainerRow, column: str) -> Cell:
        glyph, state, style = row.look
        match column:
            case "glyph":
                return Cell(glyph, style)
            case "state":
                doing = self._doing.get(row.key)
                return Cell(doing, "container--paused") if doing else Cell(state, style)
            case "name":
                return Cell(row.name, "container--name" if row.up else "table--muted")
            case "cpu" | "memory":
                return self._used(row, column)
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

    def _used(self, row: ContainerRow, column: str) -> Cell:
        usage, width = self._usage.get(row.key), self._widths[column]
        if usage is None or not row.up:
            return _MISSING
        return usage.cpu(width, self._cell) if column == "cpu" else usage.memory(width, self._cell)

    def _uptime(self, row: ContainerRow) -> Cell:
        """How long it has been up; of one that is not, how long ago it ended."""
        duration = self._now() - row.since
        if row.up:
            return Cell(_up(duration))
        return Cell(f"{lasting(duration).split()[0]} ago", "table--muted")


def _up(duration: timedelta) -> str:
    """A duration in two units; minutes without seconds, which would change all the time in a list of many."""
    return lasting(duration) if not 60 <= duration.total_seconds() < 3600 else lasting(duration).split()[0]


def _host_key(host: str) -> str:
    return f"host {host}"  # no container's id has a blank in it


def _heading(host: Host, rows: Sequence[ContainerRow]) -> Heading:
    """A host's name, how it is reached, and how many containers it has."""
    own = [row for row in rows if row.host == host.key]
    running = sum(row.up for row in own)
    counts = f"  {running} of {len(own)} running" if own else "  no containers"
    state = (f"  {host.state}", "container--running" if host.connected else "container--failed") if host.state else None
    role = (f"  {host.role}", "table--muted") if host.role else None
    parts = tuple(part for part in (state, role, (counts, "table--muted")) if part is not None)
    return Heading(_host_key(host.key), host.name, parts)
