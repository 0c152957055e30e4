"""The filters of `ps` (see `ListContainers`). Imports the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine import filters
from engine.errors import EngineError
from engine.protocol.messages import ContainerSummary, ErrorCode, Status

Test = Callable[[ContainerSummary], bool]
KEYS = ("status", "name", "id", "image", "label", "network", "publish", "health")
HEALTH = ("starting", "healthy", "unhealthy", "none")


def parse(texts: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    return filters.combined(texts, _test)


def has_status(texts: Sequence[str]) -> bool:
    """Whether the filters choose by status; then `ps` looks at all containers."""
    return any(text.startswith("status=") for text in texts)


def _test(text: str, key: str, value: str) -> Test:
    if key not in KEYS:
        raise EngineError(
            ErrorCode.INVALID, f"{text[:64]!r} is not a filter: give KEY=VALUE with one of {', '.join(KEYS)}."
        )
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
    return lambda summary: filters.has_label(summary.labels, value)


def _publishes(value: str) -> Test:
    """`PORT[/PROTOCOL]`, of the container or of the host."""
    port, slash, protocol = value.partition("/")
    if not port.isascii() or not port.isdecimal() or (slash and protocol not in ("tcp", "udp")):
        raise EngineError(ErrorCode.INVALID, f"{value[:64]!r} is no port: write it as in publish=80 or publish=53/udp.")
    number, protocols = int(port), (protocol,) if slash else ("tcp", "udp")
    return lambda summary: any(
        number in (one.container_port, one.port) and one.protocol in protocols for one in summary.ports
    )
