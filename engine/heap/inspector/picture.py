"""A snapshot as rows of cells, each of any power of two bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector import sums
from engine.heap.inspector.arenas import GRANULE, HEADER_AT, Arena
from engine.heap.inspector.intervals import Intervals, Numbers
from engine.heap.inspector.pages import PAGE, Presence
from engine.heap.inspector.slabs import CACHED, USED
from engine.heap.inspector.snapshot import ARENA, SLABS, Snapshot
from engine.protocol.heap import HeapRow, HeapView
from engine.protocol.messages import ErrorCode

MOST_CELLS = 1 << 16
LARGEST_CELL = 1 << 40
LETTERS = np.frombuffer(b"mucfsg", np.uint8)  # which of them is taken when two fill the same part of a cell
META, IN_USE, KEPT, FREE, SLOTS, GONE = range(len(LETTERS))
BLANK, TO_CAPITAL = ord(" "), ord("a") - ord("A")
FREE_NODE = layout.FreeBlock.SIZE  # bytes of a free block that are the allocator's, and the last word
FINE = layout.GRANULE // 2  # cells up to this show headers; larger ones count them to the data behind


@dataclass(frozen=True)
class Frame:
    """Which rows are shown. `rows_before[i]`: how many rows are before segment i's first."""

    columns: int
    rows: int
    cell: int
    first_row: int
    rows_before: Numbers

    @property
    def all_rows(self) -> int:
        return int(self.rows_before[-1])


def frame(snapshot: Snapshot, view: HeapView) -> Frame:
    """Raises EngineError for a view that can't be."""
    _check(view)
    lengths = snapshot.segments.lengths
    cell = view.cell or _fitting(lengths, view.columns, view.rows)
    count = -(-lengths // (view.columns * cell))
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(count)))
    first = view.first_row or 0
    address = parsed(view.at) if view.at is not None else None
    if address is not None and (index := snapshot.segments.index_at(address)) is not None:
        row = int(before[index]) + (address - int(snapshot.segments.bases[index])) // (view.columns * cell)
        if view.first_row is None or not first <= row < first + view.rows:
            first = row - view.rows // 2
    first = max(min(first, int(before[-1]) - view.rows), 0)
    return Frame(view.columns, view.rows, cell, first, before)


def parsed(address: str) -> int:
    """Raises EngineError."""
    try:
        return int(address, 16)
    except ValueError:
        raise EngineError(ErrorCode.INVALID, f"{address!r} is not an address: write it as 0x7f00deadb000.") from None


def _check(view: HeapView) -> None:
    if view.columns < 1 or view.rows < 1 or view.columns * view.rows > MOST_CELLS:
        raise EngineError(
            ErrorCode.INVALID,
            f"A picture of {view.columns} columns and {view.rows} rows is not possible: 1 to {MOST_CELLS} cells are.",
        )
    if view.cell < 0 or view.cell & (view.cell - 1) or view.cell > LARGEST_CELL:
        raise EngineError(ErrorCode.INVALID, f"A cell of {view.cell} bytes is not possible: powers of two from 1 are.")


