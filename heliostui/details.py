"""The details of the selected container, in tabs, each live while it is looked at.

Owns the tabs; workers bring what the views show, and larger ones are panes that bring it themselves. Imports link,
session, state, the panes and widgets.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import PurePosixPath
from typing import TypeAlias

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TabbedContent, TabPane, Tabs

from engine.protocol.messages import Attach, ContainerSummary, Status, StreamJobs
from heliostui.changes.pane import ChangesPane
from heliostui.graphs.tab import StatsPane
from heliostui.heap.pane import HeapPane
from heliostui.isolation.pane import IsolationPane
from heliostui.limits.pane import LimitsPane
from heliostui.link import Link
from heliostui.logs.pane import LogsPane, about_search
from heliostui.messages import InspectArrived, LaunchArrived
from heliostui.network.explain import Told
from heliostui.network.pane import NetworkPane
from heliostui.presence.read_only import refused
from heliostui.processes.pane import ProcessesPane
from heliostui.state import State, receipt
from heliostui.tab_names import TABS, names
from heliostui.terminals.jobs import JobPane
from heliostui.terminals.pane import TerminalPane
from heliostui.terminals.session import Session
from widgets.document import Document
from widgets.key_turns import hold_keys, let_keys_go
from widgets.later import Later
from widgets.launch_chart import LaunchChart
from widgets.line_view import LineView
from widgets.noted import Noted
from widgets.once import after
from widgets.own_class import set_own_class
from widgets.searchable import Searchable

LIVE = (Status.RUNNING, Status.PAUSED)
CONTENT = (
    "TerminalView, LineView, Calls, JobTable, SwimLanes, MetricList, LimitsTable, SectionTable, HeapMapView, "
    "ProcessTable, ChangeTable"
)
"""What may have the keys in a tab; the first that is shown gets them."""
SETTLING = 0.08  # seconds the selection must rest before details are fetched, so that running through a list is cheap
PANES = ("logs", "jobs", "stats", "processes", "limits", "isolation", "network", "changes", "heap")
# What there is to say in a pane of a container that does not run.
NOT_RUNNING = {
    "jobs": "so it has no jobs.",
    "stats": "so there is nothing to measure.",
    "isolation": "so there are no fences around it.",
    "processes": "so it has no processes.",
}


Pane: TypeAlias = (
    LogsPane | StatsPane | ProcessesPane | IsolationPane | LimitsPane | NetworkPane | ChangesPane | JobPane | HeapPane
)


class Details(Vertical):
    """Everything about one container, in tabs."""

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self.logs = LogsPane(link)
        self.stats = StatsPane(link)
        self.processes = ProcessesPane(link)
        self.isolation = IsolationPane(link)
        self.limits = LimitsPane(link)
        self.network = NetworkPane(link)
        self.changes = ChangesPane(link)
        self.jobs = JobPane(link)
        self.heap = HeapPane(link)
        self._panes: dict[str, Pane] = {name: getattr(self, name) for name in PANES}
        self._followed: Hashable = None
        self._settling: Timer | None = None
        self._looked = True
        self._instead = False  # the log is shown in the place of a terminal that there is none of
        self.lends = False
        """Whether its terminal has the whole screen while it has the keys."""

    def compose(self) -> ComposeResult:
        with TabbedContent(initial="terminal"):
            for tab in TABS:
                with TabPane(tab, id=tab):
                    yield from self._content(tab)

    def _content(self, tab: str) -> ComposeResult:
        match tab:
            case "terminal":
                yield TerminalPane(detach_keys=True, id="main-terminal")
            case "launch":
                yield LaunchChart()
            case "inspect":
                yield Searchable(Document())
            case _:
                yield self._panes[tab]

    def on_mount(self) -> None:
        self.query_one(Tabs).can_focus = False

    def on_resize(self) -> None:
        """Twelve names have hardly room in 80 cells."""
        found, roomy = names(self.size.width)
        for tab, name in found.items():
            self._tabs.get_tab(tab).label = name
        self.query_one(Tabs).set_class(not roomy, "-tight")

    @property
    def terminal(self) -> TerminalPane:
        """The container's own terminal."""
        return self.query_one(TerminalPane)

    @property
    def metric(self) -> str | None:
        """The metric of the number under the cursor."""
        match self.tab:
            case "stats":
                return self.stats.metric
            case "limits":
                return self.limits.metric
            case _:
                return None

    @property
    def told(self) -> Told | None:
        """What is to be said of what the cursor is on."""
        match self.tab:
            case "network":
                return self.network.told
            case "heap":
                return self.heap.told
            case _:
                return None

    # --- what is looked at ---

    @property
    def _tabs(self) -> TabbedContent:
        return self.query_one(TabbedContent)

    @property
    def tab(self) -> str:
        return self._tabs.active

    @property
    def container_id(self) -> str | None:
        """The container that is shown."""
        return self._container.id if self._container else None

    def show_tab(self, tab: str) -> None:
        """Look at another tab; the keys go with the look when they were on a tab."""
        moves = self.has_focus_within
        self._instead = False
        self._tabs.active = tab
        if moves:
            self.call_after_refresh(self.focus_content)

    def next_tab(self, by: int) -> None:
        tabs = list(TABS)
        self.show_tab(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    def share(self, *, alone: bool, keys: bool) -> None:
        """`alone`: its terminal has the screen for itself; `keys`: and the keys, as far as it is seen."""
        self.query_one(Tabs).display = not alone
        set_own_class(self, keys, "-has-keys")

    def focus_content(self) -> bool:
        """Give the keys to what the tab shows, and tell whether that takes any."""
        pane = self._tabs.active_pane
        for widget in pane.query(CONTENT) if pane else ():
            if widget.focusable:
                widget.focus()
                return True
        return False

    def show(self, container: ContainerSummary | None) -> None:
        """Show this container, or what is new of the one that is shown."""
        before, self._container = self._container, container
        if (before and before.id) != (container and container.id):
            self._leave()
            self._suit()
            self._settle()
        elif before != container:
            self._refresh()
        self.post_message(self.Described())

    def _suit(self) -> None:
        """A container without a terminal shows its log in the place of one, unless that tab was just chosen."""
        container = self._container
        if container is None or self.has_focus_within:
            return
        if not container.tty and self.tab == "terminal":
            self._tabs.active, self._instead = "logs", True
        elif container.tty and self._instead and self.tab == "logs":
            self._tabs.active, self._instead = "terminal", False

    def reconnect(self) -> None:
        """The engine is back: look at everything anew."""
        self._followed = None
        self._refresh()

    def rest(self) -> None:
        """Follow nothing, until `reconnect`."""
        self.workers.cancel_group(self, "detail")
        for pane in self._panes.values():
            pane.stop()

    def look(self, looked: bool) -> None:
        """Whether it is on the screen; it follows nothing while it is not."""
        if looked != self._looked:
            self._looked = looked
            self._refresh()

    def _leave(self) -> None:
        """Let go of the container that was shown."""
        self.workers.cancel_group(self, "detail")
        self._followed = None
        self.terminal.leave()
        self.terminal.say(self._note())

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = after(self, SETTLING, self._refresh)

    @on(TabbedContent.TabActivated)
    def _tab_changed(self, event: TabbedContent.TabActivated) -> None:
        event.stop()
        self._instead &= self.tab == "logs"
        self._refresh()
        self.screen.refresh_bindings()
        self.post_message(self.Described())

    def _refresh(self) -> None:
        """Follow what the tab shows of the container as it is now."""
        container = self._container
        wanted: Hashable = None
        if container is not None and self._looked:
            wanted = {
                "logs": ("logs", *(each.id for each in self._logged(container))),
                "changes": ("changes", container.id, container.status),
                "launch": ("launch", container.id, container.started_at),
                "inspect": ("inspect", container.id, msgspec.json.encode(container)),
                "network": ("network", container.id, container.pid, *container.networks, *container.ports),
            }.get(self.tab, (self.tab, container.id, container.pid) if self.tab in PANES else None)
        if wanted != self._followed:
            self.workers.cancel_group(self, "detail")
            for pane in self._panes.values():
                pane.stop()
            self._followed = wanted
            if container is not None and wanted is not None:
                self._follow(container)
        joinable = container is not None and container.tty and container.status in LIVE
        if container is not None and joinable and self.tab == "terminal" and not self.terminal.live:
            self._join(container, start=False)
        self.terminal.say(self._note())

    def _follow(self, container: ContainerSummary) -> None:
        """Have brought what the tab shows."""
        if self.tab not in PANES:
            fetch = {"launch": self._link.launch, "inspect": self._link.inspect}[self.tab]
            self.run_worker(Later(fetch, container.id, self.post_message), group="detail")
            return
        pane = self._panes[self.tab]
        if container.status not in LIVE and self.tab in NOT_RUNNING:
            pane.stop(f"{container.name} does not run, {NOT_RUNNING[self.tab]}")
        elif isinstance(pane, JobPane):
            name = PurePosixPath(container.command[0]).name if container.command else "program"
            pane.follow(StreamJobs(container=container.id), name)
        elif isinstance(pane, LogsPane):
            pane.follow(self._logged(container))
        else:
            pane.follow(container)

    def _logged(self, container: ContainerSummary) -> list[ContainerSummary]:
        """Whose logs are shown: those of all that are marked, or of the one that is selected."""
        state: State = self.screen.state  # type: ignore[attr-defined]
        marked = [state.containers[id] for id in sorted(state.marked) if id in state.containers]
        return marked if self.logs.merged and marked else [container]

    @on(LogsPane.Remarked)
    def marks_changed(self) -> None:
        """Other containers are marked."""
        self._refresh()

    # --- what workers bring ---

    def _is_shown(self, container: str) -> bool:
        return self._container is not None and self._container.id == container

    @on(LaunchArrived)
    def _launch(self, event: LaunchArrived) -> None:
        if self._is_shown(event.container):
            launch = receipt(event.launch) if event.launch else None
            self.query_one(LaunchChart).show(launch, event.reason)

    @on(InspectArrived)
    def _inspect(self, event: InspectArrived) -> None:
        if self._is_shown(event.container):
            self.query_one(Document).show(msgspec.to_builtins(event.detail) if event.detail else None)

    # --- its terminal ---

    def open(self) -> None:
        """Give the keys to the container's terminal, starting the container when it is not running."""
        container = self._container
        if container is None:
            return
        if container.tty and not self.terminal.live:
            if container.status not in LIVE and refused(self):
                return
            self._join(container, start=container.status not in LIVE)
        hold_keys(self.app)
        if container.tty:
            self._tabs.active = "terminal"
        else:
            self.show_tab("logs")
        self.call_after_refresh(self._give_keys)

    def _give_keys(self) -> None:
        """To what was opened, with all that was typed meanwhile."""
        self.focus_content()
        self.app.call_later(let_keys_go, self.app)

    @property
    def terminal_size(self) -> tuple[int, int]:
        """The size a terminal has here when it has the keys, in cells."""
        screen = self.app.size
        if self.lends:  # it will have the screen, but for a border and the footer
            return screen.width, screen.height - 2
        size = self.terminal.view.content_size
        return (size.width, size.height) if size else (80, 24)

    def _join(self, container: ContainerSummary, *, start: bool) -> None:
        request = Attach(container=container.id, start=start)
        self.terminal.begin(Session(self._link, request, self.terminal.post_message))

    def _note(self) -> str:
        """Why there is no terminal to see."""
        container = self._container
        if container is None:
            return ""
        live = container.status in LIVE
        if not container.tty:
            keys = "2 shows what it writes, e opens a shell inside." if live else "s starts it, 2 shows what it wrote."
            return f"{container.name} was made without a terminal.\n\n{keys}"
        if live:
            return ""
        code = "" if container.exit_code is None else f" with code {container.exit_code}"
        ended = "has not run yet" if container.status is Status.CREATED else f"has ended{code}"
        return f"{container.name} {ended}.\n\nEnter starts it, 2 shows what it wrote."

    # --- what the border says ---

    @on(LineView.Changed)
    @on(LogsPane.Described)
    @on(TerminalPane.Described)
    @on(JobPane.Described)
    @on(Noted.Described)
    def _content_described(self) -> None:
        self.post_message(self.Described())

    def description(self) -> tuple[str, str]:
        """Title and subtitle of the border."""
        container = self._container
        if container is None:
            return "", ""
        title = f"{container.name} · {container.status.value}"
        if self.terminal.has_keys:
            return f"{title} · has the keys", "ctrl+] gives them back"
        match self.tab:
            case "terminal":
                return title, self._about_terminal()
            case "jobs":
                return title, self.jobs.description()[1]
            case "stats":
                return title, self.stats.description()
            case "limits":
                return title, self.limits.description()
            case "isolation":
                return title, about_search(self.isolation.view.lines) or "/ searches"
            case "network":
                return title, self.network.description()
            case "heap":
                return title, self.heap.description()
            case "logs":
                return title, self.logs.description()
            case "processes":
                return title, self.processes.description()
            case "changes":
                return title, self.changes.description()
            case "inspect":
                return title, about_search(self.query_one(Document)) or "/ searches"
            case _:
                return title, "o longest first"

    def _about_terminal(self) -> str:
        session = self.terminal.session
        if session is None:
            return ""
        if not session.ended:
            return "Enter gives it the keys"
        return "" if session.exit_code is None else f"ended with {session.exit_code} · Enter starts it again"
