"""The face of one heap: its map, its sums in a line, and what the cursor is on. Pane, screen and playground show it.

Owns the watch that brings the pictures, for as long as it follows a heap. Imports link, watch, words and widgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from engine.client.errors import ClientError
from engine.protocol.heap import HeapBlock, HeapMap, HeapProcess, HeapTarget, HeapTotals
from engine.protocol.messages import ErrorCode, FreeList, GetFreeList, GetHeap, HeapFigures
from engine.protocol.quantities import size_text
from heliostui.heap import values
from heliostui.heap.explain import explained
from heliostui.heap.watch import PERIOD, HeapWatch
from heliostui.heap.words import CELLS, cursor_words, percent, totals_words
from heliostui.line import SPARING, slow_line
from heliostui.link import Link
from heliostui.network.explain import Told
from widgets.heap_map import HeapMapView
from widgets.later import Later

TRAIL = 200
"""Blocks of a free list that are fetched at once."""


class Map(HeapMapView):
    """Leaves the tab key to the screen, on which it goes from pane to pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+down,s",
            "beside(1)",
            "Next segment",
            show=False,
            tooltip="The next segment; S: the one before",
            id="heap.segment",
        ),
        Binding(
            "ctrl+up,S",
            "beside(-1)",
            "Segment before",
            show=False,
            id="heap.segment-before",
            tooltip="The segment before",
        ),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "segment"

    def action_beside(self, by: int) -> None:
        self.action_segment(by)


class HeapFace(Vertical):
    """`follow` makes it live, `stop` lets it rest."""

    @dataclass
    class Seen(Message):
        """A picture was shown."""

        face: HeapFace

    @dataclass
    class Lost(Message):
        """There are no more pictures, and why."""

        face: HeapFace
        reason: str
        code: ErrorCode | None

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="heap-face")
        self._link = link
        self._process: HeapProcess | None = None
        self._period: float | None = PERIOD
        self.watching: HeapWatch | None = None
        self.map: HeapMap | None = None
        self._wanted_list: HeapMapView.FreeListWanted | None = None
        self.view = Map()
        self._totals = Static(classes="heap-totals", markup=False)
        self._what = Static(classes="heap-what", markup=False)

    def compose(self) -> ComposeResult:
        yield self.view
        yield self._totals
        yield self._what

    # --- what is looked at ---

    def follow(self, target: HeapTarget, process: HeapProcess | None = None, period: float | None = PERIOD) -> None:
        """Show this heap from now on."""
        self.stop()
        self._process, self._period = process, period
        if self.watching is None or self.watching.target != target:
            self.watching, self.map = HeapWatch(self._link, target, self.post_message, period), None
            self.view.forget()
        self.watching.view = values.view(self.view.wish)
        self.run_worker(Later(self.watching.run), group="heap", exclusive=True)

    def stop(self) -> None:
        """Ask no more."""
        self.workers.cancel_group(self, "heap")
        self.workers.cancel_group(self, "trail")
        self._wanted_list = None

    @on(HeapMapView.ViewWanted)
    def _wanted(self, event: HeapMapView.ViewWanted) -> None:
        event.stop()
        if self.watching is not None:
            asked = values.view(self.view.wish)
            self.watching.look(
                columns=asked.columns,
                rows=asked.rows,
                cell=asked.cell,
                first_row=asked.first_row,
                cursor=asked.cursor,
            )

    @on(HeapWatch.Seen)
    def _seen(self, event: HeapWatch.Seen) -> None:
        event.stop()
        if event.watch is not self.watching:
            return
        self.watching.period = self._spared()
        self.map = event.map
        self.view.show(values.picture(event.map, event.columns))
        self._write(self._totals, self._sums(event.map.totals))
        self._tell()
        self.post_message(self.Seen(self))

    def _spared(self) -> float | None:
        """A slow line carries a picture now and then."""
        return self._period * SPARING if self._period and slow_line(self.app) else self._period

    def _sums(self, totals: HeapTotals) -> str:
        """All sums, or where the line has no room for them those that matter most."""
        words = totals_words(totals)
        return words if len(words) <= self.size.width - 2 else totals_words(totals, brief=True)

    @on(HeapWatch.Lost)
    def _lost(self, event: HeapWatch.Lost) -> None:
        event.stop()
        if event.watch is self.watching:
            self.post_message(self.Lost(self, event.reason, event.code))

    def _write(self, static: Static, words: str) -> None:
        if words != str(static.content):
            static.update(words)

    # --- what the cursor is on ---

    @property
    def block(self) -> HeapBlock | None:
        """The block under the cursor, as the engine tells it."""
        block, address = self.map.cursor if self.map else None, self.view.cursor
        if block is None or address is None:
            return None
        start = values.number(block.start)
        return block if start <= address < start + block.size else None

    @property
    def told(self) -> Told | None:
        """What is to be said of it, and of the heap."""
        return explained(self.map, self.block, self._process) if self.map else None

    @on(HeapMapView.CursorMoved)
    def _tell(self) -> None:
        if self.map is not None:
            words = cursor_words(self.map if self.block else None, self.view.cursor)
            self._write(self._what, f"{words.block}\n{words.around}")

    @on(HeapMapView.Hovered)
    def _hovered(self, event: HeapMapView.Hovered) -> None:
        event.stop()
        if event.address is None:
            self._tell()
            return
        state = CELLS.get(event.state.lower(), "")
        fill = f", {percent(event.fill / 9)} of it in use" if event.state.lower() in "ucs" else ""
        self._write(self._what, f"{event.address:#x} and {size_text(event.size)} on: {state}{fill}\n")

    # --- free lists ---

    @on(HeapMapView.FreeListWanted)
    def _walk(self, event: HeapMapView.FreeListWanted) -> None:
        event.stop()
        under_way, self._wanted_list = self._wanted_list is not None, event
        if self.watching is not None and not under_way:
            self.run_worker(Later(self._lists, self.watching.target), group="trail")

    async def _lists(self, target: HeapTarget) -> None:
        """Fetch free lists, one after the other, until what was fetched is what was wanted last."""
        event = None
        while self._wanted_list is not event:
            event = self._wanted_list
            if event is not None:
                await self._trail(target, event)
        self._wanted_list = None

    async def _trail(self, target: HeapTarget, event: HeapMapView.FreeListWanted) -> None:
        """Fetch the blocks of a free list in list order."""
        try:
            bin = event.bin
            if bin is None or event.beyond:
                bin = await self._bin_beyond(target, bin, event.beyond or 1)
            if bin is None:
                self.view.show_trail(None)
                return
            request = GetFreeList(target=target, bin=bin, skip=event.skip, limit=TRAIL)
            self.view.show_trail(values.trail(bin, event.skip, await self._link.request(request, FreeList)))
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)

    async def _bin_beyond(self, target: HeapTarget, bin: int | None, by: int) -> int | None:
        """The next free list that has blocks, or the one before; from the end on again from the beginning."""
        figures = (await self._link.request(GetHeap(target=target), HeapFigures)).heap
        bins = sorted(each.index for each in figures.bins if each.count)
        if bin is None or not bins:
            return bins[0] if bins else None
        if by > 0:
            return next((each for each in bins if each > bin), bins[0])
        return next((each for each in reversed(bins) if each < bin), bins[-1])
