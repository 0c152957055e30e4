"""Keys from the terminal, and nothing that is meant for somebody else. Imports prompt_toolkit.

prompt_toolkit reads whatever has been typed, and what stands behind an Enter would be lost for the program that the
line starts. So here is read no further than what may end the line.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import TextIO

from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding.key_processor import KeyPress

_MAY_END = b"\r\n\x03\x04\x18\x05\x0f"  # Enter, ctrl+c, ctrl+d, ctrl+x ctrl+e, ctrl+o


class Keyboard(Vt100Input):
    """The keyboard of a terminal. `done`: whether the line has ended, so that nothing more is to be read."""

    def __init__(self, terminal: TextIO, done: Callable[[], bool]) -> None:
        super().__init__(terminal)
        self._done = done

    def read_keys(self) -> list[KeyPress]:
        """What has been typed up to a key that may end the line."""
        if self._done():
            return []
        data = b""
        while not data or (data[-1:] not in _MAY_END and select.select([self.fileno()], [], [], 0)[0]):
            piece = self._read()
            if not piece:
                break
            data += piece
        self.vt100_parser.feed(self.stdin_reader._stdin_decoder.decode(data))
        keys, self._buffer = self._buffer, []
        return keys

    def _read(self) -> bytes:
        """One byte; empty, and closed, at the end."""
        try:
            piece = os.read(self.fileno(), 1)
        except OSError:  # EIO: the terminal is gone
            piece = b""
        if not piece:
            self.stdin_reader.closed = True
        return piece
