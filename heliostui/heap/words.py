"""What the engine tells of heaps and playgrounds, in words. Imports the protocol and widgets' text; no screen.

`docs/heap.md` explains the words: segment, slab, slot, arena, block, bin, magazine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.protocol.heap import (
    BlockState,
    HeapBlock,
    HeapEvent,
    HeapMap,
    HeapMoment,
    HeapOptions,
    HeapProcess,
    HeapSegment,
    HeapThread,
    HeapTotals,
    Playground,
    Policy,
)
from engine.protocol.quantities import size_text
from widgets.text import printable

POLICIES: dict[Policy, str] = {
    "best": "best fit",
    "first": "first fit",
    "next": "next fit",
    "worst": "worst fit",
}
POLICY_RULES: dict[Policy, str] = {
    "best": "the smallest free block that is large enough",
    "first": "the free block of the lowest address that is large enough",
    "next": "the next free block that is large enough, from where the last search ended",
    "worst": "the largest free block there is",
}
STATES: dict[BlockState, str] = {
    "used": "in use",
    "cached": "freed, and kept by a thread for its next request of that size",
    "free": "free",
    "meta": "the allocator's own",
}
CELLS = {
    "u": "in use",
    "c": "cached",
    "f": "free",
    "s": "free slots of a slab",
    "m": "the allocator's own",
    "g": "free, and given back to the kernel",
}
"""What the letters of a map's cells stand for."""
SEGMENTS = {"slabs": "slabs", "arena": "arena", "huge": "huge block"}
COMMAND = 32  # characters of a command that are shown
WITHOUT = (
    "This container was started without --heap, so its programs use their own malloc. "
    "`heliostui run --heap …` starts one with ours, or Heap in the dialog of a new container (n)."
)


# --- whose heap ---


def options_words(options: HeapOptions) -> str:
    """How an allocator works: "first fit, no slabs, check"."""
    parts = [POLICIES[options.policy]]
    parts += [word for word, on in (("no slabs", not options.slabs), ("no caches", not options.cache)) if on]
    return ", ".join([*parts, "check"] if options.check else parts)


def process_name(process: HeapProcess) -> str:
    """A process in few cells."""
    command = " ".join(printable(process.command).split())
    return f"{command if len(command) <= COMMAND else command[: COMMAND - 1] + '…'} ({process.pid or process.host_pid})"


def process_words(process: HeapProcess) -> str:
    """A process as a list of them shows it."""
    words = process_name(process)
    if process.reason:
        return f"{words}  {process.reason}"
    return f"{words}  {size_text(process.used)} used of {size_text(process.mapped)}"


def with_heap(processes: Sequence[HeapProcess]) -> list[HeapProcess]:
    return [process for process in processes if not process.reason]


def no_heap_words(name: str, asked_for: bool, processes: Sequence[HeapProcess]) -> str:
    """Why none of a running container's processes has a heap to look at. `asked_for`: it was started with --heap."""
    if not asked_for:
        return WITHOUT
    if not processes:
        return f"{name} was started with --heap, but has no process now."
    listed = "\n".join(f"  {process_words(process)}" for process in processes[:20])
    return f"{name} was started with --heap, but none of its processes has a heap of ours:\n\n{listed}"


# --- sums ---


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def totals_words(totals: HeapTotals, *, brief: bool = False) -> str:
    """The sums in one line, what matters most first."""
    if brief:
        return (
            f"{size_text(totals.used)} in use of {size_text(totals.mapped)} · "
            f"fragmentation {percent(totals.external_fragmentation)}, inside {percent(totals.internal_fragmentation)}"
        )
    free = f"{size_text(totals.free)} free"
    if totals.free_blocks:
        free += f" (largest {size_text(totals.largest_free)})"
    return " · ".join(
        (
            f"{size_text(totals.mapped)} mapped",
            f"{size_text(totals.used)} in use",
            f"{size_text(totals.cached)} cached",
            free,
            f"fragmentation {percent(totals.external_fragmentation)} outside, "
            f"{percent(totals.internal_fragmentation)} inside",
        )
    )


