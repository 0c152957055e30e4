"""The bytes of a heap, field by field: name, place, hex, and what that says; data as a dump with its characters.

Takes a `HeapDump` of plain values. Imports heap, line_view and text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import ClassVar

from rich.text import Text
from textual import events

from widgets.heap import HeapDump, HeapField
from widgets.line_view import LineView
from widgets.text import fit, printable

NAME, PLACE = 16, 6  # cells
SHORT = 8  # bytes up to which a field is a number
WIDE, MIDDLE = 92, 52
"""Cells from which on there are 16 bytes a line, and from which on 8; below there are 4, and names have their own."""
MANY = 4
"""From so many equal lines on they are told, not shown."""
_LINKS = ("next", "previous", "first", "end")
_TAGS = ("boundary", "redzone", "magic")


def field_style(name: str) -> str:
    """The component class of a field's colour."""
    words = name.rsplit(": ", 1)[-1]
    if words in ("data", "slot"):
        return "heap--field-data"
    if words == "checksum":
        return "heap--field-checksum"
    if words.startswith(_LINKS):
        return "heap--field-link"
    return "heap--field-tag" if words.startswith(_TAGS) else "heap--field-header"


@dataclass(frozen=True)
class DumpLine:
    """A line of the dump. `place`: the offset it tells; `raw`: the bytes it shows; `words`: what follows them. Without
    all of these it is the border of a block."""

    style: str
    name: str = ""
    place: int | None = None
    raw: bytes = b""
    words: str = ""


def dump_lines(dump: HeapDump, per: int, room: int) -> Iterator[DumpLine]:
    """The lines, with `per` bytes each; bytes that no field has are there without a name. What a field says follows its
    bytes, or with less than eight of them its name, where it fits into `room` cells; else it has its own line."""
    at = 0
    for field in sorted(dump.fields, key=lambda each: each.offset):
        start, end = max(field.offset, at), min(field.offset + field.size, len(dump.data))
        if start >= end:
            continue
        if start > at:
            yield from _rows(at, dump.data[at:start], per, "heap--muted")
        if at and field.name == "size and flags":
            yield DumpLine("heap--rule")
        yield from _field(field, start, dump.data[start:end], per, room)
        at = end
    if at < len(dump.data):
        yield from _rows(at, dump.data[at:], per, "heap--muted")


def _field(field: HeapField, place: int, data: bytes, per: int, room: int) -> Iterator[DumpLine]:
    style, words = field_style(field.name), printable(field.value)
    if per >= SHORT >= len(data) and len(words) <= room:
        yield DumpLine(style, field.name, place, data, words)
    elif per < SHORT and len(field.name) + len(words) >= room:
        yield DumpLine(style, field.name, place)
        yield DumpLine(style, words=words)
        yield from _rows(place, data, per, style)
    else:
        yield DumpLine(style, field.name, place, words=words)
        yield from _rows(place, data, per, style)


def _rows(place: int, data: bytes, per: int, style: str) -> Iterator[DumpLine]:
    """Bytes with their characters; many equal rows are one."""
    for _, run in groupby(data[n : n + per] for n in range(0, len(data), per)):
        rows = list(run)
        shown = rows if len(rows) < MANY else rows[:1]
        for row in shown:
            yield DumpLine(style, "", place, row, _characters(row) if len(data) > SHORT else "")
            place += len(row)
        if len(shown) < len(rows):
            rest = sum(map(len, rows[1:]))
            yield DumpLine(style, words=f"⋮ {rest:,} bytes more of the same")
            place += rest


def _characters(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data)


class HeapBytesView(LineView):
    """The dump, as many bytes a line as there is room for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heap--muted",
        "heap--rule",
        "heap--heading",
        *(f"heap--field-{name}" for name in ("header", "checksum", "link", "tag", "data")),
    }

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._dump: HeapDump | None = None
        self._lines: list[DumpLine] = []

    def show(self, dump: HeapDump | None) -> None:
        """Show these from now on; None: nothing."""
        elsewhere = dump is None or self._dump is None or dump.address != self._dump.address
        self._dump = dump
        self._lay_out(elsewhere)

    def _lay_out(self, elsewhere: bool) -> None:
        per = self.per_line
        room = self.scrollable_size.width - (NAME + PLACE + 3 * SHORT + 4 if per >= SHORT else 3)
        before, self._lines = self._lines, list(dump_lines(self._dump, per, room)) if self._dump else []
        if elsewhere:
            self.reset_lines()
        elif before != self._lines:
            pairs = zip(before, self._lines, strict=False)
            self.lines_changed(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)), redraw=True)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._lay_out(False)
        self.restyle()

    @property
    def per_line(self) -> int:
        """Bytes in a line."""
        width = self.scrollable_size.width
        return 16 if width >= WIDE else 8 if width >= MIDDLE else 4

    # --- what LineView asks for ---

    def line_count(self) -> int:
        return len(self._lines)

    def line_text(self, index: int) -> str:
        return self._drawn(index).plain

    def line_styled(self, index: int) -> Text:
        return self._drawn(index)

    def _drawn(self, index: int) -> Text:
        line, per = self._lines[index], self.per_line
        muted = self.get_component_rich_style("heap--muted", partial=True)
        style = self.get_component_rich_style(line.style, partial=True)
        text = Text(end="", no_wrap=True)
        if line.style == "heap--rule":
            return text.append("─" * max(0, self.size.width - 2), style)
        text.append("▍", style)
        place = "" if line.place is None else f"{line.place:+d}"
        if per >= SHORT:
            text.append(fit(line.name, NAME) + " ", style).append(fit(place, PLACE), muted)
        else:
            text.append(f"{line.name} " if line.name else fit(place, PLACE), style if line.name else muted)
        for byte in line.raw:
            text.append(f"{byte:02x} ", style if byte else muted)
        if line.raw:
            text.append("   " * ((SHORT if line.name else per) - len(line.raw)))
        return text.append(line.words, muted if line.raw and not line.name else "")
