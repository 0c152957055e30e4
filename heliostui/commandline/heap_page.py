"""Heaps as text: figures, the map, free lists, events. `docs/heap.md` explains the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.protocol.heap import (
    HeapBlock,
    HeapCount,
    HeapEvent,
    HeapMap,
    HeapOptions,
    HeapProcess,
    HeapReport,
    HeapRow,
    HeapSegment,
    HeapTotals,
)
from engine.protocol.quantities import size_text
from heliostui.commandline.table import printable, shortened, table

PROCESSES = ("PID", "HOST PID", "HEAP", "USED", "MAPPED", "COMMAND")
BLOCKS = ("#", "ADDRESS", "SIZE", "BIN", "SEGMENT")
BAR = 30  # cells
COMMAND, TITLE = 60, 200  # characters
MOST = 20  # rows of a table in a page
# The cells of a map: letter → character, SGR, what it says.
CELLS = {
    "u": ("█", "32", "in use"),
    "c": ("c", "33", "cached"),
    "f": ("·", "34", "free"),
    "s": ("-", "36", "free slot"),
    "m": ("#", "35", "its own"),
    "g": ("_", "90", "given back"),
}
KINDS = {"block": "block", "slot": "slot", "huge": "huge block"}
STATES = {"used": "in use", "cached": "cached by a thread", "free": "free", "meta": "the allocator's own"}
FILLS = "░░▒▒▒▓▓▓██"  # of a cell in use, by how much of it is
ADDRESS = 16  # characters before a row of cells


def processes(found: Sequence[HeapProcess]) -> str:
    """The list of a container's processes."""
    return table(PROCESSES, [_process(process) for process in found])


def _process(process: HeapProcess) -> tuple[str, ...]:
    command = shortened(printable(process.command), COMMAND)
    pids = str(process.pid) if process.pid else "-", str(process.host_pid)
    if process.reason or process.options is None:
        return (*pids, f"no: {process.reason}", "", "", command)
    return (*pids, options(process.options), size_text(process.used), size_text(process.mapped), command)


def options(asked: HeapOptions) -> str:
    """`best fit`, `first fit, no slabs, check`."""
    words = [f"{asked.policy} fit"]
    words += [f"no {name}" for name, on in (("slabs", asked.slabs), ("caches", asked.cache)) if not on]
    return ", ".join([*words, *(["check"] if asked.check else [])])


def page(report: HeapReport) -> str:
    """All figures."""
    parts = [
        _title(report),
        _totals(report.totals),
        _segments(report.segments),
        _classes(report),
        _bins(report),
        _histogram("SIZES OF ALL BLOCKS AND SLOTS", report.histogram),
        _top_sizes(report.top_sizes),
        _threads(report),
    ]
    if not report.consistent:
        parts.append("The program went on meanwhile: parts may be of different moments (--exact freezes it for one).")
    return "\n\n".join(filter(None, parts))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _title(report: HeapReport) -> str:
    who = report.process
    number = f"process {who.pid} ({who.host_pid} on the host)" if who.pid else f"process {who.host_pid} of the host"
    command = shortened(printable(who.command), TITLE)
    return f"{command}\n{number}, {options(report.options)}, read in {report.milliseconds:.1f} ms"


def _totals(totals: HeapTotals) -> str:
    rows = [
        ("mapped", size_text(totals.mapped), f"{size_text(totals.resident)} of it in memory"),
        ("asked for", size_text(totals.requested), f"in {totals.used_count:,} blocks and slots"),
        ("in use", size_text(totals.used), f"internal fragmentation {percent(totals.internal_fragmentation)}"),
        ("cached", size_text(totals.cached), "by threads, for their next requests"),
        ("free", size_text(totals.free), f"{size_text(totals.free_blocks)} of it in {_blocks(totals.free_count)}"),
        (
            "largest free",
            size_text(totals.largest_free),
            f"external fragmentation {percent(totals.external_fragmentation)}",
        ),
        ("its own", size_text(totals.meta), "what the allocator needs itself"),
    ]
    width = max(len(row[1]) for row in rows)
    lines = [f"{name:<13}{value:>{width}}   {note}" for name, value, note in rows]
    if totals.counters:
        since = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in totals.counters.items() if count)
        lines.append(f"{'so far':<13}{since}")
    return "\n".join(lines)


def _blocks(count: int) -> str:
    return f"{count:,} block{'' if count == 1 else 's'}"


def _segments(segments: Sequence[HeapSegment]) -> str:
    rows = [
        (each.address, each.kind, *map(size_text, (each.size, each.used, each.cached, each.free)), f"{each.blocks:,}")
        for each in segments
    ]
    return _cut(("SEGMENT", "KIND", "SIZE", "USED", "CACHED", "FREE", "BLOCKS"), rows)


def _classes(report: HeapReport) -> str:
    rows = [
        (str(each.size), f"{each.slabs:,}", f"{each.slots:,}", f"{each.used:,}", f"{each.cached:,}", f"{each.free:,}")
        for each in report.classes
    ]
    return table(("SLOT SIZE", "SLABS", "SLOTS", "USED", "CACHED", "FREE"), rows) if rows else ""


def _bins(report: HeapReport) -> str:
    rows = [
        (str(each.index), _range(each.smallest, each.largest), f"{each.count:,}", size_text(each.bytes))
        for each in report.bins
    ]
    return _cut(("FREE LIST", "SIZES", "BLOCKS", "BYTES"), rows)


