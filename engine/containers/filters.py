"""The filters of `ps` (see `ListContainers`). Imports the protocol.

Filters of different keys must all hold; of several for one key (but `label`) one is enough, as with Docker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from engine.containers.record import Record
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Status

Test = Callable[[Record], bool]
KEYS = ("status", "name", "id", "image", "label")


def parse(filters: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    alternatives: dict[str, list[Test]] = defaultdict(list)
    for position, text in enumerate(filters):
        key, equals, value = text.partition("=")
        if not equals or key not in KEYS:
            raise EngineError(
                ErrorCode.INVALID, f"{text[:64]!r} is not a filter: give KEY=VALUE with one of {', '.join(KEYS)}."
            )
        # Every label has to hold, so each makes a group of its own.
        alternatives[f"label {position}" if key == "label" else key].append(_test(key, value))
    groups = list(alternatives.values())
    return lambda record: all(any(test(record) for test in group) for group in groups)


def has_status(filters: Sequence[str]) -> bool:
    """Whether the filters choose by status; then `ps` looks at all containers."""
    return any(text.startswith("status=") for text in filters)


def _test(key: str, value: str) -> Test:
    match key:
        case "status":
            if value not in set(Status):
                raise EngineError(
                    ErrorCode.INVALID, f"{value[:64]!r} is not a status: give one of {', '.join(Status)}."
                )
            return lambda record: record.status == value
        case "name":
            return lambda record: value in record.name
        case "id":
            return lambda record: record.id.startswith(value)
        case "image":
            return lambda record: record.image == value
    label, equals, wanted = value.partition("=")
    return lambda record: label in record.options.labels and (not equals or record.options.labels[label] == wanted)
