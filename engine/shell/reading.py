"""Commands from a descriptor: a script on standard input, or a keyboard without the line editor. Imports os only.

Nothing is read ahead: what stands behind a command may be meant for the program that it starts (POSIX XCU 2.3.1, sh).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from engine.shell.faults import Fault, SyntaxFault
from engine.shell.parser import Parser

_BLOCK = 4096


class Lines:
    """Lines of a descriptor. `line` is the number of the next one, from 1."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.line = 1

    def command(self, aliases: Mapping[str, str], prompt: Callable[[bool], None]) -> str | None:
        """As many lines as one command needs; None at the end. `prompt` is called before each, with True for the
        first. A command that is wrong comes back as it is: who carries it out says so. Raises Fault when it can't be
        read."""
        text = ""
        while True:
            prompt(not text)
            line = self._read_line()
            self.line += line.count(b"\n")
            text += line.decode("utf-8", "surrogateescape")
            if not line:
                return text or None
            try:
                for _ in Parser(text, aliases=aliases):
                    pass
            except SyntaxFault as fault:
                if fault.incomplete:
                    continue
            return text

    def _read_line(self) -> bytes:
        """Up to and with the next newline; empty at the end."""
        line = b""
        while not line.endswith(b"\n"):
            piece = self._piece()
            if not piece:
                break
            line += piece
        return line

    def _piece(self) -> bytes:
        """Of a file as much as the line is long: the rest is given back; of anything else one byte."""
        try:
            position = os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return self._typed() if os.isatty(self._fd) else self._read(1)
        piece = self._read(_BLOCK)
        newline = piece.find(b"\n") + 1
        if newline:
            os.lseek(self._fd, position + newline, os.SEEK_SET)
        return piece[:newline] if newline else piece

    def _typed(self) -> bytes:
        try:
            return self._read(_BLOCK)
        except Fault:  # EIO: the terminal is gone, or another's
            return b""

    def _read(self, count: int) -> bytes:
        """read(2); waits also where another program has left the descriptor non-blocking. Raises Fault."""
        while True:
            try:
                return os.read(self._fd, count)
            except BlockingIOError:
                os.set_blocking(self._fd, True)
            except OSError as error:
                raise Fault(f"standard input can't be read: {error.strerror}") from error
