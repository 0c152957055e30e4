"""The main screen: the regions of the console, the line above them and the line of keys below.

Owns the state and the selection; what is done to containers and terminals is in `heliostui.actions` and
`heliostui.terminals.actions`, the layout in `heliostui.workspace`. Imports link, state and the regions' panes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from engine.places import Places
from heliostui.actions import ConsoleActions
from heliostui.containers.life import ContainerLife
from heliostui.containers.list_actions import ListActions
from heliostui.containers.pane import ContainersPane
from heliostui.details import Details
from heliostui.graphs.pane import GraphsPane
from heliostui.heap.actions import HeapActions
from heliostui.heap.pane import HeapPane
from heliostui.hosts.actions import HostActions
from heliostui.keymap import COMMANDS, ON_SCREEN, Command
from heliostui.line import SlowLine, slow_line
from heliostui.link import Link
from heliostui.messages import ContainersListed, LimitMet
from heliostui.network.actions import NetworkActions
from heliostui.network.capture import Captures
from heliostui.presence.actions import PresenceActions
from heliostui.receipts.actions import ReceiptActions
from heliostui.recording.actions import RecordingActions
from heliostui.recording.recorder import Recorder
from heliostui.settings.use import settings_of
from heliostui.state import State, limit_met, row
from heliostui.workspace.actions import WorkspaceActions
from heliostui.workspace.memory import encoded, file_of, read
from heliostui.workspace.terminals import Terminals
from heliostui.workspace.workspace import Workspace
from widgets.container_table import ContainerTable
from widgets.key_line import KeyLine
from widgets.tab_bar import TabBar

NOTHING_YET = """\
No containers yet.

[b $accent]  Enter  [/]  make one: once more Enter, and you are in its shell
[b $accent]    t    [/]  a shell on this machine, whose jobs can be watched
[b $accent]    ?    [/]  all keys
[b $accent] ctrl+p  [/]  find a command by its name
[b $accent]    q    [/]  leave; what runs goes on

