"""Tilde expansion (POSIX XCU 2.6.1), with bash's `~+`, `~-` and `~N`. Imports re; pwd when a user is named.

Works on the typed word: what a tilde stands for becomes a quoted literal, so that nothing else is done to it.
"""

from __future__ import annotations

import re
from typing import Final

from engine.shell.ast import Literal, Part, Word
from engine.shell.state import State

# A tilde and what belongs to it, at the beginning of a word, or in an assignment also after each colon. It counts only
# when it goes up to a slash, a colon, or the end of the word; what is quoted never belongs to it.
_AT_START: Final = re.compile(r"\A~([^/]*)(?=/|\Z)")
_IN_VALUE: Final = re.compile(r"(?:\A|(?<=:))~([^/:]*)(?=[/:]|\Z)")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


def expand(word: Word, state: State, *, value: bool = False) -> Word:
    """The word with directories in the place of its tildes. `value`: it is the value of an assignment.

    The part after `=` of a word that looks like an assignment is taken as a value too, as in bash.
    """
    first = word.parts[0]
    looks = None if value or type(first) is not Literal or first.quoted else _ASSIGNMENT.match(first.text)
    parts: list[Part] = []
    for index, part in enumerate(word.parts):
        if type(part) is not Literal or part.quoted:
            parts.append(part)
            continue
        skipped = looks.end() if looks and index == 0 else 0
        if skipped:
            parts.append(part._replace(text=part.text[:skipped]))
        last = index == len(word.parts) - 1
        expression = _IN_VALUE if value or looks else _AT_START if index == 0 else None
        rest = part._replace(text=part.text[skipped:])
        parts += _parts(rest, expression, state, at_start=index == 0, at_end=last) if expression else [rest]
    return word._replace(parts=tuple(parts))


def directory(prefix: str, state: State) -> str | None:
    """What `~prefix` stands for; None when there is no such user or place, and it stays as it is."""
    variables = state.variables
    if prefix == "":
        home = variables.get("HOME")
        return home if home is not None else _home_of(None)
    if prefix == "+":
        return variables.get("PWD")
    if prefix == "-":
        return variables.get("OLDPWD")
    if re.fullmatch(r"[-+]?[0-9]+", prefix):
        stack = [variables.get("PWD") or "", *state.directories]
        index = int(prefix.lstrip("+-"))
        if index >= len(stack):
            return None
        return stack[-1 - index] if prefix.startswith("-") else stack[index]
    return _home_of(prefix)


def _home_of(user: str | None) -> str | None:
    import os
    import pwd

    try:
        return (pwd.getpwuid(os.getuid()) if user is None else pwd.getpwnam(user)).pw_dir
    except (KeyError, ValueError):
        return None


def _parts(literal: Literal, expression: re.Pattern[str], state: State, *, at_start: bool, at_end: bool) -> list[Part]:
    """The literal cut up: what tildes stand for is quoted."""
    text = literal.text
    parts: list[Part] = []
    position = 0
    for match in expression.finditer(text):
        whole = (match.start() > 0 or at_start) and (match.end() < len(text) or at_end)
        found = directory(match[1], state) if whole else None
        if found is not None:
            parts += [literal._replace(text=text[position : match.start()]), literal._replace(text=found, quoted=True)]
            position = match.end()
    return [*parts, literal._replace(text=text[position:])]
