"""The tabs of terminals: one for each terminal there is, which of them is shown, and the line that names them.

Imports the same as actions, and the workspace; the main screen inherits from it.
"""

from __future__ import annotations

from textual import on

from engine.protocol.messages import TerminalSummary
from heliostui.messages import TerminalsListed
from heliostui.terminals.actions import TerminalActions
from heliostui.terminals.jobs import JobPane
from heliostui.terminals.pane import TerminalPane
from heliostui.terminals.tab import TerminalTab
from heliostui.workspace.layouts import REGIONS, TITLES
from heliostui.workspace.terminals import Terminals
from heliostui.workspace.workspace import PAIR, Workspace
from widgets.key_turns import let_keys_go
from widgets.tab_bar import Tab, TabBar


class TerminalTabs(TerminalActions):
    """Has the tabs that the engine's list of terminals asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.engine_is_back = False
        """An engine has answered again, and this is its first list."""

    @property
    def workspace(self) -> Workspace:
        return self.query_one(Workspace)

    @property
    def terminals(self) -> Terminals:
        return self.query_one(Terminals)

    def focus_region(self, name: str) -> None:
        """Show a region and give it the focus."""
        raise NotImplementedError

    def show_status(self) -> None:
        """Show how the engine is, and the line of tabs."""
        raise NotImplementedError

    def release(self) -> None:
        """Take the keys back from a terminal."""
        raise NotImplementedError

    # --- the tabs there are ---

    @on(TerminalsListed)
    async def _terminals_listed(self, event: TerminalsListed) -> None:
        """Have one tab for each terminal there is."""
        before, state = list(self.state.terminals), self.state
        self.engine_is_back = event.anew
        state.terminals = {terminal.id: terminal for terminal in event.terminals}
        for gone in set(before) - set(state.terminals):
            self._forget_terminal(gone, before.index(gone))
        for terminal in event.terminals:
            await self._keep_terminal(terminal)
        self.engine_is_back = False
        if state.awaited_terminal in state.terminals:
            awaited, state.awaited_terminal = state.awaited_terminal, None
            self.show_terminal(awaited)
            let_keys_go(self.app)
        elif self.terminals.current is None and state.terminals:
            self.terminals.show(next(iter(state.terminals)))
        self.workspace.note(terminals=bool(state.terminals))
        self.show_status()

    async def _keep_terminal(self, terminal: TerminalSummary) -> None:
        """The tab of a terminal, brought up to date or made; a session lost with the engine begins again."""
        tab = self._tab(terminal.id)
        new = tab is None
        if tab is None:
            tab = TerminalTab(self.link, terminal)
            await self.terminals.mount(tab)
        tab.summary = terminal
        container = self.state.containers.get(terminal.container or "")
        tab.container_name = container.name if container else (terminal.container or "")
        if new or self.engine_is_back:
            tab.join()
        tab.describe()

    def _forget_terminal(self, terminal: str, place: int) -> None:
        """Remove the tab of a terminal that is gone, and look at the one before it."""
        left = list(self.state.terminals)
        after = left[max(0, min(place, len(left)) - 1)] if left else None
        if self.state.shown_terminal == terminal:
            self.show_terminal(after)
        if self.terminals.current == terminal:
            self.terminals.show(after)
        tab = self._tab(terminal)
        if tab is not None:
            self.run_worker(self._remove(tab), group="terminals")

    async def _remove(self, tab: TerminalTab) -> None:
        await tab.told()
        if tab.summary.id not in self.state.terminals:  # a new engine counts from 1 again
            await tab.remove()

    # --- the one that is shown ---

    def _tab(self, terminal: str | None) -> TerminalTab | None:
        return self.terminals.tab(terminal)

    @property
    def shown_tab(self) -> TerminalTab | None:
        """The terminal that is used: its region has the focus."""
        return self._tab(self.state.shown_terminal)

    def show_terminal(self, terminal: str | None) -> None:
        """Show a terminal's tab and give it the keys, or go to the containers."""
        tab = self._tab(terminal)
        self.state.shown_terminal = terminal if tab is not None else None
        if tab is None:
            self.focus_region("containers")
        else:
            self.terminals.show(terminal)
            self.workspace.note(terminals=True)
            self.workspace.want("terminals")
            tab.use()
        self.show_status()

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        if event.key in REGIONS:
            self.focus_region(event.key)
        else:
            self.show_terminal(event.key)

    @on(TerminalPane.Described)
    @on(JobPane.Described)
    def show_tabs(self) -> None:
        """Draw the line of tabs: the regions, then each terminal."""
        workspace = self.workspace
        names = [name for name in REGIONS if name != "terminals" or not self.state.terminals]
        if workspace.compact:
            names = [name for name in names if name not in ("details", "terminals")]
        wanted, visible = workspace.wanted, workspace.seen
        active = "containers" if workspace.compact and wanted in PAIR else wanted
        if wanted == "terminals" and self.terminals.current is not None:
            active = self.terminals.current
        tabs = [Tab(name, None, TITLES[name], seen=workspace.compact or name in visible) for name in names]
        for number, terminal in enumerate(self.state.terminals, 1):
            tab = self._tab(terminal)
            if tab is not None and tab.is_mounted:
                unseen, seen = tab.pane.unseen, workspace.compact or "terminals" in visible
                tabs.append(Tab(terminal, number, tab.name_shown, tab.container_name, unseen, seen))
        self.query_one(TabBar).show(tabs, active)
        self.refresh_bindings()
