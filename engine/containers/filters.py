"""The filters of `ps` (see `ListContainers`). Imports the protocol.

Filters of different keys must all hold; of several for one key (but `label`) one is enough, as with Docker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from engine.errors import EngineError
from engine.protocol.messages import ContainerSummary, ErrorCode, Status

Test = Callable[[ContainerSummary], bool]
KEYS = ("status", "name", "id", "image", "label", "network", "publish", "health")
HEALTH = ("starting", "healthy", "unhealthy", "none")


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
    return lambda summary: all(any(test(summary) for test in group) for group in groups)


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
            return lambda summary: summary.status == value
        case "name":
            return lambda summary: value in summary.name
        case "id":
            return lambda summary: summary.id.startswith(value)
        case "image":
            return lambda summary: summary.image == value
        case "network":
            return lambda summary: value in summary.networks
        case "publish":
            return _publishes(value)
        case "health":
            if value not in HEALTH:
                raise EngineError(ErrorCode.INVALID, f"{value[:64]!r} is no health: give one of {', '.join(HEALTH)}.")
            return lambda summary: (summary.health or "none") == value
    label, equals, wanted = value.partition("=")
    return lambda summary: label in summary.labels and (not equals or summary.labels[label] == wanted)


def _publishes(value: str) -> Test:
    """`PORT[/PROTOCOL]`, of the container or of the host."""
    port, slash, protocol = value.partition("/")
    if not port.isascii() or not port.isdecimal() or (slash and protocol not in ("tcp", "udp")):
        raise EngineError(ErrorCode.INVALID, f"{value[:64]!r} is no port: write it as in publish=80 or publish=53/udp.")
    number, protocols = int(port), (protocol,) if slash else ("tcp", "udp")
    return lambda summary: any(
        number in (one.container_port, one.port) and one.protocol in protocols for one in summary.ports
    )
