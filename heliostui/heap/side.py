"""One playground on the screen: which it is, its map, and what its last operation did. Imports face and words."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.protocol.heap import HeapTarget, Playground
from heliostui.heap.face import HeapFace
from heliostui.heap.words import playground_title
from heliostui.link import Link

GRANULE = 64
"""Bytes of a cell at first: blocks begin and end at such (layout.h: GRANULE)."""
LOW, TALL = 14, 26  # lines below which, and from which on, the words have fewer or more of them
HINT = "Nothing was done yet: type `alloc 2000` below (i), or take a trace (t)."
READY = "Space does the next operation, backspace takes it back; r does one after the other."


class Side(Vertical):
    """A playground. There may be two of them, with the same operations and other policies."""

    def __init__(self, link: Link, *, id: str) -> None:
        super().__init__(id=id, classes="play-side")
        self.playground: Playground | None = None
        self._fresh = True
        self._address: int | None = None  # that is to be looked at
        self.face = HeapFace(link)
        self._words = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self.face
        with VerticalScroll(classes="play-words", can_focus=False):
            yield self._words

    def on_resize(self) -> None:
        """The words have a height of their own, so that the map keeps its."""
        self.face.set_class(self.size.height < LOW, "-low")
        self.set_class(self.size.height < LOW, "-low")
        self.set_class(self.size.height >= TALL, "-tall")

    def show(self, playground: Playground | None) -> None:
        """Show this one from now on, or what has become of it; None: none."""
        before, self.playground = self.playground, playground
        self.display = playground is not None
        if playground is None:
            self.face.stop()
            return
        if before is None or before.id != playground.id:
            self._fresh = True
            self.face.follow(HeapTarget(playground=playground.id), period=None)
        elif before != playground and self.face.watching is not None:
            self.face.watching.again()
        if before != playground:
            self._address = _address(playground)
        self.border_title = Content(playground_title(playground))
        self.set_class(bool(playground.ended), "-ended")
        self._words.update(_words(playground))

    @on(HeapFace.Seen)
    def _seen(self) -> None:
        """Look at the block that the last operation was about, once it is on the map; at first close to it: most of a
        playground's first segment is one free block."""
        map, address = self.face.map, self._address
        if map is None or not map.segments:
            return
        if self._fresh:
            self._fresh = False
            self.face.view.zoom(GRANULE)
        if address is not None and any(0 <= address - int(each.address, 16) < each.size for each in map.segments):
            self._address = None
            self.face.view.go_to(address)

    def rest(self) -> None:
        """Ask no more."""
        self.face.stop()


def _words(playground: Playground) -> str:
    """What the last operation did, a sentence a line."""
    if playground.ended:
        return f"{playground.ended}\nThe program has ended; a step back (backspace) mends it."
    last = playground.last
    if last is None or playground.step == 0:
        return READY if playground.steps else HINT
    answer = f"{last.operation} → {last.address}" if last.address else last.operation
    return "\n".join([f"{answer}{f' = #{last.block}' if last.block and last.address else ''}", *last.words])


def _address(playground: Playground) -> int | None:
    """The address that the last operation was about; None: none that is on the map."""
    last = playground.last
    if last is None or playground.ended:
        return None
    own = (event.address for event in last.events if event.kind in ("alloc", "free", "realloc"))
    return int(last.address or next(own, "0"), 16) or None
