"""What stands before the cursor: the word that is being typed, how it is quoted, and what its command's name is.

Imports the shell's tokens and the standard library; knows no editor.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.shell.ast import Span
from engine.shell.quoting import ANSI_QUOTES, ansi_text, quote
from engine.shell.state import State
from engine.shell.tokens import tokens

_VARIABLE = re.compile(r"\$(\{?)([A-Za-z_][A-Za-z0-9_]*)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_WORDS = frozenset(("command", "argument", "string", "variable"))
_ENDS = frozenset((";", "&", "|", "&&", "||", "|&", "(", "{", "!"))


class Unquoted(NamedTuple):
    """`quote`: which one is still open at the end, or ""."""

    text: str
    quote: str


class Partial(NamedTuple):
    """`raw` is the word as it was typed up to the cursor; `before` the words of its command in front of it.

    `kind`: "command", "variable" (then `raw` begins with its `$`), or "argument": also for what is assigned and for
    the file of a redirection, with nothing before when they stand in front of the name.
    """

    kind: str
    raw: str
    before: list[str]


def partial(text: str) -> Partial | None:
    """What is typed at the end of `text`; None where there is nothing to complete, as in a comment."""
    painted = tokens(text + "x")
    if not painted or painted[-1][1].end != len(text) + 1:
        return None
    start = _word_start(painted)
    raw = text[start:]
    variable = _VARIABLE.search(raw)
    if variable and _expands(raw[: variable.start()]):
        return Partial("variable", variable[0], [])
    if painted[-1][0] not in _WORDS:
        return None
    before = _words_before(text, painted, start)
    first = painted[-1][0] == "command" or not (before or painted[-1][0] == "argument" or _is_value(painted, start))
    if not first:
        return Partial("argument", raw, before)
    value = _ASSIGNMENT.match(raw)  # not closed yet, so that the parser doesn't see it as one
    return Partial("argument", raw[value.end() :], []) if value else Partial("command", raw, [])


def _expands(before: str) -> bool:
    """Whether a `$` behind this means something."""
    return unquoted(before).quote != "'" and (len(before) - len(before.rstrip("\\"))) % 2 == 0


def _is_value(painted: Sequence[tuple[str, Span]], start: int) -> bool:
    """Whether what begins there is assigned, or a redirection's file."""
    last = next((kind for kind, (_, end) in reversed(painted) if end <= start), "")
    return last == "redirection" or any(kind == "assignment" and end == start for kind, (_, end) in painted)


def _word_start(painted: Sequence[tuple[str, Span]]) -> int:
    start = painted[-1][1][0]
    for kind, (begin, end) in reversed(painted[:-1]):
        if end != start or kind not in _WORDS:
            break
        start = begin
    return start


def _words_before(text: str, painted: Sequence[tuple[str, Span]], start: int) -> list[str]:
    """The words of the same command, back to its name; none when the word is the name."""
    words: list[str] = []
    end = -1  # where the word begins that is being put together
    depth = 0
    for kind, (begin, stop) in reversed(painted):
        if begin >= start:
            continue
        piece = text[begin:stop]
        if kind == "operator":
            if piece == ")":
                depth += 1
            elif piece in ("$(", "(") and depth:
                depth -= 1
            elif depth == 0 and (piece in _ENDS or piece in ("$(", "`")):
                break
        elif depth == 0 and kind in _WORDS:
            if stop == end:
                words[0] = piece + words[0]
            else:
                words.insert(0, piece)
            end = begin
            if kind == "command" and not _goes_on(painted, begin):
                break
    return [unquoted(word).text for word in words]


def _goes_on(painted: Sequence[tuple[str, Span]], begin: int) -> bool:
    return any(end == begin and kind in _WORDS for kind, (_, end) in painted)


# --- quotes ---


def unquoted(raw: str) -> Unquoted:
    """A word without its quotes and backslashes; expansions stay as they are."""
    pieces: list[str] = []
    open_quote = ""
    position = 0
    while position < len(raw):
        character = raw[position]
        if character == "\\" and open_quote != "'":
            following = raw[position + 1 : position + 2]
            pieces.append(character + following if open_quote and following not in '$`"\\' else following)
            position += 1
        elif not open_quote and (match := ANSI_QUOTES.match(raw, position)):
            pieces.append(ansi_text(match[1]))
            position = match.end() - 1
        elif character in "'\"" and open_quote in ("", character):
            open_quote = "" if open_quote else character
        else:
            pieces.append(character)
        position += 1
    return Unquoted("".join(pieces), open_quote)


def quoted_as(text: str, open_quote: str) -> str:
    """`text` as it must be typed after that quote."""
    if open_quote == "'":
        return text.replace("'", "'\\''")
    if open_quote == '"':
        return re.sub(r'[$`"\\]', r"\\\g<0>", text)
    return quote(text)


def expanded(state: State, raw: str) -> str:
    """What a word stands for if it is typed now: quotes away, `~` and simple variables put in. Runs nothing."""
    text = re.sub(r"\$\{?([A-Za-z_][A-Za-z0-9_]*|[0-9])\}?", _value(state), raw) if "'" not in raw else raw
    plain = unquoted(text).text
    if raw.startswith("~"):
        home = state.variables.get("HOME")
        if home and (plain == "~" or plain.startswith("~/")):
            return home + plain[1:]
        return os.path.expanduser(plain)
    return plain


def _value(state: State) -> Callable[[re.Match[str]], str]:
    return lambda match: (state.parameter(match[1]) or "").replace("\\", "\\\\")
