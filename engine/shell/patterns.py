r"""Shell patterns (POSIX XCU 2.14): `*`, `?`, `[…]`, and `\` before what is meant literally. Imports re.

A pattern is cut at its stars into segments of fixed length. Each segment is searched from where the one before it
ended: the leftmost place is always good enough, so nothing is ever tried twice and the time is at most the product
of both lengths. Classes are Unicode's; ranges go by code point.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_CLASSES: Final = {
    "alnum": ("a-zA-Z0-9", str.isalnum),
    "alpha": ("a-zA-Z", str.isalpha),
    "blank": (" \\t", None),
    "cntrl": ("\\x00-\\x1f\\x7f", None),
    "digit": ("0-9", None),
    "graph": ("!-~", str.isprintable),
    "lower": ("a-z", str.islower),
    "print": (" -~", str.isprintable),
    "punct": ("!-/:-@\\[-`{-~", None),
    "space": (" \\t-\\r", None),
    "upper": ("A-Z", str.isupper),
    "word": ("a-zA-Z0-9_", str.isalnum),
    "xdigit": ("0-9a-fA-F", None),
}
_SPECIAL: Final = re.compile(r"[*?\[\\]")
_PLAIN: Final = re.compile(r"(?:[^*?\[\\]++|\\.)*+\\?", re.DOTALL)  # no `*`, `?` or `[` that is not quoted
_NEVER: Final = r"(?!)"


def escape(text: str) -> str:
    """`text` as a pattern that matches nothing else."""
    return _SPECIAL.sub(r"\\\g<0>", text) if _SPECIAL.search(text) else text


def unescape(pattern: str) -> str:
    """What a pattern without `*`, `?` and `[…]` matches."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL) if "\\" in pattern else pattern


def is_magic(pattern: str) -> bool:
    """Whether it can match something else than one text."""
    return compile(pattern).literal is None


class Pattern:
    """One compiled pattern. `literal` is the only text that it matches, if there is only one.

    Offsets are in characters.
    """

    __slots__ = ("_backward", "_forward", "literal")

    def __init__(self, pattern: str) -> None:
        if _PLAIN.fullmatch(pattern):
            self.literal: str | None = unescape(pattern)
            return
        segments = _segments(pattern)
        plain = len(segments) == 1 and all(len(atom) == 1 or atom[0] == "\\" for atom in segments[0])
        self.literal = "".join(atom[-1] for atom in segments[0]) if plain else None
        self._forward = _Direction(segments)
        self._backward = _Direction([segment[::-1] for segment in reversed(segments)])

    def matches(self, text: str) -> bool:
        """Whether it matches the whole text."""
        return text == self.literal if self.literal is not None else self._forward.whole.match(text) is not None

    def prefix(self, text: str, *, longest: bool) -> int | None:
        """Where the shortest or longest beginning ends that it matches."""
        if self.literal is not None:
            return len(self.literal) if text.startswith(self.literal) else None
        return self._forward.end(text, longest)

    def suffix(self, text: str, *, longest: bool) -> int | None:
        """Where the shortest or longest ending begins that it matches."""
        if self.literal is not None:
            return len(text) - len(self.literal) if text.endswith(self.literal) else None
        end = self._backward.end(text[::-1], longest)
        return None if end is None else len(text) - end

    def find(self, text: str, start: int) -> tuple[int, int] | None:
        """The leftmost match from `start` on, and there the longest."""
        begin = self._forward.first.search(text, start)
        # When the rest is not found after the leftmost beginning, it is not found after a later one either.
        rest = begin and self._forward.rest.match(text, begin.end())
        return (begin.start(), rest.end()) if begin and rest else None