def _histogram(heading: str, counts: Sequence[HeapCount]) -> str:
    """A bar each for what is in use and what is free, all to one scale."""
    most = max((max(each.used_bytes, each.free_bytes) for each in counts), default=0)
    rows = [
        (
            _range(each.smallest, each.largest),
            f"{each.used:,}",
            f"{each.free:,}",
            _bar(each.used_bytes, most, "█") + _bar(each.free_bytes, most, "░"),
        )
        for each in counts
    ]
    return table((heading, "USED", "FREE", "BYTES USED █ AND FREE ░"), rows) if rows else ""


def _bar(value: int, most: int, cell: str) -> str:
    return cell * (-(-value * BAR // most) if most else 0)


def _top_sizes(counts: Sequence[HeapCount]) -> str:
    rows = [
        (_range(each.smallest, each.largest), f"{each.used:,}", size_text(each.used_bytes)) for each in counts[:MOST]
    ]
    return table(("WHAT TAKES MOST", "COUNT", "BYTES"), rows) if rows else ""


def _threads(report: HeapReport) -> str:
    rows = [
        (str(each.tid), f"{each.slots:,}", size_text(each.slot_bytes), f"{each.blocks:,}", size_text(each.block_bytes))
        for each in report.threads
    ]
    return _cut(("THREAD", "SLOTS KEPT", "BYTES", "BLOCKS KEPT", "BYTES"), rows)


def _cut(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table without its tail, where it is long; nothing where it is empty."""
    if not rows:
        return ""
    left = f"\n… and {len(rows) - MOST:,} more" if len(rows) > MOST else ""
    return table(headings, rows[:MOST]) + left


def _range(smallest: int, largest: int) -> str:
    return f"{smallest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"


# --- the map ---


def picture(drawn: HeapMap, *, colour: bool, at: str | None = None) -> list[str]:
    """What the cells mean, and the rows of a map, each segment under a line of its own; what is at an address."""
    seen = {letter for row in drawn.rows for letter in row.states.lower()}
    legend = [f"{_cell(letter, 9, colour)} {words}" for letter, (_, _, words) in CELLS.items() if letter in seen]
    heading = f"{size_text(drawn.cell)} a cell, rows {_rows(drawn)} of {drawn.all_rows:,}"
    told = [_told(at, drawn.cursor)] if at is not None else []
    return [heading, "  ".join(legend), *told, *_strips(drawn, colour)]


def _told(address: str, block: HeapBlock | None) -> str:
    if block is None:
        return f"{address} is in no block of this heap"
    kind = "part" if block.state == "meta" else KINDS[block.kind]
    if block.kind == "slot" and block.state == "free" and block.size_class is None:
        kind = "slab"
    asked = f", {block.requested:,} asked for" if block.requested is not None and block.state == "used" else ""
    return f"{address} is in a {kind} of {block.size:,} bytes from {block.start} on{asked}: {STATES[block.state]}"


def _rows(drawn: HeapMap) -> str:
    return f"{drawn.first_row + 1:,} to {drawn.first_row + len(drawn.rows):,}" if drawn.rows else "none"


def _strips(drawn: HeapMap, colour: bool) -> Iterator[str]:
    before = -1
    for row in drawn.rows:
        if row.segment != before and row.segment < len(drawn.segments):
            segment = drawn.segments[row.segment]
            yield f"{segment.kind} of {size_text(segment.size)}, {size_text(segment.used)} in use"
        before = row.segment
        yield f"{row.address:>{ADDRESS - 2}}  {_cells(row, colour)}"


def _cells(row: HeapRow, colour: bool) -> str:
    """Cells of one look are one run: as few escape sequences as can be."""
    text, before = "", ""
    for letter, fill in zip(row.states, row.fills, strict=True):
        style = _style(letter)
        if colour and style != before:
            text += f"\x1b[0;{style}m" if style else "\x1b[0m"
            before = style
        text += _character(letter, int(fill) if fill.isdigit() else 9)
    return f"{text}\x1b[0m" if before else text.rstrip()


def _cell(letter: str, fill: int, colour: bool) -> str:
    text = _character(letter, fill)
    return f"\x1b[{_style(letter)}m{text}\x1b[0m" if colour else text


def _style(letter: str) -> str:
    """Where a block begins, it is bright."""
    style = CELLS[letter.lower()][1] if letter.lower() in CELLS else ""
    return f"1;{style}" if letter.isupper() else style


def _character(letter: str, fill: int) -> str:
    if letter in "uU":
        return FILLS[fill]
    return CELLS[letter.lower()][0] if letter.lower() in CELLS else " "


# --- free lists and events ---


def free_list(blocks: Sequence[HeapBlock], skipped: int, count: int) -> str:
    """Blocks in the order in which they would be tried."""
    rows = [
        (
            f"{number:,}",
            block.address,
            f"{block.size:,}",
            f"{block.bin} at {block.bin_position}" if block.bin is not None else "-",
            block.segment,
        )
        for number, block in enumerate(blocks, skipped + 1)
    ]
    left = count - skipped - len(blocks)
    return table(BLOCKS, rows) + (f"\n… and {left:,} more" if left > 0 else "")


def event(happened: HeapEvent) -> str:
    """One line of the log."""
    what = happened.kind.replace("_", " ")
    detail = f"  {printable(happened.words)}" if happened.words else ""
    return (
        f"{happened.number:>10}  {happened.time:.6f}  {happened.thread:>7}  {what:<9}  {happened.address:>14}  "
        f"{happened.size:>10,}{detail}"
    )
