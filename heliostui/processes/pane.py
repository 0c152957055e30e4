"""The processes of a container, live while they are looked at: a tree to signal, renice and explain.

Owns the asking, once a second, and what is done to the process under the cursor. Imports link, the dialogs and widgets.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import (
    ContainerSummary,
    Done,
    ExplainProcess,
    Explanation,
    GetProcess,
    NiceProcess,
    ProcessShown,
    Request,
    SignalProcess,
    Top,
    TopContainer,
)
from engine.protocol.processes import STATES, ProcessRow
from heliostui.link import Link
from heliostui.presence.read_only import is_read_only
from heliostui.processes.details import ProcessScreen
from heliostui.screens.explain import Explain
from heliostui.screens.signals import SignalMenu
from widgets.filtered import Filtered
from widgets.later import Later
from widgets.process_table import ProcessLine, ProcessTable
from widgets.text import command_line

FIRST, PERIOD = 0.1, 1.0  # seconds over which use of the CPU is measured: at first, and then
GREEDIEST, MOST_MODEST = -20, 19


class ProcessesPane(Filtered[ProcessTable]):
    """The table, or why there is none, and the line to filter it by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("K", "signal", "Signal…", id="processes.signal", tooltip="Send the process any signal"),
        Binding(
            "plus,equals_sign,f8",
            "nice(1)",
            "Nicer",
            id="processes.nicer",
            key_display="+ -",
            tooltip="Let the process be more modest: its nice value goes up by one",
        ),
        Binding("minus,f7", "nice(-1)", "Less nice", id="processes.greedier", show=False, tooltip="Let it be greedier"),
        Binding("e", "explain", "Explain", id="processes.explain", tooltip="Where the picked number comes from"),
        Binding(
            "x",
            "explain",
            "Explain",
            id="processes.explain-too",
            show=False,
            tooltip="Where the picked number comes from",
        ),
        Binding("slash", "filter", "Filter", id="processes.filter", key_display="/", tooltip="Only those with words"),
        Binding("escape", "forget", "All", id="processes.all", show=False, tooltip="Forget the filter"),
    ]

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(ProcessTable(), id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._rows: dict[str, ProcessRow] = {}

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Show this container's from now on."""
        self.stop()
        if self._container is None or (container.id, container.pid) != (self._container.id, self._container.pid):
            self._rows = {}
            self.table.show_processes([])
        self._container = container
        self.run_worker(Later(self._ask, container), group="processes")

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "processes")
        self.say(why)

    async def _ask(self, container: ContainerSummary) -> None:
        """Ask again and again; each answer takes as long as it measures."""
        interval = FIRST
        try:
            async with self._link.connection(container.id) as engine:
                while True:
                    told = await engine.request(TopContainer(container=container.id, interval=interval), Top)
                    self._show(told.processes)
                    interval = PERIOD
        except RequestFailed as error:
            self.say(error.message)
        except ClientError:
            pass  # the banner says so already

    def _show(self, rows: list[ProcessRow]) -> None:
        first = not self._rows
        self._rows = {_key(row): row for row in rows}
        self.table.show_processes([_line(row) for row in rows])
        if first:
            self.screen.refresh_bindings()
        self.post_message(self.Described())

    @property
    def selected(self) -> ProcessRow | None:
        """The process under the cursor."""
        return self._rows.get(self.table.cursor or "") if self.table.display else None

    # --- what is done to it ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "signal" | "nice":
                return self.selected is not None and not is_read_only(self.app)
            case "explain":
                return self.selected is not None
        return super().check_action(action, parameters)

    async def _do(self, request: Request) -> None:
        try:
            await self._link.request(request, Done)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)

    @work(group="actions")
    async def action_signal(self) -> None:
        row, container = self.selected, self._container
        if row is None or container is None:
            return
        name = await self.app.push_screen_wait(SignalMenu(f"{row.inner_pid} {command_line(row.command)}", 1))
        if name is not None:
            await self._do(SignalProcess(container=container.id, pid=row.pid, signal=name, start=row.start))

    def action_nice(self, by: int) -> None:
        row, container = self.selected, self._container
        if row is None or container is None or not GREEDIEST <= row.nice + by <= MOST_MODEST:
            return
        request = NiceProcess(container=container.id, pid=row.pid, nice=row.nice + by, start=row.start)
        self.run_worker(self._renice(request, _key(row)), group="actions")

    async def _renice(self, request: NiceProcess, key: str) -> None:
        """Do it, and show it before the next look."""
        try:
            await self._link.request(request, Done)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if key in self._rows:
            self._rows[key] = msgspec.structs.replace(self._rows[key], nice=request.nice)
            self.table.show_processes([_line(row) for row in self._rows.values()])

    @work(group="actions", exclusive=True)
    async def action_explain(self) -> None:
        row, container = self.selected, self._container
        if row is None or container is None:
            return
        request = ExplainProcess(container=container.id, pid=row.pid, figure=self.table.figure, start=row.start)
        try:
            told = await self._link.request(request, Explanation)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(Explain(f"process {row.inner_pid} of {container.name}", told))

    @on(ProcessTable.Chosen)
    def _chosen(self, event: ProcessTable.Chosen) -> None:
        event.stop()
        self._show_details()

    @work(group="actions", exclusive=True)
    async def _show_details(self) -> None:
        row, container = self.selected, self._container
        if row is None or container is None:
            return
        try:
            request = GetProcess(container=container.id, pid=row.pid, start=row.start)
            told = await self._link.request(request, ProcessShown)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(ProcessScreen(container.name, told.detail))

    # --- what the border says ---

    @on(ProcessTable.Highlighted)
    @on(ProcessTable.Shown)
    @on(ProcessTable.Picked)
    def _moved(self, event: Message) -> None:
        event.stop()
        self.refresh_bindings()
        self.post_message(self.Described())

    def description(self) -> str:
        """How many there are, in what order, and which number `e` explains."""
        if not self._rows or not self.table.display:
            return ""
        column = next((each for each in self.table.COLUMNS if each.name == self.table.sort_column), None)
        order = "tree" if column is None else f"by {column.title}"
        threads = sum(row.threads or 1 for row in self._rows.values())
        shown = f"with “{self.table.filter}”" if self.table.filter else ""
        count = f"{len(self._rows)} processes, {threads} threads"
        return " · ".join(filter(None, [shown, count, order, f"e explains {self.table.figure}"]))


def _key(row: ProcessRow) -> str:
    return f"{row.pid}.{row.start}"


def _line(row: ProcessRow) -> ProcessLine:
    return ProcessLine(
        key=_key(row),
        pid=row.pid,
        inside=row.inner_pid,
        parent=row.ppid,
        user=row.user,
        state=STATES.get(row.state, row.state),
        nice=row.nice,
        threads=row.threads or 1,
        cpu=row.cpu,
        memory=row.memory,
        time=row.cpu_seconds,
        command=command_line(row.command),
        started=row.start,
    )
