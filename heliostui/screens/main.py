"""The main screen: the container table, the details of the selected one, and the line that says how the engine is.

Owns layout, selection and focus; what is done to containers is in `heliostui.actions`. Imports link, state, details.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Footer, Static

from engine.places import Places
from heliostui.actions import ContainerActions
from heliostui.details import Details
from heliostui.keymap import COMMANDS
from heliostui.link import Link
from heliostui.messages import ContainersListed, EngineDown, EngineUp
from heliostui.state import State, row
from widgets.container_table import ContainerTable
from widgets.search_line import SearchLine
from widgets.terminal import TerminalView

WIDE = 180  # columns from which on table and details are side by side, with room for every column of the table
NOTHING_YET = """\
No containers yet.

[b $accent]  Enter  [/]  make one: once more Enter, and you are in its shell
[b $accent]    ?    [/]  all keys
[b $accent] ctrl+p  [/]  find a command by its name
[b $accent]    q    [/]  leave; what runs goes on

[$muted]heliostui run -it host[/] does the same from a command line."""


class MainScreen(ContainerActions, inherit_bindings=False):
    """Where one is when the console has started."""

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS if command.keys]
    AUTO_FOCUS = "ContainerTable"

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.state = State()
        self.link = Link(places, self.post_message)
        self.just_released = False
        self._back = False
        self._zoomed_for_terminal = False

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        yield Static(id="banner", markup=False)
        yield Static(NOTHING_YET, id="nothing-yet")
        with Container(id="body"):
            with Vertical(id="containers") as containers:
                containers.border_title = "Containers"
                yield ContainerTable()
                yield SearchLine("words to look for", id="filter")
            yield Details(self.link, id="details")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._show_status()
        self.run_worker(self.link.watch(), group="engine")

    @property
    def table(self) -> ContainerTable:
        return self.query_one(ContainerTable)

    @property
    def details(self) -> Details:
        return self.query_one(Details)

    # --- the engine ---

    @on(EngineUp)
    def _engine_up(self, event: EngineUp) -> None:
        self._back = self.state.info is None
        self.state.info, self.state.engine_ended = event.info, False
        self.query_one("#banner").remove_class("-shown")
        self._show_status()

    @on(EngineDown)
    def _engine_down(self, event: EngineDown) -> None:
        self.state.info, self.state.engine_ended = None, event.ended
        banner = self.query_one("#banner", Static)
        if event.ended:
            banner.update("The engine was ended. Enter starts it again.")
        else:
            banner.update(f"{event.reason} Containers go on. Reconnecting…")
        banner.add_class("-shown")
        self._show_status()

    @on(ContainersListed)
    def _listed(self, event: ContainersListed) -> None:
        self.state.containers = {container.id: container for container in event.containers}
        self.set_class(not event.containers, "-empty")
        self.table.show(row(container) for container in event.containers)
        if self.state.awaited_id in self.state.containers:
            self.table.filter = ""
            self.table.cursor, self.state.awaited_id = self.state.awaited_id, None
            self._select(self.table.cursor)
            self.details.open()
        else:
            self._select(self.table.cursor)
        if self._back:  # only now, because what was known of the containers may be out of date
            self._back = False
            self.details.reconnect()
        self._show_status()

    def _show_status(self) -> None:
        self.query_one("#status", Static).update(self._status())
        self.refresh_bindings()

    def _status(self) -> Text:
        """One line: the program, the engine, how many containers there are."""
        style = self.get_component_rich_style
        info, state = self.state.info, self.state
        muted = style("status--muted", partial=True)
        text = Text.assemble((" heliostui ", style("status--title", partial=True)), " ")
        if info is None:
            name = "status--down" if state.containers or state.engine_ended else "status--muted"
            return text.append("○ no engine" if state.engine_ended else "○ connecting", style(name, partial=True))
        text.append("● ", style("status--up", partial=True))
        text.append(f"engine {info.version}")
        text.append(f"  {state.running} running, {len(state.containers)} in all", muted)
        if info.rootless:
            text.append("  rootless", muted)
        if info.role != "operator":
            text.append("  read-only", style("status--down", partial=True))
        return text

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
        self.query_one("#containers").border_title = self._title("Containers", *parts)

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
        self.remove_class("-zoomed")
        self.release()

    # --- tabs, focus and zoom ---

    def action_tab(self, name: str) -> None:
        self.details.show_tab(name)

    def action_next_tab(self, by: int) -> None:
        self.details.next_tab(by)

    def action_focus_next_pane(self) -> None:
        if self.table.has_focus:
            self.details.focus_content()
        else:
            self.release()

    def action_zoom(self) -> None:
        self._zoomed_for_terminal = False
        self.toggle_class("-zoomed")
        if self.has_class("-zoomed"):
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
        self.details.type_prefix()

    @on(Details.Detached)
    def release(self) -> None:
        """The table gets the keys."""
        if self._zoomed_for_terminal:
            self.remove_class("-zoomed")
        self._zoomed_for_terminal = False
        if self.has_class("-zoomed"):
            self.set_focus(None)  # the table is hidden
            return
        self.table.focus()

    def on_descendant_focus(self) -> None:
        """On a narrow screen a terminal that has the keys has the screen as well."""
        in_terminal = self.details.terminal_has_keys
        if in_terminal and self.has_class("-narrow") and not self.has_class("-zoomed"):
            self._zoomed_for_terminal = True
            self.add_class("-zoomed")
        self.set_class(in_terminal, "-in-terminal")
        self._describe()

    @on(Details.Described)
    def _describe(self) -> None:
        """A narrow screen has only the upper border to say it on."""
        title, subtitle = self.details.description()
        if self.has_class("-narrow"):
            title, subtitle = self._title(title, subtitle), ""
        self.details.border_title, self.details.border_subtitle = title, subtitle

    def _title(self, *parts: str) -> str:
        """A border that has no corners puts no blanks around its title either."""
        title = " · ".join(filter(None, parts))
        return f" {title} " if title and self.has_class("-narrow") else title
