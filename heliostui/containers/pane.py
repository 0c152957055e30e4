"""The region of the list: the table, its filter, what is said of both, and the stream of numbers while it is seen.

Owns the table and asks for what containers use; what is done to them is the screen's. Imports link and widgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from engine.protocol.messages import StreamStats
from engine.protocol.metrics import Sample
from heliostui.containers.filter_line import FilterLine
from heliostui.line import slow_line
from heliostui.link import Link
from heliostui.messages import StatsArrived
from heliostui.settings.use import settings_of
from widgets.bounded import TOO_SLOW
from widgets.container_table import ContainerRow, ContainerTable, Host, Numbers
from widgets.marked_table import MarkedTable
from widgets.once import after
from widgets.query import QueryError, parse
from widgets.search_line import SearchLine
from widgets.text import printable

METRICS = ["cpu", "cpu.limit", "memory.working_set", "memory", "memory.limit"]
SPARING = 3
"""How many times less often the numbers change on a slow line."""
EARLY = 0.5
"""Seconds by which samples may come before their time."""
SOON = 0.02
"""Seconds in which the other samples of a moment come."""
CHIP = 40
"""Cells of a filter in the border."""
NO_MATCH = "No container matches. Escape clears the filter, / changes it."


class ContainersPane(Vertical):
    """The list of containers."""

    class Described(Message):
        """What the heading says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._seen = False
        self._taken: dict[str, Sample] = {}
        self._shown_at = 0.0
        self._progress = ""

    def compose(self) -> ComposeResult:
        yield ContainerTable()
        yield Static(id="filter-fault", markup=False)
        yield FilterLine("words, /regex/, !not, label:key=value, state:running, image:, network:, name:", id="filter")

    def on_mount(self) -> None:
        self.table.step = 2 * max(1.0, self._period)
        self.table.without = NO_MATCH

    @property
    def table(self) -> ContainerTable:
        return self.query_one(ContainerTable)

    @property
    def _line(self) -> FilterLine:
        return self.query_one(FilterLine)

    @property
    def _period(self) -> float:
        """Seconds between two changes of the numbers."""
        return settings_of(self.app).numbers_period * (SPARING if slow_line(self.app) else 1)

    def show(self, rows: Iterable[ContainerRow], hosts: Sequence[Host] = ()) -> None:
        self.table.show_containers(rows, hosts)

    # --- what containers use ---

    def on_show(self) -> None:
        self._seen = True
        self.follow()

    def on_hide(self) -> None:
        self._seen = False
        self.rest()

    def follow(self) -> None:
        """Ask what containers use, while that can be seen; anew where an engine has come or gone."""
        self.rest()
        if self._seen:
            self._measure()

    @work(group="numbers")
    async def _measure(self) -> None:
        await self._link.stats(StreamStats(period=1.0, metrics=METRICS), self._take)

    def rest(self) -> None:
        """Ask no more."""
        self.workers.cancel_group(self, "numbers")

    def _take(self, message: Message) -> None:
        """A sample of one container. Those that come at about one time are shown together, and each once in a period.

        Times are this console's: clocks of several hosts differ, and any clock may be set back.
        """
        if isinstance(message, StatsArrived) and message.sample is not None:
            if not self._taken:
                after(self, max(SOON, self._shown_at + self._period - EARLY - monotonic()), self._show_taken)
            self._taken[message.sample.container] = message.sample

    def _show_taken(self) -> None:
        taken, self._taken = self._taken, {}
        self._shown_at = monotonic()
        self.table.measure(self._shown_at, {id: _numbers(sample.values) for id, sample in taken.items()})

    # --- the filter ---

    def open_filter(self) -> None:
        self._line.open()

    def clear_filter(self) -> None:
        self._line.value = ""
        self._close_filter()

    @on(SearchLine.Changed, "#filter")
    def _typed(self, event: SearchLine.Changed) -> None:
        """What is understood holds at once; of what is not the line says why, and what held before goes on."""
        event.stop()
        try:
            parse(event.value)
        except QueryError as error:
            self._say(f"{' ' * min(error.at, 30)}↑ {error}")
        else:
            self._say("")
            self.table.filter = event.value.strip()

    def _say(self, fault: str) -> None:
        line = self.query_one("#filter-fault", Static)
        line.update(fault)
        line.display = bool(fault)

    @on(SearchLine.Submitted, "#filter")
    def _submitted(self, event: SearchLine.Submitted) -> None:
        event.stop()
        if not self.query_one("#filter-fault").display:
            self._line.keep()
            self._close_filter()

    @on(SearchLine.Ended, "#filter")
    def _ended(self, event: SearchLine.Ended) -> None:
        event.stop()
        self._close_filter()

    def _close_filter(self) -> None:
        self._say("")
        self._line.display = False
        self.table.focus()

    # --- the heading ---

    def progress(self, words: str) -> None:
        """What is being done to many containers at once; empty for nothing."""
        self._progress = words
        self.post_message(self.Described())

    @on(ContainerTable.Shown)
    @on(MarkedTable.Marked)
    def _changed(self) -> None:
        if self.table.filter_is_slow and self._line.display:
            self._say(f"↑ {TOO_SLOW[:1].upper()}{TOO_SLOW[1:]}.")
        self.post_message(self.Described())

    def description(self) -> tuple[str, str]:
        """What the heading says: what is shown, and how; and what is marked, or being done."""
        table = self.table
        parts = ["Containers"]
        if table.filter:
            chip = printable(table.filter)
            chip = chip if len(chip) <= CHIP else f"{chip[: CHIP - 1]}…"
            count = "takes too long" if table.filter_is_slow else f"{len(table.rows)} of {table.total}"
            parts = [f"Containers ⟦{chip}⟧ {count}"]
        column = next((column for column in table.COLUMNS if column.name == table.sort_column), None)
        if column is not None:
            parts.append(f"by {column.title.lower() or 'state'}")
        marked, hidden = len(table.marked), table.hidden_marks
        if marked or hidden:
            parts.append(f"{marked} marked{f', {hidden} out of sight' if hidden else ''}")
        return " · ".join(parts), self._progress


def _numbers(values: Mapping[str, float]) -> Numbers:
    memory = values.get("memory.working_set", values.get("memory"))
    return Numbers(values.get("cpu"), values.get("cpu.limit"), memory, values.get("memory.limit"))
