"""The map of a heap: its segments as strips of cells, coloured by what is in them, with a cursor.

Takes `HeapPicture`s of plain values; says by messages which picture it would like next. Imports heap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from widgets.heap import FreeTrail, HeapBlock, HeapPicture, HeapWish


class HeapMapView(ScrollView, can_focus=True):
    """The map. `wish` is what it would show; the pane asks for it as often as it likes, at once on `ViewWanted`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heap--text"}

    cursor: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The address that is looked at."""

    @dataclass
    class ViewWanted(Message):
        """Another picture than the one that is shown is wished for: `view.wish`."""

        view: HeapMapView

    @dataclass
    class CursorMoved(Message):
        """The cursor is at another address, or what is there changed. `block`: None while that is not known."""

        view: HeapMapView
        address: int | None
        block: HeapBlock | None

    @dataclass
    class Hovered(Message):
        """The mouse is over a cell of `size` bytes from `address` on; None: no more. `state` and `fill` as of a row."""

        view: HeapMapView
        address: int | None
        size: int = 0
        state: str = " "
        fill: int = 0

    @dataclass
    class FreeListWanted(Message):
        """The free list `bin`, or (`beyond` 1, -1) the one with blocks after or before it; None: the first one. From
        place `skip` on. To be answered by `show_trail`."""

        view: HeapMapView
        bin: int | None
        beyond: Literal[-1, 0, 1] = 0
        skip: int = 0

    @dataclass
    class Chosen(Message):
        """Enter, or a double click: the bytes of what is there."""

        view: HeapMapView
        address: int

    @property
    def wish(self) -> HeapWish:
        """The picture that it would show."""
        raise NotImplementedError

    @property
    def block(self) -> HeapBlock | None:
        """The block under the cursor, as far as it is known."""
        raise NotImplementedError

    def show(self, picture: HeapPicture) -> None:
        """Show this from now on. Cells that differ flash."""
        raise NotImplementedError

    def show_trail(self, trail: FreeTrail | None) -> None:
        """Show the blocks of a free list as a trail, and go on in it if that was asked for."""
        raise NotImplementedError

    def go_to(self, address: int) -> None:
        """Put the cursor there, in sight."""
        raise NotImplementedError

    def mark(self, start: int | None, size: int = 0) -> None:
        """Mark a span, as that of a block that is about to be taken; None: nothing."""
        raise NotImplementedError
