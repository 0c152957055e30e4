"""The lines of programs' output: made of pieces that need be neither lines nor whole characters, kept to a bound.

Lines have numbers that never change, from 0; the oldest go first. Imports text and matching.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime

from widgets.matching import Matcher
from widgets.text import plain


@dataclass(slots=True)
class LogLine:
    """One line; `text` as it was written, control sequences and all. `source`: whose it is, where there are several."""

    stream: str
    time: datetime
    text: str
    source: str = ""
    number: int = 0

    @property
    def plain(self) -> str:
        """Without control sequences, as it is searched."""
        return self.text if self.text.isprintable() else plain(self.text)


@dataclass(slots=True)
class _Tail:
    """Where a stream writes on: its decoder, and its line that has no end yet."""

    decoder: codecs.IncrementalDecoder
    line: LogLine | None = None


class LogLines:
    """`limit`: lines that are kept, `size`: characters; when there are more, the oldest tenth goes. A line longer than
    `longest` characters goes on in the next."""

    def __init__(self, limit: int, size: int, longest: int) -> None:
        self._limit, self._size, self._longest = limit, size, longest
        self._tails: dict[tuple[str, str], _Tail] = {}
        self.kept: list[LogLine] = []
        self.first = 0
        """The number of the oldest line that is kept."""
        self.characters = 0

    @property
    def end(self) -> int:
        """The number that the next line gets."""
        return self.first + len(self.kept)

    def take(self, stream: str, time: datetime, data: bytes, source: str = "") -> int:
        """A piece of output; the number of the first line that it changed or made."""
        tail = self._tails.get((source, stream))
        if tail is None:
            tail = self._tails[source, stream] = _Tail(codecs.getincrementaldecoder("utf-8")("replace"))
        changed = self.end if tail.line is None else tail.line.number
        *whole, rest = tail.decoder.decode(data).split("\n")
        for text in whole:
            self._add(tail, stream, time, text, source)
            tail.line = None
        if rest:
            self._add(tail, stream, time, rest, source)
        return changed

    def _add(self, tail: _Tail, stream: str, time: datetime, text: str, source: str) -> None:
        self.characters += len(text)
        if tail.line is None:
            tail.line = LogLine(stream, time, text, source, self.end)
            self.kept.append(tail.line)
        else:
            tail.line.text += text
        if len(tail.line.text) > self._longest:
            tail.line = None

    def forget(self) -> int:
        """Let the oldest go if there is too much; how many lines went."""
        count = 0
        if len(self.kept) > self._limit:
            count = len(self.kept) - self._limit + self._limit // 10
        left = self.characters - sum(len(line.text) for line in self.kept[:count])
        if left > self._size:
            while count < len(self.kept) and left > self._size - self._size // 10:
                left -= len(self.kept[count].text)
                count += 1
        if count:
            del self.kept[:count]
            self.first, self.characters = self.first + count, left
            for tail in self._tails.values():
                if tail.line is not None and tail.line.number < self.first:
                    tail.line = None
        return count

    def order(self, since: int) -> int:
        """Put lines from number `since` on into their place by time; the number of the first that moved, or `end`."""
        kept = self.kept
        place = max(1, since - self.first)
        if all(kept[n - 1].time <= kept[n].time for n in range(place, len(kept))):
            return self.end
        earliest = min(line.time for line in kept[place:])
        begin = next((n for n in range(place, 0, -1) if kept[n - 1].time <= earliest), 0)
        kept[begin:] = sorted(kept[begin:], key=lambda line: line.time)
        for number, line in enumerate(kept[begin:], self.first + begin):
            line.number = number
        return self.first + begin


class Sieve:
    """Which lines a filter lets through, with lines around them; told by their numbers, in order."""

    def __init__(self, lines: LogLines, wanted: Matcher, context: int) -> None:
        self._lines, self._wanted, self._context = lines, wanted, context
        self.numbers: list[int] = []
        self.matching = 0
        """How many lines match by themselves, of those that are let through."""
        self._matching: set[int] = set()

    def matches(self, number: int) -> bool:
        """Whether the line matches by itself, and is not only near to one that does."""
        return number in self._matching

    def look(self, since: int) -> int:
        """Look at lines from number `since` on, which are new or different. From which place on `numbers` differs."""
        lines, context = self._lines, self._context
        begin = max(lines.first, since - context)
        place = bisect_left(self.numbers, begin)
        self._matching.difference_update(self.numbers[place:])
        del self.numbers[place:]
        after = 0  # lines that are still to be shown after a match
        for number in range(max(lines.first, begin - context), begin):
            after = context if number in self._matching else max(0, after - 1)
        last = self.numbers[-1] if self.numbers else -1
        for number in range(begin, lines.end):
            if self._wanted.matches(lines.kept[number - lines.first].plain):
                self.numbers += range(max(last + 1, lines.first, number - context), number + 1)
                self._matching.add(number)
                last, after = number, context
            elif after:
                self.numbers.append(number)
                last, after = number, after - 1
        self.matching = len(self._matching)
        return place

    def forget(self) -> int:
        """Let go of lines that are not kept any more; how many were let through of them."""
        place = bisect_left(self.numbers, self._lines.first)
        self._matching.difference_update(self.numbers[:place])
        self.matching = len(self._matching)
        del self.numbers[:place]
        return place
