"""The limits of a container: value, how much of it is used, and the file it is; changed by arrow keys or by typing.

Takes `LimitRow`s of plain values and knows no units: it posts what was asked for, and shows what came of it when it is
given rows anew. Imports text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.text import fit

BAR = "■"
TYPED = "0123456789."
"""What begins a new value when it is typed."""


@dataclass(frozen=True)
class LimitRow:
    """One limit. `value`: as people write it; `entry`: as they would type it; `written`: file and text of it, `source`
    with the whole path; `share`: how much of it is used, 0 to 1 or more. With a `reason` it can't be set here.
    `pending`: asked for, not yet in force; `what`: a sentence about it; `steps`: it can be
    made larger and smaller, not only be typed."""

    key: str
    label: str
    value: str
    entry: str = ""
    written: str = ""
    source: str = ""
    usage: str = ""
    share: float | None = None
    reason: str = ""
    pending: bool = False
    what: str = ""
    steps: bool = True


class _Widths(NamedTuple):
    label: int
    value: int
    bar: int
    usage: int
    written: int


class LimitsTable(ScrollView, can_focus=True):
    """The limits, one of them selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        "table--muted",
        "limit--value",
        "limit--none",
        "limit--pending",
        "limit--edited",
        "limit--low",
        "limit--middle",
        "limit--high",
        "limit--track",
        "limit--written",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="limits.up", show=False, tooltip="The limit above; of a knob a step more"),
        Binding("down,j", "move(1)", "Down", id="limits.down", show=False, tooltip="The limit below; a step less"),
        Binding(
            "left,minus",
            "step(-1)",
            "Less",
            id="limits.less",
            key_display="←",
            tooltip="A step less of the limit under the cursor",
        ),
        Binding(
            "right,plus,equals_sign", "step(1)", "More", id="limits.more", key_display="→", tooltip="A step more of it"
        ),
        Binding(
            "enter",
            "turn",
            "Turn it",
            id="limits.turn",
            tooltip="Turn it with up and down; a digit begins a value that is typed",
        ),
        Binding("escape", "let_go", "Done", id="limits.done", tooltip="Let go of the knob"),
        Binding(
            "delete",
            "lift",
            "No limit",
            id="limits.lift",
            key_display="del",
            tooltip="Take the limit away",
        ),
        Binding(
            "backspace", "edit", "Edit", id="limits.edit", show=False, tooltip="Edit the limit as it is written now"
        ),
        Binding("home,g", "edge(False)", "First", id="limits.first", show=False, tooltip="The first limit"),
        Binding("end,G", "edge(True)", "Last", id="limits.last", show=False, tooltip="The last limit"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The place of the selected limit."""
    edited: reactive[str | None] = reactive(None, repaint=False, init=False)
    """What is being typed; None: nothing is."""
    turned: reactive[bool] = reactive(False, repaint=False, init=False)
    """Whether up and down change the selected limit, as a knob."""
    changeable: reactive[bool] = reactive(True, repaint=False, init=False)
    """Whether limits may be changed here at all."""

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another limit."""

        row: LimitRow | None

    @dataclass
    class Turned(Message):
        """The selected limit is a knob now, or no longer."""

        on: bool

    @dataclass
    class Stepped(Message):
        """A limit is to be larger (1) or smaller (-1) by a step."""

        key: str
        by: int

    @dataclass
    class Typed(Message):
        """A limit is to be what was typed."""

        key: str
        text: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[LimitRow] = []

    # --- the limits ---

    @property
    def selected(self) -> LimitRow | None:
        return self._rows[self.cursor] if self._rows else None

    def show(self, rows: Sequence[LimitRow]) -> None:
        """Show these. The cursor stays with its limit."""
        before, key = self._rows, self.selected.key if self.selected else ""
        self._rows = list(rows)
        if [row.key for row in before] != [row.key for row in rows]:
            self.edited = None
            place = next((place for place, row in enumerate(rows) if row.key == key), 0)
            self.set_reactive(LimitsTable.cursor, place)
            self.virtual_size = Size(self.scrollable_size.width, len(rows) + 1)
            self.refresh()
            self.post_message(self.Highlighted(self.selected))
            return
        for place, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self._refresh(place)
        if before and before[self.cursor] != self._rows[self.cursor]:
            self.post_message(self.Highlighted(self.selected))

    def _refresh(self, place: int) -> None:
        y = place - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.scrollable_size.width, 1))

    # --- reactions ---

    def watch_cursor(self, old: int, new: int) -> None:
        self.edited, self.turned = None, False
        self._refresh(old)
        self._refresh(new)
        self._reveal()
        self.post_message(self.Highlighted(self.selected))

    def watch_turned(self, turned: bool) -> None:
        self._refresh(self.cursor)
        self.refresh_bindings()
        self.post_message(self.Turned(turned))

    def watch_edited(self) -> None:
        self._refresh(self.cursor)
        self.refresh_bindings()

    def on_focus(self) -> None:
        self._refresh(self.cursor)

    def on_blur(self) -> None:
        self.edited, self.turned = None, False
        self._refresh(self.cursor)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.scrollable_size.width, len(self._rows) + 1)
        self._reveal()

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height - 1)
        wanted = min(max(top, self.cursor - height + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    # --- keys and mouse ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "let_go":
            return self.turned
        if action in ("step", "turn", "edit", "lift"):
            return self.changeable and self.selected is not None and not self.selected.reason
        return True

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While one types every key is the line's."""
        return self.edited is not None

    def on_key(self, event: events.Key) -> None:
        """Typing: a digit begins it, Enter ends it, Escape leaves things as they were."""
        row = self.selected
        if row is None or row.reason or not self.changeable:
            return
        if self.edited is None:
            if event.character is None or event.character not in TYPED:
                return
            self.edited = event.character
        elif event.key == "enter":
            text, self.edited = self.edited, None
            if text.strip():
                self.post_message(self.Typed(row.key, text))
        elif event.key == "escape":
            self.edited = None
        elif event.key == "backspace":
            self.edited = self.edited[:-1]
        elif event.key in ("up", "down", "tab", "shift+tab"):
            self.edited = None
            return
        elif event.character is not None and event.is_printable:
            self.edited += event.character
        event.stop()
        event.prevent_default()

    def action_move(self, by: int) -> None:
        if self.turned:
            self.action_step(-by)
        elif self._rows:
            self.cursor = min(max(self.cursor + by, 0), len(self._rows) - 1)

    def action_edge(self, last: bool) -> None:
        if self._rows:
            self.cursor = len(self._rows) - 1 if last else 0

    def action_step(self, by: int) -> None:
        if self.selected is not None:
            self.post_message(self.Stepped(self.selected.key, by))

    def action_turn(self) -> None:
        """Make a knob of the limit, or let go of it; what has no steps is typed."""
        if self.selected is not None and not self.selected.steps:
            self.action_edit()
        else:
            self.turned = not self.turned

    def action_let_go(self) -> None:
        self.turned = False

    def action_edit(self) -> None:
        if self.selected is not None:
            self.edited = self.selected.entry

    def action_lift(self) -> None:
        if self.selected is not None:
            self.post_message(self.Typed(self.selected.key, "max"))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = self.scroll_offset.y + event.y - 1
        if event.y and place < len(self._rows):
            self.cursor = place
            if event.chain == 2 and self.check_action("turn", ()):
                self.action_turn()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        """The wheel turns a knob."""
        if self.turned:
            event.stop()
            event.prevent_default()
            self.action_step(by)

    # --- drawing ---

    def _widths(self) -> _Widths:
        rest = self.scrollable_size.width - 2 - 18 - 12 - 10 - 5
        written = min(34, max(16, rest - 10))
        return _Widths(18, 12, min(max(6, rest - written), 60), 10, max(0, written))

    def render_line(self, y: int) -> Strip:
        base = self._style("table--row")
        if y == 0:
            return self._heading()
        place = self.scroll_offset.y + y - 1
        if place >= len(self._rows):
            return Strip.blank(self.scrollable_size.width, base)
        return self._row(place, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _heading(self) -> Strip:
        widths = self._widths()
        value = "IN FORCE" if any(row.written for row in self._rows) else "ASKED FOR"
        words = (
            f" {fit('LIMIT', widths.label)} {fit(value, widths.value, right=True)}  "
            f"{fit('USED', widths.bar + widths.usage + 1)}  {fit('IN THE KERNEL', widths.written)}"
        )
        return Strip([Segment(fit(words, self.scrollable_size.width), self._style("table--heading"))])

    def _row(self, place: int, base: Style) -> Strip:
        row, widths = self._rows[place], self._widths()
        ground = Style.null()
        if place == self.cursor:
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            ground = Style(bgcolor=self._style(name).bgcolor)

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) + ground

        if row.reason:
            words = f" {fit(row.label, widths.label)} {row.reason}"
            return Strip([Segment(fit(words, self.scrollable_size.width), style("table--muted"))])
        segments = [
            Segment(f" {fit(row.label, widths.label)} ", base + ground),
            self._value(place, widths.value, style),
            Segment("  ", base + ground),
            *self._bar(row, widths, style),
            Segment(fit(row.usage, widths.usage, right=True), style("limit--value" if row.usage else "table--muted")),
            Segment("  ", base + ground),
            Segment(fit(row.written, widths.written), style("limit--written")),
        ]
        return Strip(segments).adjust_cell_length(self.scrollable_size.width, base + ground)

    def _value(self, place: int, width: int, style: Callable[[str], Style]) -> Segment:
        row = self._rows[place]
        if place == self.cursor and self.edited is not None:
            return Segment(fit(f"{self.edited}▏"[-width:], width), self._style("limit--edited"))
        if place == self.cursor and self.turned:
            return Segment(f"▾{fit(row.value, width - 2, right=True)}▴", self._style("limit--edited"))
        name = "limit--pending" if row.pending else "limit--none" if row.value in ("max", "–") else "limit--value"
        return Segment(fit(f"{row.value}…" if row.pending else row.value, width, right=True), style(name))

    def _bar(self, row: LimitRow, widths: _Widths, style: Callable[[str], Style]) -> list[Segment]:
        """How much of it is used: a bar on its track, and a blank."""
        if row.share is None:
            return [Segment(" " * (widths.bar + 1), style("table--muted"))]
        used = min(round(row.share * widths.bar), widths.bar) if row.share > 0 else 0
        used = max(used, int(row.share > 0))
        name = "limit--low" if row.share < 0.75 else "limit--middle" if row.share < 0.95 else "limit--high"
        return [
            Segment(BAR * used, style(name)),
            Segment(BAR * (widths.bar - used), style("limit--track")),
            Segment(" ", style("table--muted")),
        ]
