"""The limits of a container, as the kernel has them now, and changed here; each change is shown as what was written.

Owns the stream of samples that usage comes from, and what was asked for and is not in force yet. Imports link,
words and widgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Static

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.limits import LimitInForce, LimitWrite
from engine.protocol.messages import (
    ContainerSummary,
    GetLimits,
    InspectContainer,
    Inspected,
    LimitsInForce,
    Status,
    UpdateContainer,
    Updated,
)
from heliostui.graphs.board import GraphBoard
from heliostui.graphs.charts import BY_ID
from heliostui.graphs.feed import Subject
from heliostui.limits.words import LimitValue, asked_for, chart_of, limits, parsed, row, stepped, words
from heliostui.link import Link
from widgets.later import Later
from widgets.limits_table import LimitsTable
from widgets.noted import Noted
from widgets.once import after

RESTING = 0.3  # seconds after the last step until the limit is set
LIMIT_METRICS = ("cpu.limit", "memory.limit", "pids.limit")
BESIDE = 116  # columns from which on the graph is beside the table
BELOW = 19  # lines from which on it has room below
SPAN = 60  # seconds that it shows


class WriteLog(Static):
    """What was written and what was refused, the latest last, as many lines as there is room for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"write--time", "write--file", "write--refused", "write--muted"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._lines: list[tuple[str, str, str, str]] = []  # time, "file: text" or a sentence, its style, path

    def clear(self) -> None:
        self._lines = []
        self._draw()

    def add(self, writes: list[LimitWrite], sentence: str = "", style: str = "write--refused") -> None:
        """Writes in order, and a sentence when there is more to say."""
        now = f"{datetime.now().astimezone():%H:%M:%S}"
        self._lines += [(now, f"{write.file}: {write.text}", "write--file", write.path) for write in writes]
        if sentence:
            self._lines.append((now, sentence, style, ""))
        del self._lines[:-50]
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        text = Text(no_wrap=True, overflow="ellipsis")
        if not self._lines:
            text.append(" Each change is shown here as what the kernel is told.", self.style("write--muted"))
        for time, line, name, path in self._lines[-max(1, self.content_size.height) :]:
            text.append(f" {time}  ", self.style("write--time")).append(line, self.style(name))
            text.append(f"  {path}\n" if path else "\n", self.style("write--muted"))
        text.rstrip()
        self.update(text)

    def style(self, name: str) -> Style:
        """The look of a component class."""
        return self.get_component_rich_style(name, partial=True)