def totals_rows(totals: HeapTotals, before: HeapTotals | None, seconds: float) -> list[tuple[str, str]]:
    """The sums as names and values; rates against what they were `seconds` before."""
    rows = [
        ("mapped", f"{size_text(totals.mapped)}, {size_text(totals.resident)} in memory"),
        ("in use", f"{size_text(totals.used)} by {totals.used_count:,} ({size_text(totals.requested)} asked)"),
        ("cached", f"{size_text(totals.cached)} by threads"),
        ("free", f"{size_text(totals.free)}, largest of {totals.free_count:,}: {size_text(totals.largest_free)}"),
        ("its own", size_text(totals.meta)),
        ("outside", f"{percent(totals.external_fragmentation)} of free bytes not in one block"),
        ("inside", f"{percent(totals.internal_fragmentation)} of used bytes not asked for"),
    ]
    for words, name in (("allocated", "allocations"), ("freed", "frees")):
        if name in totals.counters:
            count = totals.counters[name]
            rate = ""
            if before is not None and seconds > 0:
                rate = f", {max(0, count - before.counters.get(name, count)) / seconds:,.0f} a second"
            rows.append((words, f"{count:,}{rate}"))
    return rows


# --- what the cursor is on ---


class Cursor(NamedTuple):
    """What is said of the block under the cursor: itself, and what is around it."""

    block: str
    around: str


def cursor_words(map: HeapMap | None, address: int | None) -> Cursor:
    """`map` None: nothing is known of what is at the address."""
    if map is None or map.cursor is None:
        return Cursor("" if address is None else f"{address:#x}", "")
    block = map.cursor
    return Cursor(block_words(block), around_words(block, map.before, map.after))


def block_words(block: HeapBlock) -> str:
    """One block: "0x7f… · #3 · block of 208 bytes, 200 asked for · in use"."""
    what = {"block": "block", "slot": "slot", "huge": "huge block"}[block.kind]
    if block.state == "meta":
        what = "part"
    elif is_slab(block):
        what = "slab"
    asked = f", {block.requested:,} asked for" if block.requested is not None and block.state == "used" else ""
    parts = [block.address]
    if block.number is not None:
        parts.append(f"#{block.number}")
    parts += [f"{what} of {block.size:,} bytes{asked}", STATES[block.state]]
    if block.bin is not None:
        parts.append(place_words(block.bin, block.bin_position))
    return " · ".join(parts)


def is_slab(block: HeapBlock) -> bool:
    """Is it a whole one that is free, for slots of any size?"""
    return block.kind == "slot" and block.state == "free" and block.size_class is None


def place_words(bin: int, position: int | None) -> str:
    """Where a free block is listed."""
    if position is None:
        return f"in bin {bin}"
    return f"the {ordinal(position + 1)} in bin {bin}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def around_words(block: HeapBlock, before: HeapBlock | None, after: HeapBlock | None) -> str:
    """Where a block is, and what lies beside it."""
    if block.kind == "huge":
        return f"It has a segment of its own, at {block.segment}."
    parts = []
    if is_slab(block):
        parts.append("without slots as yet")
    elif block.slab is not None and block.size_class is not None:
        parts.append(f"in the slab at {block.slab}, of slots of {block.size_class:,} bytes")
    elif block.slab is not None:
        parts.append(f"what is over of the slab at {block.slab}")
    parts += [
        f"{where}: {f'{each.size:,} bytes {_short(each)}' if each is not None else 'nothing'}"
        for where, each in (("before", before), ("after", after))
    ]
    return " · ".join(parts)


def _short(block: HeapBlock) -> str:
    state = {"used": "in use", "cached": "cached", "free": "free", "meta": "of the allocator's own"}[block.state]
    return f"{state} (#{block.number})" if block.number is not None else state