[$muted]heliostui run -it host[/] does the same from a command line."""

WORDY = 130  # columns from which on the top line says how the engine is, beside the presentation

_BY_ACTION = {command.action: command for command in COMMANDS}


class MainScreen(
    WorkspaceActions,
    PresenceActions,
    HostActions,
    HeapActions,
    NetworkActions,
    ReceiptActions,
    RecordingActions,
    ListActions,
    ContainerLife,
    ConsoleActions,
    inherit_bindings=False,
):
    """Where one is when the console has started."""

    BINDINGS: ClassVar[list[BindingType]] = list(ON_SCREEN)
    AUTO_FOCUS = "ContainerTable"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--title", "status--muted", "status--up", "status--down"}

    def __init__(self, places: Places | Sequence[Places]) -> None:
        super().__init__()
        self.state = State()
        self.link = Link(places, self.post_message)
        self.captures = Captures(self, self.link, self.show_status)
        self.recorder = Recorder(self, self.link, self.show_status)
        self.layout_file = file_of(self.link.here.places)
        self.remembered = read(self.layout_file)

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static(" heliostui ", id="title")
            yield TabBar()
            yield Static(id="crumbs")
            yield Static(id="status")
        yield Static(id="banner", markup=False)
        yield Workspace(
            {
                "containers": ContainersPane(self.link, id="containers"),
                "details": Details(self.link, id="details"),
                "terminals": Terminals(id="terminals"),
                "graphs": GraphsPane(self.link, id="graphs"),
                "heap": HeapPane(self.link, id="heap"),
            },
            Static(NOTHING_YET, id="nothing-yet"),
            self.remembered,
            settings_of(self.app).layout,
            id="workspace",
        )
        yield KeyLine()

    def on_mount(self) -> None:
        self._saved = encoded(self.remembered)
        self.app.theme_changed_signal.subscribe(self, self.keep_theme)
        self.show_status()
        self.run_worker(self.link.watch(), group="engine")

    @property
    def details(self) -> Details:
        return self.query_one("#details", Details)

    # --- which commands are possible ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether the command is possible now; the footer shows only those that are."""
        command = _BY_ACTION.get(action) or _BY_ACTION.get(f"{action}({', '.join(map(repr, parameters))})")
        return True if command is None else self.possible(command)

    def possible(self, command: Command) -> bool:
        if not self.is_mounted or self.terminal_has_keys or command.action == "release":
            return command.action == "release" and self.terminal_has_keys
        if not self.state.possible(command):
            return False
        if command.place == "jobs":
            return self.possible_job(command)
        match command.action.partition("(")[0]:
            case "type_prefix":
                return self.just_released
            case "first":
                return not self.state.containers
            case "filter" | "sort" | "reverse":
                return bool(self.state.containers)
            case "explain":
                return self.details.metric is not None or self.details.told is not None
            case "take_back":
                network = self.details.network
                return self.details.tab == "network" and bool(network.port or network.endpoint)
            case "start_engine":
                return self.state.engine_ended and not self.state.read_only
            case "next_terminal":
                return bool(self.state.terminals)
            case "show_terminal":
                number = int(command.action[len("show_terminal(") : -1])
                return number <= len(self.state.terminals) and (number > 0 or self.shown_tab is not None)
        return self.possible_here(command)

    # --- the engine ---

    @on(SlowLine)
    def _line_changed(self) -> None:
        self.show_status()

    @on(LimitMet)
    def _limit_met(self, event: LimitMet) -> None:
        self.notify(limit_met(event.event), severity="warning", markup=False)

    @on(ContainersListed)
    def _listed(self, event: ContainersListed) -> None:
        self.state.containers = {container.id: container for container in event.containers}
        self.state.empty = not event.containers
        self.workspace.welcome(self.state.empty)
        self.show_hosts()
        if not self._show_awaited():
            self._select(self.table.cursor)
        if event.anew and event.host == self.link.here.key:
            self.details.reconnect()  # only now, because what was known of the containers may be out of date
        self.show_status()

    def show_hosts(self) -> None:
        """Show all containers, in groups where there are several hosts."""
        rows = [row(container, self.group_of(container.id)) for container in self.state.containers.values()]
        self.table.show_containers(rows, self.groups)

    def await_container(self, id: str) -> None:
        """Select a container that was just made, and open it; the list that has it may be here or on its way."""
        self.state.awaited_id = id
        self._show_awaited()

    def _show_awaited(self) -> bool:
        awaited = self.state.awaited_id
        if awaited not in self.state.containers:
            return False
        self.state.awaited_id = None
        self.table.filter = ""
        self.table.cursor = awaited
        self._select(awaited)
        self.details.open()
        return True

    def go_to_container(self, id: str) -> None:
        """Select a container and show its network, as who comes from the map expects."""
        if id in self.state.containers:
            self.table.filter = ""
            self.table.cursor = id
            self._select(id)
            self.details.show_tab("network")
            self.call_after_refresh(self.details.focus_content)

    def show_status(self) -> None:
        self.query_one("#status", Static).update(self._status())
        self.show_tabs()

    def _status(self) -> Text:
        """One line: the engine, how many containers there are; beside tabs as much of it as there is room for."""
        style = self.get_component_rich_style
        info, state = self.state.info, self.state
        muted = style("status--muted", partial=True)
        text = Text(" ")
        if info is None:
            name = "status--down" if state.containers or state.engine_ended else "status--muted"
            return text.append("○ no engine" if state.engine_ended else "○ connecting", style(name, partial=True))
        text.append("● ", style("status--up", partial=True))
        words = self.part.words()
        # First what matters most, because the end is cut off where there is little room.
        if state.read_only and not (words and self.size.width < 100):
            text.append("read-only  ", style("status--down", partial=True))
        for going_on in filter(None, (self.recorder.words(), self.captures.words())):
            text.append(f"{going_on}  ", style("status--down", partial=True))
        if slow_line(self.app):
            text.append("slow line  ", muted)
        if words:
            text.append(f"{words}  ", style("status--up" if self.part.presenting else "status--title", partial=True))
            if self.size.width < WORDY:
                return text
        if not state.terminals or not state.containers:
            text.append(f"engine {info.version}")
            if not state.terminals:
                text.append(f"  {state.running} running, {len(state.containers)} in all", muted)
        elif self.size.width >= 100:
            text.append(f"{state.running} of {len(state.containers)} running", muted)
        if info.rootless:
            text.append("  rootless", muted)
        return text.append(" ")

    # --- the selection ---

    @on(ContainerTable.Highlighted)
    def _highlighted(self, event: ContainerTable.Highlighted) -> None:
        self._select(event.key)

    def _select(self, key: str | None) -> None:
        self.state.selected_id = key
        self.link.select(key)
        self.look_here()
        self.details.show(self.state.selected)
        self.follow_regions()
        self.describe_regions()
        self.refresh_bindings()

    def action_clear(self) -> None:
        """Back to the table; there, forget the filter."""
        if self.table.has_focus:
            self.undo_choice()
        if self.workspace.zoomed:
            self.workspace.zoom(None)
        self.release()

    @on(Details.Described)
    def _details_described(self) -> None:
        self.describe_regions()
