"""What is known of one process, and the answers to questions about its heap."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from engine.errors import EngineError
from engine.heap.inspector import blocks, events, fields, free_lists, picture, root, snapshot, words
from engine.heap.inspector.growth import Growth
from engine.heap.inspector.memory import Memory, Unreadable
from engine.heap.inspector.pages import Pages, Presence
from engine.heap.inspector.snapshot import Snapshot
from engine.heap.inspector.sums import Sums, options, used_bytes
from engine.heap.inspector.target import Target
from engine.heap.inspector.wire import Bytes, Listed
from engine.protocol.heap import HeapBlock, HeapEvent, HeapMap, HeapProcess, HeapReport, HeapTotals, HeapView
from engine.protocol.messages import ErrorCode

MOST_FREE_BLOCKS = 1000  # in one answer
MOST_STEPS = 20_000  # in a free list, to say where in it a block is
TRIES = 5  # until a list and the bitmaps agree

T = TypeVar("T")


class Inspection:
    """Of process `pid`. Each question raises EngineError."""

    def __init__(self, pid: int) -> None:
        self.target = Target(pid)
        self._memory = Memory(pid)
        self._pages: Pages | None = None
        self._root = 0
        self._last: Snapshot | None = None
        self._sums: Sums | None = None
        self._totals: tuple[Snapshot, HeapTotals] | None = None
        self._growth = Growth()

    def close(self) -> None:
        self.target.close()
        if self._pages is not None:
            self._pages.close()

    def answer(self, question: Callable[[], T]) -> T:
        """What this process says, and nobody who has taken its place meanwhile."""
        self._memory.new_question()
        try:
            answer = question()
        except Unreadable as error:
            self.target.check()
            self._root = 0
            pid = self.target.pid
            raise EngineError(ErrorCode.NO_HEAP, f"The heap of process {pid} can't be read: {error}.") from None
        self.target.check()
        return answer

    # Questions

    def process(self) -> HeapProcess:
        """Whether it has a heap; else why not."""
        target = self.target
        known = HeapProcess(pid=target.own_pid, host_pid=target.pid, command=target.command)
        try:
            return self.answer(lambda: self._process(known))
        except EngineError as error:
            return replace(known, reason=reason(error))

    def _process(self, known: HeapProcess) -> HeapProcess:
        self._find()
        seen = snapshot.outline(self._memory, self._root)
        mapped, used = int(seen.segments.lengths.sum()), used_bytes(seen)
        return replace(known, options=options(seen.root), mapped=mapped, used=used)

    def report(self) -> HeapReport:
        """All figures."""
        begun = time.monotonic()
        seen = self._look()
        sums, totals = self._sums_of(seen), self._totals_of(seen)
        target, chosen = self.target, options(seen.root)
        return HeapReport(
            process=HeapProcess(
                pid=target.own_pid, host_pid=target.pid, command=target.command, options=chosen, mapped=totals.mapped,
                used=totals.used,
            ),
            options=chosen, totals=totals, segments=sums.segments, classes=sums.classes, bins=sums.bins,
            histogram=sums.histogram, top_sizes=sums.top_sizes, threads=sums.threads, history=self._growth.moments(),
            consistent=seen.consistent, milliseconds=_milliseconds(begun),
        )  # fmt: skip

    def picture(self, view: HeapView) -> HeapMap:
        """The map of a part of it."""
        begun = time.monotonic()
        seen = self._last if view.still and self._last is not None else self._look()
        shown = picture.frame(seen, view)
        rows = picture.draw(seen, self._presence_of(seen, view.still), shown)
        before, cursor, after = self._around(seen, view.cursor)
        # Of a still picture the root was not looked for, and something else may be there: nothing is written.
        happened, last_event = self._events(seen, None if view.still else view.events_after)
        return HeapMap(
            sequence=seen.sequence, consistent=seen.consistent, cell=shown.cell, first_row=shown.first_row,
            all_rows=shown.all_rows, rows=rows, segments=self._sums_of(seen).segments, totals=self._totals_of(seen),
            cursor=cursor, before=before, after=after, events=happened, last_event=last_event,
            milliseconds=_milliseconds(begun),
        )  # fmt: skip

    def free_blocks(self, index: int | None, skip: int, limit: int) -> Listed:
        """Blocks of free lists in their order, and how many there are without `skip` and `limit`."""
        if skip < 0 or not 1 <= limit <= MOST_FREE_BLOCKS:
            raise EngineError(
                ErrorCode.INVALID, f"{limit} blocks after {skip} can't be had: 1 to {MOST_FREE_BLOCKS} can."
            )
        seen, torn = self._look(), ""
        for _ in range(TRIES):
            try:
                return self._free_blocks(seen, index, skip, limit)
            except free_lists.Torn as error:
                torn = str(error)
            unmoved, seen = seen, self._look()
            if seen is unmoved:
                break
        raise EngineError(
            ErrorCode.NO_HEAP if seen.consistent else ErrorCode.WRONG_STATE,
            f"The free lists of process {self.target.pid} " + (f"are damaged: {torn}." if seen.consistent else
            "change faster than they can be read. Pause its container, or try again."),
        )  # fmt: skip

    def _free_blocks(self, seen: Snapshot, index: int | None, skip: int, limit: int) -> Listed:
        sums = self._sums_of(seen)
        if index is None:
            count = sum(each.count for each in sums.bins)
            found = list(free_lists.all_bins(self._memory, sums, skip, limit))
            return Listed([self._free(seen, address, position) for address, position in found], count)
        order = free_lists.in_bin(self._memory, sums, index) if any(each.index == index for each in sums.bins) else []
        some = enumerate(order[skip : skip + limit], skip)
        return Listed([self._free(seen, address, position) for position, address in some], len(order))

    def _free(self, seen: Snapshot, address: int, position: int) -> HeapBlock:
        piece = blocks.piece_at(seen, address)
        assert piece is not None
        return replace(blocks.described(seen, self._memory, piece), bin_position=position)

    def bytes(self, address: str, size: int) -> Bytes:
        """Memory of the heap, as far as it reaches from there, and what it means."""
        place = picture.parsed(address)
        if not 1 <= size <= fields.MOST_BYTES:
            raise EngineError(ErrorCode.INVALID, f"{size} bytes can't be had: 1 to {fields.MOST_BYTES} can.")
        seen = self._look()
        segment = seen.segments.index_at(place)
        if segment is None:
            raise EngineError(ErrorCode.INVALID, f"{place:#x} is not in the heap of process {self.target.pid}.")
        end = int(seen.segments.bases[segment]) + int(seen.segments.lengths[segment])
        data = self._memory.read(place, min(size, end - place))
        return Bytes(data, fields.meanings(seen, place, data))

    # What they need

    def _look(self) -> Snapshot:
        """The heap as it is now; the last snapshot while nothing has happened."""
        self._find()
        last = self._last
        if last is None or not last.consistent or last.signs != snapshot.signs(self._memory, self._root):
            self._last = last = snapshot.take(self._memory, self._root, last)
        self._presence_of(last, still=False)
        self._growth.note(time.monotonic(), self._totals_of(last))
        return last

    def _find(self) -> None:
        """The root, as it may be elsewhere each time."""
        self.target.check()
        if self._root and not root.is_there(self._memory, self._root):
            self._forget()
        if not self._root:
            self._root = root.find(self.target, self._memory)

    def _forget(self) -> None:
        """Another program was executed."""
        self._root, self._last, self._sums, self._totals = 0, None, None, None
        self._growth = Growth()
        if self._pages is not None:
            self._pages.close()
            self._pages = None

    def _sums_of(self, seen: Snapshot) -> Sums:
        if self._sums is None or self._sums.snapshot is not seen:
            self._sums = Sums(seen)
        return self._sums

    def _totals_of(self, seen: Snapshot) -> HeapTotals:
        presence = self._presence_of(seen, still=True)
        if self._totals is None or self._totals[0] is not seen:
            self._totals = seen, self._sums_of(seen).totals(self._memory)
        totals = self._totals[1]
        return replace(totals, resident=min(presence.resident, totals.mapped))

    def _presence_of(self, seen: Snapshot, still: bool) -> Presence:
        """Which pages are there; with `still`, as they were when the snapshot was taken."""
        if self._pages is None:
            self._pages = Pages(self.target.pid)
        ranges = zip(seen.segments.bases.tolist(), seen.segments.lengths.tolist(), strict=True)
        return self._pages.presence(seen, ranges, still)

    def _around(
        self, seen: Snapshot, cursor: str | None
    ) -> tuple[HeapBlock | None, HeapBlock | None, HeapBlock | None]:
        """What is before the cursor, at it, and after it, in the same segment."""
        at = None if cursor is None else blocks.piece_at(seen, picture.parsed(cursor))
        if at is None:
            return None, None, None
        around = (blocks.piece_at(seen, place) for place in (at.start - 1, at.end))
        before, after = (
            blocks.described(seen, self._memory, piece) if piece is not None and piece.segment == at.segment else None
            for piece in around
        )
        here = blocks.described(seen, self._memory, at)
        return before, replace(here, bin_position=self._position(seen, here, at.start)), after

    def _position(self, seen: Snapshot, block: HeapBlock, address: int) -> int | None:
        """Where in its list a free block is; None: it is in none, or in one that is very long or changing."""
        count = next((each.count for each in self._sums_of(seen).bins if each.index == block.bin), 0)
        if not 0 < count <= MOST_STEPS:
            return None
        try:
            order = free_lists.in_bin(self._memory, self._sums_of(seen), block.bin or 0)
        except (free_lists.Torn, Unreadable):
            return None
        return order.index(address)

    def _events(self, seen: Snapshot, after: int | None) -> tuple[list[HeapEvent], int]:
        if after is None:
            return [], int(seen.root["event_count"])
        self.target.check()
        events.watch(self._memory, self._root, self.target.clock_offset)
        found, last = events.newer(self._memory, self._root, int(seen.root["events"]), after)
        return words.told(found, options(seen.root).policy), last


def reason(error: EngineError) -> str:
    """Why there is no heap: without that there is none, and the full stop."""
    return error.message.partition("has no heap of ours: ")[2].rstrip(".") or error.message.rstrip(".")


def _milliseconds(begun: float) -> float:
    return round((time.monotonic() - begun) * 1e3, 2)
