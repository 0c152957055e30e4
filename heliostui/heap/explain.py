"""Where the figures of a heap come from: which calls read them, and the arithmetic with its numbers.

Imports the protocol, network.explain's `Told` and words.
"""

from __future__ import annotations

from engine.protocol.heap import HeapBlock, HeapMap, HeapProcess, HeapTotals
from engine.protocol.quantities import size_text
from heliostui.heap.words import block_words, is_slab, percent
from heliostui.network.explain import Told

HEADER = 16
"""Bytes of a block's header, which lies just before what the program was given (layout.h: struct block)."""


def explained(map: HeapMap, block: HeapBlock | None, process: HeapProcess | None) -> Told:
    """What is known of a block, where there is one, and what the sums are made of."""
    pid = process.host_pid if process is not None else None
    sentences = [*(_about(block) if block else ()), _reading(map, pid), *_sums(map.totals)]
    return Told("Where that comes from", tuple(sentences), _commands(pid, block))


def _sums(totals: HeapTotals) -> list[str]:
    return [
        f"In use, {size_text(totals.used)}: the sizes in the headers of all {totals.used_count:,} blocks and slots in "
        "use, headers and rests with them. "
        f"Asked for, {size_text(totals.requested)}: what the program wrote into its calls of malloc for them.",
        _inside(totals),
        _outside(totals),
        f"Cached, {size_text(totals.cached)}: the program has freed it, and a thread keeps it for its next request of "
        f"that size. Free, {size_text(totals.free)}: the free slots of slabs, and free blocks, "
        f"{totals.free_count:,} with {size_text(totals.free_blocks)} in all.",
        f"Mapped, {size_text(totals.mapped)}: what mmap(2) gave for its segments, with {size_text(totals.meta)} of "
        f"the allocator's own in them. In memory, {size_text(totals.resident)}: pages that were touched and not given "
        "back since.",
    ]


def _about(block: HeapBlock) -> list[str]:
    """What is known of a block, and how."""
    sentences = [f"{block_words(block)}.", *_of_kind(block)]
    if block.state == "free" and block.kind == "block":
        sentences.append(
            "A free block has the addresses of the next and of the previous one of its list where the program's data "
            "was, and its size once more in its last 8 bytes: by that its right neighbour finds its beginning when it "
            "is freed, and both become one."
        )
    return sentences


def _of_kind(block: HeapBlock) -> list[str]:
    if block.state == "meta":
        return [_own(block)]
    match block.kind:
        case "slot" if is_slab(block):
            return ["A slab of 64 KiB that has no slots: a bit in the segment's header says that any size may take it."]
        case "slot":
            return [
                f"A slot of a slab has no header: its slab, at {block.slab}, is an array of slots of "
                f"{block.size_class:,} bytes, and the segment's first pages have a byte for the state of "
                "each, and a bitmap of those that are free."
            ]
        case "huge":
            return [
                "It has a segment of its own, whose header says how much was asked for; free gives it to munmap(2)."
            ]
        case "block":
            return [
                f"Its header is the {HEADER} bytes from {block.start} on: a word with its size, its state and a "
                "checksum, which is keyed by a number that only this process knows, and the bytes that were asked for.",
                "Where blocks begin, and which are in use, is also in two bitmaps of the arena, a bit for each 64 "
                "bytes: all blocks are found by reading those, without following a list.",
            ]


def _own(block: HeapBlock) -> str:
    """What a part of the allocator's own is for."""
    if block.slab is not None:
        return "Too little for one more slot is left there at the end of the slab."
    if block.kind == "slot":
        return (
            "A segment of slabs begins with its header, 64 descriptors of slabs, and for each slab a bitmap of its "
            "free slots and a byte for the state of each."
        )
    if block.kind == "huge":
        return "The header of a huge block's segment says where the data begin, and how much was asked for."
    return "An arena begins with its header and two bitmaps, and ends with the header of a block of no size."


def _reading(map: HeapMap, pid: int | None) -> str:
    whose = f"process {pid}" if pid is not None else "the playground's process"
    steady = (
        f"the allocator's sequence number, {map.sequence:,}, was the same before and after: all of it is of one moment"
        if map.consistent
        else "the program went on meanwhile, so parts of it may be of different moments (e asks for an exact one)"
    )
    return (
        f"Read from outside: the root structure was found by its magic number in a mapping that "
        f"/proc/{pid or 'PID'}/maps lists, everything else with process_vm_readv(2) from {whose}, without its help, "
        f"in {map.milliseconds:.1f} ms; {steady}."
    )


def _inside(totals: HeapTotals) -> str:
    return (
        f"Fragmentation inside, {percent(totals.internal_fragmentation)}: 1 - asked for / in use = "
        f"1 - {totals.requested:,} / {totals.used:,} = {totals.internal_fragmentation:.3f}."
    )


def _outside(totals: HeapTotals) -> str:
    if not totals.free_blocks:
        return "Fragmentation outside: there is no free block, so there is none."
    return (
        f"Fragmentation outside, {percent(totals.external_fragmentation)}: 1 - largest free block / all of them = "
        f"1 - {totals.largest_free:,} / {totals.free_blocks:,} = {totals.external_fragmentation:.3f}. "
        "So much of the free bytes can't serve one request for all of them."
    )


def _commands(pid: int | None, block: HeapBlock | None) -> tuple[str, ...]:
    if pid is None:
        return ()
    commands = [f"grep helios-heap /proc/{pid}/maps  # its segments, where the kernel can name mappings"]
    if block is not None and block.kind == "block":
        commands.append(f"xxd -s {block.start} -l {HEADER} /proc/{pid}/mem  # the header of the block")
    return tuple(commands)
