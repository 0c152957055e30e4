"""The commands of the main screen that are about its layout: focus, zoom, sizes, hiding, jumping.

Owns the way of the focus, into terminals and out of them; the main screen inherits from it. Imports regions and jump.
"""

from __future__ import annotations

from textual import on, work
from textual.widget import Widget
from textual.widgets import Input

from heliostui.details import CONTENT
from heliostui.keymap import Command
from heliostui.terminals.pane import TerminalPane
from heliostui.terminals.tab import TerminalTab
from heliostui.workspace.frame import Frame
from heliostui.workspace.jump import Jump, targets
from heliostui.workspace.regions import Regions
from heliostui.workspace.tree import Axis
from heliostui.workspace.workspace import PAIR
from widgets.once import after
from widgets.terminal import TerminalView

STEPS = {"row": 4, "column": 2}  # cells that a key moves a border by


class WorkspaceActions(Regions):
    """The commands of the key map that act on the layout."""

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

    # --- layouts, regions and sizes ---

    def action_layout(self, name: str) -> None:
        self.workspace.use(name)
        if not self.focus_is_seen:
            self.focus_something()

    def action_forget_layout(self) -> None:
        self.workspace.forget()
        if not self.focus_is_seen:
            self.focus_something()

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
            if (self.workspace.welcoming or not self.details.focus_content()) and not self.focus_is_seen:
                self.set_focus(None)  # nothing there takes keys; what left the screen would be replaced for ever
        else:
            self.set_focus(next(iter(self.stops(name)), None))
        self.share_out()

    def action_tab(self, name: str) -> None:
        """Look at a tab of the details, which are shown for it and get the keys, unless the list has them."""
        self._want_details()
        self.details.show_tab(name)
        self._go_to_tab()

    def action_next_tab(self, by: int) -> None:
        self._want_details()
        self.details.next_tab(by)
        self._go_to_tab()

    def _want_details(self) -> None:
        if "details" not in self.workspace.seen:
            self.workspace.want("details")
            if self.table.has_focus:
                self.workspace.want("containers")

    def _go_to_tab(self) -> None:
        """From another region than the list: there the next keys would do something else."""
        if self.table.has_focus or self.details.has_focus_within:
            return

        def go() -> None:
            self.workspace.want("details")
            if self.workspace.welcoming or not self.details.focus_content():
                self.set_focus(None)  # it says in words that there is nothing to be done in it

        self.call_after_refresh(go)

    def action_hide(self) -> None:
        workspace = self.workspace
        name = workspace.wanted
        workspace.hide(name)
        self.focus_something()

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

    def focus_something(self) -> None:
        """What had the focus has left the screen."""
        workspace = self.workspace
        if workspace.seen and not self.query_one("#filter").has_focus:
            self.focus_region(workspace.wanted if workspace.wanted in workspace.seen else min(workspace.seen))

    def action_focus_next_pane(self, by: int) -> None:
        """Go to the next of all that can be used on the screen, or to the one before: from the list to what is in it,
        wherever that is, then to the other regions."""
        places = self.workspace.fitted.places
        regions = [*(name for name in PAIR if name in places), *(name for name in places if name not in PAIR)]
        stops = [stop for name in regions for stop in self.stops(name)]
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
        after(self, 1, self._forget_release)
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
