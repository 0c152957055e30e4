"""What is on the main screen, what its regions follow, and what their headings say; remembers the layouts.

The main screen inherits from it. Imports the workspace, the tabs of terminals and the regions' panes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from pathlib import Path

from textual import on
from textual.theme import Theme
from textual.timer import Timer
from textual.widgets import Static

from engine.protocol.messages import ContainerSummary
from heliostui.details import LIVE
from heliostui.graphs.pane import GraphsPane
from heliostui.heap.pane import HeapPane
from heliostui.terminals.tab import is_small, terminal_size
from heliostui.terminals.tabs import TerminalTabs
from heliostui.workspace.crumbs import BETWEEN, crumbs, path
from heliostui.workspace.layouts import TITLES
from heliostui.workspace.memory import Remembered, encoded, write
from heliostui.workspace.tree import Cells
from heliostui.workspace.workspace import Workspace
from widgets.container_table import ContainerTable
from widgets.key_line import KeyLine
from widgets.marked_table import MarkedTable
from widgets.once import after
from widgets.terminal import TerminalView

SAVING = 0.5  # seconds that the layout must rest before it is written down
NO_CONTAINER = "Select a container to see the heap of its programs."


class Regions(TerminalTabs):
    """Has a Workspace with all regions."""

    layout_file: Path
    """Where the layouts are remembered."""
    remembered: Remembered

    def __init__(self) -> None:
        super().__init__()
        self.just_released = False
        self._followed: dict[str, Hashable] = {}
        self._saved = b""
        self._saving: Timer | None = None

    @property
    def table(self) -> ContainerTable:
        return self.query_one(ContainerTable)

    @property
    def graphs(self) -> GraphsPane:
        return self.query_one("#graphs", GraphsPane)

    @property
    def heap(self) -> HeapPane:
        return self.query_one("#heap", HeapPane)

    @property
    def terminal_has_keys(self) -> bool:
        """Whether what is typed goes to a program."""
        view = self.focused
        return isinstance(view, TerminalView) and view.captured and view.terminal is not None

    @property
    def terminal_size(self) -> tuple[int, int]:
        size = self.workspace.size_of("terminals")
        if self.workspace.compact and is_small(size):  # the line of keys makes room for it
            size = Cells(size.width, size.height + 1)
        return terminal_size(size)

    # --- what is on the screen ---

    def share_out(self) -> None:
        """Show what has a place on the screen now. Classes would say it too, but style every widget anew at each key
        that gives a terminal the keys, or takes them."""
        keys, workspace = self.terminal_has_keys, self.workspace
        alone = keys and (workspace.zoomed or workspace.lent) is not None
        calm, tab = workspace.named.calm, self.terminals.shown
        if tab is not None:
            tab.calm = calm
            if tab.full != (workspace.zoomed == "terminals"):
                tab.full = not tab.full
                tab.settle()
        small = workspace.compact and tab is not None and tab.small
        self.query_one("#top").display = not alone and (not calm or self.state.looks_around)
        self.query_one(KeyLine).display = not calm and not (
            keys and workspace.wanted == "terminals" and (alone or small)
        )
        if self.graphs.large != calm:
            self.graphs.large = calm
        self.details.share(alone=alone, keys=keys)
        self.details.lends = workspace.compact
        workspace.look_at(workspace.region_of(self.focused), keys)

    @on(Workspace.Changed)
    def _workspace_changed(self) -> None:
        """What is on the screen follows its container, what is not follows nothing; what the user did is kept."""
        self.share_out()
        self.follow_regions()
        if self.focused is not None and not self.focus_is_seen:
            self.focus_something()
        elif self.focused is None and self.workspace.wanted == "containers" and self.table.focusable:
            self.set_focus(self.table)  # it was not there yet when the screen looked for something to focus
        self.describe_regions()
        self.show_status()
        self._keep()

    @property
    def focus_is_seen(self) -> bool:
        """Whether what has the focus is in a region that is on the screen."""
        return self.workspace.region_of(self.focused) in self.workspace.seen

    def focus_something(self) -> None:
        """What had the focus has left the screen: give it to something else."""
        raise NotImplementedError

    @property
    def graph_subjects(self) -> Sequence[ContainerSummary]:
        """Whose graphs are shown: of those that are marked, else of the selected one; none: the machine's."""
        marked = self.table.marked
        selected = self.state.selected
        wanted = [each for id, each in self.state.containers.items() if id in marked] or (
            [selected] if selected else []
        )
        return [each for each in wanted if each.status in LIVE]

    def follow_regions(self) -> None:
        """Have each region that is seen follow what is selected, and the others rest."""
        workspace = self.workspace
        visible, container, subjects = workspace.seen, self.state.selected, self.graph_subjects
        self.terminals.look("terminals" in visible)
        self.details.look("details" in visible and not workspace.welcoming)
        if self._news("graphs", "graphs" in visible and tuple((each.id, each.status, each.name) for each in subjects)):
            if "graphs" in visible:
                self.graphs.show(subjects)
            else:
                self.graphs.rest()
        whose = container and (container.id, container.status, container.pid)
        if self._news("heap", "heap" in visible and whose):
            if "heap" in visible and container is not None:
                self.heap.follow(container)
            else:
                self.heap.stop(NO_CONTAINER)

    def _news(self, region: str, followed: Hashable) -> bool:
        """Whether the region is to follow something else than before."""
        before = self._followed.get(region, False)
        self._followed[region] = followed
        return before != followed

    def rest_regions(self) -> None:
        """Another screen is over this one: follow nothing."""
        self.details.rest()
        self.graphs.rest()
        self.heap.stop()
        self._followed.clear()

    def resume_regions(self) -> None:
        """This screen is seen again, or the engine is back."""
        self._followed.clear()
        self.details.reconnect()
        self.follow_regions()

    # --- headings ---

    @on(GraphsPane.Described)
    def _graphs_described(self) -> None:
        whose = self.graph_subjects
        name = whose[0].name if len(whose) == 1 else f"{len(whose)} containers" if whose else "this machine"
        self.workspace.head("graphs", f"Graphs · {name}", self.graphs.description())
        self._say_where()

    @on(HeapPane.Described)
    def _heap_described(self) -> None:
        container = self.state.selected
        self.workspace.head("heap", f"Heap · {container.name}" if container else "Heap", self.heap.description())
        self._say_where()

    def describe_regions(self) -> None:
        """What all headings say."""
        workspace = self.workspace
        title, hint = self.details.description()
        workspace.head("details", "Welcome" if workspace.welcoming else title or TITLES["details"], hint)
        workspace.head("terminals", TITLES["terminals"])
        self._graphs_described()
        self._heap_described()

    @on(ContainerTable.Shown)
    def _rows_shown(self, event: ContainerTable.Shown) -> None:
        self.workspace.note(rows=event.shown)

    @on(MarkedTable.Marked)
    def _marks_changed(self) -> None:
        """Several that are marked are shown over one another."""
        self.follow_regions()
        self._graphs_described()

    @property
    def where(self) -> str:
        return BETWEEN.join(path(self))

    def _say_where(self) -> None:
        self.query_one("#crumbs", Static).update(crumbs(self))

    # --- what is remembered ---

    def keep_theme(self, theme: Theme) -> None:
        """The theme was changed: begin with it the next time, where the settings name none."""
        self.remembered.theme = theme.name
        self._keep()

    def _keep(self) -> None:
        """Have it written down soon, if there is something new."""
        if self._saving is None and encoded(self.remembered) != self._saved:
            self._saving = after(self, SAVING, self._save)

    def _save(self) -> None:
        self._saving = None
        self._saved = encoded(self.remembered)
        self.run_worker(asyncio.to_thread(write, self.layout_file, self._saved), group="memory")

    async def on_unmount(self) -> None:
        """What was changed last is written down, too."""
        data = encoded(self.remembered)
        if data != self._saved:
            await asyncio.to_thread(write, self.layout_file, data)
