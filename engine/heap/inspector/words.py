"""What the allocator did, in words. Imports the layout and the protocol, no numpy: playgrounds say the same.

What `size` and `detail` of an event are is said in allocator/layout.h, at `enum heap_event_kind`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from msgspec.structs import replace

from engine.heap import bins, layout
from engine.protocol.heap import EventKind, HeapEvent, Policy

KINDS: dict[int, EventKind] = dict(enumerate(get_args(EventKind), 1))
"""By their numbers in the ring: the protocol has them in the same order."""

_SEGMENTS = {int(layout.SegmentKind.SLABS): "slabs", int(layout.SegmentKind.ARENA): "blocks"}
_SEGMENTS[int(layout.SegmentKind.HUGE)] = "one huge block"


def told(events: Iterable[HeapEvent], policy: Policy) -> list[HeapEvent]:
    """The same with `words`. What an event means may depend on the one before of the same thread."""
    last: dict[int, int] = {}  # by thread: the header of the block that is being freed
    found = []
    for event in events:
        found.append(replace(event, words=sentence(event, policy, last.get(event.thread))))
        if event.kind == "free":
            last[event.thread] = int(event.address, 16) - layout.BLOCK_HEADER
        elif event.kind in ("coalesce", "split"):
            last[event.thread] = int(event.address, 16)
        elif event.kind == "alloc":
            last.pop(event.thread, None)
    return found


def sentence(event: HeapEvent, policy: Policy, freed: int | None = None) -> str:
    """`freed`: the header of the block that this thread is giving back, if it is known."""
    size, detail, at = bytes_of(event.size), event.detail, event.address
    none = int(at, 16) == 0
    match event.kind:
        case "alloc":
            return f"asked for {size}: there is none" if none else f"asked for {size}: gets {at}"
        case "free":
            return f"gave {at} back, room for {size}"
        case "realloc":
            return f"{detail:#x} is now {size}" + (" at the same place" if int(at, 16) == detail else f" at {at}")
        case "search":
            return _search(event, policy, none)
        case "split":
            taken = f"{bytes_of(detail)} taken and {size} left" if detail else f"{size} before it stay"
            return f"split: {taken} as a free block at {at}"
        case "coalesce":
            where = "a free neighbour" if freed is None else _side(int(at, 16), freed)
            return f"joined with {where} of {bytes_of(detail)}: a free block of {size} at {at}"
        case "map":
            return f"got {size} from the kernel at {at}, for {_SEGMENTS.get(detail, 'itself')}"
        case "unmap":
            return f"gave {size} at {at} back to the kernel"
        case "purge":
            return f"gave the memory of {size} at {at} back to the kernel; the addresses stay its own"
        case "slab_new":
            return f"made a slab of {detail:,} slots of {size} each at {at}"
        case "slab_drop":
            return f"gave the slab at {at} up: all its slots of {size} are free"
        case "refill":
            return f"moved {detail} slots of {size} from a slab to the thread's cache"
        case "flush" if event.size:
            return f"moved {detail} slots of {size} from the thread's cache back to their slabs"
        case "flush":
            return f"moved {detail} blocks from the thread's cache back to the arenas"
        case "cache_hit":
            return f"took a {'slot' if detail == 1 else 'block'} of {size} at {at} from the thread's cache"


def _side(whole: int, freed: int) -> str:
    return "the free block behind it" if whole == freed else "the free block before it"


def _search(event: HeapEvent, policy: Policy, none: bool) -> str:
    first, found = event.detail >> 32, event.detail & 0xFFFFFFFF
    begin = f"{policy} fit for {bytes_of(event.size)}:"
    if none:
        return f"{begin} no free block is large enough"
    if policy != "best":
        return f"{begin} the block at {event.address} in bin {found} ({bin_words(found)})"
    if first == found:
        return f"{begin} bin {found} has {bin_words(found)} at {event.address}"
    empty = f"bin {first} is" if found == first + 1 else f"bins {first} to {found - 1} are"
    return f"{begin} {empty} empty, bin {found} has {bin_words(found)} at {event.address}"


def bin_words(index: int) -> str:
    """Of what sizes its blocks are."""
    if index < layout.EXACT_BINS:
        return bytes_of(index * layout.GRANULE)
    return f"one of {bytes_of(bins.sizes_of(index)[0])} or more"


def bytes_of(size: int) -> str:
    """As people read it; exact."""
    for shift, unit, smallest in ((30, "GiB", 1 << 30), (20, "MiB", 1 << 20), (10, "KiB", 1 << 14)):
        if size >= smallest and not size & ((1 << shift) - 1):
            return f"{size >> shift:,} {unit}"
    return "1 byte" if size == 1 else f"{size:,} bytes"
