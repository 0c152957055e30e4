"""Colours for a line that is being typed: the parser's kinds, whether a command exists, whether a file does.

Imports prompt_toolkit and the shell.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from engine.shell.builtins import BUILTINS
from engine.shell.editor.partial import expanded, unquoted
from engine.shell.editor.programs import Programs
from engine.shell.tokens import tokens

if TYPE_CHECKING:
    from engine.shell.shell import Shell

LONGEST = 20_000  # characters; what is longer has no colours

# The terminal's own sixteen colours, so that every theme fits.
STYLE = Style.from_dict(
    {
        "command": "ansigreen",
        "unknown": "ansired",
        "string": "ansiyellow",
        "variable": "ansicyan",
        "operator": "bold",
        "redirection": "ansimagenta",
        "comment": "ansibrightblack",
        "assignment": "ansicyan",
        "error": "ansired underline",
        "path": "underline",
        "auto-suggestion": "ansibrightblack",
    }
)


class Highlighter(Lexer):
    """What is found out of commands and files is remembered up to the next prompt."""

    def __init__(self, shell: Shell) -> None:
        self._state = shell.state
        self._programs = Programs(shell.state)
        self._known: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Commands and files may have come and gone."""
        self._known.clear()

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines = list(split_lines(self._fragments(document.text)))
        return lambda number: lines[number] if number < len(lines) else []

    def _fragments(self, text: str) -> StyleAndTextTuples:
        if len(text) > LONGEST:
            return [("", text)]
        fragments: StyleAndTextTuples = []
        end = 0
        for kind, (start, stop) in tokens(text):
            fragments += [("", text[end:start]), (self._style(kind, text[start:stop]), text[start:stop])]
            end = stop
        return [*fragments, ("", text[end:])]

    def _style(self, kind: str, text: str) -> str:
        if kind not in ("command", "argument"):
            return f"class:{kind}"
        if (kind, text) not in self._known:
            self._known[kind, text] = self._command(text) if kind == "command" else self._argument(text)
        return self._known[kind, text]

    def _command(self, text: str) -> str:
        name = unquoted(text).text
        if "/" in name:
            known = os.access(expanded(self._state, text), os.X_OK)
        else:
            known = name in self._state.aliases or name in BUILTINS or self._programs.has(name)
        return "class:command" if known else "class:unknown"

    def _argument(self, text: str) -> str:
        path = expanded(self._state, text)
        return "class:path" if path and len(path) < 4096 and "\0" not in path and os.path.lexists(path) else ""
