"""Things that have parents, in the order of a tree, with the lines that are drawn before each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Placed(NamedTuple):
    """Where something stands: what is drawn before it (`│ ├─`), and how many it has below, at any depth."""

    branch: str
    below: int


def tree(
    things: Iterable[T], key: Callable[[T], K], parent: Callable[[T], K], folded: Collection[K]
) -> Iterator[tuple[T, Placed]]:
    """Parents before children, siblings in the order given; those below `folded` ones are left out. Things whose parent
    is not there are roots."""
    given = list(things)
    known = {key(thing) for thing in given}
    children: dict[K | None, list[T]] = {}
    for thing in given:
        above = parent(thing)
        children.setdefault(above if above in known and above != key(thing) else None, []).append(thing)
    below = _counts(children, key)
    waiting = [(root, "", "") for root in reversed(children.get(None, []))]
    while waiting:
        thing, branch, indent = waiting.pop()
        yield thing, Placed(branch, below.get(key(thing), 0))
        if key(thing) not in folded:
            for number, child in enumerate(reversed(children.get(key(thing), []))):
                last = number == 0
                waiting.append((child, indent + ("└─" if last else "├─"), indent + ("  " if last else "│ ")))


def _counts(children: dict[K | None, list[T]], key: Callable[[T], K]) -> dict[K, int]:
    """How many each has below."""
    order: list[tuple[K, K | None]] = []
    waiting: list[K | None] = [None]
    while waiting:
        above = waiting.pop()
        for child in children.get(above, []):
            order.append((key(child), above))
            waiting.append(key(child))
    counts: dict[K, int] = {}
    for one, above in reversed(order):
        if above is not None:
            counts[above] = counts.get(above, 0) + 1 + counts.get(one, 0)
    return counts
