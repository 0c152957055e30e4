"""The details of the selected container: its terminal, logs, launch and description, each live while it is looked at.

Owns the tabs and the sessions; workers bring what the views show. Imports link, session, state and widgets.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TabbedContent, TabPane, Tabs

from engine.protocol.messages import Attach, ContainerSummary, Exec, Status
from heliostui.detach import PATIENCE, DetachKeys
from heliostui.link import Link
from heliostui.messages import InspectArrived, LaunchArrived, LogsArrived, SessionChanged, SessionEnded
from heliostui.session import Session
from heliostui.state import receipt
from widgets.document import Document
from widgets.launch_chart import LaunchChart
from widgets.line_view import LineView
from widgets.log_view import LogView
from widgets.searchable import Searchable
from widgets.terminal import TerminalView

LIVE = (Status.RUNNING, Status.PAUSED)
SETTLING = 0.08  # seconds the selection must rest before details are fetched, so that running through a list is cheap
TABS = ("terminal", "logs", "launch", "inspect", "exec")
# A shell that is there: bash where the image has it, else sh.
SHELL = ["/bin/sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"]


class Details(Vertical):
    """Everything about one container, in tabs."""

    class Described(Message):
        """What the border says has changed."""

    class Detached(Message):
        """A terminal that had the keys has none to give them to any more, or was asked to give them back."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._sessions: dict[tuple[str, bool], Session] = {}
        self._followed: Hashable = None
        self._settling: Timer | None = None
        self._detach_keys = DetachKeys()
        self._keys_due = False

    def compose(self) -> ComposeResult:
        with TabbedContent(initial="terminal"):
            with TabPane("1 Terminal", id="terminal"):
                yield TerminalView(id="main-terminal")
            with TabPane("2 Logs", id="logs"):
                yield Searchable(LogView())
            with TabPane("3 Launch", id="launch"):
                yield LaunchChart()
            with TabPane("4 Inspect", id="inspect"):
                yield Searchable(Document())
            with TabPane("5 Shell", id="exec"):
                yield TerminalView(id="exec-terminal")

    def on_mount(self) -> None:
        self.query_one(Tabs).can_focus = False
        self._tabs.hide_tab("exec")
        for view in self.query(TerminalView):
            view.fits = False

    # --- what is looked at ---

    @property
    def _tabs(self) -> TabbedContent:
        return self.query_one(TabbedContent)

    @property
    def tab(self) -> str:
        return self._tabs.active

    def show_tab(self, tab: str) -> None:
        """Look at another tab; the keys go with the look when they were on a tab."""
        moves = self.has_focus_within
        if tab != "exec" or self.has_exec:
            self._tabs.active = tab
            if moves:
                self.call_after_refresh(self.focus_content)

    def next_tab(self, by: int) -> None:
        tabs = [tab for tab in TABS if tab != "exec" or self.has_exec]
        self.show_tab(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    def focus_content(self) -> None:
        """Give the keys to what the tab shows."""
        pane = self._tabs.active_pane
        for widget in pane.query("TerminalView, LineView, Calls") if pane else ():
            if widget.focusable:
                widget.focus()
                return

    @property
    def terminal_has_keys(self) -> bool:
        """Whether what is typed goes to a program."""
        view = self.screen.focused
        return isinstance(view, TerminalView) and view.captured and view.terminal is not None

    @property
    def has_exec(self) -> bool:
        """Whether a program that was started from here runs beside the container's own."""
        return self._session(exec=True) is not None

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
        if self._keys_due:
            self._keys_due = False
            self.call_after_refresh(self.focus_content)

    def _leave(self) -> None:
        """Let go of the container that was shown, but for programs started inside it."""
        self.workers.cancel_group(self, "detail")
        self._followed = None
        for key, session in list(self._sessions.items()):
            if not session.exec and not (self._container and session.container == self._container.id):
                self.workers.cancel_group(self, session.name)
                del self._sessions[key]
        if self.has_exec:
            self._tabs.show_tab("exec")
        else:
            self._hide_exec()
        self._show_terminals()

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLING, self._refresh)

    @on(TabbedContent.TabActivated)
    def _tab_changed(self, event: TabbedContent.TabActivated) -> None:
        event.stop()
        self._refresh()
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
            }.get(self.tab)
        if wanted != self._followed:
            self.workers.cancel_group(self, "detail")
            self._followed = wanted
            if container is not None and wanted is not None:
                fetch = {"logs": self._link.logs, "launch": self._link.launch, "inspect": self._link.inspect}[self.tab]
                self.run_worker(fetch(container.id, self.post_message), group="detail")
        if container and container.tty and container.status in LIVE and self.tab == "terminal":
            session = self._session()
            if session is None or session.ended:
                self._join(start=False)
        self._show_terminals()

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

    # --- terminals ---

    def _session(self, *, exec: bool = False) -> Session | None:
        return self._sessions.get((self._container.id, exec)) if self._container else None

    def _view(self, *, exec: bool = False) -> TerminalView:
        return self.query_one("#exec-terminal" if exec else "#main-terminal", TerminalView)

    def _session_of(self, view: TerminalView) -> Session | None:
        return self._session(exec=view.id == "exec-terminal")

    def open(self) -> None:
        """Give the keys to the container's terminal, starting the container when it is not running."""
        container = self._container
        if container is None:
            return
        if not container.tty:
            self.show_tab("logs")
            self.call_after_refresh(self.focus_content)
            return
        session = self._session()
        if session is None or session.ended:
            self._join(start=container.status not in LIVE)
        self._use("terminal")

    def exec(self, command: list[str]) -> None:
        """Start a program in the container and give it the keys; one that was started before goes on being shown."""
        if self._container is None:
            return
        if not self.has_exec:
            columns, lines = self.terminal_size
            request = Exec(
                container=self._container.id,
                command=command,
                tty=True,
                interactive=True,
                env=["TERM=xterm-256color"],
                columns=columns,
                lines=lines,
            )
            self._begin(Session(self._link, self._container.id, request, self.post_message))
            self._tabs.show_tab("exec")
        self._use("exec")

    @property
    def terminal_size(self) -> tuple[int, int]:
        """The size a terminal has here when it has the keys, in cells."""
        screen = self.app.size
        if self.screen.has_class("-narrow"):  # it will have the screen, but for a border and the footer
            return screen.width, screen.height - 2
        size = self._view().content_size
        return (size.width, size.height) if size else (80, 24)

    def _join(self, *, start: bool) -> None:
        assert self._container is not None
        request = Attach(container=self._container.id, start=start)
        self._begin(Session(self._link, self._container.id, request, self.post_message))

    def _begin(self, session: Session) -> None:
        self._sessions[session.container, session.exec] = session
        self.run_worker(session.run(), group=session.name)
        self._show_terminals()

    def _use(self, tab: str) -> None:
        self._tabs.active = tab
        self.call_after_refresh(self.focus_content)

    def _show_terminals(self) -> None:
        """Show the sessions there are; what has ended is still to be read, but takes no keys."""
        for exec in (False, True):
            session, view = self._session(exec=exec), self._view(exec=exec)
            terminal = session.terminal if session else None
            if view.terminal is not terminal:
                view.terminal = terminal
            view.placeholder = self._note()
            view.disabled = session is not None and session.ended

    def _note(self) -> str:
        """Why there is no terminal to see."""
        container = self._container
        if container is None:
            return ""
        live = container.status in LIVE
        if not container.tty:
            keys = "2 shows what it writes, e starts a shell inside." if live else "s starts it, 2 shows what it wrote."
            return f"{container.name} was made without a terminal.\n\n{keys}"
        if live:
            return ""
        code = "" if container.exit_code is None else f" with code {container.exit_code}"
        ended = "has not run yet" if container.status is Status.CREATED else f"has ended{code}"
        return f"{container.name} {ended}.\n\nEnter starts it, 2 shows what it wrote."

    def _hide_exec(self) -> None:
        if self.tab == "exec":
            self._tabs.active = "terminal"
        self._tabs.hide_tab("exec")

    @on(SessionChanged)
    def _session_changed(self, event: SessionChanged) -> None:
        session = event.session
        session.taken.set()
        if self._session(exec=session.exec) is session:
            view = self._view(exec=session.exec)
            if view.terminal is not session.terminal:
                view.terminal = session.terminal
            view.refresh_screen()

    @on(SessionEnded)
    def _session_ended(self, event: SessionEnded) -> None:
        session = event.session
        if self._sessions.get((session.container, session.exec)) is not session:
            return
        session.ended, session.exit_code = True, event.exit_code
        had_keys = self.terminal_has_keys and self._session(exec=session.exec) is session
        if event.reason and not event.lost:
            self.notify(event.reason, severity="error", markup=False)
        if session.exec or (event.reason and not event.lost):
            del self._sessions[session.container, session.exec]
        if session.exec and self._is_shown(session.container):
            self._hide_exec()
        # A terminal lost with the engine gets its keys back when the engine is back.
        self._keys_due = had_keys and event.lost and not session.exec
        if had_keys:
            self.post_message(self.Detached())
        self._show_terminals()
        self.post_message(self.Described())

    # --- keys ---

    @on(TerminalView.Input)
    def _typed(self, event: TerminalView.Input) -> None:
        session = self._session_of(event.view)
        if session is None or session.ended:
            return
        data, out = (event.data, False) if session.exec else self._detach_keys.feed(event.data)
        if data:
            session.type(data)
        if out:
            self.post_message(self.Detached())
        elif self._detach_keys.waiting:
            self.set_timer(PATIENCE, partial(self._pass_on, session))

    def _pass_on(self, session: Session) -> None:
        if self._detach_keys.waiting:
            session.type(self._detach_keys.release())

    def type_prefix(self) -> None:
        """Send the program the key that is otherwise never sent."""
        session = self._session(exec=self.tab == "exec")
        if session is not None and not session.ended:
            session.type(b"\x1d")
            self.focus_content()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A terminal that gets the keys gets its view's size too: until then others may use it with another."""
        if isinstance(event.widget, TerminalView):
            self.call_after_refresh(self._fit, event.widget)

    @on(TerminalView.Resized)
    def _view_resized(self, event: TerminalView.Resized) -> None:
        self._fit(event.view)

    def _fit(self, view: TerminalView) -> None:
        session = self._session_of(view)
        columns, lines = view.content_size
        if session is not None and not session.ended and view.has_focus and columns and lines:
            session.resize(columns, lines)

    # --- what the border says ---

    @on(LineView.Changed)
    def _line_view_changed(self) -> None:
        self.post_message(self.Described())

    def description(self) -> tuple[str, str]:
        """Title and subtitle of the border."""
        container = self._container
        if container is None:
            return "", ""
        title = f"{container.name} · {container.status.value}"
        if self.terminal_has_keys:
            return f"{title} · has the keys", "ctrl+] gives them back"
        match self.tab:
            case "terminal" | "exec":
                return title, self._about_terminal()
            case "logs":
                view = self.query_one(LogView)
                follows = "following" if view.following else "f follows"
                return title, " · ".join(filter(None, [_about_search(view), f"{view.line_count():,} lines", follows]))
            case "inspect":
                return title, _about_search(self.query_one(Document)) or "/ searches"
            case _:
                return title, "o longest first"

    def _about_terminal(self) -> str:
        session = self._session(exec=self.tab == "exec")
        if session is None:
            return ""
        if not session.ended:
            return "Enter gives it the keys"
        return "" if session.exit_code is None else f"ended with {session.exit_code} · Enter starts it again"


def _about_search(view: LineView) -> str:
    if not view.term:
        return ""
    return f"match {view.match_number} of {view.matches}" if view.matches else f"nothing has “{view.term}”"
