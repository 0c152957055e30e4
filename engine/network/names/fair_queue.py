"""Work of many clients, of whom none keeps the others waiting. Pure; standard library only."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """One line per client, of at most `length`; each is served in its turn, one item at a time."""

    def __init__(self, length: int, most: int) -> None:
        """At most `most` items wait in all."""
        self._length = length
        self._left = most
        self._lines: dict[str, deque[Item]] = {}  # none is empty; whose turn it is comes first

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, client: str, item: Item) -> bool:
        """Whether there was room."""
        line = self._lines.get(client)
        if not self._left or (line is not None and len(line) >= self._length):
            return False
        self._left -= 1
        if line is None:
            self._lines[client] = deque((item,))
        else:
            line.append(item)
        return True

    def take(self) -> Item:
        """The first one's of whoever's turn it is. Raises StopIteration where nobody waits."""
        client = next(iter(self._lines))
        line = self._lines.pop(client)
        item = line.popleft()
        self._left += 1
        if line:
            self._lines[client] = line  # behind all others
        return item
