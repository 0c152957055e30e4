"""The details of the selected container, in tabs, each live while it is looked at.

Owns the tabs; workers bring what the views show, and larger ones are panes that bring it themselves. Imports link,
session, state, the panes and widgets.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import PurePosixPath

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TabbedContent, TabPane, Tabs

from engine.protocol.messages import Attach, ContainerSummary, Status, StreamJobs
from heliostui.heap.pane import HeapPane
from heliostui.isolation_pane import IsolationPane
from heliostui.job_pane import JobPane
from heliostui.limits_pane import LimitsPane
from heliostui.link import Link
from heliostui.messages import InspectArrived, LaunchArrived, LogsArrived
from heliostui.network_explain import Told
from heliostui.network_pane import NetworkPane
from heliostui.session import Session
from heliostui.state import receipt
from heliostui.stats_pane import StatsPane
from heliostui.terminal_pane import TerminalPane
from widgets.document import Document
from widgets.launch_chart import LaunchChart
from widgets.line_view import LineView
from widgets.log_view import LogView
from widgets.own_class import set_own_class
from widgets.searchable import Searchable

LIVE = (Status.RUNNING, Status.PAUSED)
CONTENT = "TerminalView, LineView, Calls, JobTable, SwimLanes, MetricList, LimitsTable, SectionTable, HeapMapView"
"""What may have the keys in a tab; the first that is shown gets them."""
SETTLING = 0.08  # seconds the selection must rest before details are fetched, so that running through a list is cheap
TABS = ("terminal", "logs", "launch", "inspect", "jobs", "stats", "limits", "isolation", "network", "heap")
PANES = ("jobs", "stats", "limits", "isolation", "network", "heap")
# Names of tabs, and what they are where there is little room.
SHORTENED = {
    "terminal": ("1 Terminal", "1 Term"),
    "isolation": ("8 Isolation", "8 Isol"),
    "network": ("9 Network", "9 Net"),
}
# What there is to say in a pane of a container that does not run.
NOT_RUNNING = {
    "jobs": "so it has no jobs.",
    "stats": "so there is nothing to measure.",
    "isolation": "so there are no fences around it.",
}


class Details(Vertical):
    """Everything about one container, in tabs."""

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._followed: Hashable = None
        self._settling: Timer | None = None

    def compose(self) -> ComposeResult:
        with TabbedContent(initial="terminal"):
            with TabPane("1 Terminal", id="terminal"):
                yield TerminalPane(detach_keys=True, id="main-terminal")
            with TabPane("2 Log", id="logs"):
                yield Searchable(LogView())
            with TabPane("3 Launch", id="launch"):
                yield LaunchChart()
            with TabPane("4 Inspect", id="inspect"):
                yield Searchable(Document())
            with TabPane("5 Jobs", id="jobs"):
                yield JobPane(self._link)
            with TabPane("6 Stats", id="stats"):
                yield StatsPane(self._link)
            with TabPane("7 Limits", id="limits"):
                yield LimitsPane(self._link)
            with TabPane("8 Isolation", id="isolation"):
                yield IsolationPane(self._link)
            with TabPane("9 Network", id="network"):
                yield NetworkPane(self._link)
            with TabPane("h Heap", id="heap"):
                yield HeapPane(self._link)

    def on_mount(self) -> None:
        self.query_one(Tabs).can_focus = False

    def on_resize(self) -> None:
        """Ten names have hardly room in 80 cells."""
        tight = self.size.width < 100
        for tab, names in SHORTENED.items():
            self._tabs.get_tab(tab).label = names[tight]
        self.query_one(Tabs).set_class(tight, "-tight")

    @property
    def terminal(self) -> TerminalPane:
        """The container's own terminal."""
        return self.query_one(TerminalPane)

    @property
    def jobs(self) -> JobPane:
        return self.query_one(JobPane)

    @property
    def stats(self) -> StatsPane:
        return self.query_one(StatsPane)

    @property
    def limits(self) -> LimitsPane:
        return self.query_one(LimitsPane)

    @property
    def isolation(self) -> IsolationPane:
        return self.query_one(IsolationPane)

    @property
    def network(self) -> NetworkPane:
        return self.query_one(NetworkPane)

    @property
    def heap(self) -> HeapPane:
        return self.query_one(HeapPane)

    @property
    def _panes(self) -> dict[str, JobPane | StatsPane | LimitsPane | IsolationPane | NetworkPane | HeapPane]:
        return {
            "jobs": self.jobs,
            "stats": self.stats,
            "limits": self.limits,
            "isolation": self.isolation,
            "network": self.network,
            "heap": self.heap,
        }

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
        self._tabs.active = tab
        if moves:
            self.call_after_refresh(self.focus_content)

    def next_tab(self, by: int) -> None:
        self.show_tab(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def share(self, *, alone: bool, keys: bool) -> None:
        """`alone`: its terminal has the screen for itself; `keys`: and the keys, as far as it is seen."""
        self.query_one(Tabs).display = not alone
        set_own_class(self, keys, "-has-keys")

    def focus_content(self) -> None:
        """Give the keys to what the tab shows."""
        pane = self._tabs.active_pane
        for widget in pane.query(CONTENT) if pane else ():
            if widget.focusable:
                widget.focus()
                return

    def show(self, container: ContainerSummary | None) -> None:
        """Show this container, or what is new of the one that is shown."""
        before, self._container = self._container, container
        if (before and before.id) != (container and container.id):
            self._leave()
            self._settle()
        elif before != container:
            self._refresh()
        self.post_message(self.Described())

    def reconnect(self) -> None:
        """The engine is back: look at everything anew."""
        self._followed = None
        self._refresh()

    def rest(self) -> None:
        """Follow nothing, until `reconnect`."""
        self.workers.cancel_group(self, "detail")
        for pane in self._panes.values():
            pane.stop()

    def _leave(self) -> None:
        """Let go of the container that was shown."""
        self.workers.cancel_group(self, "detail")
        self._followed = None
        self.terminal.leave()
        self.terminal.say(self._note())

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLING, self._refresh)

    @on(TabbedContent.TabActivated)
    def _tab_changed(self, event: TabbedContent.TabActivated) -> None:
        event.stop()
        self._refresh()
        self.screen.refresh_bindings()
        self.post_message(self.Described())

    def _refresh(self) -> None:
        """Follow what the tab shows of the container as it is now."""
        container = self._container
        wanted: Hashable = None
        if container is not None:
            wanted = {
                "logs": ("logs", container.id),
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
            fetch = {"logs": self._link.logs, "launch": self._link.launch, "inspect": self._link.inspect}[self.tab]
            self.run_worker(fetch(container.id, self.post_message), group="detail")
            return
        pane = self._panes[self.tab]
        if container.status not in LIVE and self.tab in NOT_RUNNING:
            pane.stop(f"{container.name} does not run, {NOT_RUNNING[self.tab]}")
        elif isinstance(pane, JobPane):
            name = PurePosixPath(container.command[0]).name if container.command else "program"
            pane.follow(StreamJobs(container=container.id), name)
        else:
            pane.follow(container)

    # --- what workers bring ---

    def _is_shown(self, container: str) -> bool:
        return self._container is not None and self._container.id == container

    @on(LogsArrived)
    def _logs(self, event: LogsArrived) -> None:
        records = list(event.records)
        event.records.clear()
        event.taken.set()
        if self._is_shown(event.container):
            log = self.query_one(LogView)
            if event.restart:
                log.clear()
            log.write_all([(record.stream, record.time, record.data) for record in records])

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
        if not container.tty:
            self.show_tab("logs")
            self.call_after_refresh(self.focus_content)
            return
        if not self.terminal.live:
            self._join(container, start=container.status not in LIVE)
        self._tabs.active = "terminal"
        self.call_after_refresh(self.focus_content)

    @property
    def terminal_size(self) -> tuple[int, int]:
        """The size a terminal has here when it has the keys, in cells."""
        screen = self.app.size
        if self.screen.has_class("-narrow"):  # it will have the screen, but for a border and the footer
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
    @on(TerminalPane.Described)
    @on(JobPane.Described)
    @on(StatsPane.Described)
    @on(LimitsPane.Described)
    @on(IsolationPane.Described)
    @on(NetworkPane.Described)
    @on(HeapPane.Described)
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
                return title, _about_search(self.isolation.view.lines) or "/ searches"
            case "network":
                return title, self.network.description()
            case "heap":
                return title, self.heap.description()
            case "logs":
                view = self.query_one(LogView)
                follows = "following" if view.following else "f follows"
                return title, " · ".join(filter(None, [_about_search(view), f"{view.line_count():,} lines", follows]))
            case "inspect":
                return title, _about_search(self.query_one(Document)) or "/ searches"
            case _:
                return title, "o longest first"

    def _about_terminal(self) -> str:
        session = self.terminal.session
        if session is None:
            return ""
        if not session.ended:
            return "Enter gives it the keys"
        return "" if session.exit_code is None else f"ended with {session.exit_code} · Enter starts it again"


def _about_search(view: LineView) -> str:
    if not view.term:
        return ""
    return f"match {view.match_number} of {view.matches}" if view.matches else f"nothing has “{view.term}”"
