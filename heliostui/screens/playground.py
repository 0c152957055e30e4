"""The playground: heaps driven by hand, step by step, forward and back, alone or two policies beside each other.

Owns what is shown of the engine's playgrounds, and the game of predicting. Imports link, heap.side, heap.operations,
heap.predict, heap.words and the dialogs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Static

from engine.client.errors import ClientError
from engine.protocol.heap import HeapBlock, HeapOptions, HeapTotals, Playground, Policy
from engine.protocol.messages import (
    ClosePlayground,
    Done,
    GetPlayground,
    ListPlay,
    ListPlaygrounds,
    OpenPlayground,
    Peeked,
    PeekPlayground,
    Play,
    Playgrounds,
    PlaygroundShown,
    Request,
    SeekPlayground,
)
from engine.protocol.messages import Operations as OperationsReply
from heliostui.heap.face import HeapFace
from heliostui.heap.input import OperationInput
from heliostui.heap.operations import Operations
from heliostui.heap.predict import Score, judged, possible_guess, question
from heliostui.heap.side import Side
from heliostui.heap.traces import Trace
from heliostui.heap.words import POLICIES, allocates, compared, options_words
from heliostui.link import Link
from heliostui.messages import EngineUp
from heliostui.screens.dialog import Prompt
from heliostui.screens.explain import ExplainThing
from heliostui.screens.playground_forms import Beside, ChoosePlayground, NewPlayground, TakeTrace
from widgets.heap_map import HeapMapView
from widgets.key_line import KeyLine
from widgets.quick_screen import QuickScreen

BEGINNERS = HeapOptions(cache=False)
"""With caches, most of what is freed would just be kept by its thread."""
SPEEDS = (1, 2, 5, 10, 25, 100)
"""Operations a second."""
NAME = 10  # cells of a policy's name
MARKED = 64
"""Bytes of a block that are marked: its size is not known before it is taken."""
PIECE = 5_000
"""Operations that are sent at once: a request has at most a mebibyte."""


class PlaygroundScreen(QuickScreen[list[str]]):
    """`wanted`: the playgrounds that were shown last. Answers with those that are shown when it is left."""

    AUTO_FOCUS = "Operations"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"play--muted", "play--better"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,A",
            "close",
            "Back",
            key_display="esc",
            tooltip="Back; playgrounds stay until they are closed",
            id="playground.close",
        ),
        Binding(
            "space,right", "step(1)", "Step", key_display="space", tooltip="Do the next operation", id="playground.step"
        ),
        Binding(
            "backspace,left",
            "step(-1)",
            "Back a step",
            key_display="⌫",
            tooltip="Take the last operation back",
            id="playground.back",
        ),
        Binding("r", "run", "Run", tooltip="Do one operation after the other, or pause", id="playground.run"),
        Binding(
            "less_than_sign",
            "speed(-1)",
            "Slower",
            show=False,
            tooltip="Fewer operations a second",
            id="playground.slower",
        ),
        Binding(
            "greater_than_sign",
            "speed(1)",
            "Faster",
            show=False,
            tooltip="More operations a second",
            id="playground.faster",
        ),
        Binding("i", "type", "Type", tooltip="Type an operation: alloc 200, free #3", id="playground.type"),
        Binding(
            "t",
            "take",
            "Trace",
            tooltip="Take operations that show something, or those of a file",
            id="playground.trace",
        ),
        Binding(
            "p",
            "predict",
            "Predict",
            tooltip="Be asked which block will be taken, before each allocation",
            id="playground.predict",
        ),
        Binding("m", "guess_none", "None", tooltip="None of them: it needs new memory", id="playground.none"),
        Binding(
            "b",
            "beside",
            "Beside",
            tooltip="The same operations with another policy beside it; or no more",
            id="playground.beside",
        ),
        Binding("n", "new", "New", tooltip="Open another playground", id="playground.new"),
        Binding(
            "o",
            "others",
            "Open ones",
            show=False,
            tooltip="Choose one of the playgrounds that are open",
            id="playground.others",
        ),
        Binding("g", "go", "Go to", show=False, tooltip="Go to a step by its number", id="playground.go"),
        Binding("D", "end", "Close it", show=False, tooltip="Close the playground for good", id="playground.end"),
        Binding(
            "x",
            "explain",
            "Explain",
            show=False,
            tooltip="Where the figures come from, with their numbers",
            id="playground.explain",
        ),
        Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="All keys", id="playground.help"),
    ]

    def __init__(self, link: Link, wanted: Sequence[str] | None = None) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
        self._link, self._wanted = link, wanted or []
        self.sides = (Side(link, id="play-one"), Side(link, id="play-other"))
        self.list = Operations()
        self.line = OperationInput(id="play-input")
        self._status_line = Static(id="play-status", markup=False)
        self._note_line = Static(id="play-note", markup=False)
        self._figures = Static(id="play-figures")
        self._said = Static(id="play-say", markup=False)
        self.score = Score()
        self.predicting = False
        self.asked: str | None = None
        """The operation of which it is asked which block it will take."""
        self._answered = 0  # the step whose question was answered
        self._speed = 1
        self._notes: Mapping[int, str] = {}  # what the trace says of its operations
        self._goes_on = False
        self._goal: int | None = None  # the step to go to
        self._turn = asyncio.Lock()

    def compose(self) -> ComposeResult:
        with Horizontal(id="play-top"):
            yield Static(" playground ", id="play-title")
            yield self._status_line
        yield self._note_line
        with Container(id="play-body"):
            yield self.list
            with Container(id="play-sides"):
                yield from self.sides
        yield self._figures
        yield self._said
        yield self.line
        yield KeyLine()

    def on_mount(self) -> None:
        self._say("")
        self._note("")
        for side in self.sides:
            side.show(None)
        self.run_worker(self._begin(), group="playing")

    @on(EngineUp)
    def _engine_is_back(self) -> None:
        """Playgrounds end with the engine that cared for them: those that were shown are gone."""
        for side in self.sides:
            side.show(None)
        self.asked, self._answered, self._goes_on, self._notes = None, 0, False, {}
        self._say("The engine was started anew, so this is a new playground.")
        self.run_worker(self._begin(), group="playing")

    # --- which playgrounds ---

    @property
    def playground(self) -> Playground | None:
        """The one that is driven; the other one follows."""
        return self.sides[0].playground

    @property
    def shown(self) -> list[Playground]:
        return [side.playground for side in self.sides if side.playground is not None]

    async def _begin(self) -> None:
        """Show those that were shown last, the newest that is open, or a new one."""
        try:
            there = (await self._link.request(ListPlaygrounds(), Playgrounds)).playgrounds
            again = [each for id in self._wanted for each in there if each.id == id]
            if not there:
                reply = await self._link.request(OpenPlayground(options=BEGINNERS), PlaygroundShown)
                there = [reply.playground]
            self._show(again or there[-1:], anew=True)
        except ClientError as error:
            self._note(str(error))

    def _show(self, playgrounds: Sequence[Playground], *, anew: bool = False) -> None:
        """Show these: one, or two."""
        for side, playground in zip(self.sides, [*playgrounds, None, None], strict=False):
            side.show(playground)
        first = playgrounds[0]
        self.list.show(first.step, first.steps, anew=anew)
        self.set_class(len(playgrounds) > 1, "-two")
        self._status()
        self.refresh_bindings()

    @on(HeapFace.Lost)
    def _lost(self, event: HeapFace.Lost) -> None:
        event.stop()
        self._note(event.reason)

    @on(HeapFace.Seen)
    def _seen(self, event: HeapFace.Seen) -> None:
        event.stop()
        self._note("")
        one, other = (side.face.map for side in self.sides)
        self._figures.display = len(self.shown) > 1 and one is not None and other is not None
        if one is not None and other is not None and len(self.shown) > 1:
            self._figures.update(self._compared(one.totals, other.totals))

    def _compared(self, one: HeapTotals, other: HeapTotals) -> Text:
        """Three lines: names of figures, and below them those of both; the better one stands out."""
        muted, better = (self.get_component_rich_style(f"play--{name}", partial=True) for name in ("muted", "better"))
        lines = [Text(f" {POLICIES[each.options.policy] if each else '':<{NAME}}") for each in (None, *self.shown)]
        for name, first, second, which in compared(one, other):
            width = max(len(name), 9) + 1
            lines[0].append(f"{name:>{width}}", muted)
            lines[1].append(f"{first:>{width}}", better if which < 0 else "")
            lines[2].append(f"{second:>{width}}", better if which > 0 else "")
        return Text("\n", no_wrap=True).join(lines)

    # --- words ---

    def _note(self, words: str) -> None:
        self._write(self._note_line, words)

    def _say(self, words: str, kind: str = "") -> None:
        """`kind`: "right", "wrong" or "asked". Where something will be said again it keeps its lines: the map stands
        still."""
        self._write(self._said, words)
        self._said.display = bool(words or self.predicting or self._notes)
        for each in ("right", "wrong", "asked"):
            self._said.set_class(each == kind, f"-{each}")

    def _write(self, static: Static, words: str) -> None:
        if words != str(static.content):
            static.update(words)
        static.display = bool(words)

    def _status(self) -> None:
        playground = self.playground
        if playground is None:
            return
        parts = [f"step {playground.step:,} of {playground.steps:,}"]
        if self._goes_on:
            parts.append(f"running, {SPEEDS[self._speed]} a second")
        if self.predicting:
            parts.append(f"predicting: {self.score}" if self.score.asked else "predicting")
        if len(self.shown) == 1:
            parts.insert(0, options_words(playground.options))
        self._status_line.update(" · ".join(parts))

    @on(Operations.Lacking)
    async def _lacking(self, event: Operations.Lacking) -> None:
        event.stop()
        if self.playground is not None:
            request = ListPlay(playground=self.playground.id, first=event.first, limit=event.limit)
            self._fetch(request)

    @work(group="listing", exclusive=True)
    async def _fetch(self, request: ListPlay) -> None:
        try:
            self.list.fill((await self._link.request(request, OperationsReply)).operations)
        except ClientError as error:
            self._note(str(error))

    # --- going through the steps ---

    async def _all(self, ask: Callable[[str], Request], *, anew: bool = False) -> None:
        """Ask the same of all that are shown, and show what has become of them. Raises ClientError."""
        async with self._turn:
            replies = [await self._link.request(ask(each.id), PlaygroundShown) for each in self.shown]
            self._show([reply.playground for reply in replies], anew=anew)

    def _go(self, step: int) -> None:
        """Go to a step; where one goes somewhere already, that is the goal now."""
        if self.playground is None:
            return
        self._close_question()
        under_way, self._goal = self._goal is not None, min(max(step, 0), self.playground.steps)
        if not under_way:
            self.run_worker(self._seek(), group="playing")

    async def _seek(self) -> None:
        """Until the goal is reached, which may be moved meanwhile."""
        try:
            goal = None
            while self._goal != goal:
                goal = self._goal or 0
                await self._all(partial(SeekPlayground, step=goal))
                self._say(self._notes.get(goal, ""))
        except ClientError as error:
            self._note(str(error))
        finally:
            self._goal = None

    def action_step(self, by: int) -> None:
        """A step forward or back; forward, one may first be asked which block it will take, and then shown it."""
        playground = self.playground
        if playground is None:
            return
        if by > 0 and self.asked is not None:
            self._answer(None, counts=False)
        elif by > 0 and self._is_to_ask():
            self._ask()
        else:
            self._go((playground.step if self._goal is None else self._goal) + by)

    @on(Operations.Chosen)
    def _chosen_step(self, event: Operations.Chosen) -> None:
        event.stop()
        self._go(event.step)

    def action_run(self) -> None:
        self._goes_on = not self._goes_on
        if self._goes_on:
            self.run_worker(self._run_on(), group="running", exclusive=True)
        self._status()

    async def _run_on(self) -> None:
        """One step after the other, until the end, a question, or another key."""
        while self._goes_on and (playground := self.playground) is not None:
            if playground.next is None or playground.ended or self.asked is not None:
                break
            if self._goal is None:  # the engine has made the one before; only then it is known what comes
                self.action_step(1)
            await asyncio.sleep(1 / SPEEDS[self._speed])
        self._goes_on = False
        self._status()

    def action_speed(self, by: int) -> None:
        self._speed = min(max(self._speed + by, 0), len(SPEEDS) - 1)
        self._status()

    @work(group="dialogs", exclusive=True)
    async def action_go(self) -> None:
        playground = self.playground
        if playground is None:
            return
        words = await self.app.push_screen_wait(Prompt("Go to a step", f"0 to {playground.steps:,}"))
        if words is not None and words.isdecimal():
            self._go(int(words))
        elif words is not None:
            self._say(f"'{words}' is no step: write a number from 0 to {playground.steps:,}.", "wrong")

    # --- operations that are typed or taken ---

    def action_type(self) -> None:
        self.line.focus()

    @on(OperationInput.Ended)
    def _typed_enough(self) -> None:
        self.list.focus()

    @on(OperationInput.Submitted)
    @work(group="playing")
    async def _typed(self, event: OperationInput.Submitted) -> None:
        """Do what was typed; what is wrong with it is said, and it can be mended."""
        playground = self.playground
        lines = [line.strip() for line in event.value.split(";") if line.strip()]
        if playground is None or not lines:
            return
        self._close_question()
        to_come, self._notes = playground.steps - playground.step, {}
        try:
            await self._all(partial(Play, operations=lines), anew=True)
        except ClientError as error:
            self._say(str(error), "wrong")
            return
        event.line.done()
        plural = "s that were" if to_come > 1 else " that was"
        self._say(f"It replaces {to_come:,} operation{plural} to come." if to_come else "")

    @work(group="dialogs", exclusive=True)
    async def action_take(self) -> None:
        playground = self.playground
        if playground is not None:
            await self.app.push_screen_wait(TakeTrace(self._take, playground.steps))

    async def _take(self, trace: Trace) -> None:
        """Put operations in place of all there are, and go to their beginning. Raises ClientError."""
        operations = trace.operations
        self._close_question()
        await self._all(partial(SeekPlayground, step=0))
        async with self._turn, self._link.connection() as engine:
            for each in self.shown:
                for place in range(0, len(operations), PIECE):
                    piece = list(operations[place : place + PIECE])
                    await engine.request(
                        Play(playground=each.id, operations=piece, run=False, append=place > 0), PlaygroundShown
                    )
        self._notes = trace.notes
        await self._all(GetPlayground, anew=True)
        self._say(trace.about)
        self.list.focus()

    # --- predicting ---

    def _is_to_ask(self) -> bool:
        playground = self.playground
        if not self.predicting or playground is None or playground.next is None or playground.ended:
            return False
        return allocates(playground.next) and self._answered != playground.step + 1 and self._goal is None

    def _ask(self) -> None:
        playground = self.playground
        if playground is not None and playground.next is not None:
            self.asked = playground.next
            self._say(question(self.asked, playground.options.policy), "asked")
            self.sides[0].face.view.focus()
            self.refresh_bindings()

    def _close_question(self) -> None:
        """Forget the question that is open, and the answer to the last one."""
        self.sides[0].face.view.mark(None)
        if self.asked is not None or self._answered:
            self.asked, self._answered = None, 0
            self._say("")
            self.refresh_bindings()

    def action_predict(self) -> None:
        self.predicting = not self.predicting
        self._close_question()
        if self.predicting:
            self._say("Before each allocation you are asked which block it will take. Space goes on.")
        self._status()

    @on(HeapMapView.Chosen)
    def _guessed(self) -> None:
        if self.asked is None:
            return
        block = self.sides[0].face.block
        problem = possible_guess(block)
        if problem:
            self._say(f"{problem} {self.asked} is what comes.", "asked")
        else:
            self._answer(block, counts=True)

    def action_guess_none(self) -> None:
        self._answer(None, counts=True)

    @work(group="playing", exclusive=True)
    async def _answer(self, guess: HeapBlock | None, *, counts: bool) -> None:
        """Show which block it will be, and whether that was guessed."""
        playground, face = self.playground, self.sides[0].face
        if playground is None or face.map is None or self.asked is None:
            return
        try:
            answer = await self._link.request(PeekPlayground(playground=playground.id), Peeked)
        except ClientError as error:
            self._note(str(error))
            return
        self.asked, self._answered = None, playground.step + 1
        verdict = judged(guess, answer, face.map)
        if counts:
            self.score.count(verdict.right)
            self._say(verdict.words, "right" if verdict.right else "wrong")
        else:
            words = verdict.words.partition(": ")[2]
            self._say(words[:1].upper() + words[1:])
        if answer.address is not None:
            address = int(answer.address, 16)
            face.view.mark(address, MARKED)
            face.view.go_to(address)
        self._status()
        self.refresh_bindings()

    # --- more than one ---

    @work(group="dialogs", exclusive=True)
    async def action_beside(self) -> None:
        """Open one with the same operations beside it, or close that."""
        if len(self.shown) > 1:
            await self._close(self.shown[1])
            self._show(self.shown[:1])
            return
        if self.playground is None:
            return
        policy: Policy = "worst" if self.playground.options.policy == "best" else "best"
        options = msgspec.structs.replace(self.playground.options, policy=policy)

        async def open(options: HeapOptions) -> None:
            assert self.playground is not None
            request = OpenPlayground(options=options, like=self.playground.id)
            other = (await self._link.request(request, PlaygroundShown)).playground
            self._show([self.playground, other])

        await self.app.push_screen_wait(Beside(options, open))

    @work(group="dialogs", exclusive=True)
    async def action_new(self) -> None:
        async def open(options: HeapOptions, trace: Trace) -> None:
            made = (await self._link.request(OpenPlayground(options=options), PlaygroundShown)).playground
            self._close_question()
            self._notes = {}
            self._show([made], anew=True)
            if trace.operations:
                await self._take(trace)

        await self.app.push_screen_wait(NewPlayground(self._options, open))

    @property
    def _options(self) -> HeapOptions:
        return self.playground.options if self.playground is not None else BEGINNERS

    @work(group="dialogs", exclusive=True)
    async def action_others(self) -> None:
        try:
            there = (await self._link.request(ListPlaygrounds(), Playgrounds)).playgrounds
        except ClientError as error:
            self._note(str(error))
            return
        shown = self.playground.id if self.playground else ""
        chosen = await self.app.push_screen_wait(ChoosePlayground(there, shown))
        if chosen is not None and chosen.id != shown:
            self._close_question()
            self._notes = {}
            self._show([chosen], anew=True)

    @work(group="dialogs", exclusive=True)
    async def action_end(self) -> None:
        """Close what is shown for good; another that is open is shown then, or the screen is left."""
        for each in self.shown:
            await self._close(each)
        for side in self.sides:
            side.show(None)
        there: list[Playground] = []
        try:
            there = (await self._link.request(ListPlaygrounds(), Playgrounds)).playgrounds
        except ClientError as error:
            self._note(str(error))
        if there:
            self._show(there[-1:], anew=True)
        else:
            self.action_close()

    async def _close(self, playground: Playground) -> None:
        try:
            await self._link.request(ClosePlayground(playground=playground.id), Done)
        except ClientError as error:
            self._note(str(error))

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case "guess_none":
                return self.asked is not None
            case "step" | "run" | "take" | "predict" | "beside" | "go" | "end" | "explain" | "type":
                return self.playground is not None
        return True

    def action_close(self) -> None:
        self._goes_on = False
        self.dismiss([each.id for each in self.shown])

    def action_explain(self) -> None:
        told = self.sides[0].face.told
        if told is not None:
            self.app.push_screen(ExplainThing(told))

    def action_help(self) -> None:
        from heliostui.screens.help import Help, sections_here  # which shows the keys of this screen, too

        self.app.push_screen(Help(sections_here(self)))
