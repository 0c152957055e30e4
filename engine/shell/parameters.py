"""What the operators of `${name…}` do to a value. Pure: texts in, texts out. Imports re, through patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.shell.patterns import Pattern
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final, TypeAlias

REMOVALS: Final = ("#", "##", "%", "%%")
REPLACEMENTS: Final = ("/", "//", "/#", "/%")

# What a match is replaced by: texts, and None for the match itself.
Replacement: TypeAlias = "Sequence[str | None]"

_MARKS: Final = re.compile(r"\\([\\&])|(&)")


def removed(value: str, operator: str, pattern: Pattern) -> str:
    """`#` and `##` take the shortest or longest match from the beginning, `%` and `%%` from the end."""
    longest = len(operator) == 2
    if operator[0] == "#":
        end = pattern.prefix(value, longest=longest)
        return value if end is None else value[end:]
    start = pattern.suffix(value, longest=longest)
    return value if start is None else value[:start]


def replaced(value: str, operator: str, pattern: Pattern, replacement: Replacement) -> str:
    """`/` replaces the first match, `//` all, `/#` one at the beginning, `/%` one at the end; always the longest."""
    if operator == "/#":
        end = pattern.prefix(value, longest=True)
        return value if end is None else _filled(replacement, value[:end]) + value[end:]
    if operator == "/%":
        start = pattern.suffix(value, longest=True)
        return value if start is None else value[:start] + _filled(replacement, value[start:])
    if pattern.literal == "":
        return value
    if pattern.literal is not None:
        return value.replace(pattern.literal, _filled(replacement, pattern.literal), 1 if operator == "/" else -1)
    parts: list[str] = []
    position = 0
    while found := pattern.find(value, position):
        start, end = found
        parts += (value[position:start], _filled(replacement, value[start:end]))
        position = end
        if operator == "/" or end == len(value):
            break
    return "".join([*parts, value[position:]])


def replacement(text: str) -> Replacement:
    r"""What was not quoted of a replacement: `&` is the match, `\&` a plain `&`."""
    parts: list[str | None] = []
    position = 0
    for mark in _MARKS.finditer(text):
        parts += (text[position : mark.start()], mark[1])
        position = mark.end()
    return [*parts, text[position:]]


def _filled(replacement: Replacement, match: str) -> str:
    return "".join([match if part is None else part for part in replacement])


def bounds(size: int, offset: int, length: int | None) -> tuple[int, int] | None:
    """Start and end of `${name:offset:length}` in something of that size; negative ones count from its end.

    None when the end is before the start. An offset outside gives nothing: (0, 0).
    """
    start = offset + size if offset < 0 else offset
    if not 0 <= start <= size:
        return 0, 0
    if length is None:
        return start, size
    end = size + length if length < 0 else min(size, start + length)
    return (start, end) if end >= start else None
