"""The structures of `layout` as numpy's record types."""

from __future__ import annotations

import numpy as np

from engine.heap import layout


def record(struct: type[layout.Struct]) -> np.dtype[np.void]:
    """Field by field at the same places."""
    fields = struct.fields()
    formats = [_format(field) for field in fields.values()]
    offsets = [field.offset for field in fields.values()]
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": struct.SIZE})


def _format(field: layout.Field) -> object:
    one = record(getattr(layout, field.struct)) if field.struct else np.dtype(f"<{field.code}")
    return (one, (field.elements,)) if field.elements > 1 else one


ROOT = record(layout.HeapRoot)
BINS = record(layout.HeapBins)
SEGMENT = record(layout.Segment)
ENTRY = record(layout.SegmentEntry)
SLAB = record(layout.Slab)
THREAD = record(layout.ThreadCache)
FREE_BLOCK = record(layout.FreeBlock)
EVENT = record(layout.HeapEvent)
