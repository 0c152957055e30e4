"""Modes: what programs switch on and off, what that does to the screen, and what is answered about it.

The modes that concern the screen (origin, autowrap, margins, buffers) are kept by the screen; all others are numbers in
a set, for the keyboard, the mouse and the widget to look at. Imports the screen.

Sources: xterm's ctlseqs (DECSET, DECRQM), the VT510 manual, and the specification of synchronized output (2026).
"""

from __future__ import annotations

from collections.abc import Iterable

from .screen import Screen

CURSOR_KEYS, REVERSE_VIDEO, BLINK, CURSOR, REVERSE_WRAP, KEYPAD, BACKSPACE_KEY = 1, 5, 12, 25, 45, 66, 67
FOCUS, ALTERNATE_SCROLL, EXTENDED_REVERSE_WRAP, PASTE, SYNCHRONIZED = 1004, 1007, 1045, 2004, 2026
MOUSE = (9, 1000, 1002, 1003)
MOUSE_ENCODINGS = (1005, 1006, 1015)
PLAIN = frozenset({CURSOR_KEYS, REVERSE_VIDEO, BLINK, CURSOR, REVERSE_WRAP, KEYPAD, BACKSPACE_KEY, *MOUSE}) | {
    *(FOCUS, *MOUSE_ENCODINGS, ALTERNATE_SCROLL, EXTENDED_REVERSE_WRAP, PASTE)
}
"""The modes that are nothing but a number in the set."""
_SCREEN = frozenset({6, 7, 47, 69, 1047, 1048, 1049})
_PERMANENT = {8: 1, 3: 4, 1016: 4, 1034: 4, 1036: 3, 1039: 3}
"""Modes that are what they are: repeating keys, 80 or 132 columns, Alt sends an escape …; 3 is set, 4 is reset."""
DEFAULT = frozenset({CURSOR, ALTERNATE_SCROLL})


class Modes:
    """The modes of one terminal. Those it does not know are ignored."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.reset()

    def reset(self) -> None:
        self.on: set[int] = set(DEFAULT)
        """The private modes that are set, but for those the screen keeps: ask `is_set`."""
        self.saved: dict[int, bool] = {}
        """What XTSAVE kept."""

    def soft_reset(self) -> None:
        self.on -= {CURSOR_KEYS, KEYPAD, REVERSE_WRAP, EXTENDED_REVERSE_WRAP}
        self.on.add(CURSOR)

    def set_private(self, modes: Iterable[int], on: bool) -> None:
        """DECSET and DECRST."""
        for mode in modes:
            if mode in _SCREEN:
                self._set_screen(mode, on)
            elif mode in PLAIN or mode == SYNCHRONIZED:
                for group in (MOUSE, MOUSE_ENCODINGS):
                    if mode in group:
                        self.on.difference_update(group)
                (self.on.add if on else self.on.discard)(mode)

    def set_ansi(self, modes: Iterable[int], on: bool) -> None:
        """SM and RM: insert (4) and newline (20)."""
        for mode in modes:
            if mode == 4:
                self._screen.set_insert(on)
            elif mode == 20:
                self._screen.newline = on

    def _set_screen(self, mode: int, on: bool) -> None:
        screen = self._screen
        match mode:
            case 6:
                screen.set_origin(on)
            case 7:
                screen.autowrap = on
            case 47 | 1047:
                (screen.show_alternate if on else screen.show_main)()
            case 69:
                screen.set_side_margin_mode(on)
            case 1048:
                (screen.save if on else screen.restore)()
            case 1049 if on:
                screen.save()
                if screen.alternate:
                    screen.erase_lines(0, screen.lines)
                screen.show_alternate()
            case 1049:
                screen.show_main()
                screen.restore()

    def is_set(self, mode: int) -> bool:
        screen = self._screen
        kept = {6: screen.origin, 7: screen.autowrap, 69: screen.side_margins}
        kept |= dict.fromkeys((47, 1047, 1049), screen.alternate)
        return kept.get(mode, mode in self.on)

    def report(self, mode: int) -> int:
        """What DECRQM is answered of a private mode: 0 unknown, 1 set, 2 reset, 3 and 4 the same for ever."""
        if mode not in PLAIN and mode not in _SCREEN and mode != SYNCHRONIZED:
            return _PERMANENT.get(mode, 0)
        return 1 if self.is_set(mode) else 2

    def report_ansi(self, mode: int) -> int:
        """The same of an ANSI mode. A keyboard that is never locked (2), and no local echo (12)."""
        match mode:
            case 4:
                return 1 if self._screen.insert else 2
            case 20:
                return 1 if self._screen.newline else 2
        return {2: 4, 12: 3}.get(mode, 0)

    def save(self, modes: Iterable[int]) -> None:
        """XTSAVE, for modes that do nothing when they are set."""
        self.saved |= {mode: mode in self.on for mode in modes if mode in PLAIN}

    def restore(self, modes: Iterable[int]) -> None:
        """XTRESTORE."""
        for mode in modes:
            if mode in self.saved:
                self.set_private((mode,), self.saved[mode])
