"""What a full-screen program leaves switched on in the user's terminal when it is detached from or killed."""

from __future__ import annotations

import re

# ECMA-48 and xterm's ctlseqs: CSI ? Pm h sets and CSI ? Pm l resets DEC private modes.
_SWITCH = re.compile(rb"\x1b\[\?([0-9;]{1,64})([hl])")
_UNFINISHED = re.compile(rb"\x1b(?:\[(?:\?[0-9;]{0,64})?)?\Z")
_ON_BY_DEFAULT = frozenset({7, 25})  # wrap at the right margin; the cursor is visible
_LAST = (47, 1047, 1049)  # the alternate screen goes last: what comes before belongs to it
_IGNORED = frozenset({2026})  # synchronized output ends by itself


class Modes:
    """Follows a program's output; `undo` puts the terminal back."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._rest = b""
        self._seen = False

    def feed(self, data: bytes) -> None:
        """Notes the modes that the output changes; sequences may be cut anywhere between two pieces."""
        self._seen = True
        data = self._rest + data
        for parameters, final in _SWITCH.findall(data):
            for number in (int(p) for p in parameters.split(b";") if p and len(p) < 8):
                differs = (final == b"h") != (number in _ON_BY_DEFAULT)
                (self._changed.add if differs else self._changed.discard)(number)
        tail = _UNFINISHED.search(data[-80:])
        self._rest = tail[0] if tail else b""

    def undo(self) -> bytes:
        """Colours off, keypad and character set as usual, and each changed mode back."""
        if not self._seen:
            return b""
        order = sorted(self._changed - _IGNORED, key=lambda number: (number in _LAST, number))
        switches = (b"\x1b[?%d%c" % (number, b"lh"[number in _ON_BY_DEFAULT]) for number in order)
        return b"\x1b[m\x1b(B\x1b>" + b"".join(switches)
