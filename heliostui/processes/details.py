"""All that is known of one process, in sections. Imports the protocol and widgets' text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.protocol.processes import STATES, ProcessDetail
from engine.protocol.quantities import size_text
from widgets.dialog import Dialog
from widgets.text import printable


class ProcessScreen(Dialog[None]):
    """One process; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close", id="process.close", tooltip="Back to the processes")
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"explain--path", "explain--muted"}

    def __init__(self, container: str, detail: ProcessDetail) -> None:
        super().__init__()
        self._container, self._detail = container, detail

    def compose(self) -> ComposeResult:
        row = self._detail.process
        with VerticalScroll(classes="dialog", id="explain") as dialog:
            dialog.border_title = Content(f"Process {row.inner_pid} of {self._container}")
            dialog.border_subtitle = "Escape closes"
            for title, _ in sections(self._detail):
                yield Static(title, classes="explain-path", markup=False)
                yield Static(classes="explain-readings")

    def on_mount(self) -> None:
        muted = self.get_component_rich_style("explain--muted", partial=True)
        widgets = self.query(".explain-readings").results(Static)
        for widget, (_, lines) in zip(widgets, sections(self._detail), strict=True):
            table = Table.grid(padding=(0, 2, 0, 0))
            for name, value in lines:
                table.add_row(Text(name, muted), Text(printable(value)))
            widget.update(table)


def sections(detail: ProcessDetail) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, with names and values."""
    row = detail.process
    yield (
        "Process",
        [
            ("command", shlex.join(row.command)),
            ("program", detail.executable or "not known"),
            ("directory", detail.directory or "not known"),
            ("pid", f"{row.inner_pid} inside, {row.pid} outside; its parent is {row.ppid}"),
            ("group, session", f"{row.pgid}, {row.session}"),
            ("state", STATES.get(row.state, row.state) + (f", waits in {row.wait}" if row.wait else "")),
            ("started", f"{row.started_at.astimezone():%Y-%m-%d %H:%M:%S}"),
            ("nice, threads", f"{row.nice}, {row.threads or 1}"),
            ("CPU, memory", f"{row.cpu_seconds:.2f} s, {size_text(row.memory)}"),
            ("switches", "{} given up, {} taken".format(*detail.switches)),
            ("OOM score", f"{detail.oom_score}, adjusted by {detail.oom_score_adj}"),
        ],
    )
    yield "Rights", list(_rights(detail))
    yield (
        "Namespaces",
        [(each.type, f"{each.inode}{'  the host’s' if each.shared else ''}") for each in detail.namespaces],
    )
    yield "Cgroups", [tuple(line.split(":", 2)[1:]) or ("", line) for line in detail.cgroups]  # type: ignore[misc]
    count = "" if row.files is None else f"  {row.files} in all"
    yield f"Open files{count}", [tuple(line.split(" → ", 1)) for line in detail.open_files]  # type: ignore[misc]


def _rights(detail: ProcessDetail) -> Iterator[tuple[str, str]]:
    kinds = ("real", "effective", "saved", "file system")
    for name, ids in (("users", detail.ids[:4]), ("groups", detail.ids[4:])):
        if len(set(ids)) == 1:
            yield name, str(ids[0])
        else:
            yield name, ", ".join(f"{kind} {id}" for kind, id in zip(kinds, ids, strict=False))
    effective = detail.capabilities.effective
    yield "capabilities", " ".join(effective).lower() if effective else "none"
    yield "seccomp", detail.seccomp
    yield "new privileges", "never (no_new_privs)" if detail.no_new_privileges else "by setuid programs"