def segment_words(segment: HeapSegment) -> str:
    """One segment: "arena at 0x7f…: 4 MiB, 1.2 MiB in use by 311 blocks, 2.7 MiB free"."""
    unit = "slot" if segment.kind == "slabs" else "block"
    count = f"{segment.blocks:,} {unit}{'' if segment.blocks == 1 else 's'}"
    return (
        f"{SEGMENTS[segment.kind]} at {segment.address}: {size_text(segment.size)}, "
        f"{size_text(segment.used)} in use by {count}, {size_text(segment.free)} free"
    )


# --- figures ---


def bytes_words(size: int) -> str:
    """A size of a block: exact while that is short, `208`, `4096`, `1.5 MiB`."""
    return f"{size:,}" if size < 100_000 else size_text(size)


def range_words(smallest: int, largest: int) -> str:
    if smallest == largest:
        return bytes_words(smallest)
    return f"{bytes_words(smallest)}–{bytes_words(largest)}"


def thread_lines(threads: Sequence[HeapThread]) -> list[str]:
    return [
        f"{thread.tid}: {thread.slots:,} slots ({size_text(thread.slot_bytes)}), "
        f"{thread.blocks:,} blocks ({size_text(thread.block_bytes)})"
        for thread in threads
    ]


def growth_words(history: Sequence[HeapMoment]) -> str:
    """What the heap did since somebody looks."""
    if len(history) < 2:
        return ""
    seconds = (history[-1].at - history[0].at).total_seconds()
    grown = history[-1].mapped - history[0].mapped
    if not grown:
        return f"as large as {seconds:.0f} s ago"
    return f"{size_text(abs(grown))} {'larger' if grown > 0 else 'smaller'} than {seconds:.0f} s ago"


def event_words(event: HeapEvent) -> str:
    """What the allocator did, as a line of a log."""
    if event.words:
        return event.words
    size = f" {event.size:,}" if event.size else ""
    address = f" {event.address}" if int(event.address, 16) else ""
    return f"{event.kind.replace('_', ' ')}{address}{size}"


# --- playgrounds ---


def playground_title(playground: Playground) -> str:
    return f"{playground.id} · {options_words(playground.options)}"


def playground_words(playground: Playground) -> str:
    """Where a playground is, as a list of them shows it."""
    ended = "  it has ended" if playground.ended else ""
    return f"{playground_title(playground)}  step {playground.step:,} of {playground.steps:,}{ended}"


def operation_words(operation: str) -> str:
    """What an operation asks for, in a sentence's words: "200 bytes", "block #3 back"."""
    word, *rest = operation.split()
    if not all(each.removeprefix("#").isdecimal() for each in rest):
        return operation
    match word, rest:
        case "alloc", [size]:
            return f"{int(size):,} bytes"
        case "calloc", [count, size]:
            return f"{int(count):,} times {int(size):,} zero bytes"
        case "memalign", [align, size]:
            return f"{int(size):,} bytes at a multiple of {int(align):,}"
        case "realloc", [block, size]:
            return f"{int(size):,} bytes for what is in {block}"
        case "free", [block]:
            return f"{block} back"
    return operation


def allocates(operation: str) -> bool:
    """Whether an operation takes a block."""
    return operation.split(" ", 1)[0] in ("alloc", "calloc", "memalign", "realloc")


def compared(one: HeapTotals, other: HeapTotals) -> list[tuple[str, str, str, int]]:
    """Figures of two heaps: name, both values, and which is the better one: -1 the first, 1 the other, 0 neither."""
    rows: list[tuple[str, str, str, int]] = []
    for name, values, text, less in (
        ("mapped", (one.mapped, other.mapped), size_text, True),
        ("in use", (one.used, other.used), size_text, True),
        ("free", (one.free, other.free), size_text, True),
        ("largest", (one.largest_free, other.largest_free), size_text, False),
        ("blocks", (one.free_count, other.free_count), _count, True),
        ("fragmentation", (one.external_fragmentation, other.external_fragmentation), percent, True),
    ):
        first, second = values
        better = 0 if first == second else -1 if (first < second) == less else 1
        rows.append((name, text(first), text(second), better))
    return rows


def _count(number: float) -> str:
    return f"{number:,.0f}"
