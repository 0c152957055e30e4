"""The log of receipts: what was done, by whom, how long it took, what came of it. Imports table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from widgets.query import Facts
from widgets.table import Cell, Column, Table
from widgets.text import nanoseconds


@dataclass(frozen=True)
class ReceiptRow:
    """One receipt. `duration`: ns, None while it is under way; `outcome`: "under way", "done" or "failed"."""

    key: str
    number: int
    time: str
    by: str
    action: str
    object: str
    duration: int | None
    outcome: str
    steps: int
    line: str
    own: bool = True
    host: str = ""


_MARKS = {"under way": ("…", "receipt--under-way"), "failed": ("✗", "receipt--failed")}


class ReceiptTable(Table[ReceiptRow]):
    """Receipts in the order in which they were given."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"receipt--under-way", "receipt--failed", "receipt--muted", "receipt--line"}
    COLUMNS: ClassVar[tuple[Column[ReceiptRow], ...]] = (
        Column("number", "#", 4, lambda row: row.number, rank=5, right=True),
        Column("time", "TIME", 8, lambda row: (row.time, row.number)),
        Column("host", "HOST", 8, lambda row: row.host, rank=6, weight=1, most=20),
        Column("by", "BY", 12, lambda row: row.by, weight=1, rank=3, most=18),
        Column("action", "ACTION", 10, lambda row: row.action, weight=1, most=18),
        Column("object", "OBJECT", 10, lambda row: row.object, weight=2, most=24),
        Column("took", "TOOK", 7, lambda row: row.duration, right=True, falling=True),
        Column("steps", "STEPS", 5, lambda row: row.steps, rank=2, right=True, falling=True),
        Column("outcome", "OUTCOME", 9, lambda row: row.outcome, rank=4),
        Column("line", "COMMAND LINE", 16, lambda row: row.line, weight=8, rank=1),
    )

    hosts = False
    """Whether there are several hosts to be told apart."""

    def columns(self) -> tuple[Column[ReceiptRow], ...]:
        return tuple(column for column in self.COLUMNS if column.name != "host" or self.hosts)

    def mark(self, row: ReceiptRow) -> tuple[str, str]:
        return _MARKS.get(row.outcome, (" ", ""))

    def facts(self, row: ReceiptRow) -> Facts:
        return {
            "name": (row.object,),
            "command": (row.line, row.action),
            "state": (row.outcome,),
            "host": (row.host,),
            "by": (row.by,),
        }

    def cell(self, row: ReceiptRow, column: str) -> Cell:
        failed = "receipt--failed" if row.outcome == "failed" else ""
        match column:
            case "number":
                return Cell(str(row.number), "receipt--muted")
            case "time":
                return Cell(row.time, "receipt--muted")
            case "by":
                return Cell(row.by, "" if row.own else "receipt--muted")
            case "took":
                return Cell("…" if row.duration is None else nanoseconds(row.duration).replace("  ", " "))
            case "steps":
                return Cell(str(row.steps), "receipt--muted")
            case "outcome":
                return Cell(row.outcome, failed or "receipt--muted")
            case "action":
                return Cell(row.action, failed)
            case "line":
                return Cell(row.line, "receipt--line")
        return Cell(str(getattr(row, column)))
