"""The regions of the main screen, placed as the layout in use and the user want it.

Owns which layout is used, what is zoomed, hidden and resized in each, and which region was used last: on a small screen
that one is shown, on others it is never dropped for want of room. Imports frame, layouts, memory and tree.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from heliostui.workspace.frame import Frame, Plan
from heliostui.workspace.layouts import FIRST, LAYOUTS, LEAST_SIZE, REGIONS, WIDE, NamedLayout, page
from heliostui.workspace.memory import Memory, Remembered
from heliostui.workspace.tree import Axis, Cells, Part, Sizes, border_of, moved

FEW_COLUMNS = 48  # cells of a list that has only its most important columns
PAIR = ("containers", "details")
"""A list and what is in it: who uses one of them looks at the other."""


class Workspace(Frame):
    """All regions, as many of them on the screen as are wanted and have room."""

    class Changed(Message):
        """Other regions are shown than before, or elsewhere, or something is to be remembered."""

    def __init__(
        self, parts: Mapping[str, Widget], welcome: Widget, remembered: Remembered, layout: str = "", *, id: str
    ) -> None:
        """`parts`: the widgets of the regions; `welcome` is shown in place of the details while there is nothing."""
        super().__init__(id=id)
        self.parts = dict(parts)
        self._details, self._welcome = parts["details"], welcome
        self._welcome.display = False
        self.remembered = remembered
        self.layout_name = next((name for name in (layout, remembered.layout, FIRST) if name in LAYOUTS), FIRST)
        self.recent = list(REGIONS)
        self.recent.remove("graphs")
        self.recent.insert(2, "graphs")
        self.lent: str | None = None
        """A region that has the screen for as long as its terminal has the keys."""
        self.has_terminals = False
        self.rows = 0
        """How many lines the list has use for."""
        self._shown: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        yield from self.parts.values()
        yield self._welcome

    # --- what is used ---

    @property
    def named(self) -> NamedLayout:
        return LAYOUTS[self.layout_name]

    @property
    def _memory(self) -> Memory:
        return self.remembered.of(self.layout_name)

    @property
    def compact(self) -> bool:
        """Whether the screen has room for one region at a time only."""
        size = self.app.size
        return size.width < LEAST_SIZE.width or size.height < LEAST_SIZE.height

    @property
    def zoomed(self) -> str | None:
        """The region that has the screen for itself."""
        return self._memory.zoomed

    @property
    def hidden(self) -> frozenset[str]:
        """The regions that are not shown until they are asked for."""
        hidden = self._memory.hidden
        if hidden is None or set(REGIONS) <= set(hidden):  # somebody else's, or a file's: something is to be seen
            return self.named.hidden
        return frozenset(hidden)

    @property
    def weights(self) -> dict[str, dict[str, float]]:
        """What borders were moved to, by the kind of screen; to be remembered as it is."""
        return self._memory.weights

    @property
    def wanted(self) -> str:
        """The region that was used last."""
        return self.recent[0]

    @property
    def seen(self) -> frozenset[str]:
        """The regions that are on the screen."""
        return frozenset(self.fitted.places)

    @property
    def welcoming(self) -> bool:
        return self.parts["details"] is self._welcome

    def region_of(self, widget: Widget | None) -> str | None:
        """The region that a widget is in."""
        around = set(widget.ancestors_with_self) if widget is not None else set()
        return next((name for name, part in self.parts.items() if part in around), None)

    # --- what the user does ---

    def use(self, name: str) -> None:
        """Use another layout, as it was left."""
        if name in LAYOUTS:
            self.layout_name = self.remembered.layout = name
            self.lent = None
            if self.wanted in self.hidden:
                self._move_to_front(next(each for each in self.recent if each not in self.hidden))
            self._anew()

    def forget(self) -> None:
        """Have the layout as it is at first."""
        self.remembered.layouts.pop(self.layout_name, None)
        self.lent = None
        self._anew()

    def want(self, name: str) -> None:
        """Show a region, in place of others where there is no room for all."""
        self._move_to_front(name)
        if self.zoomed not in (None, name):
            self._memory.zoomed = None
        if name in self.hidden and not self.compact:
            self._memory.hidden = sorted(self.hidden - {name})
        if self.lent != name:
            self.lent = None
        self._anew()

    def _move_to_front(self, name: str) -> None:
        self.recent.remove(name)
        self.recent.insert(0, name)

    def zoom(self, name: str | None) -> None:
        """Give a region the whole screen; None: give it back."""
        if name is not None:
            self.want(name)
        self._memory.zoomed = name
        self._anew()

    def hide(self, name: str) -> None:
        """Give a region's room to the others, until it is asked for again."""
        if self.can_hide(name):
            self._memory.zoomed = None
            self._memory.hidden = sorted(self.hidden | {name})
            if self.wanted == name:
                self._move_to_front(next(each for each in self.recent if each in self._wanted_now()))
            self._anew()

    def can_hide(self, name: str) -> bool:
        return not self.compact and len(self._wanted_now() - {name}) > 0 and not self.welcoming

    def lend(self, name: str | None) -> None:
        """On a small screen a terminal that has the keys has the screen as well."""
        if self.lent != name:
            self.lent = name
            self._anew()

    def grow(self, axis: Axis, by: int) -> None:
        """Make the region that was used last larger, or smaller."""
        found = border_of(self.fitted, self.wanted, axis)
        if found is not None:
            plan, (border, way) = self.plan(self.size), found
            self.resized(moved(plan.tree, self.fitted, border, by * way, plan.sizes))

    def can_grow(self, axis: Axis) -> bool:
        return border_of(self.fitted, self.wanted, axis) is not None

    def resized(self, weights: dict[str, float]) -> None:
        if weights != self._memory.weights.get(self._kind, {}):
            self._memory.weights[self._kind] = weights
            self._anew()

    # --- what the console does ---

    def welcome(self, welcoming: bool) -> None:
        """Show what there is to do while there are no containers, or the details."""
        if welcoming != self.welcoming:
            self.parts["details"].display = False
            self.parts["details"] = self._welcome if welcoming else self._details
            if welcoming and self.wanted == "details":
                self._move_to_front("containers")
            self._anew()

    def note(self, *, rows: int | None = None, terminals: bool | None = None) -> None:
        """What the layout depends on: the length of the list, whether there are terminals."""
        before = self.rows, self.has_terminals
        self.rows = self.rows if rows is None else rows
        self.has_terminals = self.has_terminals if terminals is None else terminals
        if before != (self.rows, self.has_terminals):
            if not self.has_terminals and self.wanted == "terminals" and not self.named.terminals:
                self._move_to_front("containers")
            self._anew()

    def _anew(self) -> None:
        """Place everything, and say so; what is remembered may have changed even where nothing moves."""
        calm = self.named.calm
        if calm != self.calm:
            self.calm = calm
            self.fitted = type(self.fitted)()  # all of it is elsewhere
        self.settle()
        self.post_message(self.Changed())

    def placed(self) -> None:
        self.post_message(self.Changed())

    # --- where everything is ---

    @property
    def _kind(self) -> str:
        if self.compact:
            return "small"
        return "wide" if self.app.size.width >= WIDE else "other"

    def _wanted_now(self) -> frozenset[str]:
        """The regions that are to be shown if there is room."""
        shown = frozenset(REGIONS) - self.hidden
        if not self.has_terminals and not (self.named.terminals or self.wanted == "terminals"):
            shown -= {"terminals"}
        if self.welcoming and self.layout_name != "monitor":  # an empty list and graphs of nothing would only distract
            return (shown & {self.wanted, "terminals"}) - {"containers"} | {"details"}
        return shown | {"details"} if self.welcoming else shown

    def _order(self) -> list[str]:
        """The regions, those first that are to be kept when there is no room for all."""
        if self.wanted in PAIR and not self.named.calm:
            return [*PAIR, *(name for name in self.recent if name not in PAIR)]
        return self.recent

    def plan(self, size: Size) -> Plan:
        return self._plan(Cells(*size), self._order(), self._wanted_now())

    def _plan(self, size: Cells, order: list[str], shown: frozenset[str]) -> Plan:
        alone = (self.lent if self.compact else None) or self.zoomed
        if alone is not None:
            return Plan(Part(alone), frozenset({alone}))
        weights = self._memory.weights.get(self._kind, {})
        if self.compact:
            pair = order[0] in PAIR
            shown = frozenset(("details",) if self.welcoming else PAIR) if pair else frozenset({order[0]})
            rows = max(5, min(self.rows + 2, size.height * 2 // 5))
            return Plan(page(order[0]), shown, order, Sizes(weights, {"containers": Cells(size.width, rows)}))
        shown = frozenset([name for name in order if name in shown][: self.named.most])
        rows = max(8, -(-(self.rows + 3) // 4) * 4)  # in steps, so that a container more moves nothing
        most = {"containers": Cells(FEW_COLUMNS if self.named.calm else size.width, rows)} if len(shown) > 1 else {}
        return Plan(self.named.tree(self.app.size.width >= WIDE), shown, order, Sizes(weights, most))

    def size_of(self, name: str) -> Cells:
        """The size that a region will have, with its heading, once it is used."""
        order = [name, *(each for each in self.recent if each != name)]
        plan = self._plan(Cells(*self.size), order, self._wanted_now() | {name})
        if self.zoomed not in (None, name):
            plan = Plan(self.named.tree(self.app.size.width >= WIDE), plan.shown | {name}, order)
        place = plan.fitted(self.size).places.get(name)
        return Cells(place.width, place.height) if place else Cells(80, 24)

    # --- headings ---

    def headed(self, name: str) -> bool:
        if name == "terminals":
            return not self.has_terminals
        return not (name == "details" and self.welcoming and self.compact)

    def buttons(self, name: str) -> bool:
        return not self.compact
