"""The main screen: the container table and the details of the selected one, or the tab of a terminal.

Owns layout, selection and focus; what is done to containers and terminals is in `heliostui.actions` and
`heliostui.terminal_actions`, the tabs of terminals in `heliostui.terminal_tabs`. Imports link, state, details.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.places import Places
from engine.protocol.messages import Role
from heliostui.actions import ContainerActions
from heliostui.capture import Captures
from heliostui.details import Details
from heliostui.heap.actions import HeapActions
from heliostui.keymap import COMMANDS, ON_SCREEN, Command
from heliostui.line import SlowLine, slow_line
from heliostui.link import Link
from heliostui.messages import ContainersListed, EngineDown, EngineUp, LimitMet
from heliostui.network_actions import NetworkActions
from heliostui.screens.network_map import MapScreen
from heliostui.state import State, limit_met, row
from heliostui.terminal_pane import TerminalPane
from heliostui.terminal_tabs import TerminalTabs
from widgets.container_table import ContainerTable
from widgets.key_line import KeyLine
from widgets.own_class import set_own_class
from widgets.search_line import SearchLine
from widgets.tab_bar import TabBar
from widgets.terminal import TerminalView

WIDE = 180  # columns from which on table and details are side by side, with room for every column of the table
NOTHING_YET = """\
No containers yet.

[b $accent]  Enter  [/]  make one: once more Enter, and you are in its shell
[b $accent]    t    [/]  a shell on this machine, whose jobs can be watched
[b $accent]    ?    [/]  all keys
[b $accent] ctrl+p  [/]  find a command by its name
[b $accent]    q    [/]  leave; what runs goes on

