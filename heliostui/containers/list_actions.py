"""The commands of the list itself: filter, order, marks, the menu at a row. Imports actions, menu and pane."""

from __future__ import annotations

from textual import on
from textual.events import ScreenResume, ScreenSuspend

from heliostui.actions import Actions, asks
from heliostui.containers.menu import Choice, RowMenu
from heliostui.containers.pane import ContainersPane
from heliostui.keymap import COMMANDS, Command
from heliostui.keymap.containers import BULK
from heliostui.keymap.live import by_id, own_keys
from heliostui.messages import EngineDown, EngineUp
from heliostui.settings.keys import spelled
from heliostui.workspace.workspace import Workspace
from widgets.container_table import ContainerTable
from widgets.marked_table import MarkedTable

_IN_MENU = ("Selected container", "Networks", "Heaps")
"""Groups of commands that a row's menu has; of others these."""
_ALSO = ("tab.logs", "tab.limits")


class ListActions(Actions):
    """Which rows are shown, in which order, and which of them are meant."""

    @property
    def list_pane(self) -> ContainersPane:
        return self.query_one(ContainersPane)

    @property
    def table(self) -> ContainerTable:
        return self.query_one(ContainerTable)

    def possible(self, command: Command) -> bool:
        """Whether a command makes sense now."""
        raise NotImplementedError

    @on(ContainerTable.Chosen)
    def _chosen(self) -> None:
        self.call_later(self.run_action, "open")

    @on(EngineUp)
    @on(EngineDown)
    def _measured_anew(self) -> None:
        self.list_pane.follow()

    @on(ScreenSuspend)
    def _covered(self) -> None:
        """Nothing is measured for a list that another screen hides; a dialog does not hide it."""
        if not self.app.screen.is_modal:
            self.list_pane.rest()

    @on(ScreenResume)
    def _uncovered(self) -> None:
        self.list_pane.follow()

    @on(ContainersPane.Described)
    def _list_described(self) -> None:
        self.query_one(Workspace).head("containers", *self.list_pane.description())

    # --- filter, order, marks ---

    def action_filter(self) -> None:
        self.list_pane.open_filter()

    def action_sort(self) -> None:
        self.table.sort_next()

    def action_reverse(self) -> None:
        if self.table.sort_column:
            self.table.sort_by(self.table.sort_column)

    @on(MarkedTable.Marked)
    @on(ContainerTable.Shown)
    def _marks_changed(self) -> None:
        marked = self.table.marked
        if marked != self.state.marked:
            self.state.marked = marked
            self.details.marks_changed()
            self.refresh_bindings()

    def undo_choice(self) -> None:
        """Take the marks away; where there are none, the filter."""
        if self.table.marked or self.table.hidden_marks:
            self.table.set_marks(())
        else:
            self.list_pane.clear_filter()

    # --- what is told of a container elsewhere ---

    def action_copy(self, what: str) -> None:
        """Put names or ids on the clipboard, a line each."""
        texts = [each.name if what == "name" else each.id for each in self.state.targets]
        self.app.copy_to_clipboard("\n".join(texts))
        told = texts[0] if len(texts) == 1 else f"{len(texts)} {what}s"
        self.notify(f"Copied {told}.", timeout=2, markup=False)

    # --- the menu ---

    def action_row_menu(self) -> None:
        self._open_menu(self.table.cursor_line)

    @on(ContainerTable.Asked)
    def _asked(self, event: ContainerTable.Asked) -> None:
        self._open_menu(event.line)

    @asks
    async def _open_menu(self, line: int) -> None:
        """What can be done to the row, or to those that are marked, and no more."""
        choices = self._choices()
        if not choices:
            return
        targets = self.state.targets
        title = targets[0].name if len(targets) == 1 else f"{len(targets)} marked"
        chosen = await self.app.push_screen_wait(RowMenu(title, choices, self.table.region.x + 3, line))
        if chosen is not None:
            self.call_later(self.run_action, chosen)

    def _choices(self) -> list[Choice]:
        many = len(self.state.targets) > 1
        commands = [
            command
            for command in COMMANDS
            if command.id in BULK
            or (not many and (command.group in _IN_MENU or command.id in _ALSO) and command.states)
        ]
        keys = by_id(own_keys(self.app))
        return [self._choice(each, keys.get(each.id, [])) for each in commands if self.possible(each)]

    def _choice(self, command: Command, keys: list[str]) -> Choice:
        """Of a command for many, for how many it is possible."""
        targets = self.state.targets
        fitting = sum(each.status in command.states for each in targets)
        label = f"{command.label} · {fitting}" if 0 < fitting < len(targets) else command.label
        return Choice(label, keys, spelled(keys[0]) if keys else "", command.action, command.group)
