"""What the mouse does on a terminal: it is the program's where that asked for it, else it selects, and opens links.

Shift makes it ours in any case, as in every terminal. Imports keys, passage and selection; knows the view it works for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer

from engine.terminal import Terminal

from .keys import encode_key, encode_mouse
from .passage import Place
from .selection import Unit, select

if TYPE_CHECKING:
    from .terminal import TerminalView

WHEEL_LINES = 3
ALTERNATE_SCROLL = 1007  # the mode in which the wheel is arrow keys on the alternate screen; set unless reset
DOUBLE_CLICK = 0.4  # seconds between two clicks that belong together
SCROLL_PERIOD = 0.05  # seconds between two steps while one drags past an edge
_WHEEL = {
    events.MouseScrollUp: 64,
    events.MouseScrollDown: 65,
    events.MouseScrollLeft: 66,
    events.MouseScrollRight: 67,
}


class Pointer:
    """The mouse over one view."""

    def __init__(self, view: TerminalView) -> None:
        self._view = view
        self._reported: tuple[int, int, int] | None = None
        self._pressed = 0
        self._anchor: Place | None = None
        self._unit = Unit.CHARACTER
        self._block = False
        self._clicked: tuple[float, Place] | None = None
        self._clicks = 0
        self._overshoot = 0
        self._column = 0
        self._scrolling: Timer | None = None

    @property
    def dragging(self) -> bool:
        return self._anchor is not None

    def forget(self) -> None:
        """The terminal is another one."""
        self._anchor = self._clicked = self._reported = None
        self._pressed = 0
        self._stop_scrolling()

    # To the program

    def _is_programs(self, event: events.MouseEvent, terminal: Terminal) -> bool:
        return terminal.mouse > 0 and not event.shift and not self._view.scrolled_back and not self._view.reading

    def _report(self, event: events.MouseEvent, terminal: Terminal, button: int, pressed: bool) -> None:
        x, y = self._view.cell_at(event)
        x, y = max(0, min(x, terminal.columns - 1)), max(0, min(y, terminal.lines - 1))
        if button & 32 and (button, x, y) == self._reported:  # still on the same cell
            return
        self._reported = button, x, y
        if terminal.mouse != 9:
            button += 8 * event.meta + 16 * event.ctrl
        self._view.send(encode_mouse(button, x, y, pressed, terminal.mouse_encoding))

    def wheel(self, event: events.MouseEvent) -> None:
        """To the program when it asked for the mouse; as arrow keys to any other on the alternate screen (as most
        terminals do, so that less scrolls); else through the scrollback."""
        terminal = self._view.terminal
        if terminal is None:
            return
        button = _WHEEL[type(event)]
        event.stop()
        event.prevent_default()
        if self._is_programs(event, terminal):
            if terminal.mouse != 9:
                self._report(event, terminal, button, True)
        elif button in (64, 65):
            up = button == 64
            if terminal.alternate and ALTERNATE_SCROLL in terminal.modes:
                key = encode_key("up" if up else "down", None, terminal.application_cursor_keys)
                self._view.send(key * WHEEL_LINES)
            elif not terminal.alternate:
                self._view.scroll_back(WHEEL_LINES if up else -WHEEL_LINES)

    def down(self, event: events.MouseDown) -> None:
        terminal = self._view.terminal
        if terminal is None:
            return
        event.stop()
        if self._is_programs(event, terminal):
            self._view.capture_mouse()
            self._pressed = event.button
            self._report(event, terminal, event.button - 1, True)
        elif event.button == 1:
            self._begin(event, terminal)

    def move(self, event: events.MouseMove) -> None:
        terminal = self._view.terminal
        if terminal is None:
            return
        if self._anchor is not None:
            self._drag(event)
        elif self._is_programs(event, terminal):
            event.stop()
            self._view.hover(None)
            if terminal.mouse == 1003 or (terminal.mouse == 1002 and self._pressed):
                self._report(event, terminal, 32 + (self._pressed - 1 if self._pressed else 3), True)
        else:
            self._view.hover(self._view.place_at(event))

    def up(self, event: events.MouseUp) -> None:
        terminal = self._view.terminal
        self._view.release_mouse()
        self._stop_scrolling()
        if terminal is None:
            return
        if self._anchor is not None:
            event.stop()
            self._anchor = None
            self._view.copy_selection()
        elif self._pressed:
            event.stop()
            button, self._pressed = self._pressed, 0
            if terminal.mouse not in (0, 9):
                self._report(event, terminal, button - 1, False)

    # Selecting

    def _begin(self, event: events.MouseDown, terminal: Terminal) -> None:
        view, place = self._view, self._view.place_at(event)
        if event.ctrl and view.open_link(place):
            return
        again = self._clicked is not None and event.time - self._clicked[0] < DOUBLE_CLICK and self._clicked[1] == place
        self._clicks = self._clicks % 3 + 1 if again else 1
        self._clicked = event.time, place
        view.capture_mouse()
        selection = view.selection
        if event.shift and selection is not None and not terminal.mouse and not again:
            self._anchor, self._unit, self._block = selection.anchor, selection.unit, selection.block
            view.selection = select(terminal, self._anchor, place, self._unit, block=self._block)
            return
        self._anchor, self._unit, self._block = place, Unit(self._clicks), event.meta
        whole = self._unit is not Unit.CHARACTER
        view.selection = select(terminal, place, place, self._unit, block=self._block) if whole else None

    def _drag(self, event: events.MouseMove) -> None:
        event.stop()
        x, y = self._view.cell_at(event)
        height = self._view.content_size.height
        self._column = x
        self._overshoot = y if y < 0 else max(0, y - height + 1)
        if self._overshoot and self._scrolling is None:
            self._scrolling = self._view.set_interval(SCROLL_PERIOD, self._scroll)
        elif not self._overshoot:
            self._stop_scrolling()
        self._extend(self._view.place(x, y))

    def _extend(self, head: Place) -> None:
        terminal = self._view.terminal
        if terminal is not None and self._anchor is not None:
            if head == self._anchor and self._unit is Unit.CHARACTER and self._view.selection is None:
                return
            self._view.selection = select(terminal, self._anchor, head, self._unit, block=self._block)

    def _scroll(self) -> None:
        """One step further past the edge, the larger the farther out the mouse is."""
        self._view.scroll_back(-self._overshoot)
        self._extend(self._view.place(self._column, 0 if self._overshoot < 0 else self._view.content_size.height - 1))

    def _stop_scrolling(self) -> None:
        if self._scrolling is not None:
            self._scrolling.stop()
            self._scrolling = None
