"""What each character of a text is to the parser: for an editor that colours it while it is typed. Never raises.

The text is painted by the very parser that would run it. Where that stops at a fault, the place is painted as an
error and parsing goes on behind it; what isn't complete yet is no error.
"""

from __future__ import annotations

import re

from engine.shell.ast import Script, Span
from engine.shell.faults import SyntaxFault
from engine.shell.lexer import Lexer
from engine.shell.parser import Grammar
from engine.shell.text import Text

KINDS = ("command", "argument", "string", "variable", "operator", "redirection", "comment", "assignment", "error")
MAX_FAULTS = 20  # after so many the rest is an error

_RUN = re.compile(r"([^\0])\1*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\n]*([;&|]*)")
_GAP = re.compile(rb"\0+")
_ALL = re.compile(r".+", re.DOTALL)
_REST = re.compile(r"(?:[^ \t\n\\]|\\(?:[^\n]|\Z))+")


def tokens(source: str) -> list[tuple[str, Span]]:
    """(kind, place) in the text's order, without overlaps. Every character but blanks and backslashes is in one."""
    canvas = _Canvas(source)
    text = Text(source, 0, len(source), "", 1)
    position = 0
    for _ in range(MAX_FAULTS):
        lexer = Lexer(text, canvas.commands, paint=canvas.paint)
        lexer.position = position
        try:
            while Grammar(lexer, {}).line():
                pass
            break
        except SyntaxFault as fault:
            position = canvas.stop(fault, position)
    return canvas.tokens()


class _Canvas:
    """A number for each character: 0, or that of a kind and one more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.colours = bytearray(len(source))

    def paint(self, kind: str, span: Span) -> None:
        start, end = span
        if start < end:
            self.colours[start:end] = bytes([KINDS.index(kind) + 1]) * (end - start)

    def commands(self, lexer: Lexer) -> tuple[Script, ...]:
        return Grammar(lexer, {}).lines(")")

    def stop(self, fault: SyntaxFault, position: int) -> int:
        """Paint what a fault leaves, and say where to go on."""
        assert fault.place is not None
        _, _, start, end, _ = fault.place
        opening = self.source[start:end]
        if not fault.incomplete:
            self.paint("error", Span(start, end))
            separator = _SEPARATOR.match(self.source, max(position + 1, end))
            assert separator is not None
            self.paint("operator", Span(*separator.span(1)))
            return separator.end()
        self._fill(position, start, _REST)
        if opening in ("'", '"', "$'"):
            self._fill(start, len(self.source), _ALL, "string")
        elif opening.lstrip("0123456789").startswith("<<"):
            self._fill(end, len(self.source), _ALL, "string")
        else:
            self._fill(start, end, _ALL, "operator" if opening in ("$(", "`") else "variable")
            self._fill(start, len(self.source), _REST)
        return len(self.source)

    def _fill(self, start: int, end: int, pattern: re.Pattern[str], kind: str = "") -> None:
        """Paint what nobody has painted and the pattern finds."""
        for gap in _GAP.finditer(self.colours, start, end):
            for match in pattern.finditer(self.source, gap.start(), gap.end()):
                self.paint(kind or ("string" if match[0][0] in "'\"" else "argument"), Span(*match.span()))

    def tokens(self) -> list[tuple[str, Span]]:
        self._fill(0, len(self.source), _REST, "error")
        runs = _RUN.finditer(self.colours.decode("latin-1"))
        return [(KINDS[ord(run[1]) - 1], Span(*run.span())) for run in runs]
