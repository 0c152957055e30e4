"""The processes of a container as a table: a tree, or sorted by a column; one number of the selected one is picked.

Takes `ProcessLine`s of plain values; knows no engine. Imports table and branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from widgets.branches import tree
from widgets.query import Facts
from widgets.table import Cell, Column, Table
from widgets.text import binary, lasting_seconds


@dataclass(frozen=True)
class ProcessLine:
    """One process. `key` names it for good; `inside`: its pid as the container numbers it; `cpu`: in cores."""

    key: str
    pid: int
    inside: int
    parent: int
    user: str
    state: str  # in words
    nice: int
    threads: int
    cpu: float | None
    memory: int
    time: float  # seconds of CPU
    command: str
    started: int = 0
    branch: str = ""
    below: int = 0
    folded: bool = False


FIGURES = {
    "pid": "pid",
    "inside": "pid",
    "user": "user",
    "state": "state",
    "nice": "nice",
    "threads": "threads",
    "cpu": "cpu",
    "memory": "memory",
    "time": "time",
    "command": "started",
}
"""By column the number that is explained there."""
STYLES = {
    "running": "process--running",
    "stopped": "process--stopped",
    "traced": "process--stopped",
    "zombie": "process--zombie",
    "uninterruptible": "process--waiting",
}


class ProcessTable(Table[ProcessLine]):
    """Processes; without a column to sort by children stand below their parents."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLES.values(), "process--picked", "process--branch"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "pick(-1)", "Number before", id="processes.left", show=False, tooltip="The number before"),
        Binding("right", "pick(1)", "Next number", id="processes.right", show=False, tooltip="The next number"),
        Binding("space", "branch", "Fold", id="processes.fold", tooltip="Hide or show the processes below this one"),
        Binding("o", "sort", "Sort", id="processes.sort", tooltip="Sort by the next column; then the tree again"),
        Binding("O", "reverse", "Reverse", id="processes.reverse", show=False, tooltip="Turn the order round"),
        Binding("T", "tree", "Tree", id="processes.tree", show=False, tooltip="Children below their parents"),
        Binding("C", "by('cpu')", "By CPU", id="processes.by-cpu", show=False, tooltip="Those that use most CPU first"),
        Binding("M", "by('memory')", "By memory", id="processes.by-memory", show=False, tooltip="The largest first"),
        Binding("P", "by('pid')", "By pid", id="processes.by-pid", show=False, tooltip="In the order of their pids"),
        Binding("enter", "choose", "Details", id="processes.details", tooltip="All that is known of the process"),
    ]
    COLUMNS: ClassVar[tuple[Column[ProcessLine], ...]] = (
        Column("pid", "PID", 7, lambda row: row.pid, right=True),
        Column("inside", "INSIDE", 6, lambda row: row.inside, rank=1, right=True),
        Column("user", "USER", 8, lambda row: row.user, rank=3),
        Column("state", "STATE", 8, lambda row: row.state),
        Column("nice", "NI", 3, lambda row: row.nice, rank=2, right=True),
        Column("threads", "THR", 4, lambda row: -row.threads, rank=5, right=True),
        Column("cpu", "CPU%", 6, lambda row: -(row.cpu or 0), right=True),
        Column("memory", "MEMORY", 8, lambda row: -row.memory, right=True),
        Column("time", "TIME", 8, lambda row: -row.time, rank=4, right=True),
        Column("command", "COMMAND", 14, lambda row: row.command, weight=1),
    )

    picked: reactive[str] = reactive("cpu", repaint=False)
    """The column whose number is explained."""

    @dataclass
    class Picked(Message):
        """Another number is picked."""

        table: ProcessTable

        @property
        def control(self) -> ProcessTable:
            return self.table

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._processes: list[ProcessLine] = []
        self._shut: set[str] = set()

    # --- the rows ---

    def show_processes(self, lines: Sequence[ProcessLine]) -> None:
        """Show these; the cursor stays on its process."""
        self._processes = list(lines)
        self._shut &= {line.key for line in lines}
        self._show_rows()

    def _show_rows(self) -> None:
        if self.sort_column:
            self.show(self._processes)
            return
        keys = {line.pid: line.key for line in self._processes}
        in_order = sorted(self._processes, key=lambda line: (line.started, line.pid))
        placed = tree(in_order, lambda line: line.key, lambda line: keys.get(line.parent, ""), self._shut)
        self.show(
            replace(line, branch=place.branch, below=place.below, folded=line.key in self._shut)
            for line, place in placed
        )

    def watch_sort_column(self) -> None:
        self._show_rows()
        super().watch_sort_column()

    def facts(self, row: ProcessLine) -> Facts:
        return {
            "id": [str(row.pid), str(row.inside)],
            "state": [row.state],
            "user": [row.user],
            "command": [row.command],
        }

    def cell(self, row: ProcessLine, column: str) -> Cell:
        picked = row.key == self.cursor and column == self.picked
        text, style = self._shown(row, column)
        return Cell(text, "process--picked" if picked and self.has_focus else style)

    def _shown(self, row: ProcessLine, column: str) -> tuple[str, str]:
        match column:
            case "command":
                hidden = f" (+{row.below})" if row.folded and row.below else ""
                return f"{row.branch}{' ' if row.branch else ''}{row.command}{hidden}", ""
            case "cpu":
                return ("–" if row.cpu is None else f"{100 * row.cpu:.1f}"), "" if row.cpu else "table--muted"
            case "memory":
                return binary(row.memory), "" if row.memory else "table--muted"
            case "time":
                return lasting_seconds(row.time), "table--muted"
            case "nice":
                return str(row.nice), "" if row.nice else "table--muted"
            case "threads":
                return str(row.threads), "" if row.threads > 1 else "table--muted"
            case "state":
                return row.state, STYLES.get(row.state, "table--muted")
            case _:
                return str(getattr(row, column)), "table--muted" if column == "user" else ""

    # --- keys ---

    def watch_picked(self) -> None:
        self.refresh_changed()
        self.post_message(self.Picked(self))

    @property
    def figure(self) -> str:
        """The number that is picked, as the engine calls it."""
        return FIGURES[self.picked]

    def action_pick(self, by: int) -> None:
        names = list(self._widths)
        if names:
            here = names.index(self.picked) if self.picked in names else 0
            self.picked = names[min(max(here + by, 0), len(names) - 1)]

    def action_branch(self) -> None:
        if self.cursor and self.selected and (self.selected.below or self.cursor in self._shut):
            self._shut ^= {self.cursor}
            self._show_rows()

    def action_sort(self) -> None:
        self.sort_next()

    def action_reverse(self) -> None:
        if self.sort_column:
            self.sort_by(self.sort_column)

    def action_tree(self) -> None:
        self.sort_column = ""

    def action_by(self, column: str) -> None:
        self.sort_by(column)

    def action_choose(self) -> None:
        if self.cursor:
            self.post_message(self.Chosen(self, self.cursor))