class LimitsPane(Noted):
    """The table, the selected limit as a graph, what it means, and what was written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "e", "screen.explain", "Explain", id="limits.explain", show=False, tooltip="Where the number comes from"
        )
    ]

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._limits: list[LimitInForce] = []
        self._version = 0
        self._usage: dict[str, float] = {}
        self._seen: tuple[float | None, ...] | None = None
        self._pending: dict[str, LimitValue] = {}
        self._resting: Timer | None = None
        self.table = LimitsTable()
        self.board = GraphBoard(
            link, [BY_ID["memory"]], more=("memory", "cpu", "pids", *LIMIT_METRICS), id="limit-graph"
        )
        self.board.can_focus = False
        self.board.seconds = SPAN

    def compose(self) -> ComposeResult:
        yield self.note
        with Container(id="limit-both"):
            yield self.table
            yield self.board
        yield Static(id="limit-what", markup=False)
        yield WriteLog(id="limit-writes")

    def on_resize(self) -> None:
        """Most of the room is the table's; what was written is seen in any case."""
        height = self.size.height
        self.query_one(WriteLog).styles.height = 4 if height >= 14 else 2 if height >= 9 else 1
        self.set_class(self.size.width >= BESIDE, "-beside")
        self._arrange_what()

    def _arrange_what(self) -> None:
        self.query_one("#limit-what").display = self.table.display and self.size.height >= 9
        self.board.display = self.table.display and (self.size.width >= BESIDE or self.size.height >= BELOW)

    @property
    def metric(self) -> str | None:
        """The metric that the limit under the cursor is about."""
        selected = self.table.selected
        return (words(selected.key).metric or None) if selected and self.board.followed else None

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Show the limits of this container from now on."""
        before = self._container
        self.stop()
        if before is None or before.id != container.id:
            self.query_one(WriteLog).clear()
            self.table.show([])
        self._container = container
        self._fetch()
        self.board.follow([Subject(container.id, container.name, self._runs)])

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "limits")
        self.board.rest()
        self._seen = None
        self._pending, self._usage = {}, {}
        self.say(why)

    def say(self, why: str) -> None:
        super().say(why)
        self.table.display = self.query_one(WriteLog).display = not why
        self._arrange_what()

    def _fetch(self) -> None:
        self.run_worker(Later(self._read), group="limits", exclusive=True)

    @property
    def _runs(self) -> bool:
        return self._container is not None and self._container.status in (Status.RUNNING, Status.PAUSED)

    async def _read(self) -> None:
        """Ask the kernel, or what is asked for the next start."""
        container = self._container
        if container is None:
            return
        try:
            if self._runs:
                reply = await self._link.request(GetLimits(container=container.id), LimitsInForce)
                self._limits, self._version = reply.limits, reply.version
            else:
                known = await self._link.request(InspectContainer(container=container.id), Inspected)
                self._limits, self._version = asked_for(known.container.options.limits), 0
        except RequestFailed as error:
            self.stop(error.message)
            return
        except ClientError:
            return  # the banner says so already
        self._show()
        self.post_message(self.Described())

    @on(GraphBoard.Ended)
    def _ended(self, event: GraphBoard.Ended) -> None:
        event.stop()
        self.stop(event.reason)

    @on(GraphBoard.Changed)
    def _changed(self, event: GraphBoard.Changed) -> None:
        event.stop()

    @on(GraphBoard.Sampled)
    def _sampled(self, event: GraphBoard.Sampled) -> None:
        event.stop()
        values = event.sample.values
        self._usage = dict(values)
        limits_now = tuple(values.get(name) for name in LIMIT_METRICS)
        if self._seen is not None and limits_now != self._seen:  # somebody changed one
            self._fetch()
        self._seen = limits_now
        self._show()

    def _show(self) -> None:
        usable = [limit for limit in self._limits if not limit.reason]
        refused = [limit for limit in self._limits if limit.reason]
        self.table.show(
            [row(limit, self._usage_of(limit.name), self._pending.get(limit.name)) for limit in (*usable, *refused)]
        )

    def _usage_of(self, name: str) -> float | None:
        return self._usage.get(words(name).metric)

    # --- changes ---

    def _now(self, name: str) -> LimitValue | None:
        if name in self._pending:
            return self._pending[name]
        return next((limit.value for limit in self._limits if limit.name == name), None)

    @on(LimitsTable.Turned)
    def _turned(self, event: LimitsTable.Turned) -> None:
        """While a knob is turned its effect is measured ten times a second."""
        event.stop()
        self.board.quick = event.on
        self.post_message(self.Described())

    @on(LimitsTable.Stepped)
    def _stepped(self, event: LimitsTable.Stepped) -> None:
        event.stop()
        if self._only_looks():
            return
        value = stepped(event.key, self._now(event.key), event.by, self._usage_of(event.key))
        if value is None:
            self.query_one(WriteLog).add([], f"{words(event.key).label} has no steps: Enter lets you type it.")
            return
        self._pending[event.key] = value
        self._show()
        if self._resting is not None:
            self._resting.stop()
        self._resting = after(self, RESTING, self._apply)

    @on(LimitsTable.Typed)
    def _typed(self, event: LimitsTable.Typed) -> None:
        event.stop()
        if self._only_looks():
            return
        try:
            self._pending[event.key] = parsed(event.key, event.text)
        except ValueError as error:
            self.query_one(WriteLog).add([], f"{words(event.key).label}: {error}")
            return
        self._show()
        self._apply()

    def _only_looks(self) -> bool:
        """Whether limits are not changed from here, which is said then."""
        only = bool(getattr(self.app, "read_only", False))
        if only:
            self.query_one(WriteLog).add([], "This console is read-only: limits are changed from another one.")
        return only

    def _apply(self) -> None:
        container = self._container
        asked = dict(self._pending)
        if container is not None and asked:
            self.run_worker(self._update(container.id, asked), group="updates")

    async def _update(self, container: str, asked: Mapping[str, LimitValue]) -> None:
        log = self.query_one(WriteLog)
        try:
            reply = await self._link.request(UpdateContainer(container=container, limits=limits(asked)), Updated)
            log.add(reply.writes, "" if reply.writes else self._unwritten(), "write--muted")
        except ClientError as error:
            log.add([], str(error))
        for name, value in asked.items():
            if self._pending.get(name) == value:
                del self._pending[name]
        if self._container is not None and self._container.id == container:
            await self._read()

    def _unwritten(self) -> str:
        return "Nothing was written: it was so already." if self._runs else "That holds from its next start on."

    def on_descendant_focus(self) -> None:
        self.post_message(self.Described())

    def on_descendant_blur(self) -> None:
        self.post_message(self.Described())

    @on(LimitsTable.Highlighted)
    def _highlighted(self, event: LimitsTable.Highlighted) -> None:
        event.stop()
        text = Text(no_wrap=True, overflow="ellipsis")
        if event.row is not None:
            text.append(f" {event.row.label}  ", "bold")
            text.append(event.row.reason or event.row.what)
            text.append(f"\n {event.row.source}", self.query_one(WriteLog).style("write--muted"))
            self.board.show_charts([BY_ID[chart_of(event.row.key)]])
        self.query_one("#limit-what", Static).update(text)

    def description(self) -> str:
        """What the border says."""
        about = f"cgroup v{self._version}" if self._version else "from its next start on"
        if not self.table.has_focus:
            return about
        keys = "↑ ↓ turn it, Enter lets go" if self.table.turned else "Enter turns it, digits type, [ ] other tabs"
        return f"{about} · {keys}"
