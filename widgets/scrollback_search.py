"""A search through all that a terminal can still show. Imports passage and engine.terminal."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from engine.terminal import Terminal

from .passage import Passage, Place, passages

MOST_MATCHES = 100_000


class ScrollbackSearch:
    """Where a text stands on a terminal; a line that was wrapped is one line. Case counts once the text has capitals.

    Looks once, when it is made; `look` looks again.
    """

    def __init__(self, terminal: Terminal, term: str) -> None:
        self.term = term
        self.current: Place | None = None
        """Where the match begins that was gone to."""
        self._terminal = terminal
        flags = re.NOFLAG if any(character.isupper() for character in term) else re.IGNORECASE
        self._pattern = re.compile(re.escape(term), flags)
        self.look()

    def look(self) -> None:
        """Look through the terminal as it is now."""
        self._passages: list[Passage] = list(passages(self._terminal))
        texts = [passage.text for passage in self._passages]
        self._starts = [0]
        for text in texts:
            self._starts.append(self._starts[-1] + len(text) + 1)
        found = self._pattern.finditer("\n".join(texts)) if self.term else iter(())
        self._found = [match.start() for match, _ in zip(found, range(MOST_MATCHES), strict=False)]

    @property
    def count(self) -> int:
        return len(self._found)

    @property
    def number(self) -> int:
        """Which match was gone to, from 1; 0 for none."""
        if self.current is None:
            return 0
        at = bisect_left(self._found, self._offset(self.current))
        return at + 1 if at < self.count and self._place(self._found[at]) == self.current else 0

    def go(self, direction: int, start: Place) -> Place | None:
        """Make the next match (1) after `start`, or the one before (-1), the current one; round the end."""
        if not self._found:
            self.current = None
            return None
        offset = self._offset(start)
        at = bisect_right(self._found, offset) if direction > 0 else bisect_left(self._found, offset) - 1
        self.current = self._place(self._found[at % self.count])
        return self.current

    def columns(self, line: int) -> list[tuple[int, int, bool]]:
        """The cells of a line that match: first, after the last, whether it is the current match."""
        if not self._found:
            return []
        passage = self._passage(line)
        start = self._starts[passage]
        first = bisect_left(self._found, start)
        last = bisect_left(self._found, self._starts[passage + 1])
        spans = []
        for found in self._found[first:last]:
            begin, end = self._place(found), self._place(found + len(self.term) - 1)
            if begin.line <= line <= end.line:
                wide = self._passages[passage].rows[end.line - self._passages[passage].first].is_wide(end.column)
                left = begin.column if begin.line == line else 0
                right = end.column + 1 + wide if end.line == line else self._terminal.columns
                spans.append((left, right, begin == self.current))
        return spans

    def _passage(self, line: int) -> int:
        return max(0, bisect_right(self._passages, line, key=lambda passage: passage.first) - 1)

    def _place(self, offset: int) -> Place:
        passage = bisect_right(self._starts, offset) - 1
        return self._passages[passage].place(offset - self._starts[passage])

    def _offset(self, place: Place) -> int:
        passage = self._passage(place.line)
        index = self._passages[passage].index(place)
        return self._starts[passage] + max(0, min(index, len(self._passages[passage].text)))
