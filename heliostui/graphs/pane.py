"""The region of live graphs: whose they are, the charts, and what happened at the cursor.

Imports link, the board, the dialogs and the screen that explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from engine.client.errors import ClientError
from engine.protocol.messages import ContainerSummary, ExplainMetric, Explanation, Status
from engine.protocol.metrics import METRICS
from heliostui.graphs.board import GraphBoard, style
from heliostui.graphs.charts import BY_ID, USUAL, fitting
from heliostui.graphs.choose import Choice, ChooseCharts, ChooseNumber, Number
from heliostui.graphs.feed import MACHINE, Subject
from heliostui.graphs.headings import clock
from heliostui.graphs.looking import QUICK
from heliostui.graphs.marks import LOOKS
from heliostui.link import Link
from heliostui.screens.explain import Explain

LIVE = (Status.RUNNING, Status.PAUSED)
FOOT = 12  # lines from which on there is one for what happened
COMMON = tuple(BY_ID[each] for each in USUAL)


class GraphsPane(Vertical):
    """Charts of one container, of several overlaid, or of the machine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "v", "choose", "Graphs…", id="graphs.choose", tooltip="Which graphs there are, and what lies over them"
        ),
        Binding("e,x", "explain", "Explain", id="graphs.explain", tooltip="Where the number comes from"),
        Binding("L", "large", "Large", id="graphs.large", show=False, tooltip="Few graphs with large digits, or all"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "graphs--muted",
        "graphs--live",
        "graphs--paused",
        "graphs--text",
        *(f"graph--line-{number}" for number in range(8)),
        *(look.style for look in LOOKS.values()),
    }

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._asked: tuple[Subject, ...] = (MACHINE,)
        self._machine = False
        self._charts = COMMON
        self._lines: dict[str, Text] = {}
        self.board = GraphBoard(link, fitting(COMMON, machine=True))

    def compose(self) -> ComposeResult:
        yield Static(id="graphs-whose", markup=False)
        yield self.board
        yield Static(id="graphs-foot", markup=False)

    def on_resize(self) -> None:
        self.query_one("#graphs-foot").display = self.size.height >= FOOT
        self._say()

    # --- what is looked at ---

    def show(self, subjects: Sequence[ContainerSummary]) -> None:
        """Look at these from now on; at the machine when there are none."""
        self._asked = tuple(Subject(each.id, each.name, each.status in LIVE) for each in subjects) or (MACHINE,)
        self._follow()

    def _follow(self) -> None:
        more = (MACHINE,) if self._machine and MACHINE not in self._asked else ()
        self.board.show_charts(fitting(self._charts, machine=self._asked == (MACHINE,)))
        self.board.follow((*self._asked, *more))
        self._say()

    def rest(self) -> None:
        """Follow nothing, until `show`."""
        self.board.rest()

    @property
    def large(self) -> bool:
        return self.board.large

    @large.setter
    def large(self, large: bool) -> None:
        """Few charts, in blocks, with large digits: to be read from far away."""
        self.board.set_large(large)

    # --- what is said ---

    @on(GraphBoard.Sampled)
    def _sampled(self, event: GraphBoard.Sampled) -> None:
        event.stop()
        self._say()

    @on(GraphBoard.Changed)
    def _changed(self, event: GraphBoard.Changed) -> None:
        event.stop()
        self._say()
        self.post_message(self.Described())

    @on(GraphBoard.Ended)
    def _ended(self, event: GraphBoard.Ended) -> None:
        event.stop()
        self._say()
        self.post_message(self.Described())

    def on_descendant_focus(self) -> None:
        self.post_message(self.Described())

    def on_descendant_blur(self) -> None:
        self.post_message(self.Described())

    def _say(self) -> None:
        for id, text in (("#graphs-whose", self._whose()), ("#graphs-foot", self._foot())):
            if self._lines.get(id) != text or self._lines[id].spans != text.spans:
                self._lines[id] = text
                self.query_one(id, Static).update(text, layout=False)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _whose(self) -> Text:
        """Whose graphs these are, each in its colour, and which time is shown."""
        text = Text(" ", no_wrap=True, overflow="ellipsis")
        board = self.board
        text.append_text(self._state()).append("   ")
        several = len(board.subjects) > 1
        for number, each in enumerate(board.subjects):
            text.append("━ " if several else "", self._style(style(number)))
            text.append(each.name, self._style(style(number) if several else "graphs--text"))
            text.append("   " if each.lives else " does not run   ", self._style("graphs--muted"))
        hidden = len(board.charts) - len(board.shown)
        if hidden > 0 and not board.enlarged:
            text.append(f"↓ {hidden} more", self._style("graphs--muted"))
        return text

    def _state(self) -> Text:
        board, start = self.board, self.board.shown[0][0].span if self.board.shown else (0.0, 0.0)
        if board.end is not None:
            return Text(f"◀ {clock(start[0])} to {clock(board.end)}", self._style("graphs--paused"))
        if board.paused:
            return Text(f"‖ paused at {clock(board.now)}", self._style("graphs--paused"))
        return Text("● live", self._style("graphs--live")) if board.followed else Text("○ not measured")

    def _foot(self) -> Text:
        """What happened at the cursor, or what happened last."""
        board = self.board
        text = Text(" ", no_wrap=True, overflow="ellipsis")
        if board.looked_at is not None:
            text.append(f"{clock(board.looked_at)}  ", self._style("graph--mark"))
            around = board.around()
            if not around:
                text.append("nothing happened here", self._style("graphs--muted"))
        else:
            around = board.latest()
            if not around:
                text.append("nothing happened in this time", self._style("graphs--muted"))
        for each, happening in around:
            look = LOOKS[happening.kind]
            text.append(f"{look.glyph} ", self._style(look.style))
            when = f"{clock(happening.time)} " if board.looked_at is None else ""
            name = f"{each.name}: " if len(board.subjects) > 1 else ""
            text.append(f"{when}{name}{happening.words}   ", self._style("graphs--text"))
        return text

    def description(self) -> str:
        """What the border says."""
        seconds = self.board.seconds
        span = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
        return f"{span}{', ten times a second' if seconds == QUICK else ''} · e explains, v which graphs"

    # --- keys ---

    @work(group="dialog", exclusive=True)
    async def action_choose(self) -> None:
        """Ask which charts are wanted, and whether the machine lies over them."""
        chosen = await self.app.push_screen_wait(ChooseCharts(Choice(self._charts, self._machine)))
        if chosen is not None:
            self._charts, self._machine = chosen.charts, chosen.machine
            self._follow()

    def action_large(self) -> None:
        self.large = not self.large

    @work(group="dialog", exclusive=True)
    async def action_explain(self) -> None:
        """Show where a number of the current chart comes from; ask which, where there are several."""
        chart = self.board.charts[self.board.current]
        numbers = [
            Number(each.id, each.name, metric, METRICS[metric].what)
            for each in self.board.subjects
            if each.lives
            for metric in chart.parts
        ]
        number = numbers[0] if len(numbers) == 1 else None
        if len(numbers) > 1:
            number = await self.app.push_screen_wait(ChooseNumber(numbers))
        if number is None:
            return
        try:
            request = ExplainMetric(container=number.container, metric=number.metric)
            told = await self._link.request(request, Explanation)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(Explain(number.name, told))
