"""A map of networks: the host, its bridges, the containers on them and published ports, with live traffic on the lines.

Takes a `NetworkMap` and flows of plain values; draws again only the cells that look different. Arrow keys go from box
to box. Imports network, network_layout and text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.moves import EDGES, PAGES
from widgets.network import Flow, Flows, MapContainer, MapNetwork, NetworkMap
from widgets.network_layout import HOST, LONG, Box, Cell, Label, Layout, Span, lay_out
from widgets.text import fit, in_brief, per_second

LIGHT = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
HEAVY = " ╹╺┗╻┃┏┣╸┛━┻┓┫┳╋"
"""Lines by the sides that they go on to: 1 up, 2 right, 4 down, 8 left."""
LEVELS = (1.0, 10e3, 1e6, 100e6)
"""From how many bytes a second on a line is lit up by one step more."""
LEGEND = (("─", "still"), ("━", "a little"), ("━", "10 kB/s"), ("━", "1 MB/s"), ("━", "100 MB/s"))


class NetworkMapView(ScrollView, can_focus=True):
    """The map, one of its boxes selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "map--text",
        "map--muted",
        "map--strong",
        "map--name",
        "map--host",
        "map--port",
        "map--border",
        "map--near",
        "map--cursor",
        "map--selected",
        *(f"map--link-{level}" for level in range(len(LEVELS) + 1)),
        *(f"map--network-{place}" for place in range(6)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move('up')", "Up", show=False, id="map.up", tooltip="To the box above"),
        Binding("down,j", "move('down')", "Down", show=False, id="map.down", tooltip="To the box below"),
        Binding("left,h", "move('left')", "Left", show=False, id="map.left", tooltip="To the box on the left"),
        Binding("right,l", "move('right')", "Right", show=False, id="map.right", tooltip="To the box on the right"),
        *EDGES,
        *PAGES,
        Binding(
            "v",
            "dense",
            "Boxes or lines",
            show=False,
            tooltip="Containers as boxes, or as lines that need less room",
            id="map.dense",
        ),
    ]

    cursor: reactive[str] = reactive(HOST, repaint=False, init=False)
    """The key of the selected box: the host's, a network's or a container's."""
    dense: reactive[bool | None] = reactive(None, repaint=False, init=False)
    """Containers as lines; None: when there are too many for boxes."""

    @dataclass
    class Highlighted(Message):
        """The selection moved, or what is selected changed."""

        map: NetworkMapView

    @dataclass
    class Chosen(Message):
        """A box was double-clicked."""

        map: NetworkMapView

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._map = NetworkMap()
        self._layout = Layout(0)
        self._laid_out: tuple[NetworkMap, int, bool] | None = None
        self._levels: dict[str, int] = {}
        self._texts: dict[Label, str] = {}
        self._labels: dict[int, list[Label]] = {}
        self._flows: Flows = {}

    # --- what is shown ---

    def show(self, networks: NetworkMap, flows: Flows) -> None:
        """Show this map, and flows by the name of the host's interface."""
        self._map, self._flows = networks, flows
        self._arrange()

    @property
    def selected(self) -> MapNetwork | MapContainer | None:
        """What is selected; None: the host."""
        things: list[MapNetwork | MapContainer] = [*self._map.networks, *self._map.containers]
        return next((thing for thing in things if thing.key == self.cursor), None)

    @property
    def networks(self) -> NetworkMap:
        return self._map

    @property
    def busy(self) -> bool:
        """Whether there is traffic anywhere."""
        return any(self._levels.values())

    def flow(self, links: Iterable[str]) -> Flow | None:
        """The sum of flows; None while none of them is known."""
        known = [self._flows[link] for link in links if link in self._flows]
        return sum(known, Flow()) if known else None

    def _arrange(self) -> None:
        """Lay out anew if what is where may be different; then only what changed is drawn."""
        width = self.scrollable_size.width
        if not width:
            return
        dense = self.dense if self.dense is not None else self._crowded
        wanted = (self._map, width, dense)
        if wanted != self._laid_out:
            self._laid_out = wanted
            self._layout = lay_out(self._map, width, dense=dense)
            self._labels = {}
            for label in self._layout.labels:
                self._labels.setdefault(label.y, []).append(label)
            self._levels, self._texts = {}, {}
            self.virtual_size = Size(self._layout.width, len(self._layout.rows))
            if self.cursor not in self._layout.boxes:
                self.cursor = HOST
            self.refresh()
            self.post_message(self.Highlighted(self))
        self._run()

    @property
    def _crowded(self) -> bool:
        lines = sum(2 + max(1, len(each.endpoints) + len(each.ports[:6])) for each in self._map.containers)
        return lines > 3 * max(8, self.size.height)

    def _run(self) -> None:
        """Bring lines and numbers up to date."""
        for link, sources in self._layout.links.items():
            level = level_of(self.flow(sources))
            if level != self._levels.get(link, 0):
                self._levels[link] = level
                self._redraw(self._layout.spans.get(link, ()))
        for label in self._layout.labels:
            text = told(self.flow(label.links), label.width)
            if text != self._texts.get(label, " " * label.width):
                self._texts[label] = text
                self._redraw([Span(label.y, label.x, label.width)])

    def _redraw(self, spans: Iterable[Span]) -> None:
        left, top = self.scroll_offset
        for span in spans:
            if 0 <= span.y - top < self.size.height:
                self.refresh(Region(span.x - left, span.y - top, span.width, 1))

    # --- reactions ---

    def on_resize(self) -> None:
        self._arrange()
        self._reveal()

    def watch_cursor(self, old: str, new: str) -> None:
        near = self._layout.near
        for key in {old, new, *near.get(old, ()), *near.get(new, ())}:
            self._redraw(self._layout.spans.get(key, ()))
        self._reveal()
        self.post_message(self.Highlighted(self))

    def watch_dense(self) -> None:
        self._arrange()
        self._reveal()

    def on_focus(self) -> None:
        self._redraw(self._layout.spans.get(self.cursor, ()))

    def on_blur(self) -> None:
        self._redraw(self._layout.spans.get(self.cursor, ()))

    def _reveal(self) -> None:
        box = self._layout.boxes.get(self.cursor)
        if box is not None:
            self.scroll_to_region(Region(box.x, box.y, box.width, box.height), animate=False, force=True)

    # --- keys and mouse ---

    def action_move(self, way: str) -> None:
        box = self._layout.boxes.get(self.cursor)
        target = beside(self._layout, box, way) if box else HOST
        if target is not None:
            self.cursor = target

    def action_page(self, by: int) -> None:
        """As far as the screen is high, in the same column."""
        box = self._layout.boxes.get(self.cursor)
        goal = (box.y if box else 0) + by * max(1, self.size.height - 2)
        while box is not None and (box.y < goal if by > 0 else box.y > goal):
            target = beside(self._layout, box, "down" if by > 0 else "up")
            if target is None:
                break
            box = self._layout.boxes[target]
            self.cursor = target

    def action_edge(self, last: bool) -> None:
        keys = list(self._layout.boxes)
        if keys:
            self.cursor = keys[-1 if last else 0]

    def action_dense(self) -> None:
        self.dense = not (self._laid_out is not None and self._laid_out[2])

    def on_click(self, event: events.Click) -> None:
        event.stop()
        x, y = event.x + self.scroll_offset.x, event.y + self.scroll_offset.y
        for box in self._layout.boxes.values():
            if box.x <= x < box.x + box.width and box.y <= y < box.y + box.height:
                self.cursor = box.key
                if event.chain == 2:
                    self.post_message(self.Chosen(self))

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        width, base = self.scrollable_size.width, self.get_component_rich_style("map--text")
        left, row = self.scroll_offset.x, y + self.scroll_offset.y
        if row >= len(self._layout.rows):
            return Strip.blank(width, base)
        segments: list[Segment] = []
        run, look = "", ""
        for text, style in self._cells(row):
            if style != look:
                if run:
                    segments.append(Segment(run, self._style(look, base)))
                run, look = "", style
            run += text
        segments.append(Segment(run, self._style(look, base)))
        return Strip(segments).crop_extend(left, left + width, base)

    def _style(self, name: str, base: Style) -> Style:
        """A component's, with the ground of the selection where it ends in `!`."""
        style = base + self.get_component_rich_style(name.rstrip("!"), partial=True)
        return style + self.get_component_rich_style("map--selected", partial=True) if name.endswith("!") else style

    def _cells(self, row: int) -> Iterator[tuple[str, str]]:
        labels: dict[int, str] = {}
        for label in self._labels.get(row, ()):
            text = self._texts.get(label, "")
            inner = range(len(text) - len(text.lstrip()), len(text.rstrip()))
            labels.update({label.x + place: text[place] for place in inner})
        box = self._layout.boxes.get(self.cursor)
        if box is not None and box.y <= row < box.y + box.height:
            lines = self._laid_out is not None and self._laid_out[2] and box.kind == "container"
            title = row == box.y or lines
            lit = range(box.x, box.x + box.width) if title else range(0)
        else:
            lit = range(0)
        for x, cell in enumerate(self._layout.rows[row]):
            character = labels.get(x, "")
            if character:
                yield character, "map--strong" if character not in "↓↑" else "map--muted"
            elif cell.lines:
                yield self._line(cell)
            else:
                yield cell.text, f"{cell.style}!" if x in lit and cell.text != " " else cell.style

    def _line(self, cell: Cell) -> tuple[str, str]:
        """A piece of a line or of a border. Where a line meets a border, the border goes on to the line's side."""
        if cell.border and not cell.style:
            if cell.border == self.cursor:
                return LIGHT[cell.lines], "map--cursor"
            near = cell.border in self._layout.near.get(self.cursor, ())
            return LIGHT[cell.lines], "map--near" if near else "map--border"
        level = self._levels.get(cell.style, 0)
        heavy = level and not cell.border
        return (HEAVY if heavy else LIGHT)[cell.lines], f"map--link-{level}"

    def legend(self) -> Text:
        """What the lines mean."""
        text = Text(no_wrap=True)
        for level, (line, words) in enumerate(LEGEND):
            style = self.get_component_rich_style(f"map--link-{level}", partial=True)
            text.append(f" {line * 2}", style).append(
                f" {words} ", self.get_component_rich_style("map--muted", partial=True)
            )
        return text