def _fitting(lengths: Numbers, columns: int, rows: int) -> int:
    """The smallest cell with which all is seen at once; with more segments than rows, the one that gives each a row."""
    cell = GRANULE
    while cell < LARGEST_CELL:
        count = -(-lengths // (columns * cell))
        if count.sum() <= rows or (count == 1).all():
            break
        cell *= 2
    return cell


def draw(snapshot: Snapshot, pages: Presence, shown: Frame) -> list[HeapRow]:
    """The rows of a frame."""
    found: list[HeapRow] = []
    last = min(shown.first_row + shown.rows, shown.all_rows)
    index = int(np.searchsorted(shown.rows_before, shown.first_row, side="right")) - 1
    row = shown.first_row
    while row < last:
        until = min(last, int(shown.rows_before[index + 1]))
        found += _strip(snapshot, pages, shown, index, row - int(shown.rows_before[index]), until - row)
        row, index = until, index + 1
    return found


def _strip(snapshot: Snapshot, pages: Presence, shown: Frame, index: int, first: int, rows: int) -> list[HeapRow]:
    """`rows` rows of one segment, from its row `first` on."""
    base, length = int(snapshot.segments.bases[index]), int(snapshot.segments.lengths[index])
    width = shown.columns * shown.cell
    grid = np.arange(rows * shown.columns + 1, dtype=np.int64) * shown.cell + first * width
    edges = np.minimum(grid, length)
    cells = _Cells(edges, shown.cell)
    kind = int(snapshot.segments.kinds[index])
    if kind == SLABS:
        _draw_slabs(cells, snapshot, pages, index, base)
    elif kind == ARENA and index in snapshot.arenas:
        _draw_arena(cells, snapshot, pages, index, base)
    elif kind != ARENA:
        _draw_huge(cells, snapshot, index, length)
    states, fills = cells.letters(), cells.fills()
    columns = shown.columns
    return [
        HeapRow(
            segment=index, address=f"{base + (first + row) * width:#x}",
            states=states[row * columns : (row + 1) * columns], fills=fills[row * columns : (row + 1) * columns],
        )
        for row in range(rows)
    ]  # fmt: skip


class _Cells:
    """How many bytes of each state are in each cell. `edges` are offsets in the segment; the cells of one row follow
    those of the row before."""

    def __init__(self, edges: Numbers, cell: int) -> None:
        self.edges = edges
        self.cell = cell
        self.sizes = np.diff(edges)
        self.bytes = np.zeros((len(LETTERS), len(self.sizes)), np.int64)
        self.begins = np.zeros(len(self.sizes), np.bool_)

    @property
    def start(self) -> int:
        return int(self.edges[0])

    @property
    def end(self) -> int:
        return int(self.edges[-1])

    def add(self, state: int, intervals: Intervals, shift: int = 0) -> None:
        self.bytes[state] += intervals.within(self.edges - shift)

    def begin(self, places: Numbers, sizes: Numbers) -> None:
        """Blocks of `sizes` begin at `places`."""
        seen = (sizes > self.cell) & (places >= self.start) & (places < self.end)
        self.begins[(places[seen] - self.start) // self.cell] = True

    def letters(self) -> str:
        letters = LETTERS[np.argmax(self.bytes, axis=0)]
        letters = np.where(self.begins, letters - TO_CAPITAL, letters)
        return np.where(self.sizes > 0, letters, BLANK).astype(np.uint8).tobytes().decode("ascii")

    def fills(self) -> str:
        """0: nothing in use; 9: all of it."""
        busy = np.minimum(self.bytes[IN_USE] + self.bytes[META], self.sizes)
        tenths = -(-8 * busy // np.maximum(self.sizes, 1)) + (busy == self.sizes)
        return np.where(self.sizes > 0, tenths + ord("0"), BLANK).astype(np.uint8).tobytes().decode("ascii")


def _draw_huge(cells: _Cells, snapshot: Snapshot, index: int, length: int) -> None:
    data = length - sums.huge_used(snapshot, index)
    cells.add(META, Intervals.one(0, data))
    cells.add(IN_USE, Intervals.one(data, length))
    cells.begin(np.array([data]), np.array([length - data]))


def _draw_arena(cells: _Cells, snapshot: Snapshot, pages: Presence, index: int, base: int) -> None:
    """In large cells, a block is the granules of its data; so a user's address begins a cell, not a header."""
    arena = snapshot.arenas[index]
    first, end = arena.first - base, arena.end - base
    shift = 0 if cells.cell <= FINE else GRANULE - HEADER_AT
    cached = _cached_intervals(arena, snapshot.cached[index])
    blocks = Intervals.one(first, end)
    cells.add(META, Intervals.one(0, first), shift)
    cells.add(META, Intervals.one(end, arena.length), shift)
    cells.add(KEPT, cached, shift)
    cells.add(IN_USE, arena.used_intervals, shift)
    cells.bytes[IN_USE] -= cells.bytes[KEPT]
    cells.add(FREE, blocks, shift)
    cells.bytes[FREE] -= cells.bytes[IN_USE] + cells.bytes[KEPT]
    low = max(int(np.searchsorted(arena.places, (cells.start - HEADER_AT) // GRANULE)) - 1, 0)
    high = int(np.searchsorted(arena.places, cells.end // GRANULE + 1))
    low, high = min(low, len(arena.used)), min(high, len(arena.used))
    starts = arena.places[low:high].astype(np.int64) * GRANULE + HEADER_AT
    sizes = arena.granules[low:high].astype(np.int64) * GRANULE
    cells.begin(starts + shift, sizes)
    if shift:
        gone = _gone(pages.absent(base, cells.start, cells.end), blocks, arena.used_intervals)
        cells.add(GONE, gone, shift)
        cells.bytes[FREE] = np.maximum(cells.bytes[FREE] - cells.bytes[GONE], 0)
    else:
        _draw_headers(cells, starts, sizes, arena.used[low:high])


def _draw_headers(cells: _Cells, starts: Numbers, sizes: Numbers, used: npt.NDArray[np.bool_]) -> None:
    """The allocator's own words in blocks: headers; of free ones links and the last word, too."""
    own = [(starts[used], layout.BLOCK_HEADER, IN_USE), (starts[~used], FREE_NODE, FREE)]
    own.append((starts[~used] + sizes[~used] - 8, 8, FREE))
    for places, size, instead in own:
        intervals = Intervals(places, np.full(len(places), size, np.int64))
        part = intervals.within(cells.edges)
        cells.bytes[META] += part
        cells.bytes[instead] -= part


def _cached_intervals(arena: Arena, cached: npt.NDArray[np.intp]) -> Intervals:
    starts = arena.places[cached].astype(np.int64) * GRANULE + HEADER_AT
    return Intervals(starts, arena.granules[cached].astype(np.int64) * GRANULE)


def _gone(absent: Numbers, region: Intervals, taken: Intervals) -> Intervals:
    """Those of the pages `absent` that lie in `region` and have nothing that is `taken`."""
    edges = np.stack((absent, absent + PAGE), axis=1).reshape(-1)
    free = (region.within(edges) - taken.within(edges))[::2] == PAGE
    starts = absent[free]
    return Intervals(starts, np.full(len(starts), PAGE, np.int64))


def _draw_slabs(cells: _Cells, snapshot: Snapshot, pages: Presence, index: int, base: int) -> None:
    slabs = snapshot.slabs
    own = layout.FIRST_SLAB * layout.SLAB_BYTES
    cells.add(META, Intervals.one(0, own))
    mine = np.flatnonzero(slabs.segments == index)
    starts = (slabs.bases[mine] - np.uint64(base)).astype(np.int64)
    live = Intervals(starts, np.full(len(mine), layout.SLAB_BYTES, np.int64))
    nobodys = Intervals.one(own, layout.SEGMENT_UNIT)
    cells.add(FREE, nobodys)
    cells.bytes[FREE] -= live.within(cells.edges)
    gone = _gone(pages.absent(base, cells.start, cells.end), nobodys, live)
    cells.add(GONE, gone)
    cells.bytes[FREE] -= cells.bytes[GONE]
    seen = (starts < cells.end) & (starts + layout.SLAB_BYTES > cells.start)
    if seen.any():
        _draw_slots(cells, snapshot, mine[seen], starts[seen])


def _draw_slots(cells: _Cells, snapshot: Snapshot, which: Numbers, starts: Numbers) -> None:
    """Of slabs that follow each other in memory, perhaps with nobody's between them."""
    slabs = snapshot.slabs
    sizes, counts = slabs.sizes[which], slabs.slots[which]
    cells.add(META, Intervals(starts + counts * sizes, layout.SLAB_BYTES - counts * sizes))
    whole = cells.cell >= layout.SLAB_BYTES  # then no cell begins within a slab
    first, last = int(slabs.offsets[which[0]]), int(slabs.offsets[which[-1]] + counts[-1])
    states = slabs.states[first:first] if whole else slabs.states[first:last]
    slab = np.maximum(np.searchsorted(starts, cells.edges, side="right") - 1, 0)
    inside = np.clip(cells.edges - starts[slab], 0, counts[slab] * sizes[slab])
    slot, rest = np.divmod(inside, sizes[slab])
    place = slabs.offsets[which][slab] - first + slot
    for state, value, numbers in ((IN_USE, USED, slabs.used), (KEPT, CACHED, slabs.cached), (SLOTS, 0, slabs.free)):
        totals = numbers[which] * sizes
        below = (np.cumsum(totals) - totals)[slab]
        if whole:
            below = below + np.where(inside > 0, totals[slab], 0)
        else:
            these = states == value
            before = np.concatenate((np.zeros(1, np.int64), np.cumsum(these, dtype=np.int64)))
            ours = before[place] - before[place - slot]
            below = below + ours * sizes[slab] + rest * np.append(these, False)[place]
        cells.bytes[state] += np.diff(below)
    if cells.cell < layout.LARGEST_SLOT:
        slots = np.concatenate(
            [start + np.arange(n) * size for start, n, size in zip(starts, counts, sizes, strict=True)]
        )
        cells.begin(slots, np.repeat(sizes, counts))
