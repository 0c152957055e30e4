"""What is searched for in a line: words as they are, or a regular expression between slashes. Imports bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from widgets.bounded import TOO_SLOW, Bounded


@dataclass(frozen=True)
class Matcher:
    """Finds something in lines. `text`: as it was typed; `fault`: why that is no regular expression."""

    text: str
    pattern: Bounded | None = None
    inverse: bool = False
    """Lines without it are meant (a `!` before it)."""
    fault: str = ""

    def __bool__(self) -> bool:
        return self.pattern is not None

    def matches(self, line: str) -> bool:
        """Whether the line is one that is meant."""
        return self.pattern is not None and self.pattern.search(line) != self.inverse and not self.pattern.slow

    @property
    def wrong(self) -> str:
        """Why nothing can be found."""
        return self.fault or (TOO_SLOW if self.pattern is not None and self.pattern.slow else "")

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where it is found: begin and end of each place that is not empty."""
        if self.pattern is None or self.inverse:
            return []
        return [(start, end) for start, end in self.pattern.spans(line) if end > start]


def matcher(text: str, *, inverse: bool = False) -> Matcher:
    """What `text` means. `words` are looked for without regard to case; `/re/` is a regular expression, which regards
    case only if there are capitals in it; with `inverse` a `!` before either means lines without it."""
    wanted, no = (text[1:].lstrip(), True) if inverse and text.startswith("!") else (text, False)
    if len(wanted) > 1 and wanted.startswith("/"):
        source = wanted[1:-1] if wanted.endswith("/") and len(wanted) > 2 else wanted[1:]
        try:
            return Matcher(text, Bounded(re.compile(source, 0 if _has_capitals(source) else re.IGNORECASE)), no)
        except re.error as error:
            return Matcher(text, fault=f"{error.msg} at {error.pos}" if error.pos is not None else error.msg)
        except (OverflowError, RecursionError):
            return Matcher(text, fault="it is too large")
    if not wanted or wanted == "/":
        return Matcher(text)
    return Matcher(text, Bounded(re.compile(re.escape(wanted), re.IGNORECASE)), no)


def _has_capitals(source: str) -> bool:
    """Not those of classes such as \\W."""
    return any(character.isupper() for character in re.sub(r"\\.", "", source))
