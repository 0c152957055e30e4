"""What the allocator did with one operation, in words: a sentence for each thing that happened, with its numbers.

Made of the operation's events and of what its addresses lay in before and after. Imports the layout, the protocol, and
what is beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.heap import layout
from engine.heap.bins import bin_of, sizes_of
from engine.heap.layout import HeapEventKind, SegmentKind
from engine.heap.playground.allocator import Happened, Place
from engine.heap.playground.performing import Performed
from engine.heap.playground.trace import Operation
from engine.protocol.heap import HeapOptions

_TAKING = (
    HeapEventKind.SEARCH, HeapEventKind.SPLIT, HeapEventKind.MAP, HeapEventKind.SLAB_NEW, HeapEventKind.REFILL,
    HeapEventKind.CACHE_HIT,
)  # fmt: skip


def explain(operation: Operation, done: Performed, options: HeapOptions, requested: int) -> list[str]:
    """Sentences about `operation`. `requested`: the bytes asked for the block it is about, before it."""
    return list(_Story(operation, done, options, requested).told())


def bytes_words(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def bin_words(index: int) -> str:
    """A bin and what blocks are in it: "bin 32 (2,048 bytes)"."""
    smallest, largest = sizes_of(index)
    sizes = bytes_words(smallest) if smallest == largest else f"{smallest:,} to {bytes_words(largest)}"
    return f"bin {index:,} ({sizes})"


class _Story:
    def __init__(self, operation: Operation, done: Performed, options: HeapOptions, requested: int) -> None:
        self._operation = operation
        self._done = done
        self._options = options
        self._requested = requested

    def told(self) -> Iterator[str]:
        match self._operation.kind:
            case "alloc" | "calloc" | "memalign":
                yield from self._allocated()
            case "free":
                yield from self._freed() if self._done.pointer else ["free(NULL) does nothing."]
            case "realloc":
                yield from self._reallocated()
            case "write":
                yield from self._written()
            case "trim":
                yield from self._trimmed()

    # --- alloc, calloc, memalign ---

    def _allocated(self) -> Iterator[str]:
        if not self._done.answer:
            yield _no_memory(self._done.events)
            return
        yield from self._taken()
        if self._operation.kind == "calloc":
            yield "All its bytes are zero."

    def _taken(self) -> Iterator[str]:
        """How the block came about that was given."""
        given = self._done.given
        events = [event for event in self._done.events if event.kind in _TAKING]
        for at, event in enumerate(events):
            if event.kind == HeapEventKind.SEARCH and any(
                before.kind == HeapEventKind.SEARCH for before in events[:at]
            ):
                continue  # again, after the arena was mapped: what it finds is that one
            yield from self._of_taking(event, events[at + 1 :])
        if given and given.kind == "slot":
            if not any(event.kind in (HeapEventKind.CACHE_HIT, HeapEventKind.REFILL) for event in events):
                yield f"A slab of {given.size:,}-byte slots has room; {given.slots_free:,} of its slots stay free."
            yield f"Slot {given.slot + 1:,} of {given.slots:,} in the slab at {given.slab:#x}."
        elif given and given.kind == "block" and _searched(events) and not _split(events):
            yield f"Taken whole: what would be left of it is less than {layout.GRANULE} bytes."
        if given and self._options.check:
            yield "In it, before the bytes asked for, a record of who asked; redzones of 16 bytes and more around them."

    def _of_taking(self, event: Happened, later: list[Happened]) -> Iterator[str]:
        match event.kind:
            case HeapEventKind.SEARCH:
                yield self._search(event, later)
            case HeapEventKind.SPLIT if not event.detail:
                yield (
                    f"Split before it, so that its data starts at a multiple of {self._operation.factor:,}: "
                    f"{bytes_words(event.size)} stay free at {event.address:#x}."
                )
            case HeapEventKind.SPLIT:
                yield f"Split: {event.detail:,} used, {event.size:,} stay free at {event.address:#x}."
            case HeapEventKind.MAP:
                yield _map(event)
            case HeapEventKind.SLAB_NEW:
                yield f"A new slab at {event.address:#x}: {event.detail:,} slots of {bytes_words(event.size)}."
            case HeapEventKind.REFILL:
                yield (
                    f"The thread's cache had no slots of {bytes_words(event.size)}: "
                    f"{event.detail:,} at once come from the slab, the first for this request."
                )
            case HeapEventKind.CACHE_HIT:
                what = "slot" if event.detail == 1 else "block"
                yield f"A {what} of {bytes_words(event.size)} from the thread's cache; nothing else changes."

    def _search(self, event: Happened, later: list[Happened]) -> str:
        first, bin = event.detail >> 32, event.detail & 0xFFFFFFFF
        what = f"{self._options.policy.capitalize()} fit for {self._size_words(event.size)}"
        if not event.address:
            return f"{what}: no free block is large enough."
        size = (self._done.given.size if self._done.given else 0) + _left_over(later)
        block = f"{bytes_words(size)} at {event.address:#x}"
        match self._options.policy:
            case "best" if bin == first:
                return f"{what}: {bin_words(bin)} has {block}."
            case "best" if first >= layout.EXACT_BINS:
                return f"{what}: {bin_words(first)} has none that suffices, bin {bin:,} has {block}."
            case "best":
                empty = f"bin {first:,} is" if bin == first + 1 else f"bins {first:,} to {bin - 1:,} are"
                return f"{what}: {empty} empty, bin {bin:,} has {block}."
            case "first":
                return f"{what}: of all that suffice the one at the lowest address is {block} (bin {bin:,})."
            case "next":
                return f"{what}: the first that suffices from where the last search ended is {block} (bin {bin:,})."
            case "worst":
                return f"{what}: the largest of all is {block} (bin {bin:,})."

    def _size_words(self, needed: int) -> str:
        """ "200 bytes (with its header 256)" """
        operation = self._operation
        asked = operation.size * operation.factor if operation.kind == "calloc" else operation.size
        beside = "header"
        if self._options.check:
            beside = "header, record and redzones"
        if operation.kind == "memalign" and operation.factor > layout.GRANULE:
            beside += " and room to align"
        return f"{bytes_words(asked)} (with its {beside} {needed:,})"

    # --- free ---

    def _freed(self) -> Iterator[str]:
        before, left = self._done.before, self._done.left
        events = [event for event in self._done.events if event.kind not in _TAKING]
        if self._options.check and left and left.state == "used":
            yield "Its bytes are poisoned (0xdd), and it waits in quarantine: who uses it now is found out."
        elif before and left and left.state == "cached":
            flushes = list(_flushes(events))
            yield from flushes
            what = "slots" if left.kind == "slot" else "blocks"
            rest = "." if flushes else "; nothing else changes."
            yield f"Kept by the thread's cache of {left.size:,}-byte {what}{rest}"
        elif before and before.kind == "slot":
            yield from _slot_freed(before, left, events)
        elif before and before.kind == "block":
            yield from _block_freed(before, events)
        elif before:
            yield f"Its mapping of {bytes_words(before.size)} goes back to the kernel at once."
        yield from _given_back(events)

    # --- realloc ---

    def _reallocated(self) -> Iterator[str]:
        done, size = self._done, self._operation.size
        if not done.pointer:
            yield "realloc(NULL) is an alloc."
            yield from self._allocated()
        elif not size:
            yield "A realloc to 0 bytes is a free."
            yield from self._freed()
        elif not done.answer:
            yield f"{_no_memory(done.events)} The block stays as it was."
        elif done.answer == done.pointer:
            yield from self._resized()
        elif done.before and done.before.kind == "huge" and done.given and done.given.kind == "huge":
            yield f"Its mapping moves to {done.given.start:#x}: the kernel moves the pages, nothing is copied."
        else:
            yield self._why_moved()
            yield from self._taken()
            yield f"{bytes_words(min(size, self._requested))} copied; then the old block is freed."
            yield from self._freed()

    def _why_moved(self) -> str:
        if self._options.check:
            return "In check mode a realloc always moves: who keeps the old address is found out."
        before = self._done.before
        if before and before.kind == "slot":
            misfit = "too small" if self._operation.size > before.size else "far too large"
            return (
                f"Its slot of {bytes_words(before.size)} is {misfit} for {bytes_words(self._operation.size)}: it moves."
            )
        if self._operation.size < self._requested:
            return "A much smaller place will do: it moves."
        return "It can't grow where it is, as what lies behind it is used or too small: it moves."

    def _resized(self) -> Iterator[str]:
        before, given, events = self._done.before, self._done.given, self._done.events
        if given and given.kind == "slot":
            yield f"Stays in its slot of {bytes_words(given.size)}."
            return
        if given and before and given.size == before.size:
            yield f"Stays as it is: its {given.kind} of {bytes_words(given.size)} has room."
            return
        if given and before and given.kind == "huge":
            yield f"Its mapping has {bytes_words(given.size)} now, {before.size:,} before; it stays where it is."
            return
        grows = bool(before and given and given.size > before.size)
        for event in sorted(events, key=lambda event: event.kind != HeapEventKind.SPLIT and not grows):
            if event.kind == HeapEventKind.COALESCE and grows:
                yield f"Grows in place: the free block behind it joins, {bytes_words(event.detail)}."
            elif event.kind == HeapEventKind.COALESCE:
                yield f"They join with the free block behind them: {bytes_words(event.size)} at {event.address:#x}."
            elif event.kind == HeapEventKind.SPLIT:
                become = "stay" if grows else "become"
                yield f"Split: it keeps {event.detail:,}, {bytes_words(event.size)} {become} free."
        if grows and not _split(events):
            yield "All of that block is needed."

    # --- what a playground has beside a program's operations ---

    def _written(self) -> Iterator[str]:
        place, count = self._done.before, self._operation.size
        if not self._done.pointer:
            yield "There is nothing to write to: the block was never made."
            return
        yield f"{bytes_words(count)} written from {self._done.pointer:#x} on; {self._requested:,} were asked for."
        if place and count > self._requested:
            room = place.start + place.size - self._done.pointer
            beyond = (
                f"{bytes_words(count - room)} of it belong to somebody else"
                if count > room
                else "they fit its rounding"
            )
            yield f"That is {bytes_words(count - self._requested)} too many: {beyond}."

    def _trimmed(self) -> Iterator[str]:
        yield from _flushes(self._done.events)
        if not self._done.answer:
            yield "There is nothing to give back."
        yield from _given_back(self._done.events)


def _no_memory(events: list[Happened]) -> str:
    if any(event.kind == HeapEventKind.SEARCH for event in events):
        return "No memory: no free block is large enough, and the kernel gives no more. The answer is NULL."
    return "No memory: the kernel does not give that much. The answer is NULL."


def _map(event: Happened) -> str:
    size, at = bytes_words(event.size), f"{event.address:#x}"
    match SegmentKind(event.detail):
        case SegmentKind.SLABS:
            return f"A segment for slabs is mapped at {at}: {size}."
        case SegmentKind.ARENA:
            return f"A new arena is mapped at {at}: {size}, one free block at first."
        case _:
            return f"So large a block gets a mapping of its own: {size} at {at}."


def _searched(events: list[Happened]) -> bool:
    return any(event.kind == HeapEventKind.SEARCH for event in events)


def _split(events: list[Happened]) -> bool:
    """Whether something behind the block was cut off."""
    return any(event.kind == HeapEventKind.SPLIT and event.detail for event in events)


def _left_over(events: list[Happened]) -> int:
    return sum(event.size for event in events if event.kind == HeapEventKind.SPLIT)


def _flushes(events: list[Happened]) -> Iterator[str]:
    for event in events:
        if event.kind == HeapEventKind.FLUSH and event.size:
            full = f"The thread's cache of {event.size:,}-byte slots was full"
            yield f"{full}: {event.detail:,} of them go back to their slabs."
        elif event.kind == HeapEventKind.FLUSH and event.detail:
            yield f"The thread's cache of blocks is emptied: its {event.detail:,} become free."


def _slot_freed(before: Place, left: Place | None, events: list[Happened]) -> Iterator[str]:
    yield from _flushes(events)
    yield f"Slot {before.slot + 1:,} of {before.slots:,} in the slab at {before.slab:#x} is free again."
    if left:
        yield f"The slab has {left.slots_free:,} free slots now."


def _block_freed(before: Place, events: list[Happened]) -> Iterator[str]:
    """Joined with neighbours: the one behind first, as the allocator does it."""
    if flushes := list(_flushes(events)):
        yield from flushes
        joins = sum(event.kind == HeapEventKind.COALESCE for event in events)
        yield f"This one is among them. They join with free neighbours {joins:,} times."
        return
    start, size, joined = before.start, before.size, 0
    for event in events:
        if event.kind != HeapEventKind.COALESCE or event.size != size + event.detail:
            continue
        side = "before" if event.address < start else "behind"
        with_what = f"the free block {side} it ({bytes_words(event.detail)})"
        yield f"Joined with {with_what}: {bytes_words(event.size)} at {event.address:#x}."
        start, size, joined = event.address, event.size, joined + 1
    if not joined:
        yield f"Neither neighbour is free: {bytes_words(size)} at {start:#x} become a free block of their own."
    yield f"It goes into {bin_words(bin_of(size))}."


def _given_back(events: list[Happened]) -> Iterator[str]:
    for event in events:
        match event.kind:
            case HeapEventKind.SLAB_DROP:
                yield f"No slot of the slab at {event.address:#x} is used any more: any size can have it next."
            case HeapEventKind.PURGE:
                what = f"{bytes_words(event.size)} of memory at {event.address:#x}"
                yield f"{what} go back to the kernel; the addresses stay."
            case HeapEventKind.UNMAP if event.detail != SegmentKind.HUGE:
                yield f"The segment at {event.address:#x} goes back to the kernel: {bytes_words(event.size)}."
