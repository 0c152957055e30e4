"""Answers: what programs ask their terminal, and what they are told.

Answered is what is safe: nothing that a program could have put there itself (titles, the clipboard), for its answer is
typed into whatever reads next. Imports screen, modes, colors and sgr.

Sources: xterm's ctlseqs; DEC STD 070 and the VT420 manual, whose abilities are claimed.
"""

from __future__ import annotations

from collections.abc import Callable

from .colors import Colors, spelled
from .modes import Modes
from .screen import Screen
from .sgr import sgr

_LONGEST_CAPABILITY = 64
_CAPABILITIES = {"TN": "xterm-256color", "name": "xterm-256color", "Co": "256", "colors": "256", "RGB": "8"}


class Answers:
    """Answers for one terminal, through `reply`, which takes text."""

    def __init__(self, screen: Screen, modes: Modes, reply: Callable[[str], None]) -> None:
        self._screen, self._modes, self._reply = screen, modes, reply
        self.colors = Colors()
        self.cursor_style = 0

    def primary_attributes(self) -> None:
        """DA1: a VT420 with side margins, ANSI colours and rectangles."""
        self._reply("\x1b[?64;21;22;28c")

    def secondary_attributes(self) -> None:
        """DA2: what xterm says as a VT420."""
        self._reply("\x1b[>41;380;0c")

    def tertiary_attributes(self) -> None:
        """DA3: a unit number, which nobody looks at."""
        self._reply("\x1bP!|00000000\x1b\\")

    def name(self) -> None:
        """XTVERSION."""
        self._reply("\x1bP>|heliostui\x1b\\")

    def parameters(self, kind: int) -> None:
        """DECREQTPARM: no parity, 8 bits, 38,400 baud, as xterm."""
        if kind <= 1:
            self._reply(f"\x1b[{kind + 2};1;1;128;128;1;0x")

    def status(self, what: int) -> None:
        """DSR: all is well, or where the cursor is."""
        if what == 5:
            self._reply("\x1b[0n")
        elif what == 6:
            self._reply(f"\x1b[{self._place()}R")

    def private_status(self, what: int) -> None:
        """DSR for DEC: cursor, no printer, no locked keys, a keyboard, no locator; and whether colours are dark."""
        known = {15: "13", 25: "20", 26: "27;1;0;0", 53: "50", 55: "50", 56: "57;0"}
        if what == 6:
            self._reply(f"\x1b[?{self._place()}R")
        elif what == 996:
            self._reply(f"\x1b[?997;{1 if self.colors.dark else 2}n")
        elif what in known:
            self._reply(f"\x1b[?{known[what]}n")

    def _place(self) -> str:
        screen = self._screen
        top, left = (screen.top, screen.left) if screen.origin else (0, 0)
        return f"{screen.y + 1 - top};{screen.x + 1 - left}"

    def mode(self, mode: int) -> None:
        """DECRQM for a private mode."""
        self._reply(f"\x1b[?{mode};{self._modes.report(mode)}$y")

    def ansi_mode(self, mode: int) -> None:
        """DECRQM for an ANSI mode."""
        self._reply(f"\x1b[{mode};{self._modes.report_ansi(mode)}$y")

    def modifier_keys(self, what: int) -> None:
        """XTQMODKEYS: modified keys are not sent in a form of their own."""
        if what == 4:
            self._reply("\x1b[>4;0m")

    def window(self, what: int) -> None:
        """XTWINOPS: not iconified, and the size in cells. Pixels and titles are not told."""
        size = f"{self._screen.lines};{self._screen.columns}"
        known = {11: "1", 18: f"8;{size}", 19: f"9;{size}"}
        if what in known:
            self._reply(f"\x1b[{known[what]}t")

    def string(self, asked: str) -> None:
        """The device control strings that ask: DECRQSS and XTGETTCAP."""
        if asked.startswith("$q"):
            setting = self._setting(asked[2:])
            self._reply("\x1bP0$r\x1b\\" if setting is None else f"\x1bP1$r{setting}{asked[2:]}\x1b\\")
        elif asked.startswith("+q"):
            for name in asked[2:].split(";")[:16]:
                self._capability(name)

    def _setting(self, name: str) -> str | None:
        screen = self._screen
        return {
            "m": sgr(screen.styles.styles[screen.style]),
            "r": f"{screen.top + 1};{screen.bottom + 1}",
            "s": f"{screen.left + 1};{screen.right + 1}",
            "t": f"{screen.lines}",
            "$|": f"{screen.columns}",
            "*|": f"{screen.lines}",
            " q": f"{self.cursor_style}",
            '"q': "0",
            '"p': "64;1",
        }.get(name)

    def _capability(self, name: str) -> None:
        """One of terminfo's, its name and its value in hexadecimal digits."""
        try:
            known = _CAPABILITIES.get(bytes.fromhex(name[:_LONGEST_CAPABILITY]).decode("ascii"))
        except ValueError:
            return
        if known is None:
            self._reply(f"\x1bP0+r{name[:_LONGEST_CAPABILITY]}\x1b\\")
        else:
            self._reply(f"\x1bP1+r{name}={known.encode().hex().upper()}\x1b\\")

    def indexed_color(self, index: int, end: str) -> None:
        """OSC 4."""
        self._reply(f"\x1b]4;{index};{spelled(self.colors.indexed(index))}{end}")

    def named_color(self, number: int, end: str) -> None:
        """OSC 10, 11 and 12: the default foreground and background, and the cursor."""
        color = {10: self.colors.foreground, 11: self.colors.background, 12: self.colors.cursor}.get(number)
        if color is not None:
            self._reply(f"\x1b]{number};{spelled(color)}{end}")
