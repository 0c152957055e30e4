"""The commands of the main screen that are about its layout: focus, zoom, sizes, and what is remembered of them.

Owns what is on the screen and what follows what; the main screen inherits from it. Imports the workspace, the tabs of
terminals and the regions' panes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from pathlib import Path

from textual import on, work
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.protocol.messages import ContainerSummary
from heliostui.details import CONTENT, LIVE
from heliostui.graphs.pane import GraphsPane
from heliostui.heap.pane import HeapPane
from heliostui.keymap import Command
from heliostui.terminal_pane import TerminalPane
from heliostui.terminal_tab import TerminalTab, is_small, terminal_size
from heliostui.terminal_tabs import TerminalTabs
from heliostui.workspace.crumbs import BETWEEN, crumbs, path
from heliostui.workspace.frame import Frame
from heliostui.workspace.jump import Jump, targets
from heliostui.workspace.layouts import TITLES
from heliostui.workspace.memory import Remembered, encoded, write
from heliostui.workspace.tree import Axis, Cells
from heliostui.workspace.workspace import PAIR, Workspace
from widgets.container_table import ContainerTable
from widgets.key_line import KeyLine
from widgets.terminal import TerminalView

SAVING = 0.5  # seconds that the layout must rest before it is written down
STEPS = {"row": 4, "column": 2}  # cells that a key moves a border by
NO_CONTAINER = "Select a container to see the heap of its programs."


class WorkspaceActions(TerminalTabs):
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

    def possible_here(self, command: Command) -> bool:
        """Whether a command that is about the layout makes sense now."""
        workspace = self.workspace
        match command.action.partition("(")[0]:
            case "zoom":
                return not workspace.welcoming or workspace.wanted not in PAIR
            case "hide":
                return workspace.can_hide(workspace.wanted)
            case "grow":
                return workspace.can_grow("row" if "'row'" in command.action else "column")
        return True

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
        if self.focused is not None and self.workspace.region_of(self.focused) not in self.workspace.seen:
            self._focus_something()
        elif self.focused is None and self.workspace.wanted == "containers" and self.table.focusable:
            self.set_focus(self.table)  # it was not there yet when the screen looked for something to focus
        self.describe_regions()
        self.show_status()
        if self._saving is None and encoded(self.remembered) != self._saved:
            self._saving = self.set_timer(SAVING, self._save)

    def _focus_something(self) -> None:
        """What had the focus has left the screen."""
        workspace = self.workspace
        if workspace.seen and not self.query_one("#filter").has_focus:
            self.focus_region(workspace.wanted if workspace.wanted in workspace.seen else min(workspace.seen))

    @property
    def graph_subjects(self) -> Sequence[ContainerSummary]:
        """Whose graphs are shown; the machine's when there are none."""
        container = self.state.selected
        return [container] if container is not None and container.status in LIVE else []

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
        self.workspace.head("graphs", self._named("Graphs"), self.graphs.description())
        self._say_where()

    @on(HeapPane.Described)
    def _heap_described(self) -> None:
        self.workspace.head("heap", self._named("Heap"), self.heap.description())
        self._say_where()

    def _named(self, title: str) -> str:
        container = self.state.selected
        return f"{title} · {container.name}" if container is not None else title

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

    @property
    def where(self) -> str:
        return BETWEEN.join(path(self))

    def _say_where(self) -> None:
        self.query_one("#crumbs", Static).update(crumbs(self))

    # --- layouts, regions and sizes ---

    def action_layout(self, name: str) -> None:
        self.workspace.use(name)
        if self.workspace.region_of(self.focused) not in self.workspace.seen:
            self._focus_something()

    def action_region(self, name: str) -> None:
        self.focus_region(name)

    def focus_region(self, name: str) -> None:
        """Show a region and give it the focus; of terminals, the one that is shown gets the keys."""
        if name == "terminals" and self.terminals.current is not None:
            self.show_terminal(self.terminals.current)
            return
        self.workspace.want(name)
        self.state.shown_terminal = None
        if name == "containers":
            self.set_focus(self.table if self.table.focusable else None)
        elif name == "details":
            self.details.focus_content()
        else:
            self.set_focus(next(iter(self.stops(name)), None))
        self.share_out()

    def action_tab(self, name: str) -> None:
        """Look at a tab of the details, which are shown for it; the list keeps the keys where it has them."""
        if "details" not in self.workspace.seen:
            self.workspace.want("details")
            if self.table.has_focus:
                self.workspace.want("containers")
        self.details.show_tab(name)

    def action_next_tab(self, by: int) -> None:
        self.details.next_tab(by)

    def action_hide(self) -> None:
        workspace = self.workspace
        name = workspace.wanted
        workspace.hide(name)
        self._focus_something()

    def action_grow(self, axis: Axis, by: int) -> None:
        self.workspace.grow(axis, by * STEPS[axis])

    def action_zoom(self) -> None:
        """Give the region that is used the whole screen, or take it back."""
        workspace = self.workspace
        workspace.zoom(None if workspace.zoomed else workspace.wanted)
        self.share_out()
        if workspace.wanted == "terminals":
            self.focus_region("terminals")
        elif self.focused is None:
            self.focus_region(workspace.wanted)

    @on(Frame.Pressed)
    def _heading_pressed(self, event: Frame.Pressed) -> None:
        event.stop()
        if isinstance(event.frame, TerminalTab):
            self._pressed_in_terminal(event)
            return
        if event.what == "hide":
            self.workspace.hide(event.part)
        else:
            self.focus_region(event.part)
            if event.what == "zoom":
                self.action_zoom()

    def _pressed_in_terminal(self, event: Frame.Pressed) -> None:
        if event.what == "hide":
            self.workspace.hide("terminals")
            return
        if event.part == "jobs":
            event.frame.parts["jobs"].query("JobTable, SwimLanes").first(Widget).focus()
        else:
            self.focus_region("terminals")
        if event.what == "zoom":
            self.action_zoom()

    # --- the focus ---

    def action_focus_next_pane(self, by: int) -> None:
        """Go to the next of all that can be used on the screen, or to the one before."""
        stops = [stop for name in self.workspace.fitted.places for stop in self.stops(name)]
        stop: Widget | None
        if self.focused in stops:
            stop = stops[(stops.index(self.focused) + by) % len(stops)]
        else:
            stop = next(iter(self.stops(self.workspace.wanted) or stops), None)
        if isinstance(stop, TerminalView) and self.terminals in stop.ancestors:
            stop.look()
        else:
            self.set_focus(stop)

    def stops(self, region: str) -> list[Widget]:
        """What can have the focus in a region, in the order in which it gets it."""
        part = self.workspace.parts[region]
        inside = [each for each in self.focus_chain if part in each.ancestors_with_self and not isinstance(each, Input)]
        if region == "details":
            content = set(part.query(CONTENT)) if not self.workspace.welcoming else set()
            return [each for each in inside if each in content]
        return sorted(inside, key=lambda each: isinstance(each, TerminalView))

    def on_descendant_blur(self) -> None:
        self.share_out()

    @on(TerminalPane.Described)
    def on_descendant_focus(self) -> None:
        """What has the focus is used; on a small screen a terminal that has the keys has the screen as well."""
        workspace = self.workspace
        name = workspace.region_of(self.focused)
        if name is not None:
            self.state.shown_terminal = self.terminals.current if name == "terminals" else None
            if name != workspace.wanted:
                workspace.want(name)
            if name == "details" and self.terminal_has_keys and workspace.compact and not workspace.zoomed:
                workspace.lend("details")
        self.share_out()
        self.describe_regions()

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
        """The table gets the keys, or the jobs of the terminal that is used."""
        if self.shown_tab is not None:
            self.shown_tab.release()
            return
        workspace = self.workspace
        workspace.lend(None)
        if "containers" in workspace.seen:
            self.focus_region("containers")
        else:
            self.set_focus(None)
            self.share_out()

    # --- jump mode ---

    @work(group="jump", exclusive=True)
    async def action_jump(self) -> None:
        """Show a letter on all that can be gone to, and go where the next key says."""
        found = targets(self)
        chosen = await self.app.push_screen_wait(Jump(found))
        if chosen is not None:
            chosen.go()

    # --- what is remembered ---

    def _save(self) -> None:
        self._saving = None
        self._saved = encoded(self.remembered)
        self.run_worker(asyncio.to_thread(write, self.layout_file, self._saved), group="memory")

    async def on_unmount(self) -> None:
        """What was changed last is written down, too."""
        data = encoded(self.remembered)
        if data != self._saved:
            await asyncio.to_thread(write, self.layout_file, data)
