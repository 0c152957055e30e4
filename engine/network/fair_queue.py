"""Work of many clients, of whom none keeps the others waiting. Pure; standard library only."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """One line per client, of at most `length`; each is served in its turn, one item at a time."""

    def __init__(self, length: int, clients: int) -> None:
        """At most `clients` wait at once."""
        self._length = length
        self._clients = clients
        self._lines: dict[str, deque[Item]] = {}  # none is empty; whose turn it is comes first

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, client: str, item: Item) -> bool:
        """Whether there was room."""
        line = self._lines.get(client)
        if line is None:
            if len(self._lines) >= self._clients:
                return False
            self._lines[client] = deque((item,))
            return True
        if len(line) >= self._length:
            return False
        line.append(item)
        return True

    def take(self) -> Item:
        """The next one's first. Raises StopIteration where nobody waits."""
        client = next(iter(self._lines))
        line = self._lines.pop(client)
        item = line.popleft()
        if line:
            self._lines[client] = line  # behind all others
        return item
