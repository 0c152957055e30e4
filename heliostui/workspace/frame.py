"""A container that places its parts by a tree, and draws their headings and the lines between them itself.

There is one line between two parts, not two borders; it can be dragged. Nothing here needs a class on a widget: to move
the focus redraws two headings and styles nothing anew. Imports tree and Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from heliostui.workspace.tree import NO_SIZES, Border, Cells, Fitted, Node, Place, Sizes, fit, moved
from widgets.text import fit as cut

BUTTONS = " + × "
ROOMY = 44  # columns from which on a heading has buttons
CALM = (2, 1)  # columns and lines of room around each part of a calm frame
JOINTS = {
    (True, True, True, True): "┼",
    (True, True, False, True): "┬",
    (True, True, True, False): "┴",
    (False, True, True, True): "├",
    (True, False, True, True): "┤",
    (False, True, False, True): "╭",
    (True, False, False, True): "╮",
    (False, True, True, False): "╰",
    (True, False, True, False): "╯",
    (True, True, False, False): "─",
}
"""The sign where lines meet that go left, right, up and down."""


@dataclass(frozen=True)
class Plan:
    """What is to be placed, as `tree.fit` takes it."""

    tree: Node
    shown: frozenset[str]
    first: Sequence[str] = ()
    sizes: Sizes = NO_SIZES

    def fitted(self, size: Size | Cells) -> Fitted:
        return fit(self.tree, Cells(*size), self.shown, self.first, self.sizes)


class Head(NamedTuple):
    """What a heading says: a title at the left, a hint at the right."""

    title: str = ""
    hint: str = ""


class TreeLayout(Layout):
    """Places the children of a Frame."""

    name = "tree"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, Frame)
        places = parent.plan(size).fitted(size).places
        names = {widget: name for name, widget in parent.parts.items()}
        return [
            WidgetPlacement(parent.inside(names[child], place), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if child in names and (place := places.get(names[child])) is not None
        ]


class Frame(Widget):
    """A subclass says what is placed (`plan`) and puts the widgets into `parts`, by their names in the tree."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "frame--line",
        "frame--title",
        "frame--hint",
        "frame--line-focused",
        "frame--title-focused",
        "frame--line-keys",
        "frame--title-keys",
    }

    @dataclass
    class Pressed(Message):
        """A heading was clicked, twice, or one of its buttons."""

        frame: Frame
        part: str
        what: Literal["focus", "zoom", "hide"]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.parts: dict[str, Widget] = {}
        self.heads: dict[str, Head] = {}
        self.fitted = Fitted()
        self.calm = False
        self._tree_layout = TreeLayout()
        self._looked: tuple[str | None, bool] = (None, False)
        self._dragged: tuple[Border, Plan, Fitted, int] | None = None

    @property
    def layout(self) -> Layout:
        return self._tree_layout

    # --- what a subclass says ---

    def plan(self, size: Size) -> Plan:
        """What is to be placed in so many cells."""
        raise NotImplementedError

    def headed(self, name: str) -> bool:
        """Whether the part's heading is drawn here; otherwise its own first line is one."""
        return True

    def buttons(self, name: str) -> bool:
        """Whether the heading can be clicked to zoom and to hide the part."""
        return False

    def resized(self, weights: dict[str, float]) -> None:
        """The user moved a border; `settle` is due."""

    def placed(self) -> None:
        """Other parts are shown than before, or they are elsewhere."""

    # --- placing ---

    def inside(self, name: str, place: Place) -> Region:
        """Where the part's widget is, below its heading."""
        if not self.headed(name):
            return Region(*place)
        if self.calm:
            columns, lines = CALM
            return Region(
                place.x + columns,
                place.y + 1 + lines,
                max(0, place.width - 2 * columns),
                max(0, place.height - 1 - 2 * lines),
            )
        return Region(place.x, place.y + 1, place.width, max(0, place.height - 1))

    def settle(self) -> None:
        """Place everything as it is to be now."""
        if not self.size:
            return
        fitted = self.plan(self.size).fitted(self.size)
        for name, widget in self.parts.items():
            if widget.display != (name in fitted.places):
                widget.display = name in fitted.places
        if fitted != self.fitted:
            self.fitted = fitted
            self._clear_arrangement_cache()
            self.refresh(layout=True)
            self.placed()

    def on_resize(self) -> None:
        self.settle()

    # --- headings ---

    def head(self, name: str, title: str, hint: str = "") -> None:
        """What a part's heading says from now on."""
        if self.heads.get(name) != (title, hint):
            self.heads[name] = Head(title, hint)
            if name in self.fitted.places:
                place = self.fitted.places[name]
                self.refresh(Region(place.x, place.y, place.width, 1))

    def look_at(self, name: str | None, keys: bool = False) -> None:
        """Show which part has the focus, and whether its program has the keys."""
        before, self._looked = self._looked, (name, keys)
        if before != self._looked:
            for each in {before[0], name}:
                if each is not None and each in self.fitted.places:
                    self._refresh_lines(self.fitted.places[each])

    @property
    def looked_at(self) -> str | None:
        """The part that is shown as the one with the focus."""
        return self._looked[0]

    def _refresh_lines(self, place: Place) -> None:
        left, right = max(0, place.x - 1), min(self.size.width, place.right + 1)
        regions = [Region(left, place.y, right - left, 1)]
        regions += [Region(x, place.y, 1, place.height) for x in (place.x - 1, place.right) if 0 <= x < self.size.width]
        if place.bottom < self.size.height:
            regions.append(Region(left, place.bottom, right - left, 1))
        self.refresh(*regions)

    # --- drawing ---

    def _style(self, what: str, name: str | None = None) -> Style:
        looked, keys = self._looked
        state = "" if name is None or name != looked else "-keys" if keys else "-focused"
        return self.get_component_rich_style(f"frame--{what}{state}")

    def render_line(self, y: int) -> Strip:
        pieces: list[tuple[int, list[Segment]]] = []
        for name, place in self.fitted.places.items():
            if place.y == y and self.headed(name):
                pieces.append((place.x, self._heading(name, place.width)))
        lines = (border.place for border in self.fitted.borders if border.axis == "row")
        pieces += [(line.x, [self._joint(line.x, y)]) for line in lines if line.y <= y < line.bottom]
        at, segments = 0, list[Segment]()
        blank = self.rich_style
        for x, piece in sorted(pieces, key=lambda each: each[0]):
            if x > at:
                segments.append(Segment(" " * (x - at), blank))
            segments += piece
            at = x + sum(segment.cell_length for segment in piece)
        return Strip(segments).adjust_cell_length(self.size.width, blank)

    def _heading(self, name: str, width: int) -> list[Segment]:
        """`─ Title ─────── hint ─ + ×`, as much of it as there is room for."""
        title, hint = self.heads.get(name, Head())
        line, title_style = self._style("line", name), self._style("title", name)
        if self.calm:
            return [Segment("  ", line), Segment(cut(title, max(0, width - 2)), title_style)]
        buttons = BUTTONS if self.buttons(name) and width >= ROOMY else ""
        room = width - cell_len(buttons) - 4
        title = cut(title, min(room, cell_len(title))) if title and room > 2 else ""
        shown = f" {title} " if title else ""
        room -= cell_len(shown) + 4
        said = f" {hint} " if hint and cell_len(hint) <= room else ""
        filled = max(0, width - 2 - cell_len(shown) - cell_len(said) - cell_len(buttons))
        segments = [
            Segment("─", line),
            Segment(shown, title_style),
            Segment("─" * filled, line),
            Segment(said, self._style("hint")),
            Segment("─", line),
            Segment(buttons, self._style("hint")),
        ]
        return list(Strip(segments).crop(0, width))

    def _joint(self, x: int, y: int) -> Segment:
        """A cell of the line between two parts."""
        if self.calm:
            return Segment(" ", self.rich_style)
        heads = [place for place in self.fitted.places.values() if place.y == y]
        lines = [border.place for border in self.fitted.borders if border.axis == "row" and border.place.x == x]
        meeting = (
            any(place.right == x for place in heads),
            any(place.x == x + 1 for place in heads),
            any(line.y <= y - 1 < line.bottom for line in lines),
            any(line.y <= y + 1 < line.bottom for line in lines),
        )
        looked = self.fitted.places.get(self._looked[0] or "")
        beside = looked is not None and x in (looked.x - 1, looked.right) and looked.y <= y < looked.bottom
        return Segment(JOINTS.get(meeting, "│"), self._style("line", self._looked[0] if beside else None))

    # --- the mouse ---

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.widget is not self:
            return
        event.stop()
        border = self.fitted.border_at(event.x, event.y)
        name = self.fitted.part_at(event.x, event.y)
        if name is not None and self._button_at(name, event.x, event.y):
            return
        if border is not None:
            at = event.x if border.axis == "row" else event.y
            self._dragged = border, self.plan(self.size), self.fitted, at
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is None:
            return
        event.stop()
        border, plan, fitted, start = self._dragged
        by = (event.x if border.axis == "row" else event.y) - start
        self.resized(moved(plan.tree, fitted, border, by, plan.sizes))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragged is not None:
            event.stop()
            self._dragged = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        name = self.fitted.part_at(event.x, event.y) if event.widget is self else None
        if name is None:
            return
        event.stop()
        button = self._button_at(name, event.x, event.y)
        what: Literal["focus", "zoom", "hide"] = "focus"
        if button:
            what = "zoom" if button == "+" else "hide"
        elif event.chain == 2:
            what = "zoom"
        self.post_message(self.Pressed(self, name, what))

    def _button_at(self, name: str, x: int, y: int) -> str:
        """The button of a heading that is there, if any."""
        place = self.fitted.places[name]
        if y != place.y or self.calm or not self.headed(name) or not self.buttons(name) or place.width < ROOMY:
            return ""
        at = x - (place.right - len(BUTTONS))
        return BUTTONS[at].strip() if 0 <= at < len(BUTTONS) else ""
