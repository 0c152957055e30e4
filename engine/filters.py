"""Filters of lists, `KEY=VALUE`: all keys must hold; of several values for one key one is enough, but of labels all are
needed, as with Docker. Standard library only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")
Test = Callable[[T], bool]
LABEL = "label"


def combined(filters: Sequence[str], test: Callable[[str, str, str], Test[T]]) -> Test[T]:
    """All filters as one test. `test` makes one of a filter's text, its key and its value, and raises for what is none;
    the key is empty where there is no `=`."""
    alternatives: dict[str, list[Test[T]]] = defaultdict(list)
    for position, text in enumerate(filters):
        key, equals, value = text.partition("=")
        made = test(text, key if equals else "", value)
        # Every label has to hold, so each makes a group of its own.
        alternatives[f"{LABEL} {position}" if key == LABEL else key].append(made)
    groups = list(alternatives.values())
    return lambda one: all(any(holds(one) for holds in group) for group in groups)


def has_label(labels: Mapping[str, str], value: str) -> bool:
    """Whether `label=KEY` or `label=KEY=VALUE` holds."""
    key, equals, wanted = value.partition("=")
    return key in labels and (not equals or labels[key] == wanted)