[$muted]heliostui run -it host[/] does the same from a command line."""


_BY_ACTION = {command.action: command for command in COMMANDS}


class MainScreen(HeapActions, NetworkActions, ContainerActions, TerminalTabs, inherit_bindings=False):
    """Where one is when the console has started."""

    BINDINGS: ClassVar[list[BindingType]] = list(ON_SCREEN)
    AUTO_FOCUS = "ContainerTable"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--title", "status--muted", "status--up", "status--down"}

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.state = State()
        self.link = Link(places, self.post_message)
        self.captures = Captures(self, self.link, self.show_status)
        self.just_released = False
        self._zoomed = False
        self._zoomed_for_terminal = False
        self._described = ("", "")

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static(" heliostui ", id="title")
            yield TabBar()
            yield Static(id="status")
        yield Static(id="banner", markup=False)
        yield Static(NOTHING_YET, id="nothing-yet")
        with Container(id="body"):
            with Vertical(id="containers") as containers:
                containers.border_title = "Containers"
                yield ContainerTable()
                yield SearchLine("words to look for", id="filter")
            yield Details(self.link, id="details")
        yield KeyLine()

    def on_mount(self) -> None:
        self.show_status()
        self.run_worker(self.link.watch(), group="engine")

    @property
    def table(self) -> ContainerTable:
        return self.query_one(ContainerTable)

    @property
    def details(self) -> Details:
        return self.query_one(Details)

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
            case "focus_next_pane" | "zoom":
                return bool(self.state.containers) or self.shown_tab is not None
            case "explain":
                return self.details.metric is not None or self.details.told is not None
            case "take_back":
                network = self.details.network
                return self.details.tab == "network" and bool(network.port or network.endpoint)
            case "start_engine":
                return self.state.engine_ended
            case "next_terminal":
                return bool(self.state.terminals)
            case "show_terminal":
                number = int(command.action[len("show_terminal(") : -1])
                return number <= len(self.state.terminals) and (number > 0 or self.shown_tab is not None)
        return True

    @property
    def terminal_has_keys(self) -> bool:
        """Whether what is typed goes to a program."""
        view = self.focused
        return isinstance(view, TerminalView) and view.captured and view.terminal is not None

    # --- the engine ---

    @on(EngineUp)
    def _engine_up(self, event: EngineUp) -> None:
        self.engine_is_back = self.state.info is None
        self.state.info, self.state.engine_ended = event.info, False
        self.details.limits.table.changeable = event.info.role is Role.OPERATOR
        self.query_one("#banner").remove_class("-shown")
        self.show_status()
        for screen in self.app.screen_stack[1:]:  # those over this one look at it anew, too
            if isinstance(screen, MapScreen):
                screen.follow()
            else:
                screen.post_message(EngineUp(event.info))

    @on(EngineDown)
    def _engine_down(self, event: EngineDown) -> None:
        self.state.info, self.state.engine_ended = None, event.ended
        banner = self.query_one("#banner", Static)
        if event.ended:
            banner.update("The engine was ended. Enter starts it again.")
        else:
            banner.update(f"{event.reason} Containers go on. Reconnecting…")
        banner.add_class("-shown")
        self.show_status()

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
        self.share_out()
        self.table.show(row(container) for container in event.containers)
        if not self._show_awaited():
            self._select(self.table.cursor)
        if self.engine_is_back:  # only now, because what was known of the containers may be out of date
            self.details.reconnect()
        self.show_status()

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
        if not state.terminals or not state.containers:
            text.append(f"engine {info.version}")
            if not state.terminals:
                text.append(f"  {state.running} running, {len(state.containers)} in all", muted)
        elif self.size.width >= 100:
            text.append(f"{state.running} of {len(state.containers)} running", muted)
        if info.rootless:
            text.append("  rootless", muted)
        if self.captures.words():
            text.append(f"  {self.captures.words()}", style("status--down", partial=True))
        if slow_line(self.app):
            text.append("  slow line", muted)
        if info.role != "operator":
            text.append("  read-only", style("status--down", partial=True))
        return text.append(" ")

    # --- the selection ---

    @on(ContainerTable.Highlighted)
    def _highlighted(self, event: ContainerTable.Highlighted) -> None:
        self._select(event.key)

    def _select(self, key: str | None) -> None:
        self.state.selected_id = key
        self.details.show(self.state.selected)
        self.refresh_bindings()

    @on(ContainerTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    @on(ContainerTable.Shown)
    def _counted(self, event: ContainerTable.Shown) -> None:
        parts = [f"{event.shown} of {event.total}: {self.table.filter}"] if self.table.filter else []
        column = next((column for column in self.table.COLUMNS if column.name == self.table.sort_column), None)
        if column is not None:
            parts.append(f"by {column.title.lower() or 'state'}")
        self.query_one("#containers").border_title = Content(self._title("Containers", *parts))

    # --- filter and sort ---

    def action_filter(self) -> None:
        self.query_one("#filter", SearchLine).open()

    @on(SearchLine.Changed, "#filter")
    def _filter_typed(self, event: SearchLine.Changed) -> None:
        self.table.filter = event.value

    @on(SearchLine.Submitted, "#filter")
    @on(SearchLine.Ended, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter").display = False
        self.table.focus()

    def action_sort(self) -> None:
        self.table.sort_next()

    def action_reverse(self) -> None:
        if self.table.sort_column:
            self.table.sort_by(self.table.sort_column)

    def action_clear(self) -> None:
        """Back to the table; there, forget the filter."""
        if self.table.has_focus:
            self.query_one("#filter", SearchLine).value = ""
        self._zoomed = False
        self.share_out()
        self.release()

    # --- tabs, focus and zoom ---

    def action_tab(self, name: str) -> None:
        self.details.show_tab(name)

    def action_next_tab(self, by: int) -> None:
        self.details.next_tab(by)

    def action_focus_next_pane(self) -> None:
        if self.shown_tab is not None:
            self.shown_tab.focus_next()
        elif self.details.tab == "jobs" and self.details.jobs.focus_next():
            pass
        elif self.table.has_focus:
            self.details.focus_content()
        else:
            self.release()

    def action_zoom(self) -> None:
        if self.shown_tab is not None:
            self.shown_tab.zoom()
            self.on_descendant_focus()
            return
        self._zoomed_for_terminal = False
        self._zoomed = not self._zoomed
        self.share_out()
        if self._zoomed:
            self.details.focus_content()
        else:
            self.release()

    @on(TerminalView.Prefix)
    def _prefix(self) -> None:
        """The keys come back; the same key once more within a second is meant for the program."""
        self.just_released = True
        self.set_timer(1, self._forget_release)
        self.release()

    def _forget_release(self) -> None:
        self.just_released = False

    def action_release(self) -> None:
        self.release()

    def action_type_prefix(self) -> None:
        self.just_released = False
        tab = self.shown_tab
        (tab.pane if tab is not None else self.details.terminal).type_prefix()

    @on(TerminalPane.Detached)
    def release(self) -> None:
        """The table gets the keys, or the jobs of the terminal that is shown."""
        if self.shown_tab is not None:
            self.shown_tab.release()
            return
        if self._zoomed_for_terminal:
            self._zoomed = self._zoomed_for_terminal = False
            self.share_out()
        if self._zoomed:
            self.set_focus(None)  # the table is hidden
            return
        self.table.focus()

    def on_descendant_blur(self) -> None:
        self.share_out()

    @on(TerminalPane.Described)
    def on_descendant_focus(self) -> None:
        """On a narrow screen a terminal that has the keys has the screen as well."""
        if self.terminal_has_keys and self.shown_tab is None and self.has_class("-narrow") and not self._zoomed:
            self._zoomed = self._zoomed_for_terminal = True
        self.share_out()
        self._describe()

    def share_out(self) -> None:
        """Show what has a place on the screen now. Classes would say it too, but style every widget anew at each key
        that gives a terminal the keys, or takes them."""
        keys, tab = self.terminal_has_keys, self.shown_tab
        alone = keys and (self._zoomed if tab is None else tab.full)
        self.query_one("#top").display = not alone
        self.query_one("#body").display = tab is None and not self.state.empty
        self.query_one("#nothing-yet").display = tab is None and self.state.empty
        self.query_one("#containers").display = not self._zoomed
        self.query_one(KeyLine).display = not (keys and tab is not None and (tab.full or tab.small))
        self.details.share(alone=alone, keys=keys)
        for pane in (self.query_one("#containers"), self.details):
            set_own_class(pane, pane.has_focus_within, "-active")

    @on(Details.Described)
    def _describe(self) -> None:
        """A narrow screen has only the upper border to say it on."""
        title, subtitle = self.details.description()
        if self.has_class("-narrow"):
            title, subtitle = self._title(title, subtitle), ""
        if (title, subtitle) != self._described:  # to set them draws everything inside
            self._described = title, subtitle
            self.details.border_title, self.details.border_subtitle = Content(title), Content(subtitle)

    def _title(self, *parts: str) -> str:
        """A border that has no corners puts no blanks around its title either."""
        title = " · ".join(filter(None, parts))
        return f" {title} " if title and self.has_class("-narrow") else title