def level_of(flow: Flow | None) -> int:
    """How much a line is lit up, 0 to 4."""
    if flow is None:
        return 0
    return sum(flow.down + flow.up >= least for least in LEVELS)


def told(flow: Flow | None, width: int) -> str:
    """A flow in so many cells; blank while it is not known."""
    if flow is None:
        return " " * width
    if width >= LONG:
        return fit(f" ↓{per_second(flow.down):>11} ↑{per_second(flow.up):>11} ", width)
    return fit(f" ↓{in_brief(flow.down):>4} ↑{in_brief(flow.up):>4} ", width)


def beside(layout: Layout, box: Box, way: str) -> str | None:
    """The box that an arrow key goes to: along the lines from column to column, else the next one in the column."""
    boxes = layout.boxes
    if way in ("left", "right"):
        kinds = ["host", "network", "container"]
        nearer, farther = kinds[: kinds.index(box.kind)], kinds[kinds.index(box.kind) + 1 :]
        wanted = nearer if way == "left" else farther
        joined = [boxes[key] for key in layout.near.get(box.key, ()) if boxes[key].kind in wanted]
        if joined:
            return min(joined, key=lambda each: (abs(each.y - box.y), each.y)).key
        return HOST if nearer and way == "left" else None
    if box.kind == "host":
        below = min(
            (each for each in boxes.values() if each is not box), key=lambda each: (each.y, each.x), default=None
        )
        return below.key if below and way == "down" else None
    column = sorted((each for each in boxes.values() if each.kind == box.kind), key=lambda each: each.y)
    place = column.index(box) + (1 if way == "down" else -1)
    if place < 0:
        return HOST
    return column[place].key if place < len(column) else None