class _Direction:
    """The segments as regular expressions, compiled when needed. An atomic group never gives back what it found."""

    __slots__ = ("_compiled", "_segments")

    def __init__(self, segments: list[list[str]]) -> None:
        self._segments = ["".join(segment) for segment in segments]
        self._compiled: dict[str, re.Pattern[str]] = {}

    def _expression(self, kind: str, text: str) -> re.Pattern[str]:
        if kind not in self._compiled:
            self._compiled[kind] = re.compile(text, re.DOTALL)
        return self._compiled[kind]

    def _after_first(self, star: str) -> str:
        if len(self._segments) == 1:
            return ""
        *middle, last = self._segments[1:]
        return "".join(f"(?>.*?{segment})" for segment in middle) + star + last

    @property
    def first(self) -> re.Pattern[str]:
        """What stands before the first star."""
        return self._expression("first", self._segments[0])

    @property
    def rest(self) -> re.Pattern[str]:
        """What stands after it, as long as possible."""
        return self._expression("rest", self._after_first(".*"))

    @property
    def whole(self) -> re.Pattern[str]:
        """All, up to the end of the text."""
        return self._expression("whole", self._segments[0] + self._after_first(".*") + r"\Z")

    def end(self, text: str, longest: bool) -> int | None:
        """Where a match at the beginning ends."""
        star = ".*" if longest else ".*?"
        found = self._expression(star, self._segments[0] + self._after_first(star)).match(text)
        return found and found.end()


@lru_cache(maxsize=64)
def compile(pattern: str) -> Pattern:
    """The pattern, ready to be matched. Every text is a pattern: what is unfinished is taken literally."""
    return Pattern(pattern)


def _segments(pattern: str) -> list[list[str]]:
    """What stands between the stars: per character of the text one atom, a regular expression for one character."""
    segments: list[list[str]] = [[]]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            if segments[-1] or len(segments) == 1:
                segments.append([])
        elif character == "?":
            segments[-1].append("(?:.)")
        elif character == "[" and (bracket := _bracket(pattern, position)):
            atom, position = bracket
            segments[-1].append(atom)
        else:
            if character == "\\" and position < len(pattern):
                character = pattern[position]
                position += 1
            segments[-1].append(re.escape(character))
    return segments


def _bracket(pattern: str, position: int) -> tuple[str, int] | None:
    """The expression after a `[` as a regular one, and where it ends; None when no `]` closes it."""
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    first, members = position, ""
    while position < len(pattern):
        if pattern[position] == "]" and position > first:
            return (
                f"[^{members}]" if members else "."
            ) if negated else f"[{members}]" if members else _NEVER, position + 1
        if pattern.startswith("[:", position) and (close := pattern.find(":]", position + 2)) >= 0:
            members += _class(pattern[position + 2 : close])
            position = close + 2
            continue
        low, position = _member(pattern, position)
        high = low
        if pattern.startswith("-", position) and pattern[position + 1 : position + 2] not in ("", "]"):
            high, position = _member(pattern, position + 1)
        if len(low) == len(high) == 1 and low <= high:
            members += f"{re.escape(low)}-{re.escape(high)}"
    return None


@lru_cache
def _class(name: str) -> str:
    """The members of `[:name:]`, for a regular expression. Of one that is unknown there are none."""
    members, others = _CLASSES.get(name, ("", None))
    if others:
        letters = itertools.groupby(map(chr, range(0x80, 0x30000)), others)
        runs = [list(run) for belongs, run in letters if belongs]
        members += "".join(f"{run[0]}-{run[-1]}" for run in runs)
    return members


def _member(pattern: str, position: int) -> tuple[str, int]:
    """One character of a bracket expression, plain, quoted, or as `[.x.]` or `[=x=]`; and where it ends."""
    for opening, closing in (("[.", ".]"), ("[=", "=]")):
        if pattern.startswith(opening, position) and (close := pattern.find(closing, position + 3)) >= 0:
            return pattern[position + 2 : close], close + 2
    if pattern[position] == "\\" and position + 1 < len(pattern):
        position += 1
    return pattern[position], position + 1
