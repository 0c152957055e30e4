"""The heap of a process on the whole screen: its map, all figures, its events, its bytes.

Owns the questions for figures, which end with the screen. Imports link, heap.face, heap.figures and the dialogs.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Static

from engine.client.errors import ClientError
from engine.protocol.heap import HeapProcess, HeapTarget
from engine.protocol.messages import (
    ContainerSummary,
    GetHeap,
    GetHeapBytes,
    HeapBytes,
    HeapFigures,
    Heaps,
    ListHeaps,
)
from heliostui.heap.face import HeapFace
from heliostui.heap.figures import HeapFigures as Figures
from heliostui.heap.words import options_words, process_name
from heliostui.link import Link
from heliostui.messages import EngineUp
from heliostui.screens.explain import ExplainThing
from heliostui.screens.heap_forms import ChooseProcess
from widgets.heap_map import HeapMapView
from widgets.key_line import KeyLine
from widgets.later import Later
from widgets.quick_screen import QuickScreen

FIGURES = 1.0  # seconds between two questions for figures
BYTES = 512
"""Bytes that are shown of what the cursor is on."""
WIDE = 110  # columns from which on the figures are beside the map


class HeapScreen(QuickScreen[None]):
    """`address`: show the bytes there at first."""

    AUTO_FOCUS = "HeapMapView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,H", "close", "Back", key_display="esc", tooltip="Back to the containers", id="heap.close"),
        Binding(
            "p",
            "pause",
            "Pause",
            tooltip="Let the picture stand still, or go on; the program goes on anyway",
            id="heap.pause",
        ),
        Binding(
            "e",
            "exact",
            "Exact",
            tooltip="Freeze the container for each picture, so that it is of one moment",
            id="heap.exact",
        ),
        Binding("v", "events", "Events", tooltip="Have told what the allocator does, or no more", id="heap.events"),
        Binding("c", "turn(1)", "Charts", tooltip="Begin with the next chart; C with the one before", id="heap.charts"),
        Binding(
            "C", "turn(-1)", "Chart before", show=False, id="heap.charts-before", tooltip="Begin with the chart before"
        ),
        Binding("b", "bytes", "Bytes", tooltip="The bytes of what the cursor is on", id="heap.bytes"),
        Binding("u", "choose", "Process", tooltip="Look at another process of the container", id="heap.process"),
        Binding(
            "x", "explain", "Explain", tooltip="Where the figures come from, with their numbers", id="heap.explain"
        ),
        Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="All keys", id="heap.help"),
    ]

    def __init__(
        self, link: Link, container: ContainerSummary, process: HeapProcess | None, address: int | None = None
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self._link, self._container, self._process, self._address = link, container, process, address
        self.face = HeapFace(link)
        self.figures = Figures(id="heap-figures")
        self._status_line = Static(id="heap-status", markup=False)
        self._note_line = Static(id="heap-note", markup=False)
        self._bytes_of: tuple[int, int] | None = None
        self._possible = False  # all that needs a picture

    def compose(self) -> ComposeResult:
        with Horizontal(id="heap-top"):
            yield Static(" heap ", id="heap-title")
            yield self._status_line
        yield self._note_line
        with Container(id="heap-body"):
            yield self.face
            yield self.figures
        yield KeyLine()

    def on_mount(self) -> None:
        self._note("")
        self._follow()

    @property
    def target(self) -> HeapTarget:
        return HeapTarget(container=self._container.id, pid=(self._process and self._process.pid) or None)

    def _follow(self) -> None:
        """Look at the process that was chosen, or the first one with a heap."""
        self.figures.forget()
        self._bytes_of = None
        self.face.follow(self.target, self._process)
        self.run_worker(Later(self._ask), group="figures", exclusive=True)
        self._status()

    @on(EngineUp)
    def _engine_is_back(self) -> None:
        self._note("")
        self._follow()

    # --- what comes ---

    async def _ask(self) -> None:
        """The figures again and again, a new question only after an answer; nothing while the picture stands still."""
        try:
            async with self._link.connection() as engine:
                while True:
                    watching = self.face.watching
                    if watching is None or not watching.paused:
                        request = GetHeap(target=self.target, exact=bool(watching and watching.exact))
                        report = (await engine.request(request, HeapFigures)).heap
                        self._process = report.process
                        self.figures.show(report, monotonic())
                        self._status()
                    await asyncio.sleep(FIGURES)
        except ClientError:
            pass  # the face is told the same

    @on(HeapFace.Seen)
    def _seen(self, event: HeapFace.Seen) -> None:
        event.stop()
        map = self.face.map
        if map is None:
            return
        self._note("")
        if not self._possible:
            self._possible = True
            self.refresh_bindings()
        self.figures.add_events(map.events)
        if self._address is not None:
            self.face.view.go_to(self._address)
            self._address = None
            self.figures.turn_to("Bytes")
        self._look_at_bytes()

    @on(HeapFace.Lost)
    def _lost(self, event: HeapFace.Lost) -> None:
        event.stop()
        self.workers.cancel_group(self, "figures")
        self._note(f"{event.reason} u looks for another process." if event.code is not None else event.reason)

    def _note(self, words: str) -> None:
        if words != str(self._note_line.content):
            self._note_line.update(words)
        self._note_line.display = bool(words)

    def _status(self) -> None:
        process, watching = self._process, self.face.watching
        parts = [self._container.name]
        if process is not None:
            parts.append(process_name(process))
            parts += [options_words(process.options)] if process.options else []
        if watching is not None:
            parts += [word for word, on in (("paused", watching.paused), ("exact", watching.exact)) if on]
            parts += ["events"] if watching.events else []
        if " · ".join(parts) != str(self._status_line.content):
            self._status_line.update(Text(" · ".join(parts), no_wrap=True))

    # --- bytes ---

    @on(HeapMapView.CursorMoved)
    def _look_at_bytes(self) -> None:
        """Fetch the bytes of what the cursor is on, if they are looked at and may have changed."""
        map, block = self.face.map, self.face.block
        if "Bytes" not in self.figures.shown or map is None or self.face.view.cursor is None:
            return
        start = int(block.start, 16) if block is not None else self.face.view.cursor
        if (start, map.sequence) != self._bytes_of:
            self._bytes_of = start, map.sequence
            self._fetch_bytes(start)

    @work(group="bytes", exclusive=True)
    async def _fetch_bytes(self, start: int) -> None:
        request = GetHeapBytes(target=self.target, address=hex(start), size=BYTES)
        try:
            reply = await self._link.request(request, HeapBytes)
            self.figures.show_bytes(reply, still=bool(self.face.watching and self.face.watching.paused))
        except ClientError:
            self._bytes_of = None  # it may be gone by now; the map says what is there

    @on(HeapMapView.Chosen)
    def action_bytes(self) -> None:
        self.figures.turn_to("Bytes")
        self._look_at_bytes()

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("pause", "exact", "events", "explain", "bytes"):
            return self._possible
        return True

    def action_close(self) -> None:
        self.dismiss(None)

    def action_pause(self) -> None:
        watching = self.face.watching
        if watching is not None:
            watching.paused = not watching.paused
            watching.again()
            self._status()

    def action_exact(self) -> None:
        watching = self.face.watching
        if watching is not None:
            watching.exact = not watching.exact
            watching.again()
            self._status()

    def action_events(self) -> None:
        watching = self.face.watching
        if watching is not None:
            watching.events = not watching.events
            if watching.events:
                self.figures.turn_to("Events")
            self._status()

    def action_turn(self, by: int) -> None:
        self.figures.turn(by)
        self._look_at_bytes()

    @work(group="choose", exclusive=True)
    async def action_choose(self) -> None:
        try:
            processes = (await self._link.request(ListHeaps(container=self._container.id), Heaps)).processes
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        chosen = await self.app.push_screen_wait(ChooseProcess(self._container.name, processes, self._process))
        if chosen is not None:
            self._process = chosen
            self._follow()

    def action_explain(self) -> None:
        told = self.face.told
        if told is not None:
            self.app.push_screen(ExplainThing(told))

    def action_help(self) -> None:
        from heliostui.screens.help import Help, sections_here  # which shows the keys of this screen, too

        self.app.push_screen(Help(sections_here(self)))
