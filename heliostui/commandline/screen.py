"""A terminal whose text is written over again, as `stats` and `heap map --watch` do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

_CLEAR, _HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """Nothing is sent while nothing changes."""

    def __init__(self) -> None:
        self._shown = ""
        self._size = os.terminal_size((0, 0))

    def show(self, lines_for: Callable[[os.terminal_size], list[str]]) -> None:
        """The lines as far as there is room; each fits the width that `lines_for` is told."""
        size = shutil.get_terminal_size()
        lines = lines_for(size)
        if len(lines) >= size.lines:
            left = len(lines) - size.lines + 2
            lines = [*lines[: size.lines - 2], f"… and {left} more"]
        shown = "".join(f"{line}{_TO_LINE_END}\n" for line in lines)
        if size != self._size:
            self._size, self._shown = size, ""
            sys.stdout.write(_CLEAR)
        if shown != self._shown:
            self._shown = shown
            sys.stdout.write(f"{_HOME}{shown}{_TO_SCREEN_END}")
            sys.stdout.flush()
