"""How a container was launched: every system call of the receipt as a bar in time, with its reason and its result.

Takes a `Receipt` of plain values. Imports text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from widgets.moves import EDGES, UP_AND_DOWN
from widgets.text import fit, nanoseconds

_BLOCKS = " ▏▎▍▌▋▊▉█"
_OUTCOMES = {
    "done": (" ", ""),
    "allowed": ("~", "chart--allowed"),
    "skipped": ("·", "chart--skipped"),
    "failed": ("✗", "chart--failed"),
    "not reached": ("·", "chart--skipped"),
}
GROUPS = 8
"""How many colours there are for groups."""


@dataclass(frozen=True)
class Call:
    """One call. Times are nanoseconds since the launch began; `outcome` is one of done, allowed (it failed, and that is
    fine), skipped, failed, not reached; `result` says in a word what came of it."""

    index: int
    name: str
    arguments: str
    why: str
    group: str
    start: int
    end: int
    result: str
    outcome: str = "done"

    @property
    def duration(self) -> int:
        return max(0, self.end - self.start)

    @property
    def made(self) -> bool:
        return self.outcome not in ("skipped", "not reached")


@dataclass(frozen=True)
class Receipt:
    """One launch, from its first call to execve."""

    calls: Sequence[Call]
    total: int
    executor: str
    started: datetime
    groups: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", tuple(dict.fromkeys(call.group for call in self.calls)))

    def color(self, group: str) -> str:
        """The component class of a group's colour: groups take colours in the order they come."""
        return f"chart--group-{self.groups.index(group) % GROUPS}"

    def durations(self) -> dict[str, int]:
        """Nanoseconds spent in each group, the longest first."""
        total = {
            group: sum(call.duration for call in self.calls if call.group == group and call.made)
            for group in self.groups
        }
        return dict(sorted(total.items(), key=lambda item: -item[1]))


