"""Finds the root of a heap: at the start of a page, in data of a library that a program has loaded."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from engine.errors import EngineError
from engine.heap import layout
from engine.heap.inspector.memory import Memory, Unreadable, refusal
from engine.heap.inspector.target import Mapping, Target
from engine.protocol.messages import ErrorCode

PAGE = 4096
MOST_PAGES = 256  # of one mapping
MOST_PLACES = 65_536  # of all
_HEAD = struct.Struct("<QIIQ")  # magic, version, size, self: never anywhere else


def find(target: Target, memory: Memory) -> int:
    """The root's address. Raises EngineError, which says why there is none."""
    try:
        places = _candidates(target.mappings())
    except PermissionError:
        target.check()
        sentence = f"The memory of process {target.pid} may not be read: {refusal()}."
        raise EngineError(ErrorCode.UNSUPPORTED, sentence) from None
    found, foreign = _search(memory, places)
    if found:
        return found
    target.check()
    raise EngineError(
        ErrorCode.NO_HEAP, f"Process {target.pid} has no heap of ours: {_why(target, bool(len(places)), foreign)}."
    )


def is_there(memory: Memory, address: int) -> bool:
    """Whether a root that was found before is still there: another program may have been executed."""
    try:
        head = memory.read(address, _HEAD.size)
    except Unreadable:
        return False
    return _version(head, address) == layout.LAYOUT_VERSION


def _candidates(mappings: Iterable[Mapping]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Starts of writable pages of libraries, ours first."""
    found = [each for each in mappings if each.permissions.startswith("rw-p") and each.path.startswith("/")]
    found.sort(key=lambda each: "heap" not in each.path)
    pages = [
        np.arange(each.start, min(each.end, each.start + MOST_PAGES * PAGE), PAGE, dtype=np.uint64)
        for each in found[:MOST_PLACES]
    ]
    return np.concatenate(pages)[:MOST_PLACES] if pages else np.zeros(0, np.uint64)


def _search(memory: Memory, places: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> tuple[int, int | None]:
    """The address of the root, or 0 and the version of one that isn't for us."""
    foreign = None
    for start in range(0, len(places), 1024):
        some = places[start : start + 1024]
        data, _ = memory.gather(some, np.full(len(some), _HEAD.size, np.int64))
        heads = data.reshape(-1, _HEAD.size)
        magic = np.frombuffer(layout.ROOT_MAGIC.to_bytes(8, "little"), np.uint8)
        for index in np.flatnonzero((heads[:, :8] == magic).all(axis=1)).tolist():
            version = _version(heads[index].tobytes(), int(some[index]))
            if version == layout.LAYOUT_VERSION:
                return int(some[index]), None
            foreign = version if version is not None else foreign
    return 0, foreign


def _version(head: bytes, address: int) -> int | None:
    """None: no root. A copy of one elsewhere is none: the root knows its own address."""
    magic, version, size, own = _HEAD.unpack(head)
    if magic != layout.ROOT_MAGIC or (
        version == layout.LAYOUT_VERSION and (own, size) != (address, layout.HeapRoot.SIZE)
    ):
        return None
    return int(version)


def _why(target: Target, dynamic: bool, foreign: int | None) -> str:
    if foreign is not None:
        return (
            f"its heap is of version {foreign}, and this engine reads version {layout.LAYOUT_VERSION}: "
            "it was started by another version of heliostui. Start it again"
        )
    if unsuited := target.cannot_be_preloaded():
        return unsuited
    if target.wanted():
        return "it was to have one, but the library is not in it: it has only just begun, or wrote why not"
    if not dynamic:
        return "it has no memory of a program (a zombie, or a part of the kernel)"
    return "it was started without --heap"
