"""The network of a container as its own tools would show it, live: addresses, ports, sockets, rules, names and more.

Owns what was seen last and before, of which rates are made. Imports link, words, explain and widgets.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Static

from engine.client.errors import ClientError
from engine.protocol.messages import ContainerSummary, InspectContainer, Inspected, Status
from engine.protocol.network import DnsQuery, EndpointDetail, PortMapping, PortOption, Protocol
from heliostui.link import Link
from heliostui.messages import NamesAsked, NetworkArrived
from heliostui.network.explain import SECTIONS, Told, explained
from heliostui.network.words import Seen, sections
from widgets.filtered import Filtered
from widgets.later import Later
from widgets.once import after
from widgets.section_line import SectionLine
from widgets.section_table import SectionTable

NAMES = 200
"""How many questions to the resolver are kept."""
PAUSE = 1.0  # seconds between two changes of what is shown; each moves the lines below what came
TALL = 14  # lines from which on there is room to say what the cursor is on


class NetworkPane(Filtered[SectionTable]):
    """The sections, their names above and what the cursor is on below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            tooltip="Show only lines with these words",
            id="network.filter",
        ),
        Binding("enter", "screen.explain", "Explain", show=False, tooltip="What the line means", id="network.explain"),
        Binding(
            "u",
            "screen.take_back",
            "Take back",
            tooltip="Take back the port, or leave the network",
            id="network.take-back-here",
        ),
        Binding("escape", "forget", "All lines", show=False, tooltip="Forget the filter", id="network.all"),
    ]

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(SectionTable(folded=("unix",)), id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._seen = Seen()
        self._queries: deque[DnsQuery] = deque(maxlen=NAMES)
        self._showing: Timer | None = None
        self._shown_at = 0.0

    def compose(self) -> ComposeResult:
        yield self.note
        yield SectionLine()
        yield self.table
        yield Static(id="network-what", markup=False)
        yield self.filter_line

    def on_resize(self) -> None:
        self._arrange()

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Show this container from now on."""
        self.stop()
        if self._container is None or self._container.id != container.id:
            self._seen = Seen()
            self._queries.clear()
            self.table.show([])
        self._container = container
        self._seen.queries = self._queries
        self.run_worker(Later(self._ask, container), group="network")
        if container.status in (Status.RUNNING, Status.PAUSED):
            self.run_worker(Later(self._link.network, container.id, self.post_message), group="network")
            self.run_worker(Later(self._link.names, container.id, self.post_message), group="network")
        else:
            self._seen.now = self._seen.before = None

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "network")
        self.say(why)

    def say(self, why: str) -> None:
        super().say(why)
        self.query_one(SectionLine).display = not why
        self._arrange()

    def _arrange(self) -> None:
        self.query_one("#network-what").display = self.table.display and self.size.height >= TALL

    async def _ask(self, container: ContainerSummary) -> None:
        """What the engine has on record: endpoints and ports."""
        try:
            known = await self._link.request(InspectContainer(container=container.id), Inspected)
        except ClientError:
            return  # the list, or the banner, says why
        self._seen.asked, self._seen.wanted = known.container.network, known.container.options.ports
        self._show()

    @on(NetworkArrived)
    def _arrived(self, event: NetworkArrived) -> None:
        event.stop()
        if self._container is None or event.container != self._container.id:
            return
        if event.network is None:
            self.stop(event.reason)
            return
        self._seen.before, self._seen.now = self._seen.now, event.network
        self._show()

    @on(NamesAsked)
    def _asked(self, event: NamesAsked) -> None:
        event.stop()
        if self._container is not None and event.container == self._container.id:
            if event.restart:
                self._queries.clear()
            self._queries.extend(event.queries)
            if self._seen.now is not None and self._showing is None:
                self._showing = after(self, self._shown_at + PAUSE - monotonic(), self._show)

    def _show(self) -> None:
        if self._showing is not None:
            self._showing.stop()
            self._showing = None
        self._shown_at = monotonic()
        self.table.show(sections(self._seen))

    # --- what the cursor is on ---

    @property
    def port(self) -> tuple[int, Protocol] | None:
        """The container's port of what is published under the cursor, or will be."""
        match self.table.selected.of if self.table.selected else None:
            case PortMapping(container_port=port, protocol=protocol) | PortOption(container=port, protocol=protocol):
                return port, protocol
        return None

    @property
    def endpoint(self) -> EndpointDetail | None:
        """The endpoint under the cursor."""
        of = self.table.selected.of if self.table.selected else None
        return of if isinstance(of, EndpointDetail) else None

    @property
    def told(self) -> Told | None:
        """What is to be said of the line under the cursor."""
        row, container = self.table.selected, self._container
        return explained(row.of, container.name, container.pid) if row and container else None

    @on(SectionTable.Highlighted)
    def _moved(self, event: SectionTable.Highlighted) -> None:
        event.stop()
        line = self.query_one(SectionLine)
        line.names, line.here = self.table.names, self.table.place
        told = self.told
        words = SECTIONS.get(self.table.cursor[0], "")
        if told is not None:
            words = "\n".join((*told.sentences[:1], *told.commands[:1]))
        what = self.query_one("#network-what", Static)
        if words != str(what.content):
            what.update(words)
            self.screen.refresh_bindings()
        self.post_message(self.Described())

    @on(SectionTable.Chosen)
    async def _chosen(self, event: SectionTable.Chosen) -> None:
        event.stop()
        await self.run_action("screen.explain")

    @on(SectionLine.Chosen)
    def _section_chosen(self, event: SectionLine.Chosen) -> None:
        event.stop()
        self.table.go_to(event.place)

    # --- what the border says ---

    def description(self) -> str:
        """What the filter is, or the keys."""
        if self._container is None or not self.table.display:
            return ""
        if self.table.filter:
            return f"with “{self.table.filter}”"
        return "x explains a line · P publishes · N the map"