class Calls(ScrollView, can_focus=True):
    """The rows of the chart, one per call, with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--text",
        "chart--muted",
        "chart--cursor",
        "chart--cursor-blurred",
        "chart--track",
        "chart--long",
        "chart--longest",
        "chart--allowed",
        "chart--skipped",
        "chart--failed",
        *(f"chart--group-{n}" for n in range(GROUPS)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        Binding("pageup", "page(-1)", "Page up", show=False, id="calls.page-up", tooltip="A screen up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="calls.page-down", tooltip="A screen down"),
        *EDGES,
        Binding(
            "o",
            "order",
            "Longest first",
            tooltip="Order the calls by how long they took, or as they were made",
            id="calls.order",
        ),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The place of the row that is looked at."""
    by_duration: reactive[bool] = reactive(False, repaint=False)

    @dataclass
    class Highlighted(Message):
        """The cursor moved to a call, or there is none."""

        call: Call | None

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._receipt: Receipt | None = None
        self._calls: list[Call] = []
        self._ranks: dict[int, int] = {}
        self._strips: dict[tuple[int, int], Strip] = {}

    def show(self, receipt: Receipt | None) -> None:
        self._receipt = receipt
        ranked = sorted((c for c in (receipt.calls if receipt else ()) if c.made), key=lambda c: -c.duration)
        self._ranks = {call.index: rank for rank, call in enumerate(ranked)}
        failed = next((place for place, c in enumerate(receipt.calls if receipt else ()) if c.outcome == "failed"), 0)
        self.set_reactive(Calls.cursor, failed)
        self._arrange()

    def _arrange(self) -> None:
        calls: Iterable[Call] = self._receipt.calls if self._receipt else ()
        if self.by_duration:
            calls = sorted(calls, key=lambda call: self._ranks.get(call.index, len(self._ranks) + call.index))
        self._calls = list(calls)
        self._strips.clear()
        self.virtual_size = Size(self.size.width, len(self._calls))
        self.refresh()
        self._reveal()
        self.post_message(self.Highlighted(self.call))

    @property
    def call(self) -> Call | None:
        """The call under the cursor."""
        return self._calls[self.cursor] if self._calls else None

    # --- reactions ---

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_line(old)
        self.refresh_line(new)
        self._reveal()
        self.post_message(self.Highlighted(self.call))

    def watch_by_duration(self) -> None:
        self.set_reactive(Calls.cursor, 0)
        self._arrange()

    def on_focus(self) -> None:
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        self.refresh_line(self.cursor)

    def on_resize(self) -> None:
        self._strips.clear()
        self.virtual_size = Size(self.size.width, len(self._calls))
        self._reveal()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        wanted = min(max(top, self.cursor - height + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    def action_move(self, by: int) -> None:
        if self._calls:
            self.cursor = min(max(self.cursor + by, 0), len(self._calls) - 1)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height - 1))

    def action_edge(self, last: bool) -> None:
        self.action_move(len(self._calls) if last else -len(self._calls))

    def action_order(self) -> None:
        self.by_duration = not self.by_duration

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y
        if place < len(self._calls):
            self.cursor = place

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        if place >= len(self._calls):
            return Strip.blank(self.size.width, self.get_component_rich_style("chart--text"))
        lit = (place == self.cursor) + (place == self.cursor and self.has_focus)
        strip = self._strips.get((place, lit))
        if strip is None:
            strip = self._strips[place, lit] = self._row(self._calls[place], lit)
        return strip

    def columns(self) -> tuple[int, int, int, int]:
        """The widths of name, reason and bar, and the column where bars begin."""
        room = self.size.width - 25  # mark and index 5, duration 9, result 9, two gaps
        name = 13 if room < 70 else 17
        why = max(0, min((room - name) * 3 // 5, 46))
        bar = max(8, room - name - why)
        return name, why, bar, 7 + name + why

    def _row(self, call: Call, lit: int) -> Strip:
        base = self.get_component_rich_style(("chart--text", "chart--cursor-blurred", "chart--cursor")[lit])
        background = Style(bgcolor=base.bgcolor)
        mark, named = _OUTCOMES.get(call.outcome, ("?", ""))

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) + background if name else base

        rank = self._ranks.get(call.index, 99)
        heat = named or ("chart--longest" if rank == 0 else "chart--long" if rank < 4 else "")
        name, why, bar, _ = self.columns()
        took = nanoseconds(call.duration) if call.made else "–"
        segments = [
            Segment(f"{mark}", style(named)),
            Segment(f"{call.index:>3} ", style(named or "chart--muted")),
            Segment(fit(call.name, name) + " ", style(named)),
            Segment(fit(call.why, why) + " ", style(named or "chart--muted")),
            *self._bar(call, bar, style),
            Segment(fit(took, 9, right=True), style(heat)),
            Segment(fit(call.result, 8, right=True) + " ", style(named or "chart--muted")),
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _bar(self, call: Call, width: int, style: Callable[[str], Style]) -> list[Segment]:
        """The call's span on the line of time, to an eighth of a cell and never less than that."""
        assert self._receipt is not None
        if not call.made:
            return [Segment(" " * width, style(""))]
        left, right = span(call.start, call.end, max(self._receipt.total, call.end), width)
        color: Style = style("chart--failed" if call.outcome == "failed" else self._receipt.color(call.group))
        first, last = left // 8, (right - 1) // 8
        track: Style = style("chart--track")
        if first == last:  # within one cell: as much of it as the call takes, from its left side
            cells = [Segment(_BLOCKS[right - left], color)]
        else:
            head, tail = left % 8, (right - 1) % 8 + 1
            cells = [Segment(_BLOCKS[head], color + Style(reverse=True)) if head else Segment("█", color)]
            cells += [Segment("█" * (last - first - 1), color), Segment(_BLOCKS[tail], color)]
        return [Segment("·" * first, track), *cells, Segment(" " * (width - last - 1), track)]


def span(start: int, end: int, total: int, width: int) -> tuple[int, int]:
    """Where a bar begins and ends on a line of `width` cells that stands for `total`, in eighths of a cell."""
    eighths, total = width * 8, max(total, 1)
    left = min(start * eighths // total, eighths - 1)
    return left, max(left + 1, min(-(-end * eighths // total), eighths))


class LaunchChart(Vertical):
    """The launch as a whole: what it took, the calls, and the one under the cursor in full."""

    HEADS: ClassVar[tuple[str, str]] = ("CALL", "WHY")
    ENDED: ClassVar[str] = "this ended the launch"

    def compose(self) -> ComposeResult:
        yield Static(id="launch-heading")
        yield Calls(id="launch-calls")
        yield Static(id="launch-call")

    def on_mount(self) -> None:
        self._receipt: Receipt | None = None

    def show(self, receipt: Receipt | None, reason: str = "") -> None:
        """Show a launch, or the reason why there is none to show."""
        self._receipt = receipt
        self.query_one(Calls).show(receipt)
        self.set_class(receipt is None, "-none")
        if receipt is None:
            self.query_one("#launch-heading", Static).update(Text(reason))
        else:
            self._draw_heading()

    def on_resize(self) -> None:
        self._draw_heading()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self._draw_heading()

    def _draw_heading(self) -> None:
        if self._receipt is not None and self.is_mounted:
            heading = Text("\n").join([self._summary(), self._legend(), self._axis()])
            self.query_one("#launch-heading", Static).update(heading)

    def _style(self, name: str, *, partial: bool = True) -> Style:
        return self.query_one(Calls).get_component_rich_style(name, partial=partial)

    def _summary(self) -> Text:
        receipt = self._receipt
        assert receipt is not None
        made = sum(call.made for call in receipt.calls)
        muted = self._style("chart--muted")
        text = Text.assemble(
            (f"{made} calls in {nanoseconds(receipt.total)}", "bold"),
            (f" · {receipt.executor} executor", muted),
            (f" · {receipt.started.astimezone():%H:%M:%S}" if self.size.width > 100 else "", muted),
            no_wrap=True,
            overflow="ellipsis",
        )
        for outcome, tail in (("failed", "failed"), ("allowed", "failed, as allowed"), ("skipped", "skipped")):
            count = sum(call.outcome == outcome for call in receipt.calls)
            if count:
                text.append(f" · {count} {tail}", self._style(_OUTCOMES[outcome][1]))
        return text

    def _legend(self) -> Text:
        """The groups that took longest, as many as there is room for."""
        receipt = self._receipt
        assert receipt is not None
        muted, text = self._style("chart--muted"), Text()
        for group, duration in receipt.durations().items():
            entry = Text.assemble(
                ("■ ", self._style(receipt.color(group))), group, (f" {nanoseconds(duration)}  ", muted)
            )
            if text.cell_len + entry.cell_len - 2 > self.size.width - 2:
                break
            text.append_text(entry)
        return text

    def _axis(self) -> Text:
        """The line of time above the bars."""
        receipt = self._receipt
        assert receipt is not None
        name, why, bar, _ = self.query_one(Calls).columns()
        heading = f"   # {fit(self.HEADS[0], name)} {fit(self.HEADS[1], why)} "
        end = nanoseconds(receipt.total)
        axis = "0" + end.rjust(bar - 1) if bar > len(end) + 2 else "0".ljust(bar)
        return Text(f"{heading}{axis}{'TOOK':>9}{'RESULT':>8}", self._style("chart--muted"))

    def on_calls_highlighted(self, event: Calls.Highlighted) -> None:
        event.stop()
        call = event.call
        if call is None:
            self.query_one("#launch-call", Static).update("")
            return
        self.query_one("#launch-call", Static).update(self._told(call))

    def _told(self, call: Call) -> Text:
        """All that is known of a call."""
        muted = self._style("chart--muted")
        outcome = {"done": "", "allowed": " (allowed to fail)", "failed": f" ({self.ENDED})"}
        text = Text.assemble(
            (call.name, "bold"),
            f"({call.arguments})",
            (f" = {call.result}{outcome.get(call.outcome, '')}" if call.made else f"  {call.outcome}", muted),
            "\n",
            (call.why, self._style(self._receipt.color(call.group)) if self._receipt else ""),
            (f" · {call.group}", muted),
        )
        if call.made:
            text.append(f" · at {nanoseconds(call.start)} for {nanoseconds(call.duration)}", muted)
        return text
